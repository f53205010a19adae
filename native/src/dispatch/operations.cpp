// The two operations: check, hand out rows, merge, sum.
#include <stdint.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "dispatch/isa.h"
#include "dispatch/pool.h"
#include "dispatch/validate.h"
#include "grpo4j/grpo4j.h"

namespace grpo4j {
namespace {

constexpr int64_t kChunkElements = 1 << 16;   // elements a thread takes at a time
constexpr int64_t kSerialElements = 1 << 17;  // below this, waking a thread costs more than it gives

constexpr grpo4j_report kNoReport = {0, -1, GRPO4J_ROW_OK, -1};

void merge(grpo4j_report& report, const BadRows& bad) {
  report.isa = bad.isa;
  if (bad.count > 0 && (report.bad_rows == 0 || bad.first < report.first_bad_row)) {
    report.first_bad_row = bad.first;
    report.first_bad_reason = bad.first_reason;
  }
  report.bad_rows += bad.count;
}

// Calls rows(range, bad) over 0 .. n-1; which thread takes which rows changes no result.
template <class Rows>
grpo4j_report for_each_range(int64_t n, int64_t vocab, const Rows& rows) {
  grpo4j_report report = kNoReport;
  const int64_t chunk = std::max<int64_t>(1, kChunkElements / vocab);
  if (n <= chunk || n * vocab <= kSerialElements) {
    BadRows bad = {0, -1, GRPO4J_ROW_OK, -1};
    rows(RowRange{0, n}, bad);
    merge(report, bad);
    return report;
  }
  std::atomic<int64_t> next{0};
  std::mutex report_mutex;
  run_parallel([&] {
    BadRows bad = {0, -1, GRPO4J_ROW_OK, -1};
    bool worked = false;
    for (int64_t begin; (begin = next.fetch_add(chunk)) < n;) {
      rows(RowRange{begin, std::min(begin + chunk, n)}, bad);
      worked = true;
    }
    if (worked) {
      const std::lock_guard<std::mutex> lock(report_mutex);
      merge(report, bad);
    }
  });
  return report;
}

int32_t status_of(const grpo4j_report& report, uint32_t flags) {
  return report.bad_rows > 0 && (flags & GRPO4J_ZERO_BAD_ROWS) == 0 ? GRPO4J_BAD_ROWS : GRPO4J_OK;
}

// Kernels mark a bad row with NaN outputs; this turns the mark into the 0 that was asked for.
void zero_outputs(const grpo4j_row_outputs& out, int64_t i) {
  out.log_probs[i] = 0;
  out.entropy[i] = 0;
  if (out.lse != nullptr) {
    out.lse[i] = 0;
  }
  if (out.sum_squares != nullptr) {
    out.sum_squares[i] = 0;
  }
}

TokenObjective<double> objective_of(const grpo4j_policy_config& c) {
  return {{1 - c.clip_low, 1 + c.clip_high, c.delta, c.dual_clip},
          {c.kl_estimator, c.kl_bias_corrected != 0},
          c.kl_coef,
          c.entropy_coef};
}

constexpr grpo4j_policy_metrics kNoMetrics = {kNoReport, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1};

void add_row(grpo4j_policy_metrics& m, const TokenLoss<double>& token, double entropy,
             double approx_kl) {
  m.ratio_min = m.active_rows == 0 ? token.ratio : std::min(m.ratio_min, token.ratio);
  m.ratio_max = m.active_rows == 0 ? token.ratio : std::max(m.ratio_max, token.ratio);
  m.ratio_mean = m.active_rows == 0 ? token.ratio : m.ratio_mean + token.ratio;
  m.active_rows += 1;
  m.clip_low_count += token.event.low;
  m.clip_high_count += token.event.high;
  m.dual_clip_count += token.event.dual;
  m.policy_loss += token.policy_loss;
  m.loss += token.loss;
  m.kl += token.kl;
  m.entropy += entropy;
  m.approx_kl += approx_kl;
}

// Serial and in row order, from the stored statistics: the sums don't depend on the threads.
grpo4j_policy_metrics sum_rows(const PolicyJob& job) {
  const grpo4j_policy_loss_args& args = *job.args;
  const bool has_old = args.old_log_probs != nullptr;
  const bool has_ref = args.ref_log_probs != nullptr;
  grpo4j_policy_metrics m = kNoMetrics;
  for (int64_t i = 0; i < args.n; ++i) {
    if (args.policy_weights[i] == 0 && args.regularizer_weights[i] == 0) {
      continue;
    }
    const double log_prob = args.out.log_probs[i];
    if (log_prob != log_prob) {
      if ((args.flags & GRPO4J_ZERO_BAD_ROWS) != 0) {
        zero_outputs(args.out, i);
      }
      continue;
    }
    const double old = has_old ? args.old_log_probs[i] : 0;
    const double ref = has_ref ? args.ref_log_probs[i] : 0;
    const TokenLoss<double> token =
        job.objective({log_prob, args.out.entropy[i], old, ref, args.advantages[i],
                       args.policy_weights[i], args.regularizer_weights[i], has_old, has_ref});
    add_row(m, token, args.out.entropy[i], has_old ? old - log_prob : 0);
  }
  if (m.active_rows > 0) {
    const double rows = static_cast<double>(m.active_rows);
    m.kl /= rows;
    m.entropy /= rows;
    m.approx_kl /= rows;
    m.ratio_mean /= rows;
  }
  return m;
}

}  // namespace
}  // namespace grpo4j

int32_t grpo4j_token_stats(const grpo4j_token_stats_args* args, grpo4j_report* report) {
  using namespace grpo4j;
  if (args == nullptr || report == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  const KernelTable* kernels = active_kernels();
  if (kernels == nullptr) {
    return GRPO4J_ISA_UNAVAILABLE;
  }
  *report = for_each_range(args->n, args->logits.vocab, [&](RowRange range, BadRows& bad) {
    kernels->token_stats(*args, range, bad);
  });
  for (int64_t i = 0; report->bad_rows > 0 && (args->flags & GRPO4J_ZERO_BAD_ROWS) != 0 && i < args->n;
       ++i) {
    if (args->out.entropy[i] != args->out.entropy[i]) {
      zero_outputs(args->out, i);
    }
  }
  return status_of(*report, args->flags);
}

int32_t grpo4j_policy_loss(const grpo4j_policy_loss_args* args, grpo4j_policy_metrics* metrics) {
  using namespace grpo4j;
  if (args == nullptr || metrics == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *metrics = kNoMetrics;
  const KernelTable* kernels = active_kernels();
  if (kernels == nullptr) {
    return GRPO4J_ISA_UNAVAILABLE;
  }
  const PolicyJob job = {args, objective_of(args->config)};
  const grpo4j_report report =
      for_each_range(args->n, args->logits.vocab, [&](RowRange range, BadRows& bad) {
        kernels->policy_loss(job, range, bad);
      });
  *metrics = sum_rows(job);
  metrics->report = report;
  return status_of(report, args->flags);
}
