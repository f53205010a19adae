// One row in double, and elements of the three types.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <vector>

#include "grpo4j/grpo4j.h"

namespace oracle {

inline int64_t bytes_of(int32_t dtype) { return dtype == GRPO4J_F32 ? 4 : 2; }

// Of e^u where a bf16 gradient's memory holds it.
constexpr double kHoldRoundoff = 0x1p-8;

// What the gradient's roundings may cost: half the distance of neighbours at 1, and holding e^u.
inline double roundoff(int32_t dtype) {
  return dtype == GRPO4J_F32    ? 0x1p-24
         : dtype == GRPO4J_BF16 ? 0x1p-8 + kHoldRoundoff
                                : 0x1p-11;
}

inline double load(const void* p, int32_t dtype, int64_t i) {
  if (dtype == GRPO4J_F32) {
    float f;
    memcpy(&f, static_cast<const char*>(p) + 4 * i, 4);
    return f;
  }
  uint16_t h;
  memcpy(&h, static_cast<const char*>(p) + 2 * i, 2);
  if (dtype == GRPO4J_BF16) {
    const uint32_t bits = uint32_t{h} << 16;
    float f;
    memcpy(&f, &bits, 4);
    return f;
  }
  const int exponent = (h >> 10) & 31;
  const int mantissa = h & 1023;
  const double magnitude = exponent == 31  ? (mantissa == 0 ? INFINITY : NAN)
                           : exponent == 0 ? mantissa * 0x1p-24
                                           : ldexp(1024 + mantissa, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

// Truncates: the tests read back what was stored.
inline void store(void* p, int32_t dtype, int64_t i, double value) {
  const float f = static_cast<float>(value);
  if (dtype == GRPO4J_F32) {
    memcpy(static_cast<char*>(p) + 4 * i, &f, 4);
    return;
  }
  uint32_t bits;
  memcpy(&bits, &f, 4);
  uint16_t h = static_cast<uint16_t>(bits >> 16);
  if (dtype == GRPO4J_F16) {
    const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
    const double magnitude = fabs(static_cast<double>(f));
    if (isnan(f)) {
      h = static_cast<uint16_t>(sign | 0x7e00);
    } else if (isinf(f)) {
      h = static_cast<uint16_t>(sign | 0x7c00);
    } else if (magnitude < 0x1p-14) {
      h = static_cast<uint16_t>(sign | static_cast<uint16_t>(magnitude * 0x1p24));
    } else {
      const int exponent = ilogb(magnitude);
      h = static_cast<uint16_t>(sign | ((exponent + 15) << 10) |
                                static_cast<uint16_t>((ldexp(magnitude, -exponent) - 1) * 1024));
    }
  }
  memcpy(static_cast<char*>(p) + 2 * i, &h, 2);
}

struct Row {
  double log_prob, entropy, lse, sum_squares;
};

inline Row row(const std::vector<double>& z, int64_t target, double temperature) {
  double max = -INFINITY, sum = 0, entropy = 0, squares = 0;
  for (double v : z) max = fmax(max, v / temperature);
  for (double v : z) sum += exp(v / temperature - max);
  const double lse = max + log(sum);
  for (double v : z) {
    const double log_p = v / temperature - lse;
    const double p = exp(log_p);
    entropy -= p == 0 ? 0 : p * log_p;
    squares += p * p;
  }
  return {z[target] / temperature - lse, entropy, lse, squares};
}

}  // namespace oracle
