package org.grpo4j.torch.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  @TempDir Path folder;

  @Test
  void selfMadeByteLevelTokenizerSplitsDigitsAndMerges() throws IOException {
    TinyTokenizer.write(folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      Encoding encoding = tokenizer.encodeWithOffsets("hello 42<|end|>");
      assertArrayEquals(new int[][] {{0, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 15}}, encoding.offsets());
      assertEquals(259, encoding.ids()[0]);
      assertEquals(TinyTokenizer.END, encoding.ids()[4]);
      assertEquals("hello 42<|end|>", tokenizer.decode(encoding.ids(), false));
      assertEquals("hello 42", tokenizer.decode(encoding.ids(), true));
      assertArrayEquals(encoding.ids(), tokenizer.encode("hello 42<|end|>", true));
      assertEquals(TinyTokenizer.PAD + 1, tokenizer.vocabSize());
      assertEquals(TinyTokenizer.END, tokenizer.eosId().orElseThrow());
      assertEquals(TinyTokenizer.PAD, tokenizer.padId().orElseThrow());
      assertTrue(tokenizer.bosId().isEmpty());
      assertTrue(tokenizer.isSpecial("<|pad|>"));
      assertFalse(tokenizer.isSpecial("hello"));
    }
  }

  @Test
  void offsetsCountCodePointsAndPartsOfACharacterSpanAllOfIt() throws IOException {
    TinyTokenizer.write(folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      Encoding encoding = tokenizer.encodeWithOffsets("a🙂é!");
      assertEquals(1 + 4 + 2 + 1, encoding.size());
      assertArrayEquals(new int[] {1, 2}, encoding.offsets()[1]);
      assertArrayEquals(new int[] {1, 2}, encoding.offsets()[4]);
      assertArrayEquals(new int[] {2, 3}, encoding.offsets()[5]);
      assertArrayEquals(new int[] {3, 4}, encoding.offsets()[7]);
      int[][] chars = encoding.charOffsets();
      assertEquals("🙂", encoding.text().substring(chars[1][0], chars[1][1]));
      assertEquals("!", encoding.text().substring(chars[7][0], chars[7][1]));
      long[] cut = {encoding.ids()[0], encoding.ids()[1], encoding.ids()[2]};
      assertEquals("a\uFFFD", tokenizer.decode(cut, false));
    }
  }

  @Test
  void oddTextsSurvive() throws IOException {
    TinyTokenizer.write(folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      for (String text : List.of("", "\u0000", "a\u0000b", "\r\n\t", "中文 ﷽", "👩‍👩‍👧")) {
        assertEquals(text, tokenizer.decode(tokenizer.encode(text, false), false));
      }
      long[] lone = tokenizer.encode("x\uD83D", false);
      assertEquals("x\uFFFD", tokenizer.decode(lone, false));
      assertEquals("", tokenizer.decode(new long[0], true));
      assertEquals("", tokenizer.decode(new long[] {100_000}, false));
      assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(new long[] {-1}, false));
    }
  }

  @Test
  void qwen3IdsAndOffsetsAreThoseOfTransformers() throws IOException {
    Path vectors = SharedData.get("golden/rest_token_weights_toolrl.jsonl");
    try (Tokenizer tokenizer = Tokenizer.load(SharedData.get("data/tokenizers/qwen3"))) {
      for (String line : Files.readAllLines(vectors)) {
        JsonNode row = JsonFiles.MAPPER.readTree(line);
        Encoding encoding = tokenizer.encodeWithOffsets(row.get("text").asText());
        assertArrayEquals(longs(row.get("ids")), encoding.ids());
        List<int[]> want = new ArrayList<>();
        row.get("offsets").forEach(o -> want.add(new int[] {o.get(0).asInt(), o.get(1).asInt()}));
        assertArrayEquals(want.toArray(int[][]::new), encoding.offsets());
      }
    }
  }

  @Test
  void badFilesAreOneLine() throws IOException {
    assertMessage(folder, "tokenizer.json: no such file");
    Path file = folder.resolve("tokenizer.json");
    Files.writeString(file, "{\"model\": {");
    assertMessage(folder, "tokenizer.json:1:");
    Files.writeString(file, "{}");
    assertMessage(file, "has no model.vocab");
    Files.writeString(file, "[1]");
    assertMessage(file, "expected a JSON object");
    Files.writeString(file, "{\"model\": {\"type\": \"Nope\", \"vocab\": {\"a\": 0}}}");
    assertMessage(file, "not a usable tokenizer.json");
    TinyTokenizer.write(folder);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|gone|>\"}");
    assertMessage(folder, "eos_token \"<|gone|>\" is not in the vocabulary");
  }

  private static void assertMessage(Path given, String part) {
    InputException e = assertThrows(InputException.class, () -> Tokenizer.load(given).close());
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(part), message);
    assertEquals(1, message.lines().count(), message);
  }

  private static long[] longs(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToLong(JsonNode::asLong).toArray();
  }
}
