// Everything about the arguments that can be checked before a row is touched.
#pragma once

#include "grpo4j/grpo4j.h"

namespace grpo4j {

bool valid(const grpo4j_token_stats_args& args);
bool valid(const grpo4j_policy_loss_args& args);

}  // namespace grpo4j
