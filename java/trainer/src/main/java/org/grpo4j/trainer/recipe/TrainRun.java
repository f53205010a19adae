package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.report.Summary;
import org.jspecify.annotations.Nullable;

/** A training run: {@link GrpoTraining} with evaluation, metrics, checkpoints and report around. */
public final class TrainRun {
  private final TrainConfig config;
  private final ResumableRun run;

  private TrainRun(TrainConfig config, ResumableRun run) {
    this.config = config;
    this.run = run;
  }

  /**
   * Trains, from the start or from the newest checkpoint in the run folder.
   *
   * @return the summary, or empty where Ctrl-C ended the run early, with a checkpoint to resume
   *     from
   * @throws org.grpo4j.torch.InputException something given is wrong; what was written before stays
   *     readable
   */
  public static Optional<Summary> train(TrainConfig config, RunDirectory run, PrintStream out) {
    return new TrainRun(config, new ResumableRun("train", run, config.model(), config.run(), out))
        .train();
  }

  private Optional<Summary> train() {
    Path base = run.base();
    try (Interruption interruption = new Interruption();
        TensorKernels kernels = Workspace.applyRuntime(config.runtime(), run.out());
        // The tokenizer of a checkpoint would go away with it, under save_total_limit.
        Policy policy = Policy.load(run.checkpoint().orElse(base), base, true, kernels);
        DecoderModel reference = reference(base, kernels);
        Rollouts rollouts = Rollouts.of(policy, config.model(), config.environment());
        MetricsLog metrics = run.openMetrics()) {
      PromptSets sets = PromptSets.of(config, policy, rollouts, run.out());
      boolean fixed = config.optimizer().maxSteps() >= 0;
      int totalSteps = config.totalSteps(fixed ? 0 : sets.training().size());
      Scorer scorer = Scorer.of(policy, config);
      Evaluator evaluator =
          new Evaluator(rollouts, Scorer.forEvaluation(policy, config), evaluation());
      try (PolicyOptimizer optimizer =
          new PolicyOptimizer(policy.model().parameters(), config.optimizer(), totalSteps)) {
        run.restore(optimizer);
        TrainerState state = run.start();
        if (state.before() == null && !sets.heldOut().isEmpty()) {
          state = state.withBefore(evaluate(evaluator, sets.heldOut(), state, metrics));
        }
        StepLog log =
            new StepLog(
                config,
                new StepLog.Sinks(run.folder(), metrics, run.out()),
                policy,
                state,
                totalSteps);
        GrpoTraining training =
            new GrpoTraining(
                config,
                new GrpoTraining.Parts(policy, reference, sets.training(), rollouts, scorer),
                optimizer,
                state,
                log);
        while (!over(training.state(), totalSteps) && !interruption.requested()) {
          int before = training.state().step();
          training.rolloutAndUpdates(totalSteps);
          int now = training.state().step();
          // Before the checkpoint: a run resumed from it finds the evaluation's row written.
          boolean over = over(training.state(), totalSteps);
          if (!over && ResumableRun.passes(config.run().evalSteps(), before, now)) {
            log.interlude();
            evaluate(evaluator, sets.heldOut(), training.state(), metrics);
          }
          if (run.saves(over || interruption.requested(), before, now)) {
            run.save(policy, optimizer, log.into(training.state()));
          }
        }
        return finish(training.state(), totalSteps, evaluator, sets.heldOut(), metrics);
      }
    }
  }

  /** Whether the steps are done, or the tokens used up. */
  private boolean over(TrainerState state, int totalSteps) {
    Long tokens = config.generation().maxTokens();
    return state.step() >= totalSteps || (tokens != null && state.tokens() >= tokens);
  }

  private @Nullable DecoderModel reference(Path base, TensorKernels kernels) {
    return config.objective().beta() == 0 ? null : DecoderModel.load(base, false, kernels.device());
  }

  private Evaluator.Settings evaluation() {
    return new Evaluator.Settings(
        config.generation().maxCompletionLength(),
        config.generation().temperature(),
        config.generationBatchSize(),
        config.runtime().seed());
  }

  private Evaluator.@Nullable Result evaluate(
      Evaluator evaluator, List<RenderedPrompt> heldOut, TrainerState state, MetricsLog metrics) {
    if (heldOut.isEmpty()) {
      return null;
    }
    Evaluator.Result result = evaluator.evaluate(heldOut);
    Map<String, Double> values = new LinkedHashMap<>(result.values());
    values.put("num_tokens", (double) state.tokens());
    metrics.log(state.step(), values);
    run.out().println("step " + state.step() + ", held out: " + result.describe());
    return result;
  }

  private Optional<Summary> finish(
      TrainerState state,
      int totalSteps,
      Evaluator evaluator,
      List<RenderedPrompt> heldOut,
      MetricsLog metrics) {
    if (!over(state, totalSteps)) {
      return run.stopped(state, totalSteps);
    }
    Evaluator.Result after = evaluate(evaluator, heldOut, state, metrics);
    Evaluator.Result before = state.before();
    return run.finished(
        new Summary(
            before == null ? Summary.Scores.NONE : before.scores(),
            after == null ? Summary.Scores.NONE : after.scores(),
            heldOut.size(),
            state.step(),
            state.seconds(),
            state.completionTokens() / Math.max(1e-9, state.seconds()),
            config.runtime().seed(),
            Workspace.objectiveName(config)));
  }
}
