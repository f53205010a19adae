// 2^x on the multipliers instead of the special-function unit, for the pass that writes gradients:
// with both exponentials of an element on that unit it would be what bounds the newest GPUs.
//
// x = n + f, |f| <= 1/2; adding 1.5 * 2^23 leaves n in the low bits, and shifted into the exponent it
// multiplies by 2^n. Coefficients: least maximal relative error on [-1/2, 1/2], 1.1e-7 (fine) and
// 2.6e-6 (for results that are rounded to 16 bits).
#pragma once

#include "common/element.cuh"

namespace grpo4j::cuda {

// Where exp2_below_zero must be 0; between -126.5 and -127.5 rounds n to -127 and f keeps the
// polynomial above 1, so that the exponent bits become exactly 0 and the product is flushed.
constexpr float kExp2Floor = -126.9f;

// 2^(d scale) for -126.9 <= d scale <= 0, subnormal (to be flushed) from -126.5 down.
template <bool kFine>
__device__ __forceinline__ float exp2_polynomial(float d, float scale) {
  constexpr float kMagic = 12582912.0f;
  const float shifted = fmaf(d, scale, kMagic);
  const float f = fmaf(d, scale, kMagic - shifted);
  float p;
  if constexpr (kFine) {
    p = fmaf(f, 0x1.5bb9fcp-10f, 0x1.3cea9ep-7f);
    p = fmaf(p, f, 0x1.c6b754p-5f);
    p = fmaf(p, f, 0x1.ebf9bcp-3f);
    p = fmaf(p, f, 0x1.62e42ap-1f);
    p = fmaf(p, f, 1.0f);
  } else {
    p = fmaf(f, 0x1.3997d4p-7f, 0x1.ca1440p-5f);
    p = fmaf(p, f, 0x1.ec06dap-3f);
    p = fmaf(p, f, 0x1.62e0dcp-1f);
    p = fmaf(p, f, 0x1.ffffe8p-1f);
  }
  return float_of(bits_of(p) + (bits_of(shifted) << 23));
}

}  // namespace grpo4j::cuda
