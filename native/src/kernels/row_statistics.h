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

namespace grpo4j::GRPO4J_ISA {
namespace {

// 64 additions per lane keep a lane's f32 sum within a few ulp whatever the vector width; with
// AVX-512 that is 4,096 elements, 16 KiB of f32, which stay in the first-level cache.
constexpr int64_t kBlock = 64 * kUnroll * Vec::kWidth;

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

template <class Element>
float block_max(const typename Element::Storage* z, int64_t count) {
  Vec m[kUnroll];
  for (int k = 0; k < kUnroll; ++k) {
    m[k] = set1(-__builtin_inff());
  }
  int64_t i = 0;
  for (; i + kUnroll * Vec::kWidth <= count; i += kUnroll * Vec::kWidth) {
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; ++k) {
      m[k] = max(m[k], Element::load(z + i + k * Vec::kWidth));
    }
  }
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    m[0] = max(m[0], Element::load(z + i));
  }
  if (i < count) {
    m[0] = max(m[0], load_tail<Element>(z + i, count - i));
  }
  for (int k = 1; k < kUnroll; ++k) {
    m[0] = max(m[0], m[k]);
  }
  return reduce_max(m[0]);
}

// Lane sums of one unrolled slot.
struct LaneSums {
  Vec s;
  Vec t;
  Vec q;
};

// t is in units of d = z - m; the caller divides by T in double.
template <bool kSquares>
inline void add_to(LaneSums& lane, Vec z, Vec max_logit, const ExpScale& scale) {
  const Vec d = max(set1(scale.sums_floor), z - max_logit);
  const Vec e = exp_for_sums(d, scale);
  lane.s = lane.s + e;
  lane.t = fma(e, d, lane.t);
  if constexpr (kSquares) {
    lane.q = fma(e, e, lane.q);
  }
}

// Lines of the next block are asked for while this one is computed, so that memory never waits.
// A prefetch past the end of the row faults no page and is dropped.
inline void prefetch_lines(const void* p, int64_t bytes) {
#pragma GCC unroll 4
  for (int64_t i = 0; i < bytes; i += 64) {
    __builtin_prefetch(static_cast<const char*>(p) + i, 0, 3);
  }
}

template <class Element, bool kSquares>
Sums block_sums(const typename Element::Storage* z, int64_t count, float max_logit,
                float inverse_temperature) {
  const Vec m = set1(max_logit);
  const ExpScale scale = exp_scale(inverse_temperature);
  LaneSums lanes[kUnroll];
  for (int k = 0; k < kUnroll; ++k) {
    lanes[k] = {set1(0), set1(0), set1(0)};
  }
  int64_t i = 0;
  for (; i + kUnroll * Vec::kWidth <= count; i += kUnroll * Vec::kWidth) {
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; ++k) {
      add_to<kSquares>(lanes[k], Element::load(z + i + k * Vec::kWidth), m, scale);
    }
    prefetch_lines(z + i + kBlock, kUnroll * Vec::kWidth * sizeof *z);
  }
  for (; i + Vec::kWidth <= count; i += Vec::kWidth) {
    add_to<kSquares>(lanes[0], Element::load(z + i), m, scale);
  }
  if (i < count) {
    add_to<kSquares>(lanes[0], load_tail<Element>(z + i, count - i), m, scale);
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

template <class Element, bool kSquares = true>
RowStatistics row_statistics(const typename Element::Storage* z, int64_t vocab,
                             double inverse_temperature) {
  const float inverse_f32 = static_cast<float>(inverse_temperature);
  float m = -__builtin_inff();
  Sums total = {0, 0, 0};
  for (int64_t begin = 0; begin < vocab; begin += kBlock) {
    const int64_t count = vocab - begin < kBlock ? vocab - begin : kBlock;
    const float block_m = block_max<Element>(z + begin, count);
    if (block_m == __builtin_inff()) {
      return bad_row(GRPO4J_ROW_NOT_FINITE);
    }
    if (block_m == -__builtin_inff()) {
      // A maximum ignores NaN, and this block's sums, which would show it, are skipped.
      if (has_nan<Element>(z + begin, count)) {
        return bad_row(GRPO4J_ROW_NOT_FINITE);
      }
      continue;
    }
    if (block_m > m) {
      if (m != -__builtin_inff()) {
        const double shift = (static_cast<double>(m) - block_m) * inverse_temperature;
        const double scale = exp(shift);
        // e^shift underflows to 0 while shift is finite, so scale * shift needs no guard.
        total = {total.s * scale, scale * (total.t + shift * total.s), total.q * scale * scale};
      }
      m = block_m;
    }
    const Sums block = block_sums<Element, kSquares>(z + begin, count, m, inverse_f32);
    total = {total.s + block.s, total.t + block.t * inverse_temperature, total.q + block.q};
  }
  if (m == -__builtin_inff()) {
    return bad_row(GRPO4J_ROW_ALL_MINUS_INF);
  }
  // Adding to the exponent bits of a NaN may make a number of it; e * d stays NaN.
  if (!__builtin_isfinite(total.s) || __builtin_isnan(total.t)) {
    return bad_row(GRPO4J_ROW_NOT_FINITE);
  }
  const double log_sum = log(total.s);
  const double entropy = log_sum - total.t / total.s;
  return {GRPO4J_ROW_OK, m, log_sum, total.s, entropy > 0 ? entropy : 0,
          total.q / (total.s * total.s), total};
}

// The same with what can be said of the row before it is read.
template <class Element>
RowStatistics checked_statistics(const typename Element::Storage* z, int64_t vocab, int64_t target,
                                 int64_t vocab_total, double inverse_temperature) {
  if (target < 0 || target >= vocab_total) {
    return bad_row(GRPO4J_ROW_TARGET_OUT_OF_RANGE);
  }
  if (!usable_temperature(1 / inverse_temperature)) {
    return bad_row(GRPO4J_ROW_TEMPERATURE);
  }
  return row_statistics<Element>(z, vocab, inverse_temperature);
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
