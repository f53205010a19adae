package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.internal.NativeLogitsGradientArgs;
import org.grpo4j.kernels.internal.NativeMatrix;
import org.grpo4j.kernels.internal.NativeMergeStatesArgs;
import org.grpo4j.kernels.internal.NativeObjectiveArgs;
import org.grpo4j.kernels.internal.NativePolicyBatch;
import org.grpo4j.kernels.internal.NativePolicyConfig;
import org.grpo4j.kernels.internal.NativePolicyLossArgs;
import org.grpo4j.kernels.internal.NativePolicyMetrics;
import org.grpo4j.kernels.internal.NativeReport;
import org.grpo4j.kernels.internal.NativeRowOutputs;
import org.grpo4j.kernels.internal.NativeRowStatesArgs;
import org.grpo4j.kernels.internal.NativeRows;
import org.grpo4j.kernels.internal.NativeTokenStatsArgs;
import org.jspecify.annotations.Nullable;

/**
 * Byte offsets of the C structures' fields, as the compiler of the glue laid them out. Writing a
 * structure through a buffer costs a few nanoseconds a field; through the generated setters, each a
 * call into native code, a whole one costs five microseconds.
 */
final class Struct {
  private Struct() {}

  private static int at(Class<? extends Pointer> type, String field) {
    int offset = Pointer.offsetof(type, field);
    if (offset < 0) {
      throw new KernelException("the native library has no field " + field + " in " + type);
    }
    return offset;
  }

  /** grpo4j_matrix. */
  static final class Matrix {
    static final int DATA = at(NativeMatrix.class, "data");
    static final int DTYPE = at(NativeMatrix.class, "dtype");
    static final int ROWS = at(NativeMatrix.class, "rows");
    static final int VOCAB = at(NativeMatrix.class, "vocab");
    static final int ROW_STRIDE = at(NativeMatrix.class, "row_stride");

    private Matrix() {}
  }

  /** grpo4j_rows. */
  static final class Rows {
    static final int N = at(NativeRows.class, "n");
    static final int ROW_INDICES = at(NativeRows.class, "row_indices");
    static final int TARGETS = at(NativeRows.class, "targets");
    static final int TARGET_TYPE = at(NativeRows.class, "target_type");
    static final int TEMPERATURE = at(NativeRows.class, "temperature");
    static final int TEMPERATURES = at(NativeRows.class, "temperatures");
    static final int SOFT_CAP = at(NativeRows.class, "soft_cap");

    private Rows() {}
  }

  /** grpo4j_row_outputs. */
  static final class Outputs {
    static final int LOG_PROBS = at(NativeRowOutputs.class, "log_probs");
    static final int ENTROPY = at(NativeRowOutputs.class, "entropy");
    static final int LSE = at(NativeRowOutputs.class, "lse");
    static final int SUM_SQUARES = at(NativeRowOutputs.class, "sum_squares");

    private Outputs() {}
  }

  /** grpo4j_policy_batch. */
  static final class Batch {
    static final int OLD_LOG_PROBS = at(NativePolicyBatch.class, "old_log_probs");
    static final int REF_LOG_PROBS = at(NativePolicyBatch.class, "ref_log_probs");
    static final int ADVANTAGES = at(NativePolicyBatch.class, "advantages");
    static final int POLICY_WEIGHTS = at(NativePolicyBatch.class, "policy_weights");
    static final int REGULARIZER_WEIGHTS = at(NativePolicyBatch.class, "regularizer_weights");
    static final int SEQUENCES = at(NativePolicyBatch.class, "sequences");
    static final int SEQUENCE_OFFSETS = at(NativePolicyBatch.class, "sequence_offsets");
    static final int ADVANTAGES_PER_SEQUENCE =
        at(NativePolicyBatch.class, "advantages_per_sequence");

    private Batch() {}
  }

  /** grpo4j_policy_config. */
  static final class Config {
    static final int OBJECTIVE = at(NativePolicyConfig.class, "objective");
    static final int RATIO_LEVEL = at(NativePolicyConfig.class, "ratio_level");
    static final int CLIP_LOW = at(NativePolicyConfig.class, "clip_low");
    static final int CLIP_HIGH = at(NativePolicyConfig.class, "clip_high");
    static final int DUAL_CLIP = at(NativePolicyConfig.class, "dual_clip");
    static final int DELTA = at(NativePolicyConfig.class, "delta");
    static final int SAPO_POSITIVE = at(NativePolicyConfig.class, "sapo_positive");
    static final int SAPO_NEGATIVE = at(NativePolicyConfig.class, "sapo_negative");
    static final int VESPO_K_POSITIVE = at(NativePolicyConfig.class, "vespo_k_positive");
    static final int VESPO_LAMBDA_POSITIVE = at(NativePolicyConfig.class, "vespo_lambda_positive");
    static final int VESPO_K_NEGATIVE = at(NativePolicyConfig.class, "vespo_k_negative");
    static final int VESPO_LAMBDA_NEGATIVE = at(NativePolicyConfig.class, "vespo_lambda_negative");
    static final int KL_COEF = at(NativePolicyConfig.class, "kl_coef");
    static final int ENTROPY_COEF = at(NativePolicyConfig.class, "entropy_coef");
    static final int KL_ESTIMATOR = at(NativePolicyConfig.class, "kl_estimator");
    static final int KL_BIAS_CORRECTED = at(NativePolicyConfig.class, "kl_bias_corrected");

    private Config() {}
  }

  /** grpo4j_report. */
  static final class Report {
    static final int BAD_ROWS = at(NativeReport.class, "bad_rows");
    static final int FIRST_BAD_ROW = at(NativeReport.class, "first_bad_row");
    static final int FIRST_BAD_REASON = at(NativeReport.class, "first_bad_reason");
    static final int ISA = at(NativeReport.class, "isa");

    private Report() {}
  }

  /** grpo4j_policy_metrics. */
  static final class Metrics {
    static final int REPORT = at(NativePolicyMetrics.class, "report");
    static final int ACTIVE_ROWS = at(NativePolicyMetrics.class, "active_rows");
    static final int UNITS = at(NativePolicyMetrics.class, "units");
    static final int CLIP_LOW_COUNT = at(NativePolicyMetrics.class, "clip_low_count");
    static final int CLIP_HIGH_COUNT = at(NativePolicyMetrics.class, "clip_high_count");
    static final int DUAL_CLIP_COUNT = at(NativePolicyMetrics.class, "dual_clip_count");
    static final int LOSS = at(NativePolicyMetrics.class, "loss");
    static final int POLICY_LOSS = at(NativePolicyMetrics.class, "policy_loss");
    static final int KL = at(NativePolicyMetrics.class, "kl");
    static final int ENTROPY = at(NativePolicyMetrics.class, "entropy");
    static final int APPROX_KL = at(NativePolicyMetrics.class, "approx_kl");
    static final int RATIO_MIN = at(NativePolicyMetrics.class, "ratio_min");
    static final int RATIO_MAX = at(NativePolicyMetrics.class, "ratio_max");
    static final int RATIO_MEAN = at(NativePolicyMetrics.class, "ratio_mean");
    static final int FACTOR_MEAN = at(NativePolicyMetrics.class, "factor_mean");

    private Metrics() {}
  }

  /** grpo4j_token_stats_args. */
  static final class TokenStatsArgs {
    static final int LOGITS = at(NativeTokenStatsArgs.class, "logits");
    static final int ROWS = at(NativeTokenStatsArgs.class, "rows");
    static final int OUT = at(NativeTokenStatsArgs.class, "out");
    static final int FLAGS = at(NativeTokenStatsArgs.class, "flags");

    private TokenStatsArgs() {}
  }

  /** grpo4j_policy_loss_args. */
  static final class PolicyLossArgs {
    static final int LOGITS = at(NativePolicyLossArgs.class, "logits");
    static final int GRADIENT = at(NativePolicyLossArgs.class, "gradient");
    static final int ROWS = at(NativePolicyLossArgs.class, "rows");
    static final int BATCH = at(NativePolicyLossArgs.class, "batch");
    static final int OUT = at(NativePolicyLossArgs.class, "out");
    static final int CONFIG = at(NativePolicyLossArgs.class, "config");
    static final int STATES = at(NativePolicyLossArgs.class, "states");
    static final int SLOPES = at(NativePolicyLossArgs.class, "slopes");
    static final int FLAGS = at(NativePolicyLossArgs.class, "flags");

    private PolicyLossArgs() {}
  }

  /** grpo4j_row_states_args. */
  static final class RowStatesArgs {
    static final int LOGITS = at(NativeRowStatesArgs.class, "logits");
    static final int ROWS = at(NativeRowStatesArgs.class, "rows");
    static final int VOCAB_BEGIN = at(NativeRowStatesArgs.class, "vocab_begin");
    static final int VOCAB_TOTAL = at(NativeRowStatesArgs.class, "vocab_total");
    static final int STATES = at(NativeRowStatesArgs.class, "states");

    private RowStatesArgs() {}
  }

  /** grpo4j_merge_states_args. */
  static final class MergeStatesArgs {
    static final int SHARDS = at(NativeMergeStatesArgs.class, "shards");
    static final int SHARD_COUNT = at(NativeMergeStatesArgs.class, "shard_count");
    static final int N = at(NativeMergeStatesArgs.class, "n");
    static final int TEMPERATURE = at(NativeMergeStatesArgs.class, "temperature");
    static final int TEMPERATURES = at(NativeMergeStatesArgs.class, "temperatures");
    static final int MERGED = at(NativeMergeStatesArgs.class, "merged");
    static final int OUT = at(NativeMergeStatesArgs.class, "out");
    static final int FLAGS = at(NativeMergeStatesArgs.class, "flags");

    private MergeStatesArgs() {}
  }

  /** grpo4j_objective_args. */
  static final class ObjectiveArgs {
    static final int N = at(NativeObjectiveArgs.class, "n");
    static final int BATCH = at(NativeObjectiveArgs.class, "batch");
    static final int OUT = at(NativeObjectiveArgs.class, "out");
    static final int CONFIG = at(NativeObjectiveArgs.class, "config");
    static final int SLOPES = at(NativeObjectiveArgs.class, "slopes");
    static final int FLAGS = at(NativeObjectiveArgs.class, "flags");

    private ObjectiveArgs() {}
  }

  /** grpo4j_logits_gradient_args. */
  static final class LogitsGradientArgs {
    static final int LOGITS = at(NativeLogitsGradientArgs.class, "logits");
    static final int GRADIENT = at(NativeLogitsGradientArgs.class, "gradient");
    static final int ROWS = at(NativeLogitsGradientArgs.class, "rows");
    static final int VOCAB_BEGIN = at(NativeLogitsGradientArgs.class, "vocab_begin");
    static final int VOCAB_TOTAL = at(NativeLogitsGradientArgs.class, "vocab_total");
    static final int STATES = at(NativeLogitsGradientArgs.class, "states");
    static final int SLOPES = at(NativeLogitsGradientArgs.class, "slopes");
    static final int FLAGS = at(NativeLogitsGradientArgs.class, "flags");

    private LogitsGradientArgs() {}
  }

  /** Where a pointer's position is; 0 for none. */
  static long address(@Nullable Pointer pointer) {
    return pointer == null ? 0 : pointer.address() + pointer.position() * elementBytes(pointer);
  }

  /** What {@link Pointer#sizeof} gives, without its two look-ups where the type says it. */
  static long elementBytes(Pointer pointer) {
    if (pointer instanceof FloatPointer || pointer instanceof IntPointer) {
      return 4;
    }
    return pointer instanceof LongPointer ? 8 : pointer.sizeof();
  }

  static void put(ByteBuffer to, int at, @Nullable Pointer pointer) {
    to.putLong(at, address(pointer));
  }
}
