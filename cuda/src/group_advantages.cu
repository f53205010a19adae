// group_advantages: one float per completion from the rewards of its group; formulas: advantages.h.
//
// rewards f32, lengths i32, advantages f32 [completions], all read in full; one block: completions
// are thousands at most. Sums over the batch in double by lane_sum.h, with the host's bits. Groups
// whose offsets are no part of 0 .. completions are left out.
#include "common/launch.cuh"
#include "grpo4j/advantages.h"
#include "grpo4j/grpo4j_cuda.h"
#include "grpo4j/lane_sum.h"
#include "host/call.h"

namespace grpo4j::cuda {
namespace {

// The sum of term(0) .. term(n - 1) in all threads of a block of kSumLanes.
template <class Term>
__device__ __forceinline__ double block_total(int64_t n, const Term& term) {
  auto* lanes = shared_arena<double>();
  const int lane = static_cast<int>(threadIdx.x);
  __syncthreads();
  lanes[lane] = lane_sum(n, lane, term);
  for (int half = kSumLanes / 2; half > 0; half /= 2) {
    __syncthreads();
    fold_lanes(lanes, lane, half);
  }
  __syncthreads();
  return lanes[0];
}

__device__ __forceinline__ double deviation_of_batch(const grpo4j_group_advantages_args& args) {
  const int64_t n = args.completions;
  const double mean =
      batch_mean(args, block_total(n, [&](int64_t i) { return reward_offset(args, i); }));
  return batch_deviation(args,
                         block_total(n, [&](int64_t i) { return reward_square(args, mean, i); }));
}

__device__ __forceinline__ void whiten_over_tokens(const grpo4j_group_advantages_args& args) {
  const int64_t n = args.completions;
  const double tokens = block_total(n, [&](int64_t i) { return trained_tokens(args, i); });
  if (tokens < 2) {
    return;
  }
  const double mean = whitening_mean(
      block_total(n, [&](int64_t i) { return weighted_advantage(args, i); }), tokens);
  const double squares = block_total(n, [&](int64_t i) { return weighted_square(args, mean, i); });
  for (int64_t i = threadIdx.x; i < n; i += kSumLanes) {
    args.advantages[i] = whitened(args.advantages[i], mean, squares, tokens);
  }
}

__global__ void __launch_bounds__(kSumLanes)
    advantages_of_groups(const grpo4j_group_advantages_args args) {
  const double deviation = args.scale == GRPO4J_SCALE_BATCH ? deviation_of_batch(args) : 0;
  for (int64_t g = threadIdx.x; g < args.groups; g += kSumLanes) {
    const Group group = {args.group_offsets[g], args.group_offsets[g + 1]};
    if (group.begin >= 0 && group.end <= args.completions) {
      group_advantages(args, group, deviation);
    }
  }
  if (args.estimator == GRPO4J_ADVANTAGE_REINFORCE) {
    whiten_over_tokens(args);  // its first sum begins with a barrier: all advantages are there
  }
}

}  // namespace
}  // namespace grpo4j::cuda

int32_t grpo4j_cuda_group_advantages(const grpo4j_group_advantages_args* args, void* stream) {
  using namespace grpo4j::cuda;
  return run(args, [&](const DeviceInfo&) {
    if (args->completions == 0) {
      return int32_t{GRPO4J_OK};
    }
    constexpr uint32_t kThreads = grpo4j::kSumLanes;
    const LaunchShape shape = {1, kThreads, kThreads * sizeof(double), 1};
    return status_of(
        launch<advantages_of_groups>(shape, static_cast<cudaStream_t>(stream), *args),
        "group_advantages");
  });
}
