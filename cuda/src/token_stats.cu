// token_stats: logProb, entropy, lse and sum p^2 of each row, one read of the logits.
//
//   lse = m/T + ln s,  H = ln s - t/s,  sum p^2 = q / s^2,  logProb = (z_y - m)/T - ln s
//
// with the sums of chunk_states.cuh; shapes, aliasing and bytes: row_pass.cuh. Outputs f32 [n].
#include "common/dispatch.cuh"
#include "common/report.cuh"
#include "common/row_pass_launch.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/call.h"

namespace grpo4j::cuda {
namespace {

struct StoreStatistics {
  grpo4j_row_outputs out;
  uint32_t flags;
  int32_t* reasons;  // [n]

  __device__ __forceinline__ void operator()(int64_t i, const RowHead& head,
                                             const RowStatistics& row, float target_logit) const {
    reasons[i] = row.reason;
    if (row.reason != GRPO4J_ROW_OK) {
      fill_outputs(out, i, bad_output(flags));
      return;
    }
    store_outputs(out, i, row, log_prob_of(row, target_logit, head.inverse_temperature),
                  head.inverse_temperature);
  }
  __device__ __forceinline__ void unread(int64_t i, const RowHead& head) const {
    reasons[i] = head.reason;
    fill_outputs(out, i, bad_output(flags));
  }
};

struct Memory {
  RowPassPlan plan;
  int32_t* reasons;
  ChunkState* states;
  int64_t bytes;
};

Memory memory_of(const DeviceInfo& device, const grpo4j_token_stats_args& args, void* workspace) {
  Workspace parts(workspace);
  const RowPassPlan plan = plan_row_pass(device, args.rows.n, args.logits.vocab);
  int32_t* reasons = parts.take<int32_t>(args.rows.n);
  ChunkState* states = parts.take<ChunkState>(plan.states);
  return {plan, reasons, states, parts.used()};
}

// entropy and sum_squares cost arithmetic that log-probs alone don't.
template <class Element>
cudaError_t launch_for(const grpo4j_token_stats_args& args, const RowPass& pass,
                       const RowPassPlan& plan, const StoreStatistics& store,
                       cudaStream_t stream) {
  if (args.rows.soft_cap != 0) {
    return launch_row_pass<Element, SoftCap, Sums::kSquares>(pass, plan, store, stream);
  }
  if (args.out.sum_squares != nullptr) {
    return launch_row_pass<Element, NoCap, Sums::kSquares>(pass, plan, store, stream);
  }
  if (args.out.entropy != nullptr) {
    return launch_row_pass<Element, NoCap, Sums::kEntropy>(pass, plan, store, stream);
  }
  return launch_row_pass<Element, NoCap, Sums::kExp>(pass, plan, store, stream);
}

cudaError_t launch_token_stats(const grpo4j_token_stats_args& args, const Memory& memory,
                               grpo4j_report* report, cudaStream_t stream) {
  const RowPass pass = {
      {args.logits, args.rows, 0, args.logits.vocab, false, nullptr, nullptr}, 1, memory.states};
  const StoreStatistics store = {args.out, args.flags, memory.reasons};
  const cudaError_t error = with_element(args.logits.dtype, [&](auto element) {
    return launch_for<decltype(element)>(args, pass, memory.plan, store, stream);
  });
  return error != cudaSuccess
             ? error
             : launch_report({memory.reasons, sizeof(int32_t), args.rows.n}, report, stream);
}

}  // namespace
}  // namespace grpo4j::cuda

int64_t grpo4j_cuda_token_stats_workspace(const grpo4j_token_stats_args* args) {
  using namespace grpo4j::cuda;
  return query_workspace(args, memory_of);
}

int32_t grpo4j_cuda_token_stats(const grpo4j_token_stats_args* args, grpo4j_report* report,
                                void* workspace, int64_t workspace_bytes, void* stream) {
  using namespace grpo4j::cuda;
  return run_in({workspace, workspace_bytes}, args, report, memory_of,
                [&](const DeviceInfo&, const Memory& memory) {
                  const auto on = static_cast<cudaStream_t>(stream);
                  return status_of(launch_token_stats(*args, memory, report, on), "token_stats");
                });
}
