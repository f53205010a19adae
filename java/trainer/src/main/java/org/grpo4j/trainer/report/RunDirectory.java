package org.grpo4j.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.grpo4j.torch.InputException;

/**
 * The folder of one run.
 *
 * <pre>
 * config.yaml               the resolved configuration
 * versions.json             program, JDK, libraries, machine
 * metrics.jsonl             one row per logged step
 * events.out.tfevents.*     the same for TensorBoard
 * completions/step-N.jsonl  what was sampled, its rewards and token weights
 * tokens/step-N.jsonl       single tokens of training samples, with log_tokens
 * checkpoints/step-N/       model, tokenizer and the trainer's state
 * summary.json              before and after
 * report.html               curves and samples, for a browser
 * log.txt                   stack traces of failures
 * </pre>
 */
public final class RunDirectory {
  private static final Pattern STEP = Pattern.compile("step-(\\d+)(\\.jsonl)?");
  static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path root;

  private RunDirectory(Path root) {
    this.root = root;
  }

  /**
   * A fresh run folder. A folder whose run never logged a step is taken over.
   *
   * @throws InputException where it holds a run that began, or anything that is not a run
   */
  public static RunDirectory create(Path root) {
    if (Files.exists(root) && !Files.isDirectory(root)) {
      throw new InputException("%s is a file: give a folder as output_dir".formatted(root));
    }
    RunDirectory run = new RunDirectory(root);
    List<Path> entries = RunFiles.list(root);
    if (!entries.isEmpty()) {
      if (!Files.exists(run.config())) {
        throw new InputException(
            "%s is not empty and not a run: give another output_dir".formatted(root));
      }
      if (run.began()) {
        throw new InputException(
            "%s holds a run already: continue it with --resume %s, or give another output_dir"
                .formatted(root, root));
      }
      run.forgetMetrics();
    }
    RunFiles.createFolder(run.completions());
    RunFiles.createFolder(run.checkpoints());
    return run;
  }

  private boolean began() {
    try {
      return (Files.exists(metrics()) && Files.size(metrics()) > 0)
          || Files.exists(summary())
          || !RunFiles.list(completions()).isEmpty()
          || !RunFiles.list(checkpoints()).isEmpty();
    } catch (java.io.IOException e) {
      throw new RunIoException(metrics(), e);
    }
  }

  /** Removes all rows of metrics: those of a run that starts from step 0 come again. */
  void forgetMetrics() {
    for (Path entry : RunFiles.list(root)) {
      String name = entry.getFileName().toString();
      if (name.startsWith("events.out.tfevents.") || entry.equals(metrics())) {
        RunFiles.delete(entry);
      }
    }
  }

  /**
   * The folder of a run to continue. One that was killed before its first checkpoint starts over.
   *
   * @throws InputException where it holds no run
   */
  public static RunDirectory resume(Path root) {
    RunDirectory run = new RunDirectory(root);
    if (!Files.exists(run.config())) {
      throw new InputException("%s holds no run: config.yaml is missing".formatted(root));
    }
    RunFiles.createFolder(run.completions());
    RunFiles.createFolder(run.checkpoints());
    return run;
  }

  /** The folder itself. */
  public Path root() {
    return root;
  }

  public Path config() {
    return root.resolve("config.yaml");
  }

  public Path versions() {
    return root.resolve("versions.json");
  }

  public Path metrics() {
    return root.resolve("metrics.jsonl");
  }

  public Path completions() {
    return root.resolve("completions");
  }

  public Path tokens() {
    return root.resolve("tokens");
  }

  public Path checkpoints() {
    return root.resolve("checkpoints");
  }

  public Path summary() {
    return root.resolve("summary.json");
  }

  public Path report() {
    return root.resolve("report.html");
  }

  public Path log() {
    return root.resolve("log.txt");
  }

  /** Writes config.yaml. */
  public void writeConfig(String yaml) {
    RunFiles.replace(config(), yaml);
  }

  /** Writes versions.json. */
  public void writeVersions(Object versions) {
    RunFiles.replace(versions(), json(versions));
  }

  /** Writes summary.json. */
  public void writeSummary(Summary summary) {
    RunFiles.replace(summary(), json(summary.toMap()));
  }

  /** The folder of the checkpoint after {@code step} optimizer steps; not created here. */
  public Path checkpoint(int step) {
    return checkpoints().resolve("step-" + step);
  }

  /**
   * The finished checkpoint with the highest step. A checkpoint is written under another name and
   * renamed to {@code step-N} when it is complete, so any folder of that name counts.
   */
  public Optional<Path> latestCheckpoint() {
    List<Path> all = checkpointsByStep();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** The step of a checkpoint folder or completions file of this run. */
  public static int stepOf(Path path) {
    Matcher m = STEP.matcher(path.getFileName().toString());
    if (!m.matches()) {
      throw new IllegalArgumentException("path " + path + ": want a name step-N");
    }
    return Integer.parseInt(m.group(1));
  }

  private List<Path> checkpointsByStep() {
    return bySteps(checkpoints());
  }

  private static List<Path> bySteps(Path folder) {
    List<Path> result = new ArrayList<>();
    for (Path path : RunFiles.list(folder)) {
      if (STEP.matcher(path.getFileName().toString()).matches()) {
        result.add(path);
      }
    }
    result.sort(Comparator.comparingInt(RunDirectory::stepOf));
    return result;
  }

  /** Deletes the oldest checkpoints until {@code limit} are left. */
  public void keepCheckpoints(int limit) {
    List<Path> all = checkpointsByStep();
    for (Path old : all.subList(0, Math.max(0, all.size() - limit))) {
      RunFiles.delete(old);
    }
  }

  /** Writes the completions of one step, all or none of them. */
  public void writeCompletions(int step, List<LoggedCompletion> all) {
    StringBuilder text = new StringBuilder();
    for (LoggedCompletion completion : all) {
      text.append(line(completion.toMap())).append('\n');
    }
    RunFiles.replace(completionsFile(step), text.toString());
  }

  /** The completions of one step. */
  public Path completionsFile(int step) {
    return completions().resolve("step-" + step + ".jsonl");
  }

  /** The files of completions in the order of their steps. */
  public List<Path> completionsFiles() {
    return bySteps(completions());
  }

  /** Writes single tokens of one step, all or none of them. */
  public void writeTokens(int step, List<LoggedToken> all) {
    RunFiles.createFolder(tokens());
    StringBuilder text = new StringBuilder();
    for (LoggedToken token : all) {
      text.append(line(token.toMap())).append('\n');
    }
    RunFiles.replace(tokensFile(step), text.toString());
  }

  /** The tokens of one step. */
  public Path tokensFile(int step) {
    return tokens().resolve("step-" + step + ".jsonl");
  }

  /**
   * Removes completions and tokens of steps after {@code step}, which a resumed run will write
   * again.
   */
  void forgetSamplesAfter(int step) {
    for (Path folder : List.of(completions(), tokens())) {
      for (Path file : bySteps(folder)) {
        if (stepOf(file) > step) {
          RunFiles.delete(file);
        }
      }
    }
  }

  /** Adds the stack trace of a failure to log.txt. */
  public void logFailure(Throwable failure) {
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace, true));
    String text = Instant.now() + " " + trace;
    try (FileChannel channel = RunFiles.open(log())) {
      RunFiles.append(channel, log(), ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    } catch (java.io.IOException e) {
      throw new RunIoException(log(), e);
    }
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("value " + value + " has no JSON form", e);
    }
  }

  /** A value as one line of JSON. */
  static String line(Object value) {
    try {
      return JSON.writer().without(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("value " + value + " has no JSON form", e);
    }
  }
}
