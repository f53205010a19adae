// Instantiations and launch of policy_loss_on_chip; the kernel: common/policy_kernels.cuh.
#include "common/policy_kernels.cuh"
#include "common/policy_launch.cuh"

namespace grpo4j::cuda {
namespace {

template <class Element, class Kind, Sums kSums>
cudaError_t launch_kind(const PolicyPass& pass, uint32_t parts, cudaStream_t stream) {
  const int64_t vocab = pass.args.logits.vocab;
  const LaunchShape shape = {
      static_cast<uint32_t>(pass.args.rows.n) * parts, kOnChipThreads,
      static_cast<uint32_t>(on_chip_bytes<Element>(Chunks(vocab), vocab, kOnChipThreads, parts)), parts};
  return launch<policy_loss_on_chip<Element, Kind, kSums>>(shape, stream, pass);
}

}  // namespace

int64_t on_chip_bytes_of(const grpo4j_matrix& logits, uint32_t parts) {
  const Chunks chunks(logits.vocab);
  return logits.dtype == GRPO4J_F32
             ? on_chip_bytes<F32>(chunks, logits.vocab, kOnChipThreads, parts)
             : on_chip_bytes<Bf16>(chunks, logits.vocab, kOnChipThreads, parts);
}

cudaError_t launch_on_chip(const PolicyPass& pass, uint32_t parts, cudaStream_t stream) {
  return launch_policy(pass, [&](auto element, auto kind, auto sums) {
    return launch_kind<decltype(element), decltype(kind), decltype(sums)::value>(pass, parts,
                                                                                 stream);
  });
}

}  // namespace grpo4j::cuda
