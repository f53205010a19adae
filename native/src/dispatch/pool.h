// A few threads that sleep until rows arrive.
#pragma once

#include <stdint.h>

namespace grpo4j {

// Work that several threads do at once. A std::function would allocate.
struct Task {
  void (*run)(void* context);
  void* context;

  template <class Work>
  static Task of(Work& work) {
    return {[](void* context) { (*static_cast<Work*>(context))(); }, &work};
  }
};

// Runs task on the calling thread and on up to threads() - 1 sleeping workers at once; returns when
// all of them are done. While another call has the workers, runs on the calling thread alone.
void run_parallel(const Task& task);

}  // namespace grpo4j
