// logits_gradient: the gradient of each row, or of a shard of it, from merged states and slopes.
// Formula and rounding as in policy_loss.h. logits and gradient [rows, shard], in place or disjoint;
// reads and writes n * shard * sizeof(Storage) bytes each. Rows with slopes 0 are not read. The report
// has rows whose temperature can't be the one of their states; what else is bad stands in the reports
// of those.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

template <class Element, class Cap>
struct LogitsGradient {
  static void run(const Cap& cap, const grpo4j_logits_gradient_args& args, const RowRange& range,
                  BadRows* const& bad) {
    using Storage = typename Element::Storage;
    const bool accumulate = (args.flags & GRPO4J_ACCUMULATE) != 0;
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int64_t row = row_of(args.rows, i);
      const Storage* z =
          static_cast<const Storage*>(args.logits.data) + row * args.logits.row_stride;
      Storage* dz = static_cast<Storage*>(args.gradient.data) + row * args.gradient.row_stride;
      const grpo4j_row_state& state = args.states[i];
      const grpo4j_row_slopes& slopes = args.slopes[i];
      const double temperature = temperature_of(args.rows, i);
      bool usable = has_mass(state);
      if (usable && !usable_temperature(temperature)) {
        report_bad(*bad, i, GRPO4J_ROW_TEMPERATURE);
        usable = false;
      }
      const int64_t target = target_of(args.rows, i);
      const double log_sum = usable ? log(state.sum) : 0;
      const double entropy = usable ? log_sum - state.weighted / state.sum : 0;
      write_gradient<Element>(
          {z, dz, args.logits.vocab, target < args.vocab_begin ? -1 : target - args.vocab_begin,
           accumulate},
          cap,
          {usable ? slopes.g : 0, usable ? slopes.h : 0, entropy > 0 ? entropy : 0, log_sum,
           state.sum, state.max_logit, 1.0 / temperature});
    }
  }
};

void logits_gradient(const grpo4j_logits_gradient_args& args, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  dispatch<LogitsGradient>(args.logits, args.rows.soft_cap, args, range, &bad);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
