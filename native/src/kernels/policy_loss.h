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

template <bool kEntropy>
inline Vec gradient_of(Vec z, const GradientCoefficients& c, const ExpScale& scale) {
  const Vec d = max(set1(scale.floor), z - set1(c.max_logit));
  if constexpr (kEntropy) {
    return scaled_exp(d, scale, 1.0f) *
           fma(set1(c.k1 * c.inverse_temperature), d, set1(c.k0));
  } else {
    return scaled_exp(d, scale, c.k0);
  }
}

// dz may be z: each element is read before it is written, and no other element depends on it.
template <class Element, bool kEntropy>
void row_gradient(const typename Element::Storage* z, typename Element::Storage* dz, int64_t vocab,
                  const GradientCoefficients& c) {
  const ExpScale scale = exp_scale(c.inverse_temperature);
  int64_t i = 0;
  for (; i + kUnroll * Vec::kWidth <= vocab; i += kUnroll * Vec::kWidth) {
    Vec d[kUnroll];
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; ++k) {
      d[k] = gradient_of<kEntropy>(Element::load(z + i + k * Vec::kWidth), c, scale);
    }
#pragma GCC unroll 4
    for (int k = 0; k < kUnroll; ++k) {
      Element::store(dz + i + k * Vec::kWidth, d[k]);
    }
  }
  for (; i + Vec::kWidth <= vocab; i += Vec::kWidth) {
    Element::store(dz + i, gradient_of<kEntropy>(Element::load(z + i), c, scale));
  }
  if (i < vocab) {
    const Vec tail = load_tail<Element>(z + i, vocab - i);
    store_tail<Element>(dz + i, gradient_of<kEntropy>(tail, c, scale), vocab - i);
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
  const double target_u =
      has_target ? (static_cast<double>(Element::to_float(z[target])) - row.max_logit) *
                       row.inverse_temperature
                 : 0;
  const double at_zero = -(row.g + row.h * row.entropy) + row.h * row.log_sum;
  const GradientCoefficients c = {row.max_logit, static_cast<float>(row.inverse_temperature),
                                  static_cast<float>(at_zero * row.inverse_temperature / row.sum),
                                  static_cast<float>(-row.h * row.inverse_temperature / row.sum)};
  if (row.h == 0) {
    row_gradient<Element, false>(z, dz, vocab, c);
  } else {
    row_gradient<Element, true>(z, dz, vocab, c);
  }
  if (!has_target) {
    return;
  }
  // p -> 0 wins over log p -> -inf.
  const double log_p = target_u - row.log_sum;
  const double p = exp(log_p);
  const double entropy_part = p == 0 ? 0 : row.h * p * (log_p + row.entropy);
  dz[target] = Element::from_float(
      static_cast<float>((row.g * (1 - p) - entropy_part) * row.inverse_temperature));
}

// Statistics and outputs of row i, then its slopes; the reason it is bad, or GRPO4J_ROW_OK.
template <class Element>
int32_t visit_row(const PolicyJob& job, int64_t i, const typename Element::Storage* z,
                  typename Element::Storage* dz) {
  const grpo4j_policy_loss_args& args = *job.args;
  const int64_t vocab = args.logits.vocab;
  const int64_t target = target_of(args.rows, i);
  const double inverse_temperature = 1.0 / temperature_of(args.rows, i);
  const RowStatistics row =
      checked_statistics<Element>(z, vocab, target, vocab, inverse_temperature);
  if (row.reason != GRPO4J_ROW_OK) {
    return row.reason;
  }
  const double difference = static_cast<double>(Element::to_float(z[target])) - row.max_logit;
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
  write_gradient<Element>(z, dz, vocab, target,
                          {g, token.h, row.entropy, row.log_sum, row.sum, row.max_logit,
                           inverse_temperature});
  return GRPO4J_ROW_OK;
}

template <class Element>
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
    const int32_t reason = visit_row<Element>(job, i, z, dz);
    if (reason != GRPO4J_ROW_OK) {
      report_bad(bad, i, reason);
      memset(dz, 0, row_bytes);
      fill_outputs(args.out, i, __builtin_nanf(""));
    }
  }
}

void policy_loss(const PolicyJob& job, RowRange range, BadRows& bad) {
  bad.isa = kIsa;
  switch (job.args->logits.dtype) {
    case GRPO4J_F32:
      return policy_loss_rows<F32>(job, range, bad);
    case GRPO4J_BF16:
      return policy_loss_rows<Bf16>(job, range, bad);
    default:
      return policy_loss_rows<F16>(job, range, bad);
  }
}

}  // namespace
}  // namespace grpo4j::GRPO4J_ISA
