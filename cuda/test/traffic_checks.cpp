// Bytes per element that the kernels ask for and that come from DRAM, and sector efficiency.
#include "checks.h"
#include "device_policy_call.h"
#include "emulation/control.h"
#include "host/variant.h"

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
  printf("  %-28s loads %.3f stores %.3f, DRAM reads %.3f writes %.3f, sectors %.3f %.3f\n", what,
         t.loaded, t.stored, t.dram_read, t.dram_written, t.load_efficiency, t.store_efficiency);
}

bool about(double value, double wanted) {
  return value >= wanted - 1e-9 && value <= wanted * 1.005;
}

PolicyCase large(int32_t dtype) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 2;
  c.vocab = 151936;
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

void check_forward(int32_t dtype) {
  const PolicyCase c = large(dtype);
  const DevicePolicyCall call(c, unmasked(c));
  grpo4j_token_stats_args args = {};
  args.logits = call.matrix(call.logits);
  args.rows = call.rows();
  args.out = call.outputs();
  const int64_t bytes = grpo4j_cuda_token_stats_workspace(&args);
  const DeviceArray<char> workspace(bytes);
  const DeviceArray<grpo4j_report> report(1);
  const Traffic t = counted(c, [&] {
    grpo4j_cuda_token_stats(&args, report.data(), workspace.data(), bytes, nullptr);
  });
  print(dtype == GRPO4J_F32 ? "token_stats f32" : "token_stats bf16", t);
  expect(about(t.loaded, 1) && about(t.dram_read, 1) && t.stored == 0, "forward reads once", c.name());
  expect(t.load_efficiency >= 0.99, "sector efficiency of the forward pass", c.name());
}

void check_fused(int32_t dtype, int32_t variant, const char* name, double loads) {
  grpo4j_cuda_force_variant(variant);
  const PolicyCase c = large(dtype);
  DevicePolicyCall call(c, unmasked(c));
  const Traffic t =
      counted(c, [&] { expect(call.run() == GRPO4J_OK, "status of the fused call", name); });
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
  print(name, t);
  expect(about(t.loaded, loads) && about(t.stored, 1), std::string(name) + ": asks once", c.name());
  expect(about(t.dram_read, 1) && about(t.dram_written, 1),
         std::string(name) + ": one read and one write of DRAM", c.name());
  expect(t.load_efficiency >= 0.99 && t.store_efficiency >= 0.99,
         std::string(name) + ": sector efficiency", c.name());
}

}  // namespace

void check_traffic() {
  check_forward(GRPO4J_F32);
  check_forward(GRPO4J_BF16);
  check_fused(GRPO4J_BF16, GRPO4J_CUDA_L2, "policy_loss bf16, l2", 2);
  check_fused(GRPO4J_BF16, GRPO4J_CUDA_CLUSTER2, "policy_loss bf16, cluster 2", 1);
  check_fused(GRPO4J_BF16, GRPO4J_CUDA_CLUSTER8, "policy_loss bf16, cluster 8", 1);
  check_fused(GRPO4J_F32, GRPO4J_CUDA_L2, "policy_loss f32, l2", 2);
  check_fused(GRPO4J_F32, GRPO4J_CUDA_CLUSTER4, "policy_loss f32, cluster 4", 1);
}
