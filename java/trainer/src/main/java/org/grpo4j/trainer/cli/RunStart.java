package org.grpo4j.trainer.cli;

import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.RunSettings;
import org.grpo4j.trainer.config.RuntimeSettings;
import org.grpo4j.trainer.recipe.Workspace;
import org.grpo4j.trainer.report.RunDirectory;

/** Opens run folders, and logs to them what goes wrong. */
final class RunStart {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  private RunStart() {}

  /**
   * A fresh folder: output_dir, or runs/&lt;run_name&gt;, or runs/&lt;command&gt;-&lt;time&gt;.
   *
   * @throws InputException before that, if the device or the kernels asked for are not here
   */
  static RunDirectory fresh(
      String command, RunSettings settings, RuntimeSettings runtime, String yaml) {
    Workspace.requireRuntime(runtime);
    String output = settings.outputDir();
    String name = settings.runName();
    if (output == null) {
      output =
          "runs/"
              + (name == null
                  ? command + "-" + ZonedDateTime.now(ZoneId.systemDefault()).format(TIME)
                  : name);
    }
    RunDirectory run = RunDirectory.create(Path.of(output));
    run.writeConfig(yaml);
    run.writeVersions(Versions.of(runtime));
    return run;
  }

  /** The folder of a run to continue with its own settings. */
  static RunDirectory resumed(Path folder, CommonOptions common) {
    if (common.config() != null) {
      throw new InputException(
          "--resume takes the settings of the run in %s: leave --config out".formatted(folder));
    }
    for (String override : common.overrides()) {
      if (override.startsWith("output_dir=") || override.startsWith("run_name=")) {
        throw new InputException("%s: a resumed run stays in its folder".formatted(override));
      }
    }
    return RunDirectory.resume(folder);
  }

  /** Goes on in a folder, whose config.yaml takes up what the command line changed. */
  static RunDirectory continued(RunDirectory run, String yaml) {
    run.writeConfig(yaml);
    return run;
  }

  /** Says where a finished run is to be looked at. */
  static void done(RunDirectory run) {
    System.out.println("summary: " + run.summary());
    System.out.println("report:  " + run.report());
    run.latestCheckpoint().ifPresent(c -> System.out.println("model:   " + c));
  }

  /** Runs the work; the stack trace of a failure of the program goes to the run's log. */
  static void logging(RunDirectory run, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | OutOfMemoryError | LinkageError e) {
      if (Failures.explain(e).isPresent()) {
        throw e;
      }
      run.logFailure(e);
      throw new Failures.Logged(run.log(), e);
    }
  }
}
