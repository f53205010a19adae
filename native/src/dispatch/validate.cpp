#include "dispatch/validate.h"

#include <math.h>
#include <stdint.h>

namespace grpo4j {
namespace {

int64_t bytes_per_element(int32_t dtype) { return dtype == GRPO4J_F32 ? 4 : 2; }

bool valid_matrix(const grpo4j_matrix& m) {
  if (m.dtype != GRPO4J_F32 && m.dtype != GRPO4J_BF16 && m.dtype != GRPO4J_F16) {
    return false;
  }
  if (m.rows < 0 || m.vocab < 1 || m.row_stride < m.vocab) {
    return false;
  }
  // The last byte must have an address.
  if (m.rows > 0 && m.row_stride > INT64_MAX / 8 / m.rows) {
    return false;
  }
  return m.rows == 0 || m.data != nullptr;
}

bool valid_rows(const grpo4j_matrix& logits, int64_t n, const int64_t* indices, bool increasing) {
  if (n < 0 || (indices == nullptr && n > logits.rows)) {
    return false;
  }
  int64_t previous = -1;
  for (int64_t i = 0; indices != nullptr && i < n; ++i) {
    if (indices[i] < 0 || indices[i] >= logits.rows || (increasing && indices[i] <= previous)) {
      return false;
    }
    previous = indices[i];
  }
  return true;
}

bool valid_outputs(const grpo4j_row_outputs& out, int64_t n) {
  return n == 0 || (out.log_probs != nullptr && out.entropy != nullptr);
}

bool positive(double value) { return value > 0 && isfinite(value); }

bool valid_config(const grpo4j_policy_config& c) {
  return positive(c.temperature) && c.clip_low >= 0 && c.clip_high >= 0 && c.dual_clip > 0 &&
         c.delta > 0 && isfinite(c.kl_coef) && isfinite(c.entropy_coef) &&
         c.kl_estimator >= GRPO4J_KL_K1 && c.kl_estimator <= GRPO4J_KL_K3;
}

// One past the last byte.
uintptr_t end_of(const grpo4j_matrix& m) {
  const int64_t elements = m.rows == 0 ? 0 : (m.rows - 1) * m.row_stride + m.vocab;
  return reinterpret_cast<uintptr_t>(m.data) +
         static_cast<uintptr_t>(elements * bytes_per_element(m.dtype));
}

bool same_or_disjoint(const grpo4j_matrix& a, const grpo4j_matrix& b) {
  if (a.data == b.data) {
    return a.row_stride == b.row_stride;
  }
  return end_of(a) <= reinterpret_cast<uintptr_t>(b.data) ||
         end_of(b) <= reinterpret_cast<uintptr_t>(a.data);
}

}  // namespace

bool valid(const grpo4j_token_stats_args& args) {
  return valid_matrix(args.logits) &&
         valid_rows(args.logits, args.n, args.row_indices, /*increasing=*/false) &&
         (args.n == 0 || args.targets != nullptr) && valid_outputs(args.out, args.n) &&
         positive(args.temperature);
}

bool valid(const grpo4j_policy_loss_args& args) {
  const grpo4j_matrix& logits = args.logits;
  const grpo4j_matrix& gradient = args.gradient;
  if (!valid_matrix(logits) || !valid_matrix(gradient) || gradient.dtype != logits.dtype ||
      gradient.rows != logits.rows || gradient.vocab != logits.vocab) {
    return false;
  }
  // A row listed twice would be read after its gradient replaced it.
  if (!valid_rows(logits, args.n, args.row_indices, /*increasing=*/true) ||
      !valid_outputs(args.out, args.n) || !valid_config(args.config)) {
    return false;
  }
  if (args.n > 0 && (args.targets == nullptr || args.advantages == nullptr ||
                     args.policy_weights == nullptr || args.regularizer_weights == nullptr)) {
    return false;
  }
  if (args.n > 0 && args.config.kl_coef != 0 && args.ref_log_probs == nullptr) {
    return false;
  }
  return args.n == 0 || same_or_disjoint(logits, gradient);
}

}  // namespace grpo4j
