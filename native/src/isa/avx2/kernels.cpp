// The avx2 copy of every kernel; CMakeLists.txt gives this file alone its instruction-set flags.
#define GRPO4J_ISA avx2

#include "grpo4j/grpo4j.h"
#include "isa/avx2/simd.h"
#include "kernels/all.h"

namespace grpo4j {

const KernelTable kAvx2Kernels = {
    avx2::kIsa, avx2::token_stats, avx2::policy_loss, avx2::row_states,
    avx2::logits_gradient};

}  // namespace grpo4j
