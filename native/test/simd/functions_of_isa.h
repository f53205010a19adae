// SimdFunctions of the ISA whose simd.h was included before. Nothing here may be linked into another
// ISA's code: no function has external linkage.
#pragma once

#include <math.h>
#include <string.h>

#include "kernels/exp.h"
#include "kernels/element.h"
#include "simd/functions.h"

namespace grpo4j::GRPO4J_ISA {
namespace {

constexpr int kWidth = Vec::kWidth;

void store_pair(float* pair, Vec even, Vec odd) {
  store_f32(pair, even);
  store_f32(pair + kWidth, odd);
}

constexpr SimdFunctions kFunctions = {
    kWidth,
    [](const uint16_t* from, float* pair) {
      Vec even, odd;
      load_bf16_pair(from, even, odd);
      store_pair(pair, even, odd);
    },
    [](const float* pair, uint16_t* to) {
      store_bf16_pair(to, load_f32(pair), load_f32(pair + kWidth));
    },
    [](const float* pair, float by, uint16_t* to) {
      Bf16::hold_pair(to, load_f32(pair), load_f32(pair + kWidth));
      Bf16::scale_held_pair(to, set1(by));
    },
    [](const uint16_t* from, float* vector) { store_f32(vector, load_f16(from)); },
    [](const float* vector, uint16_t* to) { store_f16(to, load_f32(vector)); },
    [](uint16_t bits) { return Bf16::to_float(bits); },
    [](float f) { return Bf16::from_float(f); },
    [](uint16_t bits) { return F16::to_float(bits); },
    [](float f) { return F16::from_float(f); },
    [](const float* a, const float* b, float* out) {
      store_f32(out, max(load_f32(a), load_f32(b)));
    },
    [](const float* a, const float* b, float* out) {
      store_f32(out, select_less(load_f32(a), load_f32(b), set1(1), set1(2)));
    },
    [](const float* a, const float* b, float* out) {
      store_f32(out, copy_sign(load_f32(a), load_f32(b)));
    },
    [](const float* a, float* out) { store_f32(out, abs(load_f32(a))); },
    [](const float* a, const float* b, const float* c, float* out) {
      store_f32(out, fma_once(load_f32(a), load_f32(b), load_f32(c)));
    },
    [](const float* a) { return reduce_add(load_f32(a)); },
    [](const float* y, float* out) {
      const Vec exponent[1] = {load_f32(y)};
      Vec e[1];
      exp2_of(exponent, exp2_table(), e);
      store_f32(out, e[0]);
    },
    kTableBits == 4 ? 4.3e-7 : kTableBits == 3 ? 2.7e-8 : 1.1e-7};

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
