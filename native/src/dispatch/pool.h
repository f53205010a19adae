// A few threads that sleep until rows arrive.
#pragma once

#include <stdint.h>

#include <functional>

namespace grpo4j {

// Runs task on the calling thread and on up to threads() - 1 sleeping workers at once; returns when
// all of them are done. While another call has the workers, runs on the calling thread alone.
void run_parallel(const std::function<void()>& task);

}  // namespace grpo4j
