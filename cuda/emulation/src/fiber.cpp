#include "fiber.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "sanitizer.h"

// void grpo4j_emulation_switch(void** save, void* load): callee-saved registers to the stack, the
// stack pointer to *save, and the reverse from load.
#if defined(__x86_64__)
asm(R"(
.text
.hidden grpo4j_emulation_switch
.globl grpo4j_emulation_switch
.type grpo4j_emulation_switch, @function
grpo4j_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size grpo4j_emulation_switch, . - grpo4j_emulation_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.hidden grpo4j_emulation_switch
.globl grpo4j_emulation_switch
.type grpo4j_emulation_switch, %function
grpo4j_emulation_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size grpo4j_emulation_switch, . - grpo4j_emulation_switch
)");
#else
#error "The emulation has a context switch for x86-64 and AArch64 only."
#endif

extern "C" void grpo4j_emulation_switch(void** save, void* load);

namespace grpo4j::emulation {
namespace {

// AddressSanitizer's redzones and builds without optimisation need more.
constexpr size_t kStackBytes = kAddressSanitizer || kThreadSanitizer ? 256 * 1024 : 64 * 1024;

#if defined(__x86_64__)
constexpr size_t kSavedWords = 6;    // then the return address
constexpr size_t kEntryWord = 6;
#else
constexpr size_t kSavedWords = 20;
constexpr size_t kEntryWord = 11;    // x30
#endif

thread_local void (*fiber_entry)() = nullptr;

// The other side of the first switch: the sanitizer's change of stacks ends here.
void begin_fiber() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  fiber_entry();
  __builtin_trap();
}

void* first_frame(char* stack, size_t bytes) {
  // At entry the stack is as after a call: 16-byte aligned, less the return address on x86-64.
  void** top = reinterpret_cast<void**>(stack + bytes) - 2;
  void** frame = top - kSavedWords;
#if defined(__x86_64__)
  frame -= 2;
#endif
  for (void** word = frame; word != top; ++word) *word = nullptr;
  frame[kEntryWord] = reinterpret_cast<void*>(&begin_fiber);
  return frame;
}

}  // namespace

void switch_fiber(Fiber& from, Fiber& to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_size);
#endif
#if defined(GRPO4J_EMULATION_TSAN)
  __tsan_switch_to_fiber(to.tsan, __tsan_switch_to_fiber_no_sync);
#endif
  grpo4j_emulation_switch(&from.stack_pointer, to.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

Fiber host_fiber() {
  Fiber fiber;
#if defined(GRPO4J_EMULATION_TSAN)
  fiber.tsan = __tsan_get_current_fiber();
#endif
#if defined(__SANITIZE_ADDRESS__)
  // Where this thread's own stack lies, as the sanitizer must know when a fiber goes back to it.
  pthread_attr_t attributes;
  void* bottom = nullptr;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &bottom, &fiber.stack_size);
    pthread_attr_destroy(&attributes);
    fiber.stack_bottom = bottom;
  }
#endif
  return fiber;
}

void FiberPool::reserve(size_t count, void (*entry)()) {
  fiber_entry = entry;
  if (count <= fibers_.size()) {
    return;
  }
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t more = count - fibers_.size();
  const size_t bytes = more * kStackBytes;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  slabs_.push_back({static_cast<char*>(memory), bytes});
  for (size_t i = 0; i < more; ++i) {
    char* stack = static_cast<char*>(memory) + i * kStackBytes;
    if (mprotect(stack, page, PROT_NONE) != 0) {
      throw std::bad_alloc();
    }
    Fiber fiber;
    fiber.stack_bottom = stack + page;
    fiber.stack_size = kStackBytes - page;
    fiber.stack_pointer = first_frame(stack + page, fiber.stack_size);
#if defined(GRPO4J_EMULATION_TSAN)
    fiber.tsan = __tsan_create_fiber(0);
#endif
    fibers_.push_back(fiber);
  }
}

void FiberPool::clear() {
#if defined(GRPO4J_EMULATION_TSAN)
  for (const Fiber& fiber : fibers_) __tsan_destroy_fiber(fiber.tsan);
#endif
  fibers_.clear();
  for (const Slab& slab : slabs_) {
    asan_unpoison(slab.memory, slab.bytes);
    munmap(slab.memory, slab.bytes);
  }
  slabs_.clear();
}

}  // namespace grpo4j::emulation
