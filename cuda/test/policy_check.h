// Comparison of a call of policy_loss with what it must give.
#pragma once

#include <stdio.h>
#include <string.h>

#include "policy_case.h"

inline int failures = 0;
inline bool stop_at_failure = false;

inline bool expect(bool condition, const std::string& what, const std::string& where) {
  if (!condition && ++failures <= 30) {
    fprintf(stderr, "FAILED %s: %s\n", what.c_str(), where.c_str());
    if (stop_at_failure) exit(1);
  }
  return condition;
}

inline bool close(double expected, double got) {
  return expected == got || fabs(expected - got) <= 2e-6 + 4 * 0x1p-24 * fabs(expected);
}

inline bool same_bits(const void* a, const void* b, size_t bytes) {
  return bytes == 0 || memcmp(a, b, bytes) == 0;
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), a.size() * sizeof(T));
}

// dz of one row against the formula in double. The tolerance is relative to the slopes (and a
// tenth of that to the parts that g is the difference of), plus the rounding to the dtype.
inline void check_gradient_row(const PolicyCase& c, const PolicyInputs& in,
                               const PolicyExpectation& e, const std::vector<char>& got, int64_t i) {
  const auto at = static_cast<size_t>(i);
  const oracle::Row& row = e.statistics[at];
  const double t = in.temperature(c, i);
  const double g = e.slopes[at].g, h = e.slopes[at].h;
  const double parts =
      0.1 * (fabs(static_cast<double>(in.policy_weights[at] * in.advantages[at])) +
             static_cast<double>(in.regularizer_weights[at]) * c.kl_coef);
  const std::vector<double> z = in.z(c, i);
  for (int64_t v = 0; v < c.vocab; ++v) {
    const int64_t element = c.offset + in.row(i) * c.stride() + v;
    const double before = c.accumulate ? oracle::load(in.held.data(), c.dtype, element) : 0;
    const double log_p = z[static_cast<size_t>(v)] / t - row.lse;
    const double p = exp(log_p);
    const bool is_target = v == in.targets[at];
    const double cap = c.soft_cap == 0 ? 1 : 1 - pow(z[static_cast<size_t>(v)] / c.soft_cap, 2);
    const double entropy_part = p == 0 ? 0 : h * p * (log_p + row.entropy);
    const double dz = p == 0 && !is_target ? 0 : (g * (is_target - p) - entropy_part) / t * cap;
    const double slope = fabs(g) + parts + (p == 0 ? 0 : fabs(h) * (fabs(log_p) + row.entropy));
    const double tolerance = 1.2e-5 * slope * (is_target ? 1 : p) / t +
                             1.01 * oracle::roundoff(c.dtype) * fabs(before + dz) +
                             (c.dtype == GRPO4J_F16 ? 0x1p-25 : 0) + 0x1p-120 * (1 + slope);
    const double value = oracle::load(got.data(), c.dtype, element);
    if (!(fabs(before + dz - value) <= tolerance)) {
      char text[120];
      snprintf(text, sizeof text, "gradient of row %d at %d: %.9g, not %.9g", static_cast<int>(i),
               static_cast<int>(v), value, before + dz);
      expect(false, text, c.name());
      return;
    }
  }
}

// Elements that belong to no row of the call keep their bits.
inline void check_untouched(const PolicyCase& c, const PolicyInputs& in,
                            const std::vector<char>& got) {
  const std::vector<char>& before = c.in_place ? in.logits : in.held;
  std::vector<bool> touched(static_cast<size_t>(c.elements()));
  for (int64_t i = 0; i < in.n(); ++i) {
    const int64_t first = c.offset + in.row(i) * c.stride();
    for (int64_t v = 0; v < c.vocab; ++v) touched[static_cast<size_t>(first + v)] = true;
  }
  const auto size = static_cast<size_t>(oracle::bytes_of(c.dtype));
  for (size_t e = 0; e < touched.size(); ++e) {
    if (!touched[e] && !same_bits(&before[e * size], &got[e * size], size)) {
      expect(false, "element " + std::to_string(e) + " of no row was written", c.name());
      return;
    }
  }
}

inline void check_metrics(const PolicyCase& c, const grpo4j_policy_metrics& want,
                          const grpo4j_policy_metrics& got) {
  const bool counts = want.active_rows == got.active_rows && want.units == got.units &&
                      want.clip_low_count == got.clip_low_count &&
                      want.clip_high_count == got.clip_high_count &&
                      want.dual_clip_count == got.dual_clip_count;
  expect(counts, "counts of the metrics", c.name());
  expect(got.report.bad_rows == 0 && got.report.first_bad_row == -1, "no bad rows", c.name());
  expect(got.report.isa == GRPO4J_ISA_CUDA_EMULATED, "the emulation ran", c.name());
  const double pairs[][2] = {{want.loss, got.loss},
                             {want.policy_loss, got.policy_loss},
                             {want.kl, got.kl},
                             {want.entropy, got.entropy},
                             {want.approx_kl, got.approx_kl},
                             {want.ratio_min, got.ratio_min},
                             {want.ratio_max, got.ratio_max},
                             {want.ratio_mean, got.ratio_mean},
                             {want.factor_mean, got.factor_mean}};
  for (const auto& pair : pairs) {
    if (!(fabs(pair[0] - pair[1]) <= 1e-5 * (1 + fabs(pair[0])))) {
      expect(false, "metrics: " + std::to_string(pair[1]) + ", not " + std::to_string(pair[0]),
             c.name());
    }
  }
}

inline void check_outputs(const PolicyCase& c, const PolicyInputs& in, const PolicyExpectation& e,
                          const DevicePolicyCall& call) {
  const std::vector<float> log_probs = call.log_probs.get(), entropy = call.entropy.get(),
                           lse = call.lse.get(), squares = call.sum_squares.get();
  for (size_t i = 0; i < e.statistics.size(); ++i) {
    const oracle::Row& row = e.statistics[i];
    const bool good = in.masked(static_cast<int64_t>(i))
                          ? log_probs[i] == 0 && entropy[i] == 0 && lse[i] == 0 && squares[i] == 0
                          : close(row.log_prob, log_probs[i]) && close(row.entropy, entropy[i]) &&
                                close(row.lse, lse[i]) && close(row.sum_squares, squares[i]);
    if (!expect(good, "statistics of row " + std::to_string(i), c.name())) return;
  }
}

// The whole of a case: status, statistics, gradient, metrics, and what must stay as it was.
inline void check_policy(const PolicyCase& c) {
  PolicyInputs in(c);
  const PolicyExpectation e(c, in);
  expect(e.status == GRPO4J_OK, "the reference's status", c.name());
  DevicePolicyCall call(c, in);
  const int32_t status = call.run();
  if (!expect(status == GRPO4J_OK, std::string("status, ") + grpo4j_cuda_last_error(), c.name())) {
    return;
  }
  check_outputs(c, in, e, call);
  const std::vector<char> got = call.result();
  for (int64_t i = 0; i < in.n(); ++i) {
    if (!in.masked(i)) {
      check_gradient_row(c, in, e, got, i);
      continue;
    }
    for (int64_t v = 0; v < c.vocab; ++v) {
      const int64_t element = c.offset + in.row(i) * c.stride() + v;
      const double before = c.accumulate ? oracle::load(in.held.data(), c.dtype, element) : 0;
      if (!expect(oracle::load(got.data(), c.dtype, element) == before, "gradient of a masked row",
                  c.name())) {
        break;
      }
    }
  }
  check_untouched(c, in, got);
  check_metrics(c, e.metrics, call.metrics.get()[0]);
}
