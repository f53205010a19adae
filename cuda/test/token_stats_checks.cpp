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
  expect(Way::call(args, report.data()) == GRPO4J_OK, std::string("token_stats, ") + grpo4j_cuda_last_error(), c.name());
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

}  // namespace

void check_token_stats(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (int32_t variant : {GRPO4J_CUDA_AUTO, GRPO4J_CUDA_SPLIT, GRPO4J_CUDA_WHOLE}) {
      grpo4j_cuda_force_variant(variant);
      for (int64_t vocab : small ? std::vector<int64_t>{1, 1003, 9001}
                                 : std::vector<int64_t>{1, 2, 33, 1003, 9001, 40961}) {
        each_statistics_case(dtype, vocab, check_statistics<>);
      }
    }
    grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
    each_statistics_row_list(dtype, check_statistics<>);
  }
}

void check_token_stats_on_host(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    each_statistics_case(dtype, small ? 1003 : 9001, check_statistics<OnHost>);
    each_statistics_row_list(dtype, check_statistics<OnHost>);
  }
}
