// e^u for u <= 0, one vector at a time.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

// Below this e^u counts as 0: the scale 2^-127 has the bit pattern of 0. Clamping to it (and not to
// -inf) keeps e^u * u = 0 for a logit of -inf instead of 0 * -inf = NaN.
constexpr float kExpFloor = -88.02969f;  // -127 ln 2

// u = n ln 2 + r, |r| <= ln 2 / 2; e^r by a polynomial (error 1e-8, fitted at Chebyshev nodes), then
// times 2^n. Adding 1.5 * 2^23 + 127 rounds to the nearest integer and leaves n + 127 in the low
// bits, so that one shift makes 2^n. About 1 ulp. NaN stays NaN; max() must return its second
// argument for that.
inline Vec exp_nonpositive(Vec u) {
  const Vec magic = set1(12582912.0f + 127.0f);
  const Vec shifted = fma(u, set1(1.44269504f), magic);
  const Vec n = shifted - magic;
  Vec r = fma(n, set1(-0.693359375f), u);        // exact: 10 bits times at most 8
  r = fma(n, set1(2.12194440e-4f), r);
  Vec e = set1(0x1.6d444ep-10f);
  e = fma(e, r, set1(0x1.120c68p-7f));
  e = fma(e, r, set1(0x1.5554e8p-5f));
  e = fma(e, r, set1(0x1.5554dcp-3f));
  e = fma(e, r, set1(0.5f));
  e = fma(e, r, set1(1.0f));
  e = fma(e, r, set1(1.0f));
  return e * shift_to_exponent(shifted);
}

// (z - max) / T, not below the floor.
inline Vec scaled_difference(Vec z, Vec max_logit, Vec inverse_temperature) {
  return max(set1(kExpFloor), (z - max_logit) * inverse_temperature);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
