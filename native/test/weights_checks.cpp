// Advantages and token weights against plain formulas, written out once more.
#include <math.h>

#include <algorithm>
#include <random>

#include "expect.h"
#include "grpo4j/grpo4j.h"
#include "kernels_test.h"

namespace {

// Groups of several sizes: none, one, two, and one that takes several rounds of a sum's lanes.
const std::vector<int64_t> kOffsets = {0, 5, 5, 6, 8, 700};

struct Completions {
  Completions() {
    std::mt19937_64 random(test_seed);
    for (int64_t i = 0; i < kOffsets.back(); ++i) {
      rewards.push_back(static_cast<float>(random() % 7) - 3);
      lengths.push_back(static_cast<int32_t>(random() % 50));
    }
    advantages.resize(rewards.size());
  }
  std::vector<float> compute(int32_t estimator, int32_t scale) {
    const grpo4j_group_advantages_args args = {
        kOffsets.back(), static_cast<int64_t>(kOffsets.size()) - 1, kOffsets.data(), rewards.data(),
        lengths.data(), estimator, scale, kEpsilon, advantages.data()};
    expect(grpo4j_group_advantages(&args) == GRPO4J_OK, "status", "advantages");
    return advantages;
  }
  static constexpr double kEpsilon = 0.25;  // large enough to be missed
  std::vector<float> rewards;
  std::vector<int32_t> lengths;
  std::vector<float> advantages;
};

double mean(const std::vector<float>& values, int64_t begin, int64_t end) {
  double sum = 0;
  for (int64_t i = begin; i < end; ++i) sum += values[i];
  return sum / static_cast<double>(end - begin);
}

double deviation(const std::vector<float>& values, int64_t begin, int64_t end) {
  const double mu = mean(values, begin, end);
  double sum = 0;
  for (int64_t i = begin; i < end; ++i) sum += (values[i] - mu) * (values[i] - mu);
  return sqrt(sum / static_cast<double>(end - begin - 1));
}

void same(const std::vector<double>& expected, const std::vector<float>& got, const char* where) {
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(fabs(expected[i] - got[i]) <= 4e-7 * (1 + fabs(expected[i])))) {
      expect(false, "value " + std::to_string(i), where);
      return;
    }
  }
}

void check_estimators() {
  Completions c;
  std::vector<double> centred, divided, by_batch, others, weighted;
  const double batch = deviation(c.rewards, 0, kOffsets.back()) + Completions::kEpsilon;
  for (size_t g = 0; g + 1 < kOffsets.size(); ++g) {
    const int64_t begin = kOffsets[g], end = kOffsets[g + 1];
    const int64_t n = end - begin;
    double tokens = 0, sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      tokens += c.lengths[i];
      sum += c.lengths[i] * static_cast<double>(c.rewards[i]);
    }
    for (int64_t i = begin; i < end; ++i) {
      const double d = c.rewards[i] - (n == 1 ? 0 : mean(c.rewards, begin, end));
      const double sigma = n == 1 ? 1 : deviation(c.rewards, begin, end);
      centred.push_back(d);
      divided.push_back(d / (sigma + Completions::kEpsilon));
      by_batch.push_back(d / batch);
      others.push_back(n == 1 ? d : d * static_cast<double>(n) / static_cast<double>(n - 1));
      weighted.push_back(c.rewards[i] - (n == 1 ? 0 : sum / tokens));
    }
  }
  same(divided, c.compute(GRPO4J_ADVANTAGE_GRPO, GRPO4J_SCALE_GROUP), "GRPO");
  same(by_batch, c.compute(GRPO4J_ADVANTAGE_GRPO, GRPO4J_SCALE_BATCH), "GRPO by the batch");
  same(centred, c.compute(GRPO4J_ADVANTAGE_GRPO, GRPO4J_SCALE_NONE), "GRPO undivided");
  same(centred, c.compute(GRPO4J_ADVANTAGE_DR_GRPO, GRPO4J_SCALE_GROUP), "Dr.GRPO");
  same(others, c.compute(GRPO4J_ADVANTAGE_RLOO, GRPO4J_SCALE_GROUP), "RLOO");
  same(weighted, c.compute(GRPO4J_ADVANTAGE_OPO, GRPO4J_SCALE_GROUP), "OPO");

  double tokens = 0, sum = 0, squares = 0;
  for (size_t i = 0; i < centred.size(); ++i) tokens += c.lengths[i], sum += c.lengths[i] * centred[i];
  for (size_t i = 0; i < centred.size(); ++i) {
    squares += c.lengths[i] * (centred[i] - sum / tokens) * (centred[i] - sum / tokens);
  }
  std::vector<double> white;
  for (double d : centred) white.push_back((d - sum / tokens) / sqrt(squares / (tokens - 1) + 1e-8));
  same(white, c.compute(GRPO4J_ADVANTAGE_REINFORCE, GRPO4J_SCALE_GROUP), "REINFORCE");
}

// One group of two completions: what the estimator gives for lengths that are small.
std::vector<float> of_two(int32_t estimator, int32_t first_length, int32_t second_length,
                          double deviation = 1) {
  const int64_t offsets[] = {0, 2};
  const float rewards[] = {static_cast<float>(-deviation), static_cast<float>(deviation)};
  const int32_t lengths[] = {first_length, second_length};
  std::vector<float> out(2);
  const grpo4j_group_advantages_args args = {2,       1,         offsets,            rewards,
                                             lengths, estimator, GRPO4J_SCALE_GROUP, 0,
                                             out.data()};
  expect(grpo4j_group_advantages(&args) == GRPO4J_OK, "status", "a group of two");
  return out;
}

void check_few_tokens() {
  // Two tokens in all: n - 1 is half of n, which shows. One has no spread and keeps its advantage.
  same({-sqrt(0.5), sqrt(0.5)}, of_two(GRPO4J_ADVANTAGE_REINFORCE, 1, 1), "two tokens");
  same({-1, 1}, of_two(GRPO4J_ADVANTAGE_REINFORCE, 0, 1), "one token");
  same({0, 2}, of_two(GRPO4J_ADVANTAGE_OPO, 5, 0), "all tokens in one completion");
  same({-1, 1}, of_two(GRPO4J_ADVANTAGE_OPO, 0, 0), "no tokens: the plain mean");
  // A variance of the order of what is added to it.
  const double d = 1e-4;
  same({-d / sqrt(2 * d * d + 1e-8), d / sqrt(2 * d * d + 1e-8)},
       of_two(GRPO4J_ADVANTAGE_REINFORCE, 1, 1, d), "nearly no spread");
}

// verl's mean is the sum over n + 1e-8: what is left of 100 is divided by 1e-4.
void check_whitening_of_equal_values() {
  const int64_t offsets[] = {0, 1, 2};
  const float rewards[] = {100, 100};
  const int32_t lengths[] = {3, 7};
  std::vector<float> out(2);
  const grpo4j_group_advantages_args args = {
      2, 2, offsets, rewards, lengths, GRPO4J_ADVANTAGE_REINFORCE, GRPO4J_SCALE_GROUP, 0,
      out.data()};
  expect(grpo4j_group_advantages(&args) == GRPO4J_OK, "status", "equal values");
  same({0.001, 0.001}, out, "equal values");
}

// Groups of three and of two, rewards of either sign; the memory of the results is not 0 before.
void check_passk() {
  const int64_t offsets[] = {0, 3, 5, 6};
  std::vector<float> rewards = {1, 6, 2, 2, 2, 9};
  std::vector<float> out;
  grpo4j_group_advantages_args args = {5, 2, offsets, rewards.data(), nullptr,
                                       GRPO4J_ADVANTAGE_PASSK, GRPO4J_SCALE_GROUP, 0.5, nullptr};
  const auto compute = [&](int32_t scale) {
    out.assign(5, 0.625f);
    args.advantages = out.data();
    args.scale = scale;
    expect(grpo4j_group_advantages(&args) == GRPO4J_OK, "status", "pass@k");
    return out;
  };
  // The deviation of 1, 6, 2 is the root of 7; the first of equals gets 0. That of all five rewards
  // is the root of 3.8.
  same({0, 4 / (sqrt(7) + 0.5), 0, 0, 0}, compute(GRPO4J_SCALE_GROUP), "pass@k");
  same({0, 4 / (sqrt(3.8) + 0.5), 0, 0, 0}, compute(GRPO4J_SCALE_BATCH), "pass@k by the batch");
  same({0, 4, 0, 0, 0}, compute(GRPO4J_SCALE_NONE), "pass@k undivided");
  rewards = {-1, -6, -2, -3, -5, 9};
  args.rewards = rewards.data();
  same({1, 0, 0, 2, 0}, compute(GRPO4J_SCALE_NONE), "pass@k below 0");
  out.resize(6);
  args.advantages = out.data();
  args.completions = 6;
  args.groups = 3;
  expect(grpo4j_group_advantages(&args) == GRPO4J_INVALID_ARGUMENT, "a group of one", "pass@k");
}

// Batches of one completion, which has no spread, and of none.
void check_small_batches() {
  const int64_t offsets[] = {0, 1};
  const float reward = 3;
  float out = 0.625f;
  grpo4j_group_advantages_args args = {1, 1, offsets, &reward, nullptr, GRPO4J_ADVANTAGE_GRPO,
                                       GRPO4J_SCALE_BATCH, 0.5, &out};
  expect(grpo4j_group_advantages(&args) == GRPO4J_OK && out == 6, "a deviation of 0", "one completion");
  for (int32_t estimator = GRPO4J_ADVANTAGE_GRPO; estimator <= GRPO4J_ADVANTAGE_PASSK; ++estimator) {
    args = {0, 0, offsets, nullptr, nullptr, estimator, GRPO4J_SCALE_BATCH, 0.5, nullptr};
    const int32_t lengths = 0;
    args.lengths = &lengths;
    expect(grpo4j_group_advantages(&args) == GRPO4J_OK, "status", "no completions");
  }
}

void check_order(int32_t order) {
  // An empty sequence, one of one token, one that takes several rounds of a sum's lanes.
  const std::vector<int64_t> offsets = {0, 0, 1, 800};
  const double region_weights[8] = {0.05, 0.5, 1, 3, 0, 20, 0, 1.5};
  std::mt19937_64 random(test_seed);
  std::vector<uint8_t> regions;
  std::vector<float> mask, got(800);
  for (int64_t i = 0; i < offsets.back(); ++i) {
    regions.push_back(static_cast<uint8_t>(1u << (random() % 8) | 1u << (random() % 8)));
    mask.push_back(random() % 5 == 0 ? 0.0f : 1.0f);
  }
  grpo4j_token_weights_args args = {
      800, 3, offsets.data(), regions.data(), mask.data(), {}, 0.1, 8, order, got.data()};
  std::copy(region_weights, region_weights + 8, args.region_weights);
  expect(grpo4j_token_weights(&args) == GRPO4J_OK, "status", "token weights");
  std::vector<double> expected;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    std::vector<double> raw;
    double sum = 0, count = 0;
    for (int64_t i = offsets[s]; i < offsets[s + 1]; ++i) {
      double w = 0;
      for (int k = 0; k < 8 && mask[i] != 0; ++k) {
        w = fmax(w, (regions[i] >> k & 1) != 0 ? region_weights[k] : 0);
      }
      if (w > 0 && order == GRPO4J_CLAMP_THEN_MEAN) w = fmin(fmax(w, 0.1), 8);
      raw.push_back(w);
      sum += w;
      count += w > 0;
    }
    for (double w : raw) {
      w = count == 0 ? 0 : w * count / sum;
      expected.push_back(w > 0 && order == GRPO4J_MEAN_THEN_CLAMP ? fmin(fmax(w, 0.1), 8) : w);
    }
  }
  same(expected, got, order == GRPO4J_CLAMP_THEN_MEAN ? "clamped first" : "divided first");
}

// A completion without a weight, one whose weights are below what a mean may be, and no mask at all.
void check_small_weights() {
  const int64_t offsets[] = {0, 3, 6};
  const uint8_t regions[] = {0, 0, 2, 1, 1, 4};
  const float none_trained[] = {1, 1, 0, 1, 1, 1};
  std::vector<float> out(6, 0.625f);
  grpo4j_token_weights_args args = {6, 2, offsets, regions, none_trained, {1e-9, 1, 3e-9}, 1e-12, 8,
                                    GRPO4J_MEAN_THEN_CLAMP, out.data()};
  expect(grpo4j_token_weights(&args) == GRPO4J_OK, "status", "small weights");
  same({0, 0, 0, 0.1, 0.1, 0.3}, out, "divided by the least mean");
  args.completion_mask = nullptr;
  args.region_weights[0] = 1;
  args.region_weights[2] = 4;
  expect(grpo4j_token_weights(&args) == GRPO4J_OK, "status", "no mask");
  same({0, 0, 1, 0.5, 0.5, 2}, out, "every token is trained");
}

}  // namespace

void check_group_advantages() {
  check_estimators();
  check_few_tokens();
  check_whitening_of_equal_values();
  check_passk();
  check_small_batches();
}

void check_token_weights() {
  check_order(GRPO4J_CLAMP_THEN_MEAN);
  check_order(GRPO4J_MEAN_THEN_CLAMP);
  check_small_weights();
}
