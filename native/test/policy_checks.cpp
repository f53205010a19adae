// policy_loss against double arithmetic: shapes, ways of the arguments, objectives, and the same bits
// whatever surrounds a row.
#include <functional>

#include "host_policy_call.h"
#include "kernels_test.h"

namespace {

constexpr int32_t kDtypes[] = {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16};

void check_policy(const PolicyCase& c) {
  const PolicyInputs in(c);
  HostPolicyCall call(c, in);
  if (expect(call.run() == GRPO4J_OK, "status", c.name())) {
    const PolicyOutcome got = outcome_of(call);
    PolicyCheck(c, in, got, kCpuErrors).all(grpo4j_isa());
  }
}

// Log-probs and entropies are token_stats', whichever operation reads the row, on any threads.
void check_statistics_bits(const PolicyCase& c, const PolicyInputs& in, const PolicyOutcome& want) {
  for (const bool entropy : {true, false}) {
    HostPolicyCall call(c, in);
    const grpo4j_row_outputs out = call.outputs();
    const grpo4j_token_stats_args args = {
        call.matrix(call.logits), call.rows(),
        {out.log_probs, entropy ? out.entropy : nullptr, nullptr, nullptr}, GRPO4J_ZERO_BAD_ROWS};
    grpo4j_report report;
    // One row is NaN: masked, which token_stats does not know.
    expect(grpo4j_token_stats(&args, &report) == GRPO4J_OK && report.bad_rows == 1 &&
               report.first_bad_row == 1, "token_stats", c.name());
    expect(same_bits(call.log_probs.get(), want.log_probs) &&
               (!entropy || same_bits(call.entropy.get(), want.entropy)),
           "token_stats has policy_loss's bits", c.name());
  }
}

}  // namespace

// 1: degenerate; 2, 31 .. 33: around a vector; 1003: loops and tails; 9001: blocks.
void check_shapes() {
  for (int32_t dtype : kDtypes) {
    for (int64_t vocab : {1, 2, 31, 32, 33, 1003, 9001}) {
      for (double entropy_coef : {0.0, 0.01}) {
        PolicyCase c;
        c.dtype = dtype;
        c.vocab = vocab;
        c.entropy_coef = entropy_coef;
        check_policy(c);
        c.offset = 1;
        c.padding = 3;
        c.in_place = true;
        check_policy(c);
      }
    }
    PolicyCase none;
    none.dtype = dtype;
    none.rows = 0;
    check_policy(none);
    PolicyCase many;  // several threads, and chunks of several rows
    many.dtype = dtype;
    many.rows = 40;
    many.vocab = 5003;
    many.scale = 30;
    many.in_place = true;
    check_policy(many);
    many.rows = 257;
    many.vocab = 33;
    check_policy(many);
  }
}

void check_options() {
  const std::vector<std::function<void(PolicyCase&)>> changes = {
      [](PolicyCase& c) { c.accumulate = true; },
      [](PolicyCase& c) { c.accumulate = true, c.entropy_coef = 0.02, c.offset = 3; },
      [](PolicyCase& c) { c.listed_rows = true, c.rows = 12, c.padding = 5; },
      [](PolicyCase& c) { c.listed_rows = true, c.rows = 12, c.in_place = true; },
      [](PolicyCase& c) {
        c.listed_rows = true, c.rows = 12, c.own_temperatures = true, c.int_targets = true;
      },
      [](PolicyCase& c) { c.own_temperatures = true; },
      [](PolicyCase& c) { c.own_temperatures = true, c.entropy_coef = 0.01; },
      [](PolicyCase& c) { c.int_targets = true; },
      [](PolicyCase& c) { c.soft_cap = 30; },
      [](PolicyCase& c) { c.soft_cap = 5, c.entropy_coef = 0.01, c.in_place = true; },
      [](PolicyCase& c) { c.soft_cap = 30, c.scale = 15; },  // all along the cap's polynomial
      [](PolicyCase& c) { c.soft_cap = 4, c.accumulate = true; },
      [](PolicyCase& c) { c.soft_cap = 2, c.scale = 60; },  // at the cap the derivative is 0
      [](PolicyCase& c) { c.shape = PolicyCase::kAscending, c.scale = 1; },
      [](PolicyCase& c) { c.shape = PolicyCase::kHalfMinusInf, c.entropy_coef = 0.01; },
      [](PolicyCase& c) { c.shape = PolicyCase::kHalfMinusInf, c.vocab = 18001; },
      [](PolicyCase& c) { c.shape = PolicyCase::kMinusInfTarget, c.on_policy = true; },
      [](PolicyCase& c) {
        c.shape = PolicyCase::kMinusInfTarget, c.on_policy = true, c.entropy_coef = 0.01;
      },
      [](PolicyCase& c) { c.weight_scale = 4e5; },  // gradients beyond the largest half
      [](PolicyCase& c) { c.scale = 0.1, c.entropy_coef = 0.01; },
      [](PolicyCase& c) { c.scale = 3e-5; },  // subnormal halves
      [](PolicyCase& c) { c.shape = PolicyCase::kFarBelow, c.scale = 40; },
      [](PolicyCase& c) { c.shape = PolicyCase::kFarBelow, c.vocab = 18001, c.entropy_coef = 0.01; },
      [](PolicyCase& c) {
        c.shape = c.dtype == GRPO4J_F16 ? PolicyCase::kFarBelow : PolicyCase::kFarOut;
      },
      [](PolicyCase& c) { c.shape = PolicyCase::kLateMaximum, c.vocab = 18001; },
      [](PolicyCase& c) { c.shape = PolicyCase::kEqual, c.vocab = 18001; },
      [](PolicyCase& c) { c.shape = PolicyCase::kEqual, c.vocab = 5003, c.entropy_coef = 0.01; },
      [](PolicyCase& c) { c.scale = 30, c.in_place = true; },
      [](PolicyCase& c) { c.on_policy = true, c.kl_coef = 0.05; },
      [](PolicyCase& c) { c.kl_coef = 0.05, c.entropy_coef = 0.01; },
      [](PolicyCase& c) { c.advantages_per_sequence = true; }};
  for (int32_t dtype : kDtypes) {
    for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
      for (const auto& change : changes) {
        PolicyCase c;
        c.dtype = dtype;
        c.rows = 7;
        c.ratio_level = level;
        change(c);
        check_policy(c);
      }
    }
    // More rises of the maximum than the fused operation keeps apart, on every ISA.
    for (bool in_place : {false, true}) {
      PolicyCase c;
      c.dtype = dtype;
      c.rows = 1;
      c.vocab = 300001;
      c.shape = PolicyCase::kAscending;
      c.in_place = in_place;
      check_policy(c);
    }
    // Where the roundings of a thousand blocks' sums would add up in float.
    PolicyCase equal;
    equal.dtype = dtype;
    equal.rows = 1;
    equal.vocab = 300001;
    equal.shape = PolicyCase::kEqual;
    check_policy(equal);
  }
}

// Every width that the end of a row can have; the maximum or the least logit at each place of a row,
// or on both sides of what may be a block's edge.
void check_places() {
  for (int32_t dtype : kDtypes) {
    PolicyCase c;
    c.dtype = dtype;
    for (c.vocab = 1; c.vocab <= 67; ++c.vocab) {
      c.in_place = c.vocab % 2 == 0;
      c.entropy_coef = c.vocab % 4 < 2 ? 0 : 0.01;
      check_policy(c);
    }
    for (const auto shape : {PolicyCase::kSpike, PolicyCase::kValley, PolicyCase::kDeepening}) {
      for (int64_t vocab : {37, 131}) {  // 131: loops and a tail on every ISA
        PolicyCase each;
        each.dtype = dtype;
        each.shape = shape;
        each.vocab = vocab;
        each.rows = 2 * vocab;  // a place whose row is masked once is seen the second time
        each.on_policy = true;
        check_policy(each);
      }
      PolicyCase blocks;
      blocks.dtype = dtype;
      blocks.shape = shape;
      blocks.vocab = 8492;
      blocks.rows = 36;
      blocks.on_policy = true;
      check_policy(blocks);
    }
  }
}

void check_mean_error() {
  for (int32_t dtype : kDtypes) {
    PolicyCase c;
    c.dtype = dtype;
    c.vocab = 30001;
    c.scale = 1;
    const PolicyInputs in(c);
    HostPolicyCall call(c, in);
    expect(call.run() == GRPO4J_OK, "status", c.name());
    const PolicyOutcome got = outcome_of(call);
    PolicyCheck(c, in, got, kCpuErrors).mean_error();
  }
}

void check_fused_objectives() {
  each_objective([](PolicyCase& c) {
    c.kl_bias_corrected = c.in_place;
    check_policy(c);
  });
}

// lse and sum p^2 need not be asked for; what else there is keeps its bits.
void check_optional_outputs() {
  for (int32_t dtype : kDtypes) {
    for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
      for (double entropy_coef : {0.0, 0.01}) {
        PolicyCase c;
        c.dtype = dtype;
        c.ratio_level = level;
        c.vocab = 9001;
        c.entropy_coef = entropy_coef;
        const PolicyInputs in(c);
        HostPolicyCall whole(c, in);
        HostPolicyCall call(c, in);
        grpo4j_policy_loss_args args = call.args();
        args.out.lse = args.out.sum_squares = nullptr;
        expect(whole.run() == GRPO4J_OK && call.run(args) == GRPO4J_OK, "status", c.name());
        const PolicyOutcome want = outcome_of(whole), got = outcome_of(call);
        expect(same_bits(want.log_probs, got.log_probs) && same_bits(want.entropy, got.entropy) &&
                   same_bits(want.gradient, got.gradient) && want.metrics.loss == got.metrics.loss,
               "the same bits without lse and sum p^2", c.name());
      }
    }
  }
}

// The bits of a row do not depend on threads, on the batch, on its place in it or in memory, or on
// whether the gradient lies over the logits.
void check_row_bits() {
  const int32_t threads = grpo4j_threads();
  for (int32_t dtype : kDtypes) {
    for (double entropy_coef : {0.0, 0.01}) {
      PolicyCase c;
      c.dtype = dtype;
      c.rows = 9;
      c.vocab = 30011;
      c.entropy_coef = entropy_coef;
      const PolicyInputs in(c);
      HostPolicyCall first(c, in);
      grpo4j_set_threads(1);
      expect(first.run() == GRPO4J_OK, "status", c.name());
      const PolicyOutcome want = outcome_of(first);
      for (int32_t k : {2, 3, 8}) {
        grpo4j_set_threads(k);
        PolicyCase other = c;
        other.in_place = k == 3;
        HostPolicyCall call(other, in);
        expect(call.run() == GRPO4J_OK, "status", other.name());
        const PolicyOutcome got = outcome_of(call);
        expect(same_bits(got.gradient, want.gradient) && same_bits(got.log_probs, want.log_probs) &&
                   same_bits(got.entropy, want.entropy) && got.metrics.loss == want.metrics.loss,
               "the same bits with " + std::to_string(k) + " threads", other.name());
        check_statistics_bits(c, in, want);
      }
      const int64_t row_bytes = c.vocab * oracle::bytes_of(dtype);
      for (int64_t i : {0, 4, 8}) {
        PolicyCase one = c;
        one.rows = 1;
        one.offset = i;
        one.in_place = i == 4;
        const auto at = static_cast<size_t>(i);
        const int64_t begin = one.offset * oracle::bytes_of(dtype);
        const PolicyInputs alone = row_alone(c, in, i, one);
        HostPolicyCall call(one, alone);
        expect(call.run() == GRPO4J_OK, "status", one.name());
        const PolicyOutcome got = outcome_of(call);
        expect(same_bits(&got.log_probs[0], &want.log_probs[at], 4) &&
                   same_bits(&got.entropy[0], &want.entropy[at], 4) &&
                   same_bits(&got.gradient[static_cast<size_t>(begin)],
                             &want.gradient[static_cast<size_t>(i * row_bytes)],
                             static_cast<size_t>(row_bytes)),
               "row " + std::to_string(i) + " alone has the same bits", one.name());
      }
    }
  }
  grpo4j_set_threads(threads);
}
