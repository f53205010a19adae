#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <new>

#include "kernel_name.h"
#include "sanitizer.h"

namespace grpo4j::emulation {

constinit thread_local Thread* current_thread = nullptr;

namespace {

// Behind the arena; must still hold its pattern when the block ends.
constexpr size_t kGuardBytes = 1024;
constexpr unsigned char kGuardPattern = 0xa7;
constexpr size_t kArenaAlignment = 1024;

thread_local Machine* running_machine = nullptr;

// Subnormal floats are 0, in and out, as in device code compiled with -ftz=true. Doubles are flushed
// too, which the device does not.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() : saved_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(saved_ | 0x8040u); }
  ~FlushSubnormals() { __builtin_ia32_ldmxcsr(saved_); }

 private:
  unsigned saved_;
#else
  FlushSubnormals() : saved_(__builtin_aarch64_get_fpcr()) {
    __builtin_aarch64_set_fpcr(saved_ | 1u << 24);
  }
  ~FlushSubnormals() { __builtin_aarch64_set_fpcr(saved_); }

 private:
  unsigned saved_;
#endif
};

void fill(unsigned char* memory, size_t bytes, uint32_t pattern) {
  for (size_t i = 0; i < bytes; ++i) {
    memory[i] = static_cast<unsigned char>(pattern >> (8 * (i % 4)));
  }
}

size_t padded(size_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

unsigned char* allocate_arena(size_t bytes) {
  void* memory = aligned_alloc(kArenaAlignment, padded(bytes + kGuardBytes));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return static_cast<unsigned char*>(memory);
}

std::string block_name(const Block& block) {
  std::string name = "block " + std::to_string(block.index.x);
  if (block.index.y != 0 || block.index.z != 0) {
    name += ", " + std::to_string(block.index.y) + ", " + std::to_string(block.index.z);
  }
  return name;
}

const char* waits_at(Wait wait) {
  switch (wait) {
    case Wait::kWarp: return "a warp operation";
    case Wait::kBlock: return "a barrier of the block";
    case Wait::kCluster: return "a barrier of the cluster";
    default: return "nothing";
  }
}

}  // namespace

std::string where(const ThreadState& thread) {
  return block_name(*thread.block) + ", thread " + std::to_string(thread.index);
}

int64_t Launch::block_count() const {
  const dim3& grid = configuration.grid;
  return int64_t{grid.x} * grid.y * grid.z;
}

uint32_t Launch::block_threads() const {
  const dim3& block = configuration.block;
  return block.x * block.y * block.z;
}

void Launch::fail(const std::string& message) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (failure.empty()) {
    failure = kernel_name(configuration.kernel) + ": " + message;
  }
  failed.store(true);
}

Machine::~Machine() {
  for (unsigned char* arena : arenas_) free(arena);
}

Machine& Machine::of_this_thread() {
  thread_local Machine machine;
  return machine;
}

Machine& Machine::running() {
  if (running_machine == nullptr) {
    fputs("grpo4j emulation: device code was called outside of a kernel\n", stderr);
    abort();
  }
  return *running_machine;
}

bool Machine::run(Launch& launch, int64_t first_block, uint32_t count) {
  launch_ = &launch;
  running_machine = this;
  random_state_ = launch.settings.seed * 0x9e3779b97f4a7c15u + launch.ordinal * 0x2545f4914f6cdd1du +
                  static_cast<uint64_t>(first_block);
  set_up(first_block, count);
  tsan_release(&start_order_);
  host_ = host_fiber();
  const FlushSubnormals flush;
  while (live_ > 0 && !launch.failed.load(std::memory_order_relaxed)) {
    thread_ = next();
    if (thread_ == nullptr) {
      report_deadlock();
      break;
    }
    current_thread = thread_;
    switch_fiber(host_, *thread_->fiber);
  }
  current_thread = nullptr;
  running_machine = nullptr;
  const bool good = tear_down();
  launch_ = nullptr;
  return good;
}

// Nothing may order a block after the one that ran here before. A fiber's accesses are in order, and
// a barrier passes on all that its fibers know: so these blocks get other fibers, and barriers other
// memory, which ThreadSanitizer forgets when it is freed.
void Machine::forget_order() {
  odd_ = !odd_;
  std::vector<Block>().swap(blocks_);
  std::vector<Warp>().swap(warps_);
  std::vector<Cluster>().swap(clusters_);
}

// Only now are the threads' accesses before what the host does next: blocks are not ordered.
void Machine::end_launch() { tsan_acquire(&end_order_); }

void Machine::set_up(int64_t first_block, uint32_t count) {
  const Unseen unseen;
  const uint32_t threads = launch_->block_threads();
  const uint32_t warps = (threads + kWarpLanes - 1) / kWarpLanes;
  const uint32_t all = threads * count;
  if (kThreadSanitizer) forget_order();
  FiberPool& fibers = fibers_[odd_];
  fibers.reserve(all, &Machine::thread_main);
  threads_.clear();
  threads_.resize(all);
  warps_.assign(size_t{warps} * count, Warp());
  blocks_.clear();
  blocks_.resize(count);
  const uint32_t cluster_size = launch_->configuration.cluster_size;
  clusters_.assign(count / cluster_size, Cluster());
  ready_warps_.assign((warps_.size() + 63) / 64, 0);
  live_ = all;
  counts_ = {};
  if (kThreadSanitizer || arena_capacity_ < arena_bytes()) {
    for (unsigned char* arena : arenas_) free(arena);
    arenas_.clear();
    arena_capacity_ = arena_bytes();
  }
  while (arenas_.size() < count) arenas_.push_back(allocate_arena(arena_capacity_));
  for (uint32_t b = 0; b < count; ++b) {
    Block& block = blocks_[b];
    block.thread_count = threads;
    block.warp_count = warps;
    block.threads = &threads_[size_t{b} * threads];
    block.warps = &warps_[size_t{b} * warps];
    block.cluster = &clusters_[b / cluster_size];
    block.cluster->threads += threads;
    set_up_block(block, first_block + b, b);
  }
  for (uint32_t i = 0; i < all; ++i) {
    threads_[i].fiber = &fibers[i];
    make_ready(threads_[i]);
  }
}

void Machine::set_up_block(Block& block, int64_t index, uint32_t slot) {
  const LaunchConfiguration& c = launch_->configuration;
  block.index = {static_cast<uint32_t>(index % c.grid.x),
                 static_cast<uint32_t>(index / c.grid.x % c.grid.y),
                 static_cast<uint32_t>(index / c.grid.x / c.grid.y)};
  block.rank = block.index.x % c.cluster_size;
  block.arena = arenas_[slot];
  fill(block.arena, arena_bytes(), launch_->settings.fill);
  memset(block.arena + arena_bytes(), kGuardPattern, kGuardBytes);
  asan_poison(block.arena + arena_bytes(), kGuardBytes);
  if (launch_->settings.counting) {
    block.trace.begin(block.thread_count, launch_->memory.l2_bytes_per_block);
  }
  for (uint32_t t = 0; t < block.thread_count; ++t) {
    ThreadState& thread = block.threads[t];
    thread.index = t;
    thread.lane = t % kWarpLanes;
    thread.thread_index = {t % c.block.x, t / c.block.x % c.block.y, t / c.block.x / c.block.y};
    thread.block_index = block.index;
    thread.block_dim = c.block;
    thread.grid_dim = c.grid;
    thread.block = &block;
    block.warps[t / kWarpLanes].exists |= 1u << thread.lane;
  }
}

// Checks the guard zones and gives what must not be used again back.
bool Machine::tear_down() {
  const Unseen unseen;
  for (const Block& block : blocks_) {
    asan_unpoison(block.arena + arena_bytes(), kGuardBytes);
    for (size_t i = 0; i < kGuardBytes; ++i) {
      if (block.arena[arena_bytes() + i] != kGuardPattern) {
        launch_->fail(block_name(block) + " wrote byte " +
                      std::to_string(arena_bytes() + i) + " of " + std::to_string(arena_bytes()) +
                      " bytes of shared memory");
        break;
      }
    }
  }
  if (live_ > 0) {
    fibers_[odd_].clear();  // they stopped somewhere inside the kernel
  }
  const std::lock_guard<std::mutex> lock(launch_->mutex);
  add(launch_->counters, counts_);
  if (launch_->settings.counting && live_ == 0) {
    for (Block& block : blocks_) {
      block.trace.finish();
      add(launch_->counters, block.trace.counters());
    }
  }
  return !launch_->failed.load();
}

void Machine::thread_main() {
  for (;;) {
    Machine& machine = running();
    tsan_acquire(&machine.start_order_);
    machine.launch_->body();
    machine.finish_thread();
    machine.stop(Wait::kExited);
  }
}

void Machine::finish_thread() {
  ThreadState& thread = *thread_;
  cp_async_wait_all();
  Block& block = *thread.block;
  block.warps[thread.index / kWarpLanes].exited |= 1u << thread.lane;
  --live_;
  ++block.exited;
  ++block.cluster->exited;
  tsan_release(&block.exited);
  if (block.exited == block.thread_count && arena_bytes() > 0) {
    tsan_acquire(&block.exited);
    // Shared memory ends with its block: who still reads it, in another block of the cluster, reads
    // something else.
    tsan_write(block.arena, arena_bytes());
    fill(block.arena, arena_bytes(), ~launch_->settings.fill);
  }
  if (block.cluster->arrived > 0 &&
      block.cluster->arrived + block.cluster->exited == block.cluster->threads) {
    release_cluster(block);
  }
}

size_t Machine::warp_number(const ThreadState& thread) const {
  const size_t block = static_cast<size_t>(thread.block - blocks_.data());
  return block * thread.block->warp_count + thread.index / kWarpLanes;
}

void Machine::stop(Wait reason) {
  ThreadState& thread = *thread_;
  thread.wait = reason;
  if (reason != Wait::kNothing) {
    const size_t warp = warp_number(thread);
    warps_[warp].ready &= ~(1u << thread.lane);
    if (warps_[warp].ready == 0) {
      ready_warps_[warp / 64] &= ~(uint64_t{1} << (warp % 64));
    }
  }
  tsan_release(&end_order_);  // at every stop: a launch that fails leaves threads where they are
  switch_fiber(*thread.fiber, host_);
}

void Machine::make_ready(ThreadState& thread) {
  thread.wait = Wait::kNothing;
  const size_t warp = warp_number(thread);
  warps_[warp].ready |= 1u << thread.lane;
  ready_warps_[warp / 64] |= uint64_t{1} << (warp % 64);
}

void Machine::may_change() {
  if (launch_->settings.schedule == GRPO4J_EMULATION_INTERLEAVED && random() % 4 == 0) {
    stop(Wait::kNothing);
  }
}

void Machine::abandon() {
  for (;;) stop(Wait::kExited);
}

ThreadState* Machine::next() {
  switch (launch_->settings.schedule) {
    case GRPO4J_EMULATION_IN_ORDER: return first_ready(false);
    case GRPO4J_EMULATION_REVERSED: return first_ready(true);
    default: return random_ready();
  }
}

ThreadState* Machine::first_ready(bool from_the_end) {
  const size_t words = ready_warps_.size();
  for (size_t i = 0; i < words; ++i) {
    const size_t w = from_the_end ? words - 1 - i : i;
    const uint64_t word = ready_warps_[w];
    if (word != 0) {
      const size_t bit = static_cast<size_t>(from_the_end ? 63 - __builtin_clzll(word)
                                                          : __builtin_ctzll(word));
      const size_t warp = w * 64 + bit;
      const uint32_t ready = warps_[warp].ready;
      const int lane = from_the_end ? 31 - __builtin_clz(ready) : __builtin_ctz(ready);
      return thread_of(warp, static_cast<uint32_t>(lane));
    }
  }
  return nullptr;
}

ThreadState* Machine::random_ready() {
  const size_t warps = warps_.size();
  const size_t start = random() % warps;
  for (size_t i = 0; i < warps; ++i) {
    const size_t warp = (start + i) % warps;
    const uint32_t ready = warps_[warp].ready;
    if (ready != 0) {
      const uint32_t skip = static_cast<uint32_t>(random() % kWarpLanes);
      const uint32_t rotated = ready >> skip | (skip == 0 ? 0 : ready << (kWarpLanes - skip));
      return thread_of(warp, (static_cast<uint32_t>(__builtin_ctz(rotated)) + skip) % kWarpLanes);
    }
  }
  return nullptr;
}

ThreadState* Machine::thread_of(size_t warp, uint32_t lane) {
  const size_t warps_per_block = blocks_[0].warp_count;
  return &blocks_[warp / warps_per_block].threads[warp % warps_per_block * kWarpLanes + lane];
}

uint64_t Machine::random() {  // splitmix64
  uint64_t z = random_state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void Machine::report_deadlock() {
  for (const Block& block : blocks_) {
    for (uint32_t t = 0; t < block.thread_count; ++t) {
      const ThreadState& thread = block.threads[t];
      if (thread.wait == Wait::kExited) continue;
      std::string message = where(thread) + " waits for ever at " + waits_at(thread.wait) + ": ";
      if (thread.wait == Wait::kWarp) {
        char mask[16];
        snprintf(mask, sizeof mask, "0x%08x", thread.request.mask);
        message += std::string("not all lanes of its mask ") + mask + " come";
      } else if (thread.wait == Wait::kBlock) {
        message += std::to_string(block.arrived) + " of " + std::to_string(block.thread_count) +
                   " threads came, " + std::to_string(block.exited) + " have exited";
      } else {
        message += std::to_string(block.cluster->arrived) + " of " +
                   std::to_string(block.cluster->threads) + " threads came";
      }
      return launch_->fail(message);
    }
  }
}

}  // namespace grpo4j::emulation
