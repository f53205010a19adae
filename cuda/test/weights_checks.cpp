// group_advantages and token_weights against libgrpo4j, whose Java tests compare it with vectors.
#include "checks.h"
#include "device_policy_call.h"
#include "grpo4j/grpo4j_cuda.h"

namespace {

void expect_equal(const std::vector<float>& want, const std::vector<float>& got,
                  const std::string& where) {
  for (size_t i = 0; i < want.size(); ++i) {
    if (!expect(close(want[i], got[i]), "value " + std::to_string(i) + ": " +
                std::to_string(got[i]) + ", not " + std::to_string(want[i]), where)) {
      return;
    }
  }
}

}  // namespace

void check_group_advantages() {
  // Groups of one, two and more; an empty one; one of equal rewards; one larger than a block.
  const std::vector<int64_t> offsets = {0, 1, 3, 7, 7, 12, 52, 52 + 1500};
  const int64_t n = offsets.back();
  std::vector<float> rewards;
  std::vector<int32_t> lengths;
  std::mt19937_64 random(11);
  for (int64_t i = 0; i < n; ++i) {
    rewards.push_back(i >= 7 && i < 12 ? 1.5f : static_cast<float>(random() % 1000) / 250 - 2);
    lengths.push_back(i == 4 ? 0 : static_cast<int32_t>(1 + random() % 50));
  }
  // pass@k compares the best two of a group: all have at least two.
  const std::vector<int64_t> pairs = {0, 2, 7, 12, 52, 52 + 1500};
  const DeviceArray<int64_t> device_offsets(offsets), device_pairs(pairs);
  const DeviceArray<float> device_rewards(rewards), device_advantages(n);
  const DeviceArray<int32_t> device_lengths(lengths);
  for (int32_t estimator = GRPO4J_ADVANTAGE_GRPO; estimator <= GRPO4J_ADVANTAGE_PASSK; ++estimator) {
    for (int32_t scale : {GRPO4J_SCALE_GROUP, GRPO4J_SCALE_BATCH, GRPO4J_SCALE_NONE}) {
      const std::string where =
          "estimator " + std::to_string(estimator) + " scale " + std::to_string(scale);
      std::vector<float> want(static_cast<size_t>(n));
      const bool passk = estimator == GRPO4J_ADVANTAGE_PASSK;
      const std::vector<int64_t>& groups = passk ? pairs : offsets;
      grpo4j_group_advantages_args args = {n,
                                           static_cast<int64_t>(groups.size()) - 1,
                                           groups.data(),
                                           rewards.data(),
                                           lengths.data(),
                                           estimator,
                                           scale,
                                           1e-6,
                                           want.data()};
      expect(grpo4j_group_advantages(&args) == GRPO4J_OK, "libgrpo4j's status", where);
      args.group_offsets = passk ? device_pairs.data() : device_offsets.data();
      args.rewards = device_rewards.data();
      args.lengths = device_lengths.data();
      args.advantages = device_advantages.data();
      expect(grpo4j_cuda_group_advantages(&args, nullptr) == GRPO4J_OK, "status", where);
      grpo4j_cuda_synchronize(nullptr);
      expect_equal(want, device_advantages.get(), where);
    }
  }
  const DeviceArray<int64_t> zero(std::vector<int64_t>{0});
  grpo4j_group_advantages_args none = {};
  none.epsilon = 1e-6;
  none.group_offsets = zero.data();
  expect(grpo4j_cuda_group_advantages(&none, nullptr) == GRPO4J_OK, "no completions", "advantages");
}

void check_token_weights() {
  const std::vector<int64_t> offsets = {0, 5, 5, 38, 38 + 700};
  const int64_t n = offsets.back();
  std::vector<uint8_t> regions;
  std::vector<float> mask;
  std::mt19937_64 random(5);
  for (int64_t i = 0; i < n; ++i) {
    regions.push_back(i < 5 ? 0 : static_cast<uint8_t>(random() % 4 == 0 ? 0 : random() % 32));
    mask.push_back(random() % 5 == 0 ? 0.0f : 1.0f);
  }
  const DeviceArray<int64_t> device_offsets(offsets);
  const DeviceArray<uint8_t> device_regions(regions);
  const DeviceArray<float> device_mask(mask), device_weights(n);
  for (int32_t order : {GRPO4J_CLAMP_THEN_MEAN, GRPO4J_MEAN_THEN_CLAMP}) {
    for (bool masked : {false, true}) {
      const std::string where = "order " + std::to_string(order) + (masked ? " masked" : "");
      std::vector<float> want(static_cast<size_t>(n));
      grpo4j_token_weights_args args = {n, static_cast<int64_t>(offsets.size()) - 1, offsets.data(),
                                        regions.data(), masked ? mask.data() : nullptr,
                                        {1, 1.2, 0.61, 0.6, 9, 0, 0, 0}, 0.001, 8, order,
                                        want.data()};
      expect(grpo4j_token_weights(&args) == GRPO4J_OK, "libgrpo4j's status", where);
      args.sequence_offsets = device_offsets.data();
      args.regions = device_regions.data();
      args.completion_mask = masked ? device_mask.data() : nullptr;
      args.weights = device_weights.data();
      expect(grpo4j_cuda_token_weights(&args, nullptr) == GRPO4J_OK, "status", where);
      grpo4j_cuda_synchronize(nullptr);
      expect_equal(want, device_weights.get(), where);
    }
  }
}
