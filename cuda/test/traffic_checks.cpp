// Bytes per element that the kernels ask for and that come from DRAM, and sector efficiency.
#include "checks.h"
#include "emulation/control.h"
#include "host/variant.h"
#include "policy_way.h"

#include <functional>

namespace {

struct Traffic {
  double loaded, stored;  // times the size of the logits
  double dram_read, dram_written;
  double load_efficiency, store_efficiency;
};

Traffic counted(const PolicyCase& c, const std::function<void()>& call) {
  grpo4j_emulation_counters n;
  grpo4j_emulation_reset_counters();
  grpo4j_emulation_set_counting(1);
  call();
  grpo4j_emulation_set_counting(0);
  grpo4j_emulation_read_counters(&n);
  const double bytes = static_cast<double>(c.rows * c.vocab * oracle::bytes_of(c.dtype));
  const auto share = [](int64_t a, int64_t b) {
    return b == 0 ? 1 : static_cast<double>(a) / static_cast<double>(b);
  };
  return {static_cast<double>(n.bytes_loaded) / bytes,
          static_cast<double>(n.bytes_stored) / bytes,
          static_cast<double>(n.dram_bytes_read) / bytes,
          static_cast<double>(n.dram_bytes_written) / bytes,
          share(n.bytes_loaded, n.sector_bytes_loaded),
          share(n.bytes_stored, n.sector_bytes_stored)};
}

void print(const char* what, const Traffic& t) {
  printf("  %-34s loads %.3f stores %.3f, DRAM reads %.3f writes %.3f, sectors %.3f %.3f\n", what,
         t.loaded, t.stored, t.dram_read, t.dram_written, t.load_efficiency, t.store_efficiency);
}

bool about(double value, double wanted) {
  return value >= wanted - 1e-9 && value <= wanted * 1.005;
}

// Two rows, the second of which begins inside a vector where the vocabulary is odd.
PolicyCase large(int32_t dtype, int64_t vocab) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 2;
  c.vocab = vocab;
  c.objective = GRPO4J_GPG;  // no clip: a row without a gradient would not be read again
  return c;
}

// The NaN row becomes a copy of the first, so that no row is masked.
PolicyInputs unmasked(const PolicyCase& c) {
  PolicyInputs in(c);
  const int64_t row_bytes = c.vocab * oracle::bytes_of(c.dtype);
  std::copy_n(in.logits.begin(), row_bytes, in.logits.begin() + row_bytes);
  in.policy_weights[1] = 1;
  return in;
}

// What a call should move, as multiples of the logits; sectors and whole accesses at least so full.
struct Wanted {
  const char* name;
  int32_t dtype;
  int64_t vocab;
  int32_t variant;
  double loaded, dram_read;
};

constexpr int64_t kAligned = 151936;
constexpr int64_t kOdd = 151937;
constexpr double kAgain = 1.0 / 256;  // 16 bytes of each 2 KiB are asked for twice in one of two rows

// SPLIT: states of chunks, 16 bytes for 4,096 elements, are written and read beside the logits.
constexpr Wanted kForward[] = {
    {"token_stats f32", GRPO4J_F32, kAligned, GRPO4J_CUDA_WHOLE, 1, 1},
    {"token_stats bf16", GRPO4J_BF16, kAligned, GRPO4J_CUDA_WHOLE, 1, 1},
    {"token_stats bf16, odd rows", GRPO4J_BF16, kOdd, GRPO4J_CUDA_WHOLE, 1 + kAgain, 1},
    {"token_stats f32, split", GRPO4J_F32, kAligned, GRPO4J_CUDA_SPLIT, 1, 1},
    {"token_stats bf16, split", GRPO4J_BF16, kAligned, GRPO4J_CUDA_SPLIT, 1, 1},
    {"token_stats bf16, split, odd rows", GRPO4J_BF16, kOdd, GRPO4J_CUDA_SPLIT, 1 + kAgain, 1},
};

// SPLIT: two kernels read the row. The L2 is counted as cold at each block's begin, so that both
// readings are from DRAM; on a device the second is where few rows leave the first one's in the L2.
constexpr Wanted kFused[] = {
    {"policy_loss bf16, l2", GRPO4J_BF16, kAligned, GRPO4J_CUDA_L2, 2, 1},
    {"policy_loss bf16, l2, odd rows", GRPO4J_BF16, kOdd, GRPO4J_CUDA_L2, 2 + kAgain, 1},
    {"policy_loss bf16, cluster 2", GRPO4J_BF16, kAligned, GRPO4J_CUDA_CLUSTER2, 1, 1},
    {"policy_loss bf16, cluster 8", GRPO4J_BF16, kAligned, GRPO4J_CUDA_CLUSTER8, 1, 1},
    {"policy_loss bf16, cluster 8, odd", GRPO4J_BF16, kOdd, GRPO4J_CUDA_CLUSTER8, 1 + kAgain, 1},
    {"policy_loss f32, l2", GRPO4J_F32, kAligned, GRPO4J_CUDA_L2, 2, 1},
    {"policy_loss f32, cluster 4", GRPO4J_F32, kAligned, GRPO4J_CUDA_CLUSTER4, 1, 1},
    {"policy_loss bf16, split", GRPO4J_BF16, kAligned, GRPO4J_CUDA_SPLIT, 2, 2},
    {"policy_loss bf16, split, odd rows", GRPO4J_BF16, kOdd, GRPO4J_CUDA_SPLIT, 2 + kAgain, 2},
    {"policy_loss f32, split", GRPO4J_F32, kAligned, GRPO4J_CUDA_SPLIT, 2, 2},
};

void check_forward(const Wanted& wanted) {
  grpo4j_cuda_force_variant(wanted.variant);
  const PolicyCase c = large(wanted.dtype, wanted.vocab);
  const DevicePolicyCall call(c, unmasked(c));
  grpo4j_token_stats_args args = {};
  args.logits = call.matrix(call.logits);
  args.rows = call.rows();
  args.out = call.outputs();
  const DeviceArray<grpo4j_report> report(1);
  const Traffic t = counted(c, [&] {
    expect(OnDevice::call(args, report.data()) == GRPO4J_OK, "status", wanted.name);
  });
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
  print(wanted.name, t);
  expect(about(t.loaded, wanted.loaded) && about(t.dram_read, wanted.dram_read), "reads once",
         wanted.name);
  expect(t.stored < 0.002 && t.load_efficiency >= 0.99, "stores and sectors", wanted.name);
}

void check_fused(const Wanted& wanted) {
  grpo4j_cuda_force_variant(wanted.variant);
  const PolicyCase c = large(wanted.dtype, wanted.vocab);
  DevicePolicyCall call(c, unmasked(c));
  const Traffic t =
      counted(c, [&] { expect(call.run() == GRPO4J_OK, "status", wanted.name); });
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
  print(wanted.name, t);
  expect(about(t.loaded, wanted.loaded) && about(t.stored, 1), "asks once", wanted.name);
  expect(about(t.dram_read, wanted.dram_read) && about(t.dram_written, 1), "DRAM", wanted.name);
  expect(t.load_efficiency >= 0.99 && t.store_efficiency >= 0.99, "sectors", wanted.name);
}

}  // namespace

void check_traffic() {
  for (const Wanted& wanted : kForward) check_forward(wanted);
  for (const Wanted& wanted : kFused) check_fused(wanted);
}
