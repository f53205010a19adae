// e^(d/T) for d = z - max z <= 0, one vector at a time.
//
// With B = 2^kTableBits:  d B log2(e)/T = N + r, |r| <= 1/2,  e^(d/T) = 2^floor(N/B) 2^(j/B) 2^(r/B),
// j = N mod B. The middle factor comes from a table in registers, the last from a polynomial that is
// the shorter the larger the table: what bounds these loops is the multipliers. kTableBits is what
// one permutation of the ISA reaches.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

// 2^(r/B) on [-1/2, 1/2]: least maximal relative error (Lawson's iteration on 4,001 Chebyshev nodes
// in double, rounded to f32). fine has p(0) = 1 and serves sums and f32, f16 gradients; coarse is
// for gradients that are rounded to bf16 (2^-9) afterwards.
template <int kBits>
struct Exp2Polynomial;
template <>
struct Exp2Polynomial<0> {  // errors 1.1e-7 and 2.6e-6
  static constexpr float fine[] = {1.0f,           0x1.62e42ap-1f, 0x1.ebf9bcp-3f,
                                   0x1.c6b754p-5f, 0x1.3cea9ep-7f, 0x1.5bb9fcp-10f};
  static constexpr float coarse[] = {0x1.ffffe8p-1f, 0x1.62e0dcp-1f, 0x1.ec06dap-3f,
                                     0x1.ca1440p-5f, 0x1.3997d4p-7f};
};
template <>
struct Exp2Polynomial<3> {  // 2.7e-8 and 3.4e-6
  static constexpr float fine[] = {1.0f, 0x1.62e432p-4f, 0x1.ec0c32p-9f, 0x1.c6a004p-14f};
  static constexpr float coarse[] = {0x1.000002p+0f, 0x1.62f980p-4f, 0x1.ebed1ap-9f};
};
template <>
struct Exp2Polynomial<5> {  // 5.3e-8 and 2.9e-5
  static constexpr float fine[] = {1.0f, 0x1.62e584p-6f, 0x1.ebfbecp-13f};
  static constexpr float coarse[] = {0x1.0001ecp+0f, 0x1.62e34cp-6f};
};

using Exp2 = Exp2Polynomial<kTableBits>;
constexpr int kTableSize = 1 << kTableBits;
constexpr int kExponentShift = 23 - kTableBits;

// Entry j: the bits of 2^(j/B) less j at the position where N is added, so that one shift and one
// integer addition put floor(N/B) into the exponent and take j out again.
inline Table exp2_table() {
  float entries[kTableSize];
  for (int j = 0; j < kTableSize; ++j) {
    const float root = static_cast<float>(exp2(static_cast<double>(j) / kTableSize));
    uint32_t bits;
    memcpy(&bits, &root, sizeof bits);
    bits -= static_cast<uint32_t>(j) << kExponentShift;
    memcpy(&entries[j], &bits, sizeof bits);
  }
  return load_table(entries);
}

// Below 2^-127 e^(d/T) counts as 0. d is clamped where it is reached: finite, so that a logit of
// -inf makes no NaN; max() must return its second argument when that is NaN.
struct ExpScale {
  float factor;  // B log2(e) / T
  float floor;   // d where the exponent bits become 0
  Table table;
};

inline ExpScale exp_scale(float inverse_temperature) {
  const double scale = inverse_temperature * 1.4426950408889634;
  const double lowest = -3.4028234663852886e38;
  const double floor = -127 / scale;
  return {static_cast<float>(scale * kTableSize),
          static_cast<float>(floor > lowest ? floor : lowest), exp2_table()};
}

// k e^(d/T) of some vectors, exactly 0 where d is clamped. Step by step for all of them: in the order
// of the vectors the processor's window holds too few independent chains.
// Adding 1.5 * 2^23 rounds to the integer N and leaves it in the low bits. The product is not rounded
// before N is taken off, so r is good to 2^-24 |N| from the rounding of the factor alone.
template <int kCount, int kTerms>
inline void scaled_exp(const Vec (&d)[kCount], const ExpScale& scale,
                       const float (&polynomial)[kTerms], float k, Vec (&e)[kCount]) {
  const Vec factor = set1(scale.factor);
  const Vec magic = set1(12582912.0f);
  Vec n[kCount];
  Vec r[kCount];
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    n[j] = fma(d[j], factor, magic);
  }
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    r[j] = fma_once(d[j], factor, magic - n[j]);
    e[j] = set1(polynomial[kTerms - 1] * k);
  }
#pragma GCC unroll 8
  for (int i = kTerms - 2; i >= 0; --i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      e[j] = fma(e[j], r[j], set1(polynomial[i] * k));
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    n[j] = add_shifted<kExponentShift>(lookup(scale.table, n[j]), n[j]);
  }
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    e[j] = e[j] * n[j];
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
