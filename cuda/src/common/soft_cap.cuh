// What logits count as: as they are, or z = c tanh(u / c). With the derivative dz/du.
#pragma once

#include <math.h>

#include "common/device.cuh"

namespace grpo4j::cuda {

struct NoCap {
  static constexpr bool kCaps = false;
  explicit __device__ __forceinline__ NoCap(double) {}
  __device__ __forceinline__ float operator()(float u) const { return u; }
  __device__ __forceinline__ float or_padding(float u) const { return u; }
  __device__ __forceinline__ float exact(float u) const { return u; }
  __device__ __forceinline__ double slope(float) const { return 1; }
};

class SoftCap {
 public:
  static constexpr bool kCaps = true;
  explicit __device__ __forceinline__ SoftCap(double c)
      : c_(c), cap_(static_cast<float>(c)), inverse_(static_cast<float>(1 / c)) {}

  __device__ __forceinline__ float operator()(float u) const { return cap_ * tanhf(u * inverse_); }
  // The same where -inf stands for no logit at all. A logit of -inf counts as -c; tiles replace it by
  // the lowest finite value.
  __device__ __forceinline__ float or_padding(float u) const {
    return u == -__builtin_inff() ? u : (*this)(u);
  }
  // 1 - (z / c)^2 of a capped logit.
  __device__ __forceinline__ float slope_of_capped(float z) const {
    const float y = z * inverse_;
    return (1 - y) * (1 + y);
  }

  // One logit in double: the target's.
  __device__ __forceinline__ float exact(float u) const {
    return static_cast<float>(c_ * tanh(u / c_));
  }
  __device__ __forceinline__ double slope(float u) const {
    const double y = tanh(u / c_);
    return (1 - y) * (1 + y);
  }

 private:
  double c_;
  float cap_;
  float inverse_;
};

}  // namespace grpo4j::cuda
