// What can be checked of arguments whose arrays lie on the device. The rest (row_indices, targets,
// temperatures, sequence_offsets) the kernels check, row by row.
#pragma once

#include "grpo4j/grpo4j.h"

namespace grpo4j::cuda {

bool valid_on_host(const grpo4j_token_stats_args& args);
bool valid_on_host(const grpo4j_policy_loss_args& args);
bool valid_on_host(const grpo4j_row_states_args& args);
bool valid_on_host(const grpo4j_merge_states_args& args);
bool valid_on_host(const grpo4j_objective_args& args);
bool valid_on_host(const grpo4j_logits_gradient_args& args);
bool valid_on_host(const grpo4j_group_advantages_args& args);
bool valid_on_host(const grpo4j_token_weights_args& args);

}  // namespace grpo4j::cuda
