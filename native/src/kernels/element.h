// One element of a row to and from float, and pairs of vectors of them through the SIMD type. In
// which order a pair holds its 2 kWidth neighbours is the type's affair: sums don't care, and
// store_pair undoes what load_pair did.
#pragma once

#include <stdint.h>
#include <string.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

struct F32 {
  using Storage = float;
  static float to_float(Storage s) { return s; }
  static Storage from_float(float f) { return f; }
  static constexpr const auto& kGradientExp2 = Exp2::fine;
  static constexpr bool kHoldsExp = true;
  static void load_pair(const Storage* p, Vec& a, Vec& b) {
    a = load_f32(p);
    b = load_f32(p + Vec::kWidth);
  }
  static void store_pair(Storage* p, Vec a, Vec b) {
    store_f32(p, a);
    store_f32(p + Vec::kWidth, b);
  }
  // A pair of e^u, in the order of load_pair, as it waits in the gradient's place for its factor.
  static void hold_pair(Storage* p, Vec a, Vec b) { store_pair(p, a, b); }
  // The gradient from it, in place.
  static void scale_held_pair(Storage* p, Vec k) {
    Vec a;
    Vec b;
    load_pair(p, a, b);
    store_pair(p, a * k, b * k);
  }
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
  static constexpr const auto& kGradientExp2 = Exp2::coarse;
  static constexpr bool kHoldsExp = true;
  static void load_pair(const Storage* p, Vec& a, Vec& b) { load_bf16_pair(p, a, b); }
  static void store_pair(Storage* p, Vec a, Vec b) { store_bf16_pair(p, a, b); }
  // e^u is rounded where it waits, and its gradient once more. The order of a pair is the ISA's
  // affair there.
  static void hold_pair(Storage* p, Vec a, Vec b) { hold_bf16_pair(p, a, b); }
  static void scale_held_pair(Storage* p, Vec k) { scale_held_bf16_pair(p, k); }
};

struct F16 {
  using Storage = uint16_t;
  static float to_float(Storage s) { return half_to_float(s); }
  static Storage from_float(float f) { return float_to_half(f); }
  static constexpr const auto& kGradientExp2 = Exp2::fine;
  static constexpr bool kHoldsExp = false;  // eleven bits of its own: rounding twice would show
  static void load_pair(const Storage* p, Vec& a, Vec& b) {
    a = load_f16(p);
    b = load_f16(p + Vec::kWidth);
  }
  static void store_pair(Storage* p, Vec a, Vec b) {
    store_f16(p, a);
    store_f16(p + Vec::kWidth, b);
  }
};

constexpr int64_t kPair = 2 * Vec::kWidth;

// Fewer elements than a pair holds, followed by 0: a gradient that is added to.
template <class Element>
void load_sum_tail(const typename Element::Storage* p, int64_t count, Vec& a, Vec& b) {
  float buffer[kPair] = {};
  for (int64_t i = 0; i < count; ++i) {
    buffer[i] = Element::to_float(p[i]);
  }
  a = load_f32(buffer);
  b = load_f32(buffer + Vec::kWidth);
}

// Fewer elements than a pair of vectors holds, capped; the rest is -inf, which adds nothing to any
// statistic.
template <class Element, class Cap>
void load_tail(const typename Element::Storage* p, int64_t count, const Cap& cap, Vec& a, Vec& b) {
  float buffer[kPair];
  for (int i = 0; i < kPair; ++i) {
    buffer[i] = i < count ? cap(Element::to_float(p[i])) : -__builtin_inff();
  }
  a = load_f32(buffer);
  b = load_f32(buffer + Vec::kWidth);
}

template <class Element>
void store_tail(typename Element::Storage* p, Vec a, Vec b, int64_t count) {
  float buffer[kPair];
  store_f32(buffer, a);
  store_f32(buffer + Vec::kWidth, b);
  for (int64_t i = 0; i < count; ++i) {
    p[i] = Element::from_float(buffer[i]);
  }
}

// A pair, in the order of load_pair, or the tail of a row: what is held of the one is scaled as a
// pair, too.
template <class Element, class Cap>
void load_rest(const typename Element::Storage* p, int64_t count, const Cap& cap, Vec& a, Vec& b) {
  if (count < kPair) {
    return load_tail<Element>(p, count, cap, a, b);
  }
  Element::load_pair(p, a, b);
  a = cap(a);
  b = cap(b);
}

template <class Element>
void hold_rest(typename Element::Storage* p, Vec a, Vec b, int64_t count) {
  if (count < kPair) {
    return store_tail<Element>(p, a, b, count);
  }
  Element::hold_pair(p, a, b);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
