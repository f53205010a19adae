// Accesses that are counted or are points of change, and asynchronous copies.
#include <string.h>

#include "machine.h"
#include "sanitizer.h"

namespace grpo4j::emulation {

uint32_t access_hooks = 0;

namespace {

bool in_shared_memory(const Block& block, const void* address, size_t bytes) {
  // Of any block of the cluster.
  const uint32_t size = Machine::running().launch().configuration.cluster_size;
  for (const Block* b = &block - block.rank; b != &block - block.rank + size; ++b) {
    if (address >= b->arena && address < b->arena + bytes) return true;
  }
  return false;
}

void count(Machine& machine, const void* site, const void* address, uint32_t bytes, bool write) {
  const Unseen unseen;
  ThreadState& thread = machine.thread();
  if (machine.launch().settings.counting &&
      !in_shared_memory(*thread.block, address, machine.arena_bytes())) {
    thread.block->trace.add(thread.index, site, reinterpret_cast<uintptr_t>(address), bytes, write);
  }
}

void write_to_shared(const AsyncCopy& copy, const void* content) {
  tsan_write(copy.shared, 16);
  memcpy(copy.shared, content, copy.bytes);
  memset(static_cast<char*>(copy.shared) + copy.bytes, 0, 16 - copy.bytes);
}

void read_source(AsyncCopy& copy) {
  tsan_read(copy.global, copy.bytes);
  memcpy(copy.content, copy.global, copy.bytes);
}

void check_copy(const Block& block, size_t arena_bytes, const AsyncCopy& copy) {
  const unsigned char* to = static_cast<const unsigned char*>(copy.shared);
  if (reinterpret_cast<uintptr_t>(copy.shared) % 16 != 0 ||
      reinterpret_cast<uintptr_t>(copy.global) % 16 != 0) {
    fail("an asynchronous copy from %p to %p: both must be aligned to 16 bytes", copy.global,
         copy.shared);
  }
  if (to < block.arena || to + 16 > block.arena + arena_bytes) {
    fail("an asynchronous copy to %p, outside of the block's shared memory", copy.shared);
  }
  if (copy.bytes > 16) {
    fail("an asynchronous copy of %u bytes", copy.bytes);
  }
}

}  // namespace

void on_access(const void* address, uint32_t bytes, Access access) {
  Machine& machine = Machine::running();
  if (access == Access::kAtomic) {
    ++machine.counts().atomics;
  } else {
    count(machine, __builtin_return_address(0), address, bytes, access == Access::kStore);
  }
  machine.may_change();
}

void cp_async16(void* shared, const void* global, uint32_t bytes) {
  Machine& machine = Machine::running();
  ThreadState& thread = machine.thread();
  AsyncCopy copy = {shared, global, bytes, thread.copy_group, {}};
  check_copy(*thread.block, machine.arena_bytes(), copy);
  if (bytes > 0) {
    count(machine, __builtin_return_address(0), global, bytes, false);
  }
  // From now on the copy may write: nobody else may use the destination.
  tsan_write(shared, 16);
  const int32_t when = machine.launch().settings.copies;
  if (when != GRPO4J_EMULATION_COPIES_LATE) {
    read_source(copy);
  }
  if (when == GRPO4J_EMULATION_COPIES_AT_ONCE) {
    write_to_shared(copy, copy.content);
  } else {
    const Unseen unseen;
    thread.copies.push_back(copy);
  }
  machine.may_change();
}

void cp_async_commit() { ++Machine::running().thread().copy_group; }

namespace {

// Delivers what was issued in groups before that one.
void deliver(Machine& machine, uint64_t before_group) {
  ThreadState& thread = machine.thread();
  const bool read_now = machine.launch().settings.copies == GRPO4J_EMULATION_COPIES_LATE;
  size_t kept = 0;
  for (AsyncCopy& copy : thread.copies) {
    if (copy.group >= before_group) {
      thread.copies[kept++] = copy;
      continue;
    }
    if (read_now) read_source(copy);
    write_to_shared(copy, copy.content);
  }
  thread.copies.resize(kept);
  machine.may_change();
}

}  // namespace

void cp_async_wait(uint32_t pending_groups) {
  Machine& machine = Machine::running();
  const uint64_t committed = machine.thread().copy_group;
  if (committed >= pending_groups) deliver(machine, committed - pending_groups);
}

void cp_async_wait_all() {
  Machine& machine = Machine::running();
  deliver(machine, machine.thread().copy_group + 1);
}

}  // namespace grpo4j::emulation
