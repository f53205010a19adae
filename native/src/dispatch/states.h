// Statistics of shards become those of whole rows.
#pragma once

#include "grpo4j/grpo4j.h"

namespace grpo4j {

// Serial, n * shard_count small steps. Rows whose two weights are 0 (where weights are given) get
// outputs 0; bad ones NaN.
grpo4j_report merge_states(const grpo4j_merge_states_args& args, const float* policy_weights,
                           const float* regularizer_weights);

}  // namespace grpo4j
