// logits_gradient: the gradient of each row, or of a shard of it, from merged states and slopes.
// Formula and rounding as in policy_loss.h. logits and gradient [rows, shard], in place or disjoint;
// reads and writes n * shard * sizeof(Storage) bytes each. Rows with slopes 0 are not read.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

template <class Element>
void logits_gradient_rows(const grpo4j_logits_gradient_args& args, RowRange range) {
  using Storage = typename Element::Storage;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int64_t row = row_of(args.rows, i);
    const Storage* z =
        static_cast<const Storage*>(args.logits.data) + row * args.logits.row_stride;
    Storage* dz = static_cast<Storage*>(args.gradient.data) + row * args.gradient.row_stride;
    const grpo4j_row_state& state = args.states[i];
    const grpo4j_row_slopes& slopes = args.slopes[i];
    const bool usable = state.reason == GRPO4J_ROW_OK && state.sum > 0;
    const double log_sum = usable ? log(state.sum) : 0;
    const double entropy = usable ? log_sum - state.weighted / state.sum : 0;
    write_gradient<Element>(
        z, dz, args.logits.vocab, target_of(args.rows, i) - args.vocab_begin,
        {usable ? slopes.g : 0, usable ? slopes.h : 0, entropy > 0 ? entropy : 0, log_sum, state.sum,
         state.max_logit, 1.0 / temperature_of(args.rows, i)});
  }
}

void logits_gradient(const grpo4j_logits_gradient_args& args, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  switch (args.logits.dtype) {
    case GRPO4J_F32:
      return logits_gradient_rows<F32>(args, range);
    case GRPO4J_BF16:
      return logits_gradient_rows<Bf16>(args, range);
    default:
      return logits_gradient_rows<F16>(args, range);
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
