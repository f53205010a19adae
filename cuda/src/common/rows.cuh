// One row of a call before and after its logits are read: where it lies, whether it can be computed,
// and its outputs.
#pragma once

#include "common/statistics.cuh"
#include "kernels/rows.h"

namespace grpo4j::cuda {

// The logits of a forward operation and what they are read for.
struct RowBatch {
  grpo4j_matrix logits;
  grpo4j_rows rows;
  int64_t vocab_begin;  // of the shard in the whole vocabulary
  int64_t vocab_total;
  bool increasing;      // row_indices must rise: the rows are overwritten
  const float* policy_weights;  // rows whose two weights are 0 are not read; null: all are
  const float* regularizer_weights;
};

struct RowHead {
  int64_t row;     // of the logits
  int64_t target;  // from the start of this shard; may lie outside of it
  double inverse_temperature;
  int32_t reason;  // GRPO4J_ROW_*: what can be said before the row is read
  bool masked;
  bool exists;     // row is one of the logits' rows, and no other row of the call
};

__device__ __forceinline__ RowHead row_head(const RowBatch& batch, int64_t i) {
  RowHead head;
  head.row = row_of(batch.rows, i);
  head.exists = head.row >= 0 && head.row < batch.logits.rows &&
                (!batch.increasing || i == 0 || row_of(batch.rows, i - 1) < head.row);
  head.masked = is_masked(batch.policy_weights, batch.regularizer_weights, i);
  const int64_t target = target_of(batch.rows, i);
  head.target = target - batch.vocab_begin;
  const double temperature = temperature_of(batch.rows, i);
  head.inverse_temperature = 1 / temperature;
  head.reason = GRPO4J_ROW_OK;
  if (!head.exists) {
    head.reason = GRPO4J_ROW_INDEX;
  } else if (target < 0 || target >= batch.vocab_total) {
    head.reason = GRPO4J_ROW_TARGET_OUT_OF_RANGE;
  } else if (!usable_temperature(temperature)) {
    head.reason = GRPO4J_ROW_TEMPERATURE;
  }
  return head;
}

template <class Element>
__device__ __forceinline__ Row<Element> logits_row(const grpo4j_matrix& logits, int64_t row) {
  using Storage = typename Element::Storage;
  return {static_cast<const Storage*>(logits.data) + row * logits.row_stride, logits.vocab};
}

__device__ __forceinline__ float exp2_scale(double inverse_temperature) {
  return static_cast<float>(inverse_temperature * kLog2E);
}

// log p(target) from the target's logit.
__device__ __forceinline__ double log_prob_of(const RowStatistics& row, float target_logit,
                                              double inverse_temperature) {
  return (static_cast<double>(target_logit) - row.max_logit) * inverse_temperature - row.log_sum;
}

__device__ __forceinline__ void store_outputs(const grpo4j_row_outputs& out, int64_t i,
                                              const RowStatistics& row, double log_prob,
                                              double inverse_temperature) {
  out.log_probs[i] = static_cast<float>(log_prob);
  if (out.entropy != nullptr) {
    out.entropy[i] = static_cast<float>(row.entropy);
  }
  if (out.lse != nullptr) {
    out.lse[i] = static_cast<float>(row.max_logit * inverse_temperature + row.log_sum);
  }
  if (out.sum_squares != nullptr) {
    out.sum_squares[i] = static_cast<float>(row.squares / (row.sum * row.sum));
  }
}

__device__ __forceinline__ void fill_outputs(const grpo4j_row_outputs& out, int64_t i,
                                             float value) {
  out.log_probs[i] = value;
  if (out.entropy != nullptr) {
    out.entropy[i] = value;
  }
  if (out.lse != nullptr) {
    out.lse[i] = value;
  }
  if (out.sum_squares != nullptr) {
    out.sum_squares[i] = value;
  }
}

// What a bad row's outputs become.
__device__ __forceinline__ float bad_output(uint32_t flags) {
  return (flags & GRPO4J_ZERO_BAD_ROWS) != 0 ? 0.0f : __builtin_nanf("");
}

}  // namespace grpo4j::cuda
