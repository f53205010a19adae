// The cases of token_stats and of a vocabulary in shards, for both libraries.
#pragma once

#include <algorithm>

#include "policy_call.h"

// Outputs that a call of token_stats asks for; the log-probs come always.
struct WantedStatistics {
  bool entropy, lse, squares;

  grpo4j_row_outputs of(const grpo4j_row_outputs& all) const {
    return {all.log_probs, entropy ? all.entropy : nullptr, lse ? all.lse : nullptr,
            squares ? all.sum_squares : nullptr};
  }
};

// token_stats has no weights and reads every row: the masked one of NaN becomes a copy of the first.
inline PolicyInputs readable_inputs(const PolicyCase& c) {
  PolicyInputs in(c);
  if (in.n() > 1) {
    const int64_t size = oracle::bytes_of(c.dtype);
    std::copy_n(in.logits.begin() + (c.offset + in.row(0) * c.stride()) * size, c.vocab * size,
                in.logits.begin() + (c.offset + in.row(1) * c.stride()) * size);
  }
  return in;
}

// Each set of outputs at one vocabulary, on rows that are less and less regular.
template <class Check>
void each_statistics_case(int32_t dtype, int64_t vocab, const Check& check) {
  PolicyCase c;
  c.dtype = dtype;
  c.vocab = vocab;
  check(c, WantedStatistics{true, true, true});
  c.offset = 3;
  c.padding = 1;
  c.own_temperatures = true;
  check(c, WantedStatistics{true, false, false});
  c.shape = PolicyCase::kHalfMinusInf;
  check(c, WantedStatistics{false, true, false});
  c.soft_cap = 20;
  c.int_targets = true;
  check(c, WantedStatistics{true, true, true});
}

// A list of rows, and none.
template <class Check>
void each_statistics_row_list(int32_t dtype, const Check& check) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 9;
  c.listed_rows = true;
  c.own_temperatures = true;
  check(c, WantedStatistics{true, true, true});
  c.rows = 0;
  c.listed_rows = false;
  check(c, WantedStatistics{true, true, true});
}

// Columns [begin, end) of the vocabulary.
struct Shard {
  int64_t begin, end;
};

inline grpo4j_matrix shard_of(const PolicyCase& c, const grpo4j_matrix& whole, const Shard& shard) {
  grpo4j_matrix m = whole;
  if (m.data != nullptr) {
    m.data = static_cast<char*>(m.data) + shard.begin * oracle::bytes_of(c.dtype);
  }
  m.vocab = shard.end - shard.begin;
  return m;
}

// Cuts right before and after a target; cuts that leave a shard of nothing but -inf, of one column,
// or of fewer columns than a vector has.
template <class Check>
void each_uneven_cut(PolicyCase c, const Check& check) {
  using Shards = std::vector<Shard>;
  const int64_t target = PolicyInputs(c).targets[0];
  check(c, Shards{{0, target}, {target, target + 1}, {target + 1, c.vocab}});
  check(c, Shards{{0, target + 1}, {target + 1, c.vocab}});
  c.in_place = true;
  c.shape = PolicyCase::kHalfMinusInf;
  check(c, Shards{{0, c.vocab / 2}, {c.vocab / 2, c.vocab - 1}, {c.vocab - 1, c.vocab}});
  c.shape = PolicyCase::kRandom;
  c.ratio_level = GRPO4J_RATIO_SEQUENCE;
  c.own_temperatures = true;
  c.soft_cap = 10;
  check(c, Shards{{0, 17}, {17, c.vocab}});
  c.in_place = false;
  c.accumulate = true;
  check(c, Shards{{0, 17}, {17, c.vocab}});
}
