package org.grpo4j.trainer.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.plugin.NearestName;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Entry point of {@code ./grpo4j}.
 *
 * <p>Exit status: 0 done, 1 a failure of the program, 2 something given is wrong (one clear line on
 * standard error), 130 stopped by Ctrl-C.
 */
@Command(
    name = "grpo4j",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    description = "Trains tool-calling language models with ResT on native loss kernels.",
    subcommands = {
      TrainCommand.class,
      SftCommand.class,
      GenerateCommand.class,
      EvalCommand.class,
      CompareCommand.class,
      ServeCommand.class,
      VarianceCommand.class,
      SelfcheckCommand.class,
      EmbeddedCommand.class,
      DoctorCommand.class,
      CommandLine.HelpCommand.class
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--debug",
      scope = CommandLine.ScopeType.INHERIT,
      description = "Print stack traces.")
  private boolean debug;

  /** Used by picocli. */
  public Main() {}

  /** Runs a command and ends the process with its exit status. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(run(out, err, args));
  }

  /** Runs a command; returns its exit status. */
  public static int run(PrintWriter out, PrintWriter err, String... args) {
    Main main = new Main();
    CommandLine line = commandLine(main).setOut(out).setErr(err);
    line.setExecutionExceptionHandler((e, command, parsed) -> Failures.report(e, err, main.debug));
    line.setParameterExceptionHandler((e, given) -> wrongArguments(e, err));
    try {
      return line.execute(args);
    } catch (OutOfMemoryError | LinkageError e) {
      // picocli hands exceptions to the handler, but not errors.
      return Failures.report(e, err, main.debug);
    }
  }

  private static CommandLine commandLine(Main main) {
    CommandLine line = new CommandLine(main).setUsageHelpWidth(100);
    Map<String, ConfigLoader<?>> loaders =
        Map.of(
            "train", ConfigLoader.TRAIN,
            "sft", ConfigLoader.SFT,
            "generate", ConfigLoader.GENERATE,
            "eval", ConfigLoader.EVAL,
            "compare", ConfigLoader.COMPARE,
            "serve", ConfigLoader.SERVE,
            "variance", ConfigLoader.VARIANCE);
    line.getSubcommands()
        .forEach(
            (name, command) -> {
              command.setUsageHelpWidth(100);
              ConfigLoader<?> loader = loaders.get(name);
              if (loader != null) {
                List<String> keys = keys("Keys", loader);
                if (name.equals("eval")) {
                  keys.addAll(keys("Keys with --benchmark", ConfigLoader.BENCHMARK));
                }
                command.getCommandSpec().usageMessage().footer(keys.toArray(String[]::new));
              }
            });
    return line;
  }

  private static List<String> keys(String title, ConfigLoader<?> loader) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(title + ", each with its default, for key=value and --config files:");
    // picocli formats footers.
    loader.help().forEach(line -> lines.add(line.replace("%", "%%")));
    return lines;
  }

  private static int wrongArguments(ParameterException e, PrintWriter err) {
    CommandLine command = e.getCommandLine();
    List<String> similar = new ArrayList<>();
    if (e instanceof CommandLine.UnmatchedArgumentException unmatched) {
      // picocli's order follows shared letters: variance came before train for trian.
      similar.addAll(unmatched.getSuggestions());
      similar.sort(NearestName.byEdits(unmatched.getUnmatched().get(0)));
    }
    String hint =
        similar.isEmpty()
            ? "see ./%s --help".formatted(command.getCommandSpec().qualifiedName())
            : "did you mean '%s'?".formatted(similar.get(0));
    String problem =
        command.getParent() == null && e instanceof CommandLine.UnmatchedArgumentException unmatched
            ? "unknown command '%s'".formatted(unmatched.getUnmatched().get(0))
            : String.valueOf(e.getMessage()).lines().findFirst().orElse("wrong arguments");
    err.println("grpo4j: %s: %s".formatted(problem, hint));
    return Failures.BAD_INPUT;
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** The line of {@code --version}. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"grpo4j " + Versions.program()};
    }
  }
}
