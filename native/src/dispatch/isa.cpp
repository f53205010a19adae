#include "dispatch/isa.h"

#include <stdlib.h>
#include <string.h>

#include <atomic>

namespace grpo4j {
namespace {

struct Candidate {
  const char* name;
  const KernelTable* kernels;
  bool (*supported)();
};

#if defined(__x86_64__)
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

[[maybe_unused]] bool absent() { return false; }

// Indexed by GRPO4J_ISA_*, so the last supported one is the best.
constexpr Candidate kCandidates[GRPO4J_ISA_COUNT] = {
    {"scalar", &kScalarKernels, [] { return true; }},
#if defined(__x86_64__)
    // __builtin_cpu_supports also checks that the operating system saves the registers (XGETBV).
    {"avx2", &kAvx2Kernels,
     [] {
       return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("f16c");
     }},
    {"avx512", &kAvx512Kernels, has_avx512},
    {"avx512_bf16", &kAvx512Bf16Kernels,
     [] { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }},
#else
    {"avx2", nullptr, absent},
    {"avx512", nullptr, absent},
    {"avx512_bf16", nullptr, absent},
#endif
#if defined(__aarch64__)
    {"neon", &kNeonKernels, [] { return true; }},
#else
    {"neon", nullptr, absent},
#endif
};

bool known(int32_t isa) { return isa >= 0 && isa < GRPO4J_ISA_COUNT; }

bool available(int32_t isa) { return known(isa) && kCandidates[isa].supported(); }

// GRPO4J_ISA when it is set, otherwise the best; -1 when GRPO4J_ISA can't be met.
int32_t initial_isa() {
  const char* wanted = getenv("GRPO4J_ISA");
  const bool forced = wanted != nullptr && *wanted != '\0';
  for (int32_t isa = GRPO4J_ISA_COUNT - 1; isa >= 0; --isa) {
    if (available(isa) && (!forced || strcmp(wanted, kCandidates[isa].name) == 0)) {
      return isa;
    }
  }
  return -1;
}

std::atomic<int32_t>& chosen() {
  static std::atomic<int32_t> isa{initial_isa()};
  return isa;
}

}  // namespace

const KernelTable* active_kernels() {
  const int32_t isa = chosen().load(std::memory_order_relaxed);
  return isa < 0 ? nullptr : kCandidates[isa].kernels;
}

}  // namespace grpo4j

int32_t grpo4j_isa(void) { return grpo4j::chosen().load(std::memory_order_relaxed); }

int32_t grpo4j_isa_available(int32_t isa) { return grpo4j::available(isa) ? 1 : 0; }

int32_t grpo4j_use_isa(int32_t isa) {
  if (!grpo4j::known(isa)) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  if (!grpo4j::available(isa)) {
    return GRPO4J_ISA_UNAVAILABLE;
  }
  grpo4j::chosen().store(isa, std::memory_order_relaxed);
  return GRPO4J_OK;
}

const char* grpo4j_isa_name(int32_t isa) {
  return grpo4j::known(isa) ? grpo4j::kCandidates[isa].name : nullptr;
}
