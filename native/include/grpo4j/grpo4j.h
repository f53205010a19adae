/*
 * grpo4j: the C ABI of the loss kernels.
 *
 * Plain pointers and <stdint.h> types only. Nothing here allocates on behalf of the caller, prints,
 * aborts or throws: every operation returns a status code, and names bad rows in its report.
 *
 * Words: N rows (one per token), V vocabulary, z logits, T temperature, x = z / T, p = softmax(x).
 * Offsets are 64 bits throughout. Row strides are in elements. The result of a row depends on that
 * row alone: the same bits for any number of threads and any batch around it, on one ISA.
 */
#ifndef GRPO4J_GRPO4J_H
#define GRPO4J_GRPO4J_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GRPO4J_API
#define GRPO4J_API __attribute__((visibility("default")))
#endif

/* Status codes. */
enum {
  GRPO4J_OK = 0,
  /* An argument is null, out of range, overlapping or inconsistent; nothing was written. */
  GRPO4J_INVALID_ARGUMENT = 1,
  /* Some rows can't be computed; the report counts them and names the first. */
  GRPO4J_BAD_ROWS = 2,
  /* The ISA that was asked for (call or GRPO4J_ISA) does not exist here; nothing was written. */
  GRPO4J_ISA_UNAVAILABLE = 3
};

/* Element types of logits and gradient. */
enum { GRPO4J_F32 = 0, GRPO4J_BF16 = 1, GRPO4J_F16 = 2 };

/* Instruction sets, worst to best. */
enum { GRPO4J_ISA_SCALAR = 0, GRPO4J_ISA_AVX2 = 1, GRPO4J_ISA_AVX512 = 2, GRPO4J_ISA_COUNT = 3 };

/* Estimators of KL(policy || reference) from one sample, with q = refLogProb - logProb. */
enum {
  GRPO4J_KL_K1 = 1, /* -q */
  GRPO4J_KL_K2 = 2, /* q^2 / 2 */
  GRPO4J_KL_K3 = 3  /* e^q - q - 1 */
};

/* Why a row is bad. */
enum {
  GRPO4J_ROW_OK = 0,
  GRPO4J_ROW_NOT_FINITE = 1,        /* a NaN or +inf among the logits */
  GRPO4J_ROW_ALL_MINUS_INF = 2,     /* every logit is -inf: no distribution */
  GRPO4J_ROW_TARGET_OUT_OF_RANGE = 3,
  GRPO4J_ROW_COEFFICIENT = 4        /* log-probs, advantage or weights make the slope NaN or infinite */
};

/* Flags. */
enum {
  /* Bad rows are no error: their gradient and outputs become 0, and the report counts them. */
  GRPO4J_ZERO_BAD_ROWS = 1
};

/* A non-owning matrix [rows, vocab]; row r starts at element r * row_stride. */
typedef struct grpo4j_matrix {
  void* data;
  int32_t dtype;
  int64_t rows;
  int64_t vocab;
  int64_t row_stride;
} grpo4j_matrix;

/* What happened to the rows of one call, and which compiled copy of the kernel ran. */
typedef struct grpo4j_report {
  int64_t bad_rows;
  int64_t first_bad_row;    /* position among the N rows of the call, -1 when there is none */
  int32_t first_bad_reason; /* GRPO4J_ROW_* */
  int32_t isa;              /* written by the kernel copy that ran; -1 when none did */
} grpo4j_report;

/* Outputs per row, each [n]. lse and sum_squares may be null. */
typedef struct grpo4j_row_outputs {
  float* log_probs;   /* log p(target) */
  float* entropy;     /* -sum p log p, nats */
  float* lse;         /* log sum e^x */
  float* sum_squares; /* sum p^2 */
} grpo4j_row_outputs;

typedef struct grpo4j_token_stats_args {
  grpo4j_matrix logits;
  int64_t n;
  const int64_t* row_indices; /* [n] rows of logits, any order; null: rows 0 .. n-1 */
  const int64_t* targets;     /* [n] in [0, vocab) */
  double temperature;
  grpo4j_row_outputs out;
  uint32_t flags;
} grpo4j_token_stats_args;

typedef struct grpo4j_policy_config {
  double clip_low;    /* ratio is clipped to [1 - clip_low, 1 + clip_high] */
  double clip_high;
  double dual_clip;   /* bound c on the loss of negative advantages, -c A; +inf: off */
  double delta;       /* upper bound on the ratio of the unclipped term; +inf: off */
  double kl_coef;
  double entropy_coef;
  double temperature;
  int32_t kl_estimator;      /* GRPO4J_KL_* */
  int32_t kl_bias_corrected; /* 1: KL is multiplied by the ratio, with its gradient */
} grpo4j_policy_config;

typedef struct grpo4j_policy_loss_args {
  grpo4j_matrix logits;
  grpo4j_matrix gradient;     /* logits' dtype and shape; the same matrix (in place) or disjoint */
  int64_t n;
  const int64_t* row_indices; /* [n] strictly increasing rows of logits; null: rows 0 .. n-1 */
  const int64_t* targets;     /* [n] */
  const float* old_log_probs; /* [n]; null: on policy, ratio 1 and slope -A */
  const float* ref_log_probs; /* [n]; null only when kl_coef is 0 */
  const float* advantages;    /* [n] */
  const float* policy_weights;      /* [n] */
  const float* regularizer_weights; /* [n] */
  grpo4j_row_outputs out;
  grpo4j_policy_config config;
  uint32_t flags;
} grpo4j_policy_loss_args;

/*
 * Sums over the rows that were read (either weight non-zero) and are not bad, in double, in row
 * order. "Mean" divides by active_rows and is 0 when there are none.
 */
typedef struct grpo4j_policy_metrics {
  grpo4j_report report;
  int64_t active_rows;
  int64_t clip_low_count;  /* A < 0 and ratio < 1 - clip_low */
  int64_t clip_high_count; /* A > 0 and ratio > 1 + clip_high */
  int64_t dual_clip_count; /* rows where the dual clip binds */
  double loss;             /* policy_loss + sum regularizer_weight (kl_coef KL - entropy_coef H) */
  double policy_loss;      /* sum policy_weight l */
  double kl;               /* mean KL estimate; 0 without ref_log_probs */
  double entropy;          /* mean entropy */
  double approx_kl;        /* mean (old - logProb); 0 without old_log_probs */
  double ratio_min;        /* 1 when there are no rows */
  double ratio_max;
  double ratio_mean;       /* 1 when there are no rows */
} grpo4j_policy_metrics;

/*
 * log p(target), entropy, lse and sum p^2 of each row, one read of the logits.
 * Reads n * vocab * sizeof(dtype) bytes. Bad rows get NaN outputs (0 with GRPO4J_ZERO_BAD_ROWS).
 */
GRPO4J_API int32_t grpo4j_token_stats(const grpo4j_token_stats_args* args, grpo4j_report* report);

/*
 * loss = sum_t policy_weight_t l_t + sum_t regularizer_weight_t (kl_coef KL_t - entropy_coef H_t)
 * and its gradient to the logits, in one visit of each row:
 *   dz_v = (1/T) [ g (1[v = y] - p_v) - h p_v (log p_v + H) ],  g = dloss/dlogProb, h = dloss/dH.
 * A row whose two weights are 0 is not read: its gradient and outputs are exactly 0. The gradient
 * of a bad row is 0. Rows that row_indices leaves out are neither read nor written.
 * Reads and writes n * vocab * sizeof(dtype) bytes each.
 */
GRPO4J_API int32_t grpo4j_policy_loss(const grpo4j_policy_loss_args* args,
                                      grpo4j_policy_metrics* metrics);

/* The ISA that calls will use; -1 when GRPO4J_ISA names one that does not exist here. */
GRPO4J_API int32_t grpo4j_isa(void);
/* 1 when this build and this machine have the ISA. */
GRPO4J_API int32_t grpo4j_isa_available(int32_t isa);
/* Forces an ISA for all later calls. */
GRPO4J_API int32_t grpo4j_use_isa(int32_t isa);
/* "scalar", "avx2", "avx512"; null for anything else. */
GRPO4J_API const char* grpo4j_isa_name(int32_t isa);

/* Threads a call may use, the caller's own included. Default: the processors of this process. */
GRPO4J_API int32_t grpo4j_threads(void);
GRPO4J_API int32_t grpo4j_set_threads(int32_t threads);

#ifdef __cplusplus
}
#endif
#endif
