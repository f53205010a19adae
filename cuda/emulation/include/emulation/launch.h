// Runs a kernel's grid on host threads.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <tuple>
#include <utility>

namespace grpo4j::emulation {

struct LaunchConfiguration {
  const void* kernel;
  dim3 grid;
  dim3 block;
  size_t shared_bytes;
  uint32_t cluster_size;  // blocks along x
};

// Checks the configuration as the driver would and runs all blocks, each thread through body.
cudaError_t run(const LaunchConfiguration& configuration, const std::function<void()>& body);

// Shape has grid and block (numbers along x), shared_bytes, and cluster_size, which divides grid.
// The kernel's parameters are copied once for the launch and once more for each thread. Returns when
// all blocks have ended.
template <class Shape, class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), const Shape& shape, cudaStream_t,
                   const Arguments&... arguments) {
  const std::tuple<Parameters...> parameters(arguments...);
  return run({reinterpret_cast<const void*>(kernel), dim3(shape.grid), dim3(shape.block),
              shape.shared_bytes, shape.cluster_size},
             [kernel, &parameters] { std::apply(kernel, parameters); });
}

}  // namespace grpo4j::emulation
