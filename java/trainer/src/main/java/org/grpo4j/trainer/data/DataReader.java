package org.grpo4j.trainer.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.JsonProblem;
import org.jspecify.annotations.Nullable;

/**
 * Reads training rows from a JSON array, JSON lines or a Parquet file; {@link RowForm} says which
 * columns are understood.
 *
 * <p>A file that holds one bad row is refused as a whole, naming the row: training on what is left
 * would hide a mistake.
 */
public final class DataReader {
  private static final TypeReference<Map<String, @Nullable Object>> ROW = new TypeReference<>() {};

  private static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  static {
    // Jackson refuses strings above 20 MB, which a file on the own disk may hold.
    MAPPER
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build());
  }

  /** Reads one element of an array: what follows it is the next element. */
  private static final ObjectReader ELEMENT =
      MAPPER.readerFor(ROW).without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private DataReader() {}

  /**
   * Every row of the file.
   *
   * @throws InputException the file is missing, empty, of an unknown kind, or a row is malformed
   */
  public static List<Example> read(Path file) {
    return read(file, Integer.MAX_VALUE);
  }

  /** The first rows of the file, at most {@code maxRows}; rows after them are not looked at. */
  public static List<Example> read(Path file, int maxRows) {
    if (maxRows < 1) {
      throw new IllegalArgumentException("maxRows: want at least 1, got " + maxRows);
    }
    if (!Files.exists(file)) {
      throw new InputException(file + ": no such data file");
    }
    if (!Files.isRegularFile(file)) {
      throw new InputException(file + ": is not a file; name one .json, .jsonl or .parquet file");
    }
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    List<Example> rows;
    try {
      if (name.endsWith(".jsonl")) {
        rows = readLines(file, maxRows);
      } else if (name.endsWith(".json")) {
        rows = readArray(file, maxRows);
      } else if (name.endsWith(".parquet")) {
        rows = readParquet(file, maxRows);
      } else {
        throw new InputException(
            file + ": unknown kind of data file; expected .json (an array), .jsonl or .parquet");
      }
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
    if (rows.isEmpty()) {
      throw new InputException(file + ": holds no rows");
    }
    return rows;
  }

  private static List<Example> readLines(Path file, int maxRows) throws IOException {
    List<Example> rows = new ArrayList<>();
    // Latin-1 keeps every byte, so that lines are counted right even where the UTF-8 is broken;
    // Jackson then decodes the bytes and says so.
    try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.ISO_8859_1)) {
      int number = 0;
      for (String line = reader.readLine();
          line != null && rows.size() < maxRows;
          line = reader.readLine()) {
        number++;
        if (line.isBlank()) {
          continue;
        }
        RowSource source = new RowSource(file, rows.size() + 1, number);
        try {
          byte[] bytes = line.getBytes(StandardCharsets.ISO_8859_1);
          if (MAPPER.readTree(bytes).isObject()) {
            rows.add(RowForm.toExample(MAPPER.readValue(bytes, ROW), source));
          } else {
            throw source.error("expected a JSON object on this line");
          }
        } catch (JsonProcessingException e) {
          throw source.error(
              "not valid JSON (" + JsonProblem.of(e) + "); expected one object a line", e);
        }
      }
    }
    return rows;
  }

  private static List<Example> readArray(Path file, int maxRows) throws IOException {
    List<Example> rows = new ArrayList<>();
    int line = 1;
    try (JsonParser parser = MAPPER.createParser(file.toFile())) {
      JsonToken first = parser.nextToken();
      if (first == null) {
        throw new InputException(file + ": is empty; expected a JSON array of rows");
      }
      if (first != JsonToken.START_ARRAY) {
        throw new InputException(
            file + ": expected a JSON array of rows; name the file .jsonl if it has one a line");
      }
      while (rows.size() < maxRows && parser.nextToken() != JsonToken.END_ARRAY) {
        line = parser.currentTokenLocation().getLineNr();
        RowSource source = new RowSource(file, rows.size() + 1, line);
        if (parser.currentToken() != JsonToken.START_OBJECT) {
          throw source.error("expected a JSON object");
        }
        Map<String, @Nullable Object> row = ELEMENT.readValue(parser);
        rows.add(RowForm.toExample(row, source));
      }
      if (rows.size() < maxRows && parser.nextToken() != null) {
        throw new InputException(
            file + ":" + parser.currentTokenLocation().getLineNr() + ": text after the array");
      }
    } catch (JsonProcessingException e) {
      var at = e.getLocation();
      throw new RowSource(file, rows.size() + 1, at == null ? line : at.getLineNr())
          .error("not valid JSON (" + JsonProblem.of(e) + ")", e);
    }
    return rows;
  }

  private static List<Example> readParquet(Path file, int maxRows) throws IOException {
    List<Example> rows = new ArrayList<>();
    ParquetRows.read(
        file,
        row -> {
          rows.add(RowForm.toExample(row, new RowSource(file, rows.size() + 1, 0)));
          return rows.size() < maxRows;
        });
    return rows;
  }
}
