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
  GRPO4J_ISA_UNAVAILABLE = 3,
  /* The device or its runtime failed; grpo4j_cuda_last_error says how. */
  GRPO4J_DEVICE_ERROR = 4,
  /* The workspace is null or smaller than the query says; nothing was written. */
  GRPO4J_WORKSPACE_TOO_SMALL = 5
};

/* Element types of logits and gradient. */
enum { GRPO4J_F32 = 0, GRPO4J_BF16 = 1, GRPO4J_F16 = 2 };

/* Instruction sets, worst to best. */
enum {
  GRPO4J_ISA_SCALAR = 0,
  GRPO4J_ISA_AVX2 = 1,
  GRPO4J_ISA_AVX512 = 2,
  GRPO4J_ISA_AVX512_BF16 = 3, /* AVX-512 with its conversion to bf16 */
  GRPO4J_ISA_NEON = 4,
  GRPO4J_ISA_COUNT = 5,
  /* Named in reports by the library of the CUDA kernels: run on a device, or in the emulation. */
  GRPO4J_ISA_CUDA = 16,
  GRPO4J_ISA_CUDA_EMULATED = 17
};

/* Estimators of KL(policy || reference) from one sample, with q = refLogProb - logProb. */
enum {
  GRPO4J_KL_K1 = 1, /* -q */
  GRPO4J_KL_K2 = 2, /* q^2 / 2 */
  GRPO4J_KL_K3 = 3  /* e^q - q - 1 */
};

/* Why a row is bad. */
enum {
  GRPO4J_ROW_OK = 0,
  GRPO4J_ROW_NOT_FINITE = 1,        /* a NaN or +inf among the logits; under a soft cap c, inf is c */
  GRPO4J_ROW_ALL_MINUS_INF = 2,     /* every logit is -inf: no distribution */
  GRPO4J_ROW_TARGET_OUT_OF_RANGE = 3,
  GRPO4J_ROW_COEFFICIENT = 4,       /* log-probs, advantage or weights make the slope NaN or infinite */
  GRPO4J_ROW_TEMPERATURE = 5,       /* its temperature is not within 1e-12 .. 1e12 */
  /* Where the host can't see them, on a device; elsewhere they are GRPO4J_INVALID_ARGUMENT. */
  GRPO4J_ROW_INDEX = 6,             /* row_indices names no row of the logits, or doesn't rise */
  GRPO4J_ROW_SEQUENCE = 7           /* sequence_offsets don't rise from 0 to n */
};

/* Flags. */
enum {
  /* Bad rows are no error: their gradient and outputs become 0, and the report counts them. */
  GRPO4J_ZERO_BAD_ROWS = 1,
  /* The gradient is added to what its memory holds, which must not be the logits'. Rows without a
     gradient (masked, bad) stay as they are. */
  GRPO4J_ACCUMULATE = 2
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

/* Outputs per row, each [n]. lse and sum_squares may be null, in token_stats
   entropy too. */
typedef struct grpo4j_row_outputs {
  float* log_probs;   /* log p(target) */
  float* entropy;     /* -sum p log p, nats */
  float* lse;         /* log sum e^x */
  float* sum_squares; /* sum p^2 */
} grpo4j_row_outputs;

/* Element types of targets. */
enum { GRPO4J_I64 = 0, GRPO4J_I32 = 1 };

/* The N rows of a call: which rows of the logits, their targets, what divides their logits. */
typedef struct grpo4j_rows {
  int64_t n;
  const int64_t* row_indices; /* [n] rows of logits; null: rows 0 .. n-1 */
  const void* targets;        /* [n] in [0, vocab) */
  int32_t target_type;        /* GRPO4J_I64 or GRPO4J_I32 */
  double temperature;
  const float* temperatures;  /* [n], instead of temperature; null: the same for all rows */
  double soft_cap;            /* c: logits u count as z = c tanh(u / c); 0: as they are */
} grpo4j_rows;

typedef struct grpo4j_token_stats_args {
  grpo4j_matrix logits;
  grpo4j_rows rows; /* any order */
  grpo4j_row_outputs out;
  uint32_t flags;
} grpo4j_token_stats_args;

/*
 * Mergeable statistics of one row over a part of the vocabulary (a shard), u = (z - max) / T:
 * sum e^u, sum e^u u, sum e^2u. A shard of nothing but -inf has max -inf and sums 0.
 */
typedef struct grpo4j_row_state {
  double sum;
  double weighted;
  double squares;
  float max_logit;
  float target_logit; /* -inf where the target lies in another shard */
  int32_t reason;     /* GRPO4J_ROW_* of this shard */
  int32_t reserved;
} grpo4j_row_state;

typedef struct grpo4j_row_states_args {
  grpo4j_matrix logits;  /* [rows, vocabulary of the shard] */
  grpo4j_rows rows;      /* targets count from the start of the whole vocabulary */
  int64_t vocab_begin;   /* first token of the shard */
  int64_t vocab_total;   /* of all shards together */
  grpo4j_row_state* states; /* [n] */
} grpo4j_row_states_args;

typedef struct grpo4j_merge_states_args {
  const grpo4j_row_state* shards; /* [shard_count, n] */
  int64_t shard_count;
  int64_t n;
  double temperature;
  const float* temperatures; /* [n] or null */
  grpo4j_row_state* merged;  /* [n], may be the first shard */
  grpo4j_row_outputs out;
  uint32_t flags;
} grpo4j_merge_states_args;

/* Policy objectives; formulas in objective.h. */
enum {
  GRPO4J_CLIP = 0,
  GRPO4J_CISPO = 1,
  GRPO4J_SAPO = 2,
  GRPO4J_GPG = 3,
  GRPO4J_GMPO = 4, /* GRPO4J_RATIO_SEQUENCE only */
  GRPO4J_VESPO = 5 /* GRPO4J_RATIO_SEQUENCE only */
};

/* Whose ratio an objective sees. */
enum {
  GRPO4J_RATIO_TOKEN = 0,
  GRPO4J_RATIO_SEQUENCE = 1,      /* one per sequence, its gradient shared by the tokens (GSPO) */
  GRPO4J_RATIO_SEQUENCE_TOKEN = 2 /* its value, with each token's own gradient (GSPO-token) */
};

typedef struct grpo4j_policy_config {
  int32_t objective;   /* GRPO4J_CLIP .. */
  int32_t ratio_level; /* GRPO4J_RATIO_* */
  double clip_low;     /* clip: ratio within [1 - clip_low, 1 + clip_high]; GMPO: [-low, high] of ln */
  double clip_high;    /* CISPO: the bound of the ratio itself */
  double dual_clip;    /* clip: bound c on the loss of negative advantages, -c A; +inf: off */
  double delta;        /* clip: upper bound on the ratio of the unclipped term; +inf: off */
  double sapo_positive; /* tau for A > 0 */
  double sapo_negative; /* tau for the rest */
  double vespo_k_positive;
  double vespo_lambda_positive;
  double vespo_k_negative;
  double vespo_lambda_negative;
  double kl_coef;
  double entropy_coef;
  int32_t kl_estimator;      /* GRPO4J_KL_* */
  int32_t kl_bias_corrected; /* 1: KL is multiplied by the ratio, with its gradient */
} grpo4j_policy_config;

/* What the objective needs of each row beside its statistics. */
typedef struct grpo4j_policy_batch {
  const float* old_log_probs; /* [n]; null: on policy, ratio 1 */
  const float* ref_log_probs; /* [n]; null only when kl_coef is 0 */
  const float* advantages;    /* [n], or [sequences] with advantages_per_sequence */
  const float* policy_weights;      /* [n] */
  const float* regularizer_weights; /* [n] */
  int64_t sequences;
  const int64_t* sequence_offsets; /* [sequences + 1], 0 .. n: rows of each; null: none */
  int32_t advantages_per_sequence;
} grpo4j_policy_batch;

/* Derivatives of the loss by logProb and by the entropy of one row. */
typedef struct grpo4j_row_slopes {
  double g;
  double h;
} grpo4j_row_slopes;

typedef struct grpo4j_policy_loss_args {
  grpo4j_matrix logits;
  grpo4j_matrix gradient;     /* logits' dtype and shape; the same matrix (in place) or disjoint */
  grpo4j_rows rows;           /* strictly increasing */
  grpo4j_policy_batch batch;
  grpo4j_row_outputs out;
  grpo4j_policy_config config;
  grpo4j_row_state* states;   /* [n] workspace; null is enough where the ratio is per token */
  grpo4j_row_slopes* slopes;  /* [n] workspace, likewise */
  uint32_t flags;
} grpo4j_policy_loss_args;

typedef struct grpo4j_objective_args {
  int64_t n;
  grpo4j_policy_batch batch;
  grpo4j_row_outputs out; /* log_probs and entropy are read; NaN marks a bad row */
  grpo4j_policy_config config;
  grpo4j_row_slopes* slopes; /* [n] */
  uint32_t flags;
} grpo4j_objective_args;

typedef struct grpo4j_logits_gradient_args {
  grpo4j_matrix logits; /* a shard or the whole vocabulary */
  grpo4j_matrix gradient;
  grpo4j_rows rows; /* strictly increasing */
  int64_t vocab_begin;
  int64_t vocab_total;
  const grpo4j_row_state* states; /* [n], merged over all shards */
  const grpo4j_row_slopes* slopes; /* [n]; both 0: the row is not read, its gradient is 0 */
  uint32_t flags;
} grpo4j_logits_gradient_args;

/*
 * Sums over the rows that count (either weight non-zero) and are not bad, in double, in row order.
 * A unit is what has a ratio of its own: a row, or a sequence where the ratio is the sequence's.
 */
typedef struct grpo4j_policy_metrics {
  grpo4j_report report;
  int64_t active_rows;
  int64_t units;
  int64_t clip_low_count;  /* units with A < 0 and ratio below the clip range */
  int64_t clip_high_count; /* units with A > 0 and ratio above it (CISPO: above the bound) */
  int64_t dual_clip_count; /* units where the dual clip binds */
  double loss;             /* policy_loss + sum regularizer_weight (kl_coef KL - entropy_coef H) */
  double policy_loss;      /* sum policy_weight l */
  double kl;               /* mean KL estimate per row; 0 without ref_log_probs */
  double entropy;          /* mean entropy per row */
  double approx_kl;        /* mean (old - logProb) per row; 0 without old_log_probs */
  double ratio_min;        /* 1 when there are no units */
  double ratio_max;
  double ratio_mean;
  double factor_mean;      /* mean of what multiplies A; VESPO: phi. 1 when there are no units */
} grpo4j_policy_metrics;

/*
 * log p(target), entropy, lse and sum p^2 of each row, one read of the logits. Without entropy and
 * sum_squares only the log-probs are computed, in less time.
 * Reads n * vocab * sizeof(dtype) bytes. Bad rows get NaN outputs (0 with GRPO4J_ZERO_BAD_ROWS).
 */
GRPO4J_API int32_t grpo4j_token_stats(const grpo4j_token_stats_args* args, grpo4j_report* report);

/*
 * loss = sum_t policy_weight_t l_t + sum_t regularizer_weight_t (kl_coef KL_t - entropy_coef H_t)
 * and its gradient to the logits:
 *   dz_v = (1/T) [ g (1[v = y] - p_v) - h p_v (log p_v + H) ],  g = dloss/dlogProb, h = dloss/dH,
 * times 1 - (z_v / c)^2 under a soft cap c.
 * A row whose two weights are 0 is not read: its gradient and outputs are exactly 0, and it does not
 * count in its sequence. The gradient of a bad row is 0. Rows that row_indices leaves out are
 * neither read nor written. With a ratio per token each row is visited once: n * vocab *
 * sizeof(dtype) bytes are read and as many written; with a sequence's ratio they are read twice.
 */
GRPO4J_API int32_t grpo4j_policy_loss(const grpo4j_policy_loss_args* args,
                                      grpo4j_policy_metrics* metrics);

/*
 * The parts of policy_loss, for vocabularies in shards and for callers between the passes. Over a
 * shard, u = (z - m) / T:  m = max z,  s = sum e^u,  t = sum e^u u,  q = sum e^2u.
 *
 * row_states: (m, s, t, q) and the target's logit, where it lies in the shard, of each row [n]. Reads
 * n * shard * sizeof(dtype) bytes; nothing aliases. Bad rows are marked in their states.
 */
GRPO4J_API int32_t grpo4j_row_states(const grpo4j_row_states_args* args, grpo4j_report* report);
/*
 * merge_states: states [shards, n] to [n], which may be the first shard's memory, and to the outputs
 * of token_stats. With m' = max m over the shards and d = (m - m') / T of each:
 *   s' = sum e^d s,  t' = sum e^d (t + d s),  q' = sum e^2d q.
 * A row that is bad in a shard is bad. Moves (shards + 1) * n * sizeof(grpo4j_row_state) bytes.
 */
GRPO4J_API int32_t grpo4j_merge_states(const grpo4j_merge_states_args* args, grpo4j_report* report);
/*
 * objective: loss, metrics and the slopes g, h [n] of policy_loss from the outputs alone (log-probs
 * and entropies [n]). Nothing aliases; 44 bytes a row and 8 a sequence are moved.
 */
GRPO4J_API int32_t grpo4j_objective(const grpo4j_objective_args* args,
                                    grpo4j_policy_metrics* metrics);
/*
 * logits_gradient: dz of policy_loss over a shard from merged states and slopes [n], of the caller's
 * own objective if it likes; in place, apart or added. Rows whose slopes are 0 or whose state is bad
 * are not read, their gradient is 0. Reads and writes n * shard * sizeof(dtype) bytes each. Rows whose
 * temperature can't be that of their states are in the report, their gradient is 0.
 */
GRPO4J_API int32_t grpo4j_logits_gradient(const grpo4j_logits_gradient_args* args,
                                          grpo4j_report* report);

/* Estimators of the advantage of each completion within its group; formulas in docs/math.md. */
enum {
  GRPO4J_ADVANTAGE_GRPO = 0,      /* (R - mean) / (sigma + epsilon) */
  GRPO4J_ADVANTAGE_DR_GRPO = 1,   /* R - mean */
  GRPO4J_ADVANTAGE_RLOO = 2,      /* n / (n - 1) (R - mean) */
  GRPO4J_ADVANTAGE_OPO = 3,       /* R - sum(len R) / sum(len) */
  GRPO4J_ADVANTAGE_REINFORCE = 4, /* R - mean, whitened over all trained tokens */
  GRPO4J_ADVANTAGE_PASSK = 5      /* best of its group: (R_1st - R_2nd) / (sigma + epsilon) */
};

/* Whose standard deviation GRPO and pass@k divide by. */
enum { GRPO4J_SCALE_GROUP = 0, GRPO4J_SCALE_BATCH = 1, GRPO4J_SCALE_NONE = 2 };

typedef struct grpo4j_group_advantages_args {
  int64_t completions;
  int64_t groups;
  const int64_t* group_offsets; /* [groups + 1], 0 .. completions: a group's completions adjoin */
  const float* rewards;         /* [completions] */
  const int32_t* lengths;       /* [completions] trained tokens; null unless OPO or REINFORCE */
  int32_t estimator;            /* GRPO4J_ADVANTAGE_* */
  int32_t scale;                /* GRPO4J_SCALE_* */
  double epsilon;
  float* advantages;            /* [completions] */
} grpo4j_group_advantages_args;

/* In which order a completion's token weights are clamped to [min, max] and divided by their mean. */
enum {
  GRPO4J_CLAMP_THEN_MEAN = 0, /* ResT's release */
  GRPO4J_MEAN_THEN_CLAMP = 1  /* ResT's paper */
};

/*
 * ResT's weight of each token: the greatest of its regions' weights; positive ones clamped and
 * divided by their mean over the completion's trained tokens that have one. Others weigh 0.
 */
typedef struct grpo4j_token_weights_args {
  int64_t n;                       /* tokens */
  int64_t sequences;
  const int64_t* sequence_offsets; /* [sequences + 1], 0 .. n */
  const uint8_t* regions;          /* [n] bit k: the token lies in region k */
  const float* completion_mask;    /* [n] 0: not trained; null: all are */
  double region_weights[8];        /* of region 0 .. 7; 0: no weight */
  double min;                      /* positive */
  double max;
  int32_t order;                   /* GRPO4J_CLAMP_THEN_MEAN or GRPO4J_MEAN_THEN_CLAMP */
  float* weights;                  /* [n] */
} grpo4j_token_weights_args;

/*
 * One float per completion from the rewards of its group; one float per token from its regions.
 * Rewards must be finite, lengths not negative, a group of pass@k not of one completion. Formulas in
 * advantages.h and token_weights.h.
 */
GRPO4J_API int32_t grpo4j_group_advantages(const grpo4j_group_advantages_args* args);
GRPO4J_API int32_t grpo4j_token_weights(const grpo4j_token_weights_args* args);

/* The ISA that calls will use; -1 when GRPO4J_ISA names one that does not exist here. */
GRPO4J_API int32_t grpo4j_isa(void);
/* 1 when this build and this machine have the ISA. */
GRPO4J_API int32_t grpo4j_isa_available(int32_t isa);
/* Forces an ISA for all later calls. */
GRPO4J_API int32_t grpo4j_use_isa(int32_t isa);
/* "scalar", "avx2", "avx512", "avx512_bf16", "neon"; null for anything else. */
GRPO4J_API const char* grpo4j_isa_name(int32_t isa);

/* Threads a call may use, the caller's own included. Default: the processors of this process. */
GRPO4J_API int32_t grpo4j_threads(void);
GRPO4J_API int32_t grpo4j_set_threads(int32_t threads);

#ifdef __cplusplus
}
#endif
#endif
