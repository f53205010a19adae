package org.grpo4j.kernels.internal;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** Tells JavaCPP how the C header becomes the generated classes of this package. */
@Properties(
    value =
        @Platform(
            value = "linux-x86_64",
            include = {"grpo4j/grpo4j.h", "grpo4j/grpo4j_backend.h"},
            link = "grpo4j"),
    target = "org.grpo4j.kernels.internal",
    global = "org.grpo4j.kernels.internal.Native")
public class NativeConfig implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    infoMap
        .put(new Info("GRPO4J_API").cppTypes().annotations())
        .put(new Info("grpo4j_matrix").pointerTypes("NativeMatrix"))
        .put(new Info("grpo4j_report").pointerTypes("NativeReport"))
        .put(new Info("grpo4j_row_outputs").pointerTypes("NativeRowOutputs"))
        .put(new Info("grpo4j_token_stats_args").pointerTypes("NativeTokenStatsArgs"))
        .put(new Info("grpo4j_policy_config").pointerTypes("NativePolicyConfig"))
        .put(new Info("grpo4j_policy_loss_args").pointerTypes("NativePolicyLossArgs"))
        .put(new Info("grpo4j_rows").pointerTypes("NativeRows"))
        .put(new Info("grpo4j_row_state").pointerTypes("NativeRowState"))
        .put(new Info("grpo4j_row_slopes").pointerTypes("NativeRowSlopes"))
        .put(new Info("grpo4j_policy_batch").pointerTypes("NativePolicyBatch"))
        .put(new Info("grpo4j_row_states_args").pointerTypes("NativeRowStatesArgs"))
        .put(new Info("grpo4j_merge_states_args").pointerTypes("NativeMergeStatesArgs"))
        .put(new Info("grpo4j_objective_args").pointerTypes("NativeObjectiveArgs"))
        .put(new Info("grpo4j_logits_gradient_args").pointerTypes("NativeLogitsGradientArgs"))
        .put(new Info("grpo4j_policy_metrics").pointerTypes("NativePolicyMetrics"))
        .put(new Info("grpo4j_group_advantages_args").pointerTypes("NativeGroupAdvantagesArgs"))
        .put(new Info("grpo4j_token_weights_args").pointerTypes("NativeTokenWeightsArgs"));
  }
}
