// The avx512_bf16 copy of every kernel; CMakeLists.txt gives this file alone its instruction-set flags.
// The AVX-512 code, with the instruction that rounds to bf16.
#define GRPO4J_ISA avx512_bf16
#define GRPO4J_ISA_CODE GRPO4J_ISA_AVX512_BF16

#include "grpo4j/grpo4j.h"
#include "isa/avx512/simd.h"
#include "kernels/all.h"

namespace grpo4j {

const KernelTable kAvx512Bf16Kernels = {
    avx512_bf16::kIsa, avx512_bf16::token_stats, avx512_bf16::policy_loss, avx512_bf16::row_states,
    avx512_bf16::logits_gradient};

}  // namespace grpo4j
