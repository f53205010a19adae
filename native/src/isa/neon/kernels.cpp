// The neon copy of every kernel; CMakeLists.txt gives this file alone its instruction-set flags.
#define GRPO4J_ISA neon

#include "grpo4j/grpo4j.h"
#include "isa/neon/simd.h"
#include "kernels/all.h"

namespace grpo4j {

const KernelTable kNeonKernels = {
    neon::kIsa, neon::token_stats, neon::policy_loss, neon::row_states,
    neon::logits_gradient};

}  // namespace grpo4j
