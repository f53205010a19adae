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

}  // namespace

void check_refusals() {
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
