package org.grpo4j.trainer.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  private static final List<String> BOTH = List.of("jsonl", "tensorboard");
  @TempDir Path folder;
  private RunDirectory run;

  @BeforeEach
  void createRun() {
    run = RunDirectory.create(folder.resolve("run"));
  }

  private static Map<String, Number> row(double reward) {
    Map<String, Number> row = new LinkedHashMap<>();
    row.put("reward", reward);
    row.put("clip_ratio/region_mean", 0.5);
    row.put("kl", Double.NaN);
    row.put("num_tokens", 300L);
    return row;
  }

  private void log(int resumed, int... steps) {
    try (MetricsLog log = MetricsLog.open(run, BOTH, resumed)) {
      for (int step : steps) {
        log.log(step, row(step));
      }
    }
  }

  @Test
  void everyRowIsInTheFileWhenLogReturns() throws IOException {
    try (MetricsLog log = MetricsLog.open(run, BOTH, 0)) {
      for (int step = 1; step <= 3; step++) {
        log.log(step, row(step));
        assertEquals(step, Files.readAllLines(run.metrics()).size());
      }
    }
    assertEquals(
        "{\"step\":1,\"reward\":1.0,\"clip_ratio/region_mean\":0.5,\"kl\":null,\"num_tokens\":300}",
        Files.readAllLines(run.metrics()).get(0));
  }

  @Test
  void resumingForgetsLaterRowsAndTornLines() throws IOException {
    log(0, 1, 2, 3, 4);
    run.writeCompletions(2, List.of());
    run.writeCompletions(4, List.of());
    Files.writeString(run.metrics(), "{\"step\":5,\"rew", StandardOpenOption.APPEND);
    assertEquals(4, MetricsLog.read(run.metrics()).size());
    log(2, 3);
    List<Map<String, Object>> rows = new ArrayList<>();
    MetricsLog.read(run.metrics()).forEach(r -> rows.add(new LinkedHashMap<>(r)));
    assertEquals(List.of(1, 2, 3), rows.stream().map(r -> r.get("step")).toList());
    assertEquals(List.of(run.completionsFile(2)), run.completionsFiles());
  }

  @Test
  void aRunThatStartsOverForgetsEverything() throws IOException {
    log(0, 0, 1);
    run.writeCompletions(1, List.of());
    log(0, 0);
    assertEquals(1, MetricsLog.read(run.metrics()).size());
    assertEquals(List.of(), run.completionsFiles());
    try (Stream<Path> all = Files.list(run.root())) {
      assertEquals(1, all.filter(p -> p.getFileName().toString().contains("tfevents")).count());
    }
  }

  @Test
  void aBrokenLineIsNamed() throws IOException {
    Files.writeString(run.metrics(), "{\"step\":1}\nhello\n");
    String message =
        String.valueOf(
            assertThrows(RunIoException.class, () -> MetricsLog.read(run.metrics())).getMessage());
    assertTrue(message.contains("metrics.jsonl: line 2"), message);
  }

  @Test
  void aFullDiskIsOneClearLine() throws IOException {
    Path full = Path.of("/dev/full");
    Assumptions.assumeTrue(Files.isWritable(full), "/dev/full is not here");
    try (FileChannel channel = FileChannel.open(full, StandardOpenOption.WRITE)) {
      RunIoException failure =
          assertThrows(
              RunIoException.class,
              () -> RunFiles.append(channel, run.metrics(), ByteBuffer.wrap(new byte[10])));
      String message = String.valueOf(failure.getMessage());
      assertTrue(message.contains("metrics.jsonl: the disk is full"), message);
    }
  }

  @Test
  void theChecksumIsTfRecords() {
    // CRC-32C of "123456789" is e3069283; masked as TFRecord does.
    byte[] data = "123456789".getBytes(StandardCharsets.US_ASCII);
    int crc = 0xe3069283;
    int expected = ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
    assertEquals(expected, EventFile.maskedCrc(data, data.length));
  }

  @Test
  void tensorBoardEventsReadBack() throws IOException {
    log(0, 1, 2);
    log(1, 2);
    List<Path> files;
    try (Stream<Path> all = Files.list(run.root())) {
      files = all.filter(p -> p.getFileName().toString().contains("tfevents")).sorted().toList();
    }
    assertEquals(2, files.size());
    List<Map<String, Object>> first = events(files.get(0));
    assertEquals("brain.Event:2", first.get(0).get("3"));
    assertEquals(1L, first.get(1).get("2"));
    assertEquals(
        Map.of("reward", 1f, "clip_ratio/region_mean", 0.5f, "num_tokens", 300f),
        first.get(1).get("scalars"));
    assertNull(first.get(1).get("7"));
    List<Map<String, Object>> second = events(files.get(1));
    assertEquals(2L, second.get(1).get("2"), "the step from which earlier files are forgotten");
    assertTrue(second.get(1).containsKey("7"), "a session start");
  }

  /** Frames with their checksums checked, fields by number. */
  private static List<Map<String, Object>> events(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Map<String, Object>> result = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] length = new byte[8];
      in.get(length);
      assertEquals(EventFile.maskedCrc(length, 8), in.getInt());
      byte[] data =
          new byte[(int) ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong()];
      in.get(data);
      assertEquals(EventFile.maskedCrc(data, data.length), in.getInt());
      Map<String, Object> event = fields(data, new LinkedHashMap<>());
      assertTrue((double) event.getOrDefault("1", 0.0) > 1.6e9, "wall time");
      result.add(event);
    }
    return result;
  }

  private static Map<String, Object> fields(byte[] data, Map<String, Float> scalars) {
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    Map<String, Object> fields = new LinkedHashMap<>();
    while (in.hasRemaining()) {
      int key = (int) varint(in);
      String field = Integer.toString(key >>> 3);
      switch (key & 7) {
        case 0 -> fields.put(field, varint(in));
        case 1 -> fields.put(field, in.getDouble());
        case 5 -> fields.put(field, in.getFloat());
        default -> {
          byte[] bytes = new byte[(int) varint(in)];
          in.get(bytes);
          if (field.equals("5")) {
            summary(bytes, scalars);
            fields.put("scalars", scalars);
          } else {
            fields.put(field, new String(bytes, StandardCharsets.UTF_8));
          }
        }
      }
    }
    return fields;
  }

  private static void summary(byte[] data, Map<String, Float> scalars) {
    ByteBuffer in = ByteBuffer.wrap(data);
    while (in.hasRemaining()) {
      assertEquals(1 << 3 | 2, in.get());
      byte[] value = new byte[(int) varint(in)];
      in.get(value);
      Map<String, Object> fields = fields(value, new LinkedHashMap<>());
      scalars.put(String.valueOf(fields.get("1")), (Float) fields.getOrDefault("2", Float.NaN));
    }
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte b = in.get();
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }
}
