// Instantiations and launch of policy_loss_by_l2; the kernel: common/policy_kernels.cuh.
#include "common/policy_kernels.cuh"
#include "common/policy_launch.cuh"

namespace grpo4j::cuda {
namespace {

template <class Element, class Kind, Sums kSums>
cudaError_t launch_kind(const PolicyPass& pass, cudaStream_t stream) {
  const Chunks chunks(pass.args.logits.vocab);
  const int64_t shared = PolicyMemory<Element>::bytes(kL2Threads, chunks.count, 0);
  const LaunchShape shape = {static_cast<uint32_t>(pass.args.rows.n), kL2Threads,
                             static_cast<uint32_t>(shared), 1};
  return launch<policy_loss_by_l2<Element, Kind, kSums>>(shape, stream, pass);
}

}  // namespace

cudaError_t launch_by_l2(const PolicyPass& pass, cudaStream_t stream) {
  return launch_policy(pass, [&](auto element, auto kind, auto sums) {
    return launch_kind<decltype(element), decltype(kind), decltype(sums)::value>(pass, stream);
  });
}

}  // namespace grpo4j::cuda
