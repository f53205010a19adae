// merge_states: the states of a row's shards become its statistics; formulas: kernels/merge.h.
// shards [shard_count, n], merged [n], which may be the first shard; one thread a row, scalars in
// double. 40 bytes a shard and row are read, 56 a row written.
#include "common/report.cuh"
#include "common/rows.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/call.h"
#include "kernels/merge.h"

namespace grpo4j::cuda {
namespace {

constexpr uint32_t kThreads = 128;

__device__ __forceinline__ RowStatistics statistics_of(const grpo4j_row_state& state) {
  RowStatistics row = {state.reason, state.max_logit, state.sum, state.weighted,
                       state.squares, 0, 0};
  derive(row);
  return row;
}

__global__ void __launch_bounds__(kThreads) merge_shards(const grpo4j_merge_states_args args) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= args.n) {
    return;
  }
  const double temperature =
      args.temperatures == nullptr ? args.temperature : static_cast<double>(args.temperatures[i]);
  grpo4j_row_state state = args.shards[i];
  for (int64_t shard = 1; shard < args.shard_count; ++shard) {
    state = merged(state, args.shards[shard * args.n + i], temperature);
  }
  if (state.reason == GRPO4J_ROW_OK && !usable_temperature(temperature)) {
    state.reason = GRPO4J_ROW_TEMPERATURE;
  }
  if (state.reason == GRPO4J_ROW_OK && !(state.sum > 0)) {
    state.reason = GRPO4J_ROW_ALL_MINUS_INF;
  }
  args.merged[i] = state;
  if (state.reason != GRPO4J_ROW_OK) {
    fill_outputs(args.out, i, bad_output(args.flags));
    return;
  }
  const RowStatistics row = statistics_of(state);
  const double inverse_temperature = 1 / temperature;
  store_outputs(args.out, i, row, log_prob_of(row, state.target_logit, inverse_temperature),
                inverse_temperature);
}

cudaError_t launch_merge(const grpo4j_merge_states_args& args, grpo4j_report* report,
                         cudaStream_t stream) {
  if (args.n > 0) {
    const auto blocks = static_cast<uint32_t>((args.n + kThreads - 1) / kThreads);
    if (const cudaError_t error = launch<merge_shards>({blocks, kThreads, 0, 1}, stream, args);
        error != cudaSuccess) {
      return error;
    }
  }
  const int32_t* first = args.merged == nullptr ? nullptr : &args.merged->reason;
  return launch_report({first, sizeof(grpo4j_row_state), args.n}, report, stream);
}

}  // namespace
}  // namespace grpo4j::cuda

int32_t grpo4j_cuda_merge_states(const grpo4j_merge_states_args* args, grpo4j_report* report,
                                 void* stream) {
  using namespace grpo4j::cuda;
  return run(args, report, [&](const DeviceInfo&) {
    return status_of(launch_merge(*args, report, static_cast<cudaStream_t>(stream)),
                     "merge_states");
  });
}
