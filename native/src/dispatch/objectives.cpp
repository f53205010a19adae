#include "dispatch/objectives.h"

#include <math.h>

#include <algorithm>

#include "kernels/rows.h"

namespace grpo4j {
namespace {

using Config = grpo4j_policy_config;

template <class Policy>
Policy policy_of(const Config& c);

template <>
ClipObjective<double> policy_of(const Config& c) {
  return {{}, 1 - c.clip_low, 1 + c.clip_high, c.delta, c.dual_clip};
}
template <>
CispoObjective<double> policy_of(const Config& c) {
  return {{}, c.clip_high};
}
template <>
SapoObjective<double> policy_of(const Config& c) {
  return {{}, c.sapo_positive, c.sapo_negative};
}
template <>
GpgObjective<double> policy_of(const Config&) {
  return {};
}
template <>
GmpoObjective<double> policy_of(const Config& c) {
  return {-c.clip_low, c.clip_high};
}
template <>
VespoObjective<double> policy_of(const Config& c) {
  return {c.vespo_k_positive, c.vespo_lambda_positive, c.vespo_k_negative, c.vespo_lambda_negative};
}

template <class Policy>
constexpr ObjectiveFunctions functions() {
  return {[](const Config& c, const TokenInputs<double>& in, double log_ratio) {
            const Regularizer<double> regularizer = {
                {c.kl_estimator, c.kl_bias_corrected != 0}, c.kl_coef, c.entropy_coef};
            return token_loss(policy_of<Policy>(c), regularizer, in, log_ratio);
          },
          [](const Config& c, double d, double advantage) {
            return policy_of<Policy>(c).log_term(d, advantage);
          },
          [](const Config& c, double sum, double tokens) {
            return policy_of<Policy>(c).log_ratio(sum, tokens);
          }};
}

// Indexed by GRPO4J_CLIP ..
constexpr ObjectiveFunctions kObjectives[] = {
    functions<ClipObjective<double>>(), functions<CispoObjective<double>>(),
    functions<SapoObjective<double>>(), functions<GpgObjective<double>>(),
    functions<GmpoObjective<double>>(), functions<VespoObjective<double>>()};

constexpr grpo4j_report kNoReport = {0, -1, GRPO4J_ROW_OK, -1};
constexpr grpo4j_policy_metrics kNoMetrics = {kNoReport, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1};

// Running sums of one call.
class Summation {
 public:
  explicit Summation(const grpo4j_objective_args& args)
      : args_(args), objective_(objective_functions(args.config.objective)), m_(kNoMetrics) {}

  // Rows [begin, end) share one ratio.
  void add_sequence(int64_t begin, int64_t end) {
    const Config& config = args_.config;
    double sum = 0;
    double tokens = 0;
    for (int64_t i = begin; i < end; ++i) {
      if (counts(i)) {
        const TokenInputs<double> in = token_inputs(args_.batch, args_.out, i);
        sum += objective_.log_term(config, log_difference(in), in.advantage).value;
        tokens += 1;
      }
    }
    if (tokens == 0) {
      return;
    }
    const double log_ratio = objective_.log_ratio(config, sum, tokens);
    double shared = 0;
    bool finite = true;
    for (int64_t i = begin; i < end; ++i) {
      if (counts(i)) {
        const TokenLoss<double> token = evaluate(i, log_ratio);
        shared += token.through_ratio;
        finite = finite && usable(token.through_ratio + token.direct, token);
      }
    }
    finite = finite && usable_slope(shared);
    bool first = true;
    for (int64_t i = begin; i < end; ++i) {
      if (!counts(i)) {
        continue;
      }
      if (!finite) {
        mark_bad(i);
        continue;
      }
      const TokenInputs<double> in = token_inputs(args_.batch, args_.out, i);
      const TokenLoss<double> token = objective_.token(config, in, log_ratio);
      double through = token.through_ratio;
      if (config.ratio_level == GRPO4J_RATIO_SEQUENCE) {
        through = shared * objective_.log_term(config, log_difference(in), in.advantage).slope / tokens;
      }
      set_slopes(i, through + token.direct, token.h);
      add_row(i, token);
      if (first) {
        add_unit(token);
        first = false;
      }
    }
  }

  void add_token(int64_t i) {
    if (!counts(i)) {
      return;
    }
    const TokenInputs<double> in = token_inputs(args_.batch, args_.out, i);
    const TokenLoss<double> token = objective_.token(args_.config, in, log_difference(in));
    const double g = token.through_ratio + token.direct;
    if (!usable(g, token)) {
      mark_bad(i);
      return;
    }
    set_slopes(i, g, token.h);
    add_row(i, token);
    add_unit(token);
  }

  grpo4j_policy_metrics finish() {
    if (m_.active_rows > 0) {
      const double rows = static_cast<double>(m_.active_rows);
      m_.kl /= rows;
      m_.entropy /= rows;
      m_.approx_kl /= rows;
      m_.ratio_mean /= static_cast<double>(m_.units);
      m_.factor_mean /= static_cast<double>(m_.units);
    }
    return m_;
  }

 private:
  // Neither masked nor bad.
  bool counts(int64_t i) const {
    const float log_prob = args_.out.log_probs[i];
    return !is_masked(args_.batch.policy_weights, args_.batch.regularizer_weights, i) &&
           log_prob == log_prob;
  }

  TokenLoss<double> evaluate(int64_t i, double log_ratio) const {
    return objective_.token(args_.config, token_inputs(args_.batch, args_.out, i), log_ratio);
  }

  static bool usable_slope(double slope) { return isfinite(static_cast<float>(slope)); }

  static bool usable(double g, const TokenLoss<double>& token) {
    return usable_slope(g) && usable_slope(token.h) && isfinite(token.loss);
  }

  void set_slopes(int64_t i, double g, double h) {
    if (args_.slopes != nullptr) {
      args_.slopes[i] = {g, h};
    }
  }

  void mark_bad(int64_t i) {
    const float nan = __builtin_nanf("");
    args_.out.log_probs[i] = nan;
    args_.out.entropy[i] = nan;
    if (args_.out.lse != nullptr) {
      args_.out.lse[i] = nan;
    }
    if (args_.out.sum_squares != nullptr) {
      args_.out.sum_squares[i] = nan;
    }
    if (m_.report.bad_rows++ == 0) {
      m_.report.first_bad_row = i;
      m_.report.first_bad_reason = GRPO4J_ROW_COEFFICIENT;
    }
  }

  void add_row(int64_t i, const TokenLoss<double>& token) {
    m_.active_rows += 1;
    m_.policy_loss += token.policy_loss;
    m_.loss += token.loss;
    m_.kl += token.kl;
    m_.entropy += args_.out.entropy[i];
    if (args_.batch.old_log_probs != nullptr) {
      m_.approx_kl += static_cast<double>(args_.batch.old_log_probs[i]) - args_.out.log_probs[i];
    }
  }

  void add_unit(const TokenLoss<double>& token) {
    const bool first = m_.units == 0;
    m_.ratio_min = first ? token.ratio : std::min(m_.ratio_min, token.ratio);
    m_.ratio_max = first ? token.ratio : std::max(m_.ratio_max, token.ratio);
    m_.ratio_mean = first ? token.ratio : m_.ratio_mean + token.ratio;
    m_.factor_mean = first ? token.factor : m_.factor_mean + token.factor;
    m_.units += 1;
    m_.clip_low_count += token.event.low;
    m_.clip_high_count += token.event.high;
    m_.dual_clip_count += token.event.dual;
  }

  const grpo4j_objective_args& args_;
  const ObjectiveFunctions& objective_;
  grpo4j_policy_metrics m_;
};

}  // namespace

const ObjectiveFunctions& objective_functions(int32_t objective) { return kObjectives[objective]; }

grpo4j_policy_metrics sum_objective(const grpo4j_objective_args& args) {
  for (int64_t i = 0; args.slopes != nullptr && i < args.n; ++i) {
    args.slopes[i] = {0, 0};
  }
  Summation summation(args);
  if (args.config.ratio_level == GRPO4J_RATIO_TOKEN) {
    for (int64_t i = 0; i < args.n; ++i) {
      summation.add_token(i);
    }
  } else {
    for (int64_t s = 0; s < args.batch.sequences; ++s) {
      summation.add_sequence(args.batch.sequence_offsets[s], args.batch.sequence_offsets[s + 1]);
    }
  }
  return summation.finish();
}

}  // namespace grpo4j
