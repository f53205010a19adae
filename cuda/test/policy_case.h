// One call of policy_loss (or of its parts) with all that it can vary in, its inputs on the host, and
// what they must give, in double.
#pragma once

#include <math.h>

#include <algorithm>
#include <random>
#include <string>

#include "device_array.h"
#include "oracle.h"

struct PolicyCase {
  int32_t dtype = GRPO4J_F32;
  int64_t rows = 3;
  int64_t vocab = 1003;
  int64_t offset = 0;   // elements before the first row
  int64_t padding = 0;  // elements between rows
  double scale = 3;
  enum { kRandom, kAscending, kHalfMinusInf } shape = kRandom;
  bool in_place = false;
  bool accumulate = false;
  bool listed_rows = false;     // every second row, by row_indices
  bool own_temperatures = false;
  bool int_targets = false;
  double soft_cap = 0;
  double entropy_coef = 0;
  double kl_coef = 0;
  int32_t kl_estimator = GRPO4J_KL_K3;
  int32_t objective = GRPO4J_CLIP;
  int32_t ratio_level = GRPO4J_RATIO_TOKEN;
  uint32_t seed = 7;

  std::string name() const {
    return "dtype " + std::to_string(dtype) + " [" + std::to_string(rows) + ", " +
           std::to_string(vocab) + "] offset " + std::to_string(offset) + " padding " +
           std::to_string(padding) + " shape " + std::to_string(shape) +
           (in_place ? " in place" : "") + (accumulate ? " accumulate" : "") +
           (listed_rows ? " listed" : "") + (own_temperatures ? " temperatures" : "") + " cap " +
           std::to_string(soft_cap) + " entropy " + std::to_string(entropy_coef) + " kl " +
           std::to_string(kl_coef) + " objective " + std::to_string(objective) + " level " +
           std::to_string(ratio_level);
  }
  int64_t stride() const { return vocab + padding; }
  int64_t elements() const { return rows == 0 ? 0 : offset + (rows - 1) * stride() + vocab; }
  grpo4j_policy_config config() const {
    const bool gmpo = objective == GRPO4J_GMPO;
    return {objective, ratio_level, gmpo ? 0.4 : 0.2, gmpo ? 0.4 : 0.28, 3, 4, 1, 1.05, 2, 3, 3, 2,
            kl_coef, entropy_coef, kl_estimator, 0};
  }
};

// The inputs of a case. Row 1, where there is one, has weights 0 and NaN logits.
struct PolicyInputs {
  explicit PolicyInputs(const PolicyCase& c);

  int64_t n() const { return static_cast<int64_t>(targets.size()); }
  int64_t row(int64_t i) const { return indices.empty() ? i : indices[static_cast<size_t>(i)]; }
  bool masked(int64_t i) const { return policy_weights[static_cast<size_t>(i)] == 0; }
  double temperature(const PolicyCase& c, int64_t i) const {
    return c.own_temperatures ? static_cast<double>(temperatures[static_cast<size_t>(i)]) : 0.7;
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
  std::vector<float> temperatures, old_log_probs, ref_log_probs, advantages, policy_weights,
      regularizer_weights;
};

inline double logit_of(const PolicyCase& c, int64_t v, double normal) {
  switch (c.shape) {
    case PolicyCase::kAscending:  // the running maximum rises all along the row
      return -20 + 40.0 * static_cast<double>(v) / static_cast<double>(c.vocab) + 0.01 * normal;
    case PolicyCase::kHalfMinusInf:
      return v < c.vocab / 2 ? -INFINITY : c.scale * normal;
    default:
      return c.scale * normal;
  }
}

inline PolicyInputs::PolicyInputs(const PolicyCase& c) {
  std::mt19937_64 random(c.seed);
  std::normal_distribution<double> normal;
  const auto bytes = static_cast<size_t>(c.elements() * oracle::bytes_of(c.dtype));
  logits.resize(bytes);
  held.resize(bytes);
  for (int64_t e = 0; e < c.elements(); ++e) {
    oracle::store(logits.data(), c.dtype, e, NAN);
    oracle::store(held.data(), c.dtype, e, 0.25 + 0.001 * static_cast<double>(e % 100));
  }
  for (int64_t r = 0; r < c.rows; r += c.listed_rows ? 2 : 1) {
    if (c.listed_rows) indices.push_back(r);
    const bool off = r == (c.listed_rows ? 2 : 1);
    for (int64_t v = 0; v < c.vocab; ++v) {
      oracle::store(logits.data(), c.dtype, c.offset + r * c.stride() + v,
                    off ? NAN : logit_of(c, v, normal(random)));
    }
    // From the upper half, which is never -inf.
    const auto half = static_cast<uint64_t>((c.vocab + 1) / 2);
    targets.push_back(c.vocab - 1 - static_cast<int64_t>(random() % half));
    int_targets.push_back(static_cast<int32_t>(targets.back()));
    temperatures.push_back(0.5f + 0.25f * static_cast<float>(r % 4));
    policy_weights.push_back(off ? 0.0f : 0.5f);
    regularizer_weights.push_back(off ? 0.0f : 0.25f);
    advantages.push_back(static_cast<float>(normal(random)));
  }
  // Two sequences, the second of them empty where there are few rows.
  offsets = {0, n() - n() / 3, n()};
  for (int64_t i = 0; i < n(); ++i) {
    const int64_t target = targets[static_cast<size_t>(i)];
    const double log_prob =
        masked(i) ? -1.0 : oracle::row(z(c, i), target, temperature(c, i)).log_prob;
    // Ratios on both sides of the clip range.
    old_log_probs.push_back(static_cast<float>(log_prob + 0.3 * normal(random)));
    ref_log_probs.push_back(static_cast<float>(log_prob + 0.2 * normal(random)));
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

// Statistics in double, and metrics and slopes by libgrpo4j's objective from their rounded values.
struct PolicyExpectation {
  PolicyExpectation(const PolicyCase& c, PolicyInputs& in)
      : statistics(static_cast<size_t>(in.n())), slopes(static_cast<size_t>(in.n())) {
    std::vector<float> log_probs(statistics.size()), entropy(statistics.size());
    for (int64_t i = 0; i < in.n(); ++i) {
      oracle::Row& row = statistics[static_cast<size_t>(i)];
      const int64_t target = in.targets[static_cast<size_t>(i)];
      row = in.masked(i) ? oracle::Row{0, 0, 0, 0}
                         : oracle::row(in.z(c, i), target, in.temperature(c, i));
      log_probs[static_cast<size_t>(i)] = static_cast<float>(row.log_prob);
      entropy[static_cast<size_t>(i)] = static_cast<float>(row.entropy);
    }
    grpo4j_objective_args args = {};
    args.n = in.n();
    args.batch = {in.old_log_probs.data(), in.ref_log_probs.data(), in.advantages.data(),
                  in.policy_weights.data(), in.regularizer_weights.data(), 2, in.offsets.data(), 0};
    args.out.log_probs = log_probs.data();
    args.out.entropy = entropy.data();
    args.config = c.config();
    args.slopes = slopes.data();
    status = grpo4j_objective(&args, &metrics);
  }

  std::vector<oracle::Row> statistics;
  std::vector<grpo4j_row_slopes> slopes;
  grpo4j_policy_metrics metrics;
  int32_t status;
};

// The same call on the device: its memory and its arguments.
class DevicePolicyCall {
 public:
  DevicePolicyCall(const PolicyCase& c, const PolicyInputs& in)
      : case_(c), n_(in.n()), logits(in.logits), gradient(in.held), indices(in.indices),
        targets(in.targets), offsets(in.offsets), int_targets(in.int_targets),
        temperatures(in.temperatures), old_log_probs(in.old_log_probs),
        ref_log_probs(in.ref_log_probs), advantages(in.advantages),
        policy_weights(in.policy_weights), regularizer_weights(in.regularizer_weights),
        log_probs(n_), entropy(n_), lse(n_), sum_squares(n_), states(n_), slopes(n_), metrics(1) {}

  grpo4j_matrix matrix(const DeviceArray<char>& memory) const {
    return {memory.data() == nullptr ? nullptr
                                     : memory.data() + case_.offset * oracle::bytes_of(case_.dtype),
            case_.dtype, case_.rows, case_.vocab, case_.stride()};
  }
  grpo4j_rows rows() const {
    return {n_,
            indices.data(),
            case_.int_targets ? static_cast<const void*>(int_targets.data())
                              : static_cast<const void*>(targets.data()),
            case_.int_targets ? GRPO4J_I32 : GRPO4J_I64,
            0.7,
            case_.own_temperatures ? temperatures.data() : nullptr,
            case_.soft_cap};
  }
  grpo4j_policy_batch batch() const {
    return {old_log_probs.data(), ref_log_probs.data(), advantages.data(), policy_weights.data(),
            regularizer_weights.data(), 2, offsets.data(), 0};
  }
  grpo4j_row_outputs outputs() const {
    return {log_probs.data(), entropy.data(), lse.data(), sum_squares.data()};
  }
  grpo4j_policy_loss_args args() const {
    grpo4j_policy_loss_args a = {};
    a.logits = matrix(logits);
    a.gradient = case_.in_place ? a.logits : matrix(gradient);
    a.rows = rows();
    a.batch = batch();
    a.out = outputs();
    a.config = case_.config();
    a.states = states.data();
    a.slopes = slopes.data();
    a.flags = case_.accumulate ? GRPO4J_ACCUMULATE : 0;
    return a;
  }
  // Queries the workspace, calls, waits.
  int32_t run() { return run(args()); }
  int32_t run(const grpo4j_policy_loss_args& a) {
    const int64_t bytes = grpo4j_cuda_policy_loss_workspace(&a);
    if (bytes < 0) return GRPO4J_INVALID_ARGUMENT;
    const DeviceArray<char> workspace(bytes);
    const int32_t status =
        grpo4j_cuda_policy_loss(&a, metrics.data(), workspace.data(), bytes, nullptr);
    grpo4j_cuda_synchronize(nullptr);
    return status;
  }
  std::vector<char> result() const { return case_.in_place ? logits.get() : gradient.get(); }

 private:
  PolicyCase case_;
  int64_t n_;

 public:
  DeviceArray<char> logits, gradient;
  DeviceArray<int64_t> indices, targets, offsets;
  DeviceArray<int32_t> int_targets;
  DeviceArray<float> temperatures, old_log_probs, ref_log_probs, advantages, policy_weights,
      regularizer_weights, log_probs, entropy, lse, sum_squares;
  DeviceArray<grpo4j_row_state> states;
  DeviceArray<grpo4j_row_slopes> slopes;
  DeviceArray<grpo4j_policy_metrics> metrics;
};
