// e^u where a bf16 gradient will be, for instruction sets that have no better order for it: rounded,
// each where its own gradient comes. Included by their simd.h.
#pragma once

#include <stdint.h>
#include <string.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

// Ties go up: gradients have ties, where factors are powers of two, e^u has none to speak of.
inline void hold_bf16_pair(uint16_t* p, Vec even, Vec odd) {
  const uint32_t bits = 0x8000;
  float half;
  memcpy(&half, &bits, sizeof half);
  store_cut_bf16_pair(p, add_shifted<0>(even, set1(half)), add_shifted<0>(odd, set1(half)));
}
inline void scale_held_bf16_pair(uint16_t* p, Vec k) {
  Vec even;
  Vec odd;
  load_bf16_pair(p, even, odd);
  store_bf16_pair(p, even * k, odd * k);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
