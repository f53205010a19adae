// Four floats. AArch64's own instructions; nothing optional.
#pragma once

#include <arm_neon.h>
#include <stdint.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

constexpr int32_t kIsa = GRPO4J_ISA_NEON;
constexpr int kUnroll = 4;
constexpr bool kRangeAhead = true;  // registers are left for it

struct Vec {
  static constexpr int kWidth = 4;
  float32x4_t v;
};

inline Vec set1(float f) { return {vdupq_n_f32(f)}; }
inline Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
inline Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
inline Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
inline Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
// b when either is NaN; the maximum instruction would give NaN.
inline Vec max(Vec a, Vec b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
inline float reduce_add(Vec a) { return vaddvq_f32(a.v); }
inline Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
inline Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
// The magnitude of a with the sign of b.
inline Vec copy_sign(Vec a, Vec b) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), b.v, a.v)};
}
// a < b ? x : y; y when either is NaN.
inline Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  return {vbslq_f32(vcltq_f32(a.v, b.v), x.v, y.v)};
}
// fma in one rounding on every ISA.
inline Vec fma_once(Vec a, Vec b, Vec c) { return fma(a, b, c); }
// No permutation of floats by index: the exponential is a polynomial alone.
constexpr int kTableBits = 0;
struct Table {
  float one;
};
inline Table load_table(const float* p) { return {*p}; }
inline Vec lookup(const Table& table, Vec) { return set1(table.one); }
// The bits of n, shifted, added to those of a.
template <int kShift>
inline Vec add_shifted(Vec a, Vec n) {
  return {vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(a.v),
                                          vshlq_n_u32(vreinterpretq_u32_f32(n.v), kShift)))};
}

inline Vec load_f32(const float* p) { return {vld1q_f32(p)}; }
inline void store_f32(float* p, Vec a) { vst1q_f32(p, a.v); }

// Even and odd elements of 8 neighbours (little-endian).
inline void load_bf16_pair(const uint16_t* p, Vec& even, Vec& odd) {
  const uint32x4_t both = vreinterpretq_u32_u16(vld1q_u16(p));
  even = {vreinterpretq_f32_u32(vshlq_n_u32(both, 16))};
  odd = {vreinterpretq_f32_u32(vandq_u32(both, vdupq_n_u32(0xffff0000u)))};
}
inline uint32x4_t rounded_to_bf16(Vec a) {
  const uint32x4_t bits = vreinterpretq_u32_f32(a.v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  return vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
}
inline void store_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const uint32x4_t low = vshrq_n_u32(rounded_to_bf16(even), 16);
  const uint32x4_t high = vandq_u32(rounded_to_bf16(odd), vdupq_n_u32(0xffff0000u));
  vst1q_u16(p, vreinterpretq_u16_u32(vorrq_u32(low, high)));
}

// The upper halves as they are.
inline void store_cut_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const uint32x4_t low = vshrq_n_u32(vreinterpretq_u32_f32(even.v), 16);
  const uint32x4_t high = vandq_u32(vreinterpretq_u32_f32(odd.v), vdupq_n_u32(0xffff0000u));
  vst1q_u16(p, vreinterpretq_u16_u32(vorrq_u32(low, high)));
}

inline Vec load_f16(const uint16_t* p) {
  return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))};
}
inline void store_f16(uint16_t* p, Vec a) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(a.v)));
}
inline float half_to_float(uint16_t h) {
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h))), 0);
}
inline uint16_t float_to_half(float f) {
  return vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(f))), 0);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA

#include "isa/held_bf16.h"
