// What a call of policy_loss gave against what it must give, in double.
#pragma once

#include "objective_oracle.h"
#include "policy_case.h"

struct PolicyOutcome {
  std::vector<float> log_probs, entropy, lse, sum_squares;
  std::vector<char> gradient;  // the whole memory
  grpo4j_policy_metrics metrics;
};

template <class Call>
PolicyOutcome outcome_of(const Call& call) {
  return {call.log_probs.get(),   call.entropy.get(), call.lse.get(),
          call.sum_squares.get(), call.result(),      call.metrics.get()[0]};
}

// How far a kernel may be off, before anything is rounded to its type.
struct KernelErrors {
  double slope;   // of the row's slopes times p (1 at the target)
  double coarse;  // of an element of a bf16 gradient: shows where what was held cancels it
};
constexpr KernelErrors kCpuErrors = {8e-6, 1.2e-4};
constexpr KernelErrors kCudaErrors = {1.2e-5, 3e-5};  // its e^u are 2^x of an argument rounded to f32

// tanh is good to 1e-7 of the cap.
inline double cap_error(const PolicyCase& c, const PolicyInputs& in, int64_t i) {
  return 2.4e-7 * c.soft_cap / in.temperature(c, i);
}

class PolicyCheck {
 public:
  PolicyCheck(const PolicyCase& c, const PolicyInputs& in, const PolicyOutcome& got,
              const KernelErrors& errors)
      : c_(c), in_(in), got_(got), errors_(errors) {
    for (int64_t i = 0; i < in.n(); ++i) {
      statistics_.push_back(in.masked(i) ? oracle::Row{0, 0, 0, 0}
                                         : oracle::row(in.z(c, i), in.targets[at(i)],
                                                       in.temperature(c, i)));
    }
    // From the f32 values that were returned: those the objective saw.
    const oracle::ObjectiveInputs inputs = {
        got.log_probs, got.entropy, c.on_policy ? std::vector<float>() : in.old_log_probs,
        c.has_reference() ? in.ref_log_probs : std::vector<float>(), in.advantages, in.policy_weights, in.regularizer_weights, in.offsets};
    objective_ = oracle::ObjectiveOracle(config_ = c.config(), inputs).compute();
  }

  void all(int32_t isa) const {
    outputs();
    gradient();
    untouched();
    metrics(isa);
  }

  void outputs() const {
    for (int64_t i = 0; i < in_.n(); ++i) {
      const oracle::Row& row = statistics_[at(i)];
      const double more = cap_error(c_, in_, i);
      const auto good = [&](double want, const std::vector<float>& got) {
        return in_.masked(i) ? got[at(i)] == 0
                             : close(want, got[at(i)]) || fabs(want - got[at(i)]) <= more + 2e-6;
      };
      const std::string which = " of row " + std::to_string(i);
      if (!(expect(good(row.log_prob, got_.log_probs), "logProb" + which, c_.name()) &&
            expect(good(row.entropy, got_.entropy), "entropy" + which, c_.name()) &&
            expect(good(row.lse, got_.lse), "lse" + which, c_.name()) &&
            expect(good(row.sum_squares, got_.sum_squares), "sum p^2" + which, c_.name()) &&
            expect(got_.entropy[at(i)] >= 0, "an entropy below 0" + which, c_.name()))) {
        return;
      }
    }
  }

  void gradient() const {
    for (int64_t i = 0; i < in_.n(); ++i) {
      const std::vector<double> z = in_.z(c_, i);
      for (int64_t v = 0; v < c_.vocab; ++v) {
        if (!gradient_is_right(z, i, v)) return;
      }
    }
  }

  // Roundings have mean 0: their sum over a row, without its target, grows as the root of their
  // number. Six deviations of that, for rows whose probabilities are many and differ.
  void mean_error() const {
    for (int64_t i = 0; i < in_.n(); ++i) {
      const double scale = objective_.slopes[at(i)].g / in_.temperature(c_, i);
      double error = 0, squares = 0, one_way = 0;
      for (int64_t v = 0; v < c_.vocab && !in_.masked(i); ++v) {
        if (v == in_.targets[at(i)]) continue;
        const double want =
            -scale * exp(in_.raw(c_, i, v) / in_.temperature(c_, i) - statistics_[at(i)].lse);
        error += oracle::load(got_.gradient.data(), c_.dtype, element(i, v)) - want;
        // Of subnormal halves a few steps above 0 all may be rounded the same way.
        const bool subnormal = c_.dtype == GRPO4J_F16 && fabs(want) < 0x1p-14;
        const double rounding =
            subnormal ? fmin(fabs(want), 0x1p-25) : oracle::roundoff(c_.dtype) * fabs(want);
        squares += rounding * rounding;
        one_way += subnormal && fabs(want) < 0x1p-20 ? rounding : 0;
      }
      const double bound =
          6 * sqrt(squares / 3) + one_way + errors_.slope * fabs(scale);
      expect(fabs(error) <= bound, "mean error of row " + std::to_string(i), c_.name());
    }
  }

  // Elements that belong to no row of the call keep their bits.
  void untouched() const {
    const std::vector<char>& before = c_.in_place ? in_.logits : in_.held;
    std::vector<bool> touched(static_cast<size_t>(c_.gradient_elements()));
    for (int64_t i = 0; i < in_.n(); ++i) {
      const int64_t first = element(i, 0);
      for (int64_t v = 0; v < c_.vocab; ++v) touched[at(first + v)] = true;
    }
    const auto size = static_cast<size_t>(oracle::bytes_of(c_.dtype));
    for (size_t e = 0; e < touched.size(); ++e) {
      if (!touched[e] && !same_bits(&before[e * size], &got_.gradient[e * size], size)) {
        expect(false, "element " + std::to_string(e) + " of no row was written", c_.name());
        return;
      }
    }
  }

  void metrics(int32_t isa) const {
    const grpo4j_policy_metrics& want = objective_.metrics;
    const grpo4j_policy_metrics& got = got_.metrics;
    expect(want.active_rows == got.active_rows && want.units == got.units, "rows and units",
           c_.name());
    expect(want.clip_low_count == got.clip_low_count &&
               want.clip_high_count == got.clip_high_count &&
               want.dual_clip_count == got.dual_clip_count, "counts of clips", c_.name());
    expect(got.report.bad_rows == 0 && got.report.first_bad_row == -1, "no bad rows", c_.name());
    expect(in_.n() == 0 || got.report.isa == isa, "the right kernels ran", c_.name());
    const struct {
      const char* name;
      double want, got;
    } kPairs[] = {{"loss", want.loss, got.loss},
                  {"policy_loss", want.policy_loss, got.policy_loss},
                  {"kl", want.kl, got.kl},
                  {"entropy", want.entropy, got.entropy},
                  {"approx_kl", want.approx_kl, got.approx_kl},
                  {"ratio_min", want.ratio_min, got.ratio_min},
                  {"ratio_max", want.ratio_max, got.ratio_max},
                  {"ratio_mean", want.ratio_mean, got.ratio_mean},
                  {"factor_mean", want.factor_mean, got.factor_mean}};
    for (const auto& pair : kPairs) {
      // Sums over rows in double, in any order.
      expect(fabs(pair.want - pair.got) <= 1e-11 * (1 + fabs(pair.want)),
             std::string(pair.name) + ": " + std::to_string(pair.got) + ", not " +
                 std::to_string(pair.want), c_.name());
    }
  }

 private:
  static size_t at(int64_t i) { return static_cast<size_t>(i); }

  // Of the gradient.
  int64_t element(int64_t i, int64_t v) const {
    return c_.gradient_element(c_.offset + in_.row(i) * c_.stride() + v);
  }

  // The tolerance is relative to the slopes, plus the rounding to the dtype.
  bool gradient_is_right(const std::vector<double>& z, int64_t i, int64_t v) const {
    const double before =
        c_.accumulate ? oracle::load(in_.held.data(), c_.dtype, element(i, v)) : 0;
    const double got = oracle::load(got_.gradient.data(), c_.dtype, element(i, v));
    double want = before;
    double tolerance = 0;
    if (!in_.masked(i)) {
      const oracle::Row& row = statistics_[at(i)];
      const double t = in_.temperature(c_, i);
      const double g = objective_.slopes[at(i)].g, h = objective_.slopes[at(i)].h;
      const double log_p = z[at(v)] / t - row.lse;
      const double p = exp(log_p);
      const bool is_target = v == in_.targets[at(i)];
      const double cap = c_.soft_cap == 0 ? 1 : 1 - pow(z[at(v)] / c_.soft_cap, 2);
      const double entropy_part = p == 0 ? 0 : h * p * (log_p + row.entropy);
      const double dz = (g * (is_target - p) - entropy_part) / t * cap;
      want += dz;
      const double slope = fabs(g) + (p == 0 ? 0 : fabs(h) * (fabs(log_p) + row.entropy));
      // Held e^u is rounded again where the maximum rises more often than segments are kept.
      const bool again = c_.dtype == GRPO4J_BF16 && c_.shape == PolicyCase::kAscending;
      const double roundoff = oracle::roundoff(c_.dtype) + (again ? oracle::kHoldRoundoff : 0);
      const bool nothing = p == 0 && !is_target && isinf(z[at(v)]);
      tolerance = nothing ? 0
                          : (errors_.slope + cap_error(c_, in_, i)) * slope * (is_target ? 1 : p) / t +
                                0x1p-120 * (1 + slope) + (c_.dtype == GRPO4J_F16 ? 0x1p-25 : 0) +
                                1.01 * roundoff * fabs(want) +
                                (c_.dtype == GRPO4J_BF16 && c_.accumulate ? errors_.coarse * fabs(dz) : 0);
    }
    if (fabs(want - got) <= tolerance || overflows(want, got, tolerance)) return true;
    char text[120];
    snprintf(text, sizeof text, "gradient of row %d at %d: %.9g, not %.9g", static_cast<int>(i),
             static_cast<int>(v), got, want);
    return expect(false, text, c_.name());
  }

  // The largest half is 65504; what would round beyond it is infinite.
  bool overflows(double want, double got, double tolerance) const {
    return c_.dtype == GRPO4J_F16 && isinf(got) && fabs(want) + tolerance >= 65520 &&
           signbit(want) == signbit(got);
  }

  const PolicyCase& c_;
  const PolicyInputs& in_;
  const PolicyOutcome& got_;
  KernelErrors errors_;
  grpo4j_policy_config config_;
  std::vector<oracle::Row> statistics_;
  oracle::ObjectiveResult objective_;
};
