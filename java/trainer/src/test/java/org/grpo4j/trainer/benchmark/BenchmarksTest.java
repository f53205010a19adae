package org.grpo4j.trainer.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both benchmarks on small files of their own. */
final class BenchmarksTest {
  @TempDir private Path folder;

  private void bfclFile(String category, int rows) throws IOException {
    StringBuilder questions = new StringBuilder();
    StringBuilder answers = new StringBuilder();
    for (int i = 0; i < rows; i++) {
      String id =
          category.startsWith("live") ? category + "_" + i + "-" + i + "-0" : category + "_" + i;
      questions.append(
          """
          {"id": "%s", "question": [[{"role": "user", "content": "Ring."}]], "function": [{"name": \
          "ring", "description": "Rings.", "parameters": {"type": "dict", "properties": {"times": \
          {"type": "integer", "description": "How often."}}, "required": ["times"]}}]}
          """
              .formatted(id));
      answers.append(
          """
          {"id": "%s", "ground_truth": [{"ring": {"times": [%d]}}]}
          """
              .formatted(id, i));
    }
    Files.createDirectories(folder.resolve("possible_answer"));
    Files.writeString(folder.resolve("BFCL_v4_" + category + ".json"), questions);
    if (!category.contains("relevance")) {
      Files.writeString(folder.resolve("possible_answer/BFCL_v4_" + category + ".json"), answers);
    }
  }

  private Bfcl bfcl(List<String> categories, @Nullable Integer limit) {
    return new Bfcl(folder, categories, limit, PromptFormat.PROMPT, false);
  }

  private static double value(Map<String, Fraction> all, String name) {
    return Objects.requireNonNull(all.get(name), name).value();
  }

  private static String refusal(Executable call) {
    return String.valueOf(assertThrows(InputException.class, call).getMessage());
  }

  @Test
  void bfclAsksEveryCategoryThatIsThere() throws IOException {
    bfclFile("live_relevance", 2);
    bfclFile("simple_python", 3);
    bfclFile("live_simple", 3);
    Bfcl bfcl = bfcl(List.of(), 2);
    assertEquals(
        List.of(
            "simple_python_0",
            "simple_python_1",
            "live_simple_0-0-0",
            "live_simple_1-1-0",
            "live_relevance_0-0-0",
            "live_relevance_1-1-0"),
        bfcl.questions().stream().map(BenchmarkQuestion::id).toList());
    assertTrue(bfcl.judge("live_simple_1-1-0", "[ring(times=1)]").verdict().valid());
    assertFalse(bfcl.judge("live_simple_1-1-0", "[ring(times=0)]").verdict().valid());
    assertTrue(bfcl.judge("live_relevance_0-0-0", "ring(times=5)").verdict().valid());
    assertEquals(1, bfcl(List.of("live_simple"), 1).questions().size());
    assertThrows(InputException.class, () -> bfcl(List.of("live_simpel"), null));
  }

  @Test
  void reasoningIsDroppedAsTheOfficialHandlersDo() throws IOException {
    bfclFile("simple_python", 1);
    Bfcl prompted = bfcl(List.of(), null);
    assertEquals("[f()]", prompted.result("<think>a</think>b</think>\n\n[f()]"));
    assertEquals("<think>cut", prompted.result("<think>cut"));
    Bfcl rest = new Bfcl(folder, List.of(), null, PromptFormat.REST, false);
    assertEquals("<think>a</think>\nb", rest.result("<think>a</think>\nb"));
  }

  @Test
  void aggregatesAreTheLeaderboards() throws IOException {
    bfclFile("simple_python", 1);
    Map<String, Tally> groups = new TreeMap<>();
    groups.put("simple_python", new Tally(8, 10));
    groups.put("simple_java", new Tally(1, 2));
    groups.put("simple_javascript", new Tally(1, 5));
    groups.put("multiple", new Tally(1, 1));
    groups.put("parallel", new Tally(0, 4));
    Bfcl bfcl = bfcl(List.of(), null);
    assertEquals(List.of("non-live simple"), List.copyOf(bfcl.aggregates(groups).keySet()));
    groups.put("parallel_multiple", new Tally(2, 4));
    groups.put("live_simple", new Tally(90, 100));
    groups.put("live_multiple", new Tally(0, 10));
    groups.put("live_parallel", new Tally(1, 2));
    groups.put("live_parallel_multiple", new Tally(1, 2));
    groups.put("irrelevance", new Tally(1, 2));
    groups.put("live_irrelevance", new Tally(10, 10));
    groups.put("live_relevance", new Tally(3, 4));
    Map<String, Fraction> all = bfcl.aggregates(groups);
    assertEquals(0.5, value(all, "non-live simple"), 1e-12);
    assertEquals(0.5, value(all, "non-live AST"), 1e-12);
    assertEquals(Fraction.of(92, 114), all.get("live AST"));
    assertEquals(0.75, value(all, "irrelevance, both"), 1e-12);
    assertEquals(Fraction.of(3, 4), all.get("relevance"));
    assertEquals(5, all.size());
  }

  private ApiBank apiBank() throws IOException {
    String row =
        """
        {"system": "Use tools.", "user": "Cancel 7.", "answer": %s}\
        """;
    String call = "{\"name\": \"Cancel\", \"parameters\": {\"id\": \"7\", \"n\": 1}}";
    Files.writeString(
        folder.resolve("level-1-api_processed.json"),
        "[" + row.formatted("[" + call + "]") + ", " + row.formatted("[" + call + "]") + "]");
    // Level 2 has its answers without a list.
    Files.writeString(
        folder.resolve("level-2-api_processed.json"), "[" + row.formatted(call) + "]");
    return new ApiBank(folder, List.of(), null);
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " --> ",
      quoteCharacter = '`',
      value = {
        "<tool_call>\\n"
            + "{\"name\": \"Cancel\", \"parameters\": {\"n\": 1.0, \"id\": \"7\"}}\\n"
            + "</tool_call> --> right",
        "{\"name\": \"Other\"}\\n"
            + "{\"name\": \"Cancel\", \"parameters\": {\"id\": \"7\", \"n\": true}} --> right",
        "<tool_call>\\n{\"id\": \"7\", \"n\": 1}\\n</tool_call> --> right",
        "<tool_call>\\n"
            + "no JSON\\n"
            + "\\n"
            + "{\"name\": \"Cancel\", \"parameters\": {\"id\": \"7\", \"n\": 1}} --> right",
        "<tool_call>{\"name\": \"Cancel\", \"parameters\": {\"id\": 7, \"n\": 1}}</tool_call> -->"
            + " wrong_call",
        "<tool_call>{\"name\": \"cancel\", \"parameters\": {\"id\": \"7\", \"n\": 1}}</tool_call>"
            + " --> wrong_call",
        "<tool_call>\\n"
            + "5\\n"
            + "{\"name\": \"Cancel\", \"parameters\": {\"id\": \"7\", \"n\": 1}} -->"
            + " malformed_call",
        "<tool_call>{\"name\": \"Cancel\", \"parameters\": {\"id\": \"7\", \"n\": 1}}</tool_call>"
            + " <tool_call></tool_call> --> no_call",
        "I cannot. --> no_call",
      })
  void apiBankTakesAnyCallThatIsEqual(String text, String wanted) throws IOException {
    ApiBank apiBank = apiBank();
    for (String id : List.of("Level1_0", "Level2_0")) {
      Verdict verdict = apiBank.judge(id, text.replace("\\n", "\n")).verdict();
      assertEquals(wanted, verdict.valid() ? "right" : verdict.errorType());
    }
  }

  @Test
  void apiBankPoolsItsLevels() throws IOException {
    ApiBank apiBank = apiBank();
    assertEquals(
        List.of("level_1", "level_1", "level_2"),
        apiBank.questions().stream().map(BenchmarkQuestion::group).toList());
    assertEquals(
        Map.of("all levels", Fraction.of(5, 30)),
        apiBank.aggregates(Map.of("level_1", new Tally(4, 20), "level_2", new Tally(1, 10))));
    assertEquals(1, new ApiBank(folder, List.of("level_2"), 5).questions().size());
    assertThrows(InputException.class, () -> new ApiBank(folder, List.of("level_3"), null));
    assertThrows(InputException.class, () -> new ApiBank(folder, List.of("2"), null));
    Files.writeString(folder.resolve("level-3-api_processed.json"), "[{\"system\": \"x\"}]");
    assertTrue(
        refusal(() -> new ApiBank(folder, List.of(), null))
            .endsWith("row 1: want system, user and an answer with name and parameters"));
  }

  @Test
  void completionsComeInSeveralForms() throws IOException {
    bfclFile("simple_python", 1);
    Bfcl bfcl = bfcl(List.of(), null);
    Path results = Files.createDirectories(folder.resolve("answers/non_live"));
    Files.writeString(
        results.resolve("BFCL_v4_simple_python_result.json"),
        "{\"id\": \"simple_python_0\", \"result\": \"[ring(times=0)]\", \"latency\": 1}\n");
    Files.writeString(
        results.resolve("more.jsonl"),
        """
        {"id": "a", "completion": "<think>\\n</think>\\n\\n[f()]"}
        {"id": "b", "result": [{"ring": "{}"}]}
        """);
    Map<String, Object> read = Completions.read(folder.resolve("answers"), bfcl);
    assertEquals("[ring(times=0)]", read.get("simple_python_0"));
    assertEquals("[f()]", read.get("a"));
    assertEquals(List.of(Map.of("ring", "{}")), read.get("b"));
    Path authors = folder.resolve("result.json");
    Files.writeString(
        authors, "{\n  \"Level1_0\": {\"raw_output\": \"text\", \"tool_calls\": []}\n}");
    assertEquals(Map.of("Level1_0", "text"), Completions.read(authors, bfcl));
  }

  @Test
  void badCompletionsAreOneLine() throws IOException {
    bfclFile("simple_python", 1);
    Bfcl bfcl = bfcl(List.of(), null);
    Path file = folder.resolve("c.jsonl");
    assertThrows(InputException.class, () -> Completions.read(file, bfcl));
    Files.writeString(file, "{\"id\": \"a\"}\n");
    assertTrue(
        refusal(() -> Completions.read(file, bfcl))
            .endsWith("row 1: want id and result, or id and completion"));
    Files.writeString(
        file, "{\"id\": \"a\", \"result\": \"\"}\n{\"id\": \"a\", \"result\": \"\"}\n");
    assertTrue(refusal(() -> Completions.read(file, bfcl)).endsWith("row 2: a second answer to a"));
  }

  /** Files that went through other systems: a byte order mark, line ends of Windows. */
  @Test
  void marksAndLineEndsOfOtherSystemsAreRead() throws IOException {
    bfclFile("simple_python", 2);
    for (String name :
        List.of("BFCL_v4_simple_python.json", "possible_answer/BFCL_v4_simple_python.json")) {
      Path file = folder.resolve(name);
      Files.writeString(file, "\uFEFF" + Files.readString(file).replace("\n", "\r\n"));
    }
    Bfcl bfcl = bfcl(List.of(), null);
    assertEquals(2, bfcl.questions().size());
    assertTrue(bfcl.judge("simple_python_1", "[ring(times=1)]").verdict().valid());
    Path authors = folder.resolve("result.json");
    Files.writeString(authors, "\uFEFF{\r\n  \"Level1_0\": {\"raw_output\": \"text\"}\r\n}");
    assertEquals(Map.of("Level1_0", "text"), Completions.read(authors, bfcl));
  }

  @Test
  void damagedFilesAreOneLine() throws IOException {
    bfclFile("simple_python", 2);
    Path file = folder.resolve("BFCL_v4_simple_python.json");
    String rows = Files.readString(file);
    Map<String, String> messages =
        Map.of(
            "",
            ": is empty; want JSON objects, one a line",
            "\r\n \n",
            ": is empty; want JSON objects, one a line",
            rows.replaceFirst("\\]\\]", "]"),
            ", line 1: no JSON: ",
            rows + "{\"id\": ",
            ", line 3: no JSON: ",
            rows + "5\n",
            ", row 3: want a JSON object",
            "[{\"id\": 1}",
            ": no JSON: ",
            "{\"id\": \"simple_python_0\", \"question\": []}",
            ", row 1: want an id and a question of one turn");
    for (Map.Entry<String, String> each : messages.entrySet()) {
      Files.writeString(file, each.getKey());
      String said = refusal(() -> bfcl(List.of(), null));
      assertTrue(said.startsWith(file + each.getValue()), said);
      assertEquals(1, said.lines().count(), said);
    }
    Files.write(file, new byte[] {'{', '"', (byte) 0xe9, '"', '}'});
    assertEquals(file + ": is not UTF-8 text", refusal(() -> bfcl(List.of(), null)));
    Files.delete(folder.resolve("possible_answer/BFCL_v4_simple_python.json"));
    Files.writeString(file, rows);
    assertTrue(refusal(() -> bfcl(List.of(), null)).endsWith("simple_python.json are missing"));
    assertEquals(
        folder + ": no questions of category live_simpel; there are simple_python",
        refusal(() -> bfcl(List.of("live_simpel"), null)));
  }
}
