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

struct PolicyJob {
  const grpo4j_policy_loss_args* args;
  TokenObjective<double> objective;
};

struct KernelTable {
  int32_t isa;
  void (*token_stats)(const grpo4j_token_stats_args& args, RowRange range, BadRows& bad);
  void (*policy_loss)(const PolicyJob& job, RowRange range, BadRows& bad);
};

extern const KernelTable kScalarKernels;
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;

}  // namespace grpo4j
