#define GRPO4J_ISA avx512
#define GRPO4J_ISA_CODE GRPO4J_ISA_AVX512

#include "grpo4j/grpo4j.h"
#include "isa/avx512/simd.h"
#include "simd/functions_of_isa.h"

const SimdFunctions kAvx512Simd = grpo4j::avx512::kFunctions;
