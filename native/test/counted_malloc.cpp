#include "counted_malloc.h"

#include <stdlib.h>

std::atomic<int64_t> counted_malloc::allocations{0};
std::atomic<bool> counted_malloc::refuse{false};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" void* __libc_malloc(size_t size);

extern "C" void* malloc(size_t size) {
  counted_malloc::allocations.fetch_add(1);
  return counted_malloc::refuse.load() ? nullptr : __libc_malloc(size);
}
#endif
