// policy_loss where rows are few: several blocks share a row. Its states and slopes go to the
// workspace, for logits_gradient to write the gradient from; that reads the logits a second time.
#include "common/dispatch.cuh"
#include "common/policy_launch.cuh"
#include "common/row_pass_launch.cuh"

namespace grpo4j::cuda {
namespace {

struct StoreSlopes {
  PolicyPass pass;
  SplitMemory memory;

  __device__ __forceinline__ void operator()(int64_t i, const RowHead& head,
                                             const RowStatistics& row, float target_logit) const {
    const RowDecision decision = decide_row(pass, i, head, row, target_logit, true);
    memory.slopes[i] = {decision.slopes.g, decision.slopes.h};
    memory.states[i] = {row.sum, row.weighted, row.squares, row.max_logit, target_logit,
                        decision.reason, 0};
  }
  __device__ __forceinline__ void unread(int64_t i, const RowHead& head) const {
    finish_unread(pass, i, head);
    memory.slopes[i] = {0, 0};
    memory.states[i] = {0, 0, 0, -kInfinity, -kInfinity, head.reason, 0};
  }
};

}  // namespace

cudaError_t launch_split(const PolicyPass& pass, const SplitMemory& memory,
                         const RowPassPlan& plan, cudaStream_t stream) {
  const RowPass rows = {batch_of(pass.args), 1, memory.chunk_states};
  const StoreSlopes store = {pass, memory};
  return with_element(pass.args.logits.dtype, [&](auto element) {
    using Element = decltype(element);
    return pass.args.rows.soft_cap == 0
               ? launch_row_pass<Element, NoCap, Sums::kSquares>(rows, plan, store, stream)
               : launch_row_pass<Element, SoftCap, Sums::kSquares>(rows, plan, store, stream);
  });
}

}  // namespace grpo4j::cuda
