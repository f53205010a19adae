package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.grpo4j.fixtures.SharedData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateVectorsTest {
  @TempDir Path folder;

  @Test
  void everyGoldenCasePasses() throws IOException {
    Path file = GoldenVectors.file("chat_templates.json");
    ChatTemplateVectors checker = new ChatTemplateVectors();
    assertTrue(checker.accepts(file));
    RecordedReport report = RecordedReport.of(checker, file);
    assertFalse(report.passed.isEmpty());
    assertEquals(List.of(), report.failed);
    assertEquals(List.of(), report.skipped);
  }

  @Test
  void wrongTextAndUnknownTokenizersAreReported() throws IOException {
    Path tokenizers = folder.resolve("data/tokenizers");
    Files.createDirectories(tokenizers);
    Path link = tokenizers.resolve("gpt2");
    Files.createSymbolicLink(link, SharedData.get("data/tokenizers/gpt2").toRealPath());
    Path file = folder.resolve("golden/v.json");
    Files.createDirectories(folder.resolve("golden"));
    Files.writeString(
        file,
        "{\"gpt2/a\": {\"text\": \"Hello\", \"ids\": [15496]}, \"gpt2/b\": {\"text\": \"Hello\","
            + " \"ids\": [1]}, \"gpt2/c\": {\"text\": \"x\", \"ids\": [1], \"messages\": []},"
            + " \"nope/a\": {\"text\": \"x\", \"ids\": []}}");
    RecordedReport report = RecordedReport.of(new ChatTemplateVectors(), file);
    Files.delete(link); // JUnit warns of links that lead out of its folder.
    assertEquals(List.of("gpt2/a"), report.passed);
    assertEquals("gpt2/b: expected id 0 [1] of 1, got id 0 [15496] of 1", report.failed.get(0));
    assertTrue(report.failed.get(1).startsWith("gpt2/c: expected a chat template, got none"));
    assertEquals(2, report.failed.size());
    assertEquals(List.of("nope/a: no data/tokenizers/nope"), report.skipped);
  }

  @Test
  void otherFormatsAreNotAccepted() throws IOException {
    ChatTemplateVectors checker = new ChatTemplateVectors();
    Path file = folder.resolve("v.json");
    for (String other : List.of("", "[]", "{}", "{\"cases\": []}", "{\"a/b\": {\"x\": 1}}")) {
      Files.writeString(file, other);
      assertFalse(checker.accepts(file), other);
    }
  }
}
