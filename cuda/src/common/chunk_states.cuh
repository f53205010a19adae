// Statistics of the chunks of a row: the inner loop of every kernel that reads logits.
//
//   m = max z,  s = sum e^u,  t = sum e^u (z - m),  q = sum e^2u   with u = (z - m) / T
//
// e^u is ex2((z - m) log2(e)/T). z - m is taken first and exactly where it matters, so logits of any
// magnitude lose nothing. Kept in f32: e^u and the sums of a chunk, at least one for each lane and
// place in a vector; chunks are merged in double.
#pragma once

#include "common/soft_cap.cuh"
#include "common/tile.cuh"

namespace grpo4j::cuda {

// Which sums are wanted; the others cost nothing.
enum class Sums {
  kExp,      // s: log-probs
  kEntropy,  // and t
  kSquares,  // and q
};

// Statistics of a chunk. max is NaN or +inf when the chunk holds one, -inf when it holds nothing else.
struct __align__(16) ChunkState {
  float max;
  float sum;
  float weighted;
  float squares;
};

// One warp's sums over tiles of a chunk. The reference is the greatest logit so far, the same in all
// lanes; no tile pays for keeping it but those where it rises.
template <class Element, class Cap, Sums kSums>
class WarpSums {
 public:
  static constexpr int kPlaces = Element::kPerVector;

  __device__ __forceinline__ WarpSums(float exp2_scale, const Cap& cap)
      : scale_(exp2_scale), cap_(cap) {
#pragma unroll
    for (int i = 0; i < kPlaces; ++i) {
      sum_[i] = 0;
      weighted_[i] = 0;
      squares_[i] = 0;
    }
  }

  __device__ __forceinline__ void add(const Tile& tile) {
    const float greatest = cap_.or_padding(tile_max(tile));
    // Not >, so that a NaN rises, too, and stays.
    if (__any_sync(kAllLanes, !(greatest <= max_))) {
      rise(greatest);
    }
#pragma unroll
    for (int k = 0; k < kTileVectors; ++k) {
      float z[kPlaces];
      Element::unpack(tile.v[k], z);
#pragma unroll
      for (int i = 0; i < kPlaces; ++i) {
        add(i, cap_.or_padding(z[i]) - reference_);
      }
    }
  }

  // The state of the chunk, the same in all lanes. scratch: one float for each lane and place.
  __device__ __forceinline__ ChunkState finish(uint32_t misalignment, float* scratch) const {
    ChunkState state = {max_, total(sum_, misalignment, scratch), 0, 0};
    if constexpr (kSums != Sums::kExp) {
      state.weighted = total(weighted_, misalignment, scratch);
    }
    if constexpr (kSums == Sums::kSquares) {
      state.squares = total(squares_, misalignment, scratch);
    }
    return state;
  }

 private:
  static __device__ __forceinline__ float tile_max(const Tile& tile) {
    uint32_t words = Element::kMinusInfinities;
#pragma unroll
    for (int k = 0; k < kTileVectors; ++k) {
      const uint32_t xy = Element::max_words(tile.v[k].x, tile.v[k].y);
      const uint32_t zw = Element::max_words(tile.v[k].z, tile.v[k].w);
      words = k == 0 ? Element::max_words(xy, zw)
                     : Element::max_words(words, Element::max_words(xy, zw));
    }
    return Element::max_of_word(words);
  }

  __device__ __forceinline__ void add(int i, float d) {
    if constexpr (kSums != Sums::kExp) {
      d = fmaxf(d, -kLargest);  // a logit of -inf: e^u is 0, and 0 times it must be
    }
    const float e = ex2(d * scale_);
    sum_[i] += e;
    if constexpr (kSums != Sums::kExp) {
      weighted_[i] = fmaf(e, d, weighted_[i]);
    }
    if constexpr (kSums == Sums::kSquares) {
      squares_[i] = fmaf(e, e, squares_[i]);
    }
  }

  __device__ __forceinline__ void rise(float greatest) {
#pragma unroll
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
      greatest = max_or_nan(greatest, __shfl_xor_sync(kAllLanes, greatest, offset));
    }
    if (max_ != -kInfinity) {
      const float factor = ex2((reference_ - greatest) * scale_);
      const float shift = factor == 0 ? 0 : reference_ - greatest;
#pragma unroll
      for (int i = 0; i < kPlaces; ++i) {
        if constexpr (kSums != Sums::kExp) {
          weighted_[i] = factor * fmaf(shift, sum_[i], weighted_[i]);
        }
        sum_[i] *= factor;
        squares_[i] *= factor * factor;
      }
    }
    max_ = greatest;
    reference_ = greatest;
  }

  // The sum over lanes and places in the order of the row's elements, which a row that begins inside
  // a vector has rotated by its misalignment.
  static __device__ __forceinline__ float total(const float (&values)[kPlaces],
                                                uint32_t misalignment, float* scratch) {
    float in_order[kPlaces];
#pragma unroll
    for (int i = 0; i < kPlaces; ++i) {
      in_order[i] = values[i];
    }
    if (misalignment != 0) {
      __syncwarp();
#pragma unroll
      for (int i = 0; i < kPlaces; ++i) {
        scratch[i * kWarp + lane_id()] = values[i];
      }
      __syncwarp();
#pragma unroll
      for (int i = 0; i < kPlaces; ++i) {
        const uint32_t from = i + misalignment;
        const uint32_t place = from % kPlaces;
        const uint32_t lane = (lane_id() + from / kPlaces) % kWarp;
        in_order[i] = scratch[place * kWarp + lane];
      }
    }
#pragma unroll
    for (int width = kPlaces / 2; width > 0; width /= 2) {
#pragma unroll
      for (int i = 0; i < width; ++i) {
        in_order[i] += in_order[i + width];
      }
    }
    float sum = in_order[0];
#pragma unroll
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
      sum += __shfl_xor_sync(kAllLanes, sum, offset);
    }
    return sum;
  }

  static constexpr float kLargest = 3.402823466e38f;

  float scale_;  // log2(e) / T
  Cap cap_;
  float max_ = -kInfinity;
  float reference_ = 0;  // max_, and 0 while that is -inf
  float sum_[kPlaces];
  float weighted_[kPlaces];
  float squares_[kPlaces];
};

// What is asked of the chunks of one row.
struct ChunkWork {
  float exp2_scale;    // log2(e) / T
  double soft_cap;
  float* scratch;      // of the block, kScratchFloats for each warp
  ChunkState* states;  // of the chunks, the first of them at [0]
  int32_t first;
};

template <class Element>
constexpr uint32_t kScratchFloats = kWarp * Element::kPerVector;

// This warp's share of a block's chunks.
__device__ __forceinline__ ChunkRange chunks_of_warp(const ChunkRange& of_block) {
  return part_of(of_block, threadIdx.x / kWarp, blockDim.x / kWarp);
}

// The tiles of those chunks that are read by vectors alone.
template <class Element>
__device__ __forceinline__ TileRange inner_tiles_of(const Chunks& chunks, const ChunkRange& mine) {
  const TileRange all = tiles_of<Element>(chunks, mine);
  const TileRange inner = inner_tiles<Element>(chunks.vocab);
  return {all.begin > inner.begin ? all.begin : inner.begin,
          all.end < inner.end ? all.end : inner.end};
}

// States of chunks [mine.begin, mine.end), by one warp. In each chunk the inner tiles come first,
// then those at the edges of the row: which are which depends on the vocabulary alone.
template <class Element, class Cap, Sums kSums, class Tiles>
__device__ __forceinline__ void chunk_states(const Row<Element>& row, const Chunks& chunks,
                                             const ChunkRange& mine, const ChunkWork& work,
                                             Tiles& tiles) {
  float* scratch = work.scratch + threadIdx.x / kWarp * kScratchFloats<Element>;
  const Cap cap(work.soft_cap);
  for (int32_t c = mine.begin; c < mine.end; ++c) {
    const ChunkRange chunk = {c, c + 1};
    const TileRange all = tiles_of<Element>(chunks, chunk);
    const TileRange inner = inner_tiles_of<Element>(chunks, chunk);
    WarpSums<Element, Cap, kSums> sums(work.exp2_scale, cap);
    for (int64_t tile = inner.begin; tile < inner.end; ++tile) {
      sums.add(tiles.next(tile));
    }
    for (int64_t tile = all.begin; tile < all.end; ++tile) {
      if (tile < inner.begin || tile >= inner.end) {
        sums.add(tiles.edge(tile));
      }
    }
    const ChunkState state = sums.finish(row.misalignment, scratch);
    if (lane_id() == 0) {
      work.states[c - work.first] = state;
    }
  }
}

}  // namespace grpo4j::cuda
