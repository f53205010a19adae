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

constexpr uint32_t kOnChipThreads = 256;
constexpr uint32_t kL2Threads = 512;

// Shared memory of a block, in this order: scratch of its warps, the row's ends, what is known of the
// row, the order for its gradient, the states of all its chunks, the copy of a part of it.
template <class Element>
struct PolicyMemory {
  float* scratch;
  RowEnds<Element> ends;
  RowAsked* asked;
  GradientOrder* order;
  ChunkState* states;
  uint4* vectors;

  __device__ __forceinline__ explicit PolicyMemory(int32_t chunks) {
    scratch = shared_arena<float>();
    ends.vectors =
        reinterpret_cast<uint4*>(scratch + blockDim.x / kWarp * kScratchFloats<Element>);
    asked = reinterpret_cast<RowAsked*>(ends.vectors + RowEnds<Element>::kCount);
    order = reinterpret_cast<GradientOrder*>(asked + 1);
    states = reinterpret_cast<ChunkState*>(order + 1);
    vectors = reinterpret_cast<uint4*>(states + chunks);
  }
  // With a copy of so many vectors.
  static int64_t bytes(uint32_t threads, int32_t chunks, int64_t vectors) {
    return int64_t{threads / kWarp} * kScratchFloats<Element> * int64_t{sizeof(float)} +
           int64_t{sizeof(RowAsked) + sizeof(GradientOrder)} +
           chunks * int64_t{sizeof(ChunkState)} +
           (vectors + RowEnds<Element>::kCount) * int64_t{sizeof(uint4)};
  }
};

// Bytes for the part of a row that one of `parts` blocks holds.
template <class Element>
inline int64_t on_chip_bytes(const Chunks& chunks, int64_t vocab, uint32_t threads,
                             int64_t parts) {
  const int64_t most = (chunks.count + parts - 1) / parts * chunks.elements;
  const int64_t elements = most < vocab ? most : vocab;
  return PolicyMemory<Element>::bytes(threads, chunks.count, elements / Element::kPerVector + 2);
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

// A row of a call, for the block that is one of `parts`; cheap enough to be made again after a loop
// that needs the registers.
template <class Element>
struct PolicyRow {
  Row<Element> row;
  typename Element::Storage* dz;
  Chunks chunks;
  ChunkRange of_block;

  __device__ __forceinline__ PolicyRow(const grpo4j_policy_loss_args& args, int64_t i,
                                       uint32_t part, uint32_t parts)
      : row(logits_row<Element>(args.logits, row_of(args.rows, i))),
        dz(gradient_row<Element>(args.gradient, row_of(args.rows, i))),
        chunks(args.logits.vocab),
        of_block(part_of({0, chunks.count}, part, parts)) {}

  __device__ __forceinline__ void no_gradient(bool accumulate) const {
    const Row<Element> to(dz, row.vocab);
    cuda::no_gradient(to, accumulate, vectors_of(to, chunks, of_block), threadIdx.x, blockDim.x);
  }
};

// What precedes the statistics. False: the row is masked or bad, and done with. A barrier must
// follow.
template <class Element, class Kind>
__device__ __forceinline__ bool begin_row(const PolicyPass& pass, int64_t i, uint32_t part,
                                          uint32_t parts, const PolicyMemory<Element>& memory) {
  const RowHead head = row_head(batch_of(pass.args), i);
  const bool readable = !head.masked && head.reason == GRPO4J_ROW_OK;
  if (part == 0 && threadIdx.x == 0 && !readable) {
    finish_unread(pass, i, head);
  }
  if (!head.exists) {
    return false;
  }
  const PolicyRow<Element> at(pass.args, i, part, parts);
  if (!readable) {
    at.no_gradient(Kind::kAccumulate);
    return false;
  }
  memory.ends.template fill<typename Kind::Cap>(at.row);
  if (threadIdx.x == 0) {
    *memory.asked = ask_row<Element, Kind>(pass.args.rows.soft_cap, i, head, at.row, at.dz,
                                           part == 0);
  }
  return true;
}

template <class Element>
__device__ __forceinline__ ChunkWork work_of(const PolicyPass& pass,
                                             const PolicyMemory<Element>& memory) {
  return {exp2_scale(memory.asked->head.inverse_temperature), pass.args.rows.soft_cap,
          memory.scratch, memory.states, 0};
}

// The target's own element, after all others.
template <class Element>
__device__ __forceinline__ void store_target(const PolicyRow<Element>& at,
                                             const PolicyMemory<Element>& memory) {
  __syncthreads();
  const int64_t target = memory.asked->head.target;
  const VectorRange elements = elements_of(at.row, vectors_of(at.row, at.chunks, at.of_block));
  if (threadIdx.x == 0 && target >= elements.begin && target < elements.end) {
    store_element(at.dz + target, Element::from_float(memory.order->at_target));
  }
}

template <class Element, class Kind, Sums kSums>
__global__ void __launch_bounds__(kOnChipThreads, 2) policy_loss_on_chip(const PolicyPass pass) {
  using Cap = typename Kind::Cap;
  const uint32_t parts = cluster_size();
  const int64_t i = blockIdx.x / parts;
  const PolicyMemory<Element> memory(Chunks(pass.args.logits.vocab).count);
  if (!begin_row<Element, Kind>(pass, i, cluster_rank(), parts, memory)) {
    return;
  }
  __syncthreads();
  {
    const PolicyRow<Element> at(pass.args, i, cluster_rank(), parts);
    const VectorRange held = vectors_of(at.row, at.chunks, at.of_block);
    const Stage stage = {memory.vectors, held.begin, held.end};
    const ChunkRange mine = chunks_of_warp(at.of_block);
    StagedTiles<Element, Cap> tiles(at.row, memory.ends, stage,
                                    inner_tiles_of<Element>(at.chunks, mine));
    chunk_states<Element, Cap, kSums>(at.row, at.chunks, mine, work_of(pass, memory), tiles);
  }
  // No block overwrites its part of the row before all have read theirs and the vector after it.
  barrier(parts);
  const PolicyRow<Element> at(pass.args, i, cluster_rank(), parts);
  if (parts > 1) {
    gather_states(memory.states, at.chunks.count, at.of_block);
    // No block ends while another reads its shared memory.
    barrier(parts);
  }
  decide(pass, *memory.asked, memory.states, at.chunks.count, memory.order);
  if (!memory.order->writes) {
    at.no_gradient(Kind::kAccumulate);
    return;
  }
  const VectorRange held = vectors_of(at.row, at.chunks, at.of_block);
  const Stage stage = {memory.vectors, held.begin, held.end};
  const Gradient<Element, Kind> gradient(memory.order->coefficients, Cap(pass.args.rows.soft_cap));
  write_gradient(gradient, FromStage<Element>{at.row, stage}, at.row, at.dz, held, threadIdx.x,
                 blockDim.x);
  store_target(at, memory);
}

template <class Element, class Kind, Sums kSums>
__global__ void __launch_bounds__(kL2Threads, 1) policy_loss_by_l2(const PolicyPass pass) {
  using Cap = typename Kind::Cap;
  const int64_t i = blockIdx.x;
  const PolicyMemory<Element> memory(Chunks(pass.args.logits.vocab).count);
  if (!begin_row<Element, Kind>(pass, i, 0, 1, memory)) {
    return;
  }
  __syncthreads();
  {
    const PolicyRow<Element> at(pass.args, i, 0, 1);
    const ChunkRange mine = chunks_of_warp(at.of_block);
    StreamedTiles<Element, Cap, Cache::kAgain> tiles(at.row, memory.ends,
                                                     inner_tiles_of<Element>(at.chunks, mine));
    chunk_states<Element, Cap, kSums>(at.row, at.chunks, mine, work_of(pass, memory), tiles);
  }
  __syncthreads();
  const PolicyRow<Element> at(pass.args, i, 0, 1);
  decide(pass, *memory.asked, memory.states, at.chunks.count, memory.order);
  if (!memory.order->writes) {
    at.no_gradient(Kind::kAccumulate);
    return;
  }
  // Each warp goes back over what it read itself.
  const Gradient<Element, Kind> gradient(memory.order->coefficients, Cap(pass.args.rows.soft_cap));
  write_gradient(gradient, FromMemory<Element>{at.row}, at.row, at.dz,
                 vectors_of(at.row, at.chunks, chunks_of_warp(at.of_block)), lane_id(), kWarp);
  store_target(at, memory);
}

}  // namespace grpo4j::cuda
