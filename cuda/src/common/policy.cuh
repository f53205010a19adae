// The objective that a call asks for: the functors of objective.h, chosen once per row.
#pragma once

#include "common/gradient.cuh"
#include "grpo4j/objective.h"

namespace grpo4j::cuda {

// Calls use(policy) with the objective of the configuration. Two of them exist for a sequence's ratio
// only; where each row has its own they are not compiled.
template <bool kSequences, class Use>
__device__ __forceinline__ auto with_policy(const grpo4j_policy_config& c, const Use& use) {
  if constexpr (kSequences) {
    if (c.objective == GRPO4J_GMPO) {
      return use(GmpoObjective<double>{-c.clip_low, c.clip_high});
    }
    if (c.objective == GRPO4J_VESPO) {
      return use(VespoObjective<double>{c.vespo_k_positive, c.vespo_lambda_positive,
                                        c.vespo_k_negative, c.vespo_lambda_negative});
    }
  }
  switch (c.objective) {
    case GRPO4J_CISPO:
      return use(CispoObjective<double>{{}, c.clip_high});
    case GRPO4J_SAPO:
      return use(SapoObjective<double>{{}, c.sapo_positive, c.sapo_negative});
    case GRPO4J_GPG:
      return use(GpgObjective<double>{});
    default:
      return use(ClipObjective<double>{{}, 1 - c.clip_low, 1 + c.clip_high, c.delta, c.dual_clip});
  }
}

__device__ __forceinline__ Regularizer<double> regularizer_of(const grpo4j_policy_config& c) {
  return {{c.kl_estimator, c.kl_bias_corrected != 0}, c.kl_coef, c.entropy_coef};
}

// l and its derivatives of one row, its numbers as they are stored.
template <bool kSequences>
__device__ __forceinline__ TokenLoss<double> token_loss_of(const grpo4j_policy_config& config,
                                                           const TokenInputs<double>& in,
                                                           double log_ratio) {
  return with_policy<kSequences>(config, [&](const auto& policy) {
    return token_loss(policy, regularizer_of(config), in, log_ratio);
  });
}

// Whether row i lies in the sequence whose advantage it gets; offsets that don't rise leave rows out.
__device__ __forceinline__ bool has_advantage(const grpo4j_policy_batch& batch, int64_t i) {
  if (batch.advantages_per_sequence == 0) {
    return true;
  }
  const int64_t s = sequence_of(batch, i);
  return batch.sequence_offsets[s] <= i && i < batch.sequence_offsets[s + 1];
}

__device__ __forceinline__ bool usable_slope(double slope) {
  return isfinite(static_cast<float>(slope));
}

// Neither gradient nor loss would be infinite or NaN.
__device__ __forceinline__ bool usable(double g, const TokenLoss<double>& token) {
  return usable_slope(g) && usable_slope(token.h) && isfinite(token.loss);
}

}  // namespace grpo4j::cuda
