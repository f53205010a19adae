// The sums of the part of a row that stays in the first-level cache between its range and them.
//
// With the row's largest logit m so far: y = (z - m) log2(e) / T and s = sum 2^y, t = sum 2^y y,
// q = sum 2^2y, in f32 lanes. One multiplication gives y, two 2^y's polynomial, one its power of two,
// one t: these loops are bound by arithmetic, and every operation is a twelfth of their time.
#pragma once

#include <math.h>
#include <stdint.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

struct Sums {
  double s;
  double t;
  double q;

  void add(const Sums& more) {
    s += more.s;
    t += more.t;
    q += more.q;
  }
};

// The largest logit m of a row so far, and how the exponents of the others are counted from it: as
// z factor - exponent, one multiplication with one rounding. The product m factor is rounded to
// exponent, so y of m itself is not quite 0: it is rest, and 2^rest as these loops compute it is
// unit. Sums divided by unit count from m, and m adds exactly 1 to them.
struct ZeroPoint {
  float max_logit;
  float factor;  // log2(e) / T
  float exponent;
  float rest;
  float unit;
};

// Beyond this |m| log2(e) / T, exponents come from z - m alone.
constexpr double kMostExponent = 65536;

inline ZeroPoint zero_point(float max_logit, float factor, const Table& table) {
  const double product = static_cast<double>(max_logit) * factor;
  if (!(product >= -kMostExponent && product <= kMostExponent)) {
    return {max_logit, factor, __builtin_inff(), 0, 1};
  }
  const float exponent = static_cast<float>(product);
  const float rest = static_cast<float>(product - exponent);
  return {max_logit, factor, exponent, rest, exp2_of(rest, table)};
}

// Sums over exponents y, and those over u = (z - m)/T that they stand for.
inline Sums from_zero(const Sums& sums, const ZeroPoint& zero) {
  const double unit = zero.unit;
  return {sums.s / unit, (sums.t - zero.rest * sums.s) / unit * kLn2, sums.q / (unit * unit)};
}

// Whether every y of a block with this bound can be computed without a clamp. False for NaN.
inline bool in_range(const ZeroPoint& zero, float bound) {
  return static_cast<double>(bound) * zero.factor - zero.exponent >= kLeastExponent + 1;
}

// The exponents of logits; kInRange says that in_range is true of them.
template <bool kInRange, int kCount>
[[gnu::always_inline]] inline void exponents(const Vec (&z)[kCount], const ZeroPoint& zero,
                                             Vec (&y)[kCount]) {
#pragma GCC unroll 4
  for (int k = 0; k < kCount; ++k) {
    if constexpr (kInRange) {
      y[k] = fma_once(z[k], set1(zero.factor), set1(-zero.exponent));
    } else {
      y[k] = max(set1(kLeastExponent),
                 fma_once(z[k] - set1(zero.max_logit), set1(zero.factor), set1(zero.rest)));
    }
  }
}

// The sums of a pair of vectors, lane by lane.
struct LaneSums {
  Vec s;
  Vec t;
  Vec q;
};
constexpr int kSlots = kUnroll / 2;

// Adds 2^y of pairs of vectors, each to its lanes, and leaves it in their place.
template <bool kSquares, bool kInRange, int kCount>
[[gnu::always_inline]] inline void add_to(LaneSums* lanes, Vec (&z)[kCount],
                                          const ZeroPoint& zero, const Table& table) {
  Vec y[kCount];
  exponents<kInRange>(z, zero, y);
  exp2_of(y, table, z);
#pragma GCC unroll 4
  for (int k = 0; k < kCount; k += 2) {
    LaneSums& to = lanes[k / 2];
    to.s = to.s + (z[k] + z[k + 1]);
    to.t = fma(z[k], y[k], fma(z[k + 1], y[k + 1], to.t));
    if constexpr (kSquares) {
      to.q = fma(z[k], z[k], fma(z[k + 1], z[k + 1], to.q));
    }
  }
}

// Lines that follow are asked for while a block is computed, so that memory never waits: those behind
// the next block into the first-level cache, those kFar bytes ahead into the second. From memory
// alone into the first level they come too slowly: it has some twenty requests in flight, and each
// takes the time of a thousand operations. Past the end of the row they are the next one's, as a rule;
// where no memory is a prefetch faults no page and is dropped.
constexpr int64_t kNear = 2 * 1024;
constexpr int64_t kFar = 32 * 1024;
template <class Element>
void prefetch_behind(const typename Element::Storage* step) {
  const auto* bytes = reinterpret_cast<const char*>(step);
#pragma GCC unroll 4
  for (int64_t i = 0; i < kStep * static_cast<int64_t>(sizeof *step); i += 64) {
    __builtin_prefetch(bytes + kBlock * sizeof *step + kNear + i, 0, 3);
    __builtin_prefetch(bytes + kFar + i, 0, 2);
  }
}

// What is asked of a row's statistics: sum p^2 (one multiplication per element), e^u kept, a cap.
template <bool kSquaresValue, bool kKeepValue, class CapType>
struct Wanted {
  using Cap = CapType;
  static constexpr bool kSquares = kSquaresValue;
  static constexpr bool kKeep = kKeepValue;
};

template <class Element>
struct Block {
  const typename Element::Storage* z;
  int64_t count;
  bool range_ahead;                 // the next block is whole, and its range is wanted
  typename Element::Storage* keep;  // gets 2^y where that is wanted; may be z
};

struct BlockSums {
  Sums sums;        // over exponents
  BlockRange next;  // if it was wanted
};

// The sums of a block; on the way the range of the next one, whose comparisons cost less between
// multiplications than alone. What is left after the last whole step is filled up with -inf, which
// only clamped exponents take. zero and table by value: through references they would be loaded again
// after every store.
template <class Element, class What, bool kInRange>
BlockSums block_sums(const Block<Element>& block, ZeroPoint zero, Table table,
                     const typename What::Cap& cap) {
  LaneSums lanes[kSlots];
  for (int k = 0; k < kSlots; ++k) {
    lanes[k] = {set1(0), set1(0), set1(0)};
  }
  const typename Element::Storage* z = block.z;
  const typename Element::Storage* next = block.range_ahead ? z + kBlock : z;
  RangeLanes<Element> range;
  int64_t i = 0;
  for (; i + kStep <= block.count; i += kStep) {
    Vec e[kUnroll];
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; k += 2) {
      Element::load_pair(z + i + k * Vec::kWidth, e[k], e[k + 1]);
      e[k] = cap(e[k]);
      e[k + 1] = cap(e[k + 1]);
    }
    if constexpr (kRangeAhead) {
      range.add_step(next + i);
    }
    add_to<What::kSquares, kInRange>(lanes, e, zero, table);
    if constexpr (What::kKeep) {
#pragma GCC unroll 4
      for (int k = 0; k < kUnroll; k += 2) {
        Element::hold_pair(block.keep + i + k * Vec::kWidth, e[k], e[k + 1]);
      }
    }
    prefetch_behind<Element>(z + i);
  }
  for (; i < block.count; i += kPair) {
    const int64_t rest = block.count - i < kPair ? block.count - i : kPair;
    Vec e[2];
    load_tail<Element>(z + i, rest, cap, e[0], e[1]);
    add_to<What::kSquares, false>(lanes, e, zero, table);
    if constexpr (What::kKeep) {
      hold_tail<Element>(block.keep + i, e[0], e[1], rest);
    }
  }
  for (int k = 1; k < kSlots; ++k) {
    lanes[0].s = lanes[0].s + lanes[k].s;
    lanes[0].t = lanes[0].t + lanes[k].t;
    lanes[0].q = lanes[0].q + lanes[k].q;
  }
  const Sums sums = {reduce_add(lanes[0].s), reduce_add(lanes[0].t),
                     What::kSquares ? reduce_add(lanes[0].q) : 0};
  return {sums, block.range_ahead ? range.range(next) : BlockRange{0, 0}};
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
