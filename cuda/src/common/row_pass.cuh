// The forward pass over rows that token_stats and row_states share: one read of the logits.
//
// Many rows: a block takes a row, its warps the chunks, its first warp the merge. Few rows: several
// blocks share a row's chunks and leave their states in the workspace, a second kernel merges them.
// The sums are the same ones in the same order either way.
//
// logits [rows, vocab] f32, bf16 or f16, nothing aliases; n * vocab * sizeof(Storage) bytes are read
// (and 16 per 2 KiB again where rows begin inside a vector). Kept in f32: see chunk_states.cuh. Any
// GPU from compute capability 8.0 on.
#pragma once

#include "common/rows.cuh"

namespace grpo4j::cuda {

// Small blocks, so that one that ends leaves little of the multiprocessor empty.
constexpr uint32_t kRowPassThreads = 128;

// Blocks that a multiprocessor should hold: as many as registers last for without spilling any.
template <class Cap, Sums kSums>
constexpr int row_pass_residents() {
  return kSums == Sums::kSquares || Cap::kCaps ? 4 : 5;
}

struct RowPass {
  RowBatch batch;
  uint32_t blocks_per_row;
  ChunkState* states;  // [n, chunks] where blocks_per_row is more than 1
};

// Shared memory of a block: scratch of its warps, the row's ends, the states of its chunks.
template <class Element>
struct RowPassMemory {
  float* scratch;
  RowEnds<Element> ends;
  ChunkState* states;

  __device__ __forceinline__ RowPassMemory() {
    scratch = shared_arena<float>();
    ends.vectors =
        reinterpret_cast<uint4*>(scratch + blockDim.x / kWarp * kScratchFloats<Element>);
    states = reinterpret_cast<ChunkState*>(ends.vectors + RowEnds<Element>::kCount);
  }
  static constexpr uint32_t bytes(uint32_t threads, int32_t chunks) {
    return static_cast<uint32_t>(threads / kWarp * kScratchFloats<Element> * sizeof(float) +
                                 RowEnds<Element>::kCount * sizeof(uint4) +
                                 static_cast<uint32_t>(chunks) * sizeof(ChunkState));
  }
};

// Finish is the operation's: called by one thread for each row, as finish(i, head, statistics,
// target_logit), or finish.unread(i, head) for a row that is masked or bad before it was read.
template <class Element, class Cap, class Finish>
__device__ __forceinline__ void finish_row(const RowBatch& batch, int64_t i,
                                           const ChunkState* states, int32_t chunks,
                                           const Finish& finish) {
  const RowHead head = row_head(batch, i);
  const RowStatistics statistics = merge_chunks(states, chunks, head.inverse_temperature);
  if (lane_id() == 0) {
    const bool here = head.target >= 0 && head.target < batch.logits.vocab;
    const Row<Element> row = logits_row<Element>(batch.logits, head.row);
    const Cap cap(batch.rows.soft_cap);
    finish(i, head, statistics,
           here ? cap.exact(Element::to_float(load_element(row.z + head.target))) : -kInfinity);
  }
}

template <class Element, class Cap, Sums kSums, class Finish>
__global__ void __launch_bounds__(kRowPassThreads, (row_pass_residents<Cap, kSums>()))
    row_pass(const RowPass pass, const Finish finish) {
  const int64_t i = blockIdx.x / pass.blocks_per_row;
  const RowHead head = row_head(pass.batch, i);
  if (head.masked || head.reason != GRPO4J_ROW_OK) {
    if (pass.blocks_per_row == 1 && threadIdx.x == 0) {
      finish.unread(i, head);
    }
    return;
  }
  const RowPassMemory<Element> memory;
  const Row<Element> row = logits_row<Element>(pass.batch.logits, head.row);
  memory.ends.template fill<Cap>(row);
  const Chunks chunks(row.vocab);
  const ChunkRange of_block =
      part_of({0, chunks.count}, blockIdx.x % pass.blocks_per_row, pass.blocks_per_row);
  const ChunkRange mine = chunks_of_warp(of_block);
  ChunkState* states = pass.blocks_per_row == 1
                           ? memory.states
                           : pass.states + i * chunks.count + of_block.begin;
  const ChunkWork work = {exp2_scale(head.inverse_temperature), pass.batch.rows.soft_cap,
                          memory.scratch, states, of_block.begin};
  StreamedTiles<Element, Cap, Cache::kOnce> tiles(row, memory.ends,
                                                  inner_tiles_of<Element>(chunks, mine));
  __syncthreads();
  chunk_states<Element, Cap, kSums>(row, chunks, mine, work, tiles);
  if (pass.blocks_per_row > 1) {
    return;
  }
  __syncthreads();
  if (threadIdx.x < kWarp) {
    finish_row<Element, Cap>(pass.batch, i, states, chunks.count, finish);
  }
}

// One warp a row: states of its chunks to its statistics.
template <class Element, class Cap, class Finish>
__global__ void __launch_bounds__(kRowPassThreads, 2) row_pass_merge(const RowPass pass, const Finish finish) {
  const int64_t i = int64_t{blockIdx.x} * (blockDim.x / kWarp) + threadIdx.x / kWarp;
  if (i >= pass.batch.rows.n) {
    return;
  }
  const RowHead head = row_head(pass.batch, i);
  if (head.masked || head.reason != GRPO4J_ROW_OK) {
    if (lane_id() == 0) {
      finish.unread(i, head);
    }
    return;
  }
  const Chunks chunks(pass.batch.logits.vocab);
  finish_row<Element, Cap>(pass.batch, i, pass.states + i * chunks.count, chunks.count, finish);
}

}  // namespace grpo4j::cuda
