// The ways to an operation that tests share; each returns when results are there.
#pragma once

#include "device_array.h"
#include "policy_call.h"

// Arrays on the device, the workspace that the query asks for.
struct OnDevice {
  template <class T>
  using Array = DeviceArray<T>;

  static int32_t call(const grpo4j_token_stats_args& args, grpo4j_report* report) {
    return in_workspace(grpo4j_cuda_token_stats_workspace, grpo4j_cuda_token_stats, args, report);
  }
  static int32_t call(const grpo4j_policy_loss_args& args, grpo4j_policy_metrics* metrics) {
    return in_workspace(grpo4j_cuda_policy_loss_workspace, grpo4j_cuda_policy_loss, args, metrics);
  }
  static int32_t call(const grpo4j_row_states_args& args, grpo4j_report* report) {
    return in_workspace(grpo4j_cuda_row_states_workspace, grpo4j_cuda_row_states, args, report);
  }
  static int32_t call(const grpo4j_objective_args& args, grpo4j_policy_metrics* metrics) {
    return in_workspace(grpo4j_cuda_objective_workspace, grpo4j_cuda_objective, args, metrics);
  }
  static int32_t call(const grpo4j_merge_states_args& args, grpo4j_report* report) {
    return waited(grpo4j_cuda_merge_states(&args, report, nullptr));
  }
  static int32_t call(const grpo4j_logits_gradient_args& args, grpo4j_report* report) {
    return waited(grpo4j_cuda_logits_gradient(&args, report, nullptr));
  }
  static int32_t call(const grpo4j_group_advantages_args& args) {
    return waited(grpo4j_cuda_group_advantages(&args, nullptr));
  }
  static int32_t call(const grpo4j_token_weights_args& args) {
    return waited(grpo4j_cuda_token_weights(&args, nullptr));
  }

 private:
  static int32_t waited(int32_t status) {
    grpo4j_cuda_synchronize(nullptr);
    return status;
  }
  template <class Args, class Result>
  static int32_t in_workspace(int64_t (*query)(const Args*),
                              int32_t (*operation)(const Args*, Result*, void*, int64_t, void*),
                              const Args& args, Result* result) {
    const int64_t bytes = query(&args);
    if (bytes < 0) return GRPO4J_INVALID_ARGUMENT;
    const DeviceArray<char> workspace(bytes);
    return waited(operation(&args, result, workspace.data(), bytes, nullptr));
  }
};

// Arrays on the host, copied by grpo4j_cuda_host_*.
struct OnHost {
  template <class T>
  using Array = HostArray<T>;

  static int32_t call(const grpo4j_token_stats_args& args, grpo4j_report* report) {
    return grpo4j_cuda_host_token_stats(&args, report);
  }
  static int32_t call(const grpo4j_policy_loss_args& args, grpo4j_policy_metrics* metrics) {
    return grpo4j_cuda_host_policy_loss(&args, metrics);
  }
  static int32_t call(const grpo4j_row_states_args& args, grpo4j_report* report) {
    return grpo4j_cuda_host_row_states(&args, report);
  }
  static int32_t call(const grpo4j_objective_args& args, grpo4j_policy_metrics* metrics) {
    return grpo4j_cuda_host_objective(&args, metrics);
  }
  static int32_t call(const grpo4j_merge_states_args& args, grpo4j_report* report) {
    return grpo4j_cuda_host_merge_states(&args, report);
  }
  static int32_t call(const grpo4j_logits_gradient_args& args, grpo4j_report* report) {
    return grpo4j_cuda_host_logits_gradient(&args, report);
  }
  static int32_t call(const grpo4j_group_advantages_args& args) {
    return grpo4j_cuda_host_group_advantages(&args);
  }
  static int32_t call(const grpo4j_token_weights_args& args) {
    return grpo4j_cuda_host_token_weights(&args);
  }
};

// libgrpo4j, for what both libraries must say of the same call.
struct OnCpu {
  template <class T>
  using Array = HostArray<T>;

  static int32_t call(const grpo4j_token_stats_args& args, grpo4j_report* report) {
    return grpo4j_token_stats(&args, report);
  }
  static int32_t call(const grpo4j_policy_loss_args& args, grpo4j_policy_metrics* metrics) {
    return grpo4j_policy_loss(&args, metrics);
  }
  static int32_t call(const grpo4j_row_states_args& args, grpo4j_report* report) {
    return grpo4j_row_states(&args, report);
  }
  static int32_t call(const grpo4j_objective_args& args, grpo4j_policy_metrics* metrics) {
    return grpo4j_objective(&args, metrics);
  }
  static int32_t call(const grpo4j_merge_states_args& args, grpo4j_report* report) {
    return grpo4j_merge_states(&args, report);
  }
  static int32_t call(const grpo4j_logits_gradient_args& args, grpo4j_report* report) {
    return grpo4j_logits_gradient(&args, report);
  }
  static int32_t call(const grpo4j_group_advantages_args& args) {
    return grpo4j_group_advantages(&args);
  }
  static int32_t call(const grpo4j_token_weights_args& args) { return grpo4j_token_weights(&args); }
};

template <class Way, class T>
using ArrayOf = typename Way::template Array<T>;
