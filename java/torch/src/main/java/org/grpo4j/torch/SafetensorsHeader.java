package org.grpo4j.torch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The table of contents of a safetensors file: 8 bytes of little-endian header length, that many
 * bytes of JSON, then the tensors' bytes without holes.
 *
 * @param dataStart offset in the file of the first tensor's first byte
 */
record SafetensorsHeader(Path file, long dataStart, Map<String, Entry> entries) {
  /** The format's own limit. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /**
   * @param begin offset of the first byte after {@code dataStart}
   */
  record Entry(WeightType type, List<Long> shape, long begin, long end) {
    long[] dimensions() {
      return shape.stream().mapToLong(Long::longValue).toArray();
    }
  }

  static SafetensorsHeader read(FileChannel channel, Path file) throws IOException {
    long size = channel.size();
    if (size < Long.BYTES) {
      throw new InputException(
          file + ": truncated: " + size + " bytes, a safetensors file has at least 8");
    }
    long headerBytes = readFully(channel, file, 0, Long.BYTES).getLong();
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
      throw new InputException(
          file + ": not a safetensors file (header length " + headerBytes + ")");
    }
    if (headerBytes > size - Long.BYTES) {
      throw new InputException(
          file
              + ": truncated: "
              + size
              + " bytes, the header alone needs "
              + (headerBytes + Long.BYTES));
    }
    ByteBuffer bytes = readFully(channel, file, Long.BYTES, (int) headerBytes);
    JsonNode json = parse(file, StandardCharsets.UTF_8.decode(bytes).toString());
    long dataStart = Long.BYTES + headerBytes;
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (!field.getKey().equals("__metadata__")) {
        entries.put(field.getKey(), entry(file, field.getKey(), field.getValue()));
      }
    }
    checkLayout(file, entries, size - dataStart);
    return new SafetensorsHeader(file, dataStart, entries);
  }

  private static JsonNode parse(Path file, String text) {
    try {
      JsonNode json = MAPPER.readTree(text);
      if (!json.isObject()) {
        throw new InputException(file + ": not a safetensors file (the header is no JSON object)");
      }
      return json;
    } catch (JsonProcessingException e) {
      throw new InputException(
          file + ": not a safetensors file (header: " + JsonProblem.of(e) + ")", e);
    }
  }

  private static Entry entry(Path file, String name, JsonNode json) {
    String typeName = json.path("dtype").asText("nothing");
    WeightType type =
        WeightType.ofSafetensorsName(typeName)
            .orElseThrow(
                () ->
                    new InputException(
                        file
                            + ": tensor "
                            + name
                            + " has dtype "
                            + typeName
                            + "; supported: "
                            + WeightType.safetensorsNames()));
    JsonNode offsets = json.path("data_offsets");
    JsonNode dims = json.path("shape");
    if (!dims.isArray() || !offsets.isArray() || offsets.size() != 2) {
      throw new InputException(
          file + ": tensor " + name + " lacks shape or data_offsets in the header");
    }
    List<Long> shape = new ArrayList<>();
    long bytes = type.bytes();
    try {
      for (JsonNode dim : dims) {
        shape.add(dim.asLong(-1));
        bytes = Math.multiplyExact(bytes, dim.asLong(-1));
        if (dim.asLong(-1) < 0) {
          throw new ArithmeticException("negative dimension");
        }
      }
    } catch (ArithmeticException e) {
      throw new InputException(file + ": tensor " + name + " has impossible shape " + dims, e);
    }
    long begin = offsets.get(0).asLong(-1);
    long end = offsets.get(1).asLong(-1);
    if (begin < 0 || end < begin || end - begin != bytes) {
      throw new InputException(
          file
              + ": tensor "
              + name
              + " of shape "
              + shape
              + " needs "
              + bytes
              + " bytes, its data_offsets are ["
              + begin
              + ", "
              + end
              + "]");
    }
    return new Entry(type, shape, begin, end);
  }

  /** The format forbids holes and overlaps: each tensor starts where the one before it ends. */
  private static void checkLayout(Path file, Map<String, Entry> entries, long dataBytes) {
    List<Map.Entry<String, Entry>> sorted = new ArrayList<>(entries.entrySet());
    sorted.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin())
            .thenComparingLong(e -> e.getValue().end()));
    long expected = 0;
    for (Map.Entry<String, Entry> each : sorted) {
      Entry entry = each.getValue();
      if (entry.end() > dataBytes) {
        throw new InputException(
            file
                + ": truncated: tensor "
                + each.getKey()
                + " ends at byte "
                + entry.end()
                + " of the data, the file holds "
                + dataBytes);
      }
      if (entry.begin() != expected) {
        throw new InputException(
            file
                + ": tensor "
                + each.getKey()
                + " starts at byte "
                + entry.begin()
                + " of the data, expected "
                + expected);
      }
      expected = entry.end();
    }
    if (expected != dataBytes) {
      throw new InputException(
          file + ": " + (dataBytes - expected) + " bytes after the last tensor belong to none");
    }
  }

  static ByteBuffer readFully(FileChannel channel, Path file, long position, int length)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, file, position, buffer);
    return buffer.flip();
  }

  static void readFully(FileChannel channel, Path file, long position, ByteBuffer buffer)
      throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int read = channel.read(buffer, at);
      if (read < 0) {
        throw new InputException(file + ": truncated: the file ends at byte " + at);
      }
      at += read;
    }
  }
}
