// e^(d/T) for d = z - max z <= 0, one vector at a time.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

// 2^r on [-1/2, 1/2]: least maximal relative error among degree-5 polynomials with p(0) = 1
// (Lawson's iteration on 4,001 Chebyshev nodes in double, then rounded to f32): 1.1e-7.
constexpr float kExp2[6] = {1.0f,          0x1.62e42ap-1f, 0x1.ebf9bcp-3f,
                            0x1.c6b754p-5f, 0x1.3cea9ep-7f, 0x1.5bb9fcp-10f};

// Below 2^-127 e^(d/T) counts as 0. d is clamped where it is reached: finite, so that a logit of
// -inf makes no NaN; max() must return its second argument when that is NaN.
struct ExpScale {
  float log2e_over_t;
  float floor;       // d where 2^n has the exponent bits of 0
  float sums_floor;  // d of 2^-126, the smallest that adding to exponent bits can make
};

inline ExpScale exp_scale(float inverse_temperature) {
  const double scale = inverse_temperature * 1.4426950408889634;
  const double lowest = -3.4028234663852886e38;
  const double floor = -127 / scale;
  const double sums_floor = -126 / scale;
  return {static_cast<float>(scale), static_cast<float>(floor > lowest ? floor : lowest),
          static_cast<float>(sums_floor > lowest ? sums_floor : lowest)};
}

// d log2(e)/T = n + r, |r| <= 1/2: adding 1.5 * 2^23 rounds to the nearest integer and leaves n in
// the low bits. The product is not rounded before n is taken off, so r is good to 2^-24 |n| from the
// rounding of the factor alone.
struct Exp2Parts {
  Vec r;
  Vec shifted;
};

inline Exp2Parts exp2_parts(Vec d, const ExpScale& scale, float magic) {
  const Vec factor = set1(scale.log2e_over_t);
  const Vec shifted = fma(d, factor, set1(magic));
  return {fma_once(d, factor, set1(magic) - shifted), shifted};
}

// For sums: n is added to the exponent bits of the polynomial, which costs no multiplication.
// Clamped elements give 2^-126 instead of 0, which a sum that is at least 1 does not see.
inline Vec exp_for_sums(Vec d, const ExpScale& scale) {
  const Exp2Parts x = exp2_parts(d, scale, 12582912.0f);
  Vec e = set1(kExp2[5]);
  for (int i = 4; i >= 0; --i) {
    e = fma(e, x.r, set1(kExp2[i]));
  }
  return add_to_exponent(e, x.shifted);
}

// For gradients: times k, folded into the coefficients, and exactly 0 where d is clamped.
inline Vec scaled_exp(Vec d, const ExpScale& scale, float k) {
  const Exp2Parts x = exp2_parts(d, scale, 12582912.0f + 127.0f);
  Vec e = set1(kExp2[5] * k);
  for (int i = 4; i >= 0; --i) {
    e = fma(e, x.r, set1(kExp2[i] * k));
  }
  return e * shift_to_exponent(x.shifted);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
