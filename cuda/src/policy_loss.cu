// policy_loss: loss and its gradient to the logits. The choice of the way through the rows.
//
// With a ratio per token a row is visited once (common/policy_kernels.cuh); where rows are so few
// that they would leave multiprocessors idle, several blocks share each: partial states, then the
// objective, then the gradient (policy_loss_split.cu). With a sequence's ratio rows are read twice:
// states, objective, gradient.
#include "common/forward.cuh"
#include "common/objective.cuh"
#include "common/policy_launch.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/call.h"
#include "host/plan.h"
#include "host/variant.h"

namespace grpo4j::cuda {
namespace {

bool by_token(const grpo4j_policy_loss_args& args) {
  return args.config.ratio_level == GRPO4J_RATIO_TOKEN;
}

// What a call keeps in its workspace.
struct Memory {
  PolicyPlan plan;
  RowPassPlan rows;        // of the forward pass, where there is one of its own
  PolicyPass pass;
  SplitMemory split;
  ObjectivePass objective;
  int64_t bytes;
};

Memory memory_of(const DeviceInfo& device, const grpo4j_policy_loss_args& args, void* workspace) {
  const int64_t n = args.rows.n;
  Workspace parts(workspace);
  Memory memory = {};
  memory.plan = plan_policy(device, n, args.logits);
  memory.rows = plan_row_pass(device, n, args.logits.vocab);
  memory.pass = {args, parts.take<int32_t>(n)};
  memory.objective = {n, args.batch, args.out, args.config, nullptr, {}, nullptr};
  if (by_token(args)) {
    memory.objective.reasons = {memory.pass.reasons, sizeof(int32_t), n};
  } else {
    memory.objective.slopes = args.slopes;
    memory.objective.reasons = {args.states == nullptr ? nullptr : &args.states->reason,
                                sizeof(grpo4j_row_state), n};
  }
  memory.objective.sums = parts.take<MetricSums>(objective_blocks(memory.objective));
  if (by_token(args) && memory.plan.variant == GRPO4J_CUDA_SPLIT) {
    memory.split.states = parts.take<grpo4j_row_state>(n);
    memory.split.slopes = parts.take<grpo4j_row_slopes>(n);
  }
  if (!by_token(args) || memory.plan.variant == GRPO4J_CUDA_SPLIT) {
    memory.split.chunk_states = parts.take<ChunkState>(memory.rows.states);
  }
  memory.bytes = parts.used();
  return memory;
}

grpo4j_logits_gradient_args gradient_args(const grpo4j_policy_loss_args& args,
                                          const grpo4j_row_state* states,
                                          const grpo4j_row_slopes* slopes) {
  return {args.logits, args.gradient, args.rows, 0, args.logits.vocab, states, slopes, args.flags};
}

// One visit of each row, then the metrics from what it stored.
cudaError_t launch_by_token(const DeviceInfo& device, const Memory& memory,
                            grpo4j_policy_metrics* metrics, cudaStream_t stream) {
  const grpo4j_policy_loss_args& args = memory.pass.args;
  cudaError_t error = cudaSuccess;
  if (args.rows.n == 0) {
    return launch_objective(memory.objective, metrics, stream);
  }
  if (memory.plan.variant == GRPO4J_CUDA_SPLIT) {
    error = launch_split(memory.pass, memory.split, memory.rows, stream);
    if (error == cudaSuccess) {
      error = launch_logits_gradient(gradient_args(args, memory.split.states, memory.split.slopes),
                                     device, stream);
    }
  } else if (memory.plan.variant == GRPO4J_CUDA_L2) {
    error = launch_by_l2(memory.pass, stream);
  } else {
    error = launch_on_chip(memory.pass, memory.plan.parts, stream);
  }
  return error != cudaSuccess ? error : launch_objective(memory.objective, metrics, stream);
}

// Two visits: a sequence's ratio is known when all its rows have been read.
cudaError_t launch_by_sequence(const DeviceInfo& device, const Memory& memory,
                               grpo4j_policy_metrics* metrics, cudaStream_t stream) {
  const grpo4j_policy_loss_args& args = memory.pass.args;
  cudaError_t error =
      launch_row_states({batch_of(args), args.states, &args.out, memory.split.chunk_states},
                        memory.rows, stream);
  if (error == cudaSuccess) {
    error = launch_objective(memory.objective, metrics, stream);
  }
  if (error == cudaSuccess) {
    error = launch_logits_gradient(gradient_args(args, args.states, args.slopes), device, stream);
  }
  if (error == cudaSuccess && (args.flags & GRPO4J_ZERO_BAD_ROWS) != 0) {
    error = launch_zero_bad_rows(args.out, args.rows.n, &metrics->report, stream);
  }
  return error;
}

int32_t enqueue(const DeviceInfo& device, const Memory& memory, grpo4j_policy_metrics* metrics,
                cudaStream_t stream) {
  if (!by_token(memory.pass.args)) {
    return status_of(launch_by_sequence(device, memory, metrics, stream), "policy_loss");
  }
  // A variant was forced that this device or size rules out.
  if (memory.plan.variant == GRPO4J_CUDA_AUTO) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  return status_of(launch_by_token(device, memory, metrics, stream), "policy_loss");
}

}  // namespace
}  // namespace grpo4j::cuda

int64_t grpo4j_cuda_policy_loss_workspace(const grpo4j_policy_loss_args* args) {
  using namespace grpo4j::cuda;
  return query_workspace(args, memory_of);
}

int32_t grpo4j_cuda_policy_loss(const grpo4j_policy_loss_args* args,
                                grpo4j_policy_metrics* metrics, void* workspace,
                                int64_t workspace_bytes, void* stream) {
  using namespace grpo4j::cuda;
  return run_in({workspace, workspace_bytes}, args, metrics, memory_of,
                [&](const DeviceInfo& device, const Memory& memory) {
                  return enqueue(device, memory, metrics, static_cast<cudaStream_t>(stream));
                });
}
