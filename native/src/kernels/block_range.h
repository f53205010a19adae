// Which values a block holds, before any of them is used.
#pragma once

#include <stdint.h>
#include <string.h>

#include <limits>
#include <type_traits>

namespace grpo4j::GRPO4J_ISA {
namespace {

// Lanes are summed in runs of 16 steps and a block's runs afterwards: equal logits, whose roundings all go
// the same way, cost 20 of them and not a block's 64. With AVX-512 a block is 16 KiB of f32 or 8 KiB
// of 16-bit types. From an element that is summed to the one in the next block whose range is taken
// meanwhile, that many bytes are in use: with the lines asked for ahead they fit into the first-level
// cache.
constexpr int64_t kStep = kUnroll * Vec::kWidth;
constexpr int64_t kRun = 16 * kStep;
constexpr int64_t kBlock = 4 * kRun;
static_assert(kUnroll % 2 == 0, "elements are loaded in pairs of vectors");

// A representation as another type. std::bit_cast is inline with external linkage, which no ISA's
// file may instantiate.
template <class To, class From>
inline To cast_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// Of a block of one or more elements the largest, and a bound that none is below: the least one, or 0
// where none is negative. Found among the representations, with integer comparisons of as many
// elements as a register holds and no conversion of 16-bit ones: floats of one sign are ordered as
// integers are, negative ones the other way round. largest is NaN where a positive NaN is among
// them, bound where a negative one is.
struct BlockRange {
  float largest;
  float bound;
};

// The representations of an element, as integers and as registers of them.
template <class Element>
struct Bits {
  using Storage = typename Element::Storage;
  using Signed = std::conditional_t<sizeof(Storage) == 2, int16_t, int32_t>;
  using Unsigned = std::make_unsigned_t<Signed>;
  static constexpr int kLanes = Vec::kWidth * sizeof(float) / sizeof(Storage);
  typedef Signed SignedLanes __attribute__((vector_size(Vec::kWidth * sizeof(float))));
  typedef Unsigned UnsignedLanes __attribute__((vector_size(Vec::kWidth * sizeof(float))));
};

// The range from the largest representation of each kind. Where all of z is negative, the least one
// of these is its maximum.
template <class Element>
BlockRange range_from_bits(typename Bits<Element>::Signed largest,
                           typename Bits<Element>::Unsigned lowest,
                           const typename Element::Storage* z, int64_t count) {
  using Storage = typename Element::Storage;
  using Unsigned = typename Bits<Element>::Unsigned;
  const float bound = Element::to_float(cast_bits<Storage>(lowest));
  if (largest >= 0) {
    return {Element::to_float(cast_bits<Storage>(largest)), bound > 0 ? 0 : bound};
  }
  Unsigned least = lowest;
  for (int64_t i = 0; i < count; ++i) {
    const Unsigned bits = cast_bits<Unsigned>(z[i]);
    least = bits < least ? bits : least;
  }
  return {Element::to_float(cast_bits<Storage>(least)), bound};
}

template <class Element>
BlockRange block_range(const typename Element::Storage* z, int64_t count) {
  using Signed = typename Bits<Element>::Signed;
  using Unsigned = typename Bits<Element>::Unsigned;
  Signed largest = cast_bits<Signed>(z[0]);
  Unsigned lowest = cast_bits<Unsigned>(z[0]);
#pragma GCC unroll 4
  for (int64_t i = 0; i < count; ++i) {
    const Signed bits = cast_bits<Signed>(z[i]);
    largest = bits > largest ? bits : largest;
    const Unsigned magnitude = cast_bits<Unsigned>(z[i]);
    lowest = magnitude > lowest ? magnitude : lowest;
  }
  return range_from_bits<Element>(largest, lowest, z, count);
}

// The same of a whole block, a step at a time between other work.
template <class Element>
class RangeLanes {
 public:
  using Storage = typename Element::Storage;

  [[gnu::always_inline]] void add_step(const Storage* z) {
#pragma GCC unroll 4
    for (int64_t k = 0; k < kStep; k += kLanes) {
      SignedLanes bits;
      UnsignedLanes magnitude;
      memcpy(&bits, z + k, sizeof bits);
      memcpy(&magnitude, z + k, sizeof magnitude);
      largest_ = bits > largest_ ? bits : largest_;
      lowest_ = magnitude > lowest_ ? magnitude : lowest_;
    }
  }

  // Of the whole block at z, all of whose steps were added.
  BlockRange range(const Storage* z) const { return range_from_lanes(largest_, lowest_, z); }

 private:
  using Signed = typename Bits<Element>::Signed;
  using Unsigned = typename Bits<Element>::Unsigned;
  using SignedLanes = typename Bits<Element>::SignedLanes;
  using UnsignedLanes = typename Bits<Element>::UnsignedLanes;
  static constexpr int kLanes = Bits<Element>::kLanes;

  // Not inlined: the lanes would stay in memory for it all the way.
  [[gnu::noinline]] static BlockRange range_from_lanes(SignedLanes largest_lanes,
                                                       UnsignedLanes lowest_lanes,
                                                       const Storage* z) {
    Signed largest[kLanes];
    Unsigned lowest[kLanes];
    memcpy(largest, &largest_lanes, sizeof largest);
    memcpy(lowest, &lowest_lanes, sizeof lowest);
    for (int k = 1; k < kLanes; ++k) {
      largest[0] = largest[k] > largest[0] ? largest[k] : largest[0];
      lowest[0] = lowest[k] > lowest[0] ? lowest[k] : lowest[0];
    }
    return range_from_bits<Element>(largest[0], lowest[0], z, kBlock);
  }

  SignedLanes largest_ = SignedLanes{} + std::numeric_limits<Signed>::min();
  UnsignedLanes lowest_ = {};
};

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
