// Tiles of a row on their way into registers: streamed from memory, or through a copy of the row in
// shared memory that its gradient is made from later.
#pragma once

#include "common/chunks.cuh"
#include "common/soft_cap.cuh"

namespace grpo4j::cuda {

// One lane's part of a tile: vectors first + lane + 32 k, and for lane 0 the vector after the tile.
struct Tile {
  uint4 v[kTileVectors];
  uint4 after;
};

__device__ __forceinline__ uint32_t lane_id() { return threadIdx.x % kWarp; }

// Replaces the words' bits that the mask leaves out.
__device__ __forceinline__ uint32_t blend(uint32_t kept, uint32_t other, uint32_t mask) {
  return (kept & mask) | (other & ~mask);
}
__device__ __forceinline__ uint4 blend(uint4 kept, uint4 other, uint4 mask) {
  return {blend(kept.x, other.x, mask.x), blend(kept.y, other.y, mask.y),
          blend(kept.z, other.z, mask.z), blend(kept.w, other.w, mask.w)};
}

// In a row that begins inside a vector, the first elements of lane 0's vectors belong one line
// earlier, and those of the first vector to the tile before. Taking them from the next line instead
// gives every line of the tile exactly its own elements, so that it does not show in any sum where
// in memory the row lies.
template <class Element>
class Realignment {
 public:
  explicit __device__ __forceinline__ Realignment(uint32_t misalignment)
      : needed_(misalignment != 0), mask_(lane_id() == 0 ? own(misalignment) : uint4{~0u, ~0u, ~0u, ~0u}) {}

  // Whether this lane reads the vector after a tile.
  __device__ __forceinline__ bool reads_after() const { return needed_ && lane_id() == 0; }

  __device__ __forceinline__ void apply(Tile& tile) const {
    if (!needed_) {
      return;
    }
#pragma unroll
    for (int k = 0; k + 1 < kTileVectors; ++k) {
      tile.v[k] = blend(tile.v[k], tile.v[k + 1], mask_);
    }
    tile.v[kTileVectors - 1] = blend(tile.v[kTileVectors - 1], tile.after, mask_);
  }

 private:
  // The places of a vector from the first that is the row's.
  static __device__ __forceinline__ uint4 own(uint32_t first) {
    return {own_word(0, first), own_word(1, first), own_word(2, first), own_word(3, first)};
  }
  static __device__ __forceinline__ uint32_t own_word(uint32_t word, uint32_t first) {
    if constexpr (Element::kPerVector == 4) {
      return word >= first ? ~0u : 0u;
    } else {
      return (2 * word >= first ? 0xffffu : 0u) | (2 * word + 1 >= first ? 0xffff0000u : 0u);
    }
  }

  bool needed_;
  uint4 mask_;
};

// Logits under a soft cap, where -inf is a value like others: the least finite one in its place
// leaves -inf free to mean padding.
template <class Element, class Cap>
__device__ __forceinline__ uint32_t logits_of(uint32_t word) {
  return Cap::kCaps ? Element::max_words(word, Element::kLowest) : word;
}
template <class Element, class Cap>
__device__ __forceinline__ uint4 logits_of(uint4 v) {
  return {logits_of<Element, Cap>(v.x), logits_of<Element, Cap>(v.y),
          logits_of<Element, Cap>(v.z), logits_of<Element, Cap>(v.w)};
}

template <class Element, class Cap>
__device__ __forceinline__ typename Element::Storage logit_of(typename Element::Storage logit) {
  return Cap::kCaps && Element::to_float(logit) == -kInfinity ? Element::lowest() : logit;
}
template <class Element, class Cap>
__device__ __forceinline__ Tile logits_of(Tile tile) {
#pragma unroll
  for (int k = 0; k < kTileVectors; ++k) {
    tile.v[k] = logits_of<Element, Cap>(tile.v[k]);
  }
  return tile;
}

// The vectors that only partly are the row's, one at each end, in shared memory. The places before and
// behind the row hold -inf: what isn't the row's is never read.
template <class Element>
struct RowEnds {
  using Storage = typename Element::Storage;
  static constexpr uint32_t kCount = 2;

  uint4* vectors;  // the row's first, and the one behind its last whole one

  // One element a thread. A barrier must follow.
  template <class Cap>
  __device__ __forceinline__ void fill(const Row<Element>& row) const {
    constexpr uint32_t kPlaces = Element::kPerVector;
    if (threadIdx.x < 2 * kPlaces) {
      const int64_t j = threadIdx.x < kPlaces ? 0 : row.whole_end();
      const int64_t e = row.element_of(j) + threadIdx.x % kPlaces;
      auto* places = reinterpret_cast<Storage*>(vectors);
      const bool inside = e >= 0 && e < row.vocab;
      places[threadIdx.x] =
          inside ? logit_of<Element, Cap>(load_element(row.z + e)) : Element::minus_infinity();
    }
  }
};

// Vector j of a row, at its ends and beyond.
template <class Element, class Cap>
__device__ __forceinline__ uint4 load_at_edge(const Row<Element>& row,
                                              const RowEnds<Element>& ends, int64_t j) {
  if (j >= row.whole_begin() && j < row.whole_end()) {
    return logits_of<Element, Cap>(load16<Cache::kAgain>(row.vectors() + j));
  }
  if (j == 0 || j == row.whole_end()) {
    return ends.vectors[j == row.whole_end() ? 1 : 0];
  }
  constexpr uint32_t kNone = Element::kMinusInfinities;
  return {kNone, kNone, kNone, kNone};
}

// A tile at the row's edge, and the vector after it; not realigned yet.
template <class Element, class Cap>
__device__ __forceinline__ Tile load_tile_at_edge(const Row<Element>& row,
                                                  const RowEnds<Element>& ends, int64_t tile) {
  const int64_t j = tile * TileShape<Element>::kVectors + lane_id();
  Tile now;
#pragma unroll
  for (int k = 0; k < kTileVectors; ++k) {
    now.v[k] = load_at_edge<Element, Cap>(row, ends, j + k * int64_t{kWarp});
  }
  now.after = load_at_edge<Element, Cap>(row, ends, j + TileShape<Element>::kVectors);
  return now;
}

// Tiles straight from memory, each asked for while the one before it is computed.
template <class Element, class Cap, Cache kCache>
class StreamedTiles {
 public:
  // inner: the tiles that next() will be called for, one after another.
  __device__ __forceinline__ StreamedTiles(const Row<Element>& row, const RowEnds<Element>& ends,
                                           const TileRange& inner)
      : row_(row), ends_(ends), realignment_(row.misalignment), end_(inner.end) {
    if (inner.begin < inner.end) {
      load(inner.begin);
    }
  }

  __device__ __forceinline__ Tile next(int64_t tile) {
    Tile now = ahead_;
    if (tile + 1 < end_) {
      load(tile + 1);
    }
    realignment_.apply(now);
    return logits_of<Element, Cap>(now);
  }

  __device__ __forceinline__ Tile edge(int64_t tile) const {
    Tile now = load_tile_at_edge<Element, Cap>(row_, ends_, tile);
    realignment_.apply(now);
    return now;
  }

 private:
  __device__ __forceinline__ void load(int64_t tile) {
    const uint4* at = row_.vectors() + tile * TileShape<Element>::kVectors + lane_id();
#pragma unroll
    for (int k = 0; k < kTileVectors; ++k) {
      ahead_.v[k] = load16<kCache>(at + k * kWarp);
    }
    if (realignment_.reads_after()) {
      ahead_.after = load16<kCache>(at + TileShape<Element>::kVectors);
    }
  }

  const Row<Element>& row_;
  const RowEnds<Element>& ends_;
  Realignment<Element> realignment_;
  int64_t end_;
  Tile ahead_ = {};
};

// Where a block keeps vectors [first, end) of a row in shared memory.
struct Stage {
  uint4* vectors;
  int64_t first;
  int64_t end;
};

// Tiles by way of shared memory, where they stay. Copies run kAhead tiles ahead of the computation;
// each lane reads back only what it copied itself, so the wait for its own copies is enough. When the
// last tile has been taken, nothing is under way any more.
template <class Element, class Cap>
class StagedTiles {
 public:
  __device__ __forceinline__ StagedTiles(const Row<Element>& row, const RowEnds<Element>& ends,
                                         const Stage& stage, const TileRange& inner)
      : row_(row), ends_(ends), stage_(stage), realignment_(row.misalignment), asked_(inner.begin),
        end_(inner.end) {
    for (uint32_t k = 0; k < kAhead; ++k) {
      ask();
    }
    if (inner.begin < inner.end) {
      load_after(inner.begin);
    }
  }

  __device__ __forceinline__ Tile next(int64_t tile) {
    Tile now;
    now.after = after_;
    ask();
    if (tile + 1 < end_) {
      load_after(tile + 1);
    }
    cp_async_wait<kAhead>();
    const uint4* at = stage_.vectors + (tile * TileShape<Element>::kVectors - stage_.first) + lane_id();
#pragma unroll
    for (int k = 0; k < kTileVectors; ++k) {
      now.v[k] = at[k * kWarp];
    }
    realignment_.apply(now);
    return logits_of<Element, Cap>(now);
  }

  __device__ __forceinline__ Tile edge(int64_t tile) const {
    const int64_t j = tile * TileShape<Element>::kVectors + lane_id();
    Tile now = load_tile_at_edge<Element, Cap>(row_, ends_, tile);
#pragma unroll
    for (int k = 0; k < kTileVectors; ++k) {
      const int64_t at = j + k * int64_t{kWarp};
      if (at < stage_.end) {
        stage_.vectors[at - stage_.first] = now.v[k];
      }
    }
    // Behind the row's last tile no other one brings the vector that holds its last elements.
    const int64_t after = (tile + 1) * TileShape<Element>::kVectors;
    const bool last = (tile + 1) * TileShape<Element>::kElements >= row_.vocab;
    if (last && lane_id() == 0 && after < stage_.end) {
      stage_.vectors[after - stage_.first] = now.after;
    }
    realignment_.apply(now);
    return now;
  }

 private:
  static constexpr uint32_t kAhead = 4;

  // One group a tile, empty ones past the last, so that the wait can count groups.
  __device__ __forceinline__ void ask() {
    if (asked_ < end_) {
      const int64_t j = asked_ * TileShape<Element>::kVectors + lane_id();
#pragma unroll
      for (int k = 0; k < kTileVectors; ++k) {
        cp_async16(stage_.vectors + (j - stage_.first) + k * kWarp, row_.vectors() + j + k * kWarp);
      }
      ++asked_;
    }
    cp_async_commit();
  }

  __device__ __forceinline__ void load_after(int64_t tile) {
    if (realignment_.reads_after()) {
      after_ = load16<Cache::kAgain>(row_.vectors() + (tile + 1) * TileShape<Element>::kVectors);
    }
  }

  const Row<Element>& row_;
  const RowEnds<Element>& ends_;
  const Stage& stage_;
  Realignment<Element> realignment_;
  int64_t asked_;
  int64_t end_;
  uint4 after_ = {};
};

}  // namespace grpo4j::cuda
