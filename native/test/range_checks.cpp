// What a block's range decides: from where exponents count, and whether they need a clamp. Neither
// shows in a value until an exponent overflows or falls below the last power of two.
#include <math.h>

#include <string>
#include <vector>

#include "expect.h"
#include "grpo4j/grpo4j.h"
#include "kernels_test.h"
#include "oracle.h"

namespace {

// Blocks of AVX-512's 16-bit types: three whole ones, and half of one that follows.
constexpr int64_t kBlock = 4096;
constexpr int64_t kVocab = 3 * kBlock + kBlock / 2;
// Lanes of a register of f32; as many places apart, each register of a step has one.
constexpr int64_t kLanes = 16;

// A row of zeros but for some logits.
struct Row {
  int32_t dtype;
  std::vector<char> logits;

  explicit Row(int32_t type)
      : dtype(type), logits(static_cast<size_t>(kVocab * oracle::bytes_of(type))) {}

  void set(int64_t v, double z) { oracle::store(logits.data(), dtype, v, z); }

  double log_prob_and_entropy(int64_t target, double& entropy) const {
    float log_prob = 0, h = 0;
    grpo4j_token_stats_args args = {};
    args.logits = {const_cast<char*>(logits.data()), dtype, 1, kVocab, kVocab};
    args.rows.n = 1;
    args.rows.targets = &target;
    args.rows.temperature = 1;
    args.out.log_probs = &log_prob;
    args.out.entropy = &h;
    grpo4j_report report;
    if (grpo4j_token_stats(&args, &report) != GRPO4J_OK) {
      return NAN;
    }
    entropy = h;
    return log_prob;
  }
};

// 200 above the others: counted from their maximum it would overflow.
void check_maximum_of(int32_t dtype, int64_t block, int64_t place, double sign) {
  Row row(dtype);
  for (int64_t v = 0; v < kVocab; ++v) row.set(v, sign < 0 ? -300 : 0);
  const int64_t target = block * kBlock + place;
  row.set(target, sign < 0 ? -100 : 200);
  double entropy = NAN;
  const double log_prob = row.log_prob_and_entropy(target, entropy);
  expect(log_prob == 0 && entropy == 0, "a maximum far above",
         "at " + std::to_string(target) + (sign < 0 ? " of negative logits" : ""));
}

// Exponents between the last power of two that f32 has whole, 2^-126, and what counts as 0: 87.3 to
// 88.9 below the maximum. All of a row's other logits, so that an error of one is one of the sum.
void check_least_of(int32_t dtype, double below) {
  Row row(dtype);
  for (int64_t v = 0; v < kVocab; ++v) row.set(v, -below);
  row.set(3, 0);
  double entropy = NAN;
  const double log_prob = row.log_prob_and_entropy(3, entropy);
  expect(log_prob == 0 && entropy >= 0 && entropy < 1e-30, "logits far below",
         std::to_string(below));
}

}  // namespace

void check_ranges() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (int64_t block = 0; block < 4; ++block) {
      for (int64_t place = 0; place < 12 * kLanes; place += kLanes - 1) {
        check_maximum_of(dtype, block, place, 1);
        check_maximum_of(dtype, block, place, -1);
      }
    }
    for (double below = 86; below < 130; below += 0.25) {
      check_least_of(dtype, below);
    }
  }
}
