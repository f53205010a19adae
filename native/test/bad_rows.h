// Two rows of a case that can't be computed, in every way there is.
#pragma once

#include <math.h>

#include <algorithm>

#include "policy_case.h"

constexpr int64_t kFirstBad = 2, kSecondBad = 7;

inline bool is_bad(int64_t i) { return i == kFirstBad || i == kSecondBad; }

struct BadRow {
  const char* name;
  int32_t reason;
  void (*spoil)(const PolicyCase& c, PolicyInputs& in, int64_t i);
};

inline void set_logit(const PolicyCase& c, PolicyInputs& in, int64_t i, int64_t v, double value) {
  oracle::store(in.logits.data(), c.dtype, c.offset + in.row(i) * c.stride() + v, value);
}

inline void set_logits(const PolicyCase& c, PolicyInputs& in, int64_t i, double value) {
  for (int64_t v = 0; v < c.vocab; ++v) set_logit(c, in, i, v, value);
}

// NaN of either sign (x86 makes negative ones), at a place or at the end of a shorter row.
template <int64_t kAt>
void not_a_number(const PolicyCase& c, PolicyInputs& in, int64_t i) {
  set_logit(c, in, i, kAt < 0 ? c.vocab + kAt : std::min(kAt, c.vocab - 1), i == kFirstBad ? -NAN : NAN);
}

inline const BadRow kBadRows[] = {
    {"NaN at the start", GRPO4J_ROW_NOT_FINITE, not_a_number<0>},
    {"NaN in the loop", GRPO4J_ROW_NOT_FINITE, not_a_number<70>},
    {"NaN in a later block", GRPO4J_ROW_NOT_FINITE, not_a_number<5000>},
    {"NaN at the end", GRPO4J_ROW_NOT_FINITE, not_a_number<-1>},
    {"+inf", GRPO4J_ROW_NOT_FINITE,
     [](const PolicyCase& c, PolicyInputs& in, int64_t i) { set_logit(c, in, i, 700, INFINITY); }},
    {"all -inf", GRPO4J_ROW_ALL_MINUS_INF,
     [](const PolicyCase& c, PolicyInputs& in, int64_t i) { set_logits(c, in, i, -INFINITY); }},
    {"NaN among -inf", GRPO4J_ROW_NOT_FINITE,
     [](const PolicyCase& c, PolicyInputs& in, int64_t i) {
       set_logits(c, in, i, -INFINITY);
       set_logit(c, in, i, 100, i == kFirstBad ? -NAN : NAN);
       set_logit(c, in, i, c.vocab - 1, 1);
     }},
    {"all -inf, NaN at the end", GRPO4J_ROW_NOT_FINITE,
     [](const PolicyCase& c, PolicyInputs& in, int64_t i) {
       set_logits(c, in, i, -INFINITY);
       not_a_number<-1>(c, in, i);
     }},
    {"target", GRPO4J_ROW_TARGET_OUT_OF_RANGE,
     [](const PolicyCase& c, PolicyInputs& in, int64_t i) {
       in.targets[static_cast<size_t>(i)] = c.vocab;
     }},
    {"negative target", GRPO4J_ROW_TARGET_OUT_OF_RANGE,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       in.targets[static_cast<size_t>(i)] = -1;
     }},
    {"a target whose lower 32 bits are one", GRPO4J_ROW_TARGET_OUT_OF_RANGE,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       in.targets[static_cast<size_t>(i)] += int64_t{1} << 32;
     }},
    {"temperature", GRPO4J_ROW_TEMPERATURE,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       in.temperatures[static_cast<size_t>(i)] = 0;
     }},
    {"infinite temperature", GRPO4J_ROW_TEMPERATURE,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       in.temperatures[static_cast<size_t>(i)] = i == kFirstBad ? INFINITY : NAN;
     }},
    {"temperature out of range", GRPO4J_ROW_TEMPERATURE,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       in.temperatures[static_cast<size_t>(i)] = i == kFirstBad ? 1e13f : 1e-13f;
     }},
    {"advantage", GRPO4J_ROW_COEFFICIENT,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       in.advantages[static_cast<size_t>(i)] = INFINITY;
     }},
    {"a slope beyond float", GRPO4J_ROW_COEFFICIENT,
     [](const PolicyCase&, PolicyInputs& in, int64_t i) {
       const auto at = static_cast<size_t>(i);
       in.old_log_probs[at] += 3;  // a ratio that no bound cuts off
       in.advantages[at] = 1e37f;
       in.policy_weights[at] = 1e4f;
     }}};
