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

// Up to this |m| log2(e) / T the rest is at most 2^-8, a small part of the table's step; beyond it
// exponents come from z - m alone.
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
  const double s = sums.s / unit;
  // What m itself added to t, rounded as it was: a row of nothing else has entropy 0.
  const float rest = zero.rest * zero.unit;
  return {s, (sums.t - s * rest) / unit * kLn2, sums.q / (unit * unit)};
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

// The sums of pairs of vectors, lane by lane. t and q are apart for the two, so that none is of more
// than a run's steps.
struct LaneSums {
  Vec s;
  Vec t[2];
  Vec q[2];
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
  for (int k = 0; k < kCount; ++k) {
    LaneSums& to = lanes[k / 2];
    if (k % 2 == 0) {
      to.s = to.s + (z[k] + z[k + 1]);
    }
    to.t[k % 2] = fma(z[k], y[k], to.t[k % 2]);
    if constexpr (kSquares) {
      to.q[k % 2] = fma(z[k], z[k], to.q[k % 2]);
    }
  }
}

struct BlockLanes {
  LaneSums slots[kSlots];

  BlockLanes() {
    for (LaneSums& slot : slots) {
      slot = {set1(0), {set1(0), set1(0)}, {set1(0), set1(0)}};
    }
  }

  void add(const BlockLanes& run) {
    for (int k = 0; k < kSlots; ++k) {
      slots[k].s = slots[k].s + run.slots[k].s;
      for (int half = 0; half < 2; ++half) {
        slots[k].t[half] = slots[k].t[half] + run.slots[k].t[half];
        slots[k].q[half] = slots[k].q[half] + run.slots[k].q[half];
      }
    }
  }

  Sums sums() const {
    Vec s = slots[0].s;
    Vec t = slots[0].t[0] + slots[0].t[1];
    Vec q = slots[0].q[0] + slots[0].q[1];
    for (int k = 1; k < kSlots; ++k) {
      s = s + slots[k].s;
      t = t + (slots[k].t[0] + slots[k].t[1]);
      q = q + (slots[k].q[0] + slots[k].q[1]);
    }
    return {reduce_add(s), reduce_add(t), reduce_add(q)};
  }
};

// Lines that follow are asked for while a block is computed, so that memory never waits: those behind
// the next block into the first-level cache, those of f32 kFar bytes ahead into the second. From
// memory alone into the first level they come too slowly: it has some twenty requests in flight, and
// each takes the time of a thousand operations. 16-bit types, at half the bytes, are better off without:
// where a page's address is looked up for a prefetch, operations behind it wait. Past the end of the
// row the lines are the next one's, as a rule; where no memory is a prefetch faults no page and is
// dropped.
constexpr int64_t kNear = 2 * 1024;   // 1 and 4 KiB are as good
constexpr int64_t kFar = 32 * 1024;  // 16 to 128 KiB are
template <class Element>
void prefetch_behind(const typename Element::Storage* step) {
  const auto* bytes = reinterpret_cast<const char*>(step);
#pragma GCC unroll 4
  for (int64_t i = 0; i < kStep * static_cast<int64_t>(sizeof *step); i += 64) {
    __builtin_prefetch(bytes + kBlock * sizeof *step + kNear + i, 0, 3);
    if constexpr (sizeof *step == 4) {
      __builtin_prefetch(bytes + kFar + i, 0, 2);
    }
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
  BlockLanes lanes;
  const typename Element::Storage* z = block.z;
  const typename Element::Storage* next = block.range_ahead ? z + kBlock : z;
  typename Element::Storage* const keep = block.keep;
  const int64_t count = block.count;
  RangeLanes<Element> range;
  int64_t i = 0;
  while (i + kStep <= count) {
    BlockLanes run;
    const int64_t end = count - i < kRun ? count : i + kRun;
    for (; i + kStep <= end; i += kStep) {
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
      add_to<What::kSquares, kInRange>(run.slots, e, zero, table);
      if constexpr (What::kKeep) {
#pragma GCC unroll 4
        for (int k = 0; k < kUnroll; k += 2) {
          Element::hold_pair(keep + i + k * Vec::kWidth, e[k], e[k + 1]);
        }
      }
      prefetch_behind<Element>(z + i);
    }
    lanes.add(run);
  }
  for (; i < count; i += kPair) {
    const int64_t rest = count - i < kPair ? count - i : kPair;
    Vec e[2];
    load_rest<Element>(z + i, rest, cap, e[0], e[1]);
    add_to<What::kSquares, false>(lanes.slots, e, zero, table);
    if constexpr (What::kKeep) {
      hold_rest<Element>(keep + i, e[0], e[1], rest);
    }
  }
  return {lanes.sums(), block.range_ahead ? range.range(next) : BlockRange{0, 0}};
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
