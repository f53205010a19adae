package org.grpo4j.torch.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFilesTest {
  @TempDir Path folder;

  @Test
  void generationConfigFallsBackToTheModelsConfig() throws IOException {
    GenerationConfig nothing = GenerationConfig.read(folder);
    assertTrue(nothing.eosTokenIds().isEmpty());
    assertTrue(nothing.padTokenId().isEmpty());
    Files.writeString(folder.resolve("config.json"), "{\"eos_token_id\": 7, \"pad_token_id\": 3}");
    assertEquals(Set.of(7), GenerationConfig.read(folder).eosTokenIds());
    Files.writeString(
        folder.resolve("generation_config.json"),
        "{\"eos_token_id\": [5, 2], \"temperature\": 0.6, \"top_p\": 0.95, \"top_k\": 20}");
    GenerationConfig config = GenerationConfig.read(folder);
    assertEquals(Set.of(2, 5), config.eosTokenIds());
    assertEquals(3, config.padTokenId().orElseThrow());
    assertEquals(0.6, config.temperature().orElseThrow());
    assertEquals(0.95, config.topP().orElseThrow());
    assertEquals(20, config.topK().orElseThrow());
  }

  @Test
  void badGenerationConfigsAreOneLine() throws IOException {
    for (String bad :
        new String[] {
          "{\"eos_token_id\": \"x\"}",
          "{\"eos_token_id\": [-1]}",
          "{\"top_p\": \"x\"}",
          "{\"top_k\": 9999999999}",
          "[",
        }) {
      Files.writeString(folder.resolve("generation_config.json"), bad);
      InputException e =
          assertThrows(InputException.class, () -> GenerationConfig.read(folder), bad);
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains("generation_config.json"), message);
      assertEquals(1, message.lines().count(), message);
    }
  }

  @Test
  void tokenizerFilesAreCopiedAndNothingElse() throws IOException {
    Path from = Files.createDirectory(folder.resolve("from"));
    Path to = folder.resolve("a/to");
    assertThrows(InputException.class, () -> HfFolder.copyTokenizerFiles(from, to));
    TinyTokenizer.write(from);
    Files.writeString(from.resolve("chat_template.jinja"), "t");
    Files.writeString(from.resolve("model.safetensors"), "m");
    HfFolder.copyTokenizerFiles(from, to);
    HfFolder.copyTokenizerFiles(from, to);
    HfFolder.copyTokenizerFiles(from, from);
    try (Stream<Path> files = Files.list(to)) {
      assertEquals(3, files.count());
    }
    assertFalse(Files.exists(to.resolve("model.safetensors")));
    Tokenizer.load(to).close();
    Path blocked = Files.writeString(folder.resolve("file"), "x");
    assertThrows(InputException.class, () -> HfFolder.copyTokenizerFiles(from, blocked));
  }
}
