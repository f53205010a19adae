// The memory and the arguments of one call of policy_loss, on the host or on a device.
#pragma once

#include "policy_case.h"

// Memory of exactly `count` elements, so that a sanitizer sees one more; null where there are none.
template <class T>
class HostArray {
 public:
  explicit HostArray(int64_t count) : memory_(static_cast<size_t>(count)) {}
  explicit HostArray(const std::vector<T>& values) : memory_(values) {}
  const std::vector<T>& get() const { return memory_; }
  T* data() const { return memory_.empty() ? nullptr : memory_.data(); }

 private:
  mutable std::vector<T> memory_;  // a view of it, as a device's pointer is
};

template <template <class> class Array>
class PolicyCall {
 public:
  PolicyCall(const PolicyCase& c, const PolicyInputs& in)
      : case_(c), n_(in.n()), sequences_(in.sequences()), logits(in.logits), gradient(in.held),
        indices(in.indices), targets(in.targets), offsets(in.offsets), int_targets(in.int_targets),
        temperatures(in.temperatures), old_log_probs(in.old_log_probs),
        ref_log_probs(in.ref_log_probs),
        advantages(c.advantages_per_sequence ? in.sequence_advantages : in.advantages),
        policy_weights(in.policy_weights), regularizer_weights(in.regularizer_weights),
        log_probs(unwritten()), entropy(unwritten()), lse(unwritten()), sum_squares(unwritten()),
        states(n_), slopes(n_), metrics(1) {}

  grpo4j_matrix matrix(const Array<char>& memory) const {
    return matrix(memory, case_.offset);
  }
  // With so many elements before the first row.
  grpo4j_matrix matrix(const Array<char>& memory, int64_t first) const {
    return {memory.data() == nullptr ? nullptr
                                     : memory.data() + first * oracle::bytes_of(case_.dtype),
            case_.dtype, case_.rows, case_.vocab, case_.stride()};
  }
  grpo4j_rows rows() const {
    return {n_,
            indices.data(),
            case_.int_targets ? static_cast<const void*>(int_targets.data())
                              : static_cast<const void*>(targets.data()),
            case_.int_targets ? GRPO4J_I32 : GRPO4J_I64,
            PolicyCase::kTemperature,
            case_.own_temperatures ? temperatures.data() : nullptr,
            case_.soft_cap};
  }
  grpo4j_policy_batch batch() const {
    return {case_.on_policy ? nullptr : old_log_probs.data(),
            case_.has_reference() ? ref_log_probs.data() : nullptr,
            advantages.data(),
            policy_weights.data(),
            regularizer_weights.data(),
            sequences_,
            offsets.data(),
            case_.advantages_per_sequence};
  }
  grpo4j_row_outputs outputs() const {
    return {log_probs.data(), entropy.data(), lse.data(), sum_squares.data()};
  }
  grpo4j_policy_loss_args args() const {
    grpo4j_policy_loss_args a = {};
    a.logits = matrix(logits);
    a.gradient = case_.in_place ? a.logits
                                : matrix(gradient, case_.gradient_element(case_.offset));
    a.rows = rows();
    a.batch = batch();
    a.out = outputs();
    a.config = case_.config();
    a.states = states.data();
    a.slopes = slopes.data();
    a.flags = case_.accumulate ? GRPO4J_ACCUMULATE : 0;
    return a;
  }
  // What an output holds before the call, so that one that is not written shows.
  std::vector<float> unwritten() const {
    return std::vector<float>(static_cast<size_t>(n_), 0.625f);
  }
  std::vector<char> result() const { return case_.in_place ? logits.get() : gradient.get(); }

 private:
  PolicyCase case_;
  int64_t n_;
  int64_t sequences_;

 public:
  Array<char> logits, gradient;
  Array<int64_t> indices, targets, offsets;
  Array<int32_t> int_targets;
  Array<float> temperatures, old_log_probs, ref_log_probs, advantages, policy_weights,
      regularizer_weights, log_probs, entropy, lse, sum_squares;
  Array<grpo4j_row_state> states;
  Array<grpo4j_row_slopes> slopes;
  Array<grpo4j_policy_metrics> metrics;
};
