package org.grpo4j.trainer.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.task.EmbeddedTask;
import org.grpo4j.trainer.task.HouseTask;
import org.grpo4j.trainer.weight.RegionFinders;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.jspecify.annotations.Nullable;

/** A training without run folder whose rollouts and updates are kept for the test to look at. */
final class Harness implements AutoCloseable {
  /** 8 completions of at most 12 tokens for 2 prompts, one optimizer step, our test's reward. */
  private static final List<String> BASE =
      List.of(
          "train_file=none.jsonl",
          "reward_funcs=[org.grpo4j.trainer.fixtures.EvenIdsReward]",
          "num_generations=4",
          "per_device_train_batch_size=8",
          "max_completion_length=12",
          "token_weighting=none",
          "lr_scheduler_type=constant",
          "max_steps=100",
          "max_grad_norm=0",
          "learning_rate=1.0e-3");

  final TrainConfig config;
  final Policy policy;
  final PolicyOptimizer optimizer;
  final GrpoTraining training;
  private final Rollouts sampler;
  final List<List<ScoredCompletion>> rollouts = new ArrayList<>();
  final List<UpdateMetrics> updates = new ArrayList<>();
  private final @Nullable DecoderModel reference;

  /**
   * @param flat which draws get a prompt whose completions are all worth the same
   * @param overrides key=value on top of the base
   */
  Harness(Path folder, IntFunction<Boolean> flat, String... overrides) {
    this(TensorKernels.onHost(), folder, flat, overrides);
  }

  /** The same with its loss on other kernels, which stay the caller's. */
  Harness(TensorKernels kernels, Path folder, IntFunction<Boolean> flat, String... overrides) {
    this.config = config(overrides);
    this.policy = Policy.load(folder, true, kernels);
    this.reference = config.objective().beta() == 0 ? null : DecoderModel.load(folder, false);
    this.optimizer = new PolicyOptimizer(policy.model().parameters(), config.optimizer(), 100);
    Scorer scorer =
        new Scorer(
            policy,
            config.reward(),
            RegionFinders.named(config.weighting().restRegions()),
            SpanPlacement.RELEASE,
            config.generation().maxCompletionLength());
    this.sampler = Rollouts.of(policy, config.model(), config.environment());
    PromptRenderer renderer = PromptSets.renderer(policy, config.model(), null);
    PromptSource prompts =
        new PromptSource() {
          @Override
          public RenderedPrompt at(long index) {
            return config.environment().environment() == null
                ? prompt(renderer, (int) index, flat.apply((int) index))
                : renderer.render(HouseTask.trainPrompts(3).apply((int) index));
          }

          @Override
          public long size() {
            return 1000;
          }
        };
    this.training =
        new GrpoTraining(
            config,
            new GrpoTraining.Parts(policy, reference, prompts, sampler, scorer),
            optimizer,
            TrainerState.START,
            new GrpoTraining.Listener() {
              @Override
              public void rollout(List<ScoredCompletion> sampled) {
                rollouts.add(sampled);
              }

              @Override
              public void update(UpdateMetrics metrics, TrainerState state) {
                updates.add(metrics);
              }
            });
  }

  static TrainConfig config(String... overrides) {
    List<String> all = new ArrayList<>(BASE);
    all.addAll(List.of(overrides));
    return ConfigLoader.TRAIN.load(null, all);
  }

  /** Prompt {@code index} of the embedded task, with the column that EvenIdsReward looks at. */
  static RenderedPrompt prompt(PromptRenderer renderer, int index, boolean flat) {
    Example e = EmbeddedTask.trainPrompts(3).apply(index);
    Map<String, Object> extra = flat ? Map.of("flat", true) : Map.of();
    return renderer.render(
        new Example(e.id(), e.messages(), null, e.answer(), List.of(), extra, "a test"));
  }

  /** Copies of the parameters by name. */
  Map<String, float[]> weights() {
    return weights(policy.model());
  }

  static Map<String, float[]> weights(DecoderModel model) {
    Map<String, float[]> copies = new LinkedHashMap<>();
    model.parameters().forEach((name, tensor) -> copies.put(name, floats(tensor)));
    return copies;
  }

  static float[] floats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.numel())];
    TorchTensors.floats(tensor.detach().contiguous()).get(values);
    return values;
  }

  /** after − before, all parameters one after the other. */
  static double[] difference(Map<String, float[]> before, Map<String, float[]> after) {
    int n = before.values().stream().mapToInt(v -> v.length).sum();
    double[] result = new double[n];
    int i = 0;
    for (Map.Entry<String, float[]> entry : before.entrySet()) {
      float[] b = entry.getValue();
      float[] a = after.getOrDefault(entry.getKey(), b);
      for (int j = 0; j < b.length; j++) {
        result[i++] = (double) a[j] - b[j];
      }
    }
    return result;
  }

  /** NaN, which equals nothing, where there is no such value. */
  static double value(Map<String, Double> values, String name) {
    return values.getOrDefault(name, Double.NaN);
  }

  static double norm(double[] values) {
    double sum = 0;
    for (double v : values) {
      sum += v * v;
    }
    return Math.sqrt(sum);
  }

  @Override
  public void close() {
    optimizer.close();
    sampler.close();
    policy.close();
    if (reference != null) {
      reference.close();
    }
  }
}
