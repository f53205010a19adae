// token_weights: ResT's weight of each token of a completion; formulas: token_weights.h.
//
// regions u8, completion_mask f32, weights f32 [n]; a block a completion, which reads its tokens
// twice (5 bytes each) and writes 4 bytes of each. Sums in double by lane_sum.h, with the host's
// bits. Completions whose offsets are no part of 0 .. n are left out.
#include "common/launch.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "grpo4j/lane_sum.h"
#include "grpo4j/token_weights.h"
#include "host/call.h"

namespace grpo4j::cuda {
namespace {

// The sums of weights and of tokens that have one, in all threads.
struct WeightSums {
  double weights;
  double count;
};

__device__ __forceinline__ WeightSums sums_of(const grpo4j_token_weights_args& args, int64_t begin,
                                              int64_t end) {
  auto* weights = shared_arena<double>();
  double* counts = weights + kSumLanes;
  const int lane = static_cast<int>(threadIdx.x);
  weights[lane] =
      lane_sum(end - begin, lane, [&](int64_t i) { return weight_term(args, begin + i); });
  counts[lane] =
      lane_sum(end - begin, lane, [&](int64_t i) { return weight_count(args, begin + i); });
  for (int half = kSumLanes / 2; half > 0; half /= 2) {
    __syncthreads();
    fold_lanes(weights, lane, half);
    fold_lanes(counts, lane, half);
  }
  __syncthreads();
  return {weights[0], counts[0]};
}

// One block a multiprocessor: ptxas for sm_100 aims at more by itself, and spills.
__global__ void __launch_bounds__(kSumLanes, 1)
    weights_of_completions(const grpo4j_token_weights_args args) {
  const int64_t begin = args.sequence_offsets[blockIdx.x];
  const int64_t end = args.sequence_offsets[blockIdx.x + 1];
  if (begin < 0 || begin > end || end > args.n) {
    return;
  }
  const WeightSums sums = sums_of(args, begin, end);
  const double mean = mean_weight(sums.weights, sums.count);
  for (int64_t token = begin + threadIdx.x; token < end; token += kSumLanes) {
    args.weights[token] = token_weight(args, mean, token);
  }
}

}  // namespace
}  // namespace grpo4j::cuda

int32_t grpo4j_cuda_token_weights(const grpo4j_token_weights_args* args, void* stream) {
  using namespace grpo4j::cuda;
  return run(args, [&](const DeviceInfo&) {
    if (args->n == 0) {
      return int32_t{GRPO4J_OK};
    }
    constexpr uint32_t kThreads = grpo4j::kSumLanes;
    const LaunchShape shape = {static_cast<uint32_t>(args->sequences), kThreads,
                               2 * kThreads * sizeof(double), 1};
    return status_of(
        launch<weights_of_completions>(shape, static_cast<cudaStream_t>(stream), *args),
        "token_weights");
  });
}
