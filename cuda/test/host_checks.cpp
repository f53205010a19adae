// grpo4j_cuda_host_*: the same values through the copies around each call, the status codes of
// libgrpo4j, and nothing left over from one call to the next.
#include <stddef.h>

#include "checks.h"
#include "emulation/control.h"
#include "policy_way.h"

namespace {

using StagedCall = PolicyBy<OnHost>;

// Row 1 is masked; three chunks a row, so that warps and blocks share it.
PolicyCase three_chunks(int32_t dtype) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 5;
  c.vocab = 9001;
  c.entropy_coef = 0.01;
  return c;
}

void check_values(bool small) {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    const PolicyCase base = three_chunks(dtype);
    check_policy<OnHost>(base);
    PolicyCase c = base;
    c.in_place = true;
    c.offset = 3;  // arrays begin inside a vector, the padding comes back as it was
    c.padding = 5;
    check_policy<OnHost>(c);
    c.listed_rows = true;
    c.own_temperatures = true;
    c.int_targets = true;
    check_policy<OnHost>(c);
    c = base;
    c.accumulate = true;  // the gradient goes to the device, too
    c.ratio_level = GRPO4J_RATIO_SEQUENCE;
    c.kl_coef = 0.05;
    check_policy<OnHost>(c);
    c.rows = 0;
    check_policy<OnHost>(c);
  }
  check_token_stats_on_host(small);
  check_shards_on_host(small);
  check_group_advantages_on_host();
  check_token_weights_on_host();
}

// All that a call of policy_loss leaves behind.
template <class Way>
struct Left {
  explicit Left(const PolicyBy<Way>& call)
      : result(call.result()), log_probs(call.log_probs.get()), entropy(call.entropy.get()),
        lse(call.lse.get()), sum_squares(call.sum_squares.get()), metrics(call.metrics.get()) {}

  template <class Other>
  bool operator==(const Other& o) const {
    return same_bits(result, o.result) && same_bits(log_probs, o.log_probs) &&
           same_bits(entropy, o.entropy) && same_bits(lse, o.lse) &&
           same_bits(sum_squares, o.sum_squares) &&
           same_bits(&metrics[0].active_rows, &o.metrics[0].active_rows,
                     sizeof metrics[0] - offsetof(grpo4j_policy_metrics, active_rows));
  }

  std::vector<char> result;
  std::vector<float> log_probs, entropy, lse, sum_squares;
  std::vector<grpo4j_policy_metrics> metrics;
};

void check_calls_in_a_row() {
  PolicyCase c = three_chunks(GRPO4J_BF16);
  const PolicyInputs in(c);
  DevicePolicyCall device(c, in);
  expect(device.run() == GRPO4J_OK, "status on the device", c.name());
  const Left<OnDevice> wanted(device);
  StagedCall call(c, in);
  PolicyCase more = c;
  more.rows = 9;
  more.vocab = 20011;
  const PolicyInputs larger(more);
  for (int i = 0; i < 3; ++i) {
    expect(call.run() == GRPO4J_OK && Left<OnHost>(call) == wanted, "the device's bits, call " +
           std::to_string(i), c.name());
    grpo4j_policy_loss_args refused = call.args();
    refused.logits.vocab = 0;
    expect(call.run(refused) == GRPO4J_INVALID_ARGUMENT && Left<OnHost>(call) == wanted,
           "a refused call leaves results alone", c.name());
    StagedCall between(more, larger);
    expect(between.run() == GRPO4J_OK, "a larger call between", more.name());
  }
  // Gradients add up over calls as they do on the device.
  c.accumulate = true;
  DevicePolicyCall sums(c, in);
  StagedCall host_sums(c, in);
  for (int i = 0; i < 2; ++i) {
    expect(sums.run() == GRPO4J_OK && host_sums.run() == GRPO4J_OK, "status", c.name());
  }
  expect(same_bits(sums.result(), host_sums.result()), "gradients of two calls", c.name());
}

// ---- Copies: in the emulation a kernel could read an array that nobody copied

struct Copies {
  int64_t arrays;   // copied to the device
  int64_t results;  // of them, copied back
  int64_t scratch;  // memory besides
};

template <class Call>
void check_copies(const char* name, const Copies& wanted, const Call& call) {
  grpo4j_emulation_counters counters;
  grpo4j_emulation_reset_counters();
  const int32_t status = call();
  grpo4j_emulation_read_counters(&counters);
  expect(status == GRPO4J_OK, "status " + std::to_string(status), name);
  // And one wait for the kernels.
  expect(counters.synchronizations == wanted.arrays + 1 + wanted.results,
         std::to_string(counters.synchronizations) + " copies and waits", name);
  expect(counters.allocations == 2 * (wanted.arrays + wanted.scratch),
         std::to_string(counters.allocations) + " allocations and releases", name);
}

void check_all_copies() {
  PolicyCase c = three_chunks(GRPO4J_F32);
  c.listed_rows = true;
  c.own_temperatures = true;
  StagedCall call(c, PolicyInputs(c));
  const int64_t n = 3;  // every second row
  const grpo4j_policy_loss_args policy = call.args();
  // Logits, gradient; indices, targets, temperatures; 6 of the batch; 4 outputs, states, slopes, metrics.
  check_copies("policy_loss", {18, 8, 1}, [&] { return call.run(policy); });
  grpo4j_policy_loss_args in_place = policy;
  in_place.gradient = policy.logits;
  check_copies("policy_loss in place", {17, 8, 1}, [&] { return call.run(in_place); });
  StagedCall fresh(c, PolicyInputs(c));
  const grpo4j_policy_loss_args args = fresh.args();
  grpo4j_report report;
  // Logits, 3 of the rows, outputs, report.
  check_copies("token_stats", {9, 5, 1}, [&] {
    return OnHost::call({args.logits, args.rows, args.out, GRPO4J_ZERO_BAD_ROWS}, &report);
  });
  check_copies("row_states", {6, 2, 0}, [&] {
    return OnHost::call({args.logits, args.rows, 0, c.vocab, args.states}, &report);
  });
  check_copies("merge_states", {8, 6, 0}, [&] {
    return OnHost::call({args.states, 1, n, 1, args.rows.temperatures, args.states, args.out,
                         GRPO4J_ZERO_BAD_ROWS}, &report);
  });
  check_copies("objective", {12, 6, 1}, [&] {
    return OnHost::call({n, args.batch, args.out, args.config, args.slopes, 0},
                        fresh.metrics.data());
  });
  check_copies("logits_gradient", {8, 2, 0}, [&] {
    return OnHost::call({args.logits, args.gradient, args.rows, 0, c.vocab, args.states,
                         args.slopes, 0}, &report);
  });
  const int64_t offsets[] = {0, 3};
  const float rewards[] = {1, 2, 4};
  const int32_t lengths[] = {1, 2, 3};
  float results[3];
  check_copies("group_advantages", {4, 1, 0}, [&] {
    return OnHost::call({3, 1, offsets, rewards, lengths, GRPO4J_ADVANTAGE_GRPO,
                         GRPO4J_SCALE_GROUP, 1e-6, results});
  });
  const uint8_t regions[] = {1, 0, 1};
  check_copies("token_weights", {4, 1, 0}, [&] {
    return OnHost::call({3, 1, offsets, regions, rewards, {1}, 0.1, 8, GRPO4J_CLAMP_THEN_MEAN,
                         results});
  });
}

// ---- Bad rows: what libgrpo4j says of the same call

bool same_report(const grpo4j_report& a, const grpo4j_report& b) {
  return a.bad_rows == b.bad_rows && a.first_bad_row == b.first_bad_row &&
         a.first_bad_reason == b.first_bad_reason;
}

bool same_values(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (isnan(a[i]) != isnan(b[i]) || (!isnan(a[i]) && !close(a[i], b[i]))) return false;
  }
  return a.size() == b.size();
}

void spoil(const PolicyCase& c, PolicyInputs& in) {
  oracle::store(in.logits.data(), c.dtype, 2 * c.stride() + c.vocab - 1, INFINITY);
  in.targets[4] = c.vocab;
}

void check_bad_policy_rows(const PolicyCase& c, uint32_t flags) {
  PolicyInputs in(c);
  spoil(c, in);
  PolicyBy<OnCpu> cpu(c, in);
  StagedCall call(c, in);
  grpo4j_policy_loss_args cpu_args = cpu.args(), args = call.args();
  cpu_args.flags |= flags;
  args.flags |= flags;
  const int32_t wanted = cpu.run(cpu_args), got = call.run(args);
  expect(got == wanted && got == (flags == 0 ? GRPO4J_BAD_ROWS : GRPO4J_OK),
         "status with bad rows: " + std::to_string(got), c.name());
  expect(same_report(cpu.metrics.get()[0].report, call.metrics.get()[0].report) &&
             call.metrics.get()[0].report.first_bad_row == 2, "report of bad rows", c.name());
  expect(same_values(cpu.log_probs.get(), call.log_probs.get()) &&
             same_values(cpu.entropy.get(), call.entropy.get()), "outputs of bad rows", c.name());
  expect(fabs(cpu.metrics.get()[0].loss - call.metrics.get()[0].loss) <= 1e-5,
         "the loss without the bad rows", c.name());
}

template <class Way>
int32_t token_stats(const PolicyBy<Way>& call, uint32_t flags, grpo4j_report& report) {
  return Way::call({call.matrix(call.logits), call.rows(), call.outputs(), flags}, &report);
}

void check_bad_rows_of_token_stats(const PolicyCase& c, uint32_t flags) {
  PolicyInputs in(c);
  spoil(c, in);
  const PolicyBy<OnCpu> cpu(c, in);
  const StagedCall call(c, in);
  grpo4j_report wanted, got;
  const int32_t status = token_stats(cpu, flags, wanted);
  expect(token_stats(call, flags, got) == status && same_report(wanted, got) && got.bad_rows == 3,
         "token_stats with bad rows", c.name());
  expect(same_values(cpu.log_probs.get(), call.log_probs.get()) &&
             same_values(cpu.lse.get(), call.lse.get()), "token_stats of bad rows", c.name());
}

void check_bad_rows_on_host() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_F16}) {
    for (uint32_t flags : {0u, static_cast<uint32_t>(GRPO4J_ZERO_BAD_ROWS)}) {
      PolicyCase c = three_chunks(dtype);
      check_bad_policy_rows(c, flags);
      check_bad_rows_of_token_stats(c, flags);
      c.ratio_level = GRPO4J_RATIO_SEQUENCE;
      check_bad_policy_rows(c, flags);
    }
  }
}

// ---- Calls that are refused: arrays are on the host, so that their content is checked, too

struct Refusal {
  const char* name;
  void (*spoil)(grpo4j_policy_loss_args& args);
};

const int64_t kFalling[] = {2, 1, 0};
const int64_t kOutside[] = {0, 1, 5};
const int64_t kShortOffsets[] = {0, 2, 4};

const Refusal kRefusals[] = {
    {"no vocabulary", [](auto& a) { a.logits.vocab = 0; }},
    {"rows that overlap", [](auto& a) { a.logits.row_stride = a.logits.vocab - 1; }},
    {"an unknown dtype", [](auto& a) { a.logits.dtype = 9; }},
    {"no logits", [](auto& a) { a.logits.data = nullptr; }},
    {"a negative number of rows", [](auto& a) { a.rows.n = -1; }},
    {"more rows than logits have", [](auto& a) { a.rows.n = a.logits.rows + 1; }},
    {"no targets", [](auto& a) { a.rows.targets = nullptr; }},
    {"falling rows", [](auto& a) { a.rows.n = 3, a.rows.row_indices = kFalling; }},
    {"a row that isn't there", [](auto& a) { a.rows.n = 3, a.rows.row_indices = kOutside; }},
    {"temperature 0", [](auto& a) { a.rows.temperature = 0; }},
    {"a temperature of NaN", [](auto& a) { a.rows.temperature = NAN; }},
    {"a negative soft cap", [](auto& a) { a.rows.soft_cap = -1; }},
    {"a gradient of another dtype", [](auto& a) { a.gradient.dtype = GRPO4J_F16; }},
    {"a gradient that overlaps", [](auto& a) {
       a.gradient.data = static_cast<float*>(a.logits.data) + 1;
     }},
    {"accumulation in place", [](auto& a) { a.gradient = a.logits, a.flags = GRPO4J_ACCUMULATE; }},
    {"no log-probs", [](auto& a) { a.out.log_probs = nullptr; }},
    {"no advantages", [](auto& a) { a.batch.advantages = nullptr; }},
    {"KL without a reference", [](auto& a) {
       a.config.kl_coef = 0.1, a.batch.ref_log_probs = nullptr;
     }},
    {"offsets that end early", [](auto& a) {
       a.batch.sequences = 2, a.batch.sequence_offsets = kShortOffsets;
     }},
    {"sequences without offsets", [](auto& a) {
       a.config.ratio_level = GRPO4J_RATIO_SEQUENCE, a.batch.sequence_offsets = nullptr;
       a.batch.sequences = 0;
     }},
    {"a sequence's ratio without states", [](auto& a) {
       a.config.ratio_level = GRPO4J_RATIO_SEQUENCE, a.states = nullptr;
     }},
    {"an unknown objective", [](auto& a) { a.config.objective = 99; }},
    {"GMPO per token", [](auto& a) { a.config.objective = GRPO4J_GMPO; }},
    {"a negative clip", [](auto& a) { a.config.clip_low = -1; }},
};

void check_refusals() {
  const PolicyCase c = three_chunks(GRPO4J_F32);
  const PolicyInputs in(c);
  StagedCall call(c, in);
  const Left<OnHost> before(call);
  for (const Refusal& refusal : kRefusals) {
    grpo4j_policy_loss_args args = call.args();
    refusal.spoil(args);
    expect(call.run(args) == GRPO4J_INVALID_ARGUMENT, "refused", refusal.name);
    grpo4j_policy_metrics ignored;
    expect(OnCpu::call(args, &ignored) == GRPO4J_INVALID_ARGUMENT, "libgrpo4j refuses", refusal.name);
  }
  expect(Left<OnHost>(call) == before && same_bits(call.logits.get(), in.logits),
         "refused calls write nothing", c.name());
}

void check_missing_arguments() {
  const char* where = "host";
  grpo4j_report report;
  grpo4j_policy_metrics metrics;
  const auto refuses = [where](int32_t status, const char* what) {
    expect(status == GRPO4J_INVALID_ARGUMENT, what, where);
  };
  refuses(grpo4j_cuda_host_token_stats(nullptr, &report), "token_stats of nothing");
  refuses(grpo4j_cuda_host_policy_loss(nullptr, &metrics), "policy_loss of nothing");
  refuses(grpo4j_cuda_host_row_states(nullptr, &report), "row_states of nothing");
  refuses(grpo4j_cuda_host_merge_states(nullptr, &report), "merge_states of nothing");
  refuses(grpo4j_cuda_host_objective(nullptr, &metrics), "objective of nothing");
  refuses(grpo4j_cuda_host_logits_gradient(nullptr, &report), "logits_gradient of nothing");
  refuses(grpo4j_cuda_host_group_advantages(nullptr), "group_advantages of nothing");
  refuses(grpo4j_cuda_host_token_weights(nullptr), "token_weights of nothing");
  const PolicyCase c;
  StagedCall call(c, PolicyInputs(c));
  const grpo4j_policy_loss_args args = call.args();
  refuses(grpo4j_cuda_host_policy_loss(&args, nullptr), "policy_loss without metrics");
  const grpo4j_token_stats_args stats = {args.logits, args.rows, args.out, 0};
  refuses(grpo4j_cuda_host_token_stats(&stats, nullptr), "token_stats without a report");
  // What only the content of arrays shows.
  const int64_t offsets[] = {0, 2};
  const float rewards[] = {1, NAN};
  float advantages[2];
  refuses(OnHost::call({2, 1, offsets, rewards, nullptr, GRPO4J_ADVANTAGE_GRPO, GRPO4J_SCALE_GROUP,
                        1e-6, advantages}), "a reward of NaN");
  const uint8_t regions[] = {1, 1, 1};
  float weights[3];
  refuses(OnHost::call({3, 1, offsets, regions, nullptr, {1}, 0.1, 8, GRPO4J_CLAMP_THEN_MEAN,
                        weights}), "a completion that ends early");
}

void check_no_device() {
  const PolicyCase c = three_chunks(GRPO4J_F32);
  const PolicyInputs in(c);
  for (const char* device : {"none", "v100"}) {
    grpo4j_emulation_set_device(device);
    StagedCall call(c, in);
    const Left<OnHost> before(call);
    expect(call.run() == GRPO4J_DEVICE_ERROR, "no device", device);
    const std::string why = grpo4j_cuda_last_error();
    expect(why.find(device[0] == 'n' ? "no CUDA-capable device" : "V100") != std::string::npos,
           "the error says why: " + why, device);
    expect(same_bits(Left<OnHost>(call).result, before.result) &&
               same_bits(call.log_probs.get(), before.log_probs), "nothing is written", device);
  }
  grpo4j_emulation_set_device("h100");
  StagedCall call(c, in);
  expect(call.run() == GRPO4J_OK, "a device again", c.name());
}

}  // namespace

void check_host(bool small) {
  check_values(small);
  check_calls_in_a_row();
  check_all_copies();
  check_bad_rows_on_host();
  check_refusals();
  check_missing_arguments();
  check_no_device();
}
