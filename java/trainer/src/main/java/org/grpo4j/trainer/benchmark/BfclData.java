package org.grpo4j.trainer.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/**
 * The files of BFCL v4's single-turn categories: {@code BFCL_v4_CATEGORY.json}, one JSON object a
 * line, the questions in a folder or in its {@code question}, the answers in its {@code
 * possible_answer}.
 */
public final class BfclData {
  /** Categories in the leaderboard's order. */
  public static final List<String> CATEGORIES =
      List.of(
          "simple_python",
          "simple_java",
          "simple_javascript",
          "multiple",
          "parallel",
          "parallel_multiple",
          "irrelevance",
          "live_simple",
          "live_multiple",
          "live_parallel",
          "live_parallel_multiple",
          "live_irrelevance",
          "live_relevance");

  private static final Pattern NAME = Pattern.compile("BFCL_v\\d+_(\\w+)\\.jsonl?");

  private final Path folder;
  private final Map<String, Path> questions;
  private final Map<String, Path> answers;

  private BfclData(Path folder, Map<String, Path> questions, Map<String, Path> answers) {
    this.folder = folder;
    this.questions = questions;
    this.answers = answers;
  }

  /**
   * Finds the files of a folder; they are read later.
   *
   * @throws InputException if there are none
   */
  public static BfclData of(Path folder) {
    Path own = folder.resolve("question");
    Map<String, Path> questions = files(Files.isDirectory(own) ? own : folder);
    if (questions.isEmpty()) {
      throw new InputException(
          folder + ": no file BFCL_v4_CATEGORY.json there or in its folder question");
    }
    Path answers = folder.resolve("possible_answer");
    return new BfclData(folder, questions, Files.isDirectory(answers) ? files(answers) : Map.of());
  }

  private static Map<String, Path> files(Path folder) {
    Map<String, Path> found = new TreeMap<>();
    try (Stream<Path> entries = Files.list(folder)) {
      for (Path file : entries.sorted().toList()) {
        Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
        if (name.matches()) {
          found.put(name.group(1), file);
        }
      }
    } catch (IOException e) {
      throw new InputException(folder + ": no folder that can be read (" + e + ")", e);
    }
    return found;
  }

  /** The categories that can be evaluated, in the leaderboard's order. */
  public List<String> categories() {
    return CATEGORIES.stream().filter(questions::containsKey).toList();
  }

  /**
   * Reads one category.
   *
   * @throws InputException if a file is missing, damaged, or has no answer to a question
   */
  public List<BfclQuestion> questions(String category) {
    Path file = questions.get(category);
    if (file == null) {
      throw new InputException(
          "%s: no questions of category %s; there are %s"
              .formatted(folder, category, String.join(", ", questions.keySet())));
    }
    List<Map<String, Object>> rows = rows(file);
    if (category.contains("relevance")) {
      List<BfclQuestion> result = new ArrayList<>();
      for (int i = 0; i < rows.size(); i++) {
        result.add(question(category, file, i, rows.get(i), List.of()));
      }
      return result;
    }
    Path answerFile = answers.get(category);
    if (answerFile == null) {
      throw new InputException(
          "%s: the answers possible_answer/%s are missing".formatted(folder, file.getFileName()));
    }
    return answered(category, file, rows, answerFile);
  }

  private static List<BfclQuestion> answered(
      String category, Path file, List<Map<String, Object>> rows, Path answerFile) {
    List<Map<String, Object>> answerRows = rows(answerFile);
    Map<String, Map<String, Object>> byId = new HashMap<>();
    answerRows.forEach(row -> byId.put(String.valueOf(row.get("id")), row));
    List<BfclQuestion> result = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Map<String, Object> row = rows.get(i);
      Map<String, Object> answer = byId.get(String.valueOf(row.get("id")));
      if (answer == null && answerRows.size() == rows.size()) {
        // Some releases number the answers otherwise, in the same order.
        answer = answerRows.get(i);
      }
      if (answer == null) {
        throw new InputException(
            "%s: no answer to question %s".formatted(answerFile, row.get("id")));
      }
      result.add(question(category, file, i, row, maps(answer.get("ground_truth"), answerFile, i)));
    }
    return result;
  }

  private static BfclQuestion question(
      String category,
      Path file,
      int index,
      Map<String, Object> row,
      List<Map<String, Object>> answers) {
    List<?> turns = row.get("question") instanceof List<?> list ? list : List.of();
    if (turns.size() != 1 || row.get("id") == null) {
      throw new InputException(
          "%s, row %d: want an id and a question of one turn".formatted(file, index + 1));
    }
    return new BfclQuestion(
        String.valueOf(row.get("id")),
        category,
        maps(turns.get(0), file, index),
        maps(row.get("function"), file, index),
        answers);
  }

  private static List<Map<String, Object>> maps(@Nullable Object value, Path file, int index) {
    List<Map<String, Object>> result = new ArrayList<>();
    for (Object item : value instanceof List<?> list ? list : List.of("no list")) {
      result.add(
          object(item)
              .orElseThrow(
                  () ->
                      new InputException(
                          "%s, row %d: want lists of objects".formatted(file, index + 1))));
    }
    return result;
  }

  @SuppressWarnings("unchecked") // Keys of JSON objects are texts.
  private static Optional<Map<String, Object>> object(@Nullable Object value) {
    return value instanceof Map<?, ?> map
        ? Optional.of((Map<String, Object>) map)
        : Optional.empty();
  }

  /** The objects of a file: one a line, or a JSON array of them. */
  static List<Map<String, Object>> rows(Path file) {
    String text = TextFile.read(file);
    List<Map<String, Object>> rows = new ArrayList<>();
    if (text.isBlank()) {
      throw new InputException(file + ": is empty; want JSON objects, one a line");
    }
    if (text.stripLeading().startsWith("[")) {
      try {
        for (Object item : PythonValues.elements(PythonJson.parse(text))) {
          rows.add(row(item, file, rows.size() + 1));
        }
      } catch (PythonError e) {
        throw new InputException(file + ": no JSON: " + firstLine(e), e);
      }
      return rows;
    }
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (!line.isBlank()) {
        try {
          rows.add(row(PythonJson.parse(line), file, number));
        } catch (PythonError e) {
          throw new InputException(
              "%s, line %d: no JSON: %s".formatted(file, number, firstLine(e)), e);
        }
      }
    }
    return rows;
  }

  private static String firstLine(PythonError e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  private static Map<String, Object> row(@Nullable Object value, Path file, int number) {
    return object(value)
        .orElseThrow(
            () -> new InputException("%s, row %d: want a JSON object".formatted(file, number)));
  }
}
