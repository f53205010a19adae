// What every operation of the C ABI does before it enqueues anything: look at the arguments, the place
// for results, the device and the workspace.
#pragma once

#include <stdint.h>

#include "host/device.h"
#include "host/validate.h"
#include "host/workspace.h"

namespace grpo4j::cuda {

// The answer to a workspace query; -1 where the call would be refused. layout(device, args, memory)
// lays the operation's parts out in memory and counts their bytes.
template <class Args, class Layout>
int64_t query_workspace(const Args* args, const Layout& layout) {
  DeviceInfo device;
  if (args == nullptr || !valid_on_host(*args) || !current_device(device)) {
    return -1;
  }
  return layout(device, *args, nullptr).bytes;
}

// An operation without a workspace; enqueue(device) starts its kernels and gives the status.
template <class Args, class Enqueue>
int32_t run(const Args* args, const Enqueue& enqueue) {
  if (args == nullptr || !valid_on_host(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  DeviceInfo device;
  return current_device(device) ? enqueue(device) : GRPO4J_DEVICE_ERROR;
}

// The same for one that reports: result is its report or its metrics.
template <class Args, class Result, class Enqueue>
int32_t run(const Args* args, const Result* result, const Enqueue& enqueue) {
  return result == nullptr ? GRPO4J_INVALID_ARGUMENT : run(args, enqueue);
}

struct GivenWorkspace {
  void* memory;
  int64_t bytes;
};

// An operation in a workspace that lies as its query's layout says; enqueue(device, parts) starts its
// kernels.
template <class Args, class Result, class Layout, class Enqueue>
int32_t run_in(const GivenWorkspace& given, const Args* args, const Result* result,
               const Layout& layout, const Enqueue& enqueue) {
  return run(args, result, [&](const DeviceInfo& device) -> int32_t {
    const auto parts = layout(device, *args, given.memory);
    return workspace_fits(given.memory, given.bytes, parts.bytes) ? enqueue(device, parts)
                                                                  : GRPO4J_WORKSPACE_TOO_SMALL;
  });
}

}  // namespace grpo4j::cuda
