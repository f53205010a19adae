// policy_loss: statistics, objective and gradient of each row in one visit.
//
//   dz_v = (1/T) [ g (1[v = y] - p_v) - h p_v (log p_v + H) ]
//        = e^u (k0 + k1 u) + 1[v = y] g/T,   u = (z_v - m)/T,  p_v = e^u / s,
//   k1 = -h / (T s),   k0 = (-(g + h H)/T + (h/T) ln s) / s
//
// logits [rows, vocab] f32, bf16 or f16; gradient the same, in place or disjoint. The statistics read
// the row from memory, the gradient reads it again from the second-level cache (600 KiB for 151,936
// f32) and writes it. Kept in f32: e^u, k0, k1; scalars of the row are double.
// Bytes moved: 2 * vocab * sizeof(Storage) per row, plus the read for ownership when out of place.
#pragma once

namespace grpo4j::GRPO4J_ISA {
namespace {

struct GradientCoefficients {
  float max_logit;
  float inverse_temperature;
  float k0;
  float k1;
};

template <class Element, bool kEntropy>
inline Vec gradient_of(Vec z, const GradientCoefficients& c, const ExpScale& scale) {
  const Vec d = max(set1(scale.floor), z - set1(c.max_logit));
  if constexpr (kEntropy) {
    return scaled_exp(d, scale, Element::kGradientExp2, 1.0f) *
           fma(set1(c.k1 * c.inverse_temperature), d, set1(c.k0));
  } else {
    return scaled_exp(d, scale, Element::kGradientExp2, c.k0);
  }
}

// dz may be z: each element is read before it is written, and no other element depends on it.
template <class Element, bool kEntropy>
void row_gradient(const typename Element::Storage* z, typename Element::Storage* dz, int64_t vocab,
                  const GradientCoefficients& c) {
  const ExpScale scale = exp_scale(c.inverse_temperature);
  int64_t i = 0;
  Vec d[kUnroll];
  for (; i + kStep <= vocab; i += kStep) {
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; k += 2) {
      Element::load_pair(z + i + k * Vec::kWidth, d[k], d[k + 1]);
    }
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; ++k) {
      d[k] = gradient_of<Element, kEntropy>(d[k], c, scale);
    }
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; k += 2) {
      Element::store_pair(dz + i + k * Vec::kWidth, d[k], d[k + 1]);
    }
  }
  for (; i < vocab; i += kPair) {
    const bool whole = i + kPair <= vocab;
    if (whole) {
      Element::load_pair(z + i, d[0], d[1]);
    } else {
      load_tail<Element>(z + i, vocab - i, d[0], d[1]);
    }
    d[0] = gradient_of<Element, kEntropy>(d[0], c, scale);
    d[1] = gradient_of<Element, kEntropy>(d[1], c, scale);
    if (whole) {
      Element::store_pair(dz + i, d[0], d[1]);
    } else {
      store_tail<Element>(dz + i, d[0], d[1], vocab - i);
    }
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
template <class Element>
typename Element::Storage target_gradient(float target_logit, const RowSlopes& row) {
  const double log_p =
      (static_cast<double>(target_logit) - row.max_logit) * row.inverse_temperature - row.log_sum;
  const double p = exp(log_p);
  const double entropy_part = p == 0 ? 0 : row.h * p * (log_p + row.entropy);
  return Element::from_float(
      static_cast<float>((row.g * (1 - p) - entropy_part) * row.inverse_temperature));
}

// The gradient of a row, or of a shard of it, whose statistics and slopes are known. target counts
// from the start of z and may lie outside; its logit is read first, the row may be overwritten.
template <class Element>
void write_gradient(const typename Element::Storage* z, typename Element::Storage* dz,
                    int64_t vocab, int64_t target, const RowSlopes& row) {
  if (row.g == 0 && row.h == 0) {
    memset(dz, 0, static_cast<size_t>(vocab) * sizeof *dz);
    return;
  }
  const bool has_target = target >= 0 && target < vocab;
  const float target_logit = has_target ? Element::to_float(z[target]) : 0;
  const GradientCoefficients c = {row.max_logit, static_cast<float>(row.inverse_temperature),
                                  static_cast<float>(coefficient_at_zero(row)),
                                  static_cast<float>(-row.h * row.inverse_temperature / row.sum)};
  if (row.h == 0) {
    row_gradient<Element, false>(z, dz, vocab, c);
  } else {
    row_gradient<Element, true>(z, dz, vocab, c);
  }
  if (has_target) {
    dz[target] = target_gradient<Element>(target_logit, row);
  }
}

// The same from e^u, which the statistics left in dz; h is 0.
template <class Element>
void scale_to_gradient(const KeptExp<Element>& kept, int64_t vocab, int64_t target,
                       float target_logit, const RowSlopes& row) {
  if (row.g == 0) {
    memset(kept.e, 0, static_cast<size_t>(vocab) * sizeof *kept.e);
    return;
  }
  scale_kept(kept, vocab, row.max_logit, row.inverse_temperature, coefficient_at_zero(row));
  kept.e[target] = target_gradient<Element>(target_logit, row);
}

// Statistics and outputs of row i, then its slopes; the reason it is bad, or GRPO4J_ROW_OK. With
// kKeep (no entropy bonus) e^u is computed once and waits in dz for its factor.
template <class Element, bool kKeep>
int32_t visit_row(const PolicyJob& job, int64_t i, const typename Element::Storage* z,
                  typename Element::Storage* dz) {
  const grpo4j_policy_loss_args& args = *job.args;
  const int64_t vocab = args.logits.vocab;
  const int64_t target = target_of(args.rows, i);
  const double inverse_temperature = 1.0 / temperature_of(args.rows, i);
  const bool squares = args.out.sum_squares != nullptr;
  const RowView<Element> view = {z, vocab, target, vocab, inverse_temperature, squares};
  if (const int32_t reason = usable_row(view); reason != GRPO4J_ROW_OK) {
    return reason;
  }
  const float target_logit = Element::to_float(z[target]);
  KeptExp<Element> kept;
  kept.e = dz;
  const auto statistics = squares ? row_statistics<Element, Wanted<true, kKeep>>
                                  : row_statistics<Element, Wanted<false, kKeep>>;
  const RowStatistics row = statistics(z, vocab, inverse_temperature, &kept);
  if (row.reason != GRPO4J_ROW_OK) {
    return row.reason;
  }
  const double difference = static_cast<double>(target_logit) - row.max_logit;
  store_outputs(args.out, i, row, difference * inverse_temperature - row.log_sum,
                inverse_temperature);
  const TokenInputs<double> in = token_inputs(args.batch, args.out, i);
  const TokenLoss<double> token = job.objective->token(args.config, in, log_difference(in));
  const double g = token.through_ratio + token.direct;
  // A slope that float can't hold would put infinities or NaN into the gradient.
  if (!__builtin_isfinite(static_cast<float>(g)) ||
      !__builtin_isfinite(static_cast<float>(token.h)) || !__builtin_isfinite(token.loss)) {
    return GRPO4J_ROW_COEFFICIENT;
  }
  const RowSlopes slopes = {g,       token.h,       row.entropy,        row.log_sum,
                            row.sum, row.max_logit, inverse_temperature};
  if constexpr (kKeep) {
    scale_to_gradient(kept, vocab, target, target_logit, slopes);
  } else {
    write_gradient<Element>(z, dz, vocab, target, slopes);
  }
  return GRPO4J_ROW_OK;
}

template <class Element, bool kKeep>
void policy_loss_rows(const PolicyJob& job, RowRange range, BadRows& bad) {
  using Storage = typename Element::Storage;
  const grpo4j_policy_loss_args& args = *job.args;
  const size_t row_bytes = static_cast<size_t>(args.logits.vocab) * sizeof(Storage);
  for (int64_t i = range.begin; i < range.end; ++i) {
    const int64_t row = row_of(args.rows, i);
    const Storage* z =
        static_cast<const Storage*>(args.logits.data) + row * args.logits.row_stride;
    Storage* dz = static_cast<Storage*>(args.gradient.data) + row * args.gradient.row_stride;
    if (is_masked(args.batch.policy_weights, args.batch.regularizer_weights, i)) {
      memset(dz, 0, row_bytes);
      fill_outputs(args.out, i, 0);
      continue;
    }
    const int32_t reason = visit_row<Element, kKeep>(job, i, z, dz);
    if (reason != GRPO4J_ROW_OK) {
      report_bad(bad, i, reason);
      memset(dz, 0, row_bytes);
      fill_outputs(args.out, i, __builtin_nanf(""));
    }
  }
}

template <class Element>
void policy_loss_of(const PolicyJob& job, RowRange range, BadRows& bad) {
  if constexpr (Element::kHoldsExp) {
    if (job.args->config.entropy_coef == 0) {
      return policy_loss_rows<Element, true>(job, range, bad);
    }
  }
  policy_loss_rows<Element, false>(job, range, bad);
}

void policy_loss(const PolicyJob& job, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  switch (job.args->logits.dtype) {
    case GRPO4J_F32:
      return policy_loss_of<F32>(job, range, bad);
    case GRPO4J_BF16:
      return policy_loss_of<Bf16>(job, range, bad);
    default:
      return policy_loss_of<F16>(job, range, bad);
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
