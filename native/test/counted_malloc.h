// The malloc of the whole program, the library and what is linked into it included.
#pragma once

#include <stdint.h>

#include <atomic>

namespace counted_malloc {

// A sanitizer's malloc must stay its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;
#endif
extern std::atomic<int64_t> allocations;
extern std::atomic<bool> refuse;

}  // namespace counted_malloc
