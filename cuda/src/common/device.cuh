// What the kernels need of a GPU beyond C++: every instruction that has no C++ spelling, each behind
// a name of its own. The emulation on the host replaces these, and nothing else.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdint.h>

#if defined(GRPO4J_CUDA_EMULATED)
#include <emulation/device.h>
#endif

namespace grpo4j::cuda {

constexpr uint32_t kWarp = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

// What a load or a store expects of the caches.
enum class Cache {
  kOnce,   // not needed again: first to leave
  kAgain,  // read again soon by the same block: kept in the second level, not in the first
};

#if defined(GRPO4J_CUDA_EMULATED)

template <Cache kCache>
inline uint4 load16(const void* global) {
  return emulation::load16(global);
}
template <Cache kCache>
inline void store16(void* global, uint4 value) {
  emulation::store16(global, value);
}
template <class T>
inline T load_element(const T* global) {
  return emulation::load_element(global);
}
template <class T>
inline void store_element(T* global, T value) {
  emulation::store_element(global, value);
}
inline float ex2(float x) { return emulation::ex2(x); }
inline float max_or_nan(float a, float b) {
  return a != a ? a : (b != b ? b : (a > b ? a : b));
}
template <class T = unsigned char>
inline T* shared_arena() {
  return static_cast<T*>(static_cast<void*>(emulation::shared_arena()));
}
inline void cp_async16(void* shared, const void* global) { emulation::cp_async16(shared, global); }
inline void cp_async_commit() { emulation::cp_async_commit(); }
template <uint32_t kPending>
inline void cp_async_wait() {
  emulation::cp_async_wait(kPending);
}
inline uint32_t cluster_rank() { return emulation::cluster_rank(); }
inline uint32_t cluster_size() { return emulation::cluster_size(); }
inline void cluster_barrier() { emulation::cluster_arrive_wait(); }
template <class T>
inline const T* cluster_map(const T* shared, uint32_t rank) {
  return emulation::cluster_map(shared, rank);
}

#else

// 16 bytes at a multiple of 16. The clobber keeps a second read of the same place from becoming the
// first one's value: between the two the place may have been overwritten.
template <Cache kCache>
__device__ __forceinline__ uint4 load16(const void* global) {
  uint4 v;
  if constexpr (kCache == Cache::kOnce) {
    asm("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
        : "l"(__cvta_generic_to_global(global))
        : "memory");
  } else {
    asm("ld.global.cg.v4.u32 {%0, %1, %2, %3}, [%4];"
        : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
        : "l"(__cvta_generic_to_global(global))
        : "memory");
  }
  return v;
}

template <Cache kCache>
__device__ __forceinline__ void store16(void* global, uint4 v) {
  static_assert(kCache == Cache::kOnce, "nothing here reads what it wrote");
  asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};"
               :
               : "l"(__cvta_generic_to_global(global)), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
               : "memory");
}

// One element: the ends of rows that are not aligned to 16 bytes.
template <class T>
__device__ __forceinline__ T load_element(const T* global) {
  return *global;
}
template <class T>
__device__ __forceinline__ void store_element(T* global, T value) {
  *global = value;
}

// 2^x within 2^-22, on the special-function unit. Subnormal arguments and results count as 0.
__device__ __forceinline__ float ex2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// The greater, or NaN where one is NaN; fmaxf drops it.
__device__ __forceinline__ float max_or_nan(float a, float b) {
  float y;
  asm("max.NaN.ftz.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}

// The dynamic shared memory of the block: the only shared memory there is.
template <class T = unsigned char>
__device__ __forceinline__ T* shared_arena() {
  extern __shared__ __align__(128) unsigned char arena[];
  return reinterpret_cast<T*>(arena);
}

// 16 bytes from global to shared memory, both at a multiple of 16, past the registers and the first
// level. They have arrived, for this thread, after the wait for their group.
__device__ __forceinline__ void cp_async16(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
               :
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(shared))),
                 "l"(__cvta_generic_to_global(global))
               : "memory");
}
__device__ __forceinline__ void cp_async_commit() {
  asm volatile("cp.async.commit_group;" : : : "memory");
}
// Until at most that many of this thread's newest groups are under way.
template <uint32_t kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" : : "n"(kPending) : "memory");
}

// Clusters: blocks that run together and see each other's shared memory, from compute capability 9.0
// on. A launch without a cluster is a cluster of one block; older devices have no other.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
__device__ __forceinline__ uint32_t cluster_rank() {
  uint32_t rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ __forceinline__ uint32_t cluster_size() {
  uint32_t size;
  asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(size));
  return size;
}
// All threads of all blocks of the cluster; what was written before is seen after.
__device__ __forceinline__ void cluster_barrier() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;"
               :
               :
               : "memory");
}
// The same place in the shared memory of another block of the cluster.
template <class T>
__device__ __forceinline__ const T* cluster_map(const T* shared, uint32_t rank) {
  const T* mapped;
  asm("mapa.u64 %0, %1, %2;" : "=l"(mapped) : "l"(shared), "r"(rank));
  return mapped;
}
#else
__device__ __forceinline__ uint32_t cluster_rank() { return 0; }
__device__ __forceinline__ uint32_t cluster_size() { return 1; }
__device__ __forceinline__ void cluster_barrier() { __syncthreads(); }
template <class T>
__device__ __forceinline__ const T* cluster_map(const T* shared, uint32_t) {
  return shared;
}
#endif

#endif

}  // namespace grpo4j::cuda
