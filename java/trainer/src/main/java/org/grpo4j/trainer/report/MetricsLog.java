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
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The metrics of a run, one row per logged step: metrics.jsonl and TensorBoard events. Every row is
 * in the file when {@link #log} returns, whole, so that a kill leaves a readable file.
 */
public final class MetricsLog implements AutoCloseable {
  private final Path file;
  private final @Nullable FileChannel channel;
  private final @Nullable EventFile events;

  private MetricsLog(Path file, @Nullable FileChannel channel, @Nullable EventFile events) {
    this.file = file;
    this.channel = channel;
    this.events = events;
  }

  /**
   * Opens the log.
   *
   * @param sinks "jsonl" and "tensorboard", either, both or none
   * @param resumedStep the step of the checkpoint that the run continues from: later rows,
   *     completions and tokens are removed, they will come again; 0, where there is none, removes
   *     all
   */
  public static MetricsLog open(RunDirectory run, Collection<String> sinks, int resumedStep) {
    if (resumedStep == 0) {
      run.forgetMetrics();
    } else {
      keepUntil(run.metrics(), resumedStep);
    }
    run.forgetSamplesAfter(resumedStep);
    FileChannel channel = sinks.contains("jsonl") ? RunFiles.open(run.metrics()) : null;
    EventFile events =
        sinks.contains("tensorboard") ? EventFile.create(run.root(), resumedStep) : null;
    return new MetricsLog(run.metrics(), channel, events);
  }

  private static void keepUntil(Path file, int step) {
    if (!Files.exists(file)) {
      return;
    }
    StringBuilder kept = new StringBuilder();
    for (Map<String, @Nullable Object> row : read(file)) {
      if (stepOf(row) <= step) {
        kept.append(RunDirectory.line(row)).append('\n');
      }
    }
    RunFiles.replace(file, kept.toString());
  }

  /**
   * Adds a row.
   *
   * @param step optimizer steps done
   * @param values by TRL's names; a value that is not finite is written as null and left out of the
   *     events
   */
  public void log(int step, Map<String, ? extends Number> values) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("step", step);
    values.forEach(
        (name, value) -> row.put(name, Double.isFinite(value.doubleValue()) ? value : null));
    if (channel != null) {
      byte[] line = (RunDirectory.line(row) + "\n").getBytes(StandardCharsets.UTF_8);
      RunFiles.append(channel, file, ByteBuffer.wrap(line));
    }
    if (events != null) {
      events.write(step, values);
    }
  }

  /**
   * The rows of a metrics file. A last line that a kill cut short is left out.
   *
   * @throws RunIoException where a line is not a row, or the file cannot be read
   */
  public static List<Map<String, @Nullable Object>> read(Path file) {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    if (!Files.exists(file)) {
      return rows;
    }
    String text = RunFiles.read(file);
    String[] lines = text.substring(0, text.lastIndexOf('\n') + 1).split("\n");
    for (int i = 0; i < lines.length; i++) {
      if (lines[i].isEmpty()) {
        continue;
      }
      try {
        Map<String, @Nullable Object> row =
            RunDirectory.JSON.readValue(lines[i], new TypeReference<>() {});
        stepOf(row);
        rows.add(row);
      } catch (JsonProcessingException | IllegalArgumentException e) {
        throw new RunIoException(file, new IOException("line " + (i + 1) + " is not a row", e));
      }
    }
    return rows;
  }

  private static int stepOf(Map<String, @Nullable Object> row) {
    if (row.get("step") instanceof Number step) {
      return step.intValue();
    }
    throw new IllegalArgumentException("row " + row + ": want a step");
  }

  @Override
  public void close() {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      throw new RunIoException(file, e);
    } finally {
      if (events != null) {
        events.close();
      }
    }
  }
}
