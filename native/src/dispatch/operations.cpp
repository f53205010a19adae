// The operations: check, hand out rows, merge, sum.
#include <stdint.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "dispatch/backend.h"
#include "dispatch/isa.h"
#include "dispatch/objectives.h"
#include "dispatch/pool.h"
#include "dispatch/states.h"
#include "dispatch/validate.h"
#include "grpo4j/grpo4j.h"

namespace grpo4j {
namespace {

constexpr int64_t kChunkElements = 1 << 16;   // elements a thread takes at a time, at least
constexpr int64_t kChunksPerCall = 32;         // as far as that leaves something to share out
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
  const int64_t chunk =
      std::max<int64_t>({1, kChunkElements / vocab, n / kChunksPerCall});
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

// Kernels mark a bad row with NaN outputs; this turns the mark into the 0 that was asked for.
void zero_bad_outputs(const grpo4j_row_outputs& out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (out.log_probs[i] != out.log_probs[i]) {
      for (float* values : {out.log_probs, out.entropy, out.lse, out.sum_squares}) {
        if (values != nullptr) {
          values[i] = 0;
        }
      }
    }
  }
}

int32_t finish(const grpo4j_report& report, const grpo4j_row_outputs& out, int64_t n,
               uint32_t flags) {
  if (report.bad_rows == 0) {
    return GRPO4J_OK;
  }
  if ((flags & GRPO4J_ZERO_BAD_ROWS) == 0) {
    return GRPO4J_BAD_ROWS;
  }
  zero_bad_outputs(out, n);
  return GRPO4J_OK;
}

grpo4j_objective_args objective_args(const grpo4j_policy_loss_args& args) {
  return {args.rows.n, args.batch, args.out, args.config, args.slopes, args.flags};
}

// One visit of each row: nothing but the row itself decides its slopes.
grpo4j_policy_metrics by_token(const grpo4j_policy_loss_args& args, const KernelTable& kernels) {
  const PolicyJob job = {&args, &objective_functions(args.config.objective)};
  const grpo4j_report report =
      for_each_range(args.rows.n, args.logits.vocab, [&](RowRange range, BadRows& bad) {
        kernels.policy_loss(job, range, bad);
      });
  grpo4j_objective_args sums = objective_args(args);
  sums.slopes = nullptr;
  grpo4j_policy_metrics metrics = sum_objective(sums);
  metrics.report = report;
  return metrics;
}

// Two visits: a sequence's ratio is known when all its rows have been read.
grpo4j_policy_metrics by_sequence(const grpo4j_policy_loss_args& args, const KernelTable& kernels) {
  const int64_t n = args.rows.n;
  const int64_t vocab = args.logits.vocab;
  const grpo4j_row_states_args states = {args.logits, args.rows, 0, vocab, args.states};
  const StatesJob job = {&states, args.batch.policy_weights, args.batch.regularizer_weights};
  grpo4j_report report = for_each_range(
      n, vocab, [&](RowRange range, BadRows& bad) { kernels.row_states(job, range, bad); });
  const grpo4j_merge_states_args merge_args = {args.states, 1, n, args.rows.temperature,
                                               args.rows.temperatures, args.states, args.out, 0};
  const grpo4j_report merged =
      merge_states(merge_args, args.batch.policy_weights, args.batch.regularizer_weights);
  grpo4j_policy_metrics metrics = sum_objective(objective_args(args));
  if (merged.bad_rows > 0 &&
      (metrics.report.bad_rows == 0 || merged.first_bad_row < metrics.report.first_bad_row)) {
    metrics.report.first_bad_row = merged.first_bad_row;
    metrics.report.first_bad_reason = merged.first_bad_reason;
  }
  metrics.report.bad_rows += merged.bad_rows;
  const grpo4j_logits_gradient_args gradient = {args.logits, args.gradient, args.rows, 0,
                                                vocab,       args.states,   args.slopes,
                                                args.flags};
  report = for_each_range(n, vocab, [&](RowRange range, BadRows& bad) {
    kernels.logits_gradient(gradient, range, bad);
  });
  metrics.report.isa = report.isa;
  return metrics;
}

}  // namespace
}  // namespace grpo4j

int32_t grpo4j_token_stats(const grpo4j_token_stats_args* args, grpo4j_report* report) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_token_stats(args, report);
  }
  if (args == nullptr || report == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  const KernelTable* kernels = active_kernels();
  if (kernels == nullptr) {
    return GRPO4J_ISA_UNAVAILABLE;
  }
  *report = for_each_range(args->rows.n, args->logits.vocab, [&](RowRange range, BadRows& bad) {
    kernels->token_stats(*args, range, bad);
  });
  return finish(*report, args->out, args->rows.n, args->flags);
}

int32_t grpo4j_policy_loss(const grpo4j_policy_loss_args* args, grpo4j_policy_metrics* metrics) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_policy_loss(args, metrics);
  }
  if (args == nullptr || metrics == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  const KernelTable* kernels = active_kernels();
  if (kernels == nullptr) {
    metrics->report = kNoReport;
    return GRPO4J_ISA_UNAVAILABLE;
  }
  *metrics = args->config.ratio_level == GRPO4J_RATIO_TOKEN ? by_token(*args, *kernels)
                                                            : by_sequence(*args, *kernels);
  return finish(metrics->report, args->out, args->rows.n, args->flags);
}

int32_t grpo4j_row_states(const grpo4j_row_states_args* args, grpo4j_report* report) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_row_states(args, report);
  }
  if (args == nullptr || report == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  const KernelTable* kernels = active_kernels();
  if (kernels == nullptr) {
    return GRPO4J_ISA_UNAVAILABLE;
  }
  const StatesJob job = {args, nullptr, nullptr};
  *report = for_each_range(args->rows.n, args->logits.vocab, [&](RowRange range, BadRows& bad) {
    kernels->row_states(job, range, bad);
  });
  // A bad row is an error where its shards are merged: every rank must come to the same decision.
  return GRPO4J_OK;
}

int32_t grpo4j_merge_states(const grpo4j_merge_states_args* args, grpo4j_report* report) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_merge_states(args, report);
  }
  if (args == nullptr || report == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = merge_states(*args, nullptr, nullptr);
  return finish(*report, args->out, args->n, args->flags);
}

int32_t grpo4j_objective(const grpo4j_objective_args* args, grpo4j_policy_metrics* metrics) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_objective(args, metrics);
  }
  if (args == nullptr || metrics == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *metrics = sum_objective(*args);
  metrics->report.isa = GRPO4J_ISA_SCALAR;  // one copy, of the baseline's instructions
  return finish(metrics->report, args->out, args->n, args->flags);
}

int32_t grpo4j_logits_gradient(const grpo4j_logits_gradient_args* args, grpo4j_report* report) {
  using namespace grpo4j;
  if (const CudaLibrary* backend = active_backend()) {
    return backend->host_logits_gradient(args, report);
  }
  if (args == nullptr || report == nullptr || !valid(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  *report = kNoReport;
  const KernelTable* kernels = active_kernels();
  if (kernels == nullptr) {
    return GRPO4J_ISA_UNAVAILABLE;
  }
  *report = for_each_range(args->rows.n, args->logits.vocab, [&](RowRange range, BadRows& bad) {
    kernels->logits_gradient(*args, range, bad);
  });
  return GRPO4J_OK;
}
