/*
 * The objectives: l and g = dl/dlogProb of one token, written once for host and device.
 *
 * Everything here is a function of scalars that belong to one row (and, for a ratio shared by a
 * sequence, of that sequence's log ratio). An objective is a functor with three members:
 *
 *   log_term(d, A)      what a token adds to its sequence's sum, and its derivative by d
 *   log_ratio(sum, n)   the sequence's log ratio from that sum over n tokens
 *   operator()(...)     l, its derivative through the ratio (by ln ratio), and its direct derivative
 *
 * With a ratio per token, g = through_ratio + direct. With a ratio shared by a sequence the parts
 * through the ratio of all its tokens are summed first and shared out again: docs/math.md.
 *
 * Sources: PPO/GRPO clip (arXiv 1707.06347, 2402.03300), two-sided delta (INTELLECT-2, 2505.07291),
 * dual clip (1912.09729), GSPO (2507.18071), CISPO (MiniMax-M1, 2506.13585), SAPO (2511.20347),
 * GMPO (2507.20673), VESPO (as in TRL), GPG (2504.02546), k1/k2/k3 (Schulman, "Approximating KL
 * divergence").
 */
#ifndef GRPO4J_OBJECTIVE_H
#define GRPO4J_OBJECTIVE_H

#include <math.h>

#include "grpo4j/host_device.h"

namespace grpo4j {

/* Which bound decided a token's policy term. */
struct ClipEvent {
  bool low;
  bool high;
  bool dual;
};

/* l of one token and its derivatives. */
template <class Real>
struct PolicyTerm {
  Real loss;
  Real through_ratio; /* dl/d ln ratio */
  Real direct;        /* dl/dlogProb where the ratio is held fixed */
  Real factor;        /* what multiplies A: the ratio after its bound, or a detached weight */
  ClipEvent event;
};

template <class Real>
struct LogRatioTerm {
  Real value;
  Real slope;
};

template <class Real>
struct Ratio {
  Real log_ratio;
  Real value;
};

template <class Real>
GRPO4J_HD Real clamp_to(Real value, Real low, Real high) {
  return value < low ? low : (value > high ? high : value);
}

/* Tokens add d = logProb - old as it is; a sequence's ratio is the geometric mean of its tokens'. */
template <class Real>
struct MeanLogRatio {
  GRPO4J_HD LogRatioTerm<Real> log_term(Real d, Real) const { return {d, 1}; }
  GRPO4J_HD Real log_ratio(Real sum, Real tokens) const { return sum / tokens; }
};

/*
 * max(-min(r, delta) A, -clip(r, low, high) A), for A < 0 not above -c A. With the sequence's ratio
 * it is GSPO; with that ratio's value and each token's own gradient, GSPO-token.
 */
template <class Real>
struct ClipObjective : MeanLogRatio<Real> {
  Real ratio_low;
  Real ratio_high;
  Real delta;
  Real dual_clip;

  GRPO4J_HD PolicyTerm<Real> operator()(Ratio<Real> ratio, Real, Real advantage) const {
    const Real r = ratio.value;
    const Real slope = -r * advantage;
    const Real bounded = r > delta ? delta : r;
    const bool inside = !(r < ratio_low) && !(r > ratio_high);
    const Real clipped = clamp_to(r, ratio_low, ratio_high);

    PolicyTerm<Real> term;
    term.loss = -bounded * advantage;
    term.through_ratio = r > delta ? Real(0) : slope;
    term.factor = bounded;
    if (-clipped * advantage > term.loss) {
      term.loss = -clipped * advantage;
      term.through_ratio = inside ? slope : Real(0);
      term.factor = clipped;
    }
    term.direct = 0;
    term.event = {bounded < ratio_low && advantage < 0, bounded > ratio_high && advantage > 0,
                  false};
    const Real bound = -dual_clip * advantage;
    if (advantage < 0 && term.loss > bound) {
      term.loss = bound;
      term.through_ratio = 0;
      term.factor = dual_clip;
      term.event.dual = true;
    }
    return term;
  }
};

/* -sg(min(r, bound)) A logProb. */
template <class Real>
struct CispoObjective : MeanLogRatio<Real> {
  Real bound;

  GRPO4J_HD PolicyTerm<Real> operator()(Ratio<Real> ratio, Real log_prob, Real advantage) const {
    const bool above = ratio.value > bound;
    const Real factor = above ? bound : ratio.value;
    return {-factor * advantage * log_prob, 0, -factor * advantage, factor,
            {false, above && advantage > 0, false}};
  }
};

/* -A (4 / tau) sigmoid(tau (r - 1)), tau by the sign of A. */
template <class Real>
struct SapoObjective : MeanLogRatio<Real> {
  Real tau_positive;
  Real tau_negative;

  GRPO4J_HD PolicyTerm<Real> operator()(Ratio<Real> ratio, Real, Real advantage) const {
    const Real tau = advantage > 0 ? tau_positive : tau_negative;
    const Real sigma = 1 / (1 + exp(-tau * (ratio.value - 1)));
    const Real factor = 4 / tau * sigma;
    /* sigma rounds to 1 long before r becomes infinite. */
    const Real slope = sigma == 1 ? Real(0) : -4 * advantage * sigma * (1 - sigma) * ratio.value;
    return {-advantage * factor, slope, 0, factor, {false, false, false}};
  }
};

/* -A R, R the geometric mean of ratios that are clipped one by one, in log space, where A favours it. */
template <class Real>
struct GmpoObjective {
  Real log_low;
  Real log_high;

  GRPO4J_HD LogRatioTerm<Real> log_term(Real d, Real advantage) const {
    if (advantage > 0) {
      return d > log_high ? LogRatioTerm<Real>{log_high, 0} : LogRatioTerm<Real>{d, 1};
    }
    if (advantage == 0) {
      return {0, 0}; /* favours neither side, and has no gradient */
    }
    return d < log_low ? LogRatioTerm<Real>{log_low, 0} : LogRatioTerm<Real>{d, 1};
  }
  GRPO4J_HD Real log_ratio(Real sum, Real tokens) const { return sum / tokens; }
  GRPO4J_HD PolicyTerm<Real> operator()(Ratio<Real> ratio, Real, Real advantage) const {
    const Real loss = -ratio.value * advantage;
    return {loss, loss, 0, ratio.value, {false, false, false}};
  }
};

/* -sg(phi) A logProb, phi = e^(lambda + k ln w - lambda w), w the product of a sequence's ratios. */
template <class Real>
struct VespoObjective {
  Real k_positive;
  Real lambda_positive;
  Real k_negative;
  Real lambda_negative;

  GRPO4J_HD LogRatioTerm<Real> log_term(Real d, Real) const {
    return {clamp_to(d, Real(-20), Real(20)), 0};
  }
  GRPO4J_HD Real log_ratio(Real sum, Real) const {
    return clamp_to(sum, Real(-18.420680743952367), Real(20)); /* ln 1e-8 */
  }
  GRPO4J_HD PolicyTerm<Real> operator()(Ratio<Real> ratio, Real log_prob, Real advantage) const {
    const Real k = advantage >= 0 ? k_positive : k_negative;
    const Real lambda = advantage >= 0 ? lambda_positive : lambda_negative;
    const Real phi = exp(lambda + k * ratio.log_ratio - lambda * ratio.value);
    return {-phi * advantage * log_prob, 0, -phi * advantage, phi, {false, false, false}};
  }
};

/* -A logProb: REINFORCE. */
template <class Real>
struct GpgObjective : MeanLogRatio<Real> {
  GRPO4J_HD PolicyTerm<Real> operator()(Ratio<Real>, Real log_prob, Real advantage) const {
    return {-advantage * log_prob, 0, -advantage, 1, {false, false, false}};
  }
};

/* A KL estimate and its derivatives, through the ratio only where the bias correction puts it in. */
template <class Real>
struct KlTerm {
  Real value;
  Real through_ratio;
  Real direct;
};

/* k1, k2 or k3; bias corrected: r KL. */
template <class Real>
struct KlEstimator {
  int kind;
  bool bias_corrected;

  GRPO4J_HD KlTerm<Real> operator()(Real log_prob, Real ref_log_prob, Real ratio) const {
    const Real q = ref_log_prob - log_prob;
    KlTerm<Real> term;
    if (kind == 1) {
      term = {-q, 0, Real(1)};
    } else if (kind == 2) {
      term = {q * q / 2, 0, -q};
    } else {
      const Real e = exp(q);
      term = {e - q - 1, 0, 1 - e};
    }
    if (bias_corrected) {
      term = {ratio * term.value, ratio * term.value, ratio * term.direct};
    }
    return term;
  }
};

/* What one token contributes: loss parts, and the weighted slopes that its gradient needs. */
template <class Real>
struct TokenLoss {
  Real ratio;
  Real factor;
  Real policy_loss;   /* policy_weight l */
  Real kl;            /* unweighted */
  Real loss;          /* policy_loss + regularizer_weight (kl_coef KL - entropy_coef H) */
  Real through_ratio; /* the part of dloss/dlogProb that a shared ratio shares out */
  Real direct;        /* the rest of dloss/dlogProb */
  Real h;             /* dloss/dH */
  ClipEvent event;
};

/* The token's own numbers. old_log_prob and ref_log_prob are read only where has_* says so. */
template <class Real>
struct TokenInputs {
  Real log_prob;
  Real entropy;
  Real old_log_prob;
  Real ref_log_prob;
  Real advantage;
  Real policy_weight;
  Real regularizer_weight;
  bool has_old;
  bool has_ref;
};

/* What is added to every policy objective. */
template <class Real>
struct Regularizer {
  KlEstimator<Real> kl;
  Real kl_coef;
  Real entropy_coef;
};

/* d = logProb - old; 0 on policy. */
template <class Real>
GRPO4J_HD Real log_difference(const TokenInputs<Real>& in) {
  return in.has_old ? in.log_prob - in.old_log_prob : Real(0);
}

template <class Real, class Policy>
GRPO4J_HD TokenLoss<Real> token_loss(const Policy& policy, const Regularizer<Real>& regularizer,
                                     const TokenInputs<Real>& in, Real log_ratio) {
  const Ratio<Real> ratio = {log_ratio, exp(log_ratio)};
  const PolicyTerm<Real> term = policy(ratio, in.log_prob, in.advantage);
  TokenLoss<Real> out;
  out.ratio = ratio.value;
  out.factor = term.factor;
  out.event = term.event;
  /* A weight of 0 takes the term out even where it is infinite. */
  const bool on = in.policy_weight != 0;
  out.policy_loss = on ? in.policy_weight * term.loss : Real(0);
  out.through_ratio = on ? in.policy_weight * term.through_ratio : Real(0);
  out.direct = on ? in.policy_weight * term.direct : Real(0);
  out.h = -in.regularizer_weight * regularizer.entropy_coef;
  out.kl = 0;
  Real added = -regularizer.entropy_coef * in.entropy;
  if (in.has_ref) {
    const KlTerm<Real> kl = regularizer.kl(in.log_prob, in.ref_log_prob, ratio.value);
    out.kl = kl.value;
    if (regularizer.kl_coef != 0) {
      const Real weight = in.regularizer_weight * regularizer.kl_coef;
      added += regularizer.kl_coef * kl.value;
      out.through_ratio += weight * kl.through_ratio;
      out.direct += weight * kl.direct;
    }
  }
  out.loss = out.policy_loss + in.regularizer_weight * added;
  return out;
}

}  // namespace grpo4j
#endif
