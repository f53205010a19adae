// The emulator itself: what it computes on small kernels under every schedule, and that it notices
// each kind of mistake. Mistakes that only a sanitizer sees run in a child process that must die.
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <functional>
#include <string>
#include <vector>

#include "emulation/control.h"
#include "toy_kernels.h"

extern char** environ;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;
#else
constexpr bool kAddressSanitizer = false;
#endif
#if defined(GRPO4J_EMULATION_TSAN)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif

int failures = 0;

void expect(bool condition, const std::string& what) {
  if (!condition) {
    ++failures;
    fprintf(stderr, "FAILED %s\n", what.c_str());
  }
}

struct Shape {
  uint32_t grid;
  uint32_t block;
  size_t shared_bytes = 0;
  uint32_t cluster_size = 1;
};

template <class... P, class... A>
bool run(void (*kernel)(P...), const Shape& shape, A... arguments) {
  return grpo4j::emulation::launch(kernel, shape, nullptr, arguments...) == cudaSuccess;
}

constexpr int kThreads = kThreadSanitizer ? 64 : 128;

// ---- The kernels, each true when its values are right

bool reverse_is_right(bool barrier) {
  std::vector<int> in(kThreads), out(kThreads);
  for (int i = 0; i < kThreads; ++i) in[i] = i * i;
  bool good = run(barrier ? toy::reverse<true> : toy::reverse<false>,
                  Shape{1, kThreads, kThreads * 4}, in.data(), out.data());
  for (int i = 0; i < kThreads; ++i) good &= out[i] == in[kThreads - 1 - i];
  return good;
}

bool rotate_is_right(bool second_barrier) {
  std::vector<int> values(kThreads);
  for (int i = 0; i < kThreads; ++i) values[i] = i;
  bool good = run(second_barrier ? toy::rotate<true> : toy::rotate<false>,
                  Shape{1, kThreads, kThreads * 4}, values.data(), 5);
  for (int i = 0; i < kThreads; ++i) good &= values[i] == (i + 5) % kThreads;
  return good;
}

bool warp_operations_are_right() {
  std::vector<uint32_t> out(64 * 6);
  bool good = run(toy::warp_operations, Shape{1, 64}, out.data());
  for (uint32_t t = 0; t < 64; ++t) {
    const uint32_t lane = t % 32;
    const uint32_t down = lane % 8 < 5 ? lane + 3 : lane;
    const uint32_t expected[6] = {496, lane < 3 ? lane : lane - 3, down, 7, 0x49249249u, 31};
    good &= memcmp(&out[t * 6], expected, sizeof expected) == 0;
  }
  return good;
}

bool halves_are_right() {
  std::vector<uint32_t> out(32);
  bool good = run(toy::halves, Shape{1, 32}, out.data());
  for (uint32_t lane = 0; lane < 32; ++lane) good &= out[lane] == (lane ^ 8);
  return good;
}

bool warp_exchange_is_right(bool sync) {
  std::vector<uint32_t> out(64);
  bool good = run(sync ? toy::warp_exchange<true> : toy::warp_exchange<false>, Shape{1, 64, 256},
                  out.data());
  for (uint32_t t = 0; t < 64; ++t) good &= out[t] == (t ^ 1);
  return good;
}

bool pipeline_is_right(bool wait) {
  constexpr int kPieces = 4;
  std::vector<uint4> in(kPieces * kThreads);
  std::vector<uint32_t> out(kThreads);
  for (uint32_t i = 0; i < in.size(); ++i) in[i] = {i, 1, 2, 3};
  bool good = run(wait ? toy::pipeline<true> : toy::pipeline<false>,
                  Shape{1, kThreads, kThreads * 32}, in.data(), out.data(), kPieces);
  for (uint32_t t = 0; t < kThreads; ++t) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < kPieces; ++i) sum += i * kThreads + (t + 1) % kThreads + 6;
    good &= out[t] == sum;
  }
  return good;
}

bool clusters_are_right(bool last_sync) {
  std::vector<uint32_t> out(8 * 32);
  bool good = run(last_sync ? toy::cluster_sum<true> : toy::cluster_sum<false>,
                  Shape{8, 32, 128, 4}, out.data());
  for (uint32_t b = 0; b < 8; ++b) {
    for (uint32_t t = 0; t < 32; ++t) {
      good &= out[b * 32 + t] == (b < 4 ? 6000u : 22000u) + 4 * t;
    }
  }
  return good;
}

bool last_block_is_right(bool fences) {
  std::vector<uint32_t> parts(16);
  unsigned arrived = 0;
  uint32_t total = 0;
  return run(fences ? toy::last_block_sums<true> : toy::last_block_sums<false>, Shape{16, 32, 16},
             parts.data(), &arrived, &total) &&
         total == 16 * 17 / 2;
}

bool sum_across_blocks_is_right(bool atomic) {
  unsigned total = 0;
  return run(atomic ? toy::add_across_blocks<true> : toy::add_across_blocks<false>, Shape{64, 32},
             &total) &&
         total == 64;
}

struct Case {
  const char* name;
  std::function<bool(bool right)> values_are_right;
  bool values_show_it;  // the mistake changes values under some schedule
  bool races;           // ThreadSanitizer sees it under any
};

const Case kCases[] = {
    {"a barrier", reverse_is_right, true, true},
    {"the second barrier of a round", rotate_is_right, true, true},
    {"__syncwarp", warp_exchange_is_right, false, true},
    {"the wait for a copy", pipeline_is_right, true, false},
    {"the cluster's last barrier", clusters_are_right, true, true},
    {"fences around the arrival", last_block_is_right, false, true},
    {"atomicity across blocks", sum_across_blocks_is_right, true, true},
};

// ---- All schedules

bool under_all_schedules(const std::function<bool()>& values_are_right) {
  bool good = true;
  for (int32_t schedule = GRPO4J_EMULATION_IN_ORDER; schedule <= GRPO4J_EMULATION_INTERLEAVED;
       ++schedule) {
    for (int32_t copies = GRPO4J_EMULATION_COPIES_LATE; copies <= GRPO4J_EMULATION_COPIES_AT_ONCE;
         ++copies) {
      for (uint32_t fill : {0xffffffffu, 0u, 0x7f7f7f7fu}) {
        grpo4j_emulation_set_schedule(schedule, 1 + fill % 7);
        grpo4j_emulation_set_copies(copies);
        grpo4j_emulation_set_fill(fill);
        good &= values_are_right();
      }
    }
  }
  grpo4j_emulation_set_schedule(GRPO4J_EMULATION_IN_ORDER, 0);
  grpo4j_emulation_set_copies(GRPO4J_EMULATION_COPIES_LATE);
  grpo4j_emulation_set_fill(0xffffffffu);
  return good;
}

// The exit status of this program asked to run one case without what it needs.
int child(const char* program, const std::string& name) {
  std::string arguments[] = {program, "--without", name};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
  pid_t pid = 0;
  int status = -1;
  if (posix_spawn(&pid, "/proc/self/exe", &quiet, nullptr, argv, environ) == 0) {
    waitpid(pid, &status, 0);
  }
  posix_spawn_file_actions_destroy(&quiet);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void check_cases(const char* program) {
  for (const Case& c : kCases) {
    expect(under_all_schedules([&c] { return c.values_are_right(true); }), c.name);
    if (kThreadSanitizer && c.races) {
      expect(child(program, c.name) != 0, std::string("a race without ") + c.name);
    } else if (!kThreadSanitizer && c.values_show_it) {
      expect(!under_all_schedules([&c] { return c.values_are_right(false); }),
             std::string("wrong values without ") + c.name);
    }
  }
  expect(under_all_schedules(warp_operations_are_right), "warp operations");
  expect(under_all_schedules(halves_are_right), "halves of a warp");
}

// ---- Mistakes that end a launch

void expect_failure(bool ran, const std::string& part, const std::string& what) {
  const std::string failure = grpo4j_emulation_last_failure();
  expect(!ran && failure.find(part) != std::string::npos, what + ", got: " + failure);
  expect(cudaGetLastError() != cudaSuccess, what + ": the runtime's last error");
  grpo4j_emulation_reset_failure();
}

void check_failures() {
  std::vector<uint32_t> out(3 * 64);
  // One block: of several that fail at once, the message names whichever ended first.
  expect_failure(run(toy::half_of_a_barrier, Shape{1, 64}, reinterpret_cast<int*>(out.data())),
                 "half_of_a_barrier(int*): block 0, thread 0 waits for ever at a barrier of the "
                 "block: 32 of 64 threads came, 32 have exited",
                 "a barrier that half of the threads reach");
  const struct {
    toy::BadMask kind;
    const char* says;
  } kMasks[] = {
      {toy::BadMask::kOwnLane, "leaves out its own lane 16"},
      {toy::BadMask::kSource, "a shuffle from lane 8"},
      {toy::BadMask::kExited, "of which lanes 0x00000020 have exited"},
      {toy::BadMask::kDisagree, "in another one"},
  };
  for (const auto& mask : kMasks) {
    expect_failure(run(toy::bad_mask, Shape{1, 32}, mask.kind, out.data()), mask.says, "bad mask");
  }
  expect_failure(run(toy::bad_mask, Shape{1, 16}, toy::BadMask::kAbsentLanes, out.data()),
                 "in a warp that has the lanes 0x0000ffff", "absent lanes");
  std::vector<uint4> vectors(2);
  expect_failure(run(toy::misaligned, Shape{1, 1}, reinterpret_cast<const char*>(vectors.data()),
                     vectors.data()),
                 "not aligned", "a misaligned load");
  if (!kAddressSanitizer) {
    expect_failure(run(toy::beyond_the_arena, Shape{1, 32, 64}, 16), "wrote byte 64 of 64",
                   "a write behind shared memory");
  }
  expect_failure(run(toy::half_of_a_barrier, Shape{1, 2048}, reinterpret_cast<int*>(out.data())),
                 "invalid configuration", "too many threads");
  expect_failure(run(toy::read_unwritten, Shape{1, 32, 300 << 10}, out.data()), "invalid argument",
                 "too much shared memory");
  // The device is as good as new afterwards.
  expect(reverse_is_right(true), "a launch after failures");
}

void check_settings() {
  expect(grpo4j_emulation_set_schedule(4, 0) == 1, "schedule out of range");
  expect(grpo4j_emulation_set_copies(-1) == 1, "copies out of range");
  expect(grpo4j_emulation_set_threads(0) == 1, "threads out of range");
  expect(grpo4j_emulation_set_device("voodoo2") == 1, "unknown device");
  std::vector<uint32_t> out(32);
  for (uint32_t fill : {0xffffffffu, 0x01020304u}) {
    grpo4j_emulation_set_fill(fill);
    expect(run(toy::read_unwritten, Shape{1, 32, 128}, out.data()) && out[31] == fill,
           "shared memory is filled");
    void* memory = nullptr;
    expect(cudaMalloc(&memory, 64) == cudaSuccess && static_cast<uint32_t*>(memory)[3] == fill,
           "device memory is filled");
    cudaFree(memory);
  }
  grpo4j_emulation_set_fill(0xffffffffu);
  grpo4j_emulation_set_device("a100");
  expect_failure(run(toy::cluster_sum<true>, Shape{8, 32, 128, 4}, out.data()),
                 "invalid cluster size", "clusters on a device without");
  int count = -1;
  expect(grpo4j_emulation_set_device("h100,voodoo2") == 1, "an unknown device among others");
  expect(grpo4j_emulation_set_device("a100,h100") == 0 && cudaGetDeviceCount(&count) == cudaSuccess &&
             count == 2,
         "two devices");
  expect(cudaSetDevice(1) == cudaSuccess && clusters_are_right(true), "clusters on the second one");
  cudaSetDevice(0);
  grpo4j_emulation_set_device("none");
  count = -1;
  expect(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0, "no device");
  expect_failure(run(toy::read_unwritten, Shape{1, 32, 128}, out.data()), "no CUDA-capable device",
                 "a launch without a device");
  grpo4j_emulation_set_device("h100");
}

// More than 48 KiB a block must be asked for, and what was asked for stays.
void check_shared_memory_limits() {
  std::vector<uint32_t> out(32);
  const auto* kernel = reinterpret_cast<const void*>(toy::read_unwritten);
  const auto ask = [&](int bytes) {
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  expect_failure(run(toy::read_unwritten, Shape{1, 32, 64 << 10}, out.data()), "invalid argument",
                 "more than 48 KiB without asking");
  expect(ask(64 << 10) == cudaSuccess &&
             run(toy::read_unwritten, Shape{1, 32, 64 << 10}, out.data()),
         "64 KiB that were asked for");
  expect_failure(run(toy::read_unwritten, Shape{1, 32, 65 << 10}, out.data()), "invalid argument",
                 "more than was asked for");
  expect(ask(50 << 10) == cudaErrorInvalidValue, "a limit that another thread may need is lowered");
  expect(ask(228 << 10) == cudaErrorInvalidValue, "more than the device has");
  grpo4j_emulation_set_device("b200");
  expect_failure(run(toy::read_unwritten, Shape{1, 32, 64 << 10}, out.data()), "invalid argument",
                 "each device is asked on its own");
  grpo4j_emulation_set_device("h100");
  (void)cudaGetLastError();
}

// What a capture refuses: memory, waits, kernels that are not loaded on this device.
void check_captures() {
  std::vector<uint32_t> out(32);
  const auto launch = [&] { return run(toy::read_unwritten, Shape{1, 32, 128}, out.data()); };
  const auto* kernel = reinterpret_cast<const void*>(toy::read_unwritten);
  cudaFuncAttributes attributes;
  void* memory = nullptr;
  grpo4j_emulation_unload_kernels();
  grpo4j_emulation_set_capturing(1);
  expect_failure(launch(), "not permitted when stream is capturing", "a first launch in a capture");
  expect(cudaFuncGetAttributes(&attributes, kernel) == cudaErrorStreamCaptureUnsupported &&
             cudaMalloc(&memory, 64) == cudaErrorStreamCaptureUnsupported &&
             cudaStreamSynchronize(nullptr) == cudaErrorStreamCaptureUnsupported,
         "loading, allocation and waits in a capture");
  grpo4j_emulation_set_capturing(0);
  expect(cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess, "a kernel is loaded");
  grpo4j_emulation_set_capturing(1);
  expect(launch(), "a launch of a loaded kernel in a capture");
  grpo4j_emulation_set_device("a100");
  expect_failure(launch(), "capturing", "each device loads for itself");
  grpo4j_emulation_set_device("h100");
  grpo4j_emulation_set_capturing(0);
  (void)cudaGetLastError();
}

// ---- Counters

grpo4j_emulation_counters counted(const std::function<bool()>& launch) {
  grpo4j_emulation_counters counters;
  grpo4j_emulation_reset_counters();
  grpo4j_emulation_set_counting(1);
  expect(launch(), "a counted launch");
  grpo4j_emulation_set_counting(0);
  grpo4j_emulation_read_counters(&counters);
  return counters;
}

void check_counters() {
  constexpr uint32_t kVectors = 1000;  // 16,000 bytes
  std::vector<uint4> from(kVectors + 2), to(kVectors + 2);
  // Vectors of the standard library are aligned to 16 bytes; sectors begin at 32.
  uint4* const in = from.data() + reinterpret_cast<uintptr_t>(from.data()) % 32 / 16;
  uint4* const out = to.data() + reinterpret_cast<uintptr_t>(to.data()) % 32 / 16;
  for (bool twice : {false, true}) {
    const grpo4j_emulation_counters c =
        counted([&] { return run(toy::copy_row, Shape{1, 64}, in, out, kVectors, twice); });
    expect(c.launches == 1 && c.blocks == 1 && c.barriers == 1, "launches, blocks, barriers");
    expect(c.bytes_loaded == 16000 * (1 + twice) && c.bytes_stored == 16000, "bytes");
    expect(c.sector_bytes_loaded == c.bytes_loaded && c.sector_bytes_stored == 16000, "sectors");
    expect(c.accesses == c.wide_accesses && c.accesses == 32 * (2 + twice), "accesses");
    // The second reading finds the row in the L2.
    expect(c.dram_bytes_read == 16000 && c.dram_bytes_written == 16000, "DRAM");
  }
  std::vector<float> floats(32 * 8), results(32);
  const grpo4j_emulation_counters strided =
      counted([&] {
        return run(toy::strided_read, Shape{1, 32}, floats.data(), results.data(), 8u);
      });
  expect(strided.bytes_loaded == 128 && strided.sector_bytes_loaded >= 1024, "strided sectors");
}

void check_host_threads() {
  for (int32_t threads : {1, 4}) {
    grpo4j_emulation_set_threads(threads);
    expect(clusters_are_right(true) && sum_across_blocks_is_right(true), "host threads");
  }
  grpo4j_emulation_set_threads(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "--without") == 0) {
    if (strcmp(argv[2], "bounds") == 0) {
      return run(toy::beyond_the_arena, Shape{1, 32, 64}, 16) ? 0 : 1;
    }
    for (const Case& c : kCases) {
      if (strcmp(argv[2], c.name) == 0) {
        c.values_are_right(false);  // ThreadSanitizer's status is what counts
        return 0;
      }
    }
    return 3;
  }
  check_cases(argv[0]);
  check_failures();
  check_settings();
  check_shared_memory_limits();
  check_captures();
  check_counters();
  check_host_threads();
  if (kAddressSanitizer) {
    expect(child(argv[0], "bounds") != 0, "AddressSanitizer sees a write behind shared memory");
  }
  if (failures == 0) printf("emulator: done\n");
  return failures == 0 ? 0 : 1;
}
