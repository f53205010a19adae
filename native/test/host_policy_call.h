// A call of policy_loss on the host.
#pragma once

#include "policy_call.h"
#include "policy_check.h"

class HostPolicyCall : public PolicyCall<HostArray> {
 public:
  using PolicyCall::PolicyCall;

  int32_t run() { return run(args()); }
  int32_t run(const grpo4j_policy_loss_args& a) { return grpo4j_policy_loss(&a, metrics.data()); }
};
