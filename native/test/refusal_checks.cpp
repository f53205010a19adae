// Calls that are refused, and write nothing; the choice of an ISA.
#include <functional>

#include "host_policy_call.h"
#include "kernels_test.h"

namespace {

using Spoil = std::function<void(grpo4j_policy_loss_args&)>;

struct Refusal {
  const char* what;
  Spoil spoil;
};

const std::vector<int64_t> kFalling = {2, 1}, kTwice = {1, 1}, kTooLarge = {0, 9}, kNegative = {-1, 0};
const std::vector<int64_t> kNotFromZero = {1, 9}, kNotToN = {0, 8}, kUnordered = {0, 5, 4, 9};

Spoil rows_listed(const std::vector<int64_t>& indices) {
  return [&](grpo4j_policy_loss_args& a) {
    a.rows.row_indices = indices.data();
    a.rows.n = static_cast<int64_t>(indices.size());
    a.batch.sequences = 0;
    a.batch.sequence_offsets = nullptr;
  };
}

Spoil sequences_at(const std::vector<int64_t>& offsets) {
  return [&](grpo4j_policy_loss_args& a) {
    a.batch.sequence_offsets = offsets.data();
    a.batch.sequences = static_cast<int64_t>(offsets.size()) - 1;
  };
}

#define REFUSED(statement) {#statement, [](grpo4j_policy_loss_args& a) { statement; }}

const Refusal kRefusals[] = {
    REFUSED(a.logits.data = nullptr),
    REFUSED(a.logits.dtype = 3),
    REFUSED(a.logits.rows = -1),
    REFUSED(a.logits.vocab = 0),
    REFUSED(a.logits.row_stride = a.logits.vocab - 1),
    REFUSED(a.logits.row_stride = INT64_MAX / 2),
    REFUSED(a.gradient.data = nullptr),
    REFUSED(a.gradient.dtype = GRPO4J_F16),
    REFUSED(a.gradient.rows -= 1),
    REFUSED(a.gradient.vocab -= 1),
    REFUSED(a.gradient.data = static_cast<char*>(a.logits.data) + 4),
    REFUSED(a.gradient.data = static_cast<char*>(a.logits.data) - 4),
    REFUSED((a.gradient = a.logits, a.gradient.row_stride += 1)),
    REFUSED((a.gradient = a.logits, a.flags = GRPO4J_ACCUMULATE)),
    REFUSED(a.rows.n = -1),
    REFUSED(a.rows.n = a.logits.rows + 1),
    REFUSED(a.rows.targets = nullptr),
    REFUSED(a.rows.target_type = 2),
    REFUSED(a.rows.temperature = 0),
    REFUSED(a.rows.temperature = INFINITY),
    REFUSED(a.rows.temperature = NAN),
    REFUSED(a.rows.temperature = 1e13),
    REFUSED(a.rows.temperature = 1e-13),
    REFUSED(a.rows.soft_cap = -1),
    REFUSED(a.rows.soft_cap = INFINITY),
    {"rows that fall", rows_listed(kFalling)},
    {"a row listed twice", rows_listed(kTwice)},
    {"a row that does not exist", rows_listed(kTooLarge)},
    {"a negative row", rows_listed(kNegative)},
    {"sequences that don't begin at 0", sequences_at(kNotFromZero)},
    {"sequences that don't end at n", sequences_at(kNotToN)},
    {"sequences out of order", sequences_at(kUnordered)},
    REFUSED((a.batch.sequence_offsets = nullptr, a.batch.sequences = 1)),
    REFUSED((a.batch.sequence_offsets = nullptr, a.batch.sequences = 0,
             a.config.ratio_level = GRPO4J_RATIO_SEQUENCE)),
    REFUSED((a.batch.sequence_offsets = nullptr, a.batch.sequences = 0,
             a.batch.advantages_per_sequence = 1)),
    REFUSED(a.batch.advantages = nullptr),
    REFUSED(a.batch.policy_weights = nullptr),
    REFUSED(a.batch.regularizer_weights = nullptr),
    REFUSED((a.batch.ref_log_probs = nullptr, a.config.kl_coef = 0.1)),
    REFUSED(a.out.log_probs = nullptr),
    REFUSED(a.out.entropy = nullptr),
    REFUSED((a.states = nullptr, a.config.ratio_level = GRPO4J_RATIO_SEQUENCE)),
    REFUSED((a.slopes = nullptr, a.config.ratio_level = GRPO4J_RATIO_SEQUENCE)),
    REFUSED(a.config.objective = -1),
    REFUSED(a.config.objective = 6),
    REFUSED(a.config.ratio_level = 3),
    REFUSED(a.config.objective = GRPO4J_GMPO),   // with a ratio per token
    REFUSED(a.config.objective = GRPO4J_VESPO),  // likewise
    REFUSED(a.config.clip_low = -0.1),
    REFUSED(a.config.clip_high = NAN),
    REFUSED(a.config.dual_clip = 0),
    REFUSED(a.config.delta = 0),
    REFUSED(a.config.sapo_positive = 0),
    REFUSED(a.config.sapo_negative = INFINITY),
    REFUSED(a.config.vespo_k_positive = INFINITY),
    REFUSED(a.config.vespo_lambda_negative = 0),
    REFUSED(a.config.kl_coef = NAN),
    REFUSED(a.config.entropy_coef = INFINITY),
    REFUSED(a.config.kl_estimator = 4),
};

#undef REFUSED

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
  // Of all five, how many are refused.
  int refused() {
    grpo4j_report report;
    int count = 0;
    for (int32_t status :
         {grpo4j_row_states(&states, &report), grpo4j_merge_states(&merge, &report),
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

#define REFUSED(statement) {#statement, [](OtherCalls& a) { statement; }}

const OtherRefusal kOtherRefusals[] = {
    REFUSED(a.states.vocab_begin = 1),
    REFUSED(a.states.vocab_begin = -1),
    REFUSED(a.states.vocab_total = a.c.vocab - 1),
    REFUSED(a.states.vocab_begin = INT64_MAX),
    REFUSED(a.states.states = nullptr),
    REFUSED(a.states.rows.n = 10),
    REFUSED(a.merge.shard_count = 0),
    REFUSED(a.merge.n = -1),
    REFUSED(a.merge.temperature = 0),
    REFUSED(a.merge.shards = nullptr),
    REFUSED(a.merge.merged = nullptr),
    REFUSED(a.merge.out.log_probs = nullptr),
    REFUSED(a.gradient.vocab_begin = 1),
    REFUSED(a.gradient.vocab_total = a.c.vocab - 1),
    REFUSED(a.gradient.states = nullptr),
    REFUSED(a.gradient.slopes = nullptr),
    REFUSED((a.gradient.gradient = a.gradient.logits, a.gradient.flags = GRPO4J_ACCUMULATE)),
    REFUSED(a.advantages.completions = 8),
    REFUSED(a.advantages.group_offsets = nullptr),
    REFUSED(a.groups[0] = 1),
    REFUSED(a.advantages.rewards = nullptr),
    REFUSED(a.advantages.lengths = nullptr),
    REFUSED(a.advantages.estimator = 6),
    REFUSED(a.advantages.scale = 3),
    REFUSED(a.advantages.epsilon = NAN),
    REFUSED(a.rewards[8] = NAN),
    REFUSED(a.lengths[8] = -1),
    REFUSED((a.groups[1] = 8, a.advantages.estimator = GRPO4J_ADVANTAGE_PASSK)),
    REFUSED(a.weights.n = 8),
    REFUSED(a.weights.regions = nullptr),
    REFUSED(a.weights.weights = nullptr),
    REFUSED(a.weights.region_weights[7] = -1),
    REFUSED(a.weights.min = 0),
    REFUSED(a.weights.max = 0.05),
    REFUSED(a.weights.order = 2),
};

#undef REFUSED

void check_other_refusals() {
  OtherCalls right;
  expect(right.refused() == 0, "nothing is refused", "arguments that are right");
  for (const OtherRefusal& refusal : kOtherRefusals) {
    OtherCalls calls;
    refusal.spoil(calls);
    // The same offsets are of groups and of sequences.
    const bool both = calls.groups[0] != 0;
    expect(calls.refused() == (both ? 2 : 1), "want it refused", refusal.what);
  }
}

}  // namespace

void check_refusals() {
  check_other_refusals();
  PolicyCase c;
  c.rows = 9;
  c.vocab = 37;
  const PolicyInputs in(c);
  for (const Refusal& refusal : kRefusals) {
    HostPolicyCall call(c, in);
    grpo4j_policy_loss_args args = call.args();
    refusal.spoil(args);
    expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "want it refused", refusal.what);
    expect(same_bits(call.gradient.get(), in.held) && same_bits(call.logits.get(), in.logits),
           "a refused call writes nothing", refusal.what);
  }
  HostPolicyCall call(c, in);
  const grpo4j_policy_loss_args args = call.args();
  expect(grpo4j_policy_loss(nullptr, call.metrics.data()) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_policy_loss(&args, nullptr) == GRPO4J_INVALID_ARGUMENT, "null", "policy_loss");
  expect(grpo4j_token_stats(nullptr, nullptr) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_row_states(nullptr, nullptr) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_merge_states(nullptr, nullptr) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_objective(nullptr, nullptr) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_logits_gradient(nullptr, nullptr) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_group_advantages(nullptr) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_token_weights(nullptr) == GRPO4J_INVALID_ARGUMENT, "null", "the others");
}

// A gradient may begin right behind the last logit, and end right before the first: both lie in
// memory that the other's padding would reach.
void check_neighbours() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16}) {
    PolicyCase c;
    c.dtype = dtype;
    c.rows = 9;
    c.vocab = 37;
    c.padding = 3;
    const PolicyInputs in(c);
    HostPolicyCall want(c, in);
    expect(want.run() == GRPO4J_OK, "status", c.name());
    std::vector<char> memory(2 * in.logits.size());
    char* const first = memory.data();
    char* const second = first + in.logits.size();
    for (char* logits : {first, second}) {
      char* const gradient = logits == first ? second : first;
      std::copy(in.logits.begin(), in.logits.end(), logits);
      HostPolicyCall call(c, in);
      grpo4j_policy_loss_args args = call.args();
      args.logits.data = logits;
      args.gradient.data = gradient;
      expect(call.run(args) == GRPO4J_OK, "neighbours are no overlap", c.name());
      expect(same_bits(logits, in.logits.data(), in.logits.size()), "the logits are kept", c.name());
      const auto row = static_cast<size_t>(c.vocab * oracle::bytes_of(dtype));
      expect(same_bits(gradient, want.gradient.data(), row), "the gradient's first row", c.name());
    }
  }
}

// One that does not exist is refused, and what was chosen stays.
void check_isa() {
  const int32_t before = grpo4j_isa();
  expect(grpo4j_use_isa(-1) == GRPO4J_INVALID_ARGUMENT &&
             grpo4j_use_isa(GRPO4J_ISA_COUNT) == GRPO4J_INVALID_ARGUMENT, "unknown", "isa");
  for (int32_t isa = 0; isa < GRPO4J_ISA_COUNT; ++isa) {
    expect(grpo4j_isa_name(isa) != nullptr, "name", "isa");
    if (grpo4j_isa_available(isa) == 0) {
      expect(grpo4j_use_isa(isa) == GRPO4J_ISA_UNAVAILABLE && grpo4j_isa() == before, "unavailable",
             grpo4j_isa_name(isa));
    }
  }
  expect(grpo4j_isa_available(GRPO4J_ISA_SCALAR) == 1, "scalar is everywhere", "isa");
}
