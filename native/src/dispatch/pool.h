// A few threads that sleep until rows arrive.
#pragma once

#include <stdint.h>

namespace grpo4j {

// Work that several threads do at once, wherever it is kept. A std::function would allocate.
struct Task {
  void (*run)(const void* work);
  const void* work;
};

// Runs task on the calling thread and on up to threads() - 1 sleeping workers at once; returns when
// all of them are done. While another call has the workers, runs on the calling thread alone.
void run_parallel(const Task& task);

template <class Work>
void run_parallel(const Work& work) {
  run_parallel(Task{[](const void* of) { (*static_cast<const Work*>(of))(); }, &work});
}

}  // namespace grpo4j
