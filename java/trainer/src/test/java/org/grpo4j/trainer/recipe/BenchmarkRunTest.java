package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.benchmark.Fraction;
import org.grpo4j.trainer.config.BenchmarkConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.report.BenchmarkFolder;
import org.grpo4j.trainer.report.BenchmarkReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Evaluations end to end with a tiny random checkpoint, and without any. */
final class BenchmarkRunTest {
  private static final int QUESTIONS = 7;

  @TempDir private Path temp;

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  private BenchmarkReport evaluate(BenchmarkFolder folder, String... settings) {
    BenchmarkConfig config = ConfigLoader.BENCHMARK.load(null, List.of(settings));
    return BenchmarkRun.of(config)
        .evaluate(folder, new PrintStream(printed, true, StandardCharsets.UTF_8));
  }

  private Path apiBank() throws IOException {
    Path data = Files.createDirectories(temp.resolve("api-bank"));
    String rows =
        IntStream.range(0, QUESTIONS)
            .mapToObj(
                i ->
                    """
                    {"system": "You call tools.", "user": "Cancel booking %d.", "answer": \
                    [{"name": "Cancel", "parameters": {"id": "%d"}}]}\
                    """
                        .formatted(i, i))
            .collect(Collectors.joining(",", "[", "]"));
    Files.writeString(data.resolve("level-1-api_processed.json"), rows);
    return data;
  }

  private String[] apiBankSettings(Path data, Path model) {
    return new String[] {
      "benchmark=api-bank",
      "data=" + data,
      "model_name_or_path=" + model,
      "max_completion_length=12",
      "per_device_eval_batch_size=3",
      "num_threads=1"
    };
  }

  @Test
  void aKilledEvaluationGoesOnToTheSameResults() throws IOException {
    String[] settings = apiBankSettings(apiBank(), TinyCheckpoint.write(temp.resolve("model"), 3));
    BenchmarkFolder whole = BenchmarkFolder.create(temp.resolve("whole"));
    BenchmarkReport report = evaluate(whole, settings);
    List<String> rows = Files.readAllLines(whole.results());
    assertEquals(QUESTIONS, rows.size());
    assertTrue(rows.get(0).startsWith("{\"id\":\"Level1_0\",\"group\":\"level_1\",\"result\":\""));
    assertEquals(Fraction.of(0, QUESTIONS), report.groups().get("level_1"));
    assertTrue(printed.toString(StandardCharsets.UTF_8).contains("answer 7/7  accuracy 0.000"));

    // Two answers and half of the third, as a kill leaves them.
    Path killed = Files.createDirectories(temp.resolve("killed"));
    Files.writeString(killed.resolve("config.yaml"), "");
    Files.writeString(
        killed.resolve("results.jsonl"),
        rows.get(0) + "\n" + rows.get(1) + "\n" + rows.get(2).substring(0, 30));
    BenchmarkFolder resumed = BenchmarkFolder.resume(killed);
    BenchmarkReport again = evaluate(resumed, settings);
    assertEquals(rows, Files.readAllLines(resumed.results()));
    assertEquals(report.groups(), again.groups());
    assertTrue(
        printed.toString(StandardCharsets.UTF_8).contains("2 of 7 questions are answered already"));
  }

  @Test
  void anAnswerDoesNotDependOnWhatElseIsAsked() throws IOException {
    Path data = apiBank();
    Path model = TinyCheckpoint.write(temp.resolve("model"), 3);
    List<String> sampled = new ArrayList<>(List.of(apiBankSettings(data, model)));
    sampled.add("temperature=1.0");
    BenchmarkFolder all = BenchmarkFolder.create(temp.resolve("all"));
    evaluate(all, sampled.toArray(String[]::new));
    sampled.add("limit=2");
    BenchmarkFolder two = BenchmarkFolder.create(temp.resolve("two"));
    evaluate(two, sampled.toArray(String[]::new));
    assertEquals(
        Files.readAllLines(all.results()).subList(0, 2), Files.readAllLines(two.results()));
  }

  @Test
  void aPromptBeyondTheContextIsCountedAndNotAsked() throws IOException {
    Path model = TinyCheckpoint.write(temp.resolve("model"), 3);
    Path config = model.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config).replaceAll("(\"max_position_embeddings\"\\s*:\\s*)\\d+", "$115"));
    BenchmarkFolder folder = BenchmarkFolder.create(temp.resolve("out"));
    BenchmarkReport report = evaluate(folder, apiBankSettings(apiBank(), model));
    assertEquals(QUESTIONS, report.counts().get("prompts longer than the model's context"));
    assertTrue(Files.readString(folder.results()).contains("the model takes 13\""));
  }

  private Path bfcl() throws IOException {
    Path data = temp.resolve("bfcl");
    Files.createDirectories(data.resolve("possible_answer"));
    Files.writeString(
        data.resolve("BFCL_v4_multiple.json"),
        """
        {"id": "multiple_0", "question": [[{"role": "user", "content": "Ring twice."}]], \
        "function": [{"name": "bell.ring", "description": "Rings.", "parameters": {"type": "dict", \
        "properties": {"times": {"type": "integer", "description": "N."}}, "required": ["times"]}}]}
        {"id": "multiple_1", "question": [[{"role": "user", "content": "Ring once."}]], \
        "function": [{"name": "bell.ring", "description": "Rings.", "parameters": {"type": "dict", \
        "properties": {"times": {"type": "integer", "description": "N."}}, "required": ["times"]}}]}
        """);
    Files.writeString(
        data.resolve("possible_answer/BFCL_v4_multiple.json"),
        """
        {"id": "multiple_0", "ground_truth": [{"bell.ring": {"times": [2]}}]}
        {"id": "multiple_1", "ground_truth": [{"bell.ring": {"times": [1]}}]}
        """);
    return data;
  }

  @Test
  void completionsAreJudgedWithoutAModel() throws IOException {
    Path file = temp.resolve("c.jsonl");
    Files.writeString(
        file,
        """
        {"id": "multiple_0", "result": "[bell.ring(times=2)]"}
        {"id": "multiple_1", "result": "<script>"}
        {"id": "elsewhere_1", "result": ""}
        """);
    BenchmarkFolder folder = BenchmarkFolder.create(temp.resolve("out"));
    BenchmarkReport report = evaluate(folder, "data=" + bfcl(), "completions=" + file);
    assertEquals(Fraction.of(1, 2), report.groups().get("multiple"));
    assertFalse(Files.exists(folder.results()));
    assertEquals(
        "{\"id\":\"multiple_0\",\"group\":\"multiple\",\"valid\":true,\"error_type\":null,"
            + "\"message\":\"\",\"calls\":\"[{'bell.ring': {'times': 2}}]\"}",
        Files.readAllLines(folder.verdicts()).get(0));
    assertTrue(
        printed.toString(StandardCharsets.UTF_8).contains("1 completions answer no question"));
    String json = Files.readString(folder.report("json"));
    assertTrue(json.contains("\"value\" : 0.5"), json);
    assertTrue(json.contains("\"ast_decoder:decoder_failed\" : 1"), json);
    String markdown = Files.readString(folder.report("md"));
    assertTrue(markdown.contains("| multiple | 0.5000 | 0.0945 to 0.9055 | 2 |"), markdown);
    String html = Files.readString(folder.report("html"));
    assertTrue(html.contains("<pre>&lt;script&gt;</pre>"));
    assertFalse(html.contains("<script>"));
    assertFalse(html.contains("http"));
  }

  @Test
  void foldersAreNotMixedUp() throws IOException {
    Path file = temp.resolve("c.jsonl");
    Files.writeString(file, "{\"id\": \"nothing\", \"result\": \"\"}\n");
    BenchmarkFolder folder = BenchmarkFolder.create(temp.resolve("out"));
    Path data = bfcl();
    assertThrows(
        InputException.class, () -> evaluate(folder, "data=" + data, "completions=" + file));
    Files.writeString(folder.results(), "{}\n");
    assertThrows(InputException.class, () -> BenchmarkFolder.create(folder.root()));
    assertThrows(InputException.class, () -> BenchmarkFolder.create(data));
    assertThrows(InputException.class, () -> BenchmarkFolder.resume(data));
    Files.writeString(folder.results(), "no JSON\n{}\n");
    assertThrows(InputException.class, folder::readResults);
  }
}
