// One float: the algorithm without vector instructions, for any machine and as the plain reference.
#pragma once

#include <stdint.h>
#include <string.h>

#include "kernels/half.h"

namespace grpo4j::GRPO4J_ISA {
namespace {

constexpr int32_t kIsa = GRPO4J_ISA_SCALAR;
constexpr int kUnroll = 4;  // four chains of additions: shorter sums, smaller error
constexpr bool kRangeAhead = false;  // a pass of its own costs less than registers do

struct Vec {
  static constexpr int kWidth = 1;
  float v;
};

inline Vec set1(float f) { return {f}; }
inline Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
inline Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
inline Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
// Rounds twice where the vector ISAs round once.
inline Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
// b when either is NaN.
inline Vec max(Vec a, Vec b) { return {a.v > b.v ? a.v : b.v}; }
inline float reduce_add(Vec a) { return a.v; }
inline Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
inline Vec abs(Vec a) { return {__builtin_fabsf(a.v)}; }
// The magnitude of a with the sign of b.
inline Vec copy_sign(Vec a, Vec b) { return {__builtin_copysignf(a.v, b.v)}; }
// a < b ? x : y; y when either is NaN.
inline Vec select_less(Vec a, Vec b, Vec x, Vec y) { return a.v < b.v ? x : y; }
// In double, where the product is exact.
inline Vec fma_once(Vec a, Vec b, Vec c) {
  return {static_cast<float>(static_cast<double>(a.v) * b.v + c.v)};
}
// A table of 2^kTableBits floats, looked up by the low bits of an index's representation.
constexpr int kTableBits = 4;
struct Table {
  float entries[1 << kTableBits];
};
inline Table load_table(const float* p) {
  Table table;
  memcpy(table.entries, p, sizeof table.entries);
  return table;
}
inline Vec lookup(const Table& table, Vec index) {
  uint32_t bits;
  memcpy(&bits, &index.v, sizeof bits);
  return {table.entries[bits & ((1u << kTableBits) - 1)]};
}
// The bits of n, shifted, added to those of a.
template <int kShift>
inline Vec add_shifted(Vec a, Vec n) {
  uint32_t bits;
  uint32_t added;
  memcpy(&bits, &a.v, sizeof bits);
  memcpy(&added, &n.v, sizeof added);
  bits += added << kShift;
  Vec out;
  memcpy(&out.v, &bits, sizeof bits);
  return out;
}

inline Vec load_f32(const float* p) { return {*p}; }
inline void store_f32(float* p, Vec a) { *p = a.v; }

inline float bf16_to_float(uint16_t h) {
  const uint32_t bits = uint32_t{h} << 16;
  float f;
  memcpy(&f, &bits, sizeof bits);
  return f;
}
inline void load_bf16_pair(const uint16_t* p, Vec& even, Vec& odd) {
  even = {bf16_to_float(p[0])};
  odd = {bf16_to_float(p[1])};
}
inline uint16_t rounded_to_bf16(Vec a) {
  uint32_t bits;
  memcpy(&bits, &a.v, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
inline void store_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  p[0] = rounded_to_bf16(even);
  p[1] = rounded_to_bf16(odd);
}

// The upper halves as they are.
inline uint16_t cut_to_bf16(Vec a) {
  uint32_t bits;
  memcpy(&bits, &a.v, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}
inline void store_cut_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  p[0] = cut_to_bf16(even);
  p[1] = cut_to_bf16(odd);
}

inline float half_to_float(uint16_t h) { return half_bits_to_float(h); }
inline uint16_t float_to_half(float f) { return float_to_half_bits(f); }
inline Vec load_f16(const uint16_t* p) { return {half_to_float(*p)}; }
inline void store_f16(uint16_t* p, Vec a) { *p = float_to_half(a.v); }

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA

#include "isa/held_bf16.h"
