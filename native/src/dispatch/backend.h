// Libraries that compute elsewhere, by what they export.
#pragma once

#include "grpo4j/grpo4j_cuda.h"

namespace grpo4j {

// Every function of grpo4j_cuda.h, without its prefix.
#define GRPO4J_CUDA_FUNCTIONS(X) \
  X(token_stats_workspace)       \
  X(token_stats)                 \
  X(policy_loss_workspace)       \
  X(policy_loss)                 \
  X(row_states_workspace)        \
  X(row_states)                  \
  X(merge_states)                \
  X(objective_workspace)         \
  X(objective)                   \
  X(logits_gradient)             \
  X(group_advantages)            \
  X(token_weights)               \
  X(prepare)                     \
  X(available)                   \
  X(unavailable_reason)          \
  X(last_error)                  \
  X(isa)                         \
  X(current_device)              \
  X(use_device)                  \
  X(allocate)                    \
  X(free)                        \
  X(copy_in)                     \
  X(copy_out)                    \
  X(synchronize)                 \
  X(host_token_stats)            \
  X(host_policy_loss)            \
  X(host_row_states)             \
  X(host_merge_states)           \
  X(host_objective)              \
  X(host_logits_gradient)        \
  X(host_group_advantages)       \
  X(host_token_weights)

struct CudaLibrary {
#define GRPO4J_FIELD(name) decltype(&grpo4j_cuda_##name) name;
  GRPO4J_CUDA_FUNCTIONS(GRPO4J_FIELD)
#undef GRPO4J_FIELD
};

// The library that calls on host memory go to; null: the kernels of this processor.
const CudaLibrary* active_backend();

}  // namespace grpo4j
