// row_states: mergeable statistics of each row over one shard of the vocabulary, one read of it.
// Formulas: chunk_states.cuh; shapes, aliasing and bytes: row_pass.cuh. 40 bytes a row are written.
#include "common/dispatch.cuh"
#include "common/forward.cuh"
#include "common/report.cuh"
#include "common/row_pass_launch.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/call.h"

namespace grpo4j::cuda {
namespace {

struct StoreState {
  grpo4j_row_state* states;  // [n]
  grpo4j_row_outputs out;
  bool whole;  // the shard is the whole vocabulary: out is written, too

  static __device__ __forceinline__ grpo4j_row_state empty(int32_t reason) {
    return {0, 0, 0, -kInfinity, -kInfinity, reason, 0};
  }

  __device__ __forceinline__ void operator()(int64_t i, const RowHead& head,
                                             const RowStatistics& row, float target_logit) const {
    if (row.reason == GRPO4J_ROW_OK) {
      states[i] = {row.sum,      row.weighted, row.squares, row.max_logit,
                   target_logit, GRPO4J_ROW_OK, 0};
      if (whole) {
        store_outputs(out, i, row, log_prob_of(row, target_logit, head.inverse_temperature),
                      head.inverse_temperature);
      }
      return;
    }
    // Another shard may hold the mass; the merge knows.
    const bool mergeable = row.reason == GRPO4J_ROW_ALL_MINUS_INF && !whole;
    states[i] = empty(mergeable ? GRPO4J_ROW_OK : row.reason);
    if (whole) {
      fill_outputs(out, i, __builtin_nanf(""));
    }
  }

  __device__ __forceinline__ void unread(int64_t i, const RowHead& head) const {
    states[i] = empty(head.masked ? GRPO4J_ROW_OK : head.reason);
    if (whole) {
      fill_outputs(out, i, head.masked ? 0 : __builtin_nanf(""));
    }
  }
};

struct Memory {
  RowPassPlan plan;
  ChunkState* states;
  int64_t bytes;
};

Memory memory_of(const DeviceInfo& device, const grpo4j_row_states_args& args, void* workspace) {
  Workspace parts(workspace);
  const RowPassPlan plan = plan_row_pass(device, args.rows.n, args.logits.vocab);
  ChunkState* states = parts.take<ChunkState>(plan.states);
  return {plan, states, parts.used()};
}

}  // namespace

cudaError_t launch_row_states(const RowStatesPass& asked, const RowPassPlan& plan,
                              cudaStream_t stream) {
  const RowPass pass = {asked.batch, 1, asked.chunk_states};
  const bool whole = asked.outputs != nullptr;
  const StoreState store = {asked.states, whole ? *asked.outputs : grpo4j_row_outputs{}, whole};
  return with_element(asked.batch.logits.dtype, [&](auto element) {
    using Element = decltype(element);
    return asked.batch.rows.soft_cap == 0
               ? launch_row_pass<Element, NoCap, Sums::kSquares>(pass, plan, store, stream)
               : launch_row_pass<Element, SoftCap, Sums::kSquares>(pass, plan, store, stream);
  });
}

namespace {

cudaError_t launch_with_report(const grpo4j_row_states_args& args, const Memory& memory,
                               grpo4j_report* report, cudaStream_t stream) {
  const RowBatch batch = {args.logits, args.rows, args.vocab_begin, args.vocab_total,
                          false,       nullptr,   nullptr};
  const cudaError_t error =
      launch_row_states({batch, args.states, nullptr, memory.states}, memory.plan, stream);
  if (error != cudaSuccess) {
    return error;
  }
  const int32_t* first = args.states == nullptr ? nullptr : &args.states->reason;
  return launch_report({first, sizeof(grpo4j_row_state), args.rows.n}, report, stream);
}

}  // namespace
}  // namespace grpo4j::cuda

int64_t grpo4j_cuda_row_states_workspace(const grpo4j_row_states_args* args) {
  using namespace grpo4j::cuda;
  return query_workspace(args, memory_of);
}

int32_t grpo4j_cuda_row_states(const grpo4j_row_states_args* args, grpo4j_report* report,
                               void* workspace, int64_t workspace_bytes, void* stream) {
  using namespace grpo4j::cuda;
  return run_in({workspace, workspace_bytes}, args, report, memory_of,
                [&](const DeviceInfo&, const Memory& memory) {
                  const auto on = static_cast<cudaStream_t>(stream);
                  return status_of(launch_with_report(*args, memory, report, on), "row_states");
                });
}
