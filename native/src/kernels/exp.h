// 2^y = e^((z - max z)/T) for y <= 0, some vectors at a time.
//
// With B = 2^kTableBits:  y = N/B + r, |r| <= 1/(2B),  2^y = 2^floor(N/B) 2^(j/B) 2^r,  j = N mod B.
// The middle factor comes from a table in registers, the last from a polynomial that is the shorter
// the larger the table: what bounds these loops is the arithmetic. kTableBits is what one
// permutation of the ISA reaches.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

// 2^r on [-1/(2B), 1/(2B)]: least maximal relative error (Lawson's iteration on 4,001 Chebyshev nodes
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
  static constexpr float fine[] = {1.0f, 0x1.62e432p-1f, 0x1.ec0c32p-3f, 0x1.c6a004p-5f};
  static constexpr float coarse[] = {0x1.000002p+0f, 0x1.62f980p-1f, 0x1.ebed1ap-3f};
};
template <>
struct Exp2Polynomial<4> {  // 4.3e-7 (3e-9 on average) and 1.2e-4
  static constexpr float fine[] = {1.0f, 0x1.62e980p-1f, 0x1.ebfbd6p-3f};
  static constexpr float coarse[] = {0x1.0007b0p+0f, 0x1.62e0a2p-1f};
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

// Below 2^-127 e^((z - max z)/T) counts as 0. y is clamped where that is reached: finite, so that a
// logit of -inf makes no NaN; max() must return its second argument when that is NaN.
constexpr float kLeastExponent = -127;
constexpr double kLn2 = 0.6931471805599453;

// log2(e) / T
inline float exponent_factor(double inverse_temperature) {
  return static_cast<float>(inverse_temperature * 1.4426950408889634);
}

// z - max z where the exponent is kLeastExponent: finite at every usable temperature.
inline float difference_floor(float factor) {
  return static_cast<float>(static_cast<double>(kLeastExponent) / factor);
}

// Added to y it leaves N in the low bits: 1.5 * 2^23 / B.
constexpr float kMagic = 12582912.0f / kTableSize;

// k 2^y of some vectors from n = N/B + kMagic and r, exactly 0 where y is kLeastExponent. Step by step
// for all of them: in the order of the vectors the processor's window holds too few independent
// chains.
template <int kCount, int kTerms>
[[gnu::always_inline]] inline void scaled_exp2(const Vec (&n)[kCount], const Vec (&r)[kCount],
                                               const Table& table,
                                               const float (&polynomial)[kTerms], float k,
                                               Vec (&e)[kCount]) {
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    e[j] = set1(polynomial[kTerms - 1] * k);
  }
#pragma GCC unroll 8
  for (int i = kTerms - 2; i >= 0; --i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      e[j] = fma(e[j], r[j], set1(polynomial[i] * k));
    }
  }
  Vec power[kCount];
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    power[j] = add_shifted<kExponentShift>(lookup(table, n[j]), n[j]);
  }
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    e[j] = e[j] * power[j];
  }
}

// 2^y where y is needed besides. n and r come from additions alone, which the multipliers, busy with
// the polynomial, have no part in; r is exact.
template <int kCount>
[[gnu::always_inline]] inline void exp2_of(const Vec (&y)[kCount], const Table& table,
                                           Vec (&e)[kCount]) {
  Vec n[kCount];
  Vec r[kCount];
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    n[j] = y[j] + set1(kMagic);
  }
#pragma GCC unroll 4
  for (int j = 0; j < kCount; ++j) {
    r[j] = y[j] - (n[j] - set1(kMagic));
  }
  scaled_exp2(n, r, table, Exp2::fine, 1.0f, e);
}

inline float exp2_of(float exponent, const Table& table) {
  const Vec y[1] = {set1(exponent)};
  Vec e[1];
  exp2_of(y, table, e);
  float lanes[Vec::kWidth];
  store_f32(lanes, e[0]);
  return lanes[0];
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
