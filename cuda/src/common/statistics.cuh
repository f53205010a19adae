// Statistics of a row from the states of its chunks.
#pragma once

#include <math.h>

#include "common/chunk_states.cuh"
#include "grpo4j/grpo4j.h"

namespace grpo4j::cuda {

constexpr double kLog2E = 1.4426950408889634;

// u = (z - max) / T: sum e^u, sum e^u u, sum e^2u, and what follows from them.
struct RowStatistics {
  int32_t reason;  // GRPO4J_ROW_*; the rest is meaningful only when it is GRPO4J_ROW_OK
  float max_logit;
  double sum;
  double weighted;
  double squares;
  double log_sum;
  double entropy;
};

__device__ __forceinline__ double warp_sum(double value) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, offset);
  }
  return value;
}

// Whatever is computed from the merged sums, in double.
__device__ __forceinline__ void derive(RowStatistics& row) {
  row.log_sum = log(row.sum);
  const double entropy = row.log_sum - row.weighted / row.sum;
  row.entropy = entropy > 0 ? entropy : 0;
}

// Merges chunk states in a fixed order; by one warp, the result in all its lanes.
__device__ inline RowStatistics merge_chunks(const ChunkState* states, int32_t count,
                                             double inverse_temperature) {
  RowStatistics row = {};
  float max = -kInfinity;
  for (int32_t c = lane_id(); c < count; c += kWarp) {
    max = max_or_nan(max, states[c].max);
  }
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    max = max_or_nan(max, __shfl_xor_sync(kAllLanes, max, offset));
  }
  row.max_logit = max;
  if (max == -kInfinity) {
    row.reason = GRPO4J_ROW_ALL_MINUS_INF;
    return row;
  }
  if (!(max < kInfinity)) {
    row.reason = GRPO4J_ROW_NOT_FINITE;
    return row;
  }
  for (int32_t c = lane_id(); c < count; c += kWarp) {
    const ChunkState chunk = states[c];
    if (chunk.max != -kInfinity) {
      const double shift = static_cast<double>(chunk.max) - max;
      const double factor = exp(shift * inverse_temperature);
      row.sum += factor * chunk.sum;
      row.weighted += factor * (chunk.weighted + shift * chunk.sum);
      row.squares += factor * factor * chunk.squares;
    }
  }
  row.sum = warp_sum(row.sum);
  row.weighted = warp_sum(row.weighted) * inverse_temperature;
  row.squares = warp_sum(row.squares);
  // A temperature so small that its reciprocal overflows f32 leaves no finite sums.
  row.reason = isfinite(row.sum) && !isnan(row.weighted) ? GRPO4J_ROW_OK : GRPO4J_ROW_NOT_FINITE;
  if (row.reason == GRPO4J_ROW_OK) {
    derive(row);
  }
  return row;
}

}  // namespace grpo4j::cuda
