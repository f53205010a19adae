// group_advantages and token_weights against libgrpo4j, whose Java tests compare it with vectors.
#include "checks.h"
#include "grpo4j/grpo4j_cuda.h"
#include "policy_way.h"

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

template <class Way>
void check_group_advantages_by() {
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
  const ArrayOf<Way, int64_t> given_offsets(offsets), given_pairs(pairs);
  const ArrayOf<Way, float> given_rewards(rewards), given_advantages(n);
  const ArrayOf<Way, int32_t> given_lengths(lengths);
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
      args.group_offsets = passk ? given_pairs.data() : given_offsets.data();
      args.rewards = given_rewards.data();
      args.lengths = given_lengths.data();
      args.advantages = given_advantages.data();
      expect(Way::call(args) == GRPO4J_OK, "status", where);
      expect_equal(want, given_advantages.get(), where);
    }
  }
  const ArrayOf<Way, int64_t> zero(std::vector<int64_t>{0});
  grpo4j_group_advantages_args none = {};
  none.epsilon = 1e-6;
  none.group_offsets = zero.data();
  expect(Way::call(none) == GRPO4J_OK, "no completions", "advantages");
}

template <class Way>
void check_token_weights_by() {
  const std::vector<int64_t> offsets = {0, 5, 5, 38, 38 + 700};
  const int64_t n = offsets.back();
  std::vector<uint8_t> regions;
  std::vector<float> mask;
  std::mt19937_64 random(5);
  for (int64_t i = 0; i < n; ++i) {
    regions.push_back(i < 5 ? 0 : static_cast<uint8_t>(random() % 4 == 0 ? 0 : random() % 32));
    mask.push_back(random() % 5 == 0 ? 0.0f : 1.0f);
  }
  const ArrayOf<Way, int64_t> given_offsets(offsets);
  const ArrayOf<Way, uint8_t> given_regions(regions);
  const ArrayOf<Way, float> given_mask(mask), given_weights(n);
  for (int32_t order : {GRPO4J_CLAMP_THEN_MEAN, GRPO4J_MEAN_THEN_CLAMP}) {
    for (bool masked : {false, true}) {
      const std::string where = "order " + std::to_string(order) + (masked ? " masked" : "");
      std::vector<float> want(static_cast<size_t>(n));
      grpo4j_token_weights_args args = {n, static_cast<int64_t>(offsets.size()) - 1, offsets.data(),
                                        regions.data(), masked ? mask.data() : nullptr,
                                        {1, 1.2, 0.61, 0.6, 9, 0, 0, 0}, 0.001, 8, order,
                                        want.data()};
      expect(grpo4j_token_weights(&args) == GRPO4J_OK, "libgrpo4j's status", where);
      args.sequence_offsets = given_offsets.data();
      args.regions = given_regions.data();
      args.completion_mask = masked ? given_mask.data() : nullptr;
      args.weights = given_weights.data();
      expect(Way::call(args) == GRPO4J_OK, "status", where);
      expect_equal(want, given_weights.get(), where);
    }
  }
}

}  // namespace

void check_group_advantages() { check_group_advantages_by<OnDevice>(); }

void check_group_advantages_on_host() { check_group_advantages_by<OnHost>(); }

void check_token_weights() { check_token_weights_by<OnDevice>(); }

void check_token_weights_on_host() { check_token_weights_by<OnHost>(); }
