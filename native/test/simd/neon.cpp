#define GRPO4J_ISA neon

#include "grpo4j/grpo4j.h"
#include "isa/neon/simd.h"
#include "simd/functions_of_isa.h"

const SimdFunctions kNeonSimd = grpo4j::neon::kFunctions;
