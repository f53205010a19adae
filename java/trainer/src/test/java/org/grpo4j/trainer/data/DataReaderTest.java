package org.grpo4j.trainer.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataReaderTest {
  @TempDir Path folder;

  private Example one(String row) throws IOException {
    List<Example> rows = DataReader.read(file("rows.jsonl", row + "\n"));
    assertEquals(1, rows.size());
    return rows.get(0);
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static String message(Path file) {
    String message =
        String.valueOf(
            assertThrows(InputException.class, () -> DataReader.read(file)).getMessage());
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.startsWith(file.toString()), message);
    return message;
  }

  @Test
  void toolRlRow() throws IOException {
    Example row = one("{\"instruction\": \"S\", \"input\": \"U 🙂\", \"output\": \"A\"}");
    assertEquals(
        List.of(
            Map.of("role", "system", "content", "S"), Map.of("role", "user", "content", "U 🙂")),
        row.messages());
    assertNull(row.prompt());
    assertEquals("A", row.answer());
    assertEquals("1", row.id());
    assertTrue(row.source().endsWith("rows.jsonl:1 (row 1)"), row.source());
    Example alpaca = one("{\"instruction\": \"S\", \"input\": \"\", \"output\": \"A\"}");
    assertEquals(List.of(Map.of("role", "user", "content", "S")), alpaca.messages());
  }

  @Test
  void verlRow() throws IOException {
    Example row =
        one(
            "{\"data_source\": \"rlla\", \"prompt\": [{\"role\": \"user\", \"content\": \"U\"}],"
                + " \"ability\": \"math\", \"reward_model\": {\"style\": \"rule\","
                + " \"ground_truth\": \"A\"}, \"extra_info\": {\"split\": \"train\","
                + " \"index\": 7}}");
    assertEquals("A", row.answer());
    assertEquals("7", row.id());
    assertEquals("rlla", row.extra().get("data_source"));
    assertEquals(Map.of("split", "train", "index", 7), row.extra().get("extra_info"));
  }

  @Test
  void trlRows() throws IOException {
    Example raw = one("{\"id\": \"x\", \"prompt\": \"P\", \"solution\": \"A\", \"difficulty\": 2}");
    assertEquals("P", raw.prompt());
    assertEquals("x", raw.id());
    assertEquals(Map.of("difficulty", 2), raw.extra());
    Example chat =
        one(
            "{\"prompt\": [{\"role\": \"user\", \"content\": \"U\"}], \"completion\":"
                + " [{\"role\": \"assistant\", \"content\": \"A\"}], \"tools\": \"[{\\\"name\\\":"
                + " \\\"f\\\"}]\"}");
    assertEquals("A", chat.answer());
    assertEquals(List.of(Map.of("name", "f")), chat.tools());
    Example conversation =
        one(
            "{\"messages\": [{\"role\": \"user\", \"content\": \"U\"}, {\"role\": \"assistant\","
                + " \"content\": null, \"tool_calls\": [{\"name\": \"f\"}]}, {\"role\": \"tool\","
                + " \"content\": \"1\"}, {\"role\": \"assistant\", \"content\": \"A\"}]}");
    assertEquals(3, conversation.messages().size());
    assertEquals("A", conversation.answer());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"a\": 1}|no known form of row",
        "{\"instruction\": \"S\", \"input\": \"U\"}|output must be text, got nothing",
        "{\"instruction\": \"S\", \"input\": 3, \"output\": \"A\"}|input must be text, got the",
        "{\"prompt\": \"P\"}|no answer beside prompt",
        "{\"prompt\": [], \"answer\": \"A\"}|prompt must be text or a list of messages, got an empty",
        "{\"prompt\": [{\"content\": \"U\"}], \"answer\": \"A\"}|prompt[0].role must be text",
        "{\"prompt\": [{\"role\": \"user\"}], \"answer\": \"A\"}|prompt[0].content must be text",
        "{\"prompt\": [3], \"answer\": \"A\"}|prompt[0] must be an object, got the value 3",
        "{\"prompt\": \"P\", \"reward_model\": {}}|reward_model.ground_truth is missing",
        "{\"prompt\": \"P\", \"reward_model\": \"x\"}|reward_model must be an object",
        "{\"prompt\": \"P\", \"answer\": \"A\", \"tools\": \"[\"}|tools must be a list",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"U\"}]}|must hold a prompt and",
        "[1]|expected a JSON object on this line",
        "{\"prompt\": |not valid JSON",
        "{\"prompt\": \"P\"} x|not valid JSON",
      })
  void badRowsNameTheirLine(String row, String why) throws IOException {
    Path file = file("rows.jsonl", "{\"prompt\": \"P\", \"answer\": \"A\"}\n\n" + row + "\n");
    String message = message(file);
    assertTrue(message.contains("rows.jsonl:3 (row 2): "), message);
    assertTrue(message.contains(why), message);
  }

  @Test
  void badElementOfAnArrayNamesItsRowAndLine() throws IOException {
    String good = "{\"prompt\": \"P\", \"answer\": \"A\"}";
    assertTrue(message(file("a.json", "[\n" + good + ",\n{}\n]")).contains("a.json:3 (row 2): no"));
    assertTrue(message(file("a.json", "[\n" + good + ",\n3\n]")).contains(":3 (row 2): expected"));
    assertTrue(
        message(file("a.json", "[\n" + good + ",\n{\"prom")).contains("a.json:3 (row 2): not"));
    assertTrue(message(file("a.json", good)).contains("expected a JSON array"));
    assertTrue(message(file("a.json", "[" + good + "]\n]")).contains("a.json:2 "));
  }

  @Test
  void badFiles() throws IOException {
    assertTrue(message(folder.resolve("none.json")).contains("no such data file"));
    assertTrue(message(folder).contains("is not a file"));
    assertTrue(message(file("rows.csv", "a,b")).contains("expected .json (an array), .jsonl"));
    assertTrue(message(file("empty.json", "")).contains("is empty"));
    assertTrue(message(file("empty.json", "[]")).contains("holds no rows"));
    assertTrue(message(file("empty.jsonl", "\n")).contains("holds no rows"));
    Path latin = folder.resolve("latin.jsonl");
    Files.write(
        latin,
        "{\"prompt\": \"a\", \"answer\": \"b\"}\n{\"prompt\": \"\u00e9\", \"answer\": \"b\"}"
            .getBytes(StandardCharsets.ISO_8859_1));
    assertTrue(message(latin).contains("latin.jsonl:2 (row 2): not valid JSON"));
  }

  /** A byte order mark and line ends of Windows, as other systems write them. */
  @Test
  void marksAndLineEndsOfOtherSystems() throws IOException {
    String row = "{\"instruction\": \"S\", \"input\": \"é\", \"output\": \"A\"}";
    Path lines = file("rows.jsonl", "\uFEFF" + row + "\r\n\r\n" + row + "\r\n");
    assertEquals(2, DataReader.read(lines).size());
    assertEquals(1, DataReader.read(file("rows.json", "\uFEFF[\r\n" + row + "]\r\n")).size());
  }

  @Test
  void firstRowsOnly() throws IOException {
    String row = "{\"prompt\": \"P\", \"answer\": \"A\"}\n";
    assertEquals(2, DataReader.read(file("rows.jsonl", row.repeat(5)), 2).size());
  }

  @Test
  void toolRlFile() {
    Path file = SharedData.get("data/toolrl/rlla_sft.json");
    List<Example> rows = DataReader.read(file);
    assertEquals(400, rows.size());
    for (Example row : rows) {
      assertEquals(2, row.messages().size());
      assertTrue(row.answer().contains("<think>"), row.source());
    }
  }
}
