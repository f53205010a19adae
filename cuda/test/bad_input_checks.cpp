// Rows that can't be computed, calls that are refused.
#include "bad_rows.h"
#include "checks.h"
#include "policy_way.h"

namespace {

void check_bad_row(const PolicyCase& c, const BadRow& bad, uint32_t flags) {
  PolicyInputs in(c);
  const PolicyInputs good = in;
  bad.spoil(c, in, kFirstBad);
  bad.spoil(c, in, kSecondBad);
  const std::string where = std::string(bad.name) + ": " + c.name();
  DevicePolicyCall call(c, in), whole(c, good);
  grpo4j_policy_loss_args args = call.args();
  args.flags |= flags;
  expect(call.run(args) == GRPO4J_OK && whole.run() == GRPO4J_OK, "status with bad rows", where);
  const grpo4j_report report = call.metrics.get()[0].report;
  expect(report.bad_rows == 2 && report.first_bad_row == kFirstBad && report.first_bad_reason == bad.reason,
         "report: " + std::to_string(report.bad_rows) + " bad, first " +
             std::to_string(report.first_bad_row) + ", reason " +
             std::to_string(report.first_bad_reason), where);
  const std::vector<float> log_probs = call.log_probs.get(), others = whole.log_probs.get();
  const std::vector<char> got = call.result(), other = whole.result();
  const auto row_bytes = static_cast<size_t>(c.vocab * oracle::bytes_of(c.dtype));
  for (size_t i = 0; i < static_cast<size_t>(in.n()); ++i) {
    if (is_bad(static_cast<int64_t>(i))) {
      const bool zero = (flags & GRPO4J_ZERO_BAD_ROWS) != 0;
      expect(zero ? log_probs[i] == 0 : isnan(log_probs[i]), "a bad row's logProb", where);
      for (int64_t v = 0; v < c.vocab; ++v) {
        if (!expect(oracle::load(got.data(), c.dtype, static_cast<int64_t>(i) * c.vocab + v) == 0,
                    "a bad row's gradient", where)) {
          break;
        }
      }
    } else if (c.ratio_level == GRPO4J_RATIO_TOKEN) {
      expect(same_bits(&log_probs[i], &others[i], 4) &&
                 same_bits(&got[i * row_bytes], &other[i * row_bytes], row_bytes),
             "bad rows don't show in row " + std::to_string(i), where);
    }
  }
}

}  // namespace

void check_bad_rows() {
  for (const BadRow& bad : kBadRows) {
    for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16}) {
      for (uint32_t flags : {0u, static_cast<uint32_t>(GRPO4J_ZERO_BAD_ROWS)}) {
        PolicyCase c;
        c.dtype = dtype;
        c.rows = 8;
        c.own_temperatures = true;
        c.in_place = flags == 0;
        c.entropy_coef = dtype == GRPO4J_F32 ? 0 : 0.01;
        check_bad_row(c, bad, flags);
        c.ratio_level = GRPO4J_RATIO_SEQUENCE;
        if (bad.reason != GRPO4J_ROW_COEFFICIENT) check_bad_row(c, bad, flags);
      }
    }
  }
}

void check_bad_calls() {
  const PolicyCase c;
  const PolicyInputs in(c);
  DevicePolicyCall call(c, in);
  grpo4j_policy_loss_args args = call.args();
  const int64_t bytes = grpo4j_cuda_policy_loss_workspace(&args);
  expect(bytes > 0, "policy_loss needs a workspace", c.name());
  const DeviceArray<char> workspace(bytes);
  expect(grpo4j_cuda_policy_loss(&args, call.metrics.data(), workspace.data(), bytes - 1, nullptr) ==
             GRPO4J_WORKSPACE_TOO_SMALL, "workspace too small", c.name());
  expect(grpo4j_cuda_policy_loss(&args, call.metrics.data(), nullptr, bytes, nullptr) ==
             GRPO4J_WORKSPACE_TOO_SMALL, "no workspace", c.name());
  expect(grpo4j_cuda_policy_loss(nullptr, call.metrics.data(), workspace.data(), bytes, nullptr) ==
             GRPO4J_INVALID_ARGUMENT, "no arguments", c.name());
  args.logits.vocab = 0;
  expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "no vocabulary", c.name());
  args = call.args();
  args.flags = GRPO4J_ACCUMULATE;
  args.gradient = args.logits;
  expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "accumulation in place", c.name());
  // A byte beside an element: on a device a fault, not a slow access.
  args = call.args();
  args.logits.data = static_cast<char*>(args.logits.data) + 2;
  expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "logits between two elements", c.name());
  args = call.args();
  args.gradient.data = static_cast<char*>(args.gradient.data) + 1;
  expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "a gradient between two elements", c.name());
  args = call.args();
  args.rows.targets = static_cast<const char*>(args.rows.targets) + 4;
  expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "targets between two elements", c.name());
  expect(same_bits(call.gradient.get(), in.held) && same_bits(call.logits.get(), in.logits),
         "refused calls write nothing", c.name());
}
