// Decisions that depend on sizes and device: how many blocks share a row, which variant runs.
#pragma once

#include <stdint.h>

#include "grpo4j/grpo4j.h"
#include "host/device.h"

namespace grpo4j::cuda {

// GRPO4J_CUDA_*: what tests force, GRPO4J_CUDA_AUTO otherwise.
int32_t forced_variant();

struct RowPassPlan {
  uint32_t blocks_per_row;
  uint32_t threads;
  int64_t states;  // chunk states that the workspace holds
};

// How policy_loss with a ratio per token goes through its rows; variant is one of GRPO4J_CUDA_*,
// GRPO4J_CUDA_AUTO where the forced one is impossible.
struct PolicyPlan {
  int32_t variant;
  uint32_t parts;  // blocks of a cluster
};

PolicyPlan plan_policy(const DeviceInfo& device, int64_t n, const grpo4j_matrix& logits);

// A block a row, or several where that leaves multiprocessors idle.
RowPassPlan plan_row_pass(const DeviceInfo& device, int64_t n, int64_t vocab);

// Blocks that share a row where its gradient is written on its own.
uint32_t gradient_blocks(const DeviceInfo& device, int64_t n, int64_t vocab);

}  // namespace grpo4j::cuda
