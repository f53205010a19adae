// A vocabulary in shards: row_states, merge_states, objective, logits_gradient.
#include "checks.h"
#include "part_cases.h"
#include "policy_way.h"

namespace {

template <class Way>
void run_states(const PolicyCase& c, const PolicyBy<Way>& call, const Shard& shard,
                grpo4j_row_state* states) {
  grpo4j_row_states_args args = {};
  args.logits = shard_of(c, call.matrix(call.logits), shard);
  args.rows = call.rows();
  args.vocab_begin = shard.begin;
  args.vocab_total = c.vocab;
  args.states = states;
  const ArrayOf<Way, grpo4j_report> report(1);
  expect(Way::call(args, report.data()) == GRPO4J_OK, "row_states", c.name());
}

template <class Way>
void run_gradient(const PolicyCase& c, const PolicyBy<Way>& call, const Shard& shard,
                  const grpo4j_row_state* merged) {
  grpo4j_logits_gradient_args args = {};
  args.logits = shard_of(c, call.matrix(call.logits), shard);
  args.gradient = c.in_place ? args.logits : shard_of(c, call.matrix(call.gradient), shard);
  args.rows = call.rows();
  args.vocab_begin = shard.begin;
  args.vocab_total = c.vocab;
  args.states = merged;
  args.slopes = call.slopes.data();
  args.flags = c.accumulate ? GRPO4J_ACCUMULATE : 0;
  const ArrayOf<Way, grpo4j_report> report(1);
  expect(Way::call(args, report.data()) == GRPO4J_OK, "logits_gradient", c.name());
  expect(report.get()[0].bad_rows == 0, "logits_gradient's report", c.name());
}

template <class Way = OnDevice>
void check_sharded(const PolicyCase& c, const std::vector<Shard>& shards) {
  const PolicyInputs in(c);
  PolicyBy<Way> call(c, in);
  const int64_t n = in.n();
  const ArrayOf<Way, grpo4j_row_state> states(n * static_cast<int64_t>(shards.size())), merged(n);
  for (size_t s = 0; s < shards.size(); ++s) {
    run_states(c, call, shards[s], states.data() + static_cast<int64_t>(s) * n);
  }
  const ArrayOf<Way, grpo4j_report> report(1);
  const grpo4j_rows rows = call.rows();
  // Masked rows are NaN here: row_states knows no weights.
  const grpo4j_merge_states_args merge = {states.data(), static_cast<int64_t>(shards.size()), n,
                                          rows.temperature, rows.temperatures, merged.data(),
                                          call.outputs(), GRPO4J_ZERO_BAD_ROWS};
  expect(Way::call(merge, report.data()) == GRPO4J_OK, "merge_states", c.name());
  grpo4j_objective_args objective = {};
  objective.n = n;
  objective.batch = call.batch();
  objective.out = call.outputs();
  objective.config = c.config();
  objective.slopes = call.slopes.data();
  expect(Way::call(objective, call.metrics.data()) == GRPO4J_OK, "objective", c.name());
  expect(report.get()[0].bad_rows == (n > 1 ? 1 : 0), "merge_states counts the NaN row", c.name());
  for (const Shard& shard : shards) run_gradient(c, call, shard, merged.data());
  const PolicyOutcome got = outcome_of(call);
  PolicyCheck(c, in, got, kCudaErrors).all(GRPO4J_ISA_CUDA_EMULATED);
}

// States of one temperature, a gradient asked for with another that no row can have.
void check_wrong_temperature(PolicyCase c) {
  c.own_temperatures = true;
  PolicyInputs in(c);
  DevicePolicyCall call(c, in);
  run_states(c, call, {0, c.vocab}, call.states.data());
  in.temperatures[2] = NAN;
  in.temperatures[3] = 0;
  DevicePolicyCall spoilt(c, in);
  grpo4j_logits_gradient_args args = {};
  args.logits = call.matrix(call.logits);
  args.gradient = call.matrix(call.gradient);
  args.rows = spoilt.rows();
  args.vocab_total = c.vocab;
  args.states = call.states.data();
  const DeviceArray<grpo4j_row_slopes> slopes(std::vector<grpo4j_row_slopes>(5, {1, 1}));
  args.slopes = slopes.data();
  const DeviceArray<grpo4j_report> report(1);
  expect(OnDevice::call(args, report.data()) == GRPO4J_OK, "logits_gradient", c.name());
  const grpo4j_report got = report.get()[0];
  expect(got.bad_rows == 2 && got.first_bad_row == 2 &&
             got.first_bad_reason == GRPO4J_ROW_TEMPERATURE,
         "a temperature that the states can't have", c.name());
  const auto gradient = call.gradient.get();
  for (int64_t v = 2 * c.stride(); v < 2 * c.stride() + c.vocab; ++v) {
    expect(oracle::load(gradient.data(), c.dtype, v) == 0 &&
               oracle::load(gradient.data(), c.dtype, v + c.stride()) == 0,
           "its row's gradient", c.name());
  }
}

PolicyCase five_rows(int32_t dtype, bool small) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 5;
  c.vocab = small ? 1003 : 9001;
  c.entropy_coef = 0.01;
  return c;
}

}  // namespace

void check_shards(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    const PolicyCase c = five_rows(dtype, small);
    const int64_t middle = c.vocab / 2 + 3;
    check_sharded(c, {{0, c.vocab}});
    check_sharded(c, {{0, middle}, {middle, c.vocab}});
    each_uneven_cut(c, check_sharded<>);
    check_wrong_temperature(c);
  }
}

void check_shards_on_host(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    PolicyCase c = five_rows(dtype, small);
    check_sharded<OnHost>(c, {{0, c.vocab / 2 + 3}, {c.vocab / 2 + 3, c.vocab}});
    c.in_place = true;
    c.own_temperatures = true;
    c.ratio_level = GRPO4J_RATIO_SEQUENCE;
    check_sharded<OnHost>(c, {{0, 17}, {17, c.vocab}});
  }
}
