// A call of policy_loss on the (emulated) device, and its comparison with what it must give.
#pragma once

#include "device_array.h"
#include "policy_call.h"
#include "policy_check.h"

class DevicePolicyCall : public PolicyCall<DeviceArray> {
 public:
  using PolicyCall::PolicyCall;

  // Queries the workspace, calls, waits.
  int32_t run() { return run(args()); }
  int32_t run(const grpo4j_policy_loss_args& a) {
    const int64_t bytes = grpo4j_cuda_policy_loss_workspace(&a);
    if (bytes < 0) return GRPO4J_INVALID_ARGUMENT;
    const DeviceArray<char> workspace(bytes);
    const int32_t status =
        grpo4j_cuda_policy_loss(&a, metrics.data(), workspace.data(), bytes, nullptr);
    grpo4j_cuda_synchronize(nullptr);
    return status;
  }
};

// The whole of a case: status, statistics, gradient, metrics, and what must stay as it was.
inline void check_policy(const PolicyCase& c) {
  const PolicyInputs in(c);
  DevicePolicyCall call(c, in);
  const int32_t status = call.run();
  if (expect(status == GRPO4J_OK, std::string("status, ") + grpo4j_cuda_last_error(), c.name())) {
    const PolicyOutcome got = outcome_of(call);
    PolicyCheck(c, in, got, kCudaSlopeError).all(GRPO4J_ISA_CUDA_EMULATED);
  }
}
