// How a row is cut: the same cut whatever reads it.
//
// A tile is what a warp loads at once: kTileVectors vectors a lane, 2 KiB. A chunk is a run of tiles
// whose statistics one warp sums up; the states of a row's chunks are merged in their order. Chunks
// depend on the vocabulary alone, so a row has the same bits whether one warp, one block or sixteen
// blocks went through it.
//
// Tiles and chunks count elements from the start of the row. Vectors are 16 bytes at a multiple of
// 16, and count from the last such address at or before the row: with an odd vocabulary most rows
// begin inside a vector. Then vector j holds the elements E j - a .. E j - a + E - 1, E elements a
// vector and a = Row::misalignment of them before the row.
#pragma once

#include <stdint.h>

#include "common/device.cuh"
#include "common/element.cuh"

namespace grpo4j::cuda {

constexpr int32_t kTileVectors = 4;
constexpr int32_t kMaxChunks = 256;
constexpr int64_t kChunkElements = 4096;  // at least; more where the vocabulary is beyond 2^20

template <class Element>
struct TileShape {
  static constexpr int64_t kLine = int64_t{kWarp} * Element::kPerVector;  // one vector a lane
  static constexpr int64_t kElements = kTileVectors * kLine;
  static constexpr int64_t kVectors = int64_t{kTileVectors} * kWarp;
};

// The chunks of a vocabulary: count of them, each of so many elements but the last.
struct Chunks {
  int64_t vocab;
  int64_t elements;
  int32_t count;

  explicit __host__ __device__ Chunks(int64_t v) : vocab(v), elements(kChunkElements) {
    while (elements * kMaxChunks < v) {
      elements *= 2;
    }
    count = static_cast<int32_t>((v + elements - 1) / elements);
  }
};

// Chunks [begin, end).
struct ChunkRange {
  int32_t begin;
  int32_t end;
};

// The part-th of so many nearly equal parts.
__host__ __device__ inline ChunkRange part_of(ChunkRange all, uint32_t part, uint32_t parts) {
  const int64_t count = all.end - all.begin;
  return {all.begin + static_cast<int32_t>(count * part / parts),
          all.begin + static_cast<int32_t>(count * (part + 1) / parts)};
}

// One row of logits.
template <class Element>
struct Row {
  using Storage = typename Element::Storage;

  const Storage* z;
  int64_t vocab;
  uint32_t misalignment;  // elements between vector 0 and the row's first

  __device__ __forceinline__ Row(const Storage* row, int64_t v)
      : z(row),
        vocab(v),
        misalignment(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(row) % 16 /
                                           sizeof(Storage))) {}

  __device__ __forceinline__ const uint4* vectors() const {
    return reinterpret_cast<const uint4*>(z - misalignment);
  }
  // The element in the first place of vector j; may lie before the row.
  __device__ __forceinline__ int64_t element_of(int64_t j) const {
    return j * Element::kPerVector - misalignment;
  }
  // Vectors that lie wholly in the row are [whole_begin, whole_end).
  __device__ __forceinline__ int64_t whole_begin() const { return misalignment == 0 ? 0 : 1; }
  __device__ __forceinline__ int64_t whole_end() const {
    return (vocab + misalignment) / Element::kPerVector;
  }
};

// Tiles that are read by vectors alone, [begin, end): all that they touch lies in the row, whatever
// its alignment. The others are the row's first tile and its last one or two.
struct TileRange {
  int64_t begin;
  int64_t end;
};

template <class Element>
__device__ __forceinline__ TileRange inner_tiles(int64_t vocab) {
  const int64_t end = (vocab - (Element::kPerVector - 1)) / TileShape<Element>::kElements;
  return {1, end > 1 ? end : 1};
}

template <class Element>
__device__ __forceinline__ TileRange tiles_of(const Chunks& chunks, const ChunkRange& range) {
  constexpr int64_t kElements = TileShape<Element>::kElements;
  const int64_t per_chunk = chunks.elements / kElements;
  const int64_t all = (chunks.vocab + kElements - 1) / kElements;
  const int64_t end = range.end * per_chunk;
  return {range.begin * per_chunk, end < all ? end : all};
}

}  // namespace grpo4j::cuda
