// Small kernels that are right, and their wrong brothers that the emulator must notice.
#pragma once

#include <cuda_runtime.h>
#include <stdint.h>

#include "emulation/launch.h"

namespace toy {

using namespace grpo4j::emulation;

constexpr uint32_t kFull = 0xffffffffu;

// ---- Shared memory and barriers

// out[i] = in[n - 1 - i] through shared memory.
template <bool kBarrier>
__global__ void reverse(const int* in, int* out) {
  int* buffer = reinterpret_cast<int*>(shared_arena());
  buffer[threadIdx.x] = in[threadIdx.x];
  if (kBarrier) __syncthreads();
  out[threadIdx.x] = buffer[blockDim.x - 1 - threadIdx.x];
}

// Rounds of write and read of one buffer: the second barrier of a round is the one people forget.
template <bool kSecondBarrier>
__global__ void rotate(int* values, int rounds) {
  int* buffer = reinterpret_cast<int*>(shared_arena());
  int value = values[threadIdx.x];
  for (int i = 0; i < rounds; ++i) {
    buffer[threadIdx.x] = value;
    __syncthreads();
    value = buffer[(threadIdx.x + 1) % blockDim.x];
    if (kSecondBarrier) __syncthreads();
  }
  values[threadIdx.x] = value;
}

__global__ inline void half_of_a_barrier(int* out) {
  if (threadIdx.x < blockDim.x / 2) __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = 1;
}

__global__ inline void beyond_the_arena(int words) {
  int* buffer = reinterpret_cast<int*>(shared_arena());
  if (threadIdx.x == 0) buffer[words] = 1;
}

__global__ inline void read_unwritten(uint32_t* out) {
  out[threadIdx.x] = reinterpret_cast<uint32_t*>(shared_arena())[threadIdx.x];
}

// ---- Warps

// Six results per thread, each of another operation.
__global__ inline void warp_operations(uint32_t* out) {
  const uint32_t lane = threadIdx.x % 32;
  uint32_t* to = out + threadIdx.x * 6;
  uint32_t sum = lane;
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kFull, sum, step);
  to[0] = sum;
  to[1] = __shfl_up_sync(kFull, lane, 3);
  to[2] = __shfl_down_sync(kFull, lane, 3, 8);
  to[3] = static_cast<uint32_t>(__shfl_sync(kFull, 0.5 * lane, 7) * 2);
  to[4] = __ballot_sync(kFull, lane % 3 == 0);
  to[5] = __reduce_max_sync(kFull, (lane * 7) % 32);
}

enum class BadMask { kOwnLane, kSource, kExited, kDisagree, kAbsentLanes };

__global__ inline void bad_mask(BadMask kind, uint32_t* out) {
  const uint32_t lane = threadIdx.x % 32;
  uint32_t mask = kFull;
  if (kind == BadMask::kOwnLane) mask = 0x0000ffffu;
  if (kind == BadMask::kSource) mask = lane < 8 ? 0x000000ffu : 0xffffff00u;
  if (kind == BadMask::kExited && lane == 5) return;
  if (kind == BadMask::kDisagree && lane % 2 == 1) {
    out[threadIdx.x] = __ballot_sync(mask, 1);
    return;
  }
  out[threadIdx.x] = __shfl_xor_sync(mask, lane, 8);
}

// The halves of a warp each on its own: legal.
__global__ inline void halves(uint32_t* out) {
  const uint32_t lane = threadIdx.x % 32;
  const uint32_t mask = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  out[threadIdx.x] = __shfl_xor_sync(mask, lane, 8);
}

// Neighbours exchange through shared memory; only __syncwarp orders that, a shuffle does not.
template <bool kSync>
__global__ void warp_exchange(uint32_t* out) {
  uint32_t* buffer = reinterpret_cast<uint32_t*>(shared_arena());
  buffer[threadIdx.x] = threadIdx.x;
  if (kSync) {
    __syncwarp();
  } else {
    __shfl_xor_sync(kFull, threadIdx.x, 1);
  }
  out[threadIdx.x] = buffer[threadIdx.x ^ 1];
}

// ---- Asynchronous copies

// Sums pieces of 16 bytes a thread through two buffers; the copy of the next piece is under way
// while this one is summed.
template <bool kWait>
__global__ void pipeline(const uint4* in, uint32_t* out, int pieces) {
  uint4* buffers = reinterpret_cast<uint4*>(shared_arena());
  const uint32_t n = blockDim.x;
  const uint32_t t = threadIdx.x;
  uint32_t sum = 0;
  cp_async16(&buffers[t], &in[t]);
  cp_async_commit();
  for (int i = 0; i < pieces; ++i) {
    if (i + 1 < pieces) {
      cp_async16(&buffers[(i + 1) % 2 * n + t], &in[static_cast<uint32_t>(i + 1) * n + t]);
    }
    cp_async_commit();
    if (kWait) cp_async_wait(1);
    __syncthreads();
    const uint4 piece = buffers[static_cast<uint32_t>(i % 2) * n + (t + 1) % n];  // the neighbour's
    sum += piece.x + piece.y + piece.z + piece.w;
    __syncthreads();
  }
  out[t] = sum;
}

// ---- Clusters

// Each block adds up what the blocks of its cluster hold.
template <bool kLastSync>
__global__ void cluster_sum(uint32_t* out) {
  uint32_t* own = reinterpret_cast<uint32_t*>(shared_arena());
  own[threadIdx.x] = blockIdx.x * 1000 + threadIdx.x;
  cluster_arrive_wait();
  uint32_t sum = 0;
  for (uint32_t r = 0; r < cluster_size(); ++r) {
    sum += cluster_map(own, r)[threadIdx.x];
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
  if (kLastSync) cluster_arrive_wait();
}

// ---- Between blocks

// The last block to arrive adds up what the others left.
template <bool kFences>
__global__ void last_block_sums(uint32_t* parts, unsigned* arrived, uint32_t* total) {
  uint32_t* is_last = reinterpret_cast<uint32_t*>(shared_arena());
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = blockIdx.x + 1;
    if (kFences) __threadfence();
    *is_last = atomicAdd(arrived, 1u) == gridDim.x - 1;
    if (kFences) __threadfence();
  }
  __syncthreads();
  if (*is_last != 0 && threadIdx.x == 0) {
    uint32_t sum = 0;
    for (uint32_t b = 0; b < gridDim.x; ++b) sum += load_element(&parts[b]);
    *total = sum;
  }
}

template <bool kAtomic>
__global__ void add_across_blocks(unsigned* total) {
  __syncthreads();  // orders the block, and no other one
  if (threadIdx.x != 0) return;
  if (kAtomic) {
    atomicAdd(total, 1u);
  } else {
    store_element(total, load_element(total) + 1);
  }
}

// ---- Memory traffic

// to[i] = from[i], 16 bytes a thread; twice: the row is read a second time, backwards.
__global__ inline void copy_row(const uint4* from, uint4* to, uint32_t vectors, bool twice) {
  uint32_t seen = 0;
  for (uint32_t i = threadIdx.x; twice && i < vectors; i += blockDim.x) seen += load16(&from[i]).x;
  __syncthreads();
  const uint32_t rounds = (vectors + blockDim.x - 1) / blockDim.x;
  for (uint32_t r = rounds; r-- > 0;) {
    const uint32_t i = r * blockDim.x + threadIdx.x;
    if (i < vectors) {
      uint4 v = load16(&from[i]);
      v.y ^= seen & 0;
      store16(&to[i], v);
    }
  }
}

__global__ inline void strided_read(const float* from, float* to, uint32_t stride) {
  store_element(&to[threadIdx.x], load_element(&from[threadIdx.x * stride]));
}

__global__ inline void misaligned(const char* from, uint4* to) { *to = load16(from + 4); }

}  // namespace toy
