// The avx512 copy of every kernel; CMakeLists.txt gives this file alone its instruction-set flags.
#define GRPO4J_ISA avx512
#define GRPO4J_ISA_CODE GRPO4J_ISA_AVX512

#include "grpo4j/grpo4j.h"
#include "isa/avx512/simd.h"
#include "kernels/all.h"

namespace grpo4j {

const KernelTable kAvx512Kernels = {
    avx512::kIsa, avx512::token_stats, avx512::policy_loss, avx512::row_states,
    avx512::logits_gradient};

}  // namespace grpo4j
