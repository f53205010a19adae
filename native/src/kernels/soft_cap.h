// What logits count as: as they are, or z = c tanh(u / c). A cap is a functor on vectors, with the
// same for one logit in double and the derivative dz/du.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

struct NoCap {
  static constexpr bool kCaps = false;
  explicit NoCap(double) {}
  Vec operator()(Vec u) const { return u; }
  float operator()(float u) const { return u; }
  double slope(float) const { return 1; }
};

class SoftCap {
 public:
  static constexpr bool kCaps = true;
  explicit SoftCap(double c)
      : c_(c), cap_(static_cast<float>(c)), inverse_(static_cast<float>(1 / c)), table_(exp2_table()) {}

  // tanh |x| = (1 - e^-2|x|) / (1 + e^-2|x|); near 0, where that cancels, an odd polynomial
  // (Cephes' coefficients, 4e-8 below 0.625).
  Vec operator()(Vec u) const {
    const Vec x = u * set1(inverse_);
    const Vec magnitude = abs(x);
    const Vec square = x * x;
    Vec p = set1(-5.70498872745e-3f);
    p = fma(p, square, set1(2.06390887954e-2f));
    p = fma(p, square, set1(-5.37397155531e-2f));
    p = fma(p, square, set1(1.33314422036e-1f));
    p = fma(p, square, set1(-3.33332819422e-1f));
    const Vec near = fma(p * square, magnitude, magnitude);
    const Vec y[1] = {max(set1(kLeastExponent), magnitude * set1(-exponent_factor(2)))};
    Vec e[1];
    exp2_of(y, table_, e);
    const Vec far = (set1(1) - e[0]) / (set1(1) + e[0]);
    return set1(cap_) * copy_sign(select_less(magnitude, set1(0.625f), near, far), x);
  }
  float operator()(float u) const { return static_cast<float>(c_ * tanh(u / c_)); }

  // 1 - (z / c)^2 of capped logits.
  Vec slope(Vec z) const {
    const Vec y = z * set1(inverse_);
    return (set1(1) - y) * (set1(1) + y);
  }
  // The same from the logit before the cap.
  double slope(float u) const {
    const double y = tanh(u / c_);
    return (1 - y) * (1 + y);
  }

 private:
  double c_;
  float cap_;
  float inverse_;
  Table table_;
};

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
