// Two shards' statistics of a row become those of both.
#pragma once

#include <math.h>

#include "grpo4j/grpo4j.h"
#include "grpo4j/host_device.h"

namespace grpo4j {

// The sums of a state counted from a greater maximum.
GRPO4J_HD void rescale(grpo4j_row_state& state, float max_logit, double temperature) {
  if (state.max_logit == max_logit || state.sum == 0) {
    return;
  }
  const double shift = (static_cast<double>(state.max_logit) - max_logit) / temperature;
  const double scale = exp(shift);
  state.weighted = scale * (state.weighted + shift * state.sum);
  state.sum *= scale;
  state.squares *= scale * scale;
}

// A shard that is bad makes the row bad; the first one says why.
GRPO4J_HD grpo4j_row_state merged(const grpo4j_row_state& a, const grpo4j_row_state& b,
                                  double temperature) {
  if (a.reason != GRPO4J_ROW_OK || b.reason != GRPO4J_ROW_OK) {
    return a.reason != GRPO4J_ROW_OK ? a : b;
  }
  const float max_logit = a.max_logit > b.max_logit ? a.max_logit : b.max_logit;
  grpo4j_row_state left = a;
  grpo4j_row_state right = b;
  rescale(left, max_logit, temperature);
  rescale(right, max_logit, temperature);
  return {left.sum + right.sum,
          left.weighted + right.weighted,
          left.squares + right.squares,
          max_logit,
          a.target_logit > b.target_logit ? a.target_logit : b.target_logit,
          GRPO4J_ROW_OK,
          0};
}

}  // namespace grpo4j
