// e^u of a row in the place of its gradient, between the statistics and the slopes.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

namespace grpo4j::GRPO4J_ISA {
namespace {

// Where e^u of a row is kept for its gradient: in the gradient itself. u counts from the maximum at
// the time, so the row falls into segments, one for each rise of the maximum; what comes before the
// first is 0. There is room for a rise in every
// block of a vocabulary of 262,144; where there are more, all that is held is scaled, and rounded,
// once more.
template <class Element>
struct KeptExp {
  static constexpr int kSegments = static_cast<int>(262144 / kBlock);
  struct Segment {
    int64_t begin;
    float max_logit;
    float unit;  // what e^0 is held as
  };
  typename Element::Storage* e;
  int count = 0;
  Segment segments[kSegments];
};

// What is held times a factor, in place: held on, where the order of a pair does not matter, or what
// the gradient is.
template <class Element, bool kHold>
void scale_elements(typename Element::Storage* e, int64_t count, double by) {
  const float factor = static_cast<float>(by);
  const Vec k = set1(factor);
  int64_t i = 0;
  for (; i + kPair <= count; i += kPair) {
    if constexpr (kHold) {
      Vec a;
      Vec b;
      Element::load_pair(e + i, a, b);
      Element::store_pair(e + i, a * k, b * k);
    } else {
      Element::scale_held_pair(e + i, k);
    }
  }
  for (; i < count; ++i) {
    e[i] = Element::from_float(Element::to_float(e[i]) * factor);
  }
}

// All of [0, end) becomes factor e^((z - max_logit)/T).
template <class Element, bool kHold>
void scale_kept(const KeptExp<Element>& kept, int64_t end, float max_logit,
                double inverse_temperature, double factor) {
  for (int k = 0; k < kept.count; ++k) {
    const auto& segment = kept.segments[k];
    const int64_t next = k + 1 < kept.count ? kept.segments[k + 1].begin : end;
    const double shift =
        (static_cast<double>(segment.max_logit) - max_logit) * inverse_temperature;
    scale_elements<Element, kHold>(kept.e + segment.begin, next - segment.begin,
                                   factor * exp(shift) / segment.unit);
  }
}

template <class Element>
void begin_segment(KeptExp<Element>& kept, int64_t begin, const ZeroPoint& zero,
                   double inverse_temperature) {
  if (kept.count == KeptExp<Element>::kSegments) {
    scale_kept<Element, true>(kept, begin, zero.max_logit, inverse_temperature, zero.unit);
    kept.count = 1;
    kept.segments[0] = {0, zero.max_logit, zero.unit};
    return;
  }
  kept.segments[kept.count++] = {begin, zero.max_logit, zero.unit};
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
