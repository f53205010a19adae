package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateVectorsTest {
  @TempDir Path folder;

  private static final class Lines implements CheckReport {
    private final List<String> all = new ArrayList<>();

    @Override
    public void passed(Path file, String caseName) {
      all.add("passed " + caseName);
    }

    @Override
    public void failed(Path file, String caseName, String expected, String got) {
      all.add("failed " + caseName + " " + expected + " <> " + got);
    }

    @Override
    public void skipped(Path file, String caseName, String why) {
      all.add("skipped " + caseName + " " + why);
    }
  }

  private static Path golden() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path file = at.resolve("shared/golden/chat_templates.json");
      if (Files.exists(file)) {
        return file;
      }
    }
    return Assumptions.abort("no shared/golden/chat_templates.json beside this checkout");
  }

  @Test
  void everyGoldenCasePasses() throws IOException {
    Path file = golden();
    ChatTemplateVectors checker = new ChatTemplateVectors();
    assertTrue(checker.accepts(file));
    Lines lines = new Lines();
    checker.check(file, lines);
    assertFalse(lines.all.isEmpty());
    assertEquals(List.of(), lines.all.stream().filter(l -> !l.startsWith("passed ")).toList());
  }

  @Test
  void wrongTextAndUnknownTokenizersAreReported() throws IOException {
    Path tokenizers = folder.resolve("data/tokenizers");
    Files.createDirectories(tokenizers);
    Files.createSymbolicLink(
        tokenizers.resolve("gpt2"),
        golden().resolveSibling("../data/tokenizers/gpt2").toRealPath());
    Path file = folder.resolve("golden/v.json");
    Files.createDirectories(folder.resolve("golden"));
    Files.writeString(
        file,
        "{\"gpt2/a\": {\"text\": \"Hello\", \"ids\": [15496]}, \"gpt2/b\": {\"text\": \"Hello\","
            + " \"ids\": [1]}, \"gpt2/c\": {\"text\": \"x\", \"ids\": [1], \"messages\": []},"
            + " \"nope/a\": {\"text\": \"x\", \"ids\": []}}");
    Lines lines = new Lines();
    new ChatTemplateVectors().check(file, lines);
    assertEquals("passed gpt2/a", lines.all.get(0));
    assertEquals("failed gpt2/b id 0 [1] of 1 <> id 0 [15496] of 1", lines.all.get(1));
    assertTrue(lines.all.get(2).startsWith("failed gpt2/c a chat template <> none"));
    assertEquals("skipped nope/a no data/tokenizers/nope", lines.all.get(3));
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
