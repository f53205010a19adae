// The objectives in double, as losses alone; slopes come from dual numbers, so that no derivative is
// written down twice. Formulas and sources: docs/math.md, section 2.
#pragma once

#include <math.h>

#include <algorithm>
#include <vector>

#include "grpo4j/grpo4j.h"

namespace oracle {

// A value and its derivative by the log-prob of one row.
struct Dual {
  double v = 0;
  double d = 0;
};
inline Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
inline Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
inline Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
inline Dual operator*(double k, Dual a) { return {k * a.v, k * a.d}; }
inline Dual exp(Dual a) { return {::exp(a.v), ::exp(a.v) * a.d}; }
inline Dual sigmoid(Dual a) {
  const double s = 1 / (1 + ::exp(-a.v));
  return {s, s * (1 - s) * a.d};
}
inline Dual at_most(Dual a, double bound) { return a.v > bound ? Dual{bound} : a; }
inline Dual at_least(Dual a, double bound) { return a.v < bound ? Dual{bound} : a; }
inline Dual detached(Dual a) { return {a.v}; }

// The arrays of a call. old_log_probs or ref_log_probs may be empty; advantages are one per row.
struct ObjectiveInputs {
  std::vector<float> log_probs, entropy, old_log_probs, ref_log_probs, advantages, policy_weights,
      regularizer_weights;
  std::vector<int64_t> offsets;

  bool active(int64_t i) const {
    const auto at = static_cast<size_t>(i);
    return policy_weights[at] != 0 || regularizer_weights[at] != 0;
  }
};

struct ObjectiveResult {
  std::vector<grpo4j_row_slopes> slopes;
  grpo4j_policy_metrics metrics;  // without its report
};

class ObjectiveOracle {
 public:
  ObjectiveOracle(const grpo4j_policy_config& config, const ObjectiveInputs& in)
      : c_(config), in_(in), n_(static_cast<int64_t>(in.log_probs.size())) {
    result_.slopes.resize(in.log_probs.size());
    result_.metrics = {};
    result_.metrics.ratio_min = INFINITY;
    result_.metrics.ratio_max = -INFINITY;
  }

  ObjectiveResult compute() {
    if (c_.ratio_level == GRPO4J_RATIO_TOKEN) {
      for (int64_t i = 0; i < n_; ++i) add_sequence(i, i + 1);
    } else {
      for (size_t s = 0; s + 1 < in_.offsets.size(); ++s) {
        add_sequence(in_.offsets[s], in_.offsets[s + 1]);
      }
    }
    grpo4j_policy_metrics& m = result_.metrics;
    for (double* mean : {&m.kl, &m.entropy, &m.approx_kl}) {
      *mean /= static_cast<double>(std::max<int64_t>(1, m.active_rows));
    }
    if (m.units == 0) {
      m.ratio_min = m.ratio_max = m.ratio_mean = m.factor_mean = 1;
    } else {
      m.ratio_mean /= static_cast<double>(m.units);
      m.factor_mean /= static_cast<double>(m.units);
    }
    return result_;
  }

 private:
  // Rows of one sequence, differentiated by the log-prob of row `seed`.
  struct Sequence {
    int64_t begin, end, seed;
  };

  struct Factor {
    Dual value;  // what multiplies A
    bool dual_clipped;
  };

  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  Dual log_prob(const Sequence& s, int64_t i) const {
    return {in_.log_probs[at(i)], i == s.seed ? 1.0 : 0.0};
  }
  Dual difference(const Sequence& s, int64_t i) const {
    const Dual lp = log_prob(s, i);
    // On policy it is 0 even where the log-prob is -inf.
    return in_.old_log_probs.empty() ? Dual{0, lp.d} : lp - Dual{in_.old_log_probs[at(i)]};
  }

  // GMPO clips each log ratio on the side that A favours.
  Dual gmpo_term(const Sequence& s, int64_t i) const {
    const float a = in_.advantages[at(i)];
    const Dual d = difference(s, i);
    return a > 0 ? at_most(d, c_.clip_high) : a < 0 ? at_least(d, -c_.clip_low) : Dual{};
  }

  Dual ratio(const Sequence& s, int64_t i) const {
    if (c_.ratio_level == GRPO4J_RATIO_TOKEN) return exp(difference(s, i));
    Dual sum;
    double count = 0;
    for (int64_t j = s.begin; j < s.end; ++j) {
      if (!in_.active(j)) continue;
      count += 1;
      sum = sum + (c_.objective == GRPO4J_GMPO    ? gmpo_term(s, j)
                   : c_.objective == GRPO4J_VESPO ? at_most(at_least(difference(s, j), -20), 20)
                                                  : difference(s, j));
    }
    if (c_.objective == GRPO4J_VESPO) {
      return exp(detached(at_most(at_least(sum, ::log(1e-8)), 20)));
    }
    const Dual mean = 1 / count * sum;
    if (c_.ratio_level == GRPO4J_RATIO_SEQUENCE) return exp(mean);
    const Dual own = log_prob(s, i);
    return exp(detached(mean) + own - detached(own));
  }

  Factor factor(Dual r, double a) const {
    switch (c_.objective) {
      case GRPO4J_CLIP: {
        Dual chosen = at_most(r, c_.delta);
        const Dual clipped = at_most(at_least(r, 1 - c_.clip_low), 1 + c_.clip_high);
        if (-a * clipped.v > -a * chosen.v) chosen = clipped;
        const bool dual = a < 0 && -a * chosen.v > -a * c_.dual_clip;
        return {dual ? Dual{c_.dual_clip} : chosen, dual};
      }
      case GRPO4J_CISPO:
        return {detached(at_most(r, c_.clip_high)), false};
      case GRPO4J_SAPO: {
        const double tau = a > 0 ? c_.sapo_positive : c_.sapo_negative;
        return {4 / tau * sigmoid(tau * (r - Dual{1})), false};
      }
      case GRPO4J_GPG:
        return {Dual{1}, false};
      case GRPO4J_GMPO:
        return {r, false};
      default: {  // VESPO
        const double k = a >= 0 ? c_.vespo_k_positive : c_.vespo_k_negative;
        const double lambda = a >= 0 ? c_.vespo_lambda_positive : c_.vespo_lambda_negative;
        return {Dual{::exp(lambda + k * ::log(r.v) - lambda * r.v)}, false};
      }
    }
  }

  Dual policy_loss(const Sequence& s, int64_t i) const {
    const double a = in_.advantages[at(i)];
    const Dual scaled = -a * factor(ratio(s, i), a).value;
    const bool by_log_prob = c_.objective == GRPO4J_CISPO || c_.objective == GRPO4J_GPG ||
                             c_.objective == GRPO4J_VESPO;
    return by_log_prob ? scaled * log_prob(s, i) : scaled;
  }

  Dual kl(const Sequence& s, int64_t i) const {
    const Dual q = Dual{in_.ref_log_probs[at(i)]} - log_prob(s, i);
    const Dual estimate = c_.kl_estimator == GRPO4J_KL_K1   ? -1 * q
                          : c_.kl_estimator == GRPO4J_KL_K2 ? 0.5 * (q * q)
                                                            : exp(q) - q - Dual{1};
    return c_.kl_bias_corrected != 0 ? ratio(s, i) * estimate : estimate;
  }

  Dual loss(const Sequence& s, int64_t i) const {
    Dual regularizer = {-c_.entropy_coef * in_.entropy[at(i)]};
    if (c_.kl_coef != 0) regularizer = regularizer + c_.kl_coef * kl(s, i);
    const double weight = in_.policy_weights[at(i)];
    const Dual policy = weight == 0 ? Dual{} : weight * policy_loss(s, i);
    return policy + in_.regularizer_weights[at(i)] * regularizer;
  }

  void add_sequence(int64_t begin, int64_t end) {
    bool first = true;
    for (int64_t i = begin; i < end; ++i) {
      if (!in_.active(i)) continue;
      double g = 0;
      for (int64_t j = begin; j < end; ++j) {
        if (in_.active(j)) g += loss({begin, end, i}, j).d;
      }
      result_.slopes[at(i)] = {g, -in_.regularizer_weights[at(i)] * c_.entropy_coef};
      add_row({begin, end, i}, i);
      if (first) add_unit({begin, end, i}, i);
      first = false;
    }
  }

  void add_row(const Sequence& s, int64_t i) {
    grpo4j_policy_metrics& m = result_.metrics;
    m.active_rows += 1;
    m.loss += loss(s, i).v;
    m.policy_loss += in_.policy_weights[at(i)] == 0
                         ? 0
                         : static_cast<double>(in_.policy_weights[at(i)]) * policy_loss(s, i).v;
    m.kl += in_.ref_log_probs.empty() ? 0 : kl(s, i).v;
    m.entropy += in_.entropy[at(i)];
    m.approx_kl -= difference(s, i).v;
  }

  void add_unit(const Sequence& s, int64_t i) {
    grpo4j_policy_metrics& m = result_.metrics;
    const double r = ratio(s, i).v;
    const double a = in_.advantages[at(i)];
    const Factor f = factor(ratio(s, i), a);
    const double bounded = std::min(r, c_.delta);
    m.units += 1;
    m.ratio_min = std::min(m.ratio_min, r);
    m.ratio_max = std::max(m.ratio_max, r);
    m.ratio_mean += r;
    m.factor_mean += f.value.v;
    m.dual_clip_count += f.dual_clipped;
    if (c_.objective == GRPO4J_CLIP) {
      m.clip_low_count += bounded < 1 - c_.clip_low && a < 0;
      m.clip_high_count += bounded > 1 + c_.clip_high && a > 0;
    } else if (c_.objective == GRPO4J_CISPO) {
      m.clip_high_count += r > c_.clip_high && a > 0;
    }
  }

  const grpo4j_policy_config& c_;
  const ObjectiveInputs& in_;
  int64_t n_;
  ObjectiveResult result_;
};

}  // namespace oracle
