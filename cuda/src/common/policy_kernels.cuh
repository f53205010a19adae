// policy_loss with a ratio per token: statistics, objective and gradient of a row in one visit.
//
// logits [rows, vocab] f32, bf16 or f16; gradient the same, in place or disjoint. n * vocab *
// sizeof(Storage) bytes are read from memory and as many written. Between its statistics and its
// gradient a row stays on the chip:
//
//   policy_loss_on_chip  in the shared memory of one block, or of the 2, 4 or 8 blocks of a cluster
//                        (compute capability 9.0 on), each with a run of the row's chunks
//   policy_loss_by_l2    in the second-level cache: one block a row reads it twice, the second time
//                        from its end, where the first reading was last
#pragma once

#include "common/policy_row.cuh"

namespace grpo4j::cuda {

// Shared memory of a block, in this order: scratch of its warps, states of all chunks of the row, the
// order for the gradient, the copy of its part of the row.
template <class Element>
struct OnChipMemory {
  float* scratch;
  ChunkState* states;
  GradientOrder* order;
  uint4* vectors;

  __device__ __forceinline__ OnChipMemory(uint32_t warps, int32_t chunks) {
    scratch = shared_arena<float>();
    states = reinterpret_cast<ChunkState*>(scratch + warps * kScratchFloats<Element>);
    order = reinterpret_cast<GradientOrder*>(states + chunks);
    vectors = reinterpret_cast<uint4*>(order + 1);
  }
};

// Bytes for the part of a row that one of `parts` blocks holds.
template <class Element>
inline int64_t on_chip_bytes(const Chunks& chunks, int64_t vocab, uint32_t threads,
                                int64_t parts) {
  const int64_t most = (chunks.count + parts - 1) / parts * chunks.elements;
  const int64_t elements = most < vocab ? most : vocab;
  const int64_t vectors = elements / Element::kPerVector + 2;
  return int64_t{threads / kWarp} * kScratchFloats<Element> * int64_t{sizeof(float)} +
         chunks.count * int64_t{sizeof(ChunkState)} + int64_t{sizeof(GradientOrder)} +
         vectors * int64_t{sizeof(uint4)};
}

// All threads of the blocks that share a row.
__device__ __forceinline__ void barrier(uint32_t blocks) {
  if (blocks > 1) {
    cluster_barrier();
  } else {
    __syncthreads();
  }
}

// States that the other blocks of the cluster found, copied from their shared memory.
__device__ __forceinline__ void gather_states(ChunkState* states, int32_t count,
                                              const ChunkRange& mine) {
  const uint32_t parts = cluster_size();
  for (int32_t c = threadIdx.x; c < count; c += blockDim.x) {
    if (c < mine.begin || c >= mine.end) {
      uint32_t owner = 0;
      while (part_of({0, count}, owner, parts).end <= c) {
        ++owner;
      }
      states[c] = *cluster_map(states + c, owner);
    }
  }
}

// The first warp merges, its first lane decides, all threads get the order.
__device__ __forceinline__ void decide(const PolicyPass& pass, const RowAsked& asked,
                                       const ChunkState* states, int32_t count,
                                       GradientOrder* order) {
  if (threadIdx.x < kWarp) {
    const RowStatistics statistics =
        merge_chunks(states, count, asked.head.inverse_temperature);
    if (lane_id() == 0) {
      *order = order_of(pass, asked, statistics);
    }
  }
  __syncthreads();
}

template <class Element, class Kind, Sums kSums>
__global__ void __launch_bounds__(256, 3) policy_loss_on_chip(const PolicyPass pass) {
  const uint32_t parts = cluster_size();
  const int64_t i = blockIdx.x / parts;
  const bool first_block = cluster_rank() == 0;
  const bool accumulate = Kind::kAccumulate;
  const RowHead head = row_head(batch_of(pass.args), i);
  if (first_block && threadIdx.x == 0 && (head.masked || head.reason != GRPO4J_ROW_OK)) {
    finish_unread(pass, i, head);
  }
  if (!head.exists) {
    return;
  }
  const Row<Element> row = logits_row<Element>(pass.args.logits, head.row);
  auto* dz = gradient_row<Element>(pass.args.gradient, head.row);
  const Row<Element> to(dz, row.vocab);
  const Chunks chunks(row.vocab);
  const ChunkRange of_block = part_of({0, chunks.count}, cluster_rank(), parts);
  const VectorRange written = vectors_of(to, chunks, of_block);
  if (head.masked || head.reason != GRPO4J_ROW_OK) {
    no_gradient(to, accumulate, written, threadIdx.x, blockDim.x);
    return;
  }

  const OnChipMemory<Element> memory(blockDim.x / kWarp, chunks.count);
  const VectorRange held = vectors_of(row, chunks, of_block);
  const Stage stage = {memory.vectors, held.begin, held.end};
  const ChunkRange mine = chunks_of_warp(of_block);
  const RowAsked asked = ask_row<Element, Kind>(pass.args.rows.soft_cap, i, head, row, dz, first_block);
  const ChunkWork work = {exp2_scale(head.inverse_temperature), pass.args.rows.soft_cap,
                          memory.scratch, memory.states, 0};
  StagedTiles<Element, typename Kind::Cap> tiles(row, stage, inner_tiles_of<Element>(chunks, mine));
  chunk_states<Element, typename Kind::Cap, kSums>(row, chunks, mine, work, tiles);
  cp_async_wait<0>();
  // No block overwrites its part of the row before all have read theirs and the vector after it.
  barrier(parts);
  if (parts > 1) {
    gather_states(memory.states, chunks.count, of_block);
    // No block ends while another reads its shared memory.
    barrier(parts);
  }
  decide(pass, asked, memory.states, chunks.count, memory.order);

  const GradientOrder order = *memory.order;
  if (!order.writes) {
    no_gradient(to, accumulate, written, threadIdx.x, blockDim.x);
    return;
  }
  const Gradient<Element, Kind> gradient(order.coefficients,
                                         typename Kind::Cap(pass.args.rows.soft_cap));
  write_gradient(gradient, FromStage<Element>{row, stage}, row, dz, held, threadIdx.x, blockDim.x);
  __syncthreads();
  const VectorRange elements = elements_of(row, held);
  if (threadIdx.x == 0 && head.target >= elements.begin && head.target < elements.end) {
    store_element(dz + head.target, Element::from_float(order.at_target));
  }
}

constexpr uint32_t kL2Threads = 512;

template <class Element, class Kind, Sums kSums>
__global__ void __launch_bounds__(kL2Threads, 1) policy_loss_by_l2(const PolicyPass pass) {
  const int64_t i = blockIdx.x;
  const bool accumulate = Kind::kAccumulate;
  const RowHead head = row_head(batch_of(pass.args), i);
  if (threadIdx.x == 0 && (head.masked || head.reason != GRPO4J_ROW_OK)) {
    finish_unread(pass, i, head);
  }
  if (!head.exists) {
    return;
  }
  const Row<Element> row = logits_row<Element>(pass.args.logits, head.row);
  auto* dz = gradient_row<Element>(pass.args.gradient, head.row);
  const Row<Element> to(dz, row.vocab);
  const Chunks chunks(row.vocab);
  const ChunkRange all = {0, chunks.count};
  if (head.masked || head.reason != GRPO4J_ROW_OK) {
    no_gradient(to, accumulate, vectors_of(to, chunks, all), threadIdx.x, blockDim.x);
    return;
  }

  const OnChipMemory<Element> memory(blockDim.x / kWarp, chunks.count);
  const ChunkRange mine = chunks_of_warp(all);
  const RowAsked asked = ask_row<Element, Kind>(pass.args.rows.soft_cap, i, head, row, dz, true);
  const ChunkWork work = {exp2_scale(head.inverse_temperature), pass.args.rows.soft_cap,
                          memory.scratch, memory.states, 0};
  {
    StreamedTiles<Element, typename Kind::Cap, Cache::kAgain> tiles(row, inner_tiles_of<Element>(chunks, mine));
    chunk_states<Element, typename Kind::Cap, kSums>(row, chunks, mine, work, tiles);
  }
  __syncthreads();
  decide(pass, asked, memory.states, chunks.count, memory.order);

  const GradientOrder order = *memory.order;
  if (!order.writes) {
    no_gradient(to, accumulate, vectors_of(to, chunks, all), threadIdx.x, blockDim.x);
    return;
  }
  // Each warp goes back over what it read itself.
  const Gradient<Element, Kind> gradient(order.coefficients,
                                         typename Kind::Cap(pass.args.rows.soft_cap));
  write_gradient(gradient, FromMemory<Element>{row}, row, dz, vectors_of(row, chunks, mine),
                 lane_id(), kWarp);
  __syncthreads();
  if (threadIdx.x == 0) {
    store_element(dz + head.target, Element::from_float(order.at_target));
  }
}

}  // namespace grpo4j::cuda
