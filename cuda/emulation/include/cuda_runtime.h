// Stands in for the CUDA runtime's header where .cu files are compiled by the host's compiler. Types,
// vector types and the declarations of the runtime's functions are NVIDIA's own; what the compiler
// for devices would know is here.
#pragma once

#include <cuda_runtime_api.h>
#include <vector_functions.h>
#include <vector_types.h>

#include <emulation/device.h>

#if defined(__CUDACC__)
#error "This header is for the host's compiler alone."
#endif

#define __launch_bounds__(...)
#undef __shared__
#define __shared__ \
  _Pragma("GCC error \"shared memory is dynamic here: shared_arena() of common/device.cuh\"")

#define threadIdx (::grpo4j::emulation::this_thread().thread_index)
#define blockIdx (::grpo4j::emulation::this_thread().block_index)
#define blockDim (::grpo4j::emulation::this_thread().block_dim)
#define gridDim (::grpo4j::emulation::this_thread().grid_dim)

constexpr int warpSize = 32;

template <class T>
cudaError_t cudaMalloc(T** memory, size_t bytes) {
  return ::cudaMalloc(reinterpret_cast<void**>(memory), bytes);
}

// ---- Barriers, fences, warps

inline void __syncthreads() { grpo4j::emulation::block_barrier(); }
inline int __syncthreads_count(int predicate) {
  return grpo4j::emulation::block_barrier_count(predicate != 0);
}
inline int __syncthreads_or(int predicate) { return __syncthreads_count(predicate) != 0; }
inline int __syncthreads_and(int predicate) { return __syncthreads_count(predicate == 0) == 0; }
inline void __threadfence() { grpo4j::emulation::fence(grpo4j::emulation::Fence::kDevice); }
inline void __threadfence_block() { grpo4j::emulation::fence(grpo4j::emulation::Fence::kBlock); }

inline void __syncwarp(unsigned mask = 0xffffffffu) {
  grpo4j::emulation::warp_operation(grpo4j::emulation::WarpOperation::kSync, mask, 0, 0, 32);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return grpo4j::emulation::shuffle(grpo4j::emulation::WarpOperation::kShuffleIndex, mask, value,
                                    source, width);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return grpo4j::emulation::shuffle(grpo4j::emulation::WarpOperation::kShuffleUp, mask, value,
                                    static_cast<int>(delta), width);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return grpo4j::emulation::shuffle(grpo4j::emulation::WarpOperation::kShuffleDown, mask, value,
                                    static_cast<int>(delta), width);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32) {
  return grpo4j::emulation::shuffle(grpo4j::emulation::WarpOperation::kShuffleXor, mask, value,
                                    lane_mask, width);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return static_cast<unsigned>(grpo4j::emulation::warp_operation(
      grpo4j::emulation::WarpOperation::kBallot, mask, predicate != 0, 0, 32));
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) {
  return __ballot_sync(mask, predicate == 0) == 0;
}

#define GRPO4J_EMULATION_REDUCE(name, type, operation)                                      \
  inline type name(unsigned mask, type value) {                                             \
    return static_cast<type>(grpo4j::emulation::warp_operation(                             \
        grpo4j::emulation::WarpOperation::operation, mask, static_cast<unsigned>(value), 0, \
        32));                                                                               \
  }
GRPO4J_EMULATION_REDUCE(__reduce_add_sync, unsigned, kReduceAdd)
GRPO4J_EMULATION_REDUCE(__reduce_add_sync, int, kReduceAdd)
GRPO4J_EMULATION_REDUCE(__reduce_min_sync, unsigned, kReduceMin)
GRPO4J_EMULATION_REDUCE(__reduce_min_sync, int, kReduceMinSigned)
GRPO4J_EMULATION_REDUCE(__reduce_max_sync, unsigned, kReduceMax)
GRPO4J_EMULATION_REDUCE(__reduce_max_sync, int, kReduceMaxSigned)
GRPO4J_EMULATION_REDUCE(__reduce_and_sync, unsigned, kReduceAnd)
GRPO4J_EMULATION_REDUCE(__reduce_or_sync, unsigned, kReduceOr)
#undef GRPO4J_EMULATION_REDUCE

// ---- Atomics on integers of 4 or 8 bytes

template <class T>
T atomicAdd(T* address, T value) {
  return grpo4j::emulation::atomic_update(address, [value](T old) { return T(old + value); });
}
template <class T>
T atomicMin(T* address, T value) {
  return grpo4j::emulation::atomic_update(address,
                                          [value](T old) { return old < value ? old : value; });
}
template <class T>
T atomicMax(T* address, T value) {
  return grpo4j::emulation::atomic_update(address,
                                          [value](T old) { return old < value ? value : old; });
}
template <class T>
T atomicOr(T* address, T value) {
  return grpo4j::emulation::atomic_update(address, [value](T old) { return T(old | value); });
}
template <class T>
T atomicExch(T* address, T value) {
  return grpo4j::emulation::atomic_update(address, [value](T) { return value; });
}
template <class T>
T atomicCAS(T* address, T compare, T value) {
  return grpo4j::emulation::atomic_update(
      address, [compare, value](T old) { return old == compare ? value : old; });
}
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  return grpo4j::emulation::atomic_update(
      address, [limit](unsigned old) { return old >= limit ? 0u : old + 1; });
}

// ---- Bits

inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
inline int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
inline long long __double_as_longlong(double value) {
  return __builtin_bit_cast(long long, value);
}
inline double __longlong_as_double(long long bits) { return __builtin_bit_cast(double, bits); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __clz(int bits) { return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits)); }
