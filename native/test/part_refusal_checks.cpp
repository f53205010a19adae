// Calls of the operations beside policy_loss that are refused, and those that just are not.
#include <math.h>

#include "host_policy_call.h"
#include "kernels_test.h"

namespace {

const int64_t kTwice[] = {1, 1}, kNegative[] = {-1, 0}, kBeyond[] = {9, 0};

// The operations beside policy_loss, each with arguments that are right until one is spoiled.
struct OtherCalls {
  PolicyCase c = small_case();
  PolicyInputs in{c};
  HostPolicyCall call{c, in};
  std::vector<int64_t> groups = {0, 4, 9};
  std::vector<int32_t> lengths = std::vector<int32_t>(9, 3);
  std::vector<float> rewards = std::vector<float>(9, 1.0f);
  std::vector<float> written = std::vector<float>(9, 0.625f);
  std::vector<uint8_t> regions = std::vector<uint8_t>(9, 1);
  grpo4j_token_stats_args statistics = {call.matrix(call.logits), call.rows(), call.outputs(),
                                        GRPO4J_ZERO_BAD_ROWS};  // the masked row is NaN
  grpo4j_objective_args objective = {9, call.batch(), call.outputs(), c.config(),
                                     call.slopes.data(), 0};
  grpo4j_row_states_args states = {call.matrix(call.logits), call.rows(), 0, c.vocab,
                                   call.states.data()};
  grpo4j_merge_states_args merge = {call.states.data(), 1, 9, 1, nullptr, call.states.data(),
                                    call.outputs(), 0};
  grpo4j_logits_gradient_args gradient = {call.matrix(call.logits), call.matrix(call.gradient),
                                          call.rows(), 0, c.vocab, call.states.data(),
                                          call.slopes.data(), 0};
  grpo4j_group_advantages_args advantages = {
      9, 2, groups.data(), rewards.data(), lengths.data(), GRPO4J_ADVANTAGE_REINFORCE,
      GRPO4J_SCALE_GROUP, 0, written.data()};
  grpo4j_token_weights_args weights = {9, 2, groups.data(), regions.data(), nullptr,
                                       {1, 1, 1, 1, 1, 1, 1, 1}, 0.1, 8, GRPO4J_CLAMP_THEN_MEAN,
                                       written.data()};

  static PolicyCase small_case() {
    PolicyCase c;
    c.rows = 9;
    c.vocab = 37;
    return c;
  }
  // Of all seven, how many are refused.
  int refused() {
    grpo4j_report report;
    grpo4j_policy_metrics metrics;
    int count = 0;
    for (int32_t status :
         {grpo4j_token_stats(&statistics, &report), grpo4j_objective(&objective, &metrics),
          grpo4j_row_states(&states, &report), grpo4j_merge_states(&merge, &report),
          grpo4j_logits_gradient(&gradient, &report), grpo4j_group_advantages(&advantages),
          grpo4j_token_weights(&weights)}) {
      count += status == GRPO4J_INVALID_ARGUMENT;
    }
    return count;
  }
};

struct OtherRefusal {
  const char* what;
  void (*spoil)(OtherCalls&);
};

#define WITH(statement) {#statement, [](OtherCalls& a) { statement; }}

const OtherRefusal kOtherRefusals[] = {
    WITH(a.states.vocab_begin = 1),
    WITH(a.states.vocab_begin = -1),
    WITH(a.states.vocab_total = a.c.vocab - 1),
    WITH(a.states.vocab_begin = INT64_MAX),
    WITH(a.states.states = nullptr),
    WITH(a.states.rows.n = 10),
    WITH(a.merge.shard_count = 0),
    WITH(a.merge.n = -1),
    WITH(a.merge.temperature = 0),
    WITH(a.merge.shards = nullptr),
    WITH(a.merge.merged = nullptr),
    WITH(a.merge.out.log_probs = nullptr),
    WITH(a.gradient.vocab_begin = 1),
    WITH(a.gradient.vocab_total = a.c.vocab - 1),
    WITH(a.gradient.states = nullptr),
    WITH(a.gradient.slopes = nullptr),
    WITH((a.gradient.gradient = a.gradient.logits, a.gradient.flags = GRPO4J_ACCUMULATE)),
    WITH(a.advantages.completions = 8),
    WITH(a.advantages.group_offsets = nullptr),
    WITH(a.groups[0] = 1),
    WITH(a.advantages.rewards = nullptr),
    WITH(a.advantages.lengths = nullptr),
    WITH(a.advantages.estimator = 6),
    WITH(a.advantages.scale = 3),
    WITH(a.advantages.epsilon = NAN),
    WITH(a.rewards[8] = NAN),
    WITH(a.lengths[8] = -1),
    WITH((a.groups[1] = 8, a.advantages.estimator = GRPO4J_ADVANTAGE_PASSK)),
    WITH(a.weights.n = 8),
    WITH(a.weights.regions = nullptr),
    WITH(a.weights.weights = nullptr),
    WITH(a.weights.region_weights[7] = -1),
    WITH(a.weights.min = 0),
    WITH(a.weights.max = 0.05),
    WITH(a.weights.order = 2),
    WITH(a.statistics.logits.vocab = 0),
    WITH(a.statistics.logits.data = nullptr),
    WITH(a.statistics.rows.n = 10),
    WITH((a.statistics.rows.n = 2, a.statistics.rows.row_indices = kNegative)),
    WITH((a.statistics.rows.n = 2, a.statistics.rows.row_indices = kBeyond)),
    WITH(a.statistics.rows.targets = nullptr),
    WITH(a.statistics.rows.temperature = NAN),
    WITH(a.statistics.out.log_probs = nullptr),
    WITH(a.objective.n = -1),
    WITH((a.objective.n = -1, a.objective.batch.sequence_offsets = nullptr,
             a.objective.batch.sequences = 0)),
    WITH(a.objective.out.log_probs = nullptr),
    WITH(a.objective.out.entropy = nullptr),
    WITH(a.objective.config.objective = 6),
    WITH(a.objective.config.kl_coef = INFINITY),
    WITH(a.objective.batch.advantages = nullptr),
    WITH(a.objective.batch.sequences = 1),
    WITH(a.objective.slopes = nullptr),
    WITH(a.states.logits.dtype = 3),
    WITH((a.states.vocab_begin = 38, a.states.vocab_total = 37)),
    WITH((a.states.vocab_begin = INT64_MAX, a.states.vocab_total = INT64_MIN + 100)),
    WITH(a.states.rows.targets = nullptr),
    WITH((a.gradient.logits.dtype = a.gradient.gradient.dtype = 3)),
    WITH(a.gradient.gradient.data = nullptr),
    WITH((a.gradient.rows.n = 2, a.gradient.rows.row_indices = kTwice)),
    WITH(a.advantages.completions = -1),
    WITH((a.advantages.completions = -1, a.advantages.groups = 0, a.groups[0] = -1)),
    WITH(a.advantages.groups = -1),
    WITH(a.advantages.advantages = nullptr),
    WITH(a.advantages.estimator = -1),
    WITH(a.advantages.scale = -1),
    WITH(a.advantages.epsilon = -1),
    WITH(a.advantages.epsilon = INFINITY),
    WITH((a.advantages.lengths = nullptr, a.advantages.estimator = GRPO4J_ADVANTAGE_OPO)),
    WITH(a.weights.sequence_offsets = nullptr),
    WITH(a.weights.n = -1),
    WITH(a.weights.region_weights[0] = INFINITY),
    WITH(a.weights.region_weights[3] = NAN),
    WITH(a.weights.min = NAN),
    WITH((a.weights.min = INFINITY, a.weights.max = INFINITY)),
    WITH(a.weights.max = INFINITY),
    WITH(a.weights.order = -1),
    WITH(a.statistics.out.log_probs = a.statistics.out.lse),
    WITH(a.statistics.out.sum_squares = static_cast<float*>(a.statistics.logits.data) + 9 * 37 - 1),
    WITH(a.statistics.rows.targets = a.statistics.out.entropy),
    WITH(a.states.rows.targets = a.states.states + 8),
    WITH(a.states.states = static_cast<grpo4j_row_state*>(a.states.logits.data)),
    WITH(a.merge.out.entropy = a.merge.out.log_probs),
    WITH(a.merge.out.lse = reinterpret_cast<float*>(a.call.states.data())),
    WITH(a.merge.merged = a.call.states.data() + 1),
    WITH(a.merge.temperatures = a.merge.out.lse),
    WITH(a.objective.batch.old_log_probs = a.objective.out.log_probs),
    WITH(a.objective.out.lse = reinterpret_cast<float*>(a.objective.slopes + 8)),
    WITH((a.objective.batch.sequence_offsets = a.groups.data(), a.objective.batch.sequences = 2,
             a.objective.slopes = reinterpret_cast<grpo4j_row_slopes*>(a.groups.data()))),
    WITH(a.gradient.rows.targets = a.gradient.gradient.data),
    WITH(a.gradient.slopes = static_cast<grpo4j_row_slopes*>(a.gradient.gradient.data)),
    WITH(a.gradient.gradient.data = a.call.states.data()),
    WITH(a.advantages.advantages = a.rewards.data()),
    WITH(a.advantages.advantages = reinterpret_cast<float*>(a.groups.data())),
    WITH(a.advantages.advantages = reinterpret_cast<float*>(a.lengths.data())),
    WITH(a.weights.completion_mask = a.written.data() + 8),
    WITH(a.weights.weights = reinterpret_cast<float*>(a.groups.data())),
    WITH(a.weights.regions = reinterpret_cast<uint8_t*>(a.written.data())),
};

// Right at the edge of what is refused.
const OtherRefusal kOtherEdges[] = {
    WITH((a.statistics.out.entropy = nullptr, a.statistics.out.lse = nullptr)),
    WITH((a.statistics.rows.n = 2, a.statistics.rows.row_indices = kTwice)),
    WITH((a.states.rows.n = 2, a.states.rows.row_indices = kTwice)),
    WITH((a.states.vocab_begin = 5, a.states.vocab_total = 42)),
    WITH((a.merge.n = 0, a.merge.shards = nullptr, a.merge.merged = nullptr)),
    WITH(a.merge.temperature = 1e12),
    WITH((a.advantages.lengths = nullptr, a.advantages.estimator = GRPO4J_ADVANTAGE_RLOO)),
    WITH((a.lengths[8] = -1, a.advantages.estimator = GRPO4J_ADVANTAGE_GRPO)),  // not read
    WITH((a.weights.min = 2, a.weights.max = 2)),
};

#undef WITH

}  // namespace

void check_part_refusals() {
  OtherCalls right;
  expect(right.refused() == 0, "nothing is refused", "arguments that are right");
  for (const OtherRefusal& refusal : kOtherRefusals) {
    OtherCalls calls;
    refusal.spoil(calls);
    // The same offsets are of groups and of sequences.
    const bool both = calls.groups[0] != 0;
    expect(calls.refused() == (both ? 2 : 1), "want it refused", refusal.what);
  }
  for (const OtherRefusal& edge : kOtherEdges) {
    OtherCalls calls;
    edge.spoil(calls);
    expect(calls.refused() == 0, "want it done", edge.what);
  }
}
