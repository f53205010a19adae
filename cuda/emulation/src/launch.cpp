// Settings, and the way from a launch to the machines that run its blocks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "devices.h"
#include "dispatch/pool.h"
#include "grpo4j/grpo4j.h"
#include "kernel_name.h"
#include "machine.h"

namespace grpo4j::emulation {
namespace {

// Blocks at once on one host thread where the schedule mixes them.
constexpr uint32_t kInterleavedBlocks = 4;

struct State {
  std::mutex mutex;
  Settings settings;
  std::string bad_setting;  // of the environment
  uint64_t launches = 0;
  grpo4j_emulation_counters counters{};
  std::string failure;
};

int32_t index_of(const char* const* names, size_t count, const char* name) {
  for (size_t i = 0; i < count; ++i) {
    if (strcmp(names[i], name) == 0) return static_cast<int32_t>(i);
  }
  return -1;
}

bool read_number(const char* text, uint64_t& value) {
  char* end = nullptr;
  value = strtoull(text, &end, 0);
  return *text != 0 && *end == 0;
}

bool apply(Settings& settings, const std::string& name, const char* value) {
  static const char* const kSchedules[] = {"in_order", "reversed", "random", "interleaved"};
  static const char* const kCopies[] = {"late", "late_source_early", "at_once"};
  uint64_t number = 0;
  if (name == "SCHEDULE") return (settings.schedule = index_of(kSchedules, 4, value)) >= 0;
  if (name == "COPIES") return (settings.copies = index_of(kCopies, 3, value)) >= 0;
  if (name == "DEVICE") return use_devices(value);
  if (!read_number(value, number)) return false;
  if (name == "SEED") settings.seed = number;
  if (name == "FILL") settings.fill = static_cast<uint32_t>(number);
  return name != "THREADS" || grpo4j_set_threads(static_cast<int32_t>(std::min<uint64_t>(
                                  number, INT32_MAX))) == GRPO4J_OK;
}

void read_environment(State& state) {
  for (const char* name : {"SCHEDULE", "COPIES", "DEVICE", "SEED", "FILL", "THREADS"}) {
    const std::string variable = std::string("GRPO4J_EMULATION_") + name;
    const char* value = getenv(variable.c_str());
    Settings changed = state.settings;
    if (value == nullptr) continue;
    if (apply(changed, name, value)) {
      state.settings = changed;
    } else if (state.bad_setting.empty()) {
      state.bad_setting = variable + "=" + value + " is not a value of it";
    }
  }
}

State& state() {
  static State* instance = [] {
    State* created = new State;  // never destroyed: workers may outlive main
    read_environment(*created);
    return created;
  }();
  return *instance;
}

// When the library loads: the device must be known before the first launch.
const State& loaded = state();

uint32_t blocks_at_once(const LaunchConfiguration& c, int32_t schedule, int64_t blocks) {
  const uint32_t cluster = c.cluster_size;
  if (schedule != GRPO4J_EMULATION_INTERLEAVED) return cluster;
  const uint32_t wanted = std::max(1u, kInterleavedBlocks / cluster) * cluster;
  return static_cast<uint32_t>(std::min<int64_t>(wanted, blocks));
}

std::vector<int64_t> group_order(int64_t groups, const Settings& settings) {
  std::vector<int64_t> order(static_cast<size_t>(groups));
  std::iota(order.begin(), order.end(), 0);
  if (settings.schedule == GRPO4J_EMULATION_REVERSED) {
    std::reverse(order.begin(), order.end());
  } else if (settings.schedule != GRPO4J_EMULATION_IN_ORDER) {
    std::shuffle(order.begin(), order.end(), std::mt19937_64(settings.seed));
  }
  return order;
}

void run_blocks(Launch& launch) {
  const int64_t blocks = launch.block_count();
  const uint32_t at_once =
      blocks_at_once(launch.configuration, launch.settings.schedule, blocks);
  const std::vector<int64_t> order = group_order((blocks + at_once - 1) / at_once, launch.settings);
  access_hooks = launch.settings.counting ||
                 launch.settings.schedule == GRPO4J_EMULATION_INTERLEAVED;
  run_parallel([&] {
    Machine& machine = Machine::of_this_thread();
    for (;;) {
      const int64_t i = launch.next_group.fetch_add(1);
      if (i >= static_cast<int64_t>(order.size())) break;
      const int64_t first = order[static_cast<size_t>(i)] * at_once;
      const uint32_t count = static_cast<uint32_t>(std::min<int64_t>(at_once, blocks - first));
      if (!machine.run(launch, first, count)) break;
    }
    machine.end_launch();
  });
}

}  // namespace

uint32_t fill_pattern() { return state().settings.fill; }

void count_allocation() {
  const std::lock_guard<std::mutex> lock(state().mutex);
  ++state().counters.allocations;
}

void count_synchronization() {
  const std::lock_guard<std::mutex> lock(state().mutex);
  ++state().counters.synchronizations;
}

cudaError_t run(const LaunchConfiguration& configuration, const std::function<void()>& body) {
  State& s = state();
  const cudaError_t refused = check_launch(configuration);
  if (refused != cudaSuccess || !s.bad_setting.empty()) {
    const std::lock_guard<std::mutex> lock(s.mutex);
    s.failure = !s.bad_setting.empty()
                    ? s.bad_setting
                    : kernel_name(configuration.kernel) + ": the device can't run this launch: " +
                          cudaGetErrorString(refused);
    return set_last_error(refused != cudaSuccess ? refused : cudaErrorInvalidValue);
  }
  Launch launch;
  launch.configuration = configuration;
  launch.body = body;
  {
    const std::lock_guard<std::mutex> lock(s.mutex);
    launch.settings = s.settings;
    launch.ordinal = ++s.launches;
  }
  launch.memory.l2_bytes_per_block = l2_share(configuration);
  run_blocks(launch);
  const std::lock_guard<std::mutex> lock(s.mutex);
  launch.counters.launches = 1;
  launch.counters.blocks = launch.block_count();
  launch.counters.most_shared_bytes = static_cast<int64_t>(configuration.shared_bytes);
  add(s.counters, launch.counters);
  if (launch.failed.load()) {
    s.failure = launch.failure;
    fprintf(stderr, "grpo4j emulation: %s\n", s.failure.c_str());
    return set_last_error(cudaErrorLaunchFailure);
  }
  return cudaSuccess;
}

}  // namespace grpo4j::emulation

using grpo4j::emulation::state;

int32_t grpo4j_emulation_set_schedule(int32_t schedule, uint64_t seed) {
  if (schedule < GRPO4J_EMULATION_IN_ORDER || schedule > GRPO4J_EMULATION_INTERLEAVED) return 1;
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().settings.schedule = schedule;
  state().settings.seed = seed;
  return 0;
}

int32_t grpo4j_emulation_set_copies(int32_t copies) {
  if (copies < GRPO4J_EMULATION_COPIES_LATE || copies > GRPO4J_EMULATION_COPIES_AT_ONCE) return 1;
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().settings.copies = copies;
  return 0;
}

int32_t grpo4j_emulation_set_fill(uint32_t pattern) {
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().settings.fill = pattern;
  return 0;
}

int32_t grpo4j_emulation_set_threads(int32_t threads) {
  return grpo4j_set_threads(threads) == GRPO4J_OK ? 0 : 1;
}

int32_t grpo4j_emulation_set_device(const char* names) {
  return grpo4j::emulation::use_devices(names) ? 0 : 1;
}

int32_t grpo4j_emulation_set_capturing(int32_t on) {
  grpo4j::emulation::set_capturing(on != 0);
  return 0;
}

int32_t grpo4j_emulation_unload_kernels(void) {
  grpo4j::emulation::unload_kernels();
  return 0;
}

int32_t grpo4j_emulation_set_counting(int32_t on) {
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().settings.counting = on != 0;
  return 0;
}

int32_t grpo4j_emulation_reset_counters(void) {
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().counters = {};
  return 0;
}

int32_t grpo4j_emulation_read_counters(grpo4j_emulation_counters* counters) {
  if (counters == nullptr) return 1;
  const std::lock_guard<std::mutex> lock(state().mutex);
  *counters = state().counters;
  return 0;
}

const char* grpo4j_emulation_last_failure(void) { return state().failure.c_str(); }

int32_t grpo4j_emulation_reset_failure(void) {
  const std::lock_guard<std::mutex> lock(state().mutex);
  state().failure.clear();
  return 0;
}
