// objective: loss, metrics and the slopes g = dloss/dlogProb, h = dloss/dH of every row from stored
// log-probs and entropies, with a ratio per token or per sequence (formulas: objective.h).
//
// All arrays f32 [n], scalars double. 28 bytes of a row are read (a sequence's three times), 16
// written. Sums are made in a fixed order: each thread its rows, a tree over the threads of a block,
// then over the blocks. slopes alias nothing.
#include <float.h>

#include "common/objective.cuh"
#include "common/policy.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/call.h"

namespace grpo4j::cuda {
namespace {

constexpr uint32_t kThreads = 128;
constexpr int64_t kMaxBlocks = 64;
constexpr uint32_t kWarps = kThreads / kWarp;

__device__ __forceinline__ MetricSums no_metrics() {
  MetricSums sums = {};
  sums.first_bad_row = INT64_MAX;
  sums.ratio_min = __builtin_inf();
  sums.ratio_max = -__builtin_inf();
  return sums;
}

__device__ __forceinline__ void add_bad(MetricSums& sums, int64_t i, int32_t reason) {
  sums.bad_rows += 1;
  if (i < sums.first_bad_row) {
    sums.first_bad_row = i;
    sums.first_bad_reason = reason;
  }
}

__device__ __forceinline__ void add_row(MetricSums& sums, const TokenInputs<double>& in,
                                        const TokenLoss<double>& token) {
  sums.active_rows += 1;
  sums.policy_loss += token.policy_loss;
  sums.loss += token.loss;
  sums.kl += token.kl;
  sums.entropy += in.entropy;
  if (in.has_old) {
    sums.approx_kl += in.old_log_prob - in.log_prob;
  }
}

// A unit is what has a ratio of its own: a row, or a sequence.
__device__ __forceinline__ void add_unit(MetricSums& sums, const TokenLoss<double>& token) {
  sums.units += 1;
  sums.ratio_min = fmin(sums.ratio_min, token.ratio);
  sums.ratio_max = fmax(sums.ratio_max, token.ratio);
  sums.ratio += token.ratio;
  sums.factor += token.factor;
  sums.clip_low += token.event.low;
  sums.clip_high += token.event.high;
  sums.dual_clip += token.event.dual;
}

__device__ __forceinline__ void merge(MetricSums& into, const MetricSums& from) {
  into.bad_rows += from.bad_rows;
  if (from.first_bad_row < into.first_bad_row) {
    into.first_bad_row = from.first_bad_row;
    into.first_bad_reason = from.first_bad_reason;
  }
  into.active_rows += from.active_rows;
  into.units += from.units;
  into.clip_low += from.clip_low;
  into.clip_high += from.clip_high;
  into.dual_clip += from.dual_clip;
  into.loss += from.loss;
  into.policy_loss += from.policy_loss;
  into.kl += from.kl;
  into.entropy += from.entropy;
  into.approx_kl += from.approx_kl;
  into.ratio_min = fmin(into.ratio_min, from.ratio_min);
  into.ratio_max = fmax(into.ratio_max, from.ratio_max);
  into.ratio += from.ratio;
  into.factor += from.factor;
}

// The sums of all threads of a block, in thread 0; the others get parts.
__device__ __forceinline__ MetricSums block_merge(const MetricSums& mine) {
  MetricSums* all = shared_arena<MetricSums>();
  all[threadIdx.x] = mine;
  for (uint32_t width = blockDim.x / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) {
      merge(all[threadIdx.x], all[threadIdx.x + width]);
    }
  }
  return all[threadIdx.x];
}

// Why row i is bad before its objective is looked at; GRPO4J_ROW_OK where nothing says so.
__device__ __forceinline__ int32_t reason_of(const ObjectivePass& pass, int64_t i) {
  return pass.reasons.first == nullptr ? GRPO4J_ROW_OK : pass.reasons.of(i);
}

__device__ __forceinline__ void set_slopes(const ObjectivePass& pass, int64_t i, double g,
                                           double h) {
  if (pass.slopes != nullptr) {
    pass.slopes[i] = {g, h};
  }
}

// Whether row i takes part: neither masked nor bad. Bad ones are counted here, once.
__device__ __forceinline__ bool counts(const ObjectivePass& pass, int64_t i) {
  const float log_prob = pass.out.log_probs[i];
  return !is_masked(pass.batch.policy_weights, pass.batch.regularizer_weights, i) &&
         log_prob == log_prob && reason_of(pass, i) == GRPO4J_ROW_OK;
}

__device__ __forceinline__ void mark_bad(const ObjectivePass& pass, MetricSums& sums, int64_t i,
                                         int32_t reason) {
  fill_outputs(pass.out, i, __builtin_nanf(""));
  set_slopes(pass, i, 0, 0);
  add_bad(sums, i, reason);
}

__device__ __forceinline__ void add_token(const ObjectivePass& pass, MetricSums& sums, int64_t i) {
  const int32_t reason = reason_of(pass, i);
  if (reason != GRPO4J_ROW_OK) {
    add_bad(sums, i, reason);
  }
  if (!counts(pass, i)) {
    set_slopes(pass, i, 0, 0);
    return;
  }
  if (!has_advantage(pass.batch, i)) {
    mark_bad(pass, sums, i, GRPO4J_ROW_SEQUENCE);
    return;
  }
  const TokenInputs<double> in = token_inputs(pass.batch, pass.out, i);
  const TokenLoss<double> token = token_loss_of<false>(pass.config, in, log_difference(in));
  const double g = token.through_ratio + token.direct;
  if (!usable(g, token)) {
    mark_bad(pass, sums, i, GRPO4J_ROW_COEFFICIENT);
    return;
  }
  set_slopes(pass, i, g, token.h);
  add_row(sums, in, token);
  add_unit(sums, token);
}

__global__ void __launch_bounds__(kThreads, 2) objective_of_tokens(const ObjectivePass pass) {
  MetricSums sums = no_metrics();
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < pass.n;
       i += int64_t{gridDim.x} * kThreads) {
    add_token(pass, sums, i);
  }
  const MetricSums of_block = block_merge(sums);
  if (threadIdx.x == 0) {
    pass.sums[blockIdx.x] = of_block;
  }
}

// Rows [begin, end) share one ratio.
struct Sequence {
  int64_t begin;
  int64_t end;
  double log_ratio;
  double tokens;
};

// Whether sequence_offsets rise from 0 to n, in all threads of the block.
__device__ __forceinline__ bool offsets_rise(const ObjectivePass& pass) {
  const int64_t* offsets = pass.batch.sequence_offsets;
  bool good = offsets[0] == 0 && offsets[pass.batch.sequences] == pass.n;
  for (int64_t s = threadIdx.x; s < pass.batch.sequences; s += kThreads) {
    good = good && offsets[s] <= offsets[s + 1];
  }
  auto* of_warps = shared_arena<int32_t>();
  const bool all_lanes = !__any_sync(kAllLanes, !good);
  if (lane_id() == 0) {
    of_warps[threadIdx.x / kWarp] = all_lanes ? 1 : 0;
  }
  __syncthreads();
  int32_t warps = 0;
  for (uint32_t warp = 0; warp < kWarps; ++warp) {
    warps += of_warps[warp];
  }
  __syncthreads();  // the memory is used again
  return warps == static_cast<int32_t>(kWarps);
}

// The sequence's log ratio from its tokens; false where it has none. Rows bad already are counted.
__device__ __forceinline__ bool ratio_of(const ObjectivePass& pass, MetricSums& sums,
                                         Sequence& sequence) {
  double sum = 0;
  double tokens = 0;
  for (int64_t i = sequence.begin + lane_id(); i < sequence.end; i += kWarp) {
    const int32_t reason = reason_of(pass, i);
    if (reason != GRPO4J_ROW_OK) {
      add_bad(sums, i, reason);
    }
    set_slopes(pass, i, 0, 0);
    if (counts(pass, i)) {
      const TokenInputs<double> in = token_inputs(pass.batch, pass.out, i);
      sum += with_policy<true>(pass.config, [&](const auto& policy) {
               return policy.log_term(log_difference(in), in.advantage);
             }).value;
      tokens += 1;
    }
  }
  sequence.tokens = warp_sum(tokens);
  sum = warp_sum(sum);
  if (sequence.tokens == 0) {
    return false;
  }
  sequence.log_ratio = with_policy<true>(pass.config, [&](const auto& policy) {
    return policy.log_ratio(sum, sequence.tokens);
  });
  return true;
}

// What the tokens share through the ratio; finite: whether every one of them is usable.
struct SharedSlope {
  double value;
  bool finite;
  int64_t first_row;  // that counts
};

__device__ __forceinline__ SharedSlope shared_slope(const ObjectivePass& pass,
                                                    const Sequence& sequence) {
  SharedSlope shared = {0, true, INT64_MAX};
  for (int64_t i = sequence.begin + lane_id(); i < sequence.end; i += kWarp) {
    if (counts(pass, i)) {
      const TokenLoss<double> token = token_loss_of<true>(
          pass.config, token_inputs(pass.batch, pass.out, i), sequence.log_ratio);
      shared.value += token.through_ratio;
      shared.finite = shared.finite && usable(token.through_ratio + token.direct, token);
      shared.first_row = i < shared.first_row ? i : shared.first_row;
    }
  }
  shared.value = warp_sum(shared.value);
  shared.finite = !__any_sync(kAllLanes, !shared.finite) && usable_slope(shared.value);
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const long long other = __shfl_xor_sync(
        kAllLanes, static_cast<long long>(shared.first_row), offset);
    shared.first_row = other < shared.first_row ? other : shared.first_row;
  }
  return shared;
}

__device__ __forceinline__ void add_sequence(const ObjectivePass& pass, MetricSums& sums,
                                             Sequence& sequence) {
  if (!ratio_of(pass, sums, sequence)) {
    return;
  }
  const SharedSlope shared = shared_slope(pass, sequence);
  for (int64_t i = sequence.begin + lane_id(); i < sequence.end; i += kWarp) {
    if (!counts(pass, i)) {
      continue;
    }
    if (!shared.finite) {
      mark_bad(pass, sums, i, GRPO4J_ROW_COEFFICIENT);
      continue;
    }
    const TokenInputs<double> in = token_inputs(pass.batch, pass.out, i);
    const TokenLoss<double> token = token_loss_of<true>(pass.config, in, sequence.log_ratio);
    double through = token.through_ratio;
    if (pass.config.ratio_level == GRPO4J_RATIO_SEQUENCE) {
      const double slope = with_policy<true>(pass.config, [&](const auto& policy) {
                             return policy.log_term(log_difference(in), in.advantage);
                           }).slope;
      through = shared.value * slope / sequence.tokens;
    }
    set_slopes(pass, i, through + token.direct, token.h);
    add_row(sums, in, token);
    if (i == shared.first_row) {
      add_unit(sums, token);
    }
  }
}

__global__ void __launch_bounds__(kThreads, 2) objective_of_sequences(const ObjectivePass pass) {
  MetricSums sums = no_metrics();
  if (offsets_rise(pass)) {
    const int64_t warp = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
    for (int64_t s = warp; s < pass.batch.sequences; s += int64_t{gridDim.x} * kWarps) {
      Sequence sequence = {pass.batch.sequence_offsets[s], pass.batch.sequence_offsets[s + 1], 0,
                           0};
      add_sequence(pass, sums, sequence);
    }
  } else {
    // The host would have refused the call: nobody knows which rows share a ratio.
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < pass.n;
         i += int64_t{gridDim.x} * kThreads) {
      mark_bad(pass, sums, i, GRPO4J_ROW_SEQUENCE);
    }
  }
  const MetricSums of_block = block_merge(sums);
  if (threadIdx.x == 0) {
    pass.sums[blockIdx.x] = of_block;
  }
}

// The blocks' sums become the metrics: one block, kMaxBlocks threads.
__global__ void __launch_bounds__(kMaxBlocks) finish_metrics(const MetricSums* sums, int32_t count,
                                                            grpo4j_policy_metrics* metrics) {
  const MetricSums m =
      block_merge(static_cast<int32_t>(threadIdx.x) < count ? sums[threadIdx.x] : no_metrics());
  if (threadIdx.x != 0) {
    return;
  }
  const double rows = m.active_rows > 0 ? static_cast<double>(m.active_rows) : 1;
  const double units = static_cast<double>(m.units);
  const bool any = m.units > 0;
  *metrics = {{m.bad_rows, m.bad_rows > 0 ? m.first_bad_row : -1, m.first_bad_reason, kIsa},
              m.active_rows,
              m.units,
              m.clip_low,
              m.clip_high,
              m.dual_clip,
              m.loss,
              m.policy_loss,
              m.kl / rows,
              m.entropy / rows,
              m.approx_kl / rows,
              any ? m.ratio_min : 1,
              any ? m.ratio_max : 1,
              any ? m.ratio / units : 1,
              any ? m.factor / units : 1};
}

__global__ void __launch_bounds__(kThreads) zero_bad_rows(const grpo4j_row_outputs out, int64_t n,
                                                         const grpo4j_report* report) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n && report->bad_rows > 0 && out.log_probs[i] != out.log_probs[i]) {
    fill_outputs(out, i, 0);
  }
}

bool by_sequence(const ObjectivePass& pass) {
  return pass.config.ratio_level != GRPO4J_RATIO_TOKEN;
}

struct Memory {
  ObjectivePass pass;
  int64_t bytes;
};

Memory memory_of(const DeviceInfo&, const grpo4j_objective_args& args, void* workspace) {
  Workspace parts(workspace);
  ObjectivePass pass = {args.n,      args.batch,      args.out, args.config,
                        args.slopes, {nullptr, 0, 0}, nullptr};
  pass.sums = parts.take<MetricSums>(objective_blocks(pass));
  return {pass, parts.used()};
}

}  // namespace

int32_t objective_blocks(const ObjectivePass& pass) {
  const int64_t units = by_sequence(pass) ? pass.batch.sequences : pass.n;
  const int64_t per_block = by_sequence(pass) ? kWarps : kThreads;
  const int64_t blocks = (units + per_block - 1) / per_block;
  return static_cast<int32_t>(blocks < 1 ? 1 : (blocks < kMaxBlocks ? blocks : kMaxBlocks));
}

cudaError_t launch_objective(const ObjectivePass& pass, grpo4j_policy_metrics* metrics,
                             cudaStream_t stream) {
  const int32_t blocks = objective_blocks(pass);
  const LaunchShape shape = {static_cast<uint32_t>(blocks), kThreads,
                             kThreads * sizeof(MetricSums), 1};
  const cudaError_t error = by_sequence(pass)
                                ? launch<objective_of_sequences>(shape, stream, pass)
                                : launch<objective_of_tokens>(shape, stream, pass);
  if (error != cudaSuccess) {
    return error;
  }
  return launch<finish_metrics>({1, kMaxBlocks, kMaxBlocks * sizeof(MetricSums), 1}, stream,
                pass.sums, blocks, metrics);
}

cudaError_t launch_zero_bad_rows(const grpo4j_row_outputs& out, int64_t n,
                                 const grpo4j_report* report, cudaStream_t stream) {
  if (n == 0) {
    return cudaSuccess;
  }
  const auto blocks = static_cast<uint32_t>((n + kThreads - 1) / kThreads);
  return launch<zero_bad_rows>({blocks, kThreads, 0, 1}, stream, out, n, report);
}

}  // namespace grpo4j::cuda

int64_t grpo4j_cuda_objective_workspace(const grpo4j_objective_args* args) {
  using namespace grpo4j::cuda;
  return query_workspace(args, memory_of);
}

int32_t grpo4j_cuda_objective(const grpo4j_objective_args* args, grpo4j_policy_metrics* metrics,
                              void* workspace, int64_t workspace_bytes, void* stream) {
  using namespace grpo4j::cuda;
  return run_in({workspace, workspace_bytes}, args, metrics, memory_of,
                [&](const DeviceInfo&, const Memory& memory) {
                  const auto on = static_cast<cudaStream_t>(stream);
                  cudaError_t error = launch_objective(memory.pass, metrics, on);
                  if (error == cudaSuccess && (args->flags & GRPO4J_ZERO_BAD_ROWS) != 0) {
                    error = launch_zero_bad_rows(args->out, args->n, &metrics->report, on);
                  }
                  return status_of(error, "objective");
                });
}
