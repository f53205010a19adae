// The CUDA kernels as the emulation runs them, through the C ABI, against double arithmetic.
//   cuda_kernels_test [--small] [--stop] [--seed n] [group ...]
#include <algorithm>
#include <functional>

#include "checks.h"
#include "emulation/control.h"
#include "groups.h"
#include "host/variant.h"
#include "policy_way.h"

namespace {

constexpr int32_t kDtypes[] = {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16};

struct Variant {
  int32_t variant;
  const char* name;
};
constexpr Variant kPolicyVariants[] = {{GRPO4J_CUDA_L2, "l2"},
                                       {GRPO4J_CUDA_SHARED, "shared"},
                                       {GRPO4J_CUDA_CLUSTER2, "cluster of 2"},
                                       {GRPO4J_CUDA_CLUSTER4, "cluster of 4"},
                                       {GRPO4J_CUDA_CLUSTER8, "cluster of 8"},
                                       {GRPO4J_CUDA_SPLIT, "split"}};

bool small = false;

// As the process began.
void reset_emulation() {
  grpo4j_emulation_set_schedule(GRPO4J_EMULATION_IN_ORDER, 0);
  grpo4j_emulation_set_copies(GRPO4J_EMULATION_COPIES_LATE);
  grpo4j_emulation_set_fill(0xffffffffu);
}

// ---- Shapes: 1 is degenerate, 2 and 31 to 33 lie around a warp, 1003 has vectors and an odd tail,
// 4099 one chunk and a little, 9001 several, 32,773 and 151,936 what models have.
void check_shapes() {
  const std::vector<int64_t> few = {1, 33, 1003, 9001};
  const std::vector<int64_t> all = {1, 2, 31, 32, 33, 1003, 4099, 32773};
  for (int32_t dtype : kDtypes) {
    for (int64_t vocab : small ? few : all) {
      PolicyCase c;
      c.dtype = dtype;
      c.vocab = vocab;
      check_policy(c);
      c.in_place = true;
      c.offset = 1;
      c.padding = 3;
      c.entropy_coef = 0.01;
      check_policy(c);
      c.rows = 1;
      check_policy(c);
    }
    PolicyCase none;
    none.dtype = dtype;
    none.rows = 0;
    check_policy(none);
    PolicyCase many;
    many.dtype = dtype;
    many.rows = 17;
    many.vocab = 515;
    many.in_place = true;
    check_policy(many);
    many.rows = 700;  // metrics summed by several blocks
    many.vocab = 5;
    check_policy(many);
  }
}

// A maximum that rises by more than the greatest float, in the middle of a chunk.
void check_infinite_rise(int32_t dtype) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 1;
  c.vocab = 5003;
  c.entropy_coef = 0.01;
  PolicyInputs in(c);
  for (int64_t v = 0; v < c.vocab; ++v) {
    oracle::store(in.logits.data(), dtype, v, v < 2048 ? -2e38 : 2e38);
  }
  DevicePolicyCall call(c, in);
  expect(call.run() == GRPO4J_OK && call.metrics.get()[0].report.bad_rows == 0, "status", c.name());
  const double equal = static_cast<double>(c.vocab - 2048);  // so many, and nothing else
  expect(close(-log(equal), call.log_probs.get()[0]) && close(log(equal), call.entropy.get()[0]) &&
             close(1 / equal, call.sum_squares.get()[0]),
         "statistics after an infinite rise", c.name());
}

void check_options() {
  check_infinite_rise(GRPO4J_F32);
  check_infinite_rise(GRPO4J_BF16);
  for (int32_t dtype : kDtypes) {
    PolicyCase base;
    base.dtype = dtype;
    base.rows = 6;
    base.vocab = small ? 515 : 5003;
    for (auto change : std::vector<std::function<void(PolicyCase&)>>{
             [](PolicyCase& c) { c.accumulate = true; },
             [](PolicyCase& c) { c.accumulate = true, c.entropy_coef = 0.02, c.offset = 3; },
             [](PolicyCase& c) { c.listed_rows = true; },
             [](PolicyCase& c) { c.listed_rows = true, c.in_place = true; },
             [](PolicyCase& c) { c.own_temperatures = true, c.entropy_coef = 0.01; },
             [](PolicyCase& c) { c.int_targets = true; },
             [](PolicyCase& c) { c.soft_cap = 30; },
             [](PolicyCase& c) { c.soft_cap = 5, c.entropy_coef = 0.01, c.in_place = true; },
             [](PolicyCase& c) { c.soft_cap = 30, c.accumulate = true; },
             [](PolicyCase& c) { c.shape = PolicyCase::kAscending, c.scale = 1; },
             [](PolicyCase& c) { c.shape = PolicyCase::kHalfMinusInf, c.entropy_coef = 0.01; },
             [](PolicyCase& c) { c.shape = PolicyCase::kFarBelow, c.entropy_coef = 0.01; },
             // The gradient lies otherwise than the logits within 16 bytes.
             [](PolicyCase& c) { c.shift = 1, c.entropy_coef = 0.01; },
             [](PolicyCase& c) { c.shift = 3, c.offset = 2, c.padding = 1, c.accumulate = true; },
             [](PolicyCase& c) { c.scale = 30, c.in_place = true; },
             [](PolicyCase& c) { c.kl_coef = 0.05, c.kl_estimator = GRPO4J_KL_K1; },
             [](PolicyCase& c) { c.kl_coef = 0.05, c.kl_estimator = GRPO4J_KL_K2; },
             [](PolicyCase& c) { c.kl_coef = 0.05, c.entropy_coef = 0.01; }}) {
      PolicyCase c = base;
      change(c);
      check_policy(c);
    }
  }
}

void check_objectives() {
  each_objective([](const PolicyCase& c) { check_policy(c); });
}

// Each way through a row gives the right values, and the same bits as the others.
void check_variants() {
  for (int32_t dtype : kDtypes) {
    // 20,480 are whole tiles, five chunks: misaligned, its last elements lie in a vector behind them.
    for (int64_t vocab : {33, 20480, 40961}) {
      if (small && vocab > 20480) continue;
      for (bool in_place : {false, true}) {
        if (small && vocab > 33 && !in_place) continue;
        PolicyCase c;
        c.dtype = dtype;
        c.vocab = vocab;
        c.in_place = in_place;
        c.offset = in_place ? 5 : 0;
        c.entropy_coef = 0.01;
        const PolicyInputs in(c);
        std::vector<char> first;
        for (const Variant& variant : kPolicyVariants) {
          expect(grpo4j_cuda_force_variant(variant.variant) == GRPO4J_OK, "force", variant.name);
          DevicePolicyCall call(c, in);
          const int32_t status = call.run();
          const int64_t row_bytes = vocab * oracle::bytes_of(dtype);
          if (variant.variant == GRPO4J_CUDA_SHARED && row_bytes > (200 << 10)) continue;
          expect(status == GRPO4J_OK, std::string("variant ") + variant.name, c.name());
          check_policy(c);
          std::vector<char> bits = call.result();
          if (first.empty()) first = bits;
          expect(same_bits(first, bits), std::string("the same bits from ") + variant.name, c.name());
        }
        grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
      }
    }
  }
}

// One kernel with 150 KiB of shared memory a block, then with 75: what the first call was allowed must
// last, a call of another thread may be about to launch with it. The emulator refuses to lower it.
void check_shared_memory() {
  grpo4j_cuda_force_variant(GRPO4J_CUDA_SHARED);
  for (int64_t vocab : {36000, 16384}) {
    PolicyCase c;
    c.rows = 1;
    c.vocab = vocab;
    check_policy(c);
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}

// Outputs, gradient and metrics of a call, to compare bits.
struct Bits {
  std::vector<char> gradient;
  std::vector<float> log_probs, entropy;
  grpo4j_policy_metrics metrics;
  bool operator==(const Bits& o) const {
    return same_bits(gradient, o.gradient) && same_bits(log_probs, o.log_probs) &&
           same_bits(entropy, o.entropy) &&
           same_bits(&metrics.loss, &o.metrics.loss, sizeof(double) * 9);
  }
};

Bits bits_of(const PolicyCase& c, const PolicyInputs& in) {
  DevicePolicyCall call(c, in);
  expect(call.run() == GRPO4J_OK, std::string("status, ") + grpo4j_emulation_last_failure(),
         c.name());
  return {call.result(), call.log_probs.get(), call.entropy.get(), call.metrics.get()[0]};
}

// Neither the order in which threads run, nor when copies arrive, nor what memory held shows.
void check_schedules() {
  const Variant kAll[] = {{GRPO4J_CUDA_AUTO, ""},      {GRPO4J_CUDA_L2, ""},
                          {GRPO4J_CUDA_SHARED, ""},    {GRPO4J_CUDA_CLUSTER4, ""},
                          {GRPO4J_CUDA_SPLIT, ""}};
  struct Setting {
    int32_t schedule, copies;
    uint32_t fill;
  };
  const Setting kSettings[] = {
      {GRPO4J_EMULATION_IN_ORDER, GRPO4J_EMULATION_COPIES_AT_ONCE, 0},
      {GRPO4J_EMULATION_REVERSED, GRPO4J_EMULATION_COPIES_LATE, 0x7f7f7f7f},
      {GRPO4J_EMULATION_REVERSED, GRPO4J_EMULATION_COPIES_LATE_SOURCE_EARLY, 0x3f803f80},
      {GRPO4J_EMULATION_RANDOM, GRPO4J_EMULATION_COPIES_LATE, 0xffffffff},
      {GRPO4J_EMULATION_RANDOM, GRPO4J_EMULATION_COPIES_AT_ONCE, 0},
      {GRPO4J_EMULATION_INTERLEAVED, GRPO4J_EMULATION_COPIES_LATE, 0xc0c0c0c0},
      {GRPO4J_EMULATION_INTERLEAVED, GRPO4J_EMULATION_COPIES_AT_ONCE, 1},
  };
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    for (const Variant& variant : kAll) {
      for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16}) {
        grpo4j_cuda_force_variant(variant.variant);
        PolicyCase c;
        c.dtype = dtype;
        c.rows = 5;
        c.vocab = variant.variant == GRPO4J_CUDA_SPLIT ? 20011 : 9001;  // 5 chunks: 2 blocks a row
        c.in_place = true;
        c.entropy_coef = 0.01;
        c.ratio_level = level;
        const PolicyInputs in(c);
        const Bits first = bits_of(c, in);
        uint64_t seed = 1;
        for (const Setting& s : kSettings) {
          grpo4j_emulation_set_schedule(s.schedule, seed++);
          grpo4j_emulation_set_copies(s.copies);
          grpo4j_emulation_set_fill(s.fill);
          expect(bits_of(c, in) == first,
                 "the same bits under schedule " + std::to_string(s.schedule), c.name());
        }
        reset_emulation();
      }
    }
  }
  grpo4j_cuda_force_variant(GRPO4J_CUDA_AUTO);
}

// A row's bits depend on that row: not on the batch, on its place in memory, or on in place or not.
void check_row_bits() {
  for (int32_t dtype : kDtypes) {
    PolicyCase c;
    c.dtype = dtype;
    c.rows = 17;
    c.vocab = 4099;
    c.entropy_coef = 0.01;
    const PolicyInputs in(c);
    const Bits all = bits_of(c, in);
    const int64_t row_bytes = c.vocab * oracle::bytes_of(dtype);
    for (int64_t i : {0, 3, 16}) {
      for (int64_t offset : {0, 1, 7}) {
        PolicyCase one = c;
        one.rows = 1;
        one.offset = offset;
        one.in_place = offset == 7;
        const PolicyInputs alone = row_alone(c, in, i, one);
        const auto at = static_cast<size_t>(i);
        const Bits bits = bits_of(one, alone);
        expect(same_bits(&bits.log_probs[0], &all.log_probs[at], 4) &&
                   same_bits(&bits.entropy[0], &all.entropy[at], 4) &&
                   same_bits(&bits.gradient[static_cast<size_t>(offset * oracle::bytes_of(dtype))],
                             &all.gradient[static_cast<size_t>(i * row_bytes)],
                             static_cast<size_t>(row_bytes)),
               "row " + std::to_string(i) + " alone has the same bits", one.name());
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const TestOptions options = parse_options(argc, argv);
  small = options.small;
  run_groups(options, {{"shapes", check_shapes},
                       {"options", check_options},
                       {"objectives", check_objectives},
                       {"variants", check_variants},
                       {"token_stats", [] { check_token_stats(small); }},
                       {"shards", [] { check_shards(small); }},
                       {"bad_rows", check_bad_rows},
                       {"bad_calls", check_bad_calls},
                       {"shared_memory", check_shared_memory},
                       {"schedules", check_schedules},
                       {"row_bits", check_row_bits},
                       {"group_advantages", check_group_advantages},
                       {"token_weights", check_token_weights},
                       {"plans", check_plans},
                       {"enqueued", check_enqueued},
                       {"devices", check_devices},
                       {"far_rows", check_far_rows},
                       {"lists", check_lists},
                       {"host", [] { check_host(small); }},
                       {"traffic", [] { if (!small) check_traffic(); }},
                       {"large", [] { if (!small) check_large(); }}});
  return exit_status(options);
}
