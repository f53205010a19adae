package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Optional;
import org.grpo4j.trainer.config.ModelSettings;
import org.grpo4j.trainer.config.RunSettings;
import org.grpo4j.trainer.report.HtmlReport;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.report.Summary;

/** What every training does with its run folder: it starts there, saves there and ends there. */
final class ResumableRun {
  private final String command;
  private final RunDirectory folder;
  private final RunSettings settings;
  private final PrintStream out;
  private final Path base;
  private final Optional<Path> checkpoint;
  private final TrainerState start;

  /**
   * @param command that resumes the run, for example "train"
   * @param model what the run starts from; an embedded one is unpacked into the folder
   */
  ResumableRun(
      String command,
      RunDirectory folder,
      ModelSettings model,
      RunSettings settings,
      PrintStream out) {
    this.command = command;
    this.folder = folder;
    this.settings = settings;
    this.out = out;
    base = Workspace.modelFolder(model, folder.root().resolve("base-model"));
    checkpoint = folder.latestCheckpoint();
    start = checkpoint.map(Checkpoints::readState).orElse(TrainerState.START);
  }

  RunDirectory folder() {
    return folder;
  }

  PrintStream out() {
    return out;
  }

  /** The folder of the model that training begins with, the tokenizer's, too. */
  Path base() {
    return base;
  }

  /** The newest checkpoint, which training goes on from. */
  Optional<Path> checkpoint() {
    return checkpoint;
  }

  /** The counters of the checkpoint, or those of a fresh run. */
  TrainerState start() {
    return start;
  }

  MetricsLog openMetrics() {
    return MetricsLog.open(folder, settings.reportTo(), start.step());
  }

  /** Gives the optimizer the checkpoint's moments, where there is a checkpoint. */
  void restore(PolicyOptimizer optimizer) {
    checkpoint.ifPresent(from -> Checkpoints.readOptimizer(from, optimizer));
  }

  /** Whether a checkpoint is due: at the end, and where a multiple of save_steps was passed. */
  boolean saves(boolean ends, int before, int now) {
    return ends || passes(settings.saveSteps(), before, now);
  }

  /** Whether a multiple of {@code every} lies among the steps after {@code before} up to now. */
  static boolean passes(int every, int before, int now) {
    return every > 0 && now / every > before / every;
  }

  /** A checkpoint; the oldest beyond save_total_limit go. */
  void save(Policy policy, PolicyOptimizer optimizer, TrainerState state) {
    Checkpoints.save(folder, policy, optimizer, state);
    Checkpoints.keep(folder, settings.saveTotalLimit());
  }

  /** The end of a run that was interrupted. */
  Optional<Summary> stopped(TrainerState state, int totalSteps) {
    HtmlReport.write(folder);
    out.printf(
        "stopped at step %d of %d; go on with: ./grpo4j %s --resume %s%n",
        state.step(), totalSteps, command, folder.root());
    return Optional.empty();
  }

  /** The end of a run that is done. */
  Optional<Summary> finished(Summary summary) {
    folder.writeSummary(summary);
    HtmlReport.write(folder);
    return Optional.of(summary);
  }
}
