// The emulated device: blocks of one launch that are resident at the same time on one host thread,
// each of their threads a fiber. A thread runs until it has to wait; then another one runs, which
// one the schedule decides.
//
// Modelled: grids, blocks, clusters with distributed shared memory; barriers of blocks and clusters,
// __syncwarp, shuffles, votes and reductions with their masks checked; dynamic shared memory, filled
// anew for each block and useless once its block has ended; integer atomics, fences; asynchronous
// copies that arrive when they are waited for and not before; alignment of every access; limits of
// the device at launch; subnormal floats flushed. What can't go on ends the launch with kernel,
// block and thread: barriers that some threads never reach, lanes that never come.
// Counted: bytes, 32-byte sectors of warp-wide accesses, DRAM traffic past an L2 (memory_trace.h).
//
// Not modelled: time, and the device's weak memory order. A missing fence or barrier changes nothing
// here by reordering; ThreadSanitizer finds it instead, to which each thread is a thread of its own
// and only barriers, __syncwarp, fences with atomics, launches and clusters order accesses. Launches
// finish before they return, so streams never overlap. A kernel that spins until another block
// writes would hang. Special functions are the host's, closer to exact than the device's.
#pragma once

#include <stdint.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "emulation/control.h"
#include "emulation/launch.h"
#include "fiber.h"
#include "memory_trace.h"

namespace grpo4j::emulation {

constexpr uint32_t kWarpLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

// What tests set; the same for a whole launch.
struct Settings {
  int32_t schedule = GRPO4J_EMULATION_IN_ORDER;
  uint64_t seed = 0;
  int32_t copies = GRPO4J_EMULATION_COPIES_LATE;
  uint32_t fill = 0xffffffffu;  // NaN in every floating-point type
  bool counting = false;
};

// One launch, shared by the host threads that run its blocks.
struct Launch {
  LaunchConfiguration configuration;
  std::function<void()> body;
  Settings settings;
  DeviceMemoryModel memory;
  uint64_t ordinal = 0;  // of the process: random schedules differ from launch to launch
  std::atomic<int64_t> next_group{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;  // of what follows
  std::string failure;
  grpo4j_emulation_counters counters{};

  int64_t block_count() const;
  uint32_t block_threads() const;
  void fail(const std::string& message);
};

enum class Wait : uint8_t { kNothing, kWarp, kBlock, kCluster, kExited };

struct WarpRequest {
  WarpOperation operation;
  uint32_t mask;
  uint64_t value;
  int32_t argument;
  int32_t width;
  uint64_t result;
};

struct AsyncCopy {
  void* shared;
  const void* global;
  uint32_t bytes;
  uint64_t group;
  unsigned char content[16];  // where the source was read at issue
};

struct Block;

struct ThreadState : Thread {
  Block* block = nullptr;
  Fiber* fiber = nullptr;
  uint32_t index = 0;  // in its block
  Wait wait = Wait::kNothing;
  WarpRequest request{};
  std::vector<AsyncCopy> copies;
  uint64_t copy_group = 0;
  bool cluster_arrived = false;
  uint64_t cluster_phase = 0;
  bool fenced = false;                    // a device-wide fence since the last atomic
  std::vector<void*> atomics_since_fence;
};

struct Warp {
  uint32_t exists = 0;
  uint32_t ready = 0;
  uint32_t waiting = 0;  // in a warp operation
  uint32_t exited = 0;
};

struct Cluster {
  uint32_t threads = 0;
  uint32_t arrived = 0;
  uint32_t exited = 0;
  uint64_t phase = 0;
  char order[2] = {};  // addresses that stand for the barrier in even and odd phases
};

struct Block {
  uint3 index{};
  uint32_t rank = 0;  // in its cluster
  uint32_t thread_count = 0;
  Cluster* cluster = nullptr;
  ThreadState* threads = nullptr;
  Warp* warps = nullptr;
  uint32_t warp_count = 0;
  unsigned char* arena = nullptr;
  uint32_t arrived = 0;
  uint32_t exited = 0;
  int32_t predicates = 0;       // of the barrier that gathers
  int32_t predicates_result = 0;
  uint64_t phase = 0;
  char barrier_order[2] = {};   // as in Cluster
  BlockTrace trace;
};

// "block 3, thread 17"
std::string where(const ThreadState& thread);

// The emulator of one host thread.
class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // The calling host thread's own.
  static Machine& of_this_thread();
  // The machine whose fiber calls; fails the process outside of kernels.
  static Machine& running();

  // Runs resident blocks [first, first + count) of the launch; false when the launch failed.
  bool run(Launch& launch, int64_t first_block, uint32_t count);

  void end_launch();

  // From fibers:
  ThreadState& thread() { return *thread_; }
  Launch& launch() { return *launch_; }
  void stop(Wait reason);  // until make_ready
  void make_ready(ThreadState& thread);
  void may_change();       // another thread may run first
  void block_barrier(bool predicate);
  uint64_t warp_operation(const WarpRequest& request);
  void cluster_arrive();
  void cluster_wait();
  [[noreturn]] void abandon();
  grpo4j_emulation_counters& counts() { return counts_; }
  size_t arena_bytes() const { return launch_->configuration.shared_bytes; }

 private:
  static void thread_main();
  void finish_thread();
  void check_warp_request(const WarpRequest& request, const Warp& warp, const ThreadState* lanes);
  void release_block(Block& block);
  void release_cluster(Block& block);
  void forget_order();
  void set_up(int64_t first_block, uint32_t count);
  void set_up_block(Block& block, int64_t index, uint32_t slot);
  bool tear_down();
  ThreadState* next();
  ThreadState* first_ready(bool from_the_end);
  ThreadState* random_ready();
  ThreadState* thread_of(size_t warp, uint32_t lane);
  size_t warp_number(const ThreadState& thread) const;
  void report_deadlock();
  uint64_t random();

  Launch* launch_ = nullptr;
  ThreadState* thread_ = nullptr;
  Fiber host_;
  FiberPool fibers_[2];  // the second for ThreadSanitizer alone
  bool odd_ = false;
  std::vector<ThreadState> threads_;
  std::vector<Warp> warps_;
  std::vector<Block> blocks_;
  std::vector<Cluster> clusters_;
  std::vector<unsigned char*> arenas_;
  size_t arena_capacity_ = 0;
  std::vector<uint64_t> ready_warps_;  // a bit per warp with a ready lane
  uint32_t live_ = 0;  // threads that have not ended
  grpo4j_emulation_counters counts_{};
  char start_order_ = 0;  // addresses that stand for the launch and for its end
  char end_order_ = 0;
  uint64_t random_state_ = 0;
};

}  // namespace grpo4j::emulation
