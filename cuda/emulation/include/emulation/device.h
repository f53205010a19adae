// What device code sees of the emulation: its place in the grid, warp operations, barriers, memory
// accesses that can be counted and interleaved, asynchronous copies, clusters.
//
// Loads, stores and atomics are plain inline code of the kernel's own translation unit, so that the
// sanitizers see them where they happen; everything that makes a thread wait is in the emulator.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <vector_types.h>

#include <type_traits>

namespace grpo4j::emulation {

#define GRPO4J_EMULATION_INLINE __attribute__((always_inline)) inline

// The thread that runs. Its memory belongs to the emulator.
struct Thread {
  uint3 thread_index;
  uint3 block_index;
  dim3 block_dim;
  dim3 grid_dim;
  uint32_t lane;
};

extern constinit thread_local Thread* current_thread __attribute__((tls_model("initial-exec")));

GRPO4J_EMULATION_INLINE const Thread& this_thread() { return *current_thread; }

// Ends the launch: an error with kernel, block and thread. Does not return.
[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// ---- Barriers and fences

enum class Fence { kBlock, kDevice };

void block_barrier();
// What the block's threads said at the barrier: how many had a predicate that isn't 0.
int32_t block_barrier_count(bool predicate);
void fence(Fence scope);

// ---- Warps

enum class WarpOperation : uint8_t {
  kSync,
  kShuffleIndex,
  kShuffleUp,
  kShuffleDown,
  kShuffleXor,
  kBallot,
  kReduceAdd,
  kReduceMin,
  kReduceMax,
  kReduceMinSigned,
  kReduceMaxSigned,
  kReduceAnd,
  kReduceOr,
};

// Waits for the lanes of the mask and gives this lane's result. argument and width: of shuffles.
uint64_t warp_operation(WarpOperation operation, uint32_t mask, uint64_t value, int32_t argument,
                        int32_t width);

template <class T>
GRPO4J_EMULATION_INLINE T shuffle(WarpOperation operation, uint32_t mask, T value,
                                  int32_t argument, int32_t width) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  bits = warp_operation(operation, mask, bits, argument, width);
  memcpy(&value, &bits, sizeof(T));
  return value;
}

// ---- Memory

enum class Access : uint8_t { kLoad, kStore, kAtomic };

// Not 0 while accesses are counted or are points where another thread may run.
extern uint32_t access_hooks;
void on_access(const void* address, uint32_t bytes, Access access);

GRPO4J_EMULATION_INLINE void access(const void* address, uint32_t bytes, Access kind) {
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    fail("a %s of %u bytes at %p, which is not aligned to them",
         kind == Access::kLoad ? "load" : kind == Access::kStore ? "store" : "atomic", bytes,
         address);
  }
  if (__builtin_expect(access_hooks != 0, 0)) {
    on_access(address, bytes, kind);
  }
}

// One load or store instruction of sizeof(T) bytes.
template <class T>
GRPO4J_EMULATION_INLINE T load(const T* address) {
  access(address, sizeof(T), Access::kLoad);
  return *address;
}
template <class T>
GRPO4J_EMULATION_INLINE void store(T* address, T value) {
  access(address, sizeof(T), Access::kStore);
  *address = value;
}
template <class T>
GRPO4J_EMULATION_INLINE T load_element(const T* address) {
  return load(address);
}
template <class T>
GRPO4J_EMULATION_INLINE void store_element(T* address, T value) {
  store(address, value);
}
GRPO4J_EMULATION_INLINE uint4 load16(const void* address) {
  return load(static_cast<const uint4*>(address));
}
GRPO4J_EMULATION_INLINE void store16(void* address, uint4 value) {
  store(static_cast<uint4*>(address), value);
}

// ---- Atomics on integers: relaxed, as on the device; order comes from fences.

// What a fence before and a fence after this atomic order, for ThreadSanitizer.
#if defined(GRPO4J_EMULATION_TSAN)
void before_atomic(void* address);
void after_atomic(void* address);
#else
GRPO4J_EMULATION_INLINE void before_atomic(void*) {}
GRPO4J_EMULATION_INLINE void after_atomic(void*) {}
#endif

template <class T, class Update>
GRPO4J_EMULATION_INLINE T atomic_update(T* address, Update update) {
  static_assert(std::is_integral_v<T>, "no floating-point atomics: sums must not depend on their order");
  access(address, sizeof(T), Access::kAtomic);
  before_atomic(address);
  T old = __atomic_load_n(address, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(address, &old, update(old), true, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
  }
  after_atomic(address);
  return old;
}

// ---- Shared memory

// The block's dynamic shared memory, aligned to 1024 bytes.
unsigned char* shared_arena();

// ---- Asynchronous copies of 16 bytes from global to shared memory

// bytes < 16: the rest of the destination becomes 0.
void cp_async16(void* shared, const void* global, uint32_t bytes = 16);
void cp_async_commit();
// Until at most that many of the newest committed groups are under way.
void cp_async_wait(uint32_t pending_groups);
// For all, those that were not committed too.
void cp_async_wait_all();

// ---- Clusters: blocks that run together; 1 block where the launch has none.

uint32_t cluster_rank();
uint32_t cluster_size();
void cluster_arrive();
void cluster_wait();
GRPO4J_EMULATION_INLINE void cluster_arrive_wait() {
  cluster_arrive();
  cluster_wait();
}
// The same place in the shared memory of the cluster's block of that rank.
void* cluster_map_address(const void* shared, uint32_t rank);
template <class T>
GRPO4J_EMULATION_INLINE T* cluster_map(T* shared, uint32_t rank) {
  return static_cast<T*>(cluster_map_address(shared, rank));
}

// ---- Arithmetic

// ex2.approx.ftz: 2^x with subnormal arguments and results as 0. The device's errs by 2^-22.
GRPO4J_EMULATION_INLINE float ex2(float x) {
  const float flushed = fabsf(x) < 0x1p-126f ? 0.0f : x;
  const float result = exp2f(flushed);
  return result < 0x1p-126f ? 0.0f : result;
}

}  // namespace grpo4j::emulation
