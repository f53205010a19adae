// Forward passes that other operations are built from, and their workspace.
#pragma once

#include "common/row_pass.cuh"
#include "host/plan.h"

namespace grpo4j::cuda {

// Statistics of rows as mergeable states; with outputs, the row's own statistics are stored, too, and
// states of rows without any mass are bad.
struct RowStatesPass {
  RowBatch batch;
  grpo4j_row_state* states;
  const grpo4j_row_outputs* outputs;  // on the host; null: states alone
  ChunkState* chunk_states;           // [plan.states]
};

cudaError_t launch_row_states(const RowStatesPass& pass, const RowPassPlan& plan,
                              cudaStream_t stream);

// Gradients from states and slopes.
cudaError_t launch_logits_gradient(const grpo4j_logits_gradient_args& args,
                                   const DeviceInfo& device, cudaStream_t stream);

}  // namespace grpo4j::cuda
