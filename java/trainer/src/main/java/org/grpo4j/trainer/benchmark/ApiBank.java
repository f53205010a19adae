package org.grpo4j.trainer.benchmark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.grpo4j.trainer.python.PythonRepr;
import org.grpo4j.trainer.python.PythonText;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/**
 * API-Bank in the form in which ToolRL and ResT evaluate it: {@code
 * level-{1,2,3}-api_processed.json}, arrays of {system, user, answer}. An answer is right if any of
 * its calls equals the wanted one in name and parameters.
 */
public final class ApiBank implements Benchmark {
  /** As in {@code --benchmark}. */
  public static final String NAME = "api-bank";

  private static final int LEVELS = 3;

  private record Entry(BenchmarkQuestion question, Object name, Object parameters) {}

  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /**
   * Reads the levels of a folder.
   *
   * @param levels names level_1 to level_3; empty: all that the folder has
   * @param limit questions of a level, at most; null: all
   * @throws InputException if the folder lacks a file or has a damaged one
   */
  public ApiBank(Path data, List<String> levels, @Nullable Integer limit) {
    List<String> known = new ArrayList<>();
    for (int level = 1; level <= LEVELS; level++) {
      String group = "level_" + level;
      known.add(group);
      Path file = data.resolve("level-" + level + "-api_processed.json");
      if (levels.contains(group) || (levels.isEmpty() && Files.exists(file))) {
        read(file, level, group, limit);
      }
    }
    for (String level : levels) {
      if (!known.contains(level)) {
        throw new InputException(
            "categories: no level '%s'; there are %s".formatted(level, String.join(", ", known)));
      }
    }
    if (entries.isEmpty()) {
      throw new InputException(
          data + ": no file level-N-api_processed.json, N from 1 to " + LEVELS);
    }
  }

  private void read(Path file, int level, String group, @Nullable Integer limit) {
    List<Map<String, Object>> rows = BfclData.rows(file);
    int n = limit == null ? rows.size() : Math.min(limit, rows.size());
    for (int i = 0; i < n; i++) {
      Map<String, Object> row = rows.get(i);
      Object answer = row.get("answer");
      // Where there are several, the authors' program takes the first.
      Object wanted = answer instanceof List<?> list && !list.isEmpty() ? list.get(0) : answer;
      if (!(row.get("system") instanceof String system)
          || !(row.get("user") instanceof String user)
          || !(wanted instanceof Map<?, ?> call)
          || call.get("name") == null
          || call.get("parameters") == null) {
        throw new InputException(
            "%s, row %d: want system, user and an answer with name and parameters"
                .formatted(file, i + 1));
      }
      String id = "Level" + level + "_" + i;
      List<Map<String, Object>> messages =
          List.of(
              Map.of("role", "system", "content", system), Map.of("role", "user", "content", user));
      entries.put(
          id,
          new Entry(
              BenchmarkQuestion.ofMessages(id, group, messages),
              call.get("name"),
              call.get("parameters")));
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<BenchmarkQuestion> questions() {
    return entries.values().stream().map(Entry::question).toList();
  }

  @Override
  public String result(String completion) {
    return completion;
  }

  @Override
  public Judgement judge(String id, @Nullable Object result) {
    Entry entry = entries.get(id);
    if (entry == null) {
      throw new IllegalArgumentException("id: no question " + id);
    }
    List<@Nullable Object> calls =
        result instanceof List<?> list ? new ArrayList<>(list) : calls(String.valueOf(result));
    String shown = PythonRepr.of(calls);
    try {
      for (Object call : calls) {
        if (isRight(entry, call instanceof String json ? PythonJson.parse(json) : call)) {
          return new Judgement(Verdict.RIGHT, shown);
        }
      }
    } catch (PythonError e) {
      // As in the authors' program, later calls no longer count.
      return new Judgement(Verdict.wrong("malformed_call", String.valueOf(e.getMessage())), shown);
    }
    return new Judgement(
        calls.isEmpty()
            ? Verdict.wrong("no_call", "no JSON line in <tool_call>")
            : Verdict.wrong("wrong_call", "no call equals the wanted one"),
        shown);
  }

  /** The JSON lines of a text's last {@code <tool_call>}; of the whole text where there is none. */
  private static List<@Nullable Object> calls(String text) {
    String body =
        PythonText.beforeFirst(
            PythonText.afterLast(PythonText.strip(text), "<tool_call>"), "</tool_call>");
    List<@Nullable Object> calls = new ArrayList<>();
    for (String line : PythonText.strip(body).split("\n", -1)) {
      calls.addAll(BfclDecoder.json(line));
    }
    return calls;
  }

  /** An object that lacks name or parameters is taken for the parameters of the wanted call. */
  private static boolean isRight(Entry entry, @Nullable Object call) throws PythonError {
    boolean bare =
        !PythonValues.contains(call, "name") || !PythonValues.contains(call, "parameters");
    if (bare) {
      return PythonValues.equal(call, entry.parameters());
    }
    return PythonValues.equal(PythonValues.item(call, "name"), entry.name())
        && PythonValues.equal(PythonValues.item(call, "parameters"), entry.parameters());
  }

  @Override
  public Map<String, Fraction> aggregates(Map<String, Tally> groups) {
    Tally all = new Tally(0, 0);
    for (Tally level : groups.values()) {
      all = all.plus(level);
    }
    return all.n() == 0 ? Map.of() : Map.of("all levels", all.fraction());
  }

  @Override
  public String note() {
    return "An answer is right if any of its calls equals the wanted one in name and parameters;"
        + " all levels are pooled (micro average).";
  }
}
