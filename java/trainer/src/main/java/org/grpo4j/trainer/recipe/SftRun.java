package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.config.EnvironmentSettings;
import org.grpo4j.trainer.config.ModelSettings;
import org.grpo4j.trainer.config.SftConfig;
import org.grpo4j.trainer.data.DataReader;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.Progress;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.report.Summary;
import org.grpo4j.trainer.reward.EnvironmentReward;
import org.grpo4j.trainer.task.EmbeddedTask;
import org.grpo4j.trainer.task.HouseTask;

/** A supervised run: {@link SftTraining} with evaluation, metrics and checkpoints around. */
public final class SftRun {
  /** Rows of the embedded warm start: 1,200 steps of 32 see each once. */
  private static final int EMBEDDED_ROWS = 40_000;

  /** Conversations of the multi-turn warm start, of which 300 steps of 32 see a third. */
  private static final int MULTI_TURN_ROWS = 30_000;

  /** Length limit and batch of the answers that the evaluation samples. */
  private static final int EVALUATION_TOKENS = 256;

  private static final int EVALUATION_BATCH = 64;

  private final SftConfig config;
  private final ResumableRun run;

  private SftRun(SftConfig config, ResumableRun run) {
    this.config = config;
    this.run = run;
  }

  /**
   * Trains, from the start or from the newest checkpoint in the run folder.
   *
   * @return the summary, or empty where Ctrl-C ended the run early, with a checkpoint to resume
   *     from
   */
  public static Optional<Summary> train(SftConfig config, RunDirectory run, PrintStream out) {
    return new SftRun(config, new ResumableRun("sft", run, config.model(), config.run(), out))
        .train();
  }

  private Optional<Summary> train() {
    Path base = run.base();
    try (Interruption interruption = new Interruption();
        TensorKernels kernels = Workspace.applyRuntime(config.runtime(), run.out());
        // The tokenizer of a checkpoint would go away with it, under save_total_limit.
        Policy policy =
            run.checkpoint()
                .map(c -> Policy.load(c, base, true, kernels))
                .orElseGet(() -> initial(base, kernels));
        Rollouts rollouts = Rollouts.of(policy, config.model(), environment());
        MetricsLog metrics = run.openMetrics()) {
      PromptRenderer renderer =
          PromptSets.renderer(policy, config.model(), config.data().maxLength());
      List<SftTraining.Row> rows = rows(policy, renderer);
      List<RenderedPrompt> heldOut =
          PromptSets.heldOut(
              renderer, config.data().heldOut(), config.data().evalPrompts(), rollouts, run.out());
      int totalSteps = totalSteps(rows.size());
      try (PolicyOptimizer optimizer =
          new PolicyOptimizer(policy.model().parameters(), config.optimizer(), totalSteps)) {
        run.restore(optimizer);
        SftTraining training =
            new SftTraining(
                policy, rows, config.optimizer(), optimizer, run.start(), config.runtime().seed());
        loop(training, totalSteps, interruption, new Sinks(policy, optimizer, metrics));
        return finish(training.state(), totalSteps, evaluator(policy, rollouts), heldOut, metrics);
      }
    }
  }

  /** The multi-turn task is evaluated in its house; everything else by one answer. */
  private EnvironmentSettings environment() {
    boolean multiTurn = ModelSettings.EMBEDDED_MULTI_TURN.equals(config.data().heldOut());
    return multiTurn ? EnvironmentSettings.house() : EnvironmentSettings.none();
  }

  private Evaluator evaluator(Policy policy, Rollouts rollouts) {
    String reward = rollouts.multiTurn() ? EnvironmentReward.NAME : "toolrl";
    return new Evaluator(
        rollouts,
        Scorer.of(policy, reward, EVALUATION_TOKENS),
        new Evaluator.Settings(EVALUATION_TOKENS, 1, EVALUATION_BATCH, config.runtime().seed()));
  }

  private record Sinks(Policy policy, PolicyOptimizer optimizer, MetricsLog metrics) {}

  private Policy initial(Path base, TensorKernels kernels) {
    if (!config.data().fromScratch()) {
      return Policy.load(base, true, kernels);
    }
    long seed = config.runtime().seed();
    ModelConfig shape = ModelConfig.read(base);
    return Policy.of(base, DecoderModel.random(shape, seed, true, kernels.device()), kernels);
  }

  private List<SftTraining.Row> rows(Policy policy, PromptRenderer renderer) {
    List<Example> examples = examples();
    Integer limit = config.data().maxLength();
    List<SftTraining.Row> rows = new ArrayList<>();
    for (Example example : examples) {
      long[] prompt = renderer.render(example).ids();
      long[] answer = renderer.completion(example, policy.stopToken());
      if (limit == null || prompt.length + answer.length <= limit) {
        int firstTrained = config.data().completionOnlyLoss() ? prompt.length : 1;
        rows.add(
            new SftTraining.Row(
                LongStream.concat(LongStream.of(prompt), LongStream.of(answer)).toArray(),
                firstTrained));
      }
    }
    run.out()
        .printf(
            "%s: %d rows, %d left out, longer than max_length%n",
            config.data().trainFile(), rows.size(), examples.size() - rows.size());
    if (rows.isEmpty()) {
      throw new InputException(
          config.data().trainFile() + ": no row is within max_length " + limit + ": raise it");
    }
    return rows;
  }

  private List<Example> examples() {
    long seed = config.runtime().seed();
    return switch (config.data().trainFile()) {
      case ModelSettings.EMBEDDED -> EmbeddedTask.warmStart(EMBEDDED_ROWS, seed);
      case ModelSettings.EMBEDDED_MULTI_TURN -> HouseTask.warmStart(MULTI_TURN_ROWS, seed);
      default -> DataReader.read(Path.of(config.data().trainFile()));
    };
  }

  private int totalSteps(int rows) {
    int perStep =
        config.optimizer().perDeviceTrainBatchSize()
            * config.optimizer().gradientAccumulationSteps();
    return config.optimizer().maxSteps() >= 0
        ? config.optimizer().maxSteps()
        : (int) Math.ceil(rows * config.optimizer().numTrainEpochs() / perStep);
  }

  private void loop(SftTraining training, int totalSteps, Interruption interruption, Sinks sinks) {
    Progress progress = Progress.on(run.out(), training.state().step(), totalSteps);
    MetricsWindow window = new MetricsWindow(training.state().window());
    int steps = 0;
    while (training.state().step() < totalSteps && !interruption.requested()) {
      SftTraining.Update update = training.step();
      TrainerState state = training.state();
      window.add(values(update));
      steps++;
      boolean ends = state.step() >= totalSteps || interruption.requested();
      if (state.step() >= totalSteps || state.step() % config.run().loggingSteps() == 0) {
        double seconds = window.seconds(state.seconds());
        double rate = window.tokens(state.tokens()) / Math.max(1e-9, seconds);
        Map<String, Double> row = window.drain(state.seconds(), state.tokens());
        row.put("step_time", seconds / steps);
        row.put("tokens_per_second", rate);
        row.put("num_tokens", (double) state.tokens());
        steps = 0;
        sinks.metrics().log(state.step(), row);
        progress.step(state.step(), "loss", update.loss(), update.entropy(), rate);
      }
      if (run.saves(ends, state.step() - 1, state.step())) {
        run.save(sinks.policy(), sinks.optimizer(), state.withWindow(window.content()));
      }
    }
    progress.end();
  }

  private static Map<String, Double> values(SftTraining.Update update) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", update.loss());
    values.put("entropy", update.entropy());
    values.put("grad_norm", update.gradNorm());
    values.put("learning_rate", update.learningRate());
    return values;
  }

  private Optional<Summary> finish(
      TrainerState state,
      int totalSteps,
      Evaluator evaluator,
      List<RenderedPrompt> heldOut,
      MetricsLog metrics) {
    if (state.step() < totalSteps) {
      return run.stopped(state, totalSteps);
    }
    Summary.Scores after = Summary.Scores.NONE;
    if (!heldOut.isEmpty()) {
      Evaluator.Result result = evaluator.evaluate(heldOut);
      metrics.log(state.step(), result.values());
      run.out().println("held out: " + result.describe());
      after = result.scores();
    }
    return run.finished(
        new Summary(
            Summary.Scores.NONE,
            after,
            heldOut.size(),
            state.step(),
            state.seconds(),
            state.tokens() / Math.max(1e-9, state.seconds()),
            config.runtime().seed(),
            "cross_entropy"));
  }
}
