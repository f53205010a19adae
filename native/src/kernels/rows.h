// The arrays beside the logits, one row at a time. Always inlined: several ISAs compile this file.
#pragma once

#include "grpo4j/grpo4j.h"
#include "grpo4j/objective.h"

namespace grpo4j {

GRPO4J_HD int64_t row_of(const grpo4j_rows& rows, int64_t i) {
  return rows.row_indices == nullptr ? i : rows.row_indices[i];
}

GRPO4J_HD int64_t target_of(const grpo4j_rows& rows, int64_t i) {
  return rows.target_type == GRPO4J_I32 ? static_cast<const int32_t*>(rows.targets)[i]
                                        : static_cast<const int64_t*>(rows.targets)[i];
}

GRPO4J_HD double temperature_of(const grpo4j_rows& rows, int64_t i) {
  return rows.temperatures == nullptr ? rows.temperature
                                      : static_cast<double>(rows.temperatures[i]);
}

// Far beyond what anyone samples with, and where f32 still holds h/T^2 and -127 T. Outside the entropy
// bonus's gradient would be NaN, or logits of -inf would count.
constexpr double kLeastTemperature = 1e-12;
constexpr double kMostTemperature = 1e12;

GRPO4J_HD bool usable_temperature(double t) {
  return t >= kLeastTemperature && t <= kMostTemperature;
}

// A row with a distribution: good in every shard, and not all -inf.
GRPO4J_HD bool has_mass(const grpo4j_row_state& state) {
  return state.reason == GRPO4J_ROW_OK && state.sum > 0;
}

// The sequence that row i of the call belongs to.
GRPO4J_HD int64_t sequence_of(const grpo4j_policy_batch& batch, int64_t i) {
  int64_t low = 0;
  int64_t high = batch.sequences;  // offsets[low] <= i < offsets[high]
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    if (batch.sequence_offsets[middle] <= i) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

GRPO4J_HD bool is_masked(const float* policy_weights, const float* regularizer_weights, int64_t i) {
  return policy_weights != nullptr && policy_weights[i] == 0 && regularizer_weights[i] == 0;
}

// The numbers of row i that the objective needs, its statistics given as they are, or will be, stored
// (rounded), so that the metrics pass over the stored values sees exactly what the gradient saw.
GRPO4J_HD TokenInputs<double> token_inputs(const grpo4j_policy_batch& batch, int64_t i,
                                           float log_prob, float entropy) {
  const bool has_old = batch.old_log_probs != nullptr;
  const bool has_ref = batch.ref_log_probs != nullptr;
  return {log_prob,
          entropy,
          has_old ? batch.old_log_probs[i] : 0.0,
          has_ref ? batch.ref_log_probs[i] : 0.0,
          batch.advantages[batch.advantages_per_sequence != 0 ? sequence_of(batch, i) : i],
          batch.policy_weights[i],
          batch.regularizer_weights[i],
          has_old,
          has_ref};
}

GRPO4J_HD TokenInputs<double> token_inputs(const grpo4j_policy_batch& batch,
                                           const grpo4j_row_outputs& out, int64_t i) {
  return token_inputs(batch, i, out.log_probs[i], out.entropy[i]);
}

}  // namespace grpo4j
