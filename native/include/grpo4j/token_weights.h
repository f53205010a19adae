/*
 * ResT's token weights (arXiv 2509.21826), written once for host and device; formulas in
 * docs/math.md. A completion takes two visits, sums by lane_sum.h: weight_term and weight_count of
 * its tokens give the mean, then each token's weight is its own.
 */
#ifndef GRPO4J_TOKEN_WEIGHTS_H
#define GRPO4J_TOKEN_WEIGHTS_H

#include <stdint.h>

#include "grpo4j/grpo4j.h"
#include "grpo4j/host_device.h"

namespace grpo4j {

/* The least mean that is divided by, as released. */
constexpr double kLeastMeanWeight = 1e-8;

GRPO4J_HD double bounded_weight(const grpo4j_token_weights_args& args, double weight) {
  return weight < args.min ? args.min : (weight > args.max ? args.max : weight);
}

/* The greatest weight of a token's regions, 0 outside them and where the token is not trained. */
GRPO4J_HD double region_weight(const grpo4j_token_weights_args& args, int64_t token) {
  if (args.completion_mask != nullptr && args.completion_mask[token] == 0) {
    return 0;
  }
  double greatest = 0;
  for (int k = 0; k < 8; ++k) {
    if (((args.regions[token] >> k) & 1) != 0 && args.region_weights[k] > greatest) {
      greatest = args.region_weights[k];
    }
  }
  return greatest;
}

/* What a token adds to the sum of its completion's weights. */
GRPO4J_HD double weight_term(const grpo4j_token_weights_args& args, int64_t token) {
  const double weight = region_weight(args, token);
  return weight > 0 && args.order == GRPO4J_CLAMP_THEN_MEAN ? bounded_weight(args, weight) : weight;
}

/* 1 for a token with a weight. */
GRPO4J_HD double weight_count(const grpo4j_token_weights_args& args, int64_t token) {
  return region_weight(args, token) > 0 ? 1 : 0;
}

GRPO4J_HD double mean_weight(double sum, double count) {
  const double mean = count == 0 ? 1 : sum / count;
  return mean < kLeastMeanWeight ? kLeastMeanWeight : mean;
}

/* The token's weight, given its completion's mean. */
GRPO4J_HD float token_weight(const grpo4j_token_weights_args& args, double mean, int64_t token) {
  const double weight = weight_term(args, token) / mean;
  return static_cast<float>(weight > 0 && args.order == GRPO4J_MEAN_THEN_CLAMP
                                ? bounded_weight(args, weight)
                                : weight);
}

}  // namespace grpo4j
#endif
