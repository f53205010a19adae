#include "host/validate.h"

#include <stdint.h>

#include "dispatch/validate.h"

namespace grpo4j::cuda {
namespace {

// Rows are blocks of a grid.
constexpr int64_t kMaxRows = INT32_MAX / 64;

bool countable(int64_t n) { return n >= 0 && n <= kMaxRows; }

// Elements lie at multiples of their size: a processor reads them anywhere, on a device it is a fault
// that nothing recovers from.
bool aligned(const grpo4j_matrix& m) {
  return reinterpret_cast<uintptr_t>(m.data) % (m.dtype == GRPO4J_F32 ? 4 : 2) == 0;
}

bool aligned(const grpo4j_rows& rows) {
  return reinterpret_cast<uintptr_t>(rows.targets) % (rows.target_type == GRPO4J_I32 ? 4 : 8) == 0;
}

// The checks of the CPU library follow row_indices; here they can't. What is left of them: a rising
// list has no more rows than the logits.
bool hide_indices(grpo4j_rows& rows, int64_t logits_rows, bool increasing) {
  if (rows.row_indices == nullptr) {
    return true;
  }
  rows.row_indices = nullptr;
  if (rows.n <= logits_rows) {
    return true;
  }
  rows.n = logits_rows;
  return !increasing && logits_rows > 0;
}

// Likewise sequence_offsets: in their place stands one sequence of all rows.
bool hide_offsets(grpo4j_policy_batch& batch, int64_t n, int64_t (&offsets)[2]) {
  if (batch.sequence_offsets == nullptr) {
    return true;
  }
  if (batch.sequences < 0 || (batch.sequences == 0 && n > 0)) {
    return false;
  }
  offsets[0] = 0;
  offsets[1] = n;
  batch.sequence_offsets = offsets;
  batch.sequences = 1;
  return true;
}

template <class Args>
bool valid_shard(Args args, bool increasing) {
  return countable(args.rows.n) && aligned(args.logits) && aligned(args.rows) &&
         hide_indices(args.rows, args.logits.rows, increasing) && grpo4j::valid(args);
}

}  // namespace

bool valid_on_host(const grpo4j_token_stats_args& args) { return valid_shard(args, false); }

bool valid_on_host(const grpo4j_row_states_args& args) { return valid_shard(args, false); }

bool valid_on_host(const grpo4j_logits_gradient_args& args) {
  return aligned(args.gradient) && valid_shard(args, true);
}

bool valid_on_host(const grpo4j_policy_loss_args& args) {
  grpo4j_policy_loss_args seen = args;
  int64_t offsets[2];
  return countable(seen.rows.n) && aligned(seen.logits) && aligned(seen.gradient) &&
         aligned(seen.rows) && hide_indices(seen.rows, seen.logits.rows, true) &&
         hide_offsets(seen.batch, seen.rows.n, offsets) && grpo4j::valid(seen);
}

bool valid_on_host(const grpo4j_merge_states_args& args) {
  return countable(args.n) && grpo4j::valid(args);
}

bool valid_on_host(const grpo4j_objective_args& args) {
  grpo4j_objective_args seen = args;
  int64_t offsets[2];
  return countable(seen.n) && hide_offsets(seen.batch, seen.n, offsets) && grpo4j::valid(seen);
}

// Scalars are checked as for no completions, arrays by what can be said of their addresses.
bool valid_on_host(const grpo4j_group_advantages_args& args) {
  grpo4j_group_advantages_args seen = args;
  const int64_t offsets[] = {0, 0};
  seen.completions = 0;
  seen.groups = 1;
  seen.group_offsets = offsets;
  const bool needs_lengths = args.estimator == GRPO4J_ADVANTAGE_OPO ||
                             args.estimator == GRPO4J_ADVANTAGE_REINFORCE;
  return args.completions >= 0 && args.groups >= 0 && args.group_offsets != nullptr &&
         (args.completions == 0 ||
          (args.groups > 0 && args.rewards != nullptr && args.advantages != nullptr &&
           (!needs_lengths || args.lengths != nullptr))) &&
         grpo4j::valid(seen);
}

bool valid_on_host(const grpo4j_token_weights_args& args) {
  grpo4j_token_weights_args seen = args;
  const int64_t offsets[] = {0, 0};
  seen.n = 0;
  seen.sequences = 1;
  seen.sequence_offsets = offsets;
  return args.n >= 0 && countable(args.sequences) && args.sequence_offsets != nullptr &&
         (args.n == 0 || (args.sequences > 0 && args.regions != nullptr && args.weights != nullptr)) &&
         grpo4j::valid(seen);
}

}  // namespace grpo4j::cuda
