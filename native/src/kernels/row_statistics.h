// The statistics of one row: one pass over memory, block by block.
//
//   m = max z,  s = sum e^u,  t = sum e^u u,  q = sum e^2u   with u = (z - m) / T
//   lse = m/T + ln s,  H = ln s - t/s,  sum p^2 = q / s^2,  logProb = (z_y - m)/T - ln s
//
// Everything is relative to the maximum, so rows that lie far below 0 lose nothing. A block stays in
// the first-level cache between its maximum and its sums; the sums of a block are f32 in lanes, the
// totals double. f32 kept: e^u and the block sums. Bytes moved: vocab * sizeof(Storage).
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

namespace grpo4j::GRPO4J_ISA {
namespace {

// A block is at most 64 additions per lane, which keep a lane's f32 sum within a few ulp whatever the
// vector width. With AVX-512 it is 8 KiB of any type: it, the block that is asked for meanwhile and
// e^u where the gradient lies elsewhere fit into the first-level cache together.
constexpr int64_t kStep = kUnroll * Vec::kWidth;
template <class Element>
constexpr int64_t kBlock = (sizeof(typename Element::Storage) == 4 ? 32 : 64) * kStep;
static_assert(kUnroll % 2 == 0, "elements are loaded in pairs of vectors");

struct Sums {
  double s;
  double t;
  double q;
};

struct RowStatistics {
  int32_t reason;  // GRPO4J_ROW_*; the rest is meaningful only when it is GRPO4J_ROW_OK
  float max_logit;
  double log_sum;  // ln s
  double sum;      // s
  double entropy;
  double sum_squares;
  Sums sums;  // s, t, q as they were added, for states that are merged later
};

// A representation as another type. std::bit_cast is inline with external linkage, which no ISA's
// file may instantiate.
template <class To, class From>
inline To cast_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// The largest element of a block of one or more, found among the representations: one integer comparison for as
// many elements as a register holds, and no conversion of 16-bit ones. Floats of one sign are
// ordered as integers are, negative ones the other way round. NaN where a positive NaN is among
// them; a negative one is for the sums to find.
template <class Element>
float block_max(const typename Element::Storage* z, int64_t count) {
  using Storage = typename Element::Storage;
  using Signed = std::conditional_t<sizeof(Storage) == 2, int16_t, int32_t>;
  using Unsigned = std::make_unsigned_t<Signed>;
  Signed largest = cast_bits<Signed>(z[0]);
#pragma GCC unroll 4
  for (int64_t i = 0; i < count; ++i) {
    const Signed bits = cast_bits<Signed>(z[i]);
    largest = bits > largest ? bits : largest;
  }
  if (largest >= 0) {
    return Element::to_float(cast_bits<Storage>(largest));
  }
  Unsigned least = cast_bits<Unsigned>(z[0]);
  for (int64_t i = 0; i < count; ++i) {
    const Unsigned bits = cast_bits<Unsigned>(z[i]);
    least = bits < least ? bits : least;
  }
  return Element::to_float(cast_bits<Storage>(least));
}

// Lane sums of one unrolled slot.
struct LaneSums {
  Vec s;
  Vec t;
  Vec q;
};

// Adds e^(d/T) of some vectors, each to its lanes, and leaves it in their place. t is in units of
// d = z - m; the caller divides by T in double.
template <bool kSquares, int kCount>
inline void add_to(LaneSums* lanes, Vec (&z)[kCount], Vec max_logit, const ExpScale& scale) {
  Vec d[kCount];
#pragma GCC unroll 4
  for (int k = 0; k < kCount; ++k) {
    d[k] = max(set1(scale.floor), z[k] - max_logit);
  }
  scaled_exp(d, scale, Exp2::fine, 1.0f, z);
#pragma GCC unroll 4
  for (int k = 0; k < kCount; ++k) {
    lanes[k].s = lanes[k].s + z[k];
    lanes[k].t = fma(z[k], d[k], lanes[k].t);
    if constexpr (kSquares) {
      lanes[k].q = fma(z[k], z[k], lanes[k].q);
    }
  }
}

// Where e^u of a row is kept for its gradient: in the gradient itself. u counts from the maximum at
// the time, so the row falls into segments, one for each rise of the maximum. begin of the first
// segment is 0: what comes before it is 0 whatever the maximum. There is room for a rise in every
// block of a vocabulary of 262,144; where there are more, all that is held is scaled, and rounded,
// once more.
template <class Element>
struct KeptExp {
  static constexpr int kSegments = static_cast<int>(262144 / kBlock<Element>);
  struct Segment {
    int64_t begin;
    float max_logit;
  };
  typename Element::Storage* e;
  int count = 0;
  Segment segments[kSegments];
};

// What was held times a factor, in place: held on, or what the gradient is.
template <class Element, bool kHold>
void scale_elements(typename Element::Storage* e, int64_t count, double by) {
  const float factor = static_cast<float>(by * Element::kHeldMean);
  const Vec k = set1(factor);
  int64_t i = 0;
  Vec a;
  Vec b;
  for (; i + kPair <= count; i += kPair) {
    Element::held_pair(e + i, a, b);
    if constexpr (kHold) {
      Element::hold_pair(e + i, a * k, b * k);
    } else {
      Element::store_pair(e + i, a * k, b * k);
    }
  }
  for (; i < count; ++i) {
    const float scaled = Element::held(e[i]) * factor;
    e[i] = kHold ? Element::hold(scaled) : Element::from_float(scaled);
  }
}

// All of [0, end) becomes factor e^((z - max_logit)/T).
template <class Element, bool kHold>
void scale_kept(const KeptExp<Element>& kept, int64_t end, float max_logit,
                double inverse_temperature, double factor) {
  for (int k = 0; k < kept.count; ++k) {
    const int64_t begin = k == 0 ? 0 : kept.segments[k].begin;
    const int64_t next = k + 1 < kept.count ? kept.segments[k + 1].begin : end;
    const double shift =
        (static_cast<double>(kept.segments[k].max_logit) - max_logit) * inverse_temperature;
    scale_elements<Element, kHold>(kept.e + begin, next - begin,
                                   factor * exp(shift));
  }
}

template <class Element>
void begin_segment(KeptExp<Element>& kept, int64_t begin, float max_logit,
                   double inverse_temperature) {
  if (kept.count == KeptExp<Element>::kSegments) {
    scale_kept<Element, true>(kept, begin, max_logit, inverse_temperature, 1.0);
    kept.count = 1;
    kept.segments[0] = {0, max_logit};
    return;
  }
  kept.segments[kept.count++] = {begin, max_logit};
}

// Lines that follow are asked for while a block is computed, so that memory never waits: those of the
// next block into the first-level cache, those kFar bytes ahead into the second. From memory alone
// into the first level they come too slowly: it has some twenty requests in flight, and each takes
// the time of a thousand operations. Past the end of the row they are the next one's, as a rule; where
// no memory is a prefetch faults no page and is dropped.
constexpr int64_t kFar = 32 * 1024;
template <class Element>
void prefetch_behind(const typename Element::Storage* step) {
  const auto* bytes = reinterpret_cast<const char*>(step);
#pragma GCC unroll 4
  for (int64_t i = 0; i < kStep * static_cast<int64_t>(sizeof *step); i += 64) {
    __builtin_prefetch(bytes + kBlock<Element> * sizeof *step + i, 0, 3);
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

// keep, where it is not null, gets e^u; it may be z.
template <class Element, class What>
Sums block_sums(const typename Element::Storage* z, int64_t count, float max_logit,
                const ExpScale& scale, const typename What::Cap& cap,
                typename Element::Storage* keep) {
  const Vec m = set1(max_logit);
  LaneSums lanes[kUnroll];
  for (int k = 0; k < kUnroll; ++k) {
    lanes[k] = {set1(0), set1(0), set1(0)};
  }
  int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    Vec e[kUnroll];
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; k += 2) {
      Element::load_pair(z + i + k * Vec::kWidth, e[k], e[k + 1]);
      e[k] = cap(e[k]);
      e[k + 1] = cap(e[k + 1]);
    }
    add_to<What::kSquares>(lanes, e, m, scale);
    if constexpr (What::kKeep) {
#pragma GCC unroll 4
      for (int k = 0; k < kUnroll; k += 2) {
        Element::hold_pair(keep + i + k * Vec::kWidth, e[k], e[k + 1]);
      }
    }
    prefetch_behind<Element>(z + i);
  }
  for (; i < count; i += kPair) {
    const int64_t rest = count - i < kPair ? count - i : kPair;
    Vec e[2];
    if (rest == kPair) {
      Element::load_pair(z + i, e[0], e[1]);
      e[0] = cap(e[0]);
      e[1] = cap(e[1]);
    } else {
      load_tail<Element>(z + i, rest, cap, e[0], e[1]);
    }
    add_to<What::kSquares>(lanes, e, m, scale);
    if constexpr (What::kKeep) {
      if (rest == kPair) {
        Element::hold_pair(keep + i, e[0], e[1]);
      } else {
        hold_tail<Element>(keep + i, e[0], e[1], rest);
      }
    }
  }
  for (int k = 1; k < kUnroll; ++k) {
    lanes[0].s = lanes[0].s + lanes[k].s;
    lanes[0].t = lanes[0].t + lanes[k].t;
    lanes[0].q = lanes[0].q + lanes[k].q;
  }
  return {reduce_add(lanes[0].s), reduce_add(lanes[0].t), reduce_add(lanes[0].q)};
}

template <class Element>
bool has_nan(const typename Element::Storage* z, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (__builtin_isnan(Element::to_float(z[i]))) {
      return true;
    }
  }
  return false;
}

inline RowStatistics bad_row(int32_t reason) { return {reason, 0, 0, 0, 0, 0, {0, 0, 0}}; }

// A row: where it lies and what is asked of it.
template <class Element>
struct RowView {
  const typename Element::Storage* z;
  int64_t vocab;
  int64_t target;       // counts from the start of the whole vocabulary
  int64_t vocab_total;
  double inverse_temperature;
  bool squares;  // whether sum p^2 is wanted
};

template <class Element, class What>
RowStatistics row_statistics(const RowView<Element>& row, const typename What::Cap& cap,
                             KeptExp<Element>* kept) {
  const typename Element::Storage* z = row.z;
  const int64_t vocab = row.vocab;
  const double inverse_temperature = row.inverse_temperature;
  const ExpScale scale = exp_scale(static_cast<float>(inverse_temperature));
  float m = -__builtin_inff();
  Sums total = {0, 0, 0};
  for (int64_t begin = 0; begin < vocab; begin += kBlock<Element>) {
    const int64_t count = vocab - begin < kBlock<Element> ? vocab - begin : kBlock<Element>;
    const float block_m = cap(block_max<Element>(z + begin, count));
    if (!(block_m < __builtin_inff())) {
      return bad_row(GRPO4J_ROW_NOT_FINITE);
    }
    if (block_m == -__builtin_inff()) {
      // A maximum ignores NaN, and this block's sums, which would show it, are skipped.
      if (has_nan<Element>(z + begin, count)) {
        return bad_row(GRPO4J_ROW_NOT_FINITE);
      }
      if constexpr (What::kKeep) {
        memset(kept->e + begin, 0, static_cast<size_t>(count) * sizeof *z);
      }
      continue;
    }
    if (block_m > m) {
      if (m != -__builtin_inff()) {
        const double shift = (static_cast<double>(m) - block_m) * inverse_temperature;
        const double factor = exp(shift);
        // e^shift underflows to 0 while shift is finite, so factor * shift needs no guard.
        total = {total.s * factor, factor * (total.t + shift * total.s),
                 total.q * factor * factor};
      }
      m = block_m;
      if constexpr (What::kKeep) {
        begin_segment(*kept, begin, m, inverse_temperature);
      }
    }
    typename Element::Storage* keep = nullptr;
    if constexpr (What::kKeep) {
      keep = kept->e + begin;
    }
    const Sums block =
        block_sums<Element, What>(z + begin, count, m, scale, cap, keep);
    total = {total.s + block.s, total.t + block.t * inverse_temperature, total.q + block.q};
  }
  if (m == -__builtin_inff()) {
    return bad_row(GRPO4J_ROW_ALL_MINUS_INF);
  }
  if (!__builtin_isfinite(total.s) || __builtin_isnan(total.t)) {
    return bad_row(GRPO4J_ROW_NOT_FINITE);
  }
  const double log_sum = log(total.s);
  const double entropy = log_sum - total.t / total.s;
  return {GRPO4J_ROW_OK, m, log_sum, total.s, entropy > 0 ? entropy : 0,
          total.q / (total.s * total.s), total};
}

// What can be said of a row before it is read.
template <class Element>
int32_t usable_row(const RowView<Element>& row) {
  if (row.target < 0 || row.target >= row.vocab_total) {
    return GRPO4J_ROW_TARGET_OUT_OF_RANGE;
  }
  return usable_temperature(1 / row.inverse_temperature) ? GRPO4J_ROW_OK : GRPO4J_ROW_TEMPERATURE;
}

template <class Element, class Cap>
RowStatistics checked_statistics(const RowView<Element>& row, const Cap& cap) {
  if (const int32_t reason = usable_row(row); reason != GRPO4J_ROW_OK) {
    return bad_row(reason);
  }
  const auto statistics = row.squares ? row_statistics<Element, Wanted<true, false, Cap>>
                                      : row_statistics<Element, Wanted<false, false, Cap>>;
  return statistics(row, cap, nullptr);
}

// Calls rows(cap) with the cap that a call asks for.
template <class Rows>
void with_cap(double soft_cap, const Rows& rows) {
  if (soft_cap == 0) {
    rows(NoCap(0));
  } else {
    rows(SoftCap(soft_cap));
  }
}

// The kernels are written for one element type and one cap; this picks them for a call.
template <template <class, class> class Kernel, class... Args>
void dispatch(const grpo4j_matrix& logits, double soft_cap, const Args&... args) {
  with_cap(soft_cap, [&](const auto& cap) {
    using Cap = std::remove_cvref_t<decltype(cap)>;
    switch (logits.dtype) {
      case GRPO4J_F32:
        return Kernel<F32, Cap>::run(cap, args...);
      case GRPO4J_BF16:
        return Kernel<Bf16, Cap>::run(cap, args...);
      default:
        return Kernel<F16, Cap>::run(cap, args...);
    }
  });
}

// The outputs of row i, as stored; log_prob is what the objective sees.
inline void store_outputs(const grpo4j_row_outputs& out, int64_t i, const RowStatistics& row,
                          double log_prob, double inverse_temperature) {
  out.log_probs[i] = static_cast<float>(log_prob);
  if (out.entropy != nullptr) {
    out.entropy[i] = static_cast<float>(row.entropy);
  }
  if (out.lse != nullptr) {
    out.lse[i] = static_cast<float>(row.max_logit * inverse_temperature + row.log_sum);
  }
  if (out.sum_squares != nullptr) {
    out.sum_squares[i] = static_cast<float>(row.sum_squares);
  }
}

inline void fill_outputs(const grpo4j_row_outputs& out, int64_t i, float value) {
  out.log_probs[i] = value;
  if (out.entropy != nullptr) {
    out.entropy[i] = value;
  }
  if (out.lse != nullptr) {
    out.lse[i] = value;
  }
  if (out.sum_squares != nullptr) {
    out.sum_squares[i] = value;
  }
}

inline void report_bad(BadRows& bad, int64_t i, int32_t reason) {
  if (bad.count++ == 0 || i < bad.first) {
    bad.first = i;
    bad.first_reason = reason;
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
