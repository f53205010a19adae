// The scalar copy of every kernel; CMakeLists.txt gives this file alone its instruction-set flags.
#define GRPO4J_ISA scalar

#include "grpo4j/grpo4j.h"
#include "isa/scalar/simd.h"
#include "kernels/all.h"

namespace grpo4j {

const KernelTable kScalarKernels = {
    scalar::kIsa, scalar::token_stats, scalar::policy_loss, scalar::row_states,
    scalar::logits_gradient};

}  // namespace grpo4j
