package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.environment.ToolResult;
import org.grpo4j.trainer.report.LoggedCompletion;
import org.grpo4j.trainer.report.LoggedConversation;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.Progress;
import org.grpo4j.trainer.report.RunDirectory;
import org.jspecify.annotations.Nullable;

/** Turns what the recipe tells into rows of metrics, kept completions and the progress line. */
final class StepLog implements GrpoTraining.Listener {
  /** The deviation of a ratio from 1, before any update, that rounding in fp32 explains. */
  private static final double RATIO_TOLERANCE = 1e-4;

  private final TrainConfig config;
  private final RunDirectory run;
  private final Policy policy;
  private final MetricsLog metrics;
  private final Progress progress;
  private final int totalSteps;
  private final MetricsWindow window;
  private List<ScoredCompletion> latest = List.of();
  private double latestReward = Double.NaN;
  private int steps;
  private boolean warnedOfNoRows;

  /**
   * @param start where the run stands: 0, or its checkpoint
   */
  StepLog(TrainConfig config, Sinks sinks, Policy policy, TrainerState start, int totalSteps) {
    this.config = config;
    this.run = sinks.run();
    this.metrics = sinks.metrics();
    this.policy = policy;
    this.totalSteps = totalSteps;
    this.progress = Progress.on(sinks.out(), start.step(), totalSteps);
    this.window = new MetricsWindow(start.window());
  }

  /** Where a run's output goes. */
  record Sinks(RunDirectory run, MetricsLog metrics, PrintStream out) {}

  @Override
  public void rollout(List<ScoredCompletion> sampled) {
    latest = sampled;
    Map<String, Double> values = RolloutMetrics.of(sampled);
    latestReward = values.getOrDefault("reward", Double.NaN);
    window.add(values);
  }

  @Override
  public void weighted(int step, List<ScoredCompletion> batch, TokenWeights weights) {
    if (config.run().logTokens() > 0 && isLogged(step)) {
      run.writeTokens(step, TokenLog.of(policy, batch, weights, config.run().logTokens()));
    }
  }

  private boolean isLogged(int step) {
    return step % config.run().loggingSteps() == 0 || step >= totalSteps;
  }

  @Override
  public void update(UpdateMetrics update, TrainerState state) {
    if (update.fresh() && update.ratioDeviation() > RATIO_TOLERANCE) {
      progress.message(
          String.format(
              Locale.ROOT,
              "warning: before the first update on a rollout the largest |ratio - 1| is %.1e, wanted"
                  + " at most %.0e: sampler and trainer disagree",
              update.ratioDeviation(),
              RATIO_TOLERANCE));
    }
    if (update.rows() == 0 && !warnedOfNoRows) {
      warnedOfNoRows = true;
      progress.message(
          "warning: step "
              + state.step()
              + " had nothing to train on: every group's rewards are equal, or no completion has"
              + " tokens with a weight (token_weighting=rest gives one to tags, calls and reasoning"
              + " alone); said once");
    }
    if (!Double.isFinite(update.norm())) {
      progress.message(
          "warning: the gradient norm of step " + state.step() + " is not finite; no update made");
    }
    steps++;
    window.add(update.values(config.objective().beta() > 0));
    if (isLogged(state.step())) {
      row(update, state);
    }
  }

  private void row(UpdateMetrics update, TrainerState state) {
    double seconds = window.seconds(state.seconds());
    long sampled = window.tokens(state.completionTokens());
    Map<String, Double> values = window.drain(state.seconds(), state.completionTokens());
    // A row whose steps all reuse an earlier rollout sampled nothing: it has no rate.
    double rate = sampled == 0 ? Double.NaN : sampled / Math.max(1e-9, seconds);
    values.put("step_time", seconds / Math.max(1, steps));
    if (sampled > 0) {
      values.put("tokens_per_second", rate);
    }
    values.put("num_tokens", (double) state.tokens());
    values.put("resident_mib", Workspace.residentMib());
    metrics.log(state.step(), values);
    if (config.generation().maxTokens() != null) {
      double done = config.progress(state.step(), totalSteps, state.tokens());
      progress.expect((int) Math.ceil(state.step() / Math.max(done, 1e-9)));
    }
    progress.step(state.step(), "reward", latestReward, update.meanEntropy(), rate);
    if (config.run().logCompletions() && !latest.isEmpty()) {
      run.writeCompletions(
          state.step(), latest.stream().map(c -> logged(c, state.step())).toList());
    }
    for (int i = 0; i < Math.min(config.run().numCompletionsToPrint(), latest.size()); i++) {
      ScoredCompletion c = latest.get(i);
      progress.message(c.prompt().text() + c.text() + "\n-> reward " + c.reward());
    }
    latest = List.of();
    steps = 0;
  }

  /** The state with what was measured since the last row, for a checkpoint. */
  TrainerState into(TrainerState state) {
    return state.withWindow(window.content());
  }

  /** Ends the progress line before something else is printed. */
  void interlude() {
    progress.end();
  }

  private LoggedCompletion logged(ScoredCompletion c, int step) {
    List<Float> weights = new ArrayList<>();
    for (float weight : c.tokenWeights()) {
      weights.add(weight);
    }
    return new LoggedCompletion(
        step,
        c.prompt().text(),
        c.text(),
        c.rewards(),
        c.reward(),
        c.advantage(),
        policy.tokenTexts(c.completion().tokens()),
        weights,
        conversation(c));
  }

  private static @Nullable LoggedConversation conversation(ScoredCompletion c) {
    Episode episode = c.completion().episode();
    if (episode == null) {
      return null;
    }
    List<Integer> mask = new ArrayList<>();
    for (float sampled : c.completion().sampledMask()) {
      mask.add((int) sampled);
    }
    return new LoggedConversation(
        mask,
        episode.turns().stream().map(StepLog::turn).toList(),
        episode.ending().name().toLowerCase(Locale.ROOT),
        episode.outcome().success());
  }

  private static LoggedConversation.Turn turn(Episode.Turn turn) {
    return new LoggedConversation.Turn(
        turn.said().text(),
        turn.said().results().stream().map(ToolResult::output).toList(),
        turn.said().failures(),
        turn.reward());
  }
}
