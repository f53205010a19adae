#include "checks.h"
#include "host/variant.h"
#include "part_cases.h"
#include "policy_way.h"

namespace {

template <class Way>
grpo4j_report run_token_stats(const PolicyCase& c, const PolicyBy<Way>& call,
                              const WantedStatistics& wanted) {
  grpo4j_token_stats_args args = {};
  args.logits = call.matrix(call.logits);
  args.rows = call.rows();
  args.out = wanted.of(call.outputs());
  const ArrayOf<Way, grpo4j_report> report(1);
  expect(Way::call(args, report.data()) == GRPO4J_OK,
         std::string("token_stats, ") + grpo4j_cuda_last_error(), c.name());
  return report.get()[0];
}

template <class Way = OnDevice>
void check_statistics(const PolicyCase& c, const WantedStatistics& wanted) {
  const PolicyInputs in = readable_inputs(c);
  const PolicyBy<Way> call(c, in);
  const grpo4j_report report = run_token_stats(c, call, wanted);
  expect(report.bad_rows == 0 && report.first_bad_row == -1 &&
             report.isa == GRPO4J_ISA_CUDA_EMULATED, "report", c.name());
  const std::vector<float> log_probs = call.log_probs.get(), entropy = call.entropy.get(),
                           lse = call.lse.get(), squares = call.sum_squares.get();
  for (int64_t i = 0; i < in.n(); ++i) {
    const auto at = static_cast<size_t>(i);
    const oracle::Row row = oracle::row(in.z(c, i), in.targets[at], in.temperature(c, i));
    const bool good = close(row.log_prob, log_probs[at]) &&
                      (!wanted.entropy || close(row.entropy, entropy[at])) &&
                      (!wanted.lse || close(row.lse, lse[at])) &&
                      (!wanted.squares || close(row.sum_squares, squares[at]));
    if (!expect(good, "token_stats of row " + std::to_string(i), c.name())) return;
  }
}

// Five chunks, which two blocks share: as many rows as a call has decide it, and must not show.
constexpr int64_t kSplitVocab = 20011;

void check_same_bits(int32_t dtype) {
  PolicyCase c;
  c.dtype = dtype;
  c.vocab = kSplitVocab;
  const PolicyInputs in = readable_inputs(c);
  const DevicePolicyCall whole(c, in), split(c, in);
  grpo4j_cuda_force_variant(GRPO4J_CUDA_WHOLE);
  run_token_stats(c, whole, {true, true, true});
  grpo4j_cuda_force_variant(GRPO4J_CUDA_SPLIT);
  run_token_stats(c, split, {true, true, true});
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
  expect(same_bits(whole.log_probs.get(), split.log_probs.get()) &&
             same_bits(whole.entropy.get(), split.entropy.get()) &&
             same_bits(whole.lse.get(), split.lse.get()) &&
             same_bits(whole.sum_squares.get(), split.sum_squares.get()),
         "the same bits from one block a row and from several", c.name());
}

}  // namespace

void check_token_stats(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (int32_t variant : {GRPO4J_CUDA_AUTO, GRPO4J_CUDA_SPLIT, GRPO4J_CUDA_WHOLE}) {
      grpo4j_cuda_force_variant(variant);
      for (int64_t vocab : small ? std::vector<int64_t>{1, 1003, kSplitVocab}
                                 : std::vector<int64_t>{1, 2, 33, 1003, 9001, kSplitVocab, 40961}) {
        each_statistics_case(dtype, vocab, check_statistics<>);
      }
    }
    grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
    each_statistics_row_list(dtype, check_statistics<>);
    check_same_bits(dtype);
  }
}

void check_token_stats_on_host(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    each_statistics_case(dtype, small ? 1003 : 9001, check_statistics<OnHost>);
    each_statistics_row_list(dtype, check_statistics<OnHost>);
  }
}
