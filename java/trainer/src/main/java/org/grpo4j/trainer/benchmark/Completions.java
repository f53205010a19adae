package org.grpo4j.trainer.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.jspecify.annotations.Nullable;

/**
 * Answers that were given elsewhere: JSON lines (or one array) of {id, result}, as BFCL's own
 * result files and this program's results.jsonl have them, or {id, completion} with the model's
 * whole text; a folder of such files; or API-Bank's result.json of the authors, {id: {raw_output}}.
 */
public final class Completions {
  private static final Pattern OBJECT_FOR_ALL = Pattern.compile("\\s*\\{\\r?\\n");

  private Completions() {}

  /**
   * Reads what is to be judged, by question.
   *
   * @throws InputException if a file is missing, damaged or answers a question twice
   */
  public static Map<String, @Nullable Object> read(Path path, Benchmark benchmark) {
    if (!Files.exists(path)) {
      throw new InputException("--completions %s: no such file or folder".formatted(path));
    }
    Map<String, @Nullable Object> results = new LinkedHashMap<>();
    for (Path file : files(path)) {
      List<Map<String, Object>> rows = rows(file);
      for (int i = 0; i < rows.size(); i++) {
        Map<String, Object> row = rows.get(i);
        String id = String.valueOf(row.get("id"));
        if (row.get("id") == null
            || !(row.containsKey("result") || row.containsKey("completion"))) {
          throw new InputException(
              "%s, row %d: want id and result, or id and completion".formatted(file, i + 1));
        }
        if (results.containsKey(id)) {
          throw new InputException("%s, row %d: a second answer to %s".formatted(file, i + 1, id));
        }
        results.put(
            id,
            row.containsKey("result")
                ? row.get("result")
                : benchmark.result(String.valueOf(row.get("completion"))));
      }
    }
    return results;
  }

  private static List<Path> files(Path path) {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    try (Stream<Path> entries = Files.walk(path)) {
      List<Path> files = entries.filter(f -> f.toString().matches(".*\\.jsonl?")).sorted().toList();
      if (files.isEmpty()) {
        throw new InputException("--completions %s: no .json or .jsonl file".formatted(path));
      }
      return files;
    } catch (IOException e) {
      throw new InputException(path + ": cannot be read (" + e + ")", e);
    }
  }

  /** The rows of a file; the authors' result.json has one object for all. */
  private static List<Map<String, Object>> rows(Path file) {
    String text = TextFile.read(file);
    if (!OBJECT_FOR_ALL.matcher(text).lookingAt()) {
      return BfclData.rows(file);
    }
    try {
      List<Map<String, Object>> rows = new ArrayList<>();
      if (PythonJson.parse(text) instanceof Map<?, ?> byId) {
        byId.forEach(
            (id, answer) -> {
              Map<String, Object> row = new LinkedHashMap<>();
              row.put("id", id);
              if (answer instanceof Map<?, ?> map && map.get("raw_output") != null) {
                row.put("result", map.get("raw_output"));
              }
              rows.add(row);
            });
      }
      return rows;
    } catch (PythonError e) {
      throw new InputException(file + ": no JSON: " + e.getMessage(), e);
    }
  }
}
