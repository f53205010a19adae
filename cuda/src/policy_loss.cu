// policy_loss: loss and its gradient to the logits. The choice of the way through the rows; formulas
// and bytes: common/policy_kernels.cuh, common/gradient.cuh.
#include "common/objective.cuh"
#include "common/policy_launch.cuh"
#include "grpo4j/grpo4j_cuda.h"
#include "host/device.h"
#include "host/plan.h"
#include "host/validate.h"
#include "host/variant.h"
#include "host/workspace.h"

namespace grpo4j::cuda {
namespace {

bool by_token(const grpo4j_policy_loss_args& args) {
  return args.config.ratio_level == GRPO4J_RATIO_TOKEN;
}

// What a call keeps in its workspace.
struct Memory {
  PolicyPlan plan;
  PolicyPass pass;
  ObjectivePass objective;
  int64_t bytes;
};

Memory memory_of(const DeviceInfo& device, const grpo4j_policy_loss_args& args, void* workspace) {
  const int64_t n = args.rows.n;
  Workspace parts(workspace);
  Memory memory = {};
  memory.plan = plan_policy(device, n, args.logits);
  memory.pass = {args, parts.take<int32_t>(n)};
  memory.objective = {n,       args.batch, args.out,
                      args.config, nullptr,    {memory.pass.reasons, sizeof(int32_t), n},
                      nullptr};
  memory.objective.sums = parts.take<MetricSums>(objective_blocks(memory.objective));
  memory.bytes = parts.used();
  return memory;
}

// One visit of each row, then the metrics from what it stored.
cudaError_t launch_by_token(const Memory& memory, grpo4j_policy_metrics* metrics,
                            cudaStream_t stream) {
  cudaError_t error = cudaSuccess;
  if (memory.objective.n > 0) {
    error = memory.plan.variant == GRPO4J_CUDA_L2
                ? launch_by_l2(memory.pass, stream)
                : launch_on_chip(memory.pass, memory.plan.parts, stream);
  }
  return error != cudaSuccess ? error : launch_objective(memory.objective, metrics, stream);
}

}  // namespace
}  // namespace grpo4j::cuda

int64_t grpo4j_cuda_policy_loss_workspace(const grpo4j_policy_loss_args* args) {
  using namespace grpo4j::cuda;
  DeviceInfo device;
  if (args == nullptr || !valid_on_host(*args) || !current_device(device)) {
    return -1;
  }
  return memory_of(device, *args, nullptr).bytes;
}

int32_t grpo4j_cuda_policy_loss(const grpo4j_policy_loss_args* args,
                                grpo4j_policy_metrics* metrics, void* workspace,
                                int64_t workspace_bytes, void* stream) {
  using namespace grpo4j::cuda;
  if (args == nullptr || metrics == nullptr || !valid_on_host(*args) || !by_token(*args)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  DeviceInfo device;
  if (!current_device(device)) {
    return GRPO4J_DEVICE_ERROR;
  }
  const Memory memory = memory_of(device, *args, workspace);
  if (memory.plan.variant == GRPO4J_CUDA_AUTO) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  if (!workspace_fits(workspace, workspace_bytes, memory.bytes)) {
    return GRPO4J_WORKSPACE_TOO_SMALL;
  }
  const auto on = static_cast<cudaStream_t>(stream);
  return status_of(launch_by_token(memory, metrics, on), "policy_loss");
}
