// Picks the kernel of policy_loss for element type, gradient and wanted sums.
#pragma once

#include "common/dispatch.cuh"
#include "common/launch.cuh"
#include "common/policy_row.cuh"
#include "host/plan.h"

namespace grpo4j::cuda {

using PlainGradient = GradientKind<false, false, NoCap>;
using EntropyGradient = GradientKind<true, false, NoCap>;
using AddedGradient = GradientKind<true, true, NoCap>;
using CappedGradient = GradientKind<true, false, SoftCap>;
using CappedAddedGradient = GradientKind<true, true, SoftCap>;

constexpr bool is_plain(PlainGradient) { return true; }
template <class Kind>
constexpr bool is_plain(Kind) {
  return false;
}

// Calls use(kind) with what the arguments ask of a gradient.
template <class Use>
cudaError_t with_gradient_kind(bool entropy, bool accumulate, bool capped, const Use& use) {
  if (capped) {
    return accumulate ? use(CappedAddedGradient()) : use(CappedGradient());
  }
  if (accumulate) {
    return use(AddedGradient());
  }
  return entropy ? use(EntropyGradient()) : use(PlainGradient());
}

template <Sums kSums>
struct SumsConstant {
  static constexpr Sums value = kSums;
};

// Calls use(element, kind, sums) for a call with a ratio per token. Only the common case has a kernel
// without sum p^2, which costs it one multiplication an element.
template <class Use>
cudaError_t launch_policy(const PolicyPass& pass, const Use& use) {
  const grpo4j_policy_loss_args& args = pass.args;
  return with_element(args.logits.dtype, [&](auto element) {
    return with_gradient_kind(
        args.config.entropy_coef != 0, (args.flags & GRPO4J_ACCUMULATE) != 0,
        args.rows.soft_cap != 0, [&](auto kind) {
          if constexpr (is_plain(kind)) {
            if (args.out.sum_squares == nullptr) {
              return use(element, kind, SumsConstant<Sums::kEntropy>());
            }
          }
          return use(element, kind, SumsConstant<Sums::kSquares>());
        });
  });
}

// policy_loss_on_chip with a cluster of `parts` blocks for each row.
cudaError_t launch_on_chip(const PolicyPass& pass, uint32_t parts, cudaStream_t stream);
// Shared memory of each of its blocks.
int64_t on_chip_bytes_of(const grpo4j_matrix& logits, uint32_t parts);

cudaError_t launch_by_l2(const PolicyPass& pass, cudaStream_t stream);

// What several blocks of a row leave for its gradient.
struct SplitMemory {
  grpo4j_row_state* states;    // [n]
  grpo4j_row_slopes* slopes;   // [n]
  ChunkState* chunk_states;    // [plan.states]
};

cudaError_t launch_split(const PolicyPass& pass, const SplitMemory& memory,
                         const RowPassPlan& plan, cudaStream_t stream);

}  // namespace grpo4j::cuda
