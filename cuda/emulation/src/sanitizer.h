// What the sanitizers must be told, and nothing where they are off. These sources themselves are
// not instrumented for ThreadSanitizer: it sees the kernels' accesses and the order that barriers,
// fences and launches make, not the emulator's bookkeeping.
#pragma once

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(GRPO4J_EMULATION_TSAN)
#include <sanitizer/tsan_interface.h>
extern "C" {
void __tsan_read_range(void* address, unsigned long size);
void __tsan_write_range(void* address, unsigned long size);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace grpo4j::emulation {

#if defined(GRPO4J_EMULATION_TSAN)
constexpr bool kThreadSanitizer = true;
inline void tsan_release(void* address) { __tsan_release(address); }
inline void tsan_acquire(void* address) { __tsan_acquire(address); }
inline void tsan_read(const void* address, size_t size) {
  __tsan_read_range(const_cast<void*>(address), size);
}
inline void tsan_write(void* address, size_t size) { __tsan_write_range(address, size); }
// While one lives, what the emulator allocates, copies and frees on this fiber is its own business.
class Unseen {
 public:
  Unseen() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unseen() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
};
#else
constexpr bool kThreadSanitizer = false;
class Unseen {
 public:
  Unseen() {}
};
inline void tsan_release(void*) {}
inline void tsan_acquire(void*) {}
inline void tsan_read(const void*, size_t) {}
inline void tsan_write(void*, size_t) {}
#endif

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
inline void asan_poison(void* address, size_t size) { ASAN_POISON_MEMORY_REGION(address, size); }
inline void asan_unpoison(void* address, size_t size) { ASAN_UNPOISON_MEMORY_REGION(address, size); }
#else
constexpr bool kAddressSanitizer = false;
inline void asan_poison(void*, size_t) {}
inline void asan_unpoison(void*, size_t) {}
#endif

}  // namespace grpo4j::emulation
