// What the dispatcher and the compiled copies of the kernels share: plain data, no inline functions,
// so that nothing compiled for one ISA can be linked into another.
#pragma once

#include "grpo4j/grpo4j.h"
#include "grpo4j/objective.h"

namespace grpo4j {

// A contiguous part of the rows of one call.
struct RowRange {
  int64_t begin;
  int64_t end;
};

// Bad rows seen by one caller of a kernel; callers are merged afterwards.
struct BadRows {
  int64_t count;
  int64_t first;
  int32_t first_reason;
  int32_t isa;
};

// The objective of a call behind plain functions, compiled once: every ISA and the metrics pass see
// the same bits. One call per row.
struct ObjectiveFunctions {
  TokenLoss<double> (*token)(const grpo4j_policy_config& config, const TokenInputs<double>& in,
                             double log_ratio);
  LogRatioTerm<double> (*log_term)(const grpo4j_policy_config& config, double d, double advantage);
  double (*log_ratio)(const grpo4j_policy_config& config, double sum, double tokens);
};

struct PolicyJob {
  const grpo4j_policy_loss_args* args;
  const ObjectiveFunctions* objective;
};

// Statistics of shards; rows whose two weights are 0 (where weights are given) are not read.
struct StatesJob {
  const grpo4j_row_states_args* args;
  const float* policy_weights;
  const float* regularizer_weights;
};

struct KernelTable {
  int32_t isa;
  void (*token_stats)(const grpo4j_token_stats_args& args, RowRange range, BadRows& bad);
  void (*policy_loss)(const PolicyJob& job, RowRange range, BadRows& bad);
  void (*row_states)(const StatesJob& job, RowRange range, BadRows& bad);
  void (*logits_gradient)(const grpo4j_logits_gradient_args& args, RowRange range, BadRows& bad);
};

extern const KernelTable kScalarKernels;
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;
extern const KernelTable kAvx512Bf16Kernels;
extern const KernelTable kNeonKernels;

}  // namespace grpo4j
