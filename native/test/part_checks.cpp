// The parts of policy_loss: statistics alone, and a vocabulary in shards through row_states,
// merge_states, objective and logits_gradient.
#include "host_policy_call.h"
#include "kernels_test.h"
#include "part_cases.h"

namespace {

// States of all shards, merged; outputs of the whole rows. Masked rows are NaN here: row_states
// knows no weights.
std::vector<grpo4j_row_state> merged_states(const PolicyCase& c, HostPolicyCall& call,
                                            const std::vector<Shard>& shards, int64_t bad_rows) {
  const grpo4j_rows rows = call.rows();
  std::vector<grpo4j_row_state> states(shards.size() * static_cast<size_t>(rows.n));
  grpo4j_report report;
  for (size_t s = 0; s < shards.size(); ++s) {
    const grpo4j_row_states_args args = {shard_of(c, call.matrix(call.logits), shards[s]), rows,
                                         shards[s].begin, c.vocab,
                                         states.data() + s * static_cast<size_t>(rows.n)};
    expect(grpo4j_row_states(&args, &report) == GRPO4J_OK && report.isa == grpo4j_isa() &&
               report.bad_rows >= 1 && report.bad_rows <= bad_rows && report.first_bad_row == 1,
           "row_states", c.name());
  }
  // Into the first shard's place, which is allowed.
  const grpo4j_merge_states_args merge = {states.data(), static_cast<int64_t>(shards.size()),
                                          rows.n, rows.temperature, rows.temperatures,
                                          states.data(), call.outputs(), GRPO4J_ZERO_BAD_ROWS};
  expect(grpo4j_merge_states(&merge, &report) == GRPO4J_OK && report.bad_rows == bad_rows,
         "merge_states counts NaN rows", c.name());
  states.resize(static_cast<size_t>(rows.n));
  return states;
}

void check_sharded(const PolicyCase& c, const std::vector<Shard>& shards) {
  const PolicyInputs in(c);
  HostPolicyCall call(c, in);
  const std::vector<grpo4j_row_state> merged = merged_states(c, call, shards, 1);
  grpo4j_objective_args objective = {};
  objective.n = in.n();
  objective.batch = call.batch();
  objective.out = call.outputs();
  objective.config = c.config();
  objective.slopes = call.slopes.data();
  expect(grpo4j_objective(&objective, call.metrics.data()) == GRPO4J_OK, "objective", c.name());
  grpo4j_report report;
  for (const Shard& shard : shards) {
    const grpo4j_matrix logits = shard_of(c, call.matrix(call.logits), shard);
    const grpo4j_matrix gradient =
        c.in_place ? logits : shard_of(c, call.matrix(call.gradient), shard);
    const grpo4j_logits_gradient_args args = {
        logits, gradient, call.rows(), shard.begin, c.vocab, merged.data(), call.slopes.data(),
        static_cast<uint32_t>(c.accumulate ? GRPO4J_ACCUMULATE : 0)};
    expect(grpo4j_logits_gradient(&args, &report) == GRPO4J_OK && report.isa == grpo4j_isa(),
           "logits_gradient", c.name());
  }
  const PolicyOutcome got = outcome_of(call);
  PolicyCheck(c, in, got, kCpuErrors).all(GRPO4J_ISA_SCALAR);  // the objective has one copy
}

// A NaN in one of the shards makes the row bad, whichever it is; the others' rows are not.
void check_bad_shard(const PolicyCase& c, const std::vector<Shard>& shards) {
  for (const Shard& shard : shards) {
    PolicyInputs in(c);
    oracle::store(in.logits.data(), c.dtype, 2 * c.stride() + shard.begin, NAN);
    HostPolicyCall call(c, in);
    std::vector<grpo4j_row_state> merged = merged_states(c, call, shards, 2);
    expect(merged[2].reason == GRPO4J_ROW_NOT_FINITE && merged[0].reason == GRPO4J_ROW_OK,
           "a bad shard's row", c.name());
    expect(call.log_probs.get()[2] == 0, "a bad row's logProb", c.name());
    // Whatever slopes a caller's own objective gives a bad row, its gradient is 0; so is that of a row
    // whose shards were not merged, but one of nothing but -inf taken for all.
    merged[0] = {0, 0, 0, -INFINITY, -INFINITY, GRPO4J_ROW_OK, 0};
    std::fill(call.slopes.data(), call.slopes.data() + c.rows, grpo4j_row_slopes{1, 1});
    grpo4j_report report;
    const grpo4j_logits_gradient_args args = {
        call.matrix(call.logits), call.matrix(call.gradient), call.rows(), 0, c.vocab,
        merged.data(), call.slopes.data(), 0};
    expect(grpo4j_logits_gradient(&args, &report) == GRPO4J_OK, "status", c.name());
    for (int64_t v = 0; v < c.vocab; ++v) {
      if (!expect(oracle::load(call.gradient.data(), c.dtype, 2 * c.stride() + v) == 0 &&
                      oracle::load(call.gradient.data(), c.dtype, v) == 0,
                  "a bad row's gradient", c.name())) {
        break;
      }
    }
  }
}

// Shards so far apart that the lesser one is nothing beside the other, in either order, and one of
// nothing but -inf; then a temperature that can't be used.
void check_merge_extremes() {
  const grpo4j_row_state high = {2, 0, 2, 2000, 2000, GRPO4J_ROW_OK, 0};
  const grpo4j_row_state low = {1, 0, 1, -2000, -INFINITY, GRPO4J_ROW_OK, 0};
  const grpo4j_row_state none = {0, 0, 0, -INFINITY, -INFINITY, GRPO4J_ROW_OK, 0};
  const std::vector<grpo4j_row_state> shards = {high, low, high, none, low, high, none, high};
  std::vector<grpo4j_row_state> merged(4);
  std::vector<float> log_probs(4), entropy(4), lse(4), temperatures(4, 1);
  grpo4j_merge_states_args args = {shards.data(), 2, 4, 1, temperatures.data(), merged.data(),
                                   {log_probs.data(), entropy.data(), lse.data(), nullptr}, 0};
  grpo4j_report report;
  expect(grpo4j_merge_states(&args, &report) == GRPO4J_OK, "status", "far shards");
  for (size_t i = 0; i < 4; ++i) {
    expect(close(-log(2), log_probs[i]) && close(log(2), entropy[i]) && close(2000 + log(2), lse[i]),
           "row " + std::to_string(i), "far shards");
  }
  temperatures[2] = 0;
  expect(grpo4j_merge_states(&args, &report) == GRPO4J_BAD_ROWS && report.bad_rows == 1 &&
             report.first_bad_row == 2 && report.first_bad_reason == GRPO4J_ROW_TEMPERATURE &&
             isnan(lse[2]) && !isnan(lse[3]),
         "a temperature of 0", "far shards");
}

// As many as asked for, none as long as another.
std::vector<Shard> shards_of(int64_t vocab, int64_t count) {
  std::vector<Shard> shards;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t begin = k == 0 ? 0 : shards.back().end;
    shards.push_back({begin, k + 1 == count ? vocab : (k + 1) * vocab / count - 3 * (k % 3)});
  }
  return shards;
}

// States of one temperature, a gradient asked for with another that no row can have; and a target that
// no vocabulary has, which is the states' business.
void check_wrong_temperature(PolicyCase c) {
  c.own_temperatures = true;
  const PolicyInputs in(c);
  HostPolicyCall call(c, in);
  const std::vector<grpo4j_row_state> merged = merged_states(c, call, shards_of(c.vocab, 2), 1);
  std::fill(call.slopes.data(), call.slopes.data() + c.rows, grpo4j_row_slopes{1, 1});
  std::vector<float> temperatures = in.temperatures;
  temperatures[2] = NAN;
  temperatures[3] = 0;
  std::vector<int64_t> targets = in.targets;
  targets[0] = INT64_MIN;
  grpo4j_report report;
  grpo4j_logits_gradient_args args = {
      call.matrix(call.logits), call.matrix(call.gradient), call.rows(), 0, c.vocab,
      merged.data(), call.slopes.data(), 0};
  args.rows.temperatures = temperatures.data();
  args.rows.targets = targets.data();
  expect(grpo4j_logits_gradient(&args, &report) == GRPO4J_OK && report.bad_rows == 2 &&
             report.first_bad_row == 2 && report.first_bad_reason == GRPO4J_ROW_TEMPERATURE,
         "a temperature that the states can't have", c.name());
  for (int64_t v = 0; v < c.vocab; ++v) {
    expect(oracle::load(call.gradient.data(), c.dtype, 2 * c.stride() + v) == 0 &&
               oracle::load(call.gradient.data(), c.dtype, 3 * c.stride() + v) == 0,
           "its row's gradient", c.name());
  }
}

void check_statistics(const PolicyCase& c, const WantedStatistics& wanted) {
  const PolicyInputs in = readable_inputs(c);
  HostPolicyCall call(c, in);
  const grpo4j_row_outputs all = call.outputs();
  const grpo4j_token_stats_args args = {call.matrix(call.logits), call.rows(), wanted.of(all), 0};
  grpo4j_report report;
  expect(grpo4j_token_stats(&args, &report) == GRPO4J_OK && report.bad_rows == 0 &&
             (c.rows == 0 || report.isa == grpo4j_isa()), "token_stats", c.name());
  for (int64_t i = 0; i < in.n(); ++i) {
    const auto at = static_cast<size_t>(i);
    const oracle::Row row = oracle::row(in.z(c, i), in.targets[at], in.temperature(c, i));
    const double more = 2e-6 + cap_error(c, in, i);
    const auto good = [&](double want, double got) {
      return close(want, got) || fabs(want - got) <= more;
    };
    const bool right = good(row.log_prob, all.log_probs[at]) &&
                       (!wanted.entropy ||
                        (good(row.entropy, all.entropy[at]) && all.entropy[at] >= 0)) &&
                       (!wanted.lse || good(row.lse, all.lse[at])) &&
                       (!wanted.squares || good(row.sum_squares, all.sum_squares[at]));
    if (!expect(right, "token_stats of row " + std::to_string(i), c.name())) return;
  }
}

// Infinite logits under a soft cap are the cap itself: what the largest finite ones are.
void check_capped_infinity(int32_t dtype) {
  PolicyCase c;
  c.dtype = dtype;
  c.soft_cap = 30;
  float log_probs[2][8], entropy[2][8];
  for (int infinite : {0, 1}) {
    PolicyInputs in = readable_inputs(c);
    const double z = infinite != 0 ? INFINITY : 60000;
    oracle::store(in.logits.data(), dtype, 0, z);
    oracle::store(in.logits.data(), dtype, 5, -z);
    oracle::store(in.logits.data(), dtype, c.vocab - 1, z);
    HostPolicyCall call(c, in);
    grpo4j_report report;
    const grpo4j_token_stats_args args = {
        call.matrix(call.logits), call.rows(), {log_probs[infinite], entropy[infinite], nullptr, nullptr}, 0};
    expect(grpo4j_token_stats(&args, &report) == GRPO4J_OK && report.bad_rows == 0, "token_stats",
           c.name());
  }
  const size_t bytes = static_cast<size_t>(c.rows) * sizeof(float);
  expect(c.rows <= 8 && same_bits(log_probs[0], log_probs[1], bytes) &&
             same_bits(entropy[0], entropy[1], bytes), "infinite logits under a cap", c.name());
}

}  // namespace

void check_token_stats() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (int64_t vocab : {1, 2, 33, 1003, 9001}) {
      each_statistics_case(dtype, vocab, check_statistics);
    }
    each_statistics_row_list(dtype, check_statistics);
    check_capped_infinity(dtype);
  }
}

void check_parts() {
  check_merge_extremes();
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    PolicyCase c;
    c.dtype = dtype;
    c.rows = 5;
    c.vocab = 9001;
    for (int64_t count : {1, 2, 3, 8}) {
      c.entropy_coef = count == 3 ? 0 : 0.01;
      c.ratio_level = count == 2 ? GRPO4J_RATIO_SEQUENCE : GRPO4J_RATIO_TOKEN;
      check_sharded(c, shards_of(c.vocab, count));
    }
    check_bad_shard(c, shards_of(c.vocab, 3));
    check_wrong_temperature(c);
    each_uneven_cut(c, check_sharded);
  }
}
