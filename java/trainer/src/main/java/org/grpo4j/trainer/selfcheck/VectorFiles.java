package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.grpo4j.torch.InputException;

/**
 * Reads the cases of a vector file: the objects of the array {@code cases} of a .json file, or
 * those of a .jsonl or .jsonl.gz file. NaN and Infinity are read as Python writes them.
 */
final class VectorFiles {
  /** Largest accepted difference, relative for magnitudes above 1. */
  static final double TOLERANCE = 1e-6;

  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private VectorFiles() {}

  /** Whether the first case of a file has all the fields; false for files that are no vectors. */
  static boolean firstCaseHas(Path file, String... fields) throws IOException {
    JsonNode first = firstCase(file);
    for (String field : fields) {
      if (!first.has(field)) {
        return false;
      }
    }
    return true;
  }

  private static JsonNode firstCase(Path file) throws IOException {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    boolean lines = name.endsWith(".jsonl") || name.endsWith(".jsonl.gz");
    if (!lines && !name.endsWith(".json")) {
      return MissingNode.getInstance();
    }
    try (InputStream in = open(file);
        JsonParser parser = MAPPER.createParser(in)) {
      if (!lines && !moveToCases(parser)) {
        return MissingNode.getInstance();
      }
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return MissingNode.getInstance();
      }
      return parser.readValueAsTree();
    } catch (JsonProcessingException | EOFException | ZipException e) {
      // Asked whether this is a vector file: text that is no JSON is not.
      return MissingNode.getInstance();
    }
  }

  /** Moves to the start of the array {@code cases}; false if there is none. */
  private static boolean moveToCases(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      return false;
    }
    for (String key = parser.nextFieldName(); key != null; key = parser.nextFieldName()) {
      if (parser.nextToken() == JsonToken.START_ARRAY && key.equals("cases")) {
        return true;
      }
      parser.skipChildren();
    }
    return false;
  }

  /**
   * All cases of a file.
   *
   * @throws InputException if the file is not readable to its end
   */
  static List<JsonNode> cases(Path file) throws IOException {
    try (InputStream in = open(file)) {
      List<JsonNode> cases = new ArrayList<>();
      if (file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".json")) {
        MAPPER.readTree(in).path("cases").forEach(cases::add);
        return cases;
      }
      try (MappingIterator<JsonNode> lines = MAPPER.readerFor(JsonNode.class).readValues(in)) {
        while (lines.hasNextValue()) {
          cases.add(lines.nextValue());
        }
      }
      return cases;
    } catch (JsonProcessingException | EOFException | ZipException e) {
      String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new InputException(file + ": not readable as vectors: " + why, e);
    }
  }

  private static InputStream open(Path file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file));
    if (!file.getFileName().toString().endsWith(".gz")) {
      return in;
    }
    try {
      return new BufferedInputStream(new GZIPInputStream(in));
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  static double[] doubles(JsonNode array) {
    double[] out = new double[array.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = array.get(i).asDouble();
    }
    return out;
  }

  /** Whether two values agree within the tolerance; infinities and NaN agree with themselves. */
  static boolean close(double expected, double got) {
    return Double.compare(expected, got) == 0
        || Math.abs(expected - got) <= TOLERANCE * Math.max(1, Math.abs(expected));
  }

  /** Reports a case whose result is a list of numbers; a failure names the first that differs. */
  static void compare(
      CheckReport report, Path file, String caseName, double[] expected, double[] got) {
    if (expected.length != got.length) {
      report.failed(file, caseName, expected.length + " values", got.length + " values");
      return;
    }
    for (int i = 0; i < got.length; i++) {
      if (!close(expected[i], got[i])) {
        report.failed(file, caseName, "[" + i + "] = " + expected[i], "[" + i + "] = " + got[i]);
        return;
      }
    }
    report.passed(file, caseName);
  }
}
