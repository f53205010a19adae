package org.grpo4j.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * The folder of one evaluation on a benchmark.
 *
 * <pre>
 * config.yaml      the resolved settings
 * versions.json    program, JDK, libraries, machine
 * results.jsonl    one row per answer, written as it is given: id, result, completion, …
 * verdicts.jsonl   one row per judged answer
 * report.json      accuracies with their intervals; also report.md and report.html
 * </pre>
 */
public final class BenchmarkFolder {
  private final Path root;

  private BenchmarkFolder(Path root) {
    this.root = root;
  }

  /**
   * A fresh folder.
   *
   * @throws InputException where there is anything already
   */
  public static BenchmarkFolder create(Path root) {
    if (Files.exists(root) && !Files.isDirectory(root)) {
      throw new InputException("%s is a file: give a folder as output_dir".formatted(root));
    }
    BenchmarkFolder folder = new BenchmarkFolder(root);
    if (Files.exists(folder.results())) {
      throw new InputException(
          "%s holds results already: go on with --resume %s, or give another output_dir"
              .formatted(root, root));
    }
    if (!RunFiles.list(root).isEmpty() && !Files.exists(folder.config())) {
      throw new InputException(
          "%s is not empty and holds no evaluation: give another output_dir".formatted(root));
    }
    RunFiles.createFolder(root);
    return folder;
  }

  /**
   * The folder of an evaluation to go on with.
   *
   * @throws InputException where it holds none
   */
  public static BenchmarkFolder resume(Path root) {
    BenchmarkFolder folder = new BenchmarkFolder(root);
    if (!Files.exists(folder.config())) {
      throw new InputException("%s holds no evaluation: config.yaml is missing".formatted(root));
    }
    return folder;
  }

  /** The folder itself. */
  public Path root() {
    return root;
  }

  public Path config() {
    return root.resolve("config.yaml");
  }

  public Path results() {
    return root.resolve("results.jsonl");
  }

  public Path verdicts() {
    return root.resolve("verdicts.jsonl");
  }

  /** report.json, report.md or report.html. */
  public Path report(String extension) {
    return root.resolve("report." + extension);
  }

  /** Writes config.yaml. */
  public void writeConfig(String yaml) {
    RunFiles.replace(config(), yaml);
  }

  /** Writes versions.json. */
  public void writeVersions(Object versions) {
    RunFiles.replace(root.resolve("versions.json"), RunDirectory.line(versions) + "\n");
  }

  /** Writes verdicts.jsonl. */
  public void writeVerdicts(List<Map<String, @Nullable Object>> rows) {
    RunFiles.replace(verdicts(), lines(rows));
  }

  /** Adds answers to results.jsonl: all of them, or none where the disk is full. */
  public void append(List<Map<String, @Nullable Object>> rows) {
    byte[] bytes = lines(rows).getBytes(StandardCharsets.UTF_8);
    try (FileChannel channel = RunFiles.open(results())) {
      RunFiles.append(channel, results(), ByteBuffer.wrap(bytes));
    } catch (IOException e) {
      throw new RunIoException(results(), e);
    }
  }

  private static String lines(List<Map<String, @Nullable Object>> rows) {
    StringBuilder text = new StringBuilder();
    rows.forEach(row -> text.append(RunDirectory.line(row)).append('\n'));
    return text.toString();
  }

  /**
   * The answers given so far. A last line that a kill cut short is cut off the file: its question
   * is asked again.
   *
   * @throws InputException where another line is no JSON object
   */
  public List<Map<String, @Nullable Object>> readResults() {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    if (!Files.exists(results())) {
      return rows;
    }
    String text = RunFiles.read(results());
    int end = text.lastIndexOf('\n') + 1;
    if (end < text.length()) {
      RunFiles.replace(results(), text.substring(0, end));
    }
    int number = 0;
    for (String line : text.substring(0, end).split("\n")) {
      number++;
      if (!line.isBlank()) {
        try {
          rows.add(RunDirectory.JSON.readValue(line, new TypeReference<>() {}));
        } catch (JsonProcessingException e) {
          throw new InputException("%s, line %d: no JSON object".formatted(results(), number), e);
        }
      }
    }
    return rows;
  }
}
