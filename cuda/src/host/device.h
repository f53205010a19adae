// The current device, and what the runtime said when it failed.
#pragma once

#include <cuda_runtime.h>
#include <stdint.h>

namespace grpo4j::cuda {

struct DeviceInfo {
  int32_t major;  // compute capability
  int32_t minor;
  int32_t multiprocessors;
  int64_t shared_per_block;           // dynamic shared memory that a block can ask for
  int64_t shared_per_multiprocessor;
  int64_t l2_bytes;
  bool clusters;  // whether blocks can be launched in clusters
};

// Facts about the current device; false where it can't run the kernels.
bool current_device(DeviceInfo& device);

// GRPO4J_OK, or GRPO4J_DEVICE_ERROR, which grpo4j_cuda_last_error then explains.
int32_t status_of(cudaError_t error, const char* during);

}  // namespace grpo4j::cuda
