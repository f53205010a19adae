// The operations on host memory: copy in, launch, wait, copy out. Status codes and checks are those
// of the CPU library, which sees the same arrays.
#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "dispatch/validate.h"
#include "grpo4j/grpo4j_cuda.h"
#include "host/device.h"

namespace grpo4j::cuda {
namespace {

// Device copies of a call's arrays, freed at its end.
class Staging {
 public:
  Staging() = default;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    for (void* memory : allocated_) {
      note(grpo4j_cuda_free(memory));
    }
  }

  // Replaces a host array by a device copy of it.
  template <class T>
  void in(T*& array, int64_t count) {
    array = static_cast<T*>(copied(const_cast<void*>(static_cast<const void*>(array)),
                                   count * static_cast<int64_t>(sizeof(T)), false));
  }
  // And copies it back after the call.
  template <class T>
  void in_out(T*& array, int64_t count) {
    array = static_cast<T*>(copied(array, count * static_cast<int64_t>(sizeof(T)), true));
  }
  void in(const void*& array, int64_t bytes) {
    array = copied(const_cast<void*>(array), bytes, false);
  }
  void matrix(grpo4j_matrix& m, bool back) {
    m.data = copied(m.data, bytes_of(m), back);
  }
  // Device memory without a host counterpart.
  void* scratch(int64_t bytes) { return bytes == 0 ? nullptr : allocate(bytes); }

  static int64_t bytes_of(const grpo4j_matrix& m) {
    const int64_t elements = m.rows == 0 ? 0 : (m.rows - 1) * m.row_stride + m.vocab;
    return elements * (m.dtype == GRPO4J_F32 ? 4 : 2);
  }

  // Waits for the call and copies back what it wrote.
  int32_t finish(int32_t launched) {
    note(launched);
    if (status_ == GRPO4J_OK) {
      note(grpo4j_cuda_synchronize(nullptr));
    }
    for (const Copy& copy : back_) {
      if (status_ == GRPO4J_OK) {
        note(grpo4j_cuda_copy_out(copy.host, copy.device, copy.bytes));
      }
    }
    return status_;
  }

  int32_t status() const { return status_; }

 private:
  struct Copy {
    void* host;
    void* device;
    int64_t bytes;
  };

  void note(int32_t status) {
    if (status_ == GRPO4J_OK) {
      status_ = status;
    }
  }

  void* allocate(int64_t bytes) {
    void* memory = grpo4j_cuda_allocate(bytes);
    if (memory == nullptr) {
      note(GRPO4J_DEVICE_ERROR);
    } else {
      allocated_.push_back(memory);
    }
    return memory;
  }

  // At the same place within 16 bytes as on the host, so that the kernels meet the alignment that the
  // caller has.
  void* copied(void* host, int64_t bytes, bool back) {
    if (host == nullptr || bytes == 0) {
      return nullptr;
    }
    const auto shift = static_cast<int64_t>(reinterpret_cast<uintptr_t>(host) % 16);
    char* memory = static_cast<char*>(allocate(bytes + shift));
    if (memory == nullptr) {
      return nullptr;
    }
    void* device = memory + shift;
    note(grpo4j_cuda_copy_in(device, host, bytes));
    if (back) {
      back_.push_back({host, device, bytes});
    }
    return device;
  }

  int32_t status_ = GRPO4J_OK;
  std::vector<void*> allocated_;
  std::vector<Copy> back_;
};

void stage(Staging& staging, grpo4j_rows& rows) {
  staging.in(rows.row_indices, rows.n);
  staging.in(rows.targets, rows.n * (rows.target_type == GRPO4J_I32 ? 4 : 8));
  staging.in(rows.temperatures, rows.n);
}

void stage(Staging& staging, grpo4j_row_outputs& out, int64_t n) {
  for (float** values : {&out.log_probs, &out.entropy, &out.lse, &out.sum_squares}) {
    staging.in_out(*values, n);
  }
}

void stage(Staging& staging, grpo4j_policy_batch& batch, int64_t n) {
  staging.in(batch.old_log_probs, n);
  staging.in(batch.ref_log_probs, n);
  staging.in(batch.advantages, batch.advantages_per_sequence != 0 ? batch.sequences : n);
  staging.in(batch.policy_weights, n);
  staging.in(batch.regularizer_weights, n);
  staging.in(batch.sequence_offsets, batch.sequences + 1);
}

void stage(Staging& staging, grpo4j_matrix& logits, grpo4j_matrix& gradient) {
  const bool in_place = gradient.data == logits.data;
  staging.matrix(logits, in_place);
  if (in_place) {
    gradient.data = logits.data;
  } else {
    staging.matrix(gradient, true);
  }
}

int32_t status_of_rows(const grpo4j_report& report, uint32_t flags) {
  return report.bad_rows > 0 && (flags & GRPO4J_ZERO_BAD_ROWS) == 0 ? GRPO4J_BAD_ROWS : GRPO4J_OK;
}

constexpr grpo4j_report kNoReport = {0, -1, GRPO4J_ROW_OK, -1};

// Runs an operation whose arguments are staged; result is what it reports.
template <class Result, class Launch>
int32_t run(Staging& staging, Result& result, const Launch& launch) {
  Result* on_device = &result;
  staging.in_out(on_device, 1);
  return staging.finish(staging.status() == GRPO4J_OK ? launch(on_device) : staging.status());
}

template <class Args, class Result>
using Operation = int32_t (*)(const Args*, Result*, void*, int64_t, void*);

template <class Args, class Result>
int32_t run_with_workspace(Staging& staging, const Args& args, Result& result,
                           int64_t (*query)(const Args*), Operation<Args, Result> operation) {
  const int64_t bytes = staging.status() == GRPO4J_OK ? query(&args) : 0;
  if (bytes < 0) {
    return GRPO4J_DEVICE_ERROR;
  }
  void* workspace = staging.scratch(bytes);
  return run(staging, result, [&](Result* on_device) {
    return operation(&args, on_device, workspace, bytes, nullptr);
  });
}

}  // namespace
}  // namespace grpo4j::cuda

int32_t grpo4j_cuda_host_token_stats(const grpo4j_token_stats_args* args, grpo4j_report* report) {
  using namespace grpo4j::cuda;
  if (args == nullptr || report == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  Staging staging;
  grpo4j_token_stats_args device = *args;
  staging.matrix(device.logits, false);
  stage(staging, device.rows);
  stage(staging, device.out, args->rows.n);
  const int32_t status =
      run_with_workspace(staging, device, *report, grpo4j_cuda_token_stats_workspace,
                         grpo4j_cuda_token_stats);
  return status != GRPO4J_OK ? status : status_of_rows(*report, args->flags);
}

int32_t grpo4j_cuda_host_policy_loss(const grpo4j_policy_loss_args* args,
                                     grpo4j_policy_metrics* metrics) {
  using namespace grpo4j::cuda;
  if (args == nullptr || metrics == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  metrics->report = kNoReport;
  const int64_t n = args->rows.n;
  Staging staging;
  grpo4j_policy_loss_args device = *args;
  stage(staging, device.logits, device.gradient);
  stage(staging, device.rows);
  stage(staging, device.batch, n);
  stage(staging, device.out, n);
  staging.in_out(device.states, n);
  staging.in_out(device.slopes, n);
  const int32_t status =
      run_with_workspace(staging, device, *metrics, grpo4j_cuda_policy_loss_workspace,
                         grpo4j_cuda_policy_loss);
  return status != GRPO4J_OK ? status : status_of_rows(metrics->report, args->flags);
}

int32_t grpo4j_cuda_host_row_states(const grpo4j_row_states_args* args, grpo4j_report* report) {
  using namespace grpo4j::cuda;
  if (args == nullptr || report == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  Staging staging;
  grpo4j_row_states_args device = *args;
  staging.matrix(device.logits, false);
  stage(staging, device.rows);
  staging.in_out(device.states, args->rows.n);
  return run_with_workspace(staging, device, *report, grpo4j_cuda_row_states_workspace,
                            grpo4j_cuda_row_states);
}

int32_t grpo4j_cuda_host_merge_states(const grpo4j_merge_states_args* args,
                                      grpo4j_report* report) {
  using namespace grpo4j::cuda;
  if (args == nullptr || report == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  Staging staging;
  grpo4j_merge_states_args device = *args;
  staging.in(device.shards, args->shard_count * args->n);
  staging.in(device.temperatures, args->n);
  staging.in_out(device.merged, args->n);
  stage(staging, device.out, args->n);
  const int32_t status = run(staging, *report, [&](grpo4j_report* on_device) {
    return grpo4j_cuda_merge_states(&device, on_device, nullptr);
  });
  return status != GRPO4J_OK ? status : status_of_rows(*report, args->flags);
}

int32_t grpo4j_cuda_host_objective(const grpo4j_objective_args* args,
                                   grpo4j_policy_metrics* metrics) {
  using namespace grpo4j::cuda;
  if (args == nullptr || metrics == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  Staging staging;
  grpo4j_objective_args device = *args;
  stage(staging, device.batch, args->n);
  stage(staging, device.out, args->n);
  staging.in_out(device.slopes, args->n);
  const int32_t status = run_with_workspace(staging, device, *metrics,
                                            grpo4j_cuda_objective_workspace, grpo4j_cuda_objective);
  return status != GRPO4J_OK ? status : status_of_rows(metrics->report, args->flags);
}

int32_t grpo4j_cuda_host_logits_gradient(const grpo4j_logits_gradient_args* args,
                                         grpo4j_report* report) {
  using namespace grpo4j::cuda;
  if (args == nullptr || report == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  Staging staging;
  grpo4j_logits_gradient_args device = *args;
  stage(staging, device.logits, device.gradient);
  stage(staging, device.rows);
  staging.in(device.states, args->rows.n);
  staging.in(device.slopes, args->rows.n);
  return run(staging, *report, [&](grpo4j_report* on_device) {
    return grpo4j_cuda_logits_gradient(&device, on_device, nullptr);
  });
}

int32_t grpo4j_cuda_host_group_advantages(const grpo4j_group_advantages_args* args) {
  using namespace grpo4j::cuda;
  if (args == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  Staging staging;
  grpo4j_group_advantages_args device = *args;
  staging.in(device.group_offsets, args->groups + 1);
  staging.in(device.rewards, args->completions);
  staging.in(device.lengths, args->completions);
  staging.in_out(device.advantages, args->completions);
  return staging.finish(staging.status() == GRPO4J_OK
                            ? grpo4j_cuda_group_advantages(&device, nullptr)
                            : staging.status());
}

int32_t grpo4j_cuda_host_token_weights(const grpo4j_token_weights_args* args) {
  using namespace grpo4j::cuda;
  if (args == nullptr || !grpo4j::valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  Staging staging;
  grpo4j_token_weights_args device = *args;
  staging.in(device.sequence_offsets, args->sequences + 1);
  staging.in(device.regions, args->n);
  staging.in(device.completion_mask, args->n);
  staging.in_out(device.weights, args->n);
  return staging.finish(staging.status() == GRPO4J_OK
                            ? grpo4j_cuda_token_weights(&device, nullptr)
                            : staging.status());
}
