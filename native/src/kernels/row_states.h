// row_states: mergeable statistics of each row over one shard of the vocabulary.
// logits [rows, shard] f32, bf16 or f16, read once; states [n]. Nothing aliases.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

template <class Element, class Cap>
struct RowStates {
  static void run(const Cap& cap, const StatesJob& job, const RowRange& range,
                  BadRows* const& bad) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      const float none = -__builtin_inff();
      grpo4j_row_state& state = job.args->states[i];
      state = {0, 0, 0, none, none, GRPO4J_ROW_OK, 0};
      if (!is_masked(job.policy_weights, job.regularizer_weights, i)) {
        fill(cap, *job.args, i, state, *bad);
      }
    }
  }

 private:
  static void fill(const Cap& cap, const grpo4j_row_states_args& args, int64_t i,
                   grpo4j_row_state& state, BadRows& bad) {
    using Storage = typename Element::Storage;
    const int64_t vocab = args.logits.vocab;
    const Storage* z = static_cast<const Storage*>(args.logits.data) +
                       row_of(args.rows, i) * args.logits.row_stride;
    const int64_t target = target_of(args.rows, i);
    const RowView<Element> view = {
        z, vocab, target, args.vocab_total, 1.0 / temperature_of(args.rows, i), true};
    const RowStatistics row = checked_statistics(view, cap);
    if (row.reason == GRPO4J_ROW_ALL_MINUS_INF) {
      return;  // another shard may hold the mass; the merge knows
    }
    if (row.reason != GRPO4J_ROW_OK) {
      state.reason = row.reason;
      report_bad(bad, i, row.reason);
      return;
    }
    state.sum = row.sums.s;
    state.weighted = row.sums.t;
    state.squares = row.sums.q;
    state.max_logit = row.max_logit;
    const int64_t here = target - args.vocab_begin;
    if (here >= 0 && here < vocab) {
      state.target_logit = cap(Element::to_float(z[here]));
    }
  }
};

void row_states(const StatesJob& job, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  dispatch<RowStates>(job.args->logits, job.args->rows.soft_cap, job, range, &bad);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
