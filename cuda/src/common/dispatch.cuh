// From a dtype to the type that kernels are written for.
#pragma once

#include "common/element.cuh"
#include "grpo4j/grpo4j.h"

namespace grpo4j::cuda {

// Calls kernel(element) with the element type of the logits.
template <class Kernel>
cudaError_t with_element(int32_t dtype, const Kernel& kernel) {
  switch (dtype) {
    case GRPO4J_F32:
      return kernel(F32());
    case GRPO4J_BF16:
      return kernel(Bf16());
    default:
      return kernel(F16());
  }
}

}  // namespace grpo4j::cuda
