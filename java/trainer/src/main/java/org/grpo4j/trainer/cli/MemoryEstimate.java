package org.grpo4j.trainer.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.torch.TorchDevice;
import org.grpo4j.trainer.config.TrainConfig;

/**
 * What a training run will hold in memory, by part, in bytes. Everything is fp32. Parameters,
 * gradients and AdamW's two moments are exact; the rest is for the longest prompts and completions
 * the settings allow, on the device that they name.
 */
record MemoryEstimate(
    Map<String, Long> parts, int promptTokens, boolean assumedPrompt, TorchDevice device) {
  private static final long FLOAT = 4;

  /** Assumed where max_prompt_length is unset: ToolRL's prompts are mostly shorter. */
  private static final int ASSUMED_PROMPT = 1024;

  /** The embedded tasks' prompts have about 38 and 20 tokens. */
  private static final int EMBEDDED_PROMPT = 64;

  /** The virtual machine, libtorch's code and its caches, measured on a run of a tiny model. */
  private static final long PROGRAM = 600L << 20;

  static MemoryEstimate of(TrainConfig config, ModelConfig model) {
    Integer limit = config.data().maxPromptLength();
    int prompt =
        limit != null ? limit : config.data().embedded() ? EMBEDDED_PROMPT : ASSUMED_PROMPT;
    int completion = config.generation().maxCompletionLength();
    long weights = model.parameterCount() * FLOAT;
    long micro = config.optimizer().perDeviceTrainBatchSize();
    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("parameters", weights);
    parts.put("gradients", weights);
    parts.put("AdamW moments", 2 * weights);
    if (config.objective().beta() > 0) {
      parts.put("reference model", weights);
    }
    long rollout = (long) config.promptsSampledTogether() * config.generation().numGenerations();
    parts.put(
        "KV cache while sampling",
        2L
            * model.layers()
            * model.keyValueHeads()
            * model.headDim()
            * rollout
            * (prompt + completion)
            * FLOAT);
    parts.put("logits of a micro-batch", micro * completion * model.vocabSize() * FLOAT);
    long prompts = Math.max(1, micro / config.generation().numGenerations());
    parts.put(
        "activations of a micro-batch",
        activations(model, prompts * prompt + micro * completion)
            + attentionCopies(model, micro * (prompt + completion)));
    parts.put("attention masks", micro * completion * (prompt + completion) * FLOAT);
    parts.put("program", PROGRAM);
    return new MemoryEstimate(parts, prompt, limit == null, config.runtime().torchDevice());
  }

  /**
   * What autograd keeps per token and layer: about six vectors of the hidden width (norms,
   * residuals, attention in and out), q and its rotation, k and v, and four of the feed-forward
   * width. Attention weights are not kept: libtorch's attention recomputes them.
   */
  private static long activations(ModelConfig model, long tokens) {
    long queries = (long) model.heads() * model.headDim();
    long keys = (long) model.keyValueHeads() * model.headDim();
    long perToken =
        6L * model.hiddenSize() + 4 * queries + 4 * keys + 4L * model.intermediateSize();
    return model.layers() * tokens * perToken * FLOAT;
  }

  /** Keys and values as attention reads them: per completion with its prompt, for every head. */
  private static long attentionCopies(ModelConfig model, long tokens) {
    return 2L * model.layers() * tokens * model.heads() * model.headDim() * FLOAT;
  }

  /** −1 where the GPU is not of this machine. */
  private long gpuMemory() {
    return device.unavailableCause().isEmpty() ? device.freeBytes() : -1;
  }

  long total() {
    return parts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** The estimate as lines to print, with a warning where it exceeds what is available. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(
        "memory estimate, prompts of %s%d tokens"
            .formatted(assumedPrompt ? "an assumed " : "at most ", promptTokens));
    parts.forEach((name, bytes) -> lines.add("%-30s %s".formatted(name, Machine.bytes(bytes))));
    lines.add("%-30s %s".formatted("together about", Machine.bytes(total())));
    long available = device.isCuda() ? gpuMemory() : Machine.availableMemory();
    lines.add("%-30s %s".formatted("available on " + device, Machine.bytes(available)));
    if (available >= 0 && total() > available) {
      lines.add(
          "this will not fit: lower per_device_train_batch_size (and raise"
              + " gradient_accumulation_steps), max_completion_length or max_prompt_length");
    }
    return lines;
  }
}
