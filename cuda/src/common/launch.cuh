// How kernels are started: configuration in a struct, no <<<>>>, so that the same line starts them on
// the device and in the emulation.
#pragma once

#include "common/device.cuh"
#include "host/kernel_list.h"

#if defined(GRPO4J_CUDA_EMULATED)
#include <emulation/launch.h>
#endif

namespace grpo4j::cuda {

struct LaunchShape {
  uint32_t grid;          // blocks
  uint32_t block;         // threads of a block
  uint32_t shared_bytes;  // dynamic shared memory of a block
  uint32_t cluster_size;  // blocks that run together; divides grid
};

constexpr uint32_t kSharedWithoutAsking = 48 * 1024;

// Blocks get more than 48 KiB only where the kernel says so beforehand, on each device. What it says is
// always the most that the device has, not what this launch needs: calls of several threads may say it
// at the same time, and none may take away what another is about to launch with.
inline cudaError_t allow_shared_memory(const void* kernel, uint32_t bytes) {
  if (bytes <= kSharedWithoutAsking) {
    return cudaSuccess;
  }
  int device = 0;
  int most = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) {
    error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  }
  return error != cudaSuccess
             ? error
             : cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most);
}

#if defined(GRPO4J_CUDA_EMULATED)

template <class... Parameters, class... Arguments>
cudaError_t start(void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream,
                  const Arguments&... arguments) {
  return emulation::launch(kernel, shape, stream, arguments...);
}

#else

template <class... Parameters, class... Arguments>
cudaError_t start(void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream,
                  const Arguments&... arguments) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = shape.cluster_size;
  attribute.val.clusterDim.y = 1;
  attribute.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(shape.grid);
  config.blockDim = dim3(shape.block);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = shape.cluster_size > 1 ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...);
}

#endif

// Enqueues a kernel. It is a template argument so that the list of all kernels has it before it is
// first launched.
template <auto kKernel, class... Arguments>
cudaError_t launch(const LaunchShape& shape, cudaStream_t stream, const Arguments&... arguments) {
  const cudaError_t error =
      allow_shared_memory(Enrolled<kKernel>::entry.kernel, shape.shared_bytes);
  return error != cudaSuccess ? error : start(kKernel, shape, stream, arguments...);
}

}  // namespace grpo4j::cuda
