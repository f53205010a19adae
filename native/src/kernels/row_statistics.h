// The statistics of one row: one pass over memory, block by block.
//
//   m = max z,  s = sum e^u,  t = sum e^u u,  q = sum e^2u   with u = (z - m) / T
//   lse = m/T + ln s,  H = ln s - t/s,  sum p^2 = q / s^2,  logProb = (z_y - m)/T - ln s
//
// Everything is relative to the maximum, so rows that lie far below 0 lose nothing. A block's range is
// known before it is summed, where the ISA has registers for it from the sums of the block before;
// the sums of a block are f32 in lanes, the totals double. f32 kept: e^u and the block sums. Bytes moved: vocab * sizeof(Storage).
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

namespace grpo4j::GRPO4J_ISA {
namespace {

struct RowStatistics {
  int32_t reason;  // GRPO4J_ROW_*; the rest is meaningful only when it is GRPO4J_ROW_OK
  float max_logit;
  double log_sum;  // ln s
  double sum;      // s
  double entropy;
  double sum_squares;
  Sums sums;  // s, t, q as they were added, for states that are merged later
};

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

// The sums of a row's blocks so far, counted from its largest logit so far.
class RowSums {
 public:
  explicit RowSums(double inverse_temperature)
      : inverse_temperature_(inverse_temperature),
        zero_{-__builtin_inff(), exponent_factor(inverse_temperature), 0, 0, 1} {}

  const ZeroPoint& zero() const { return zero_; }
  const Table& table() const { return table_; }
  bool empty() const { return zero_.max_logit == -__builtin_inff(); }
  void add(const Sums& exponents) { since_rise_.add(exponents); }

  // e^shift underflows to 0 while shift is finite, so factor * shift needs no guard.
  void rise(float max_logit) {
    if (!empty()) {
      const double shift =
          (static_cast<double>(zero_.max_logit) - max_logit) * inverse_temperature_;
      const double factor = exp(shift);
      const Sums sums = total();
      before_ = {sums.s * factor, factor * (sums.t + shift * sums.s), sums.q * factor * factor};
      since_rise_ = {0, 0, 0};
    }
    zero_ = zero_point(max_logit, zero_.factor, table_);
  }

  Sums total() const {
    Sums sums = before_;
    sums.add(from_zero(since_rise_, zero_));
    return sums;
  }

 private:
  double inverse_temperature_;
  Table table_ = exp2_table();
  ZeroPoint zero_;
  Sums before_ = {0, 0, 0};      // of the blocks before the last rise
  Sums since_rise_ = {0, 0, 0};  // over exponents
};

inline RowStatistics statistics_of(const Sums& sums, float max_logit) {
  if (!__builtin_isfinite(sums.s) || __builtin_isnan(sums.t)) {
    return bad_row(GRPO4J_ROW_NOT_FINITE);
  }
  const double log_sum = log(sums.s);
  const double entropy = log_sum - sums.t / sums.s;
  return {GRPO4J_ROW_OK,   max_logit, log_sum, sums.s, entropy > 0 ? entropy : 0,
          sums.q / (sums.s * sums.s), sums};
}

template <class Element, class What>
RowStatistics row_statistics(const RowView<Element>& row, const typename What::Cap& cap,
                             KeptExp<Element>* kept) {
  RowSums sums(row.inverse_temperature);
  BlockRange range;
  bool range_known = false;
  for (int64_t begin = 0; begin < row.vocab; begin += kBlock) {
    const int64_t left = row.vocab - begin;
    Block<Element> block = {row.z + begin, left < kBlock ? left : kBlock,
                            kRangeAhead && left >= 2 * kBlock, nullptr};
    if constexpr (What::kKeep) {
      block.keep = kept->e + begin;
    }
    if (!range_known) {
      range = block_range<Element>(block.z, block.count);
    }
    range_known = false;
    const float largest = cap(range.largest);
    if (!(largest < __builtin_inff())) {
      return bad_row(GRPO4J_ROW_NOT_FINITE);
    }
    if (largest == -__builtin_inff()) {
      // The sums, which would show a negative NaN, are skipped.
      if (__builtin_isnan(range.bound)) {
        return bad_row(GRPO4J_ROW_NOT_FINITE);
      }
      if constexpr (What::kKeep) {
        memset(block.keep, 0, static_cast<size_t>(block.count) * sizeof *block.keep);
      }
      continue;
    }
    if (largest > sums.zero().max_logit) {
      sums.rise(largest);
      if constexpr (What::kKeep) {
        begin_segment(*kept, begin, sums.zero(), row.inverse_temperature);
      }
    }
    const auto sums_of = in_range(sums.zero(), cap(range.bound)) ? block_sums<Element, What, true>
                                                                 : block_sums<Element, What, false>;
    const BlockSums added = sums_of(block, sums.zero(), sums.table(), cap);
    sums.add(added.sums);
    range = added.next;
    range_known = block.range_ahead;
  }
  return sums.empty() ? bad_row(GRPO4J_ROW_ALL_MINUS_INF)
                      : statistics_of(sums.total(), sums.zero().max_logit);
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
