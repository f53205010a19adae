#include "dispatch/states.h"

#include <math.h>

#include "kernels/merge.h"
#include "kernels/rows.h"

namespace grpo4j {
namespace {

void store(const grpo4j_row_outputs& out, int64_t i, float log_prob, float entropy, float lse,
           float sum_squares) {
  out.log_probs[i] = log_prob;
  if (out.entropy != nullptr) {
    out.entropy[i] = entropy;
  }
  if (out.lse != nullptr) {
    out.lse[i] = lse;
  }
  if (out.sum_squares != nullptr) {
    out.sum_squares[i] = sum_squares;
  }
}

void store_statistics(const grpo4j_row_outputs& out, int64_t i, const grpo4j_row_state& state,
                      double temperature) {
  const double log_sum = log(state.sum);
  const double entropy = log_sum - state.weighted / state.sum;
  const double target_u =
      (static_cast<double>(state.target_logit) - state.max_logit) / temperature;
  store(out, i, static_cast<float>(target_u - log_sum), static_cast<float>(entropy > 0 ? entropy : 0),
        static_cast<float>(state.max_logit / temperature + log_sum),
        static_cast<float>(state.squares / (state.sum * state.sum)));
}

}  // namespace

grpo4j_report merge_states(const grpo4j_merge_states_args& args, const float* policy_weights,
                           const float* regularizer_weights) {
  grpo4j_report report = {0, -1, GRPO4J_ROW_OK, -1};
  for (int64_t i = 0; i < args.n; ++i) {
    if (is_masked(policy_weights, regularizer_weights, i)) {
      store(args.out, i, 0, 0, 0, 0);
      continue;
    }
    const double temperature =
        args.temperatures == nullptr ? args.temperature : static_cast<double>(args.temperatures[i]);
    grpo4j_row_state state = args.shards[i];
    for (int64_t shard = 1; shard < args.shard_count; ++shard) {
      state = merged(state, args.shards[shard * args.n + i], temperature);
    }
    if (state.reason == GRPO4J_ROW_OK && !usable_temperature(temperature)) {
      state.reason = GRPO4J_ROW_TEMPERATURE;
    }
    if (state.reason == GRPO4J_ROW_OK && !(state.sum > 0)) {
      state.reason = GRPO4J_ROW_ALL_MINUS_INF;
    }
    if (state.reason == GRPO4J_ROW_OK) {
      store_statistics(args.out, i, state, temperature);
    } else {
      const float nan = __builtin_nanf("");
      store(args.out, i, nan, nan, nan, nan);
      if (report.bad_rows++ == 0) {
        report.first_bad_row = i;
        report.first_bad_reason = state.reason;
      }
    }
    args.merged[i] = state;
  }
  return report;
}

}  // namespace grpo4j
