// Loss, metrics and slopes from stored statistics, in stream order.
#pragma once

#include "common/launch.cuh"
#include "common/report.cuh"
#include "grpo4j/grpo4j.h"

namespace grpo4j::cuda {

// Sums over some rows, mergeable.
struct MetricSums {
  int64_t bad_rows;
  int64_t first_bad_row;  // INT64_MAX when there is none
  int64_t active_rows;
  int64_t units;
  int64_t clip_low;
  int64_t clip_high;
  int64_t dual_clip;
  double loss;
  double policy_loss;
  double kl;
  double entropy;
  double approx_kl;
  double ratio_min;  // +inf and -inf while there are no units
  double ratio_max;
  double ratio;
  double factor;
  int32_t first_bad_reason;
};

struct ObjectivePass {
  int64_t n;
  grpo4j_policy_batch batch;
  grpo4j_row_outputs out;
  grpo4j_policy_config config;
  grpo4j_row_slopes* slopes;  // [n] or null
  RowReasons reasons;         // why rows are bad already; null where NaN outputs alone say so
  MetricSums* sums;           // [objective_blocks(n or sequences)]
};

// Blocks over which sums are spread: a function of the count alone, so that their order is fixed.
int32_t objective_blocks(const ObjectivePass& pass);

// Slopes (unless null) and metrics. Rows whose loss or slopes are not finite get NaN outputs and are
// counted as bad.
cudaError_t launch_objective(const ObjectivePass& pass, grpo4j_policy_metrics* metrics,
                             cudaStream_t stream);

// With bad rows in the report, NaN outputs become 0.
cudaError_t launch_zero_bad_rows(const grpo4j_row_outputs& out, int64_t n,
                                 const grpo4j_report* report, cudaStream_t stream);

}  // namespace grpo4j::cuda
