/*
 * Sums in an order that a loop on the host and a block of kSumLanes device threads share, so that
 * both give the same bits: lane l adds the terms l, l + kSumLanes, ... in that order, then the
 * upper half of the lanes is added to the lower half until one is left.
 *
 * On a device: each thread calls lane_sum with its index, then fold_lanes with half = kSumLanes / 2,
 * kSumLanes / 4, ... 1 on shared memory, a barrier before each. On the host: total.
 */
#ifndef GRPO4J_LANE_SUM_H
#define GRPO4J_LANE_SUM_H

#include <stdint.h>

#include "grpo4j/host_device.h"

namespace grpo4j {

constexpr int kSumLanes = 256;

/* The part of lane `lane` in the sum of term(0) .. term(n - 1). */
template <class Term>
GRPO4J_HD double lane_sum(int64_t n, int lane, const Term& term) {
  double sum = 0;
  for (int64_t i = lane; i < n; i += kSumLanes) {
    sum += term(i);
  }
  return sum;
}

/* What thread `lane` does when `half` lanes are left after this step. */
GRPO4J_HD void fold_lanes(double* lanes, int lane, int half) {
  if (lane < half) {
    lanes[lane] += lanes[lane + half];
  }
}

/* The whole sum. One pass in the order of memory: each lane still adds its terms in their order. */
template <class Term>
inline double total(int64_t n, const Term& term) {
  double lanes[kSumLanes] = {};
  for (int64_t i = 0; i < n; ++i) {
    lanes[i % kSumLanes] += term(i);
  }
  for (int half = kSumLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) {
      fold_lanes(lanes, lane, half);
    }
  }
  return lanes[0];
}

}  // namespace grpo4j
#endif
