// A call of policy_loss one way or another, and its comparison with what it must give.
#pragma once

#include "calls.h"
#include "policy_check.h"

template <class Way>
class PolicyBy : public PolicyCall<Way::template Array> {
 public:
  using PolicyCall<Way::template Array>::PolicyCall;

  int32_t run() { return run(this->args()); }
  int32_t run(const grpo4j_policy_loss_args& a) { return Way::call(a, this->metrics.data()); }
};

using DevicePolicyCall = PolicyBy<OnDevice>;

// The whole of a case: status, statistics, gradient, metrics, and what must stay as it was.
template <class Way = OnDevice>
void check_policy(const PolicyCase& c) {
  const PolicyInputs in(c);
  PolicyBy<Way> call(c, in);
  const int32_t status = call.run();
  if (expect(status == GRPO4J_OK, std::string("status, ") + grpo4j_cuda_last_error(), c.name())) {
    const PolicyOutcome got = outcome_of(call);
    PolicyCheck(c, in, got, kCudaErrors).all(GRPO4J_ISA_CUDA_EMULATED);
  }
}
