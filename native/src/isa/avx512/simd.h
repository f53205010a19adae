// Sixteen floats. Needs AVX-512 F, BW, VL and DQ; with __AVX512BF16__ also BF16.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

constexpr int32_t kIsa = GRPO4J_ISA_CODE;
constexpr int kUnroll = 4;
constexpr bool kRangeAhead = true;  // registers are left for it

struct Vec {
  static constexpr int kWidth = 16;
  __m512 v;
};

inline Vec set1(float f) { return {_mm512_set1_ps(f)}; }
inline Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
// b when either is NaN.
inline Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
inline float reduce_add(Vec a) { return _mm512_reduce_add_ps(a.v); }
inline Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
// The magnitude of a with the sign of b.
inline Vec copy_sign(Vec a, Vec b) {
  return {_mm512_or_ps(a.v, _mm512_and_ps(b.v, _mm512_set1_ps(-0.0f)))};
}
// a < b ? x : y; y when either is NaN.
inline Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
// fma in one rounding on every ISA.
inline Vec fma_once(Vec a, Vec b, Vec c) { return fma(a, b, c); }
// A table of 2^kTableBits floats, looked up by the low bits of an index's representation. One register:
// the permutation of two takes the multipliers' time on Zen 4.
constexpr int kTableBits = 4;
struct Table {
  __m512 v;
};
inline Table load_table(const float* p) { return {_mm512_loadu_ps(p)}; }
inline Vec lookup(const Table& table, Vec index) {
  return {_mm512_permutexvar_ps(_mm512_castps_si512(index.v), table.v)};
}
// The bits of n, shifted, added to those of a.
template <int kShift>
inline Vec add_shifted(Vec a, Vec n) {
  return {_mm512_castsi512_ps(_mm512_add_epi32(
      _mm512_castps_si512(a.v), _mm512_slli_epi32(_mm512_castps_si512(n.v), kShift)))};
}

inline Vec load_f32(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store_f32(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }

// Even and odd elements of 32 neighbours: no widening shuffle. Even ones are moved up as bytes: shifts
// take the time of additions.
inline void load_bf16_pair(const uint16_t* p, Vec& even, Vec& odd) {
  const __m512i both = _mm512_loadu_si512(p);
  const __m512i up = _mm512_set4_epi32(0x0d0c8080, 0x09088080, 0x05048080, 0x01008080);
  even = {_mm512_castsi512_ps(_mm512_shuffle_epi8(both, up))};
  odd = {_mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(-65536)))};
}
#ifdef __AVX512BF16__
// Sixteen even or low elements, then as many odd or high ones: what the instruction leaves.
inline __m512i bf16_halves(Vec first, Vec second) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second.v, first.v));
}
inline void store_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  alignas(64) static const uint16_t kInterleave[32] = {
      0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  _mm512_storeu_si512(
      p, _mm512_permutexvar_epi16(_mm512_load_si512(kInterleave), bf16_halves(even, odd)));
}

// e^u where a bf16 gradient will be, even elements before odd ones: the permutation that brings them
// back in order also makes floats of them.
inline void hold_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  _mm512_storeu_si512(p, bf16_halves(even, odd));
}
inline Vec float_of_halves(const uint16_t (&upper)[32], __m512i halves) {
  return {_mm512_castsi512_ps(
      _mm512_maskz_permutexvar_epi16(0xaaaaaaaa, _mm512_load_si512(upper), halves))};
}
inline void scale_held_bf16_pair(uint16_t* p, Vec k) {
  // Elements 0 .. 15 and 16 .. 31; every other index is masked.
  alignas(64) static const uint16_t kLow[32] = {0, 0, 0, 16, 0, 1, 0, 17, 0, 2, 0, 18, 0, 3, 0, 19,
                                                0, 4, 0, 20, 0, 5, 0, 21, 0, 6, 0, 22, 0, 7, 0, 23};
  alignas(64) static const uint16_t kHigh[32] = {
      0, 8,  0, 24, 0, 9,  0, 25, 0, 10, 0, 26, 0, 11, 0, 27,
      0, 12, 0, 28, 0, 13, 0, 29, 0, 14, 0, 30, 0, 15, 0, 31};
  const __m512i held = _mm512_loadu_si512(p);
  _mm512_storeu_si512(
      p, bf16_halves(float_of_halves(kLow, held) * k, float_of_halves(kHigh, held) * k));
}
#else
inline __m512i rounded_to_bf16(Vec a) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  return _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
}
inline void store_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const __m512i low = _mm512_srli_epi32(rounded_to_bf16(even), 16);
  const __m512i high = _mm512_and_si512(rounded_to_bf16(odd), _mm512_set1_epi32(-65536));
  _mm512_storeu_si512(p, _mm512_or_si512(low, high));
}
// The upper halves as they are.
inline void store_cut_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const __m512i low = _mm512_srli_epi32(_mm512_castps_si512(even.v), 16);
  // (odd & mask) | low
  _mm512_storeu_si512(p, _mm512_ternarylogic_epi32(_mm512_castps_si512(odd.v),
                                                   _mm512_set1_epi32(-65536), low, 0xea));
}
#endif

inline Vec load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline void store_f16(uint16_t* p, Vec a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
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

#ifndef __AVX512BF16__
#include "isa/held_bf16.h"
#endif
