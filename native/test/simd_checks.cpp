// The SIMD type of the forced ISA, function by function: every 16-bit representation, floats at and
// around every border between two of them, NaN, infinities, and each lane by itself.
#include <math.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "expect.h"
#include "grpo4j/grpo4j.h"
#include "kernels_test.h"
#include "oracle.h"
#include "simd/functions.h"

namespace {

const SimdFunctions* functions_of(int32_t isa) {
  switch (isa) {
#if defined(__x86_64__)
    case GRPO4J_ISA_AVX2:
      return &kAvx2Simd;
    case GRPO4J_ISA_AVX512:
      return &kAvx512Simd;
    case GRPO4J_ISA_AVX512_BF16:
      return &kAvx512Bf16Simd;
#elif defined(__aarch64__)
    case GRPO4J_ISA_NEON:
      return &kNeonSimd;
#endif
    default:
      return &kScalarSimd;
  }
}

uint32_t bits_of(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

std::string hex(uint32_t bits) {
  char text[16];
  snprintf(text, sizeof text, "0x%x", bits);
  return text;
}

// The same value, or NaN both.
bool same_value(double want, double got) {
  return isnan(want) ? isnan(got) : want == got && signbit(want) == signbit(got);
}

// The nearest of dtype's values, of two that are as near the one with an even representation. Bisection
// over the finite ones, which are ordered as their representations are.
uint16_t nearest(int32_t dtype, float f) {
  const double magnitude = fabs(static_cast<double>(f));
  const uint16_t infinity = dtype == GRPO4J_BF16 ? 0x7f80 : 0x7c00;
  const auto value = [&](uint16_t h) {
    // What would follow the largest stands for infinity: from half way to it on, results overflow.
    return h == infinity ? (dtype == GRPO4J_BF16 ? 0x1p128 : 65536.0) : oracle::load(&h, dtype, 0);
  };
  uint16_t low = 0, high = infinity;  // value(low) <= magnitude, or high is the answer
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    (value(middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - value(low), above = value(high) - magnitude;
  const bool up = above < below || (above == below && low % 2 != 0);
  return static_cast<uint16_t>((up ? high : low) | (signbit(f) ? 0x8000 : 0));
}

// Each finite value of dtype, the border to the next one, and their neighbours among the floats.
std::vector<float> floats_around_borders(int32_t dtype) {
  std::vector<float> floats;
  for (uint32_t h = 0; h < 0x10000; ++h) {
    const auto here = static_cast<uint16_t>(h), next = static_cast<uint16_t>(h + 1);
    const double a = oracle::load(&here, dtype, 0);
    if (!isfinite(a)) continue;
    const double b = oracle::load(&next, dtype, 0);
    const double step = dtype == GRPO4J_BF16 ? 0x1p120 : 32;  // beyond the largest
    const double middle = isfinite(b) ? (a + b) / 2 : a + copysign(step / 2, a);
    for (double value : {a, middle}) {
      const auto f = static_cast<float>(value);
      for (float x : {nextafterf(f, -INFINITY), f, nextafterf(f, INFINITY)}) {
        if (isfinite(x)) floats.push_back(x);
      }
    }
  }
  return floats;
}

class SimdCheck {
 public:
  explicit SimdCheck(const SimdFunctions& simd) : simd_(simd), pair_(2 * simd.width) {}

  void widening() {
    const auto pair = static_cast<size_t>(pair_);
    std::vector<uint16_t> from(pair);
    std::vector<float> bf16(pair), half(pair);
    for (uint32_t first = 0; first < 0x10000; first += static_cast<uint32_t>(pair_)) {
      for (size_t k = 0; k < pair; ++k) from[k] = static_cast<uint16_t>(first + k);
      simd_.load_bf16_pair(from.data(), bf16.data());
      simd_.load_f16(from.data(), half.data());
      simd_.load_f16(from.data() + simd_.width, half.data() + simd_.width);
      for (size_t k = 0; k < pair; ++k) {
        const double wide = oracle::load(from.data(), GRPO4J_BF16, static_cast<int64_t>(k));
        const double wide_half = oracle::load(from.data(), GRPO4J_F16, static_cast<int64_t>(k));
        const bool right = same_value(wide, bf16[of_pair(k)]) &&
                           same_value(wide, simd_.bf16_to_float(from[k])) &&
                           same_value(wide_half, half[k]) &&
                           same_value(wide_half, simd_.half_to_float(from[k]));
        if (!expect(right, "widening " + hex(from[k]), "simd")) return;
      }
    }
  }

  void narrowing() {
    std::vector<float> floats = floats_around_borders(GRPO4J_BF16);
    narrow(floats, [&](const float* pair, uint16_t* to) { simd_.store_bf16_pair(pair, to); },
           [&](size_t k) { return of_pair(k); }, simd_.float_to_bf16, GRPO4J_BF16);
    floats = floats_around_borders(GRPO4J_F16);
    for (float f : {INFINITY, -INFINITY, 65536.0f, 1e30f, -1e30f, 1e-30f, -1e-30f, 0x1p-149f}) {
      floats.push_back(f);
    }
    narrow(floats,
           [&](const float* pair, uint16_t* to) {
             simd_.store_f16(pair, to);
             simd_.store_f16(pair + simd_.width, to + simd_.width);
           },
           [](size_t k) { return k; }, simd_.float_to_half, GRPO4J_F16);
    const uint16_t nan = simd_.float_to_half(NAN);
    expect(isnan(oracle::load(&nan, GRPO4J_F16, 0)), "a half of NaN", "simd");
  }

  // e^u rounded to bf16, scaled and rounded again, each at its place. Ties may go either way there.
  void holding() {
    std::mt19937 random(test_seed);
    const auto pair = static_cast<size_t>(pair_);
    std::vector<float> floats(pair);
    std::vector<uint16_t> scaled(pair);
    for (int round = 0; round < 500; ++round) {
      // From 2^-63 up to 2: nothing becomes subnormal.
      for (float& f : floats) {
        f = float_of(((static_cast<uint32_t>(random()) & 0x1fffffffu) + 0x20000000u) | 1);
      }
      const float by = -0.37f * static_cast<float>(round + 1);
      simd_.hold_and_scale(floats.data(), by, scaled.data());
      for (size_t k = 0; k < pair; ++k) {
        const float f = floats[of_pair(k)];
        const uint16_t held = nearest(GRPO4J_BF16, f);
        const auto product = static_cast<float>(oracle::load(&held, GRPO4J_BF16, 0) * by);
        const bool tie = (bits_of(product) & 0xffff) == 0x8000;
        if (!expect(tie || scaled[k] == nearest(GRPO4J_BF16, product), "holding " + hex(bits_of(f)), "simd")) {
          return;
        }
      }
    }
  }

  void vectors() {
    const float special[] = {0.0f, -0.0f, 1, -1, 0.625f, 3e38f, -3e38f, 1e-40f, INFINITY, -INFINITY,
                             NAN, 1 + 0x1p-23f};
    const auto width = static_cast<size_t>(simd_.width);
    std::vector<float> a(width), b(width), c(width), out(width);
    // Each pair of values in each lane, between others.
    for (size_t start = 0; start < 144; ++start) {
      for (size_t k = 0; k < width; ++k) {
        const size_t at = (start + 5 * k) % 144;
        a[k] = special[at / 12];
        b[k] = special[at % 12];
        c[k] = special[(at + k) % 12];
      }
      compare("max", a, b, c, [&](float* to) { simd_.max(a.data(), b.data(), to); },
              [](float x, float y, float) -> double { return x > y ? x : y; });
      compare("select_less", a, b, c, [&](float* to) { simd_.select_less(a.data(), b.data(), to); },
              [](float x, float y, float) -> double { return x < y ? 1 : 2; });
      compare("abs", a, b, c, [&](float* to) { simd_.abs(a.data(), to); },
              [](float x, float, float) -> double { return fabsf(x); });
      for (float& x : a) x = fabsf(x);  // a magnitude is what it is called with
      compare("copy_sign", a, b, c, [&](float* to) { simd_.copy_sign(a.data(), b.data(), to); },
              [](float x, float y, float) -> double { return copysignf(x, y); });
    }
    // Where a second rounding shows: the product is exact in double.
    for (size_t k = 0; k < width; ++k) {
      a[k] = 1 + 0x1p-12f * static_cast<float>(k + 1);
      b[k] = 1 - 0x1p-12f * static_cast<float>(k + 1);
      c[k] = -1;
    }
    compare("fma_once", a, b, c,
            [&](float* to) { simd_.fma_once(a.data(), b.data(), c.data(), to); },
            [](float x, float y, float z) -> double {
              return static_cast<float>(static_cast<double>(x) * y + z);
            });
    // Powers of two: each lane is seen in the sum.
    float sum = 0;
    for (size_t k = 0; k < width; ++k) sum += a[k] = static_cast<float>(1 << k);
    expect(simd_.reduce_add(a.data()) == sum, "reduce_add", "simd");
  }

  // 2^y of statistics: the polynomial's error and four roundings. Exactly 1 at 0 and 0 at the clamp.
  void exponential() {
    const auto width = static_cast<size_t>(simd_.width);
    std::vector<float> y(width), e(width);
    for (int step = 0; step < 126 * 512; step += simd_.width) {
      for (size_t k = 0; k < width; ++k) y[k] = static_cast<float>(step + static_cast<int>(k)) / -512;
      simd_.exp2(y.data(), e.data());
      for (size_t k = 0; k < width; ++k) {
        const double want = exp2(static_cast<double>(y[k]));
        if (!expect(fabs(e[k] - want) <= (simd_.exp2_error + 4 * 0x1p-24) * want,
                    "2^" + std::to_string(y[k]), "simd")) return;
      }
    }
    y.assign(width, 0);
    simd_.exp2(y.data(), e.data());
    expect(e[0] == 1, "2^0", "simd");
    y.assign(width, -127);
    simd_.exp2(y.data(), e.data());
    expect(e[0] == 0, "2^-127", "simd");
  }

 private:
  // Where a pair of vectors has element k of memory, even elements first; a vector of one float has it
  // where it was.
  size_t of_pair(size_t k) const { return k / 2 + k % 2 * static_cast<size_t>(simd_.width); }

  template <class Store, class Place>
  void narrow(const std::vector<float>& floats, const Store& store, const Place& place,
              uint16_t (*element)(float), int32_t dtype) {
    const auto pair = static_cast<size_t>(pair_);
    std::vector<float> in(pair);
    std::vector<uint16_t> out(pair);
    for (size_t first = 0; first < floats.size(); first += pair) {
      for (size_t k = 0; k < pair; ++k) in[k] = floats[(first + k) % floats.size()];
      store(in.data(), out.data());
      for (size_t k = 0; k < pair; ++k) {
        const float f = in[place(k)];
        const uint16_t want = nearest(dtype, f);
        // The AVX-512 instruction knows no subnormal bf16.
        const bool flushed = dtype == GRPO4J_BF16 && grpo4j_isa() == GRPO4J_ISA_AVX512_BF16 &&
                             fabsf(f) < 0x1p-126f;
        const bool right = out[k] == (flushed ? want & 0x8000 : want);
        if (!expect(right && element(f) == want,
                    "narrowing " + hex(bits_of(f)) + " to dtype " + std::to_string(dtype), "simd")) {
          return;
        }
      }
    }
  }

  template <class Run, class Want>
  void compare(const char* what, const std::vector<float>& a, const std::vector<float>& b,
               const std::vector<float>& c, const Run& run, const Want& want) {
    std::vector<float> out(a.size());
    run(out.data());
    for (size_t k = 0; k < a.size(); ++k) {
      if (!expect(same_value(want(a[k], b[k], c[k]), out[k]),
                  std::string(what) + " of " + std::to_string(a[k]) + " and " + std::to_string(b[k]),
                  "simd")) {
        return;
      }
    }
  }

  const SimdFunctions& simd_;
  int pair_;
};

}  // namespace

void check_simd() {
  SimdCheck check(*functions_of(grpo4j_isa()));
  check.widening();
  check.narrowing();
  check.holding();
  check.vectors();
  check.exponential();
}
