#define GRPO4J_ISA scalar

#include "grpo4j/grpo4j.h"
#include "isa/scalar/simd.h"
#include "simd/functions_of_isa.h"

const SimdFunctions kScalarSimd = grpo4j::scalar::kFunctions;
