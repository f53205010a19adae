// Barriers, fences, warp operations, clusters.
#include <stdarg.h>
#include <stdio.h>

#include <algorithm>

#include "machine.h"
#include "sanitizer.h"

namespace grpo4j::emulation {

void fail(const char* format, ...) {
  Machine& machine = Machine::running();
  char text[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  {
    const Unseen unseen;
    machine.launch().fail(where(machine.thread()) + ": " + text);
  }
  machine.abandon();
}

// ---- Barriers

void Machine::block_barrier(bool predicate) {
  Block& block = *thread_->block;
  // Two addresses in turn: a thread that leaves late must not seem ordered after what others do
  // before the next barrier.
  char* order = &block.barrier_order[block.phase % 2];
  tsan_release(order);
  block.predicates += predicate;
  if (++block.arrived == block.thread_count) {
    release_block(block);
    may_change();
  } else {
    stop(Wait::kBlock);
  }
  tsan_acquire(order);
}

void Machine::release_block(Block& block) {
  block.arrived = 0;
  block.predicates_result = block.predicates;
  block.predicates = 0;
  ++block.phase;
  for (uint32_t t = 0; t < block.thread_count; ++t) {
    if (&block.threads[t] != thread_) make_ready(block.threads[t]);
  }
  if (launch_->settings.counting) {
    const Unseen unseen;
    block.trace.flush();
  }
  ++counts_.barriers;
}

void block_barrier() { Machine::running().block_barrier(false); }

int32_t block_barrier_count(bool predicate) {
  Machine& machine = Machine::running();
  machine.block_barrier(predicate);
  return machine.thread().block->predicates_result;
}

void fence(Fence scope) {
  Machine& machine = Machine::running();
  if (scope == Fence::kDevice) {
    ThreadState& thread = machine.thread();
    for (void* address : thread.atomics_since_fence) tsan_acquire(address);
    thread.atomics_since_fence.clear();
    thread.fenced = true;
  }
  machine.may_change();
}

#if defined(GRPO4J_EMULATION_TSAN)
// A fence before an atomic publishes what the thread knows, a fence after one learns it.
void before_atomic(void* address) {
  if (Machine::running().thread().fenced) tsan_release(address);
}

void after_atomic(void* address) {
  const Unseen unseen;
  Machine::running().thread().atomics_since_fence.push_back(address);
}
#endif

// ---- Warps

namespace {

uint64_t reduce(WarpOperation operation, uint32_t a, uint32_t b) {
  const int32_t sa = static_cast<int32_t>(a), sb = static_cast<int32_t>(b);
  switch (operation) {
    case WarpOperation::kReduceAdd: return a + b;
    case WarpOperation::kReduceMin: return std::min(a, b);
    case WarpOperation::kReduceMax: return std::max(a, b);
    case WarpOperation::kReduceMinSigned: return static_cast<uint32_t>(std::min(sa, sb));
    case WarpOperation::kReduceMaxSigned: return static_cast<uint32_t>(std::max(sa, sb));
    case WarpOperation::kReduceAnd: return a & b;
    default: return a | b;
  }
}

// The lane whose value this lane gets; itself where the shuffle leaves its segment.
int32_t source_lane(const WarpRequest& r, int32_t lane) {
  const int32_t first = lane & ~(r.width - 1);
  const int32_t end = first + r.width;
  int32_t source = lane;
  switch (r.operation) {
    case WarpOperation::kShuffleIndex: return first + (r.argument & (r.width - 1));
    case WarpOperation::kShuffleUp: source = lane - r.argument; break;
    case WarpOperation::kShuffleDown: source = lane + r.argument; break;
    default: source = lane ^ r.argument; break;
  }
  // As on the device: an exclusive-or may reach into an earlier segment, not into a later one.
  const bool below = r.operation == WarpOperation::kShuffleXor ? source < 0 : source < first;
  return below || source >= end ? lane : source;
}

bool is_shuffle(WarpOperation operation) {
  return operation >= WarpOperation::kShuffleIndex && operation <= WarpOperation::kShuffleXor;
}

// All lanes of the mask are here: what each of them gets.
void complete(ThreadState* lanes, uint32_t mask) {
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    WarpRequest& r = lanes[__builtin_ctz(rest)].request;
    r.result = 0;
    if (is_shuffle(r.operation)) {
      r.result = lanes[source_lane(r, __builtin_ctz(rest))].request.value;
      continue;
    }
    bool first = true;
    for (uint32_t others = mask; others != 0; others &= others - 1) {
      const int lane = __builtin_ctz(others);
      const uint32_t value = static_cast<uint32_t>(lanes[lane].request.value);
      if (r.operation == WarpOperation::kBallot) {
        r.result |= uint64_t{value != 0} << lane;
      } else if (r.operation != WarpOperation::kSync) {
        r.result = first ? value : reduce(r.operation, static_cast<uint32_t>(r.result), value);
      }
      first = false;
    }
  }
}

}  // namespace

void Machine::check_warp_request(const WarpRequest& request, const Warp& warp,
                                 const ThreadState* lanes) {
  const uint32_t lane = thread_->lane;
  const uint32_t mask = request.mask;
  if ((mask >> lane & 1) == 0) {
    fail("a warp operation with mask 0x%08x, which leaves out its own lane %u", mask, lane);
  }
  if ((mask & ~warp.exists) != 0) {
    fail("a warp operation with mask 0x%08x in a warp that has the lanes 0x%08x", mask, warp.exists);
  }
  if ((mask & warp.exited) != 0) {
    fail("a warp operation with mask 0x%08x, of which lanes 0x%08x have exited", mask,
         mask & warp.exited);
  }
  if (is_shuffle(request.operation)) {
    const int32_t source = source_lane(request, static_cast<int32_t>(lane));
    if ((mask >> source & 1) == 0) {
      fail("a shuffle from lane %d, which its mask 0x%08x leaves out", source, mask);
    }
  }
  for (uint32_t rest = mask & warp.waiting; rest != 0; rest &= rest - 1) {
    const WarpRequest& other = lanes[__builtin_ctz(rest)].request;
    if (other.mask != mask || other.operation != request.operation) {
      fail("a warp operation (%d, mask 0x%08x) while lane %d of its mask is in another one (%d, "
           "mask 0x%08x)",
           static_cast<int>(request.operation), mask, __builtin_ctz(rest),
           static_cast<int>(other.operation), other.mask);
    }
  }
}

uint64_t Machine::warp_operation(const WarpRequest& request) {
  ThreadState& thread = *thread_;
  Block& block = *thread.block;
  Warp& warp = block.warps[thread.index / kWarpLanes];
  ThreadState* lanes = &block.threads[thread.index / kWarpLanes * kWarpLanes];
  check_warp_request(request, warp, lanes);
  thread.request = request;
  // Of the warp operations only __syncwarp orders memory.
  const bool orders = request.operation == WarpOperation::kSync;
  if (orders) tsan_release(&warp);
  warp.waiting |= 1u << thread.lane;
  if ((request.mask & ~warp.waiting) == 0) {
    complete(lanes, request.mask);
    warp.waiting &= ~request.mask;
    for (uint32_t rest = request.mask; rest != 0; rest &= rest - 1) {
      ThreadState& other = lanes[__builtin_ctz(rest)];
      if (&other != thread_) make_ready(other);
    }
    ++counts_.warp_operations;
    may_change();
  } else {
    stop(Wait::kWarp);
  }
  if (orders) tsan_acquire(&warp);
  return thread.request.result;
}

uint64_t warp_operation(WarpOperation operation, uint32_t mask, uint64_t value, int32_t argument,
                        int32_t width) {
  return Machine::running().warp_operation({operation, mask, value, argument, width, 0});
}

// ---- Clusters

void Machine::cluster_arrive() {
  ThreadState& thread = *thread_;
  Cluster& cluster = *thread.block->cluster;
  if (thread.cluster_arrived) {
    fail("a second arrival at the cluster's barrier without a wait");
  }
  thread.cluster_arrived = true;
  thread.cluster_phase = cluster.phase;
  tsan_release(&cluster.order[cluster.phase % 2]);
  if (++cluster.arrived + cluster.exited == cluster.threads) {
    release_cluster(*thread.block);
  }
}

void Machine::cluster_wait() {
  ThreadState& thread = *thread_;
  Cluster& cluster = *thread.block->cluster;
  if (!thread.cluster_arrived) {
    fail("a wait at the cluster's barrier without an arrival");
  }
  if (cluster.phase == thread.cluster_phase) {
    stop(Wait::kCluster);
  } else {
    may_change();
  }
  tsan_acquire(&cluster.order[thread.cluster_phase % 2]);
  thread.cluster_arrived = false;
}

void Machine::release_cluster(Block& block) {
  Cluster& cluster = *block.cluster;
  cluster.arrived = 0;
  ++cluster.phase;
  for (Block& member : blocks_) {
    if (member.cluster != &cluster) continue;
    for (uint32_t t = 0; t < member.thread_count; ++t) {
      if (member.threads[t].wait == Wait::kCluster) make_ready(member.threads[t]);
    }
    if (launch_->settings.counting) {
      const Unseen unseen;
      member.trace.flush();
    }
  }
  ++counts_.barriers;
}

uint32_t cluster_rank() { return Machine::running().thread().block->rank; }

uint32_t cluster_size() { return Machine::running().launch().configuration.cluster_size; }

void cluster_arrive() { Machine::running().cluster_arrive(); }

void cluster_wait() { Machine::running().cluster_wait(); }

void* cluster_map_address(const void* shared, uint32_t rank) {
  Machine& machine = Machine::running();
  const Block& own = *machine.thread().block;
  const size_t offset = static_cast<size_t>(static_cast<const unsigned char*>(shared) - own.arena);
  if (offset >= machine.arena_bytes()) {
    fail("%p, which a cluster's address is wanted of, is not in the block's shared memory", shared);
  }
  if (rank >= cluster_size()) {
    fail("rank %u of a cluster of %u blocks", rank, cluster_size());
  }
  const Block* block = &own - own.rank + rank;
  return block->arena + offset;
}

unsigned char* shared_arena() { return Machine::running().thread().block->arena; }

}  // namespace grpo4j::emulation
