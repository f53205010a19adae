// token_stats: logProb, entropy, lse and sum p^2 of each row, forward only.
// logits [rows, vocab] f32, bf16 or f16, read once; outputs f32 [n]. Nothing aliases.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

template <class Element, class Cap>
struct TokenStats {
  static void run(const Cap& cap, const grpo4j_token_stats_args& args, const RowRange& range,
                  BadRows* const& bad) {
    using Storage = typename Element::Storage;
    const grpo4j_matrix& logits = args.logits;
    for (int64_t i = range.begin; i < range.end; ++i) {
      const Storage* z =
          static_cast<const Storage*>(logits.data) + row_of(args.rows, i) * logits.row_stride;
      const int64_t target = target_of(args.rows, i);
      const double inverse_temperature = 1.0 / temperature_of(args.rows, i);
      const RowView<Element> view = {z,
                                     logits.vocab,
                                     target,
                                     logits.vocab,
                                     inverse_temperature,
                                     args.out.sum_squares != nullptr};
      const RowStatistics row = checked_statistics(view, cap);
      if (row.reason != GRPO4J_ROW_OK) {
        report_bad(*bad, i, row.reason);
        fill_outputs(args.out, i, __builtin_nanf(""));
        continue;
      }
      const double difference =
          static_cast<double>(cap(Element::to_float(z[target]))) - row.max_logit;
      store_outputs(args.out, i, row, difference * inverse_temperature - row.log_sum,
                    inverse_temperature);
    }
  }
};

void token_stats(const grpo4j_token_stats_args& args, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  dispatch<TokenStats>(args.logits, args.rows.soft_cap, args, range, &bad);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
