// Eight floats. Needs AVX2, FMA and F16C.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

constexpr int32_t kIsa = GRPO4J_ISA_AVX2;
constexpr int kUnroll = 2;  // sixteen registers: the sums of one pair leave room for constants
constexpr bool kRangeAhead = false;  // no registers are left for it

struct Vec {
  static constexpr int kWidth = 8;
  __m256 v;
};

inline Vec set1(float f) { return {_mm256_set1_ps(f)}; }
inline Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
// b when either is NaN.
inline Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
inline float reduce_add(Vec a) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
inline Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
// The magnitude of a with the sign of b.
inline Vec copy_sign(Vec a, Vec b) {
  return {_mm256_or_ps(a.v, _mm256_and_ps(b.v, _mm256_set1_ps(-0.0f)))};
}
// a < b ? x : y; y when either is NaN.
inline Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  return {_mm256_blendv_ps(y.v, x.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}
// fma in one rounding on every ISA.
inline Vec fma_once(Vec a, Vec b, Vec c) { return fma(a, b, c); }
// A table of 2^kTableBits floats, looked up by the low bits of an index's representation.
constexpr int kTableBits = 3;
struct Table {
  __m256 v;
};
inline Table load_table(const float* p) { return {_mm256_loadu_ps(p)}; }
inline Vec lookup(const Table& table, Vec index) {
  return {_mm256_permutevar8x32_ps(table.v, _mm256_castps_si256(index.v))};
}
// The bits of n, shifted, added to those of a.
template <int kShift>
inline Vec add_shifted(Vec a, Vec n) {
  return {_mm256_castsi256_ps(_mm256_add_epi32(
      _mm256_castps_si256(a.v), _mm256_slli_epi32(_mm256_castps_si256(n.v), kShift)))};
}

inline Vec load_f32(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store_f32(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }

// Even and odd elements of 16 neighbours: no widening shuffle.
inline void load_bf16_pair(const uint16_t* p, Vec& even, Vec& odd) {
  const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  even = {_mm256_castsi256_ps(_mm256_slli_epi32(both, 16))};
  odd = {_mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32(-65536)))};
}
inline __m256i rounded_to_bf16(Vec a) {
  const __m256i bits = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  return _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
}
inline void store_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const __m256i low = _mm256_srli_epi32(rounded_to_bf16(even), 16);
  const __m256i high = _mm256_and_si256(rounded_to_bf16(odd), _mm256_set1_epi32(-65536));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_or_si256(low, high));
}

// The upper halves as they are.
inline void store_cut_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const __m256i low = _mm256_srli_epi32(_mm256_castps_si256(even.v), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm256_blend_epi16(low, _mm256_castps_si256(odd.v), 0xaa));
}

inline Vec load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
inline void store_f16(uint16_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline float half_to_float(uint16_t h) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}
inline uint16_t float_to_half(float f) {
  return static_cast<uint16_t>(_mm_cvtsi128_si32(
      _mm_cvtps_ph(_mm_set_ss(f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA

#include "isa/held_bf16.h"
