// One call of policy_loss (or of its parts) with all that it can vary in, and its inputs.
#pragma once

#include <math.h>

#include <algorithm>
#include <random>
#include <string>

#include "expect.h"
#include "oracle.h"

struct PolicyCase {
  static constexpr double kTemperature = 0.7;  // of rows without their own
  int32_t dtype = GRPO4J_F32;
  int64_t rows = 3;
  int64_t vocab = 1003;
  int64_t offset = 0;   // elements before the first row
  int64_t padding = 0;  // elements between rows
  int64_t shift = 0;    // more elements before the gradient's first row, where it isn't in place
  double scale = 3;
  double weight_scale = 1;  // of the policy weights
  enum {
    kRandom,
    kAscending,
    kHalfMinusInf,
    kFarBelow,
    kFarOut,
    kEqual,
    kLateMaximum,
    kMinusInfTarget,
    kSpike,
    kValley,
    kDeepening
  } shape = kRandom;
  bool in_place = false;
  bool accumulate = false;
  bool listed_rows = false;     // every second row, by row_indices
  bool own_temperatures = false;
  bool int_targets = false;
  double soft_cap = 0;
  double entropy_coef = 0;
  double kl_coef = 0;
  int32_t kl_estimator = GRPO4J_KL_K3;
  bool kl_bias_corrected = false;
  bool on_policy = false;                // no oldLogProbs; no refLogProbs where KL needs none
  bool advantages_per_sequence = false;  // the call has one for each sequence
  int32_t objective = GRPO4J_CLIP;
  int32_t ratio_level = GRPO4J_RATIO_TOKEN;
  uint32_t seed = test_seed;

  std::string name() const {
    return "dtype " + std::to_string(dtype) + " [" + std::to_string(rows) + ", " +
           std::to_string(vocab) + "] offset " + std::to_string(offset) + " padding " +
           std::to_string(padding) + " shift " + std::to_string(shift) + " shape " + std::to_string(shape) +
           (in_place ? " in place" : "") + (accumulate ? " accumulate" : "") +
           (listed_rows ? " listed" : "") + (own_temperatures ? " temperatures" : "") + " cap " +
           std::to_string(soft_cap) + " entropy " + std::to_string(entropy_coef) + " kl " +
           std::to_string(kl_coef) + " weights " + std::to_string(weight_scale) + " estimator " + std::to_string(kl_estimator) +
           (kl_bias_corrected ? " corrected" : "") + (on_policy ? " on policy" : "") +
           (advantages_per_sequence ? " advantages per sequence" : "") + " objective " +
           std::to_string(objective) + " level " + std::to_string(ratio_level) + " seed " +
           std::to_string(seed);
  }
  bool has_reference() const { return !on_policy || kl_coef != 0; }
  int64_t stride() const { return vocab + padding; }
  // Of the gradient, where the logits have element e.
  int64_t gradient_element(int64_t e) const { return e + (in_place ? 0 : shift); }
  int64_t elements() const { return rows == 0 ? 0 : offset + (rows - 1) * stride() + vocab; }
  int64_t gradient_elements() const { return rows == 0 ? 0 : gradient_element(elements()); }
  grpo4j_policy_config config() const {
    const double high = objective == GRPO4J_CISPO ? 1.2 : objective == GRPO4J_GMPO ? 0.4 : 0.28;
    return {objective, ratio_level, objective == GRPO4J_GMPO ? 0.3 : 0.2, high, 1.4, 1.5, 1, 1.05,
            2, 3, 3, 2, kl_coef, entropy_coef, kl_estimator, kl_bias_corrected};
  }
};

// The inputs of a case. The second row, where there is one, has weights 0 and NaN logits; the fourth
// has a policy weight of 0 and counts in its sequence all the same; the fifth has A = 0.
struct PolicyInputs {
  explicit PolicyInputs(const PolicyCase& c);

  int64_t n() const { return static_cast<int64_t>(targets.size()); }
  int64_t row(int64_t i) const { return indices.empty() ? i : indices[static_cast<size_t>(i)]; }
  int64_t sequences() const { return static_cast<int64_t>(offsets.size()) - 1; }
  bool masked(int64_t i) const { return regularizer_weights[static_cast<size_t>(i)] == 0; }
  double temperature(const PolicyCase& c, int64_t i) const {
    return c.own_temperatures ? static_cast<double>(temperatures[static_cast<size_t>(i)])
                              : PolicyCase::kTemperature;
  }
  double raw(const PolicyCase& c, int64_t i, int64_t v) const {
    return oracle::load(logits.data(), c.dtype, c.offset + row(i) * c.stride() + v);
  }
  // The logits that count: under the soft cap.
  std::vector<double> z(const PolicyCase& c, int64_t i) const;

  std::vector<char> logits;  // NaN outside the rows
  std::vector<char> held;    // what the gradient's memory holds before
  std::vector<int64_t> indices, targets, offsets;
  std::vector<int32_t> int_targets;
  std::vector<float> temperatures, old_log_probs, ref_log_probs, policy_weights,
      regularizer_weights;
  std::vector<float> advantages;           // one per row
  std::vector<float> sequence_advantages;  // the same by sequence, where they are

 private:
  void add_row(const PolicyCase& c, int64_t row, std::mt19937_64& random);
  void share_advantages();
};

// Where row r has its spike or valley: each place once in as many rows as a short vocabulary is wide;
// in a long one the last element, and those on both sides of what may be a block's edge.
inline int64_t odd_place(const PolicyCase& c, int64_t r) {
  if (c.vocab < 1024) return r % c.vocab;
  const int64_t k = r % 18;
  return k < 2 ? c.vocab - 1 : k / 2 * 1024 - 1 + k % 2;
}

inline double logit_of(const PolicyCase& c, int64_t row, int64_t v, double normal) {
  switch (c.shape) {
    case PolicyCase::kAscending:  // the running maximum rises all along the row
      return -20 + 40.0 * static_cast<double>(v) / static_cast<double>(c.vocab) + 0.01 * normal;
    case PolicyCase::kHalfMinusInf:
      return v < c.vocab / 2 ? -INFINITY : c.scale * normal;
    case PolicyCase::kFarBelow:  // where a running maximum that starts at 0 would underflow
      return -1e4 + c.scale * normal;
    case PolicyCase::kFarOut:  // where z log2(e) / T as a float is too far off
      return v % 3 == 0 ? 6e9 : 5.9e9;
    case PolicyCase::kEqual:  // where each rounding is that of the token before
      return v % 5003 == 17 ? 0 : -8;
    case PolicyCase::kLateMaximum:  // in the last lane of a block whose range was taken ahead
      return v == 12287 ? 120 : c.scale * normal;
    case PolicyCase::kSpike:  // a maximum, also a negative one, whose miss makes e^u infinite
      return (2 * row < c.rows ? 0 : -500) + (v == odd_place(c, row) ? 60 : c.scale * normal);
    case PolicyCase::kValley:  // a least logit that is missed leaves its exponent without a clamp
      return v == odd_place(c, row) ? -300 : c.scale * normal;
    case PolicyCase::kDeepening:  // the least exponents of the rows pass the clamp in quarters of two
      return v == odd_place(c, row) ? -0.6931471805599453 * PolicyCase::kTemperature *
                                          (122 + 0.25 * static_cast<double>(row % 48))
                                    : -0.01 * fabs(normal);
    default:
      return c.scale * normal;
  }
}

inline PolicyInputs::PolicyInputs(const PolicyCase& c) {
  std::mt19937_64 random(c.seed);
  logits.resize(static_cast<size_t>(c.elements() * oracle::bytes_of(c.dtype)));
  held.resize(static_cast<size_t>(c.gradient_elements() * oracle::bytes_of(c.dtype)));
  for (int64_t e = 0; e < c.elements(); ++e) oracle::store(logits.data(), c.dtype, e, NAN);
  for (int64_t e = 0; e < c.gradient_elements(); ++e) {
    oracle::store(held.data(), c.dtype, e, 0.25 + 0.001 * static_cast<double>(e % 100));
  }
  for (int64_t r = 0; r < c.rows; r += c.listed_rows ? 2 : 1) add_row(c, r, random);
  // Sequences of one row, of none, of the masked row alone, and two more; fewer where rows end.
  const int64_t last = std::max(std::min<int64_t>(2, n()), n() - n() / 3);
  offsets = {0, std::min<int64_t>(1, n()), std::min<int64_t>(1, n()), std::min<int64_t>(2, n()),
             last, n()};
  if (c.advantages_per_sequence) share_advantages();
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < n(); ++i) {
    const int64_t target = targets[static_cast<size_t>(i)];
    const double log_prob =
        masked(i) ? -1.0 : oracle::row(z(c, i), target, temperature(c, i)).log_prob;
    // Ratios on both sides of the clip range.
    old_log_probs.push_back(static_cast<float>(log_prob + 0.3 * normal(random)));
    ref_log_probs.push_back(static_cast<float>(log_prob + 0.2 * normal(random)));
  }
}

inline void PolicyInputs::add_row(const PolicyCase& c, int64_t row, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  const int64_t i = n();
  const bool off = i == 1;
  if (c.listed_rows) indices.push_back(row);
  for (int64_t v = 0; v < c.vocab; ++v) {
    oracle::store(logits.data(), c.dtype, c.offset + row * c.stride() + v,
                  off ? NAN : logit_of(c, row, v, normal(random)));
  }
  // From the upper half, which is never -inf.
  const auto half = static_cast<uint64_t>((c.vocab + 1) / 2);
  targets.push_back(c.vocab - 1 - static_cast<int64_t>(random() % half));
  int_targets.push_back(static_cast<int32_t>(targets.back()));
  if (c.shape == PolicyCase::kMinusInfTarget && !off) {
    oracle::store(logits.data(), c.dtype, c.offset + row * c.stride() + targets.back(), -INFINITY);
  }
  temperatures.push_back(0.5f + 0.25f * static_cast<float>(i % 4));
  policy_weights.push_back(off || i == 3 ? 0.0f
                                         : static_cast<float>(c.weight_scale) *
                                               (0.5f + 0.01f * static_cast<float>(i % 7)));
  regularizer_weights.push_back(off ? 0.0f : 0.25f + 0.01f * static_cast<float>(i % 5));
  advantages.push_back(i == 4 ? 0.0f : static_cast<float>(normal(random)));
}

// Each sequence's rows get the advantage of its first.
inline void PolicyInputs::share_advantages() {
  for (int64_t s = 0; s < sequences(); ++s) {
    const int64_t begin = offsets[static_cast<size_t>(s)], end = offsets[static_cast<size_t>(s) + 1];
    const float shared = begin < end ? advantages[static_cast<size_t>(begin)] : 0;
    sequence_advantages.push_back(shared);
    std::fill(advantages.begin() + begin, advantages.begin() + end, shared);
  }
}

inline std::vector<double> PolicyInputs::z(const PolicyCase& c, int64_t i) const {
  std::vector<double> values(static_cast<size_t>(c.vocab));
  for (int64_t v = 0; v < c.vocab; ++v) {
    const double u = raw(c, i, v);
    values[static_cast<size_t>(v)] = c.soft_cap == 0 ? u : c.soft_cap * tanh(u / c.soft_cap);
  }
  return values;
}

// Row i of a case as the only row of another, for comparing bits.
inline PolicyInputs row_alone(const PolicyCase& c, const PolicyInputs& in, int64_t i,
                              const PolicyCase& one) {
  PolicyInputs alone(one);
  const auto at = static_cast<size_t>(i);
  const int64_t size = oracle::bytes_of(c.dtype);
  std::copy_n(in.logits.begin() + (c.offset + in.row(i) * c.stride()) * size, c.vocab * size,
              alone.logits.begin() + one.offset * size);
  alone.targets = {in.targets[at]};
  alone.old_log_probs = {in.old_log_probs[at]};
  alone.ref_log_probs = {in.ref_log_probs[at]};
  alone.advantages = {in.advantages[at]};
  alone.policy_weights = {in.policy_weights[at]};
  alone.regularizer_weights = {in.regularizer_weights[at]};
  return alone;
}

// Each objective at each level it has, f32 into other memory and bf16 in place.
template <class Check>
void each_objective(const Check& check) {
  for (int32_t objective = GRPO4J_CLIP; objective <= GRPO4J_VESPO; ++objective) {
    for (int32_t level = GRPO4J_RATIO_TOKEN; level <= GRPO4J_RATIO_SEQUENCE_TOKEN; ++level) {
      const bool sequence_only = objective == GRPO4J_GMPO || objective == GRPO4J_VESPO;
      if (sequence_only && level != GRPO4J_RATIO_SEQUENCE) continue;
      for (bool in_place : {false, true}) {
        PolicyCase c;
        c.dtype = in_place ? GRPO4J_BF16 : GRPO4J_F32;
        c.rows = 17;
        c.vocab = 257;
        c.objective = objective;
        c.ratio_level = level;
        c.in_place = in_place;
        c.kl_coef = 0.04;
        check(c);
      }
    }
  }
}
