// The objectives alone: grpo4j_objective takes log-probs and gives loss, metrics and slopes.
#include <random>

#include "expect.h"
#include "grpo4j/grpo4j.h"
#include "kernels_test.h"
#include "objective_oracle.h"

namespace {

struct ObjectiveCase {
  const char* name;
  grpo4j_policy_config config;
  oracle::ObjectiveInputs in;

  std::string where() const {
    return std::string(name) + " objective " + std::to_string(config.objective) + " level " +
           std::to_string(config.ratio_level) + " estimator " +
           std::to_string(config.kl_estimator) + " corrected " +
           std::to_string(config.kl_bias_corrected);
  }
};

grpo4j_policy_config default_config(int32_t objective, int32_t level) {
  const bool cispo = objective == GRPO4J_CISPO;
  return {objective, level, 0.2, cispo ? 1.2 : 0.28, INFINITY, INFINITY, 1, 1.05, 2, 3, 3, 2,
          0, 0, GRPO4J_KL_K3, 0};
}

// Ratios from far below the clip range to far above it, both signs of A and 0.
oracle::ObjectiveInputs random_inputs(uint32_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  oracle::ObjectiveInputs in;
  in.offsets = {0, 1, 6, 6, 9, 12, 40};
  for (int64_t i = 0; i < in.offsets.back(); ++i) {
    const bool masked = i == 3 || (i >= 9 && i < 12);
    in.log_probs.push_back(masked ? 0 : static_cast<float>(-3 + normal(random)));
    in.entropy.push_back(masked ? 0 : static_cast<float>(fabs(normal(random))));
    in.old_log_probs.push_back(in.log_probs.back() + static_cast<float>(0.6 * normal(random)));
    in.ref_log_probs.push_back(in.log_probs.back() + static_cast<float>(0.5 * normal(random)));
    in.advantages.push_back(i == 8 ? 0 : static_cast<float>(normal(random)));
    in.policy_weights.push_back(masked || i == 7 ? 0 : static_cast<float>(0.1 + 0.01 * (i % 9)));
    in.regularizer_weights.push_back(masked || i == 5 ? 0 : static_cast<float>(0.2 + 0.01 * (i % 4)));
  }
  return in;
}

bool near(double want, double got) { return fabs(want - got) <= 1e-12 * (1 + fabs(want)); }

void compare_metrics(const grpo4j_policy_metrics& want, const grpo4j_policy_metrics& got,
                     const std::string& where) {
  expect(want.active_rows == got.active_rows && want.units == got.units, "rows and units", where);
  expect(want.clip_low_count == got.clip_low_count, "clipped low", where);
  expect(want.clip_high_count == got.clip_high_count, "clipped high", where);
  expect(want.dual_clip_count == got.dual_clip_count, "dual clips", where);
  expect(near(want.loss, got.loss), "loss", where);
  expect(near(want.policy_loss, got.policy_loss), "policy loss", where);
  expect(near(want.kl, got.kl), "kl", where);
  expect(near(want.entropy, got.entropy), "entropy", where);
  expect(near(want.approx_kl, got.approx_kl), "approx kl", where);
  expect(near(want.ratio_min, got.ratio_min) && near(want.ratio_max, got.ratio_max) &&
             near(want.ratio_mean, got.ratio_mean), "ratios", where);
  expect(near(want.factor_mean, got.factor_mean), "factor", where);
}

// Without config and slopes.
grpo4j_objective_args objective_args(oracle::ObjectiveInputs& in) {
  grpo4j_objective_args args = {};
  args.n = static_cast<int64_t>(in.log_probs.size());
  args.batch = {in.old_log_probs.empty() ? nullptr : in.old_log_probs.data(),
                in.ref_log_probs.empty() ? nullptr : in.ref_log_probs.data(),
                in.advantages.data(),
                in.policy_weights.data(),
                in.regularizer_weights.data(),
                static_cast<int64_t>(in.offsets.size()) - 1,
                in.offsets.data(),
                0};
  args.out.log_probs = in.log_probs.data();
  args.out.entropy = in.entropy.data();
  return args;
}

void check_case(ObjectiveCase c) {
  oracle::ObjectiveInputs& in = c.in;
  const std::string where = c.where();
  const oracle::ObjectiveResult want = oracle::ObjectiveOracle(c.config, in).compute();
  std::vector<grpo4j_row_slopes> slopes(in.log_probs.size(), grpo4j_row_slopes{NAN, NAN});
  grpo4j_objective_args args = objective_args(in);
  args.config = c.config;
  args.slopes = slopes.data();
  grpo4j_policy_metrics got;
  expect(grpo4j_objective(&args, &got) == GRPO4J_OK, "status", where);
  compare_metrics(want.metrics, got, where);
  for (size_t i = 0; i < slopes.size(); ++i) {
    if (!expect(near(want.slopes[i].g, slopes[i].g) && near(want.slopes[i].h, slopes[i].h),
                "slopes of row " + std::to_string(i), where)) {
      return;
    }
  }
}

// Every objective at every level that it is defined for.
template <class Check>
void for_each_objective(const Check& check) {
  for (int32_t objective = GRPO4J_CLIP; objective <= GRPO4J_VESPO; ++objective) {
    for (int32_t level = GRPO4J_RATIO_TOKEN; level <= GRPO4J_RATIO_SEQUENCE_TOKEN; ++level) {
      const bool sequence_only = objective == GRPO4J_GMPO || objective == GRPO4J_VESPO;
      if (!sequence_only || level == GRPO4J_RATIO_SEQUENCE) check(default_config(objective, level));
    }
  }
}

// One token, old log-prob 0: its log ratio is its log-prob.
oracle::ObjectiveInputs one_row(float log_prob, float advantage) {
  oracle::ObjectiveInputs in;
  in.log_probs = {log_prob};
  in.entropy = {0.5f};
  in.old_log_probs = {0};
  in.ref_log_probs = {log_prob - 0.5f};
  in.advantages = {advantage};
  in.policy_weights = {0.5f};
  in.regularizer_weights = {0.25f};
  in.offsets = {0, 1};
  return in;
}

// The case's rows once more, as one sequence with them.
oracle::ObjectiveInputs repeated(oracle::ObjectiveInputs in, size_t times) {
  for (std::vector<float>* values : {&in.log_probs, &in.entropy, &in.old_log_probs,
                                     &in.ref_log_probs, &in.advantages, &in.policy_weights,
                                     &in.regularizer_weights}) {
    values->resize(times, values->front());
  }
  in.offsets = {0, static_cast<int64_t>(times)};
  return in;
}

// The product of a sequence's ratios beyond its clamps, with a lambda that lets it show.
void check_vespo_clamps() {
  grpo4j_policy_config c = default_config(GRPO4J_VESPO, GRPO4J_RATIO_SEQUENCE);
  c.vespo_lambda_positive = c.vespo_lambda_negative = 1e-9;
  for (float log_ratio : {-15.0f, 15.0f, 25.0f}) {
    check_case({"VESPO's clamps", c, repeated(one_row(log_ratio, 2), 3)});
  }
}

// Infinite ratios and advantages where the formula has a finite limit, or a weight of 0 before them.
void check_infinite_limits() {
  oracle::ObjectiveInputs in = one_row(0, 2);
  in.old_log_probs = {-800};
  grpo4j_row_slopes slopes;
  grpo4j_policy_metrics metrics;
  grpo4j_objective_args args = objective_args(in);
  args.config = default_config(GRPO4J_SAPO, GRPO4J_RATIO_TOKEN);
  args.slopes = &slopes;
  expect(grpo4j_objective(&args, &metrics) == GRPO4J_OK && slopes.g == 0 &&
             near(-4, metrics.loss), "SAPO's limit", "an infinite ratio");
  in.policy_weights = {0};
  in.advantages = {INFINITY};
  args.config = default_config(GRPO4J_CLIP, GRPO4J_RATIO_TOKEN);
  expect(grpo4j_objective(&args, &metrics) == GRPO4J_OK && metrics.loss == 0 && slopes.g == 0,
         "a weight of 0", "an infinite advantage");
}

// Ratios whose sigmoid is nearly 1: the slope is a small difference times a large ratio, not 0.
void check_sapo_saturation() {
  for (float log_ratio : {1.5f, 2.0f, 2.5f}) {
    for (float advantage : {-2.0f, 2.0f}) {
      check_case({"SAPO's saturation", default_config(GRPO4J_SAPO, GRPO4J_RATIO_TOKEN),
                  one_row(log_ratio, advantage)});
    }
  }
}

// A KL that no coefficient asks for is a metric alone, even where it is infinite.
void check_unused_kl() {
  oracle::ObjectiveInputs in = one_row(0, 2);
  in.ref_log_probs = {800};
  grpo4j_row_slopes slopes;
  grpo4j_policy_metrics metrics;
  grpo4j_objective_args args = objective_args(in);
  args.config = default_config(GRPO4J_CLIP, GRPO4J_RATIO_TOKEN);
  args.slopes = &slopes;
  expect(grpo4j_objective(&args, &metrics) == GRPO4J_OK && near(-1, metrics.loss) &&
             near(-1, slopes.g) && isinf(metrics.kl), "an infinite KL", "without a coefficient");
}

// One token takes its sequence out, wherever it stands: slopes 0, all outputs NaN, or 0 on request.
void check_bad_sequence(oracle::ObjectiveInputs in, int64_t first_bad, const char* what,
                        int32_t kl_estimator = GRPO4J_KL_K3) {
  const size_t n = in.log_probs.size();
  for (const int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    for (const bool zero : {false, true}) {
      oracle::ObjectiveInputs spoiled = in;
      std::vector<float> lse(n, 1.0f), squares(n, 1.0f);
      std::vector<grpo4j_row_slopes> slopes(n);
      grpo4j_policy_metrics metrics;
      grpo4j_objective_args args = objective_args(spoiled);
      args.out.lse = lse.data();
      args.out.sum_squares = squares.data();
      args.config = default_config(GRPO4J_CLIP, level);
      args.config.kl_coef = 0.1;
      args.config.kl_estimator = kl_estimator;
      args.config.entropy_coef = 10;
      args.slopes = slopes.data();
      args.flags = zero ? GRPO4J_ZERO_BAD_ROWS : 0;
      const bool whole = level == GRPO4J_RATIO_SEQUENCE;
      if (!whole && first_bad < 0) continue;
      expect(grpo4j_objective(&args, &metrics) == (zero ? GRPO4J_OK : GRPO4J_BAD_ROWS) &&
                 metrics.report.bad_rows == (whole ? static_cast<int64_t>(n) : 1) &&
                 metrics.report.first_bad_row == (whole ? 0 : first_bad) &&
                 metrics.report.first_bad_reason == GRPO4J_ROW_COEFFICIENT,
             "report", what);
      for (size_t i = 0; i < n; ++i) {
        const bool bad = whole || static_cast<int64_t>(i) == first_bad;
        expect(!bad || (slopes[i].g == 0 && slopes[i].h == 0), "a bad row's slopes", what);
        for (const float output :
             {spoiled.log_probs[i], spoiled.entropy[i], lse[i], squares[i]}) {
          expect(!bad || (zero ? output == 0 : isnan(output)), "a bad row's outputs", what);
        }
      }
    }
  }
}

void check_bad_sequences() {
  // Each token's slope is a float, their sum is not: with a ratio of their own they are no bad rows.
  oracle::ObjectiveInputs in = repeated(one_row(0, 3e38f), 2);
  in.policy_weights = {1, 1};
  check_bad_sequence(in, -1, "a shared slope beyond float");
  for (int64_t at = 0; at < 3; ++at) {
    in = repeated(one_row(0, 2), 3);
    in.advantages[static_cast<size_t>(at)] = INFINITY;
    check_bad_sequence(in, at, "an infinite advantage");
    in = repeated(one_row(0, 2), 3);
    in.ref_log_probs[static_cast<size_t>(at)] = 800;
    check_bad_sequence(in, at, "an infinite KL");
    in.ref_log_probs[static_cast<size_t>(at)] = -INFINITY;
    check_bad_sequence(in, at, "an infinite loss of finite slope", GRPO4J_KL_K1);
    in = repeated(one_row(0, 1e37f), 3);
    in.policy_weights[static_cast<size_t>(at)] = 1e4f;
    check_bad_sequence(in, at, "a slope beyond float");
    in = repeated(one_row(0, 2), 3);
    in.regularizer_weights[static_cast<size_t>(at)] = 1e38f;
    check_bad_sequence(in, at, "an entropy's slope beyond float");
  }
}

}  // namespace

void check_objective() {
  for (uint32_t seed = test_seed; seed < test_seed + 3; ++seed) {
    const oracle::ObjectiveInputs in = random_inputs(seed);
    for_each_objective([&](const grpo4j_policy_config& plain) {
      check_case({"plain", plain, in});
      grpo4j_policy_config c = plain;
      c.delta = 1.4;
      check_case({"two-sided", c, in});
      c.dual_clip = 1.3;
      check_case({"two-sided and dual", c, in});
      c.delta = INFINITY;
      check_case({"dual", c, in});
      c.kl_coef = 0.3;
      c.entropy_coef = 0.02;
      for (c.kl_estimator = GRPO4J_KL_K1; c.kl_estimator <= GRPO4J_KL_K3; ++c.kl_estimator) {
        for (c.kl_bias_corrected = 0; c.kl_bias_corrected < 2; ++c.kl_bias_corrected) {
          check_case({"regularized", c, in});
        }
      }
      oracle::ObjectiveInputs on_policy = in;
      on_policy.old_log_probs.clear();
      check_case({"on policy", plain, on_policy});
      // Weights are factors of any sign; only 0 takes a row out.
      c.kl_estimator = GRPO4J_KL_K3;
      oracle::ObjectiveInputs negative = in;
      for (float& weight : negative.policy_weights) weight = -weight;
      check_case({"negative policy weights", c, negative});
      for (float& weight : negative.regularizer_weights) weight = -weight;
      check_case({"negative weights", c, negative});
      oracle::ObjectiveInputs unreferenced = in;
      unreferenced.ref_log_probs.clear();
      check_case({"without a reference", plain, unreferenced});
    });
  }
}

// Every bound exactly at the ratio, and the ratio a step of its float log-prob to either side of it;
// then ratios beyond every clamp.
void check_clip_edges() {
  for_each_objective([](const grpo4j_policy_config& plain) {
    for (float edge : {-0.5f, -0.25f, 0.0f, 0.25f, 0.5f}) {
      const double ratio = exp(static_cast<double>(edge));
      grpo4j_policy_config c = plain;
      if (c.objective == GRPO4J_GMPO) {
        c.clip_low = fabs(static_cast<double>(edge));
        c.clip_high = c.clip_low;
      } else if (c.objective == GRPO4J_CISPO) {
        c.clip_high = ratio;
      } else {
        c.clip_low = fmax(0, 1 - ratio);  // exact, and 1 - clip_low is the ratio again
        c.clip_high = fmax(0, ratio - 1);
      }
      grpo4j_policy_config delta = plain, dual = plain;
      delta.delta = ratio;
      // The range's edges where a smaller delta makes the clipped term the greater one.
      grpo4j_policy_config under_delta = c;
      under_delta.delta = 0.5;
      dual.dual_clip = ratio;
      for (float log_prob : {nextafterf(edge, -1), edge, nextafterf(edge, 1), -25.0f, 25.0f}) {
        for (float advantage : {-1.5f, 0.0f, 2.0f}) {
          const oracle::ObjectiveInputs in = one_row(log_prob, advantage);
          check_case({"clip edge", c, in});
          check_case({"delta edge", delta, in});
          check_case({"clip edge above delta", under_delta, in});
          check_case({"dual edge", dual, in});
        }
      }
    }
  });
}

void check_infinite_terms() {
  check_vespo_clamps();
  check_sapo_saturation();
  check_unused_kl();
  check_infinite_limits();
  check_bad_sequences();
}
