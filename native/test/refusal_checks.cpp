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

const int64_t kNoSequences[] = {9, 0};  // from the second on it is offsets of -1 sequences

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

#define WITH(statement) {#statement, [](grpo4j_policy_loss_args& a) { statement; }}

const Refusal kRefusals[] = {
    WITH(a.logits.data = nullptr),
    WITH(a.logits.dtype = 3),
    WITH(a.logits.rows = -1),
    WITH(a.logits.vocab = 0),
    WITH(a.logits.row_stride = a.logits.vocab - 1),
    WITH(a.logits.row_stride = INT64_MAX / 2),
    WITH(a.gradient.data = nullptr),
    WITH(a.gradient.dtype = GRPO4J_F16),
    WITH(a.gradient.rows -= 1),
    WITH(a.gradient.vocab -= 1),
    WITH(a.gradient.data = static_cast<char*>(a.logits.data) + 4),
    WITH(a.gradient.data = static_cast<char*>(a.logits.data) - 4),
    WITH((a.gradient = a.logits, a.gradient.row_stride += 1)),
    WITH((a.gradient = a.logits, a.flags = GRPO4J_ACCUMULATE)),
    WITH(a.rows.n = -1),
    WITH(a.rows.n = a.logits.rows + 1),
    WITH(a.rows.targets = nullptr),
    WITH(a.rows.target_type = 2),
    WITH(a.rows.temperature = 0),
    WITH(a.rows.temperature = INFINITY),
    WITH(a.rows.temperature = NAN),
    WITH(a.rows.temperature = 1e13),
    WITH(a.rows.temperature = 1e-13),
    WITH(a.rows.soft_cap = -1),
    WITH(a.rows.soft_cap = INFINITY),
    {"rows that fall", rows_listed(kFalling)},
    {"a row listed twice", rows_listed(kTwice)},
    {"a row that does not exist", rows_listed(kTooLarge)},
    {"a negative row", rows_listed(kNegative)},
    {"sequences that don't begin at 0", sequences_at(kNotFromZero)},
    {"sequences that don't end at n", sequences_at(kNotToN)},
    {"sequences out of order", sequences_at(kUnordered)},
    WITH((a.batch.sequence_offsets = nullptr, a.batch.sequences = 1)),
    WITH((a.batch.sequence_offsets = nullptr, a.batch.sequences = 0,
             a.config.ratio_level = GRPO4J_RATIO_SEQUENCE)),
    WITH((a.batch.sequence_offsets = nullptr, a.batch.sequences = 0,
             a.batch.advantages_per_sequence = 1)),
    WITH(a.batch.advantages = nullptr),
    WITH(a.batch.policy_weights = nullptr),
    WITH(a.batch.regularizer_weights = nullptr),
    WITH((a.batch.ref_log_probs = nullptr, a.config.kl_coef = 0.1)),
    WITH(a.out.log_probs = nullptr),
    WITH(a.out.entropy = nullptr),
    WITH((a.states = nullptr, a.config.ratio_level = GRPO4J_RATIO_SEQUENCE)),
    WITH((a.slopes = nullptr, a.config.ratio_level = GRPO4J_RATIO_SEQUENCE)),
    WITH(a.config.objective = -1),
    WITH(a.config.objective = 6),
    WITH(a.config.ratio_level = 3),
    WITH(a.config.objective = GRPO4J_GMPO),   // with a ratio per token
    WITH(a.config.objective = GRPO4J_VESPO),  // likewise
    WITH(a.config.clip_low = -0.1),
    WITH(a.config.clip_high = NAN),
    WITH(a.config.dual_clip = 0),
    WITH(a.config.delta = 0),
    WITH(a.config.sapo_positive = 0),
    WITH(a.config.sapo_negative = INFINITY),
    WITH(a.config.vespo_k_positive = INFINITY),
    WITH(a.config.vespo_lambda_negative = 0),
    WITH(a.config.kl_coef = NAN),
    WITH(a.config.entropy_coef = INFINITY),
    WITH(a.config.kl_estimator = 4),
    WITH(a.config.kl_estimator = 0),
    WITH(a.config.ratio_level = -1),
    WITH((a.config.objective = GRPO4J_GMPO, a.config.ratio_level = GRPO4J_RATIO_SEQUENCE_TOKEN)),
    WITH(a.config.clip_low = NAN),
    WITH(a.config.clip_high = -0.1),
    WITH(a.config.dual_clip = NAN),
    WITH(a.config.delta = NAN),
    WITH(a.config.vespo_k_negative = NAN),
    WITH(a.config.vespo_lambda_positive = INFINITY),
    WITH((a.batch.sequences = -1, a.batch.sequence_offsets = kNoSequences + 1)),
    WITH((a.rows.n = -1, a.batch.sequence_offsets = nullptr, a.batch.sequences = 0)),
    WITH((a.logits.rows = a.gradient.rows = -1, a.rows.n = 0, a.batch.sequence_offsets = nullptr,
          a.batch.sequences = 0)),
    // An output over another, over what is read, and by its last element alone.
    WITH(a.out.log_probs = a.out.entropy),
    WITH(a.out.entropy = a.out.log_probs + 8),
    WITH(a.out.lse = a.out.entropy),
    WITH(a.out.sum_squares = a.out.log_probs),
    WITH(a.out.log_probs = static_cast<float*>(a.logits.data)),
    WITH(a.out.entropy = static_cast<float*>(a.gradient.data)),
    WITH(a.out.entropy = static_cast<float*>(a.gradient.data) + 9 * 37 - 1),
    WITH(a.out.lse = static_cast<float*>(const_cast<void*>(a.rows.targets)) + 17),
    WITH(a.rows.targets = a.out.log_probs + 8),
    WITH(a.rows.temperatures = a.out.lse),
    WITH(a.batch.old_log_probs = a.out.log_probs),
    WITH(a.batch.ref_log_probs = a.out.log_probs),
    WITH(a.batch.advantages = a.out.entropy),
    WITH(a.batch.policy_weights = a.out.lse),
    WITH(a.batch.regularizer_weights = a.out.sum_squares + 8),
    WITH(a.batch.policy_weights = static_cast<const float*>(a.gradient.data)),
    WITH((a.config.ratio_level = GRPO4J_RATIO_SEQUENCE,
             a.out.lse = reinterpret_cast<float*>(a.states))),
    WITH((a.config.ratio_level = GRPO4J_RATIO_SEQUENCE,
             a.slopes = reinterpret_cast<grpo4j_row_slopes*>(a.states))),
    WITH((a.config.ratio_level = GRPO4J_RATIO_SEQUENCE,
             a.slopes = static_cast<grpo4j_row_slopes*>(a.logits.data))),
    // Rows far apart, between which the gradient lies: their bytes don't fit into 32 bits.
    WITH((a.logits.row_stride = a.gradient.row_stride = int64_t{1} << 31,
          a.gradient.data = static_cast<char*>(a.logits.data) + 1024)),
};

// Right at the edge of what is refused.
const Refusal kEdges[] = {
    WITH(a.rows.temperature = 1e-12),
    WITH(a.rows.temperature = 1e12),
    WITH(a.rows.soft_cap = 1e-3),
    WITH((a.config.clip_low = 0, a.config.clip_high = 0)),
    WITH((a.config.clip_low = INFINITY, a.config.clip_high = INFINITY)),
    WITH((a.config.dual_clip = 1e-3, a.config.delta = 1e-3)),
    WITH((a.rows.n = 0, a.batch.sequence_offsets = nullptr, a.batch.sequences = 0)),
    WITH((a.rows.n = 1, a.batch.sequence_offsets = nullptr, a.batch.sequences = 0)),
    WITH((a.batch.old_log_probs = nullptr, a.batch.ref_log_probs = nullptr)),
    WITH((a.out.lse = nullptr, a.out.sum_squares = nullptr)),
    WITH((a.logits.rows = 0, a.gradient = a.logits, a.rows.n = 0, a.flags = GRPO4J_ACCUMULATE,
          a.batch.sequence_offsets = nullptr, a.batch.sequences = 0)),
    WITH((a.states = nullptr, a.slopes = nullptr)),  // enough where the ratio is a token's
};

#undef WITH

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
  for (const Refusal& edge : kEdges) {
    HostPolicyCall call(c, in);
    grpo4j_policy_loss_args args = call.args();
    edge.spoil(args);
    expect(call.run(args) == GRPO4J_OK, "want it done", edge.what);
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
