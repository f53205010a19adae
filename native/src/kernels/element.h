// One element of a row to and from float, and whole vectors of them through the SIMD type.
#pragma once

#include <stdint.h>
#include <string.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

struct F32 {
  using Storage = float;
  static float to_float(Storage s) { return s; }
  static Storage from_float(float f) { return f; }
  static Vec load(const Storage* p) { return load_f32(p); }
  static void store(Storage* p, Vec v) { store_f32(p, v); }
};

struct Bf16 {
  using Storage = uint16_t;
  static float to_float(Storage s) {
    const uint32_t bits = uint32_t{s} << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
  }
  // Round to nearest, ties to even. Gradients are finite by then, so NaN needs no case of its own.
  static Storage from_float(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return static_cast<Storage>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
  static Vec load(const Storage* p) { return load_bf16(p); }
  static void store(Storage* p, Vec v) { store_bf16(p, v); }
};

struct F16 {
  using Storage = uint16_t;
  static float to_float(Storage s) { return half_to_float(s); }
  static Storage from_float(float f) { return float_to_half(f); }
  static Vec load(const Storage* p) { return load_f16(p); }
  static void store(Storage* p, Vec v) { store_f16(p, v); }
};

// Fewer than a vector's worth of elements; the rest is -inf, which adds nothing to any statistic.
template <class Element>
Vec load_tail(const typename Element::Storage* p, int64_t count) {
  float buffer[Vec::kWidth];
  for (int i = 0; i < Vec::kWidth; ++i) {
    buffer[i] = i < count ? Element::to_float(p[i]) : -__builtin_inff();
  }
  return load_f32(buffer);
}

template <class Element>
void store_tail(typename Element::Storage* p, Vec v, int64_t count) {
  float buffer[Vec::kWidth];
  store_f32(buffer, v);
  for (int64_t i = 0; i < count; ++i) {
    p[i] = Element::from_float(buffer[i]);
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
