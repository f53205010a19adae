/*
 * The objective of one token, written once for host and device.
 *
 * Everything here is a function of scalars that belong to one row, so each functor is force-inlined
 * into the row loop of every ISA (an out-of-line copy compiled for a newer ISA could otherwise be
 * picked by the linker for all of them).
 *
 * Formulas: docs/kernels.md; PPO/GRPO clip (arXiv 1707.06347, 2402.03300), two-sided delta (INTELLECT-2,
 * arXiv 2505.07291), dual clip (arXiv 1912.09729), k1/k2/k3 (Schulman, "Approximating KL divergence").
 */
#ifndef GRPO4J_OBJECTIVE_H
#define GRPO4J_OBJECTIVE_H

#include <math.h>

#if defined(__CUDACC__)
#define GRPO4J_HD __host__ __device__ __forceinline__
#else
#define GRPO4J_HD __attribute__((always_inline)) inline
#endif

namespace grpo4j {

/* Which bound decided a token's policy term. */
struct ClipEvent {
  bool low;
  bool high;
  bool dual;
};

/* l and g = dl/dlogProb of one token. */
template <class Real>
struct PolicyTerm {
  Real loss;
  Real slope;
  ClipEvent event;
};

/* max(-min(r, delta) A, -clip(r, lo, hi) A), for A < 0 not above -c A. */
template <class Real>
struct ClipObjective {
  Real ratio_low;
  Real ratio_high;
  Real delta;
  Real dual_clip;

  GRPO4J_HD PolicyTerm<Real> operator()(Real ratio, Real advantage) const {
    const Real slope = -ratio * advantage;
    const bool below = ratio < ratio_low;
    const bool above = ratio > ratio_high;
    const Real clipped = below ? ratio_low : (above ? ratio_high : ratio);

    PolicyTerm<Real> term;
    term.loss = -(ratio > delta ? delta : ratio) * advantage;
    term.slope = ratio > delta ? Real(0) : slope;
    const Real clipped_loss = -clipped * advantage;
    if (clipped_loss > term.loss) {
      term.loss = clipped_loss;
      term.slope = below || above ? Real(0) : slope;
    }
    term.event = {below && advantage < 0, above && advantage > 0, false};
    const Real bound = -dual_clip * advantage;
    if (advantage < 0 && term.loss > bound) {
      term.loss = bound;
      term.slope = 0;
      term.event.dual = true;
    }
    return term;
  }
};

/* A KL estimate and its derivative by logProb. */
template <class Real>
struct KlTerm {
  Real value;
  Real slope;
};

/* k1, k2 or k3; bias corrected: r KL, whose derivative is r (KL + KL'). */
template <class Real>
struct KlEstimator {
  int kind;
  bool bias_corrected;

  GRPO4J_HD KlTerm<Real> operator()(Real log_prob, Real ref_log_prob, Real ratio) const {
    const Real q = ref_log_prob - log_prob;
    KlTerm<Real> term;
    if (kind == 1) {
      term = {-q, Real(1)};
    } else if (kind == 2) {
      term = {q * q / 2, -q};
    } else {
      const Real e = exp(q);
      term = {e - q - 1, 1 - e};
    }
    if (bias_corrected) {
      term = {ratio * term.value, ratio * (term.value + term.slope)};
    }
    return term;
  }
};

/* What one token contributes: loss parts, and the weighted slopes that its gradient needs. */
template <class Real>
struct TokenLoss {
  Real ratio;
  Real policy_loss; /* policy_weight l */
  Real kl;          /* unweighted */
  Real loss;        /* policy_loss + regularizer_weight (kl_coef KL - entropy_coef H) */
  Real g;           /* dloss/dlogProb */
  Real h;           /* dloss/dH */
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

template <class Real>
struct TokenObjective {
  ClipObjective<Real> policy;
  KlEstimator<Real> kl;
  Real kl_coef;
  Real entropy_coef;

  GRPO4J_HD TokenLoss<Real> operator()(const TokenInputs<Real>& in) const {
    TokenLoss<Real> out;
    out.ratio = in.has_old ? exp(in.log_prob - in.old_log_prob) : Real(1);
    const PolicyTerm<Real> term = policy(out.ratio, in.advantage);
    out.event = term.event;
    out.policy_loss = in.policy_weight * term.loss;
    out.g = in.policy_weight * term.slope;
    out.h = -in.regularizer_weight * entropy_coef;
    out.kl = 0;
    Real regularizer = -entropy_coef * in.entropy;
    if (in.has_ref) {
      const KlTerm<Real> kl_term = kl(in.log_prob, in.ref_log_prob, out.ratio);
      out.kl = kl_term.value;
      if (kl_coef != 0) {
        regularizer += kl_coef * kl_term.value;
        out.g += in.regularizer_weight * kl_coef * kl_term.slope;
      }
    }
    out.loss = out.policy_loss + in.regularizer_weight * regularizer;
    return out;
  }
};

}  // namespace grpo4j
#endif
