#include "host/plan.h"

#include <algorithm>
#include <atomic>

#include "common/chunks.cuh"
#include "common/policy_launch.cuh"
#include "common/row_pass.cuh"
#include "host/variant.h"

namespace grpo4j::cuda {
namespace {

constexpr int64_t kWarps = kRowPassThreads / kWarp;
constexpr int64_t kBlocksPerProcessor = 4;  // of the forward pass; below this, memory isn't kept busy

std::atomic<int32_t>& variant() {
  static std::atomic<int32_t> forced{GRPO4J_CUDA_AUTO};
  return forced;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t kReservedShared = 1024;  // that every block costs beside its own

// Blocks of so many bytes that a multiprocessor holds at once.
int64_t resident(const DeviceInfo& device, int64_t bytes) {
  return bytes > device.shared_per_block
             ? 0
             : device.shared_per_multiprocessor / (bytes + kReservedShared);
}

uint32_t parts_of(int32_t variant) {
  switch (variant) {
    case GRPO4J_CUDA_CLUSTER2:
      return 2;
    case GRPO4J_CUDA_CLUSTER4:
      return 4;
    case GRPO4J_CUDA_CLUSTER8:
      return 8;
    default:
      return 1;
  }
}

bool possible(const DeviceInfo& device, const grpo4j_matrix& logits, int32_t variant) {
  if (variant == GRPO4J_CUDA_L2 || variant == GRPO4J_CUDA_SPLIT) {
    return true;
  }
  const uint32_t parts = parts_of(variant);
  return variant >= GRPO4J_CUDA_SHARED && variant <= GRPO4J_CUDA_CLUSTER8 &&
         (parts == 1 || device.clusters) &&
         resident(device, on_chip_bytes_of(logits, parts)) >= 1;
}

// The fewest blocks a row with which two of them fit a multiprocessor: one loads while the other
// computes and stores. Otherwise with which one fits; otherwise the row does not stay in shared
// memory.
PolicyPlan plan_one_visit(const DeviceInfo& device, const grpo4j_matrix& logits) {
  constexpr int32_t kOnChip[] = {GRPO4J_CUDA_SHARED, GRPO4J_CUDA_CLUSTER2, GRPO4J_CUDA_CLUSTER4,
                                 GRPO4J_CUDA_CLUSTER8};
  for (int64_t blocks = 2; blocks >= 1; --blocks) {
    for (const int32_t variant : kOnChip) {
      if (possible(device, logits, variant) &&
          resident(device, on_chip_bytes_of(logits, parts_of(variant))) >= blocks) {
        return {variant, parts_of(variant)};
      }
    }
  }
  return {GRPO4J_CUDA_L2, 1};
}

}  // namespace

int32_t forced_variant() { return variant().load(std::memory_order_relaxed); }

PolicyPlan plan_policy(const DeviceInfo& device, int64_t n, const grpo4j_matrix& logits) {
  const int32_t forced = forced_variant();
  if (forced != GRPO4J_CUDA_AUTO && forced != GRPO4J_CUDA_WHOLE) {
    return {possible(device, logits, forced) ? forced : GRPO4J_CUDA_AUTO, parts_of(forced)};
  }
  const PolicyPlan plan = plan_one_visit(device, logits);
  // So few rows would leave half of the multiprocessors idle, and fit the L2 until their gradient.
  const bool few = 2 * n * plan.parts < device.multiprocessors;
  return few && Chunks(logits.vocab).count > kWarps ? PolicyPlan{GRPO4J_CUDA_SPLIT, 1} : plan;
}

RowPassPlan plan_row_pass(const DeviceInfo& device, int64_t n, int64_t vocab) {
  const int64_t chunks = Chunks(vocab).count;
  const int64_t wanted = kBlocksPerProcessor * device.multiprocessors;
  const int64_t most = divide_up(chunks, kWarps);
  int64_t blocks = n == 0 || n >= wanted || chunks <= kWarps
                       ? 1
                       : std::min(most, divide_up(wanted, n));
  if (forced_variant() == GRPO4J_CUDA_SPLIT) {
    blocks = most;
  } else if (forced_variant() == GRPO4J_CUDA_WHOLE) {
    blocks = 1;
  }
  if (blocks == 1) {
    return {1, static_cast<uint32_t>(kWarp * std::min(kWarps, chunks)), 0};
  }
  return {static_cast<uint32_t>(blocks), kRowPassThreads, n * chunks};
}

uint32_t gradient_blocks(const DeviceInfo& device, int64_t n, int64_t vocab) {
  const int64_t wanted = 2 * kBlocksPerProcessor * device.multiprocessors;
  const int64_t blocks = n == 0 ? 1 : divide_up(wanted, n);
  return static_cast<uint32_t>(std::min<int64_t>(blocks, Chunks(vocab).count));
}

}  // namespace grpo4j::cuda

int32_t grpo4j_cuda_force_variant(int32_t variant) {
  if (variant < GRPO4J_CUDA_AUTO || variant > GRPO4J_CUDA_WHOLE) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  grpo4j::cuda::variant().store(variant);
  return GRPO4J_OK;
}
