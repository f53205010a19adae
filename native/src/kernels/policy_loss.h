// policy_loss: statistics, objective and gradient of each row in one visit.
//
//   dz_v = (1/T) [ g (1[v = y] - p_v) - h p_v (log p_v + H) ]
//        = e^u (k0 + k1 u) + 1[v = y] g/T,   u = (z_v - m)/T,  p_v = e^u / s,
//   k1 = -h / (T s),   k0 = (-(g + h H)/T + (h/T) ln s) / s
// times 1 - (z_v/c)^2 under a soft cap c.
//
// logits [rows, vocab] f32, bf16 or f16; gradient the same, in place or disjoint. The statistics read
// the row from memory, the gradient reads it again from the second-level cache (600 KiB for 151,936
// f32) and writes it; f32 and bf16 without entropy bonus leave e^u in the gradient's place on the way
// and only scale it. Kept in f32: e^u, k0, k1; scalars of the row are double.
// Bytes moved: 2 * vocab * sizeof(Storage) per row, plus the read for ownership when out of place.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

struct GradientCoefficients {
  float max_logit;
  float factor;  // log2(e) / T
  float floor;   // z - max_logit that counts as e^u = 0
  float k0;
  float k1;  // over T, for z - max_logit
};

// How the gradient of a call is made, decided once per row: never inside a loop.
template <bool kEntropyValue, bool kAccumulateValue, class CapType>
struct GradientKind {
  using Cap = CapType;
  static constexpr bool kEntropy = kEntropyValue;
  static constexpr bool kAccumulate = kAccumulateValue;
};

// z, capped already, becomes its gradient.
template <class Element, class Kind, int kCount>
inline void gradient_of(Vec (&z)[kCount], const GradientCoefficients& c, const Table& table,
                        const typename Kind::Cap& cap) {
  Vec d[kCount];
  Vec n[kCount];
  Vec r[kCount];
  Vec dz[kCount];
#pragma GCC unroll 4
  for (int k = 0; k < kCount; ++k) {
    d[k] = max(set1(c.floor), z[k] - set1(c.max_logit));
    n[k] = fma(d[k], set1(c.factor), set1(kMagic));
  }
#pragma GCC unroll 4
  for (int k = 0; k < kCount; ++k) {
    r[k] = fma_once(d[k], set1(c.factor), set1(kMagic) - n[k]);
  }
  scaled_exp2(n, r, table, Element::kGradientExp2, Kind::kEntropy ? 1.0f : c.k0, dz);
#pragma GCC unroll 4
  for (int k = 0; k < kCount; ++k) {
    if constexpr (Kind::kEntropy) {
      dz[k] = dz[k] * fma(set1(c.k1), d[k], set1(c.k0));
    }
    if constexpr (Kind::Cap::kCaps) {
      dz[k] = dz[k] * cap.slope(z[k]);
    }
    z[k] = dz[k];
  }
}

// dz may be z: each element is read before it is written, and no other element depends on it.
// Coefficients by value: through a reference they would be loaded again after every store.
template <class Element, class Kind>
void row_gradient(const typename Element::Storage* z, typename Element::Storage* dz, int64_t vocab,
                  GradientCoefficients c, const typename Kind::Cap& cap) {
  const Table table = exp2_table();
  int64_t i = 0;
  Vec d[kUnroll];
  Vec a;
  Vec b;
  for (; i + kStep <= vocab; i += kStep) {
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; k += 2) {
      Element::load_pair(z + i + k * Vec::kWidth, d[k], d[k + 1]);
    }
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; ++k) {
      d[k] = cap(d[k]);
    }
    gradient_of<Element, Kind>(d, c, table, cap);
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; k += 2) {
      if constexpr (Kind::kAccumulate) {
        Element::load_pair(dz + i + k * Vec::kWidth, a, b);
        d[k] = d[k] + a;
        d[k + 1] = d[k + 1] + b;
      }
      Element::store_pair(dz + i + k * Vec::kWidth, d[k], d[k + 1]);
    }
  }
  for (; i < vocab; i += kPair) {
    const int64_t count = vocab - i < kPair ? vocab - i : kPair;
    Vec rest[2];
    load_tail<Element>(z + i, count, cap, rest[0], rest[1]);
    gradient_of<Element, Kind>(rest, c, table, cap);
    if constexpr (Kind::kAccumulate) {
      load_sum_tail<Element>(dz + i, count, a, b);
      rest[0] = rest[0] + a;
      rest[1] = rest[1] + b;
    }
    store_tail<Element>(dz + i, rest[0], rest[1], count);
  }
}

// What the gradient of a row needs of the row as a whole.
struct RowSlopes {
  double g;
  double h;
  double entropy;
  double log_sum;
  double sum;
  float max_logit;
  double inverse_temperature;
};

// The coefficient of e^u where h is 0, and in general that of e^u u^0.
inline double coefficient_at_zero(const RowSlopes& row) {
  return (-(row.g + row.h * row.entropy) + row.h * row.log_sum) * row.inverse_temperature / row.sum;
}

// dz at the target. p -> 0 wins over log p -> -inf.
inline double target_gradient(float target_logit, double cap_slope, const RowSlopes& row) {
  const double log_p =
      (static_cast<double>(target_logit) - row.max_logit) * row.inverse_temperature - row.log_sum;
  const double p = exp(log_p);
  const double entropy_part = p == 0 ? 0 : row.h * p * (log_p + row.entropy);
  return (row.g * (1 - p) - entropy_part) * row.inverse_temperature * cap_slope;
}

// One row of logits and of its gradient, or a shard of it: target counts from the start of z and may
// lie outside.
template <class Element>
struct GradientRow {
  const typename Element::Storage* z;
  typename Element::Storage* dz;
  int64_t vocab;
  int64_t target;
  bool accumulate;
};

// A row without a gradient: 0, or nothing added.
template <class Element>
void no_gradient(const GradientRow<Element>& at) {
  if (!at.accumulate) {
    memset(at.dz, 0, static_cast<size_t>(at.vocab) * sizeof *at.dz);
  }
}

// The gradient of a row whose statistics and slopes are known. The target's logit is read first, the
// row may be overwritten.
template <class Element, class Cap>
void write_gradient(const GradientRow<Element>& at, const Cap& cap, const RowSlopes& row) {
  if (row.g == 0 && row.h == 0) {
    return no_gradient(at);
  }
  const bool has_target = at.target >= 0 && at.target < at.vocab;
  const float logit = has_target ? Element::to_float(at.z[at.target]) : 0;
  const float held = has_target && at.accumulate ? Element::to_float(at.dz[at.target]) : 0;
  const float factor = exponent_factor(row.inverse_temperature);
  const double k1 = -row.h * row.inverse_temperature / row.sum;
  const GradientCoefficients c = {row.max_logit, factor, difference_floor(factor),
                                  static_cast<float>(coefficient_at_zero(row)),
                                  static_cast<float>(k1 * row.inverse_temperature)};
  const auto gradient =
      at.accumulate
          ? (row.h == 0 ? row_gradient<Element, GradientKind<false, true, Cap>>
                        : row_gradient<Element, GradientKind<true, true, Cap>>)
          : (row.h == 0 ? row_gradient<Element, GradientKind<false, false, Cap>>
                        : row_gradient<Element, GradientKind<true, false, Cap>>);
  gradient(at.z, at.dz, at.vocab, c, cap);
  if (has_target) {
    at.dz[at.target] = Element::from_float(
        static_cast<float>(held + target_gradient(cap(logit), cap.slope(logit), row)));
  }
}

// The same from e^u, which the statistics left in dz; h is 0, nothing is capped or added to.
template <class Element>
void scale_to_gradient(const KeptExp<Element>& kept, const GradientRow<Element>& at,
                       float target_logit, const RowSlopes& row) {
  if (row.g == 0) {
    return no_gradient(at);
  }
  scale_kept<Element, false>(kept, at.vocab, row.max_logit, row.inverse_temperature,
                             coefficient_at_zero(row));
  at.dz[at.target] =
      Element::from_float(static_cast<float>(target_gradient(target_logit, 1, row)));
}

// Slopes of row i from its stored statistics. False where float can't hold them or the loss: they
// would put infinities or NaN into the gradient.
inline bool row_slopes(const PolicyJob& job, int64_t i, RowSlopes& row) {
  const TokenInputs<double> in = token_inputs(job.args->batch, job.args->out, i);
  const TokenLoss<double> token = job.objective->token(job.args->config, in, log_difference(in));
  row.g = token.through_ratio + token.direct;
  row.h = token.h;
  return __builtin_isfinite(static_cast<float>(row.g)) &&
         __builtin_isfinite(static_cast<float>(row.h)) && __builtin_isfinite(token.loss);
}

// Statistics and outputs of row i, then its gradient; the reason it is bad, or GRPO4J_ROW_OK. With
// kKeep e^u is computed once and waits in dz for its factor.
template <class Element, class Cap, bool kKeep>
int32_t visit_row(const PolicyJob& job, int64_t i, const Cap& cap,
                  const GradientRow<Element>& at) {
  const grpo4j_policy_loss_args& args = *job.args;
  const double inverse_temperature = 1.0 / temperature_of(args.rows, i);
  const bool squares = args.out.sum_squares != nullptr;
  const RowView<Element> view = {at.z, at.vocab, at.target, at.vocab, inverse_temperature, squares};
  if (const int32_t reason = usable_row(view); reason != GRPO4J_ROW_OK) {
    return reason;
  }
  const float target_logit = cap(Element::to_float(at.z[at.target]));
  KeptExp<Element> kept;
  kept.e = at.dz;
  const auto statistics = squares ? row_statistics<Element, Wanted<true, kKeep, Cap>>
                                  : row_statistics<Element, Wanted<false, kKeep, Cap>>;
  const RowStatistics row = statistics(view, cap, &kept);
  if (row.reason != GRPO4J_ROW_OK) {
    return row.reason;
  }
  const double difference = static_cast<double>(target_logit) - row.max_logit;
  store_outputs(args.out, i, row, difference * inverse_temperature - row.log_sum,
                inverse_temperature);
  RowSlopes slopes = {0, 0, row.entropy, row.log_sum, row.sum, row.max_logit, inverse_temperature};
  if (!row_slopes(job, i, slopes)) {
    return GRPO4J_ROW_COEFFICIENT;
  }
  if constexpr (kKeep) {
    scale_to_gradient(kept, at, target_logit, slopes);
  } else {
    write_gradient(at, cap, slopes);
  }
  return GRPO4J_ROW_OK;
}

template <class Element, class Cap, bool kKeep>
void policy_loss_rows(const PolicyJob& job, const RowRange& range, const Cap& cap, BadRows& bad) {
  using Storage = typename Element::Storage;
  const grpo4j_policy_loss_args& args = *job.args;
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int64_t row = row_of(args.rows, i);
    const GradientRow<Element> at = {
        static_cast<const Storage*>(args.logits.data) + row * args.logits.row_stride,
        static_cast<Storage*>(args.gradient.data) + row * args.gradient.row_stride,
        args.logits.vocab, target_of(args.rows, i), (args.flags & GRPO4J_ACCUMULATE) != 0};
    if (is_masked(args.batch.policy_weights, args.batch.regularizer_weights, i)) {
      no_gradient(at);
      fill_outputs(args.out, i, 0);
      continue;
    }
    const int32_t reason = visit_row<Element, Cap, kKeep>(job, i, cap, at);
    if (reason != GRPO4J_ROW_OK) {
      report_bad(bad, i, reason);
      no_gradient(at);
      fill_outputs(args.out, i, __builtin_nanf(""));
    }
  }
}

template <class Element, class Cap>
struct PolicyLoss {
  static void run(const Cap& cap, const PolicyJob& job, const RowRange& range,
                  BadRows* const& bad) {
    if constexpr (Element::kHoldsExp && !Cap::kCaps) {
      if (job.args->config.entropy_coef == 0 && (job.args->flags & GRPO4J_ACCUMULATE) == 0) {
        return policy_loss_rows<Element, Cap, true>(job, range, cap, *bad);
      }
    }
    policy_loss_rows<Element, Cap, false>(job, range, cap, *bad);
  }
};

void policy_loss(const PolicyJob& job, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  dispatch<PolicyLoss>(job.args->logits, job.args->rows.soft_cap, job, range, &bad);
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
