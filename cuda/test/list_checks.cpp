// Lists on the device that the host would have refused (rows that don't exist, offsets that don't
// rise), and lists longer than one pass of a grid over them.
#include "checks.h"
#include "host/variant.h"
#include "part_cases.h"
#include "policy_way.h"

namespace {

bool same_report(const grpo4j_report& got, int64_t bad, int64_t first, int32_t reason) {
  return got.bad_rows == bad && got.first_bad_row == first && got.first_bad_reason == reason;
}

void expect_report(const grpo4j_report& got, int64_t bad, int64_t first, int32_t reason,
                   const std::string& where) {
  expect(same_report(got, bad, first, reason),
         "report: " + std::to_string(got.bad_rows) + " bad, first " +
             std::to_string(got.first_bad_row) + ", reason " +
             std::to_string(got.first_bad_reason), where);
}

// ---- Row indices

// Every second row of 12. Row 2 of the call isn't there, and rows 3 and 4 are not behind the ones
// before them: they are neither read nor written.
PolicyCase every_second_row() {
  PolicyCase c;
  c.rows = 12;
  c.listed_rows = true;
  c.entropy_coef = 0.01;
  return c;
}

std::vector<int64_t> wrong_indices(const PolicyInputs& in) {
  std::vector<int64_t> indices = in.indices;
  indices[2] = 12;
  indices[4] = indices[3];
  return indices;
}

bool is_wrong(size_t i) { return i >= 2 && i <= 4; }

void check_wrong_indices(const PolicyCase& c, const std::string& where) {
  PolicyInputs in(c);
  DevicePolicyCall good(c, in);
  const std::vector<int64_t> right = in.indices;
  in.indices = wrong_indices(in);
  DevicePolicyCall bad(c, in);
  const std::vector<char> before = bad.result();
  expect(good.run() == GRPO4J_OK && bad.run() == GRPO4J_OK, "status", where);
  expect_report(bad.metrics.get()[0].report, 3, 2, GRPO4J_ROW_INDEX, where);
  const std::vector<char> wanted = good.result(), got = bad.result();
  const auto row_bytes = static_cast<size_t>(c.vocab * oracle::bytes_of(c.dtype));
  for (int64_t row = 0; row < c.rows; ++row) {
    const size_t i = static_cast<size_t>(row / 2);
    const bool computed = row % 2 == 0 && !is_wrong(i);
    // A bad row drops out of its sequence, and so changes the others' gradients there.
    if (computed && c.ratio_level != GRPO4J_RATIO_TOKEN) continue;
    const size_t at = static_cast<size_t>(row) * row_bytes;
    expect(same_bits(&got[at], &(computed ? wanted : before)[at], row_bytes),
           (computed ? "gradient of row " : "untouched row ") + std::to_string(row), where);
  }
  for (size_t i = 0; i < right.size(); ++i) {
    const float log_prob = bad.log_probs.get()[i];
    expect(is_wrong(i) ? isnan(log_prob) : log_prob == good.log_probs.get()[i],
           "logProb of row " + std::to_string(i), where);
  }
}

void check_indices_of_policy_loss() {
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    for (int32_t variant : {GRPO4J_CUDA_L2, GRPO4J_CUDA_SHARED, GRPO4J_CUDA_CLUSTER2,
                            GRPO4J_CUDA_SPLIT}) {
      grpo4j_cuda_force_variant(variant);
      PolicyCase c = every_second_row();
      c.ratio_level = level;
      for (bool in_place : {false, true}) {
        c.in_place = in_place;
        check_wrong_indices(c, "variant " + std::to_string(variant) + ", " + c.name());
      }
    }
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}

// The forward operations take rows in any order: only the one that isn't there is bad.
void check_indices_of_parts() {
  const PolicyCase c = every_second_row();
  PolicyInputs in = readable_inputs(c);
  in.indices = wrong_indices(in);
  DevicePolicyCall call(c, in);
  const DeviceArray<grpo4j_report> report(1);
  for (int32_t variant : {GRPO4J_CUDA_WHOLE, GRPO4J_CUDA_SPLIT}) {
    grpo4j_cuda_force_variant(variant);
    const grpo4j_token_stats_args stats = {call.matrix(call.logits), call.rows(), call.outputs(),
                                           0};
    expect(OnDevice::call(stats, report.data()) == GRPO4J_OK, "status", "token_stats");
    expect_report(report.get()[0], 1, 2, GRPO4J_ROW_INDEX, "token_stats");
    const grpo4j_row_states_args states = {call.matrix(call.logits), call.rows(), 0, c.vocab,
                                           call.states.data()};
    expect(OnDevice::call(states, report.data()) == GRPO4J_OK, "status", "row_states");
    expect_report(report.get()[0], 1, 2, GRPO4J_ROW_INDEX, "row_states");
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
  const grpo4j_logits_gradient_args gradient = {
      call.matrix(call.logits), call.matrix(call.gradient), call.rows(), 0, c.vocab,
      call.states.data(),       call.slopes.data(),         0};
  expect(OnDevice::call(gradient, report.data()) == GRPO4J_OK, "status", "logits_gradient");
  expect_report(report.get()[0], 3, 2, GRPO4J_ROW_INDEX, "logits_gradient");
}

// ---- Sequence offsets

PolicyCase eight_rows(int32_t level) {
  PolicyCase c;
  c.rows = 8;
  c.ratio_level = level;
  c.entropy_coef = 0.01;
  return c;
}

// Of 8 rows in 5 sequences.
const std::vector<int64_t> kWrongOffsets[] = {
    {0, 3, 1, 2, 6, 8},
    {1, 1, 1, 2, 6, 8},
    {0, 1, 1, 2, 6, 7},
    {0, 1, 1, 2, 6, 9},
    {-1, 1, 1, 2, 6, 8}};

bool all_zero(const std::vector<char>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

// Which rows share a ratio is not known: no row is computed.
void check_offsets_of_sequences(const std::vector<int64_t>& offsets, int32_t level,
                                uint32_t flags) {
  const PolicyCase c = eight_rows(level);
  PolicyInputs in(c);
  in.offsets = offsets;
  DevicePolicyCall call(c, in);
  grpo4j_policy_loss_args args = call.args();
  args.flags |= flags;
  expect(call.run(args) == GRPO4J_OK, "status", c.name());
  expect_report(call.metrics.get()[0].report, 8, 0, GRPO4J_ROW_SEQUENCE, c.name());
  expect(call.metrics.get()[0].units == 0 && call.metrics.get()[0].loss == 0, "no loss", c.name());
  expect(all_zero(call.result()), "gradient without sequences", c.name());
  for (float log_prob : call.log_probs.get()) {
    expect(flags == 0 ? isnan(log_prob) : log_prob == 0, "logProb without a sequence", c.name());
  }
}

// A row in no sequence has no advantage; the others have theirs.
void check_offsets_of_advantages(int32_t variant) {
  grpo4j_cuda_force_variant(variant);
  PolicyCase c = eight_rows(GRPO4J_RATIO_TOKEN);
  c.advantages_per_sequence = true;
  PolicyInputs in(c);
  DevicePolicyCall good(c, in);
  in.offsets = {0, 1, 1, 2, 6, 7};
  DevicePolicyCall bad(c, in);
  expect(good.run() == GRPO4J_OK && bad.run() == GRPO4J_OK, "status", c.name());
  expect_report(bad.metrics.get()[0].report, 1, 7, GRPO4J_ROW_SEQUENCE, c.name());
  const size_t others = good.result().size() / 8 * 7;
  const std::vector<char> got = bad.result();
  expect(same_bits(good.result().data(), got.data(), others), "rows with an advantage", c.name());
  expect(all_zero({got.begin() + static_cast<std::ptrdiff_t>(others), got.end()}),
         "a row without an advantage", c.name());
  // The objective alone, from log-probs that are all there.
  const DeviceArray<grpo4j_policy_metrics> metrics(1);
  const grpo4j_objective_args objective = {8, bad.batch(), good.outputs(), c.config(),
                                           bad.slopes.data(), 0};
  expect(OnDevice::call(objective, metrics.data()) == GRPO4J_OK, "objective", c.name());
  expect_report(metrics.get()[0].report, 1, 7, GRPO4J_ROW_SEQUENCE, "objective, " + c.name());
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}

// ---- Longer than a grid

struct Objective {
  std::vector<grpo4j_row_slopes> slopes;
  grpo4j_policy_metrics metrics;
};

template <class Way>
Objective objective_of(const PolicyCase& c, const PolicyInputs& in) {
  PolicyBy<Way> call(c, in);
  const ArrayOf<Way, float> log_probs(in.ref_log_probs);
  const ArrayOf<Way, float> entropy(std::vector<float>(static_cast<size_t>(in.n()), 0.5f));
  const grpo4j_row_outputs out = {log_probs.data(), entropy.data(), nullptr, nullptr};
  const grpo4j_objective_args args = {in.n(), call.batch(), out, c.config(), call.slopes.data(), 0};
  expect(Way::call(args, call.metrics.data()) == GRPO4J_OK, "objective", c.name());
  return {call.slopes.get(), call.metrics.get()[0]};
}

bool about(double a, double b) { return fabs(a - b) <= 1e-12 + 1e-9 * fabs(b); }

// 64 blocks take 8,192 rows or 256 sequences at once.
void check_long_objective(int32_t level) {
  PolicyCase c;
  c.rows = 9000;
  c.vocab = 2;
  c.ratio_level = level;
  PolicyInputs in(c);
  in.offsets.clear();
  for (int64_t row = 0; row <= c.rows; row += 20) in.offsets.push_back(row);
  const Objective want = objective_of<OnCpu>(c, in), got = objective_of<OnDevice>(c, in);
  for (size_t i = 0; i < got.slopes.size(); ++i) {
    const grpo4j_row_slopes &a = got.slopes[i], &b = want.slopes[i];
    if (!expect(about(a.g, b.g) && about(a.h, b.h), "slopes of row " + std::to_string(i),
                c.name())) {
      break;
    }
  }
  expect(about(got.metrics.loss, want.metrics.loss) && got.metrics.units == want.metrics.units &&
             got.metrics.active_rows == want.metrics.active_rows &&
             got.metrics.clip_low_count == want.metrics.clip_low_count,
         "metrics of 9,000 rows", c.name());
}

// The report's block takes 256 rows at once, the merge's blocks 128 each. The bad rows are one
// thread's in the report.
void check_long_report() {
  PolicyCase c;
  c.rows = 600;
  c.vocab = 3;
  PolicyInputs in = readable_inputs(c);
  in.targets[334] = in.targets[334 + 256] = 3;
  DevicePolicyCall call(c, in);
  const DeviceArray<grpo4j_report> report(1);
  const grpo4j_row_states_args states = {call.matrix(call.logits), call.rows(), 0, 3,
                                         call.states.data()};
  expect(OnDevice::call(states, report.data()) == GRPO4J_OK, "row_states", c.name());
  constexpr int32_t kReason = GRPO4J_ROW_TARGET_OUT_OF_RANGE;
  expect_report(report.get()[0], 2, 334, kReason, "row_states, " + c.name());
  const grpo4j_merge_states_args merge = {
      call.states.data(), 1,  c.rows, call.rows().temperature, nullptr, call.states.data(),
      call.outputs(),     GRPO4J_ZERO_BAD_ROWS};
  expect(OnDevice::call(merge, report.data()) == GRPO4J_OK, "merge_states", c.name());
  expect_report(report.get()[0], 2, 334, kReason, "merge_states, " + c.name());
  const std::vector<float> log_probs = call.log_probs.get();
  for (int64_t i = 0; i < c.rows; ++i) {
    const auto at = static_cast<size_t>(i);
    const int64_t target = in.targets[at];
    const double want =
        target == 3 ? 0 : oracle::row(in.z(c, i), target, in.temperature(c, i)).log_prob;
    if (!expect(close(want, log_probs[at]), "merged logProb of row " + std::to_string(i),
                c.name())) {
      break;
    }
  }
}

// 256 threads take a group each.
void check_many_groups() {
  constexpr int64_t kGroups = 600;
  std::vector<int64_t> offsets;
  std::vector<float> rewards;
  for (int64_t g = 0; g <= kGroups; ++g) offsets.push_back(2 * g);
  for (int64_t i = 0; i < 2 * kGroups; ++i) rewards.push_back(static_cast<float>(i * i % 7));
  std::vector<float> want(rewards.size());
  grpo4j_group_advantages_args args = {
      2 * kGroups, kGroups, offsets.data(), rewards.data(), nullptr, GRPO4J_ADVANTAGE_GRPO,
      GRPO4J_SCALE_BATCH, 1e-6, want.data()};
  expect(OnCpu::call(args) == GRPO4J_OK, "libgrpo4j", "600 groups");
  const DeviceArray<int64_t> given_offsets(offsets);
  const DeviceArray<float> given_rewards(rewards), advantages(2 * kGroups);
  args.group_offsets = given_offsets.data();
  args.rewards = given_rewards.data();
  args.advantages = advantages.data();
  expect(OnDevice::call(args) == GRPO4J_OK, "group_advantages", "600 groups");
  expect(same_bits(want, advantages.get()), "libgrpo4j's bits", "600 groups");
}

}  // namespace

void check_lists() {
  check_indices_of_policy_loss();
  check_indices_of_parts();
  for (const std::vector<int64_t>& offsets : kWrongOffsets) {
    check_offsets_of_sequences(offsets, GRPO4J_RATIO_SEQUENCE, 0);
    check_offsets_of_sequences(offsets, GRPO4J_RATIO_SEQUENCE_TOKEN, GRPO4J_ZERO_BAD_ROWS);
  }
  for (int32_t variant : {GRPO4J_CUDA_L2, GRPO4J_CUDA_CLUSTER2, GRPO4J_CUDA_SPLIT}) {
    check_offsets_of_advantages(variant);
  }
  check_long_objective(GRPO4J_RATIO_TOKEN);
  check_long_objective(GRPO4J_RATIO_SEQUENCE);
  check_long_report();
  check_many_groups();
}
