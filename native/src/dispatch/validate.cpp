#include "dispatch/validate.h"

#include <math.h>
#include <stdint.h>

#include <initializer_list>

#include "kernels/rows.h"

namespace grpo4j {
namespace {

int64_t bytes_per_element(int32_t dtype) { return dtype == GRPO4J_F32 ? 4 : 2; }

bool valid_matrix(const grpo4j_matrix& m) {
  if (m.dtype != GRPO4J_F32 && m.dtype != GRPO4J_BF16 && m.dtype != GRPO4J_F16) {
    return false;
  }
  if (m.rows < 0 || m.vocab < 1 || m.row_stride < m.vocab) {
    return false;
  }
  // The last byte must have an address.
  if (m.rows > 0 && m.row_stride > INT64_MAX / 8 / m.rows) {
    return false;
  }
  return m.rows == 0 || m.data != nullptr;
}

bool valid_rows(const grpo4j_matrix& logits, int64_t n, const int64_t* indices, bool increasing) {
  if (n < 0 || (indices == nullptr && n > logits.rows)) {
    return false;
  }
  int64_t previous = -1;
  for (int64_t i = 0; indices != nullptr && i < n; ++i) {
    if (indices[i] < 0 || indices[i] >= logits.rows || (increasing && indices[i] <= previous)) {
      return false;
    }
    previous = indices[i];
  }
  return true;
}

bool positive(double value) { return value > 0 && isfinite(value); }

bool valid_rows(const grpo4j_matrix& logits, const grpo4j_rows& rows, bool increasing) {
  return valid_rows(logits, rows.n, rows.row_indices, increasing) &&
         (rows.n == 0 || rows.targets != nullptr) &&
         (rows.target_type == GRPO4J_I64 || rows.target_type == GRPO4J_I32) &&
         (rows.temperatures != nullptr || usable_temperature(rows.temperature)) &&
         (rows.soft_cap == 0 || positive(rows.soft_cap));
}

bool valid_outputs(const grpo4j_row_outputs& out, int64_t n) {
  return n == 0 || (out.log_probs != nullptr && out.entropy != nullptr);
}

bool valid_shard(const grpo4j_matrix& logits, int64_t begin, int64_t total) {
  return begin >= 0 && begin <= total && logits.vocab <= total - begin;
}

bool valid_objective(const grpo4j_policy_config& c) {
  const bool sequence_only = c.objective == GRPO4J_GMPO || c.objective == GRPO4J_VESPO;
  return c.objective >= GRPO4J_CLIP && c.objective <= GRPO4J_VESPO &&
         c.ratio_level >= GRPO4J_RATIO_TOKEN && c.ratio_level <= GRPO4J_RATIO_SEQUENCE_TOKEN &&
         (!sequence_only || c.ratio_level == GRPO4J_RATIO_SEQUENCE);
}

bool valid_config(const grpo4j_policy_config& c) {
  return valid_objective(c) && c.clip_low >= 0 && c.clip_high >= 0 && c.dual_clip > 0 &&
         c.delta > 0 && positive(c.sapo_positive) && positive(c.sapo_negative) &&
         isfinite(c.vespo_k_positive) && isfinite(c.vespo_k_negative) &&
         positive(c.vespo_lambda_positive) && positive(c.vespo_lambda_negative) &&
         isfinite(c.kl_coef) && isfinite(c.entropy_coef) && c.kl_estimator >= GRPO4J_KL_K1 &&
         c.kl_estimator <= GRPO4J_KL_K3;
}

// Offsets [parts + 1] that rise from 0 to n.
bool valid_offsets(const int64_t* offsets, int64_t parts, int64_t n) {
  if (parts < 0 || offsets[0] != 0 || offsets[parts] != n) {
    return false;
  }
  for (int64_t s = 0; s < parts; ++s) {
    if (offsets[s + 1] < offsets[s]) {
      return false;
    }
  }
  return true;
}

bool valid_sequences(const grpo4j_policy_batch& batch, int64_t n) {
  return batch.sequence_offsets == nullptr
             ? batch.sequences == 0
             : valid_offsets(batch.sequence_offsets, batch.sequences, n);
}

bool valid_batch(const grpo4j_policy_batch& batch, const grpo4j_policy_config& config, int64_t n) {
  const bool by_sequence =
      config.ratio_level != GRPO4J_RATIO_TOKEN || batch.advantages_per_sequence != 0;
  if (!valid_sequences(batch, n) || (by_sequence && batch.sequence_offsets == nullptr)) {
    return false;
  }
  return n == 0 || (batch.advantages != nullptr && batch.policy_weights != nullptr &&
                    batch.regularizer_weights != nullptr &&
                    (config.kl_coef == 0 || batch.ref_log_probs != nullptr));
}

// The bytes of an argument, up to one past the last; without elements it has none.
struct Bytes {
  uintptr_t begin;
  uintptr_t end;
};

Bytes bytes_of(const void* data, int64_t count, int64_t element) {
  const auto begin = reinterpret_cast<uintptr_t>(data);
  return {begin, data == nullptr ? begin
                                 : begin + static_cast<uintptr_t>(count) *
                                               static_cast<uintptr_t>(element)};
}

Bytes bytes_of(const grpo4j_matrix& m) {
  const int64_t elements = m.rows == 0 ? 0 : (m.rows - 1) * m.row_stride + m.vocab;
  return bytes_of(m.data, elements, bytes_per_element(m.dtype));
}

bool overlap(const Bytes& a, const Bytes& b) {
  return a.begin < a.end && b.begin < b.end && a.begin < b.end && b.begin < a.end;
}

bool same_or_disjoint(const grpo4j_matrix& a, const grpo4j_matrix& b) {
  return a.data == b.data ? a.row_stride == b.row_stride : !overlap(bytes_of(a), bytes_of(b));
}

// What a call writes. An argument that shares a byte with it would be replaced before it is read, or
// be one of two results in one place.
class WrittenMemory {
 public:
  template <class T>
  void output(const T* data, int64_t count) {
    output(bytes_of(data, count, sizeof(T)));
  }
  void output(const Bytes& bytes) {
    input(bytes);
    outputs_[count_++] = bytes;
  }
  void output(const grpo4j_row_outputs& out, int64_t n) {
    for (const float* values : {out.log_probs, out.entropy, out.lse, out.sum_squares}) {
      output(values, n);
    }
  }
  // Against the outputs so far.
  template <class T>
  void input(const T* data, int64_t count) {
    input(bytes_of(data, count, sizeof(T)));
  }
  void input(const Bytes& bytes) {
    for (int k = 0; k < count_; ++k) {
      apart_ = apart_ && !overlap(outputs_[k], bytes);
    }
  }
  void input(const grpo4j_rows& rows) {
    input(rows.row_indices, rows.n);
    input(bytes_of(rows.targets, rows.n, rows.target_type == GRPO4J_I32 ? 4 : 8));
    input(rows.temperatures, rows.n);
  }
  void input(const grpo4j_policy_batch& batch, int64_t n) {
    const int64_t advantages = batch.advantages_per_sequence != 0 ? batch.sequences : n;
    input(batch.advantages, advantages);
    for (const float* values : {batch.old_log_probs, batch.ref_log_probs, batch.policy_weights,
                                batch.regularizer_weights}) {
      input(values, n);
    }
    input(batch.sequence_offsets, batch.sequences + 1);
  }
  bool apart() const { return apart_; }

 private:
  Bytes outputs_[7];  // four of the rows, gradient, states, slopes
  int count_ = 0;
  bool apart_ = true;
};

bool apart(const grpo4j_token_stats_args& args) {
  WrittenMemory written;
  written.output(args.out, args.rows.n);
  written.input(bytes_of(args.logits));
  written.input(args.rows);
  return written.apart();
}

bool apart(const grpo4j_policy_loss_args& args) {
  const int64_t n = args.rows.n;
  WrittenMemory written;
  written.output(args.out, n);
  if (args.config.ratio_level != GRPO4J_RATIO_TOKEN) {
    written.output(args.states, n);
    written.output(args.slopes, n);
  }
  written.input(bytes_of(args.logits));
  written.output(bytes_of(args.gradient));  // may be the logits' own memory
  written.input(args.rows);
  written.input(args.batch, n);
  return written.apart();
}

bool apart(const grpo4j_row_states_args& args) {
  WrittenMemory written;
  written.output(args.states, args.rows.n);
  written.input(bytes_of(args.logits));
  written.input(args.rows);
  return written.apart();
}

bool apart(const grpo4j_merge_states_args& args) {
  WrittenMemory written;
  written.output(args.out, args.n);
  written.input(args.shards, args.shard_count * args.n);
  if (args.merged != args.shards) {
    written.output(args.merged, args.n);
    written.input(args.shards, args.shard_count * args.n);
  }
  written.input(args.temperatures, args.n);
  return written.apart();
}

bool apart(const grpo4j_objective_args& args) {
  WrittenMemory written;
  written.output(args.out, args.n);  // a bad row becomes NaN there
  written.output(args.slopes, args.n);
  written.input(args.batch, args.n);
  return written.apart();
}

bool apart(const grpo4j_logits_gradient_args& args) {
  WrittenMemory written;
  written.output(bytes_of(args.gradient));
  written.input(args.rows);
  written.input(args.states, args.rows.n);
  written.input(args.slopes, args.rows.n);
  return written.apart();
}

bool apart(const grpo4j_group_advantages_args& args) {
  WrittenMemory written;
  written.output(args.advantages, args.completions);
  written.input(args.group_offsets, args.groups + 1);
  written.input(args.rewards, args.completions);
  written.input(args.lengths, args.completions);
  return written.apart();
}

bool apart(const grpo4j_token_weights_args& args) {
  WrittenMemory written;
  written.output(args.weights, args.n);
  written.input(args.sequence_offsets, args.sequences + 1);
  written.input(args.regions, args.n);
  written.input(args.completion_mask, args.n);
  return written.apart();
}

bool valid_gradient(const grpo4j_matrix& logits, const grpo4j_matrix& gradient, uint32_t flags) {
  if ((flags & GRPO4J_ACCUMULATE) != 0 && logits.rows > 0 && gradient.data == logits.data) {
    return false;
  }
  return valid_matrix(gradient) && gradient.dtype == logits.dtype && gradient.rows == logits.rows &&
         gradient.vocab == logits.vocab && (logits.rows == 0 || same_or_disjoint(logits, gradient));
}

}  // namespace

bool valid(const grpo4j_token_stats_args& args) {
  return valid_matrix(args.logits) && valid_rows(args.logits, args.rows, /*increasing=*/false) &&
         (args.rows.n == 0 || args.out.log_probs != nullptr) && apart(args);
}

bool valid(const grpo4j_policy_loss_args& args) {
  const int64_t n = args.rows.n;
  // A row listed twice would be read after its gradient replaced it.
  return valid_matrix(args.logits) && valid_gradient(args.logits, args.gradient, args.flags) &&
         valid_rows(args.logits, args.rows, /*increasing=*/true) && valid_outputs(args.out, n) &&
         valid_config(args.config) && valid_batch(args.batch, args.config, n) &&
         (n == 0 || args.config.ratio_level == GRPO4J_RATIO_TOKEN ||
          (args.states != nullptr && args.slopes != nullptr)) &&
         apart(args);
}

bool valid(const grpo4j_row_states_args& args) {
  return valid_matrix(args.logits) && valid_rows(args.logits, args.rows, /*increasing=*/false) &&
         valid_shard(args.logits, args.vocab_begin, args.vocab_total) &&
         (args.rows.n == 0 || args.states != nullptr) && apart(args);
}

bool valid(const grpo4j_merge_states_args& args) {
  return args.n >= 0 && args.shard_count >= 1 &&
         (args.temperatures != nullptr || usable_temperature(args.temperature)) &&
         (args.n == 0 ||
          (args.shards != nullptr && args.merged != nullptr && args.out.log_probs != nullptr)) &&
         apart(args);
}

bool valid(const grpo4j_objective_args& args) {
  return args.n >= 0 && valid_outputs(args.out, args.n) && valid_config(args.config) &&
         valid_batch(args.batch, args.config, args.n) && (args.n == 0 || args.slopes != nullptr) &&
         apart(args);
}

bool valid(const grpo4j_logits_gradient_args& args) {
  return valid_matrix(args.logits) && valid_gradient(args.logits, args.gradient, args.flags) &&
         valid_rows(args.logits, args.rows, /*increasing=*/true) &&
         valid_shard(args.logits, args.vocab_begin, args.vocab_total) &&
         (args.rows.n == 0 || (args.states != nullptr && args.slopes != nullptr)) && apart(args);
}

bool valid(const grpo4j_group_advantages_args& args) {
  const bool needs_lengths = args.estimator == GRPO4J_ADVANTAGE_OPO ||
                             args.estimator == GRPO4J_ADVANTAGE_REINFORCE;
  if (args.completions < 0 || args.group_offsets == nullptr ||
      args.estimator < GRPO4J_ADVANTAGE_GRPO || args.estimator > GRPO4J_ADVANTAGE_PASSK ||
      args.scale < GRPO4J_SCALE_GROUP || args.scale > GRPO4J_SCALE_NONE ||
      !(args.epsilon >= 0 && isfinite(args.epsilon)) ||
      !valid_offsets(args.group_offsets, args.groups, args.completions) ||
      (args.completions > 0 && (args.rewards == nullptr || args.advantages == nullptr ||
                                (needs_lengths && args.lengths == nullptr))) ||
      !apart(args)) {
    return false;
  }
  for (int64_t i = 0; i < args.completions; ++i) {
    if (!isfinite(args.rewards[i]) || (needs_lengths && args.lengths[i] < 0)) {
      return false;
    }
  }
  for (int64_t g = 0; args.estimator == GRPO4J_ADVANTAGE_PASSK && g < args.groups; ++g) {
    if (args.group_offsets[g + 1] - args.group_offsets[g] == 1) {
      return false;
    }
  }
  return true;
}

bool valid(const grpo4j_token_weights_args& args) {
  for (const double weight : args.region_weights) {
    if (!(weight >= 0 && isfinite(weight))) {
      return false;
    }
  }
  return args.n >= 0 && args.sequence_offsets != nullptr &&
         valid_offsets(args.sequence_offsets, args.sequences, args.n) && positive(args.min) &&
         args.max >= args.min && isfinite(args.max) &&
         (args.order == GRPO4J_CLAMP_THEN_MEAN || args.order == GRPO4J_MEAN_THEN_CLAMP) &&
         (args.n == 0 || (args.regions != nullptr && args.weights != nullptr)) && apart(args);
}

}  // namespace grpo4j
