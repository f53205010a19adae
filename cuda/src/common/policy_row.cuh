// policy_loss for one row: from its statistics to outputs, slopes and the coefficients of its
// gradient. Scalars in double, by one thread.
#pragma once

#include "common/policy.cuh"

namespace grpo4j::cuda {

struct PolicyPass {
  grpo4j_policy_loss_args args;
  int32_t* reasons;  // [n] GRPO4J_ROW_* of each row
};

__host__ __device__ __forceinline__ RowBatch batch_of(const grpo4j_policy_loss_args& args) {
  return {args.logits, args.rows, 0, args.logits.vocab, true, args.batch.policy_weights,
          args.batch.regularizer_weights};
}

// What the threads of a block need of a row to write its gradient.
struct __align__(16) GradientOrder {
  GradientCoefficients coefficients;
  float at_target;
  bool writes;  // false: the row has no gradient
};

// What is known of a row before its statistics.
struct __align__(16) RowAsked {
  int64_t i;
  RowHead head;
  float target_logit;       // after the cap
  double target_cap_slope;
  float target_held;        // the gradient there, where it is added to
  bool stores;              // whether this block writes the row's outputs
};

// The order from statistics and slopes; slopes of 0 write nothing.
__device__ inline GradientOrder order_of(const RowStatistics& row, const RowSlopes& slopes,
                                         const RowAsked& asked) {
  GradientOrder order = {};
  order.writes = slopes.g != 0 || slopes.h != 0;
  if (order.writes) {
    const double inverse_temperature = asked.head.inverse_temperature;
    order.coefficients = coefficients_of(row, slopes, inverse_temperature);
    order.at_target = static_cast<float>(
        asked.target_held + target_gradient(asked.target_logit, asked.target_cap_slope, row,
                                            slopes, inverse_temperature));
  }
  return order;
}

__device__ __forceinline__ void mark_bad_row(const PolicyPass& pass, int64_t i, int32_t reason) {
  fill_outputs(pass.args.out, i, bad_output(pass.args.flags));
  pass.reasons[i] = reason;
}

struct RowDecision {
  RowSlopes slopes;  // 0 where the row is bad
  int32_t reason;
};

// Outputs of row i, where this block stores them, and its slopes.
__device__ inline RowDecision decide_row(const PolicyPass& pass, int64_t i, const RowHead& head,
                                         const RowStatistics& row, float target_logit,
                                         bool stores) {
  const grpo4j_policy_loss_args& args = pass.args;
  RowDecision decision = {{0, 0}, row.reason};
  if (row.reason == GRPO4J_ROW_OK && !has_advantage(args.batch, i)) {
    decision.reason = GRPO4J_ROW_SEQUENCE;
  }
  if (decision.reason == GRPO4J_ROW_OK) {
    const double log_prob = log_prob_of(row, target_logit, head.inverse_temperature);
    const TokenInputs<double> in = token_inputs(args.batch, i, static_cast<float>(log_prob),
                                                static_cast<float>(row.entropy));
    const TokenLoss<double> token = token_loss_of<false>(args.config, in, log_difference(in));
    const double g = token.through_ratio + token.direct;
    if (usable(g, token)) {
      decision.slopes = {g, token.h};
      if (stores) {
        store_outputs(args.out, i, row, log_prob, head.inverse_temperature);
        pass.reasons[i] = GRPO4J_ROW_OK;
      }
      return decision;
    }
    decision.reason = GRPO4J_ROW_COEFFICIENT;
  }
  if (stores) {
    mark_bad_row(pass, i, decision.reason);
  }
  return decision;
}

__device__ inline GradientOrder order_of(const PolicyPass& pass, const RowAsked& asked,
                                         const RowStatistics& row) {
  const RowSlopes slopes =
      decide_row(pass, asked.i, asked.head, row, asked.target_logit, asked.stores).slopes;
  return order_of(row, slopes, asked);
}

// Reads what the row's target needs before anything is overwritten.
template <class Element, class Kind>
__device__ __forceinline__ RowAsked ask_row(double soft_cap, int64_t i, const RowHead& head,
                                            const Row<Element>& row,
                                            const typename Element::Storage* dz, bool stores) {
  const typename Kind::Cap cap(soft_cap);
  const float logit = Element::to_float(load_element(row.z + head.target));
  float held = 0;
  if constexpr (Kind::kAccumulate) {
    held = Element::to_float(load_element(dz + head.target));
  }
  return {i, head, cap.exact(logit), cap.slope(logit), held, stores};
}

// A masked or bad row: outputs and gradient without a look at its logits.
__device__ __forceinline__ void finish_unread(const PolicyPass& pass, int64_t i,
                                              const RowHead& head) {
  if (head.masked) {
    fill_outputs(pass.args.out, i, 0);
    pass.reasons[i] = GRPO4J_ROW_OK;
  } else {
    mark_bad_row(pass, i, head.reason);
  }
}

template <class Element>
__device__ __forceinline__ typename Element::Storage* gradient_row(const grpo4j_matrix& gradient,
                                                                   int64_t row) {
  return static_cast<typename Element::Storage*>(gradient.data) + row * gradient.row_stride;
}

}  // namespace grpo4j::cuda
