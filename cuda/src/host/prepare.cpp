// The kernels on a device before their first launch. The runtime loads a kernel when it is first
// used, and while a stream is captured nothing can be loaded.
#include <cuda_runtime.h>

#include "grpo4j/grpo4j_cuda.h"
#include "host/device.h"
#include "host/kernel_list.h"

int32_t grpo4j_cuda_prepare(void) {
  using namespace grpo4j::cuda;
  DeviceInfo device;
  if (!current_device(device)) {
    return GRPO4J_DEVICE_ERROR;
  }
  for (const KernelEntry* entry = kernel_list; entry != nullptr; entry = entry->next) {
    cudaFuncAttributes unused;
    const cudaError_t error = cudaFuncGetAttributes(&unused, entry->kernel);
    if (error != cudaSuccess) {
      return status_of(error, "loading of the kernels");
    }
  }
  return GRPO4J_OK;
}
