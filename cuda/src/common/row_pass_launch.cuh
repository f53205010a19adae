// Starts a forward pass: picks the kernel for element type, cap and wanted sums.
#pragma once

#include "common/launch.cuh"
#include "common/row_pass.cuh"
#include "host/plan.h"

namespace grpo4j::cuda {

template <class Element, class Cap, Sums kSums, class Finish>
cudaError_t launch_row_pass(RowPass pass, const RowPassPlan& plan, const Finish& finish,
                            cudaStream_t stream) {
  const int64_t n = pass.batch.rows.n;
  if (n == 0) {
    return cudaSuccess;
  }
  pass.blocks_per_row = plan.blocks_per_row;
  const int32_t chunks = Chunks(pass.batch.logits.vocab).count;
  const uint32_t shared = RowPassMemory<Element>::bytes(plan.threads, chunks);
  const LaunchShape rows = {static_cast<uint32_t>(n) * plan.blocks_per_row, plan.threads, shared,
                            1};
  const cudaError_t error =
      launch<row_pass<Element, Cap, kSums, Finish>>(rows, stream, pass, finish);
  if (error != cudaSuccess || plan.blocks_per_row == 1) {
    return error;
  }
  constexpr uint32_t kRowsPerBlock = kRowPassThreads / kWarp;
  const LaunchShape merges = {(static_cast<uint32_t>(n) + kRowsPerBlock - 1) / kRowsPerBlock,
                              kRowPassThreads, 0, 1};
  return launch<row_pass_merge<Element, Cap, Finish>>(merges, stream, pass, finish);
}

}  // namespace grpo4j::cuda
