package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.grpo4j.torch.InputException;

/**
 * Reads the cases of a vector file: the objects of the array {@code cases} of a .json file, or
 * those of a .jsonl file, one a line; either may be packed as .gz. NaN and Infinity are read as
 * Python writes them.
 */
final class VectorFiles {
  /** Largest accepted difference, relative for magnitudes above 1. */
  static final double TOLERANCE = 1e-6;

  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private VectorFiles() {}

  /** Cases that are looked at to tell a format: a damaged one must not hide what the rest is. */
  private static final int LOOKED_AT = 4;

  /** Whether one of the first cases of a file has all the fields; false for other files. */
  static boolean casesHave(Path file, String... fields) throws IOException {
    boolean lines = isLines(file);
    if (!lines && !plainName(file).endsWith(".json")) {
      return false;
    }
    try (InputStream in = open(file);
        JsonParser parser = MAPPER.createParser(in)) {
      if (!lines && !moveToCases(parser)) {
        return false;
      }
      for (int i = 0; i < LOOKED_AT && parser.nextToken() == JsonToken.START_OBJECT; i++) {
        JsonNode vector = parser.readValueAsTree();
        if (Arrays.stream(fields).allMatch(vector::has)) {
          return true;
        }
      }
      return false;
    } catch (JsonProcessingException | EOFException | ZipException e) {
      // Asked whether this is a vector file: text that is no JSON is not.
      return false;
    }
  }

  /** The file's name without .gz, in lower case. */
  private static String plainName(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".gz") ? name.substring(0, name.length() - ".gz".length()) : name;
  }

  private static boolean isLines(Path file) {
    return plainName(file).endsWith(".jsonl");
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

  /** What is done with one case, counted from 0. */
  @FunctionalInterface
  interface CaseCheck {
    void check(int index, JsonNode vector);
  }

  /**
   * Checks all cases of a file. A damaged one fails by itself and leaves the others alone.
   *
   * @throws InputException if the file is not readable to its end; the cases before are checked
   */
  static void forEachCase(Path file, CheckReport report, CaseCheck check) throws IOException {
    try (InputStream in = open(file)) {
      if (!isLines(file)) {
        int index = 0;
        for (JsonNode vector : MAPPER.readTree(in).path("cases")) {
          check(file, report, index++, () -> vector, check);
        }
        return;
      }
      BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      int index = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String text = line;
        if (!text.isBlank()) {
          check(file, report, index++, () -> MAPPER.readTree(text), check);
        }
      }
    } catch (JsonProcessingException | EOFException | ZipException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * What a .json file says beside its cases; nothing for lines.
   *
   * @throws InputException if the file is not readable to its end
   */
  static JsonNode header(Path file) throws IOException {
    if (isLines(file)) {
      return MissingNode.getInstance();
    }
    try (InputStream in = open(file)) {
      return MAPPER.readTree(in);
    } catch (JsonProcessingException | EOFException | ZipException e) {
      throw unreadable(file, e);
    }
  }

  private static InputException unreadable(Path file, IOException e) {
    return new InputException(file + ": not readable as vectors: " + firstLine(e), e);
  }

  /** Gives the vector of a case, or fails where its text is no JSON. */
  @FunctionalInterface
  private interface CaseSource {
    JsonNode read() throws JsonProcessingException;
  }

  private static void check(
      Path file, CheckReport report, int index, CaseSource source, CaseCheck check) {
    String name = "case " + index;
    try {
      JsonNode vector = source.read();
      name += vector.has("name") ? " " + vector.path("name").asText() : "";
      check.check(index, vector);
    } catch (JsonProcessingException e) {
      report.failed(file, name, "a whole case", firstLine(e));
    } catch (RuntimeException e) {
      report.failed(
          file,
          name,
          "a whole case",
          e instanceof InputException ? String.valueOf(e.getMessage()) : e.toString());
    }
  }

  private static String firstLine(IOException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  /** A field that the case must have, possibly null. */
  static JsonNode need(JsonNode vector, String field) {
    JsonNode value = vector.path(field);
    if (value.isMissingNode()) {
      throw new InputException("field " + field + " is missing");
    }
    return value;
  }

  private static InputStream open(Path file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file));
    if (!file.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".gz")) {
      return in;
    }
    try {
      return new BufferedInputStream(new GZIPInputStream(in));
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  /**
   * A field that the case must have as a list of numbers: true and false are 1 and 0, as in Python;
   * text and null are refused, for they would count as 0.
   */
  static double[] numbers(JsonNode vector, String field) {
    JsonNode array = need(vector, field);
    if (!array.isArray()) {
      throw new InputException("field " + field + " is no list of numbers");
    }
    double[] out = new double[array.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = number(array.get(i), field, i);
    }
    return out;
  }

  private static double number(JsonNode value, String field, int at) {
    if (value.isBoolean()) {
      return value.booleanValue() ? 1 : 0;
    }
    if (!value.isNumber()) {
      throw new InputException("field " + field + " has " + value + " at " + at + ": want numbers");
    }
    return value.doubleValue();
  }

  /** A field that the case must have as a number. */
  static double number(JsonNode vector, String field) {
    JsonNode value = need(vector, field);
    if (!value.isNumber()) {
      throw new InputException("field " + field + " is " + value + ": want a number");
    }
    return value.doubleValue();
  }

  /** A number that may be absent or null. */
  static double number(JsonNode vector, String field, double otherwise) {
    JsonNode value = vector.path(field);
    return value.isMissingNode() || value.isNull() ? otherwise : number(vector, field);
  }

  /** True or false, which may be absent or null: false. */
  static boolean flag(JsonNode vector, String field) {
    JsonNode value = vector.path(field);
    if (!value.isMissingNode() && !value.isNull() && !value.isBoolean()) {
      throw new InputException("field " + field + " is " + value + ": want true or false");
    }
    return value.asBoolean();
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
