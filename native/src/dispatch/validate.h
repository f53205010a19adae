// Everything about the arguments that can be checked before a row is touched.
#pragma once

#include "grpo4j/grpo4j.h"

namespace grpo4j {

bool valid(const grpo4j_token_stats_args& args);
bool valid(const grpo4j_policy_loss_args& args);
bool valid(const grpo4j_row_states_args& args);
bool valid(const grpo4j_merge_states_args& args);
bool valid(const grpo4j_objective_args& args);
bool valid(const grpo4j_logits_gradient_args& args);
bool valid(const grpo4j_group_advantages_args& args);
bool valid(const grpo4j_token_weights_args& args);

}  // namespace grpo4j
