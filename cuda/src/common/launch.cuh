// How kernels are started: configuration in a struct, no <<<>>>, so that the same line starts them on
// the device and in the emulation.
#pragma once

#include "common/device.cuh"

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

#if defined(GRPO4J_CUDA_EMULATED)

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream,
                   const Arguments&... arguments) {
  return emulation::launch(kernel, shape, stream, arguments...);
}

#else

// Blocks get more than 48 KiB only where the kernel says so beforehand.
constexpr uint32_t kSharedWithoutAsking = 48 * 1024;

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), const LaunchShape& shape, cudaStream_t stream,
                   const Arguments&... arguments) {
  if (shape.shared_bytes > kSharedWithoutAsking) {
    const cudaError_t error =
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shape.shared_bytes));
    if (error != cudaSuccess) {
      return error;
    }
  }
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

}  // namespace grpo4j::cuda
