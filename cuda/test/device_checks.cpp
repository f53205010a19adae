// What a call asks of the device: the way through the rows that is planned for it, kernels alone on
// the stream, and the refusal of devices that can't run them.
#include <sys/mman.h>

#include <functional>
#include <utility>

#include "checks.h"
#include "emulation/control.h"
#include "host/variant.h"
#include "policy_way.h"

namespace {

grpo4j_emulation_counters counters_of(const std::function<void()>& call) {
  grpo4j_emulation_counters counters;
  grpo4j_emulation_reset_counters();
  call();
  grpo4j_emulation_read_counters(&counters);
  return counters;
}

// Addresses without memory behind them until they are written.
class AddressSpace {
 public:
  explicit AddressSpace(size_t bytes)
      : bytes_(bytes), base_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (base_ == MAP_FAILED) abort();
  }
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;
  ~AddressSpace() { munmap(base_, bytes_); }

  char* data() const { return static_cast<char*>(base_); }

 private:
  size_t bytes_;
  void* base_;
};

// ---- Plans

// Blocks tell the variants apart: of one visit n for each block of a cluster, one for each 128 rows of
// the objective and one for its end. 17,408 bytes of shared memory are the objective's; what is more is
// the row's, and stands in cuda/evidence/limits.tsv, too.
struct Plan {
  const char* device;
  int32_t dtype;
  int64_t vocab, rows, blocks, shared_bytes;
  const char* why;
};

constexpr Plan kPlans[] = {
    {"h100", GRPO4J_BF16, 151936, 200, 803, 90880, "a cluster of 4 fits twice"},
    {"h200", GRPO4J_F16, 151936, 200, 803, 90880, "the same for f16"},
    {"h100", GRPO4J_F32, 151936, 200, 1603, 86784, "a cluster of 8 fits twice"},
    {"h100", GRPO4J_BF16, 32000, 200, 203, 72480, "one block fits twice"},
    {"h100", GRPO4J_F32, 32000, 200, 403, 69920, "a cluster of 2 fits twice"},
    {"h100", GRPO4J_F32, 1 << 20, 200, 203, 17408, "the L2: 4 MB a row fit no cluster"},
    {"b200", GRPO4J_BF16, 151936, 200, 803, 90880, "as on the H100"},
    {"a100", GRPO4J_BF16, 151936, 200, 203, 17408, "the L2: no clusters, 304 KB a row"},
    {"a100", GRPO4J_F32, 151936, 200, 203, 17408, "the L2"},
    {"a100", GRPO4J_F32, 32000, 200, 203, 132384, "one block fits once"},
    {"rtx5090", GRPO4J_BF16, 151936, 200, 1603, 49920, "a cluster of 8 fits twice in 100 KB"},
    // 3 rows: 10 blocks each forward, 1 that merges, 38 each for the gradient, 2 of the objective.
    {"h100", GRPO4J_BF16, 151936, 3, 30 + 1 + 114 + 2, 17408, "split: 12 blocks are too few"},
    {"a100", GRPO4J_BF16, 151936, 3, 30 + 1 + 114 + 2, 17408, "split on a device without clusters"},
};

// All rows are masked and the gradient is added to: nothing is read or written but the outputs.
void check_plan(const Plan& plan) {
  const std::string where = std::string(plan.device) + " dtype " + std::to_string(plan.dtype) + " [" +
                            std::to_string(plan.rows) + ", " + std::to_string(plan.vocab) + "]: " +
                            plan.why;
  grpo4j_emulation_set_device(plan.device);
  const auto bytes = static_cast<size_t>(plan.rows * plan.vocab * oracle::bytes_of(plan.dtype));
  const AddressSpace memory(2 * bytes);
  const std::vector<float> zeros(static_cast<size_t>(plan.rows));
  const std::vector<int64_t> zero_targets(zeros.size());
  const DeviceArray<float> weights(zeros), log_probs(plan.rows), entropy(plan.rows);
  const DeviceArray<int64_t> targets(zero_targets);
  const DeviceArray<grpo4j_policy_metrics> metrics(1);
  grpo4j_policy_loss_args args = {};
  args.logits = {memory.data(), plan.dtype, plan.rows, plan.vocab, plan.vocab};
  args.gradient = args.logits;
  args.gradient.data = memory.data() + bytes;
  args.rows = {plan.rows, nullptr, targets.data(), GRPO4J_I64, 1, nullptr, 0};
  args.batch = {nullptr, nullptr, weights.data(), weights.data(), weights.data(), 0, nullptr, 0};
  args.out = {log_probs.data(), entropy.data(), nullptr, nullptr};
  args.config = PolicyCase().config();
  args.flags = GRPO4J_ACCUMULATE;
  const grpo4j_emulation_counters counters = counters_of([&] {
    expect(OnDevice::call(args, metrics.data()) == GRPO4J_OK, "status", where);
  });
  expect(counters.blocks == plan.blocks && counters.most_shared_bytes == plan.shared_bytes,
         std::to_string(counters.blocks) + " blocks of at most " +
             std::to_string(counters.most_shared_bytes) + " bytes", where);
  grpo4j_emulation_set_device("h100");
}

// Clusters exist from compute capability 9.0 on; what is asked for in vain is refused.
void check_forced_variants() {
  PolicyCase c;
  c.rows = 2;
  c.vocab = 40961;
  const PolicyInputs in(c);
  DevicePolicyCall call(c, in);
  grpo4j_emulation_set_device("a100");
  for (int32_t variant : {GRPO4J_CUDA_CLUSTER2, GRPO4J_CUDA_CLUSTER8, GRPO4J_CUDA_SHARED}) {
    grpo4j_cuda_force_variant(variant);
    expect(call.run() == GRPO4J_INVALID_ARGUMENT, "variant " + std::to_string(variant), "a100");
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_L2);
  expect(call.run() == GRPO4J_OK, "the L2", "a100");
  const std::vector<char> bits = call.result();
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
  grpo4j_emulation_set_device("h100");
  expect(call.run() == GRPO4J_OK && same_bits(bits, call.result()), "an A100's bits on an H100",
         c.name());
}

// ---- Every operation, with what it needs

struct Operations {
  Operations() : in(c), call(c, in), offsets(std::vector<int64_t>{0, 3}), regions(3), report(1),
                 workspace(1 << 20) {}

  // The status of each, by name. Only the calls themselves: nothing is allocated, nothing waited for.
  std::vector<std::pair<const char*, int32_t>> run() {
    const grpo4j_policy_loss_args policy = call.args();
    const grpo4j_token_stats_args stats = {policy.logits, policy.rows, policy.out, 0};
    const grpo4j_row_states_args states = {policy.logits, policy.rows, 0, c.vocab, policy.states};
    const grpo4j_merge_states_args merge = {policy.states, 1, c.rows, 1, nullptr, policy.states,
                                            policy.out, 0};
    const grpo4j_objective_args objective = {c.rows, policy.batch, policy.out, policy.config,
                                             policy.slopes, GRPO4J_ZERO_BAD_ROWS};
    const grpo4j_logits_gradient_args gradient = {policy.logits, policy.gradient, policy.rows, 0,
                                                  c.vocab, policy.states, policy.slopes, 0};
    const grpo4j_group_advantages_args advantages = {
        c.rows, 1, offsets.data(), call.advantages.data(), nullptr, GRPO4J_ADVANTAGE_GRPO,
        GRPO4J_SCALE_GROUP, 1e-6, call.lse.data()};
    const grpo4j_token_weights_args weights = {c.rows, 1, offsets.data(), regions.data(), nullptr,
                                               {1}, 0.1, 8, GRPO4J_CLAMP_THEN_MEAN,
                                               call.lse.data()};
    void* const memory = workspace.data();
    constexpr int64_t kBytes = 1 << 20;
    return {
        {"token_stats", grpo4j_cuda_token_stats(&stats, report.data(), memory, kBytes, nullptr)},
        {"row_states", grpo4j_cuda_row_states(&states, report.data(), memory, kBytes, nullptr)},
        {"merge_states", grpo4j_cuda_merge_states(&merge, report.data(), nullptr)},
        {"objective",
         grpo4j_cuda_objective(&objective, call.metrics.data(), memory, kBytes, nullptr)},
        {"logits_gradient", grpo4j_cuda_logits_gradient(&gradient, report.data(), nullptr)},
        {"policy_loss",
         grpo4j_cuda_policy_loss(&policy, call.metrics.data(), memory, kBytes, nullptr)},
        {"group_advantages", grpo4j_cuda_group_advantages(&advantages, nullptr)},
        {"token_weights", grpo4j_cuda_token_weights(&weights, nullptr)},
    };
  }

  PolicyCase c;
  PolicyInputs in;
  DevicePolicyCall call;
  DeviceArray<int64_t> offsets;
  DeviceArray<uint8_t> regions;
  DeviceArray<grpo4j_report> report;
  DeviceArray<char> workspace;
};

}  // namespace

namespace {

// Each device is judged for itself, and knows nothing of what the others were asked.
void check_several_devices() {
  const char* where = "v100,a100,h100,h100";
  grpo4j_emulation_set_device(where);
  grpo4j_cuda_force_variant(GRPO4J_CUDA_SHARED);
  PolicyCase c;
  c.rows = 1;
  c.vocab = 36000;  // 144 KB of shared memory a block, which each device must be asked for
  DevicePolicyCall call(c, PolicyInputs(c));
  expect(grpo4j_cuda_available() == 1, "available, though the first one is too old", where);
  for (int32_t device : {1, 2, 3, 0}) {
    expect(grpo4j_cuda_use_device(device) == GRPO4J_OK && grpo4j_cuda_current_device() == device,
           "choice of device " + std::to_string(device), where);
    const std::string reason = grpo4j_cuda_unavailable_reason();
    const bool old = device == 0;
    expect(old ? reason.find("V100") != std::string::npos : reason.empty(),
           "device " + std::to_string(device) + ": " + reason, where);
    expect(call.run() == (old ? GRPO4J_INVALID_ARGUMENT : GRPO4J_OK),
           "a call on device " + std::to_string(device) + ", " + grpo4j_cuda_last_error(), where);
  }
  expect(grpo4j_cuda_use_device(4) == GRPO4J_DEVICE_ERROR && grpo4j_cuda_current_device() == 0,
         "a device that isn't there", where);
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}

}  // namespace

void check_plans() {
  for (const Plan& plan : kPlans) check_plan(plan);
  check_forced_variants();
}

// What a CUDA graph can capture: no call allocates or waits, and prepare() has loaded all kernels.
void check_enqueued() {
  Operations operations;
  grpo4j_emulation_unload_kernels();
  grpo4j_emulation_set_capturing(1);
  for (const auto& [name, status] : operations.run()) {
    const std::string error = grpo4j_cuda_last_error();
    expect(status == GRPO4J_DEVICE_ERROR && error.find("capturing") != std::string::npos,
           "a kernel that is not loaded: " + error, name);
  }
  expect(grpo4j_cuda_prepare() == GRPO4J_DEVICE_ERROR, "prepare", "while a stream is captured");
  grpo4j_emulation_set_capturing(0);
  expect(grpo4j_cuda_prepare() == GRPO4J_OK, "prepare", grpo4j_cuda_last_error());
  grpo4j_emulation_set_capturing(1);
  for (int32_t variant : {GRPO4J_CUDA_AUTO, GRPO4J_CUDA_L2, GRPO4J_CUDA_SHARED,
                          GRPO4J_CUDA_CLUSTER2, GRPO4J_CUDA_SPLIT}) {
    grpo4j_cuda_force_variant(variant);
    const grpo4j_emulation_counters counters = counters_of([&] {
      for (const auto& [name, status] : operations.run()) {
        expect(status == GRPO4J_OK, std::string("captured, ") + grpo4j_cuda_last_error(), name);
      }
    });
    expect(counters.launches >= 8 && counters.allocations == 0 && counters.synchronizations == 0,
           "no allocation, no synchronisation", "variant " + std::to_string(variant));
  }
  grpo4j_emulation_set_capturing(0);
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}

void check_devices() {
  Operations operations;
  const grpo4j_policy_loss_args policy = operations.call.args();
  for (const char* device : {"v100", "none"}) {
    grpo4j_emulation_set_device(device);
    const std::string named = strcmp(device, "v100") == 0 ? "V100" : "no NVIDIA GPU";
    const std::string reason = grpo4j_cuda_unavailable_reason();
    expect(grpo4j_cuda_available() == 0 && reason.find(named) != std::string::npos,
           "unavailable: " + reason, device);
    expect(grpo4j_cuda_policy_loss_workspace(&policy) == -1, "workspace without a device", device);
    const grpo4j_emulation_counters counters = counters_of([&] {
      for (const auto& [name, status] : operations.run()) {
        const std::string error = grpo4j_cuda_last_error();
        expect(status == GRPO4J_DEVICE_ERROR && error.find(named) != std::string::npos,
               std::string(name) + ": " + error, device);
      }
    });
    expect(counters.launches == 0, "nothing is launched", device);
  }
  check_several_devices();
  grpo4j_emulation_set_device("h100");
  expect(grpo4j_cuda_available() == 1 && grpo4j_cuda_unavailable_reason()[0] == 0, "available",
         "h100");
}

// Rows more than 2^31 elements apart.
void check_far_rows() {
  constexpr int64_t kStride = (int64_t{1} << 31) + 9;
  PolicyCase c;
  c.dtype = GRPO4J_BF16;
  c.vocab = 9001;
  c.in_place = true;
  c.entropy_coef = 0.01;
  const auto row_bytes = static_cast<size_t>(2 * c.vocab);
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    for (int32_t variant : {GRPO4J_CUDA_L2, GRPO4J_CUDA_CLUSTER2, GRPO4J_CUDA_SPLIT}) {
      c.ratio_level = level;
      grpo4j_cuda_force_variant(variant);
      const PolicyInputs in(c);
      DevicePolicyCall near(c, in), far(c, in);
      const AddressSpace memory(static_cast<size_t>(2 * ((c.rows - 1) * kStride + c.vocab)));
      const auto row_of = [&](int64_t i) { return memory.data() + 2 * i * kStride; };
      for (int64_t i = 0; i < c.rows; ++i) {
        memcpy(row_of(i), &in.logits[static_cast<size_t>(i) * row_bytes], row_bytes);
      }
      grpo4j_policy_loss_args args = far.args();
      args.logits.data = memory.data();
      args.logits.row_stride = kStride;
      args.gradient = args.logits;
      expect(near.run() == GRPO4J_OK && far.run(args) == GRPO4J_OK, "status", "far rows");
      expect(same_bits(near.log_probs.get(), far.log_probs.get()), "log-probs of far rows", c.name());
      const std::vector<char> wanted = near.result();
      for (int64_t i = 0; i < c.rows; ++i) {
        expect(same_bits(row_of(i), &wanted[static_cast<size_t>(i) * row_bytes], row_bytes),
               "gradient of far row " + std::to_string(i), c.name());
      }
    }
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}
