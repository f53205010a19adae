// row_states: mergeable statistics of each row over one shard of the vocabulary.
// logits [rows, shard] f32, bf16 or f16, read once; states [n]. Nothing aliases.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

template <class Element>
void row_states_rows(const StatesJob& job, RowRange range, BadRows& bad) {
  using Storage = typename Element::Storage;
  const grpo4j_row_states_args& args = *job.args;
  const int64_t vocab = args.logits.vocab;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const float none = -__builtin_inff();
    grpo4j_row_state& state = args.states[i];
    state = {0, 0, 0, none, none, GRPO4J_ROW_OK, 0};
    if (is_masked(job.policy_weights, job.regularizer_weights, i)) {
      continue;
    }
    const Storage* z =
        static_cast<const Storage*>(args.logits.data) + row_of(args.rows, i) * args.logits.row_stride;
    const int64_t target = target_of(args.rows, i);
    const RowStatistics row = checked_statistics<Element>(
        {z, vocab, target, args.vocab_total, 1.0 / temperature_of(args.rows, i), true});
    if (row.reason == GRPO4J_ROW_ALL_MINUS_INF) {
      continue;  // another shard may hold the mass; the merge knows
    }
    if (row.reason != GRPO4J_ROW_OK) {
      state.reason = row.reason;
      report_bad(bad, i, row.reason);
      continue;
    }
    state.sum = row.sums.s;
    state.weighted = row.sums.t;
    state.squares = row.sums.q;
    state.max_logit = row.max_logit;
    const int64_t here = target - args.vocab_begin;
    if (here >= 0 && here < vocab) {
      state.target_logit = Element::to_float(z[here]);
    }
  }
}

void row_states(const StatesJob& job, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  switch (job.args->logits.dtype) {
    case GRPO4J_F32:
      return row_states_rows<F32>(job, range, bad);
    case GRPO4J_BF16:
      return row_states_rows<Bf16>(job, range, bad);
    default:
      return row_states_rows<F16>(job, range, bad);
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
