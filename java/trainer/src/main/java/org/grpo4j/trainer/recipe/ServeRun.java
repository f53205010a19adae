package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Path;
import org.grpo4j.torch.Architecture;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.torch.SequenceBatch;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.trainer.config.ServeConfig;
import org.grpo4j.trainer.serve.CompletionServer;
import org.grpo4j.trainer.serve.ServedModel;
import org.grpo4j.trainer.serve.ToolCallSyntax;

/** A checkpoint behind an OpenAI-compatible endpoint, until it is closed. */
public final class ServeRun implements AutoCloseable {
  private final Policy policy;
  private final CompletionServer server;
  private final ServedModel served;
  private final ServeConfig config;

  private ServeRun(Policy policy, CompletionServer server, ServedModel served, ServeConfig config) {
    this.policy = policy;
    this.server = server;
    this.served = served;
    this.config = config;
  }

  /**
   * Loads the checkpoint and starts to answer.
   *
   * @param messages where the log goes
   */
  public static ServeRun start(ServeConfig config, PrintStream messages) {
    TensorKernels kernels = Workspace.applyRuntime(config.runtime(), messages);
    Policy policy = null;
    try {
      Path folder = Workspace.modelFolder(config.model(), Workspace.temporaryFolder());
      policy = Policy.load(folder, false, kernels);
      ServedModel served = served(policy, config);
      int cachedTokens = cachedTokens(config.limits(), policy.model());
      messages.printf(
          "%s: %d parameters, context of %d tokens, keys and values of %d tokens (%d MiB)%n",
          served.name(),
          policy.model().parameterCount(),
          served.contextLength(),
          cachedTokens,
          (SequenceBatch.bytesPerToken(policy.model().config()) * cachedTokens) >> 20);
      CompletionServer server = CompletionServer.start(served, config, cachedTokens, messages);
      return new ServeRun(policy, server, served, config);
    } catch (RuntimeException e) {
      if (policy != null) {
        policy.close();
      }
      kernels.close();
      throw e;
    }
  }

  private static ServedModel served(Policy policy, ServeConfig config) {
    String given = config.model().modelNameOrPath();
    String name = config.endpoint().servedModelName();
    if (name == null) {
      Path last = Path.of(given).toAbsolutePath().normalize().getFileName();
      name = last == null ? given : last.toString();
    }
    ModelConfig shape = policy.model().config();
    Integer shorter = config.limits().maxContextLength();
    if (shorter != null && shorter > shape.maxPositions()) {
      throw new InputException(
          "max_context_length=%d: the checkpoint was made for %d tokens (max_position_embeddings)"
              .formatted(shorter, shape.maxPositions()));
    }
    return new ServedModel(
        name,
        given,
        policy.model(),
        policy.tokenizer(),
        ChatTemplate.load(policy.folder()),
        config.model().chatTemplateKwargs(),
        policy.stopTokens(),
        shorter == null ? shape.maxPositions() : shorter,
        syntax(config, shape));
  }

  private static ToolCallSyntax syntax(ServeConfig config, ModelConfig shape) {
    return switch (config.endpoint().toolCallFormat()) {
      case HERMES -> ToolCallSyntax.HERMES;
      case LLAMA3_JSON -> ToolCallSyntax.LLAMA3_JSON;
      case NONE -> ToolCallSyntax.NONE;
      case AUTO ->
          shape.architecture() == Architecture.LLAMA
              ? ToolCallSyntax.LLAMA3_JSON
              : ToolCallSyntax.HERMES;
    };
  }

  /** As configured, or what half of the free memory holds; no more than could ever be used. */
  private static int cachedTokens(ServeConfig.Limits limits, DecoderModel model) {
    Integer given = limits.maxCachedTokens();
    if (given != null) {
      return given;
    }
    ModelConfig shape = model.config();
    long most = (long) limits.maxBatchSize() * SequenceBatch.slotsFor(shape.maxPositions());
    long fit = model.device().freeBytes() / 2 / SequenceBatch.bytesPerToken(shape);
    return (int) Math.min(Integer.MAX_VALUE, Math.max(1, Math.min(most, fit)));
  }

  /** Where clients connect to. */
  public String baseUrl() {
    String host = config.endpoint().host();
    return "http://%s:%d/v1".formatted(host.contains(":") ? "[" + host + "]" : host, port());
  }

  /** The port it listens on. */
  public int port() {
    return server.port();
  }

  /** What clients call the model. */
  public String modelName() {
    return served.name();
  }

  /** Sequences that wait or run. */
  public int unfinished() {
    return server.unfinished();
  }

  /** Stops accepting and lets requests end, for as long as drain_seconds says. */
  public void drain() {
    server.drain(config.limits().drainSeconds());
  }

  /** Cuts off what still runs and frees the model. */
  @Override
  public void close() {
    server.close();
    policy.close();
    policy.kernels().close();
  }
}
