#define GRPO4J_ISA avx2

#include "grpo4j/grpo4j.h"
#include "isa/avx2/simd.h"
#include "simd/functions_of_isa.h"

const SimdFunctions kAvx2Simd = grpo4j::avx2::kFunctions;
