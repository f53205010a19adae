// Stacks that a host thread changes between without a system call.
#pragma once

#include <stddef.h>

#include <deque>
#include <vector>

namespace grpo4j::emulation {

// A place of execution: a stack, and where on it the execution stopped.
struct Fiber {
  void* stack_pointer = nullptr;
  const void* stack_bottom = nullptr;
  size_t stack_size = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
  void* tsan = nullptr;        // ThreadSanitizer's idea of this thread
};

// Stops here, saving into from, and goes on where to stopped.
void switch_fiber(Fiber& from, Fiber& to);

// The host thread that calls, as something to switch back to.
Fiber host_fiber();

// Fibers with a stack each, and an inaccessible page below it.
class FiberPool {
 public:
  FiberPool() = default;
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;
  ~FiberPool() { clear(); }

  // At least that many; each begins in entry at its first switch, which must never return.
  void reserve(size_t count, void (*entry)());
  Fiber& operator[](size_t i) { return fibers_[i]; }
  size_t size() const { return fibers_.size(); }
  // Gives all back, wherever they stopped.
  void clear();

 private:
  struct Slab {
    char* memory;
    size_t bytes;
  };
  std::deque<Fiber> fibers_;  // one that is stopped holds a reference to its own
  std::vector<Slab> slabs_;
};

}  // namespace grpo4j::emulation
