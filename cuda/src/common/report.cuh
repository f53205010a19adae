// What happened to the rows of a call, from the reasons that its kernels left.
#pragma once

#include "common/launch.cuh"
#include "grpo4j/grpo4j.h"

namespace grpo4j::cuda {

#if defined(GRPO4J_CUDA_EMULATED)
constexpr int32_t kIsa = GRPO4J_ISA_CUDA_EMULATED;
#else
constexpr int32_t kIsa = GRPO4J_ISA_CUDA;
#endif

// GRPO4J_ROW_* of each row, stride bytes apart.
struct RowReasons {
  const void* first;
  int64_t stride;
  int64_t n;

  __device__ __forceinline__ int32_t of(int64_t i) const {
    return *reinterpret_cast<const int32_t*>(static_cast<const char*>(first) + i * stride);
  }
};

// The report of a call in stream order: the number of bad rows, the first of them and its reason.
cudaError_t launch_report(const RowReasons& reasons, grpo4j_report* report, cudaStream_t stream);

}  // namespace grpo4j::cuda
