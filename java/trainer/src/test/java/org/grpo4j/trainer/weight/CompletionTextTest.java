package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.grpo4j.torch.text.Encoding;
import org.grpo4j.torch.text.Tokenizer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

final class CompletionTextTest {

  /** A tokenizer of single bytes: every token of a character but the last is a part of it. */
  private static String decodeBytes(long[] ids) {
    byte[] bytes = new byte[ids.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) ids[i];
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static long[] bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return IntStream.range(0, bytes.length).mapToLong(i -> bytes[i] & 0xff).toArray();
  }

  @Test
  void partsOfACharacterHaveTheWholeCharacter() {
    CompletionText got =
        CompletionText.ofPieces(bytes("a🙂é"), "a🙂é", CompletionTextTest::decodeBytes);
    assertArrayEquals(
        new int[][] {{0, 1}, {1, 2}, {1, 2}, {1, 2}, {1, 2}, {2, 3}, {2, 3}}, got.offsets());
  }

  @Test
  void bytesThatAreNoCharacterEndWithTheText() {
    // A completion cut inside a character, as the length limit does.
    long[] ids = Arrays.copyOf(bytes("ab🙂"), 4);
    String text = decodeBytes(ids);
    int[][] offsets = CompletionText.ofPieces(ids, text, CompletionTextTest::decodeBytes).offsets();
    assertArrayEquals(new int[][] {{0, 1}, {1, 2}, {2, 3}, {2, 3}}, offsets);
    assertEquals(0, CompletionText.ofPieces(new long[0], "", part -> "").offsets().length);
  }

  @Test
  void aDecoderThatDropsTheFirstSpaceIsReadByPrefixes() {
    String[] pieces = {" a", " b", " c"};
    java.util.function.Function<long[], String> decode =
        ids -> {
          StringBuilder text = new StringBuilder();
          for (long id : ids) {
            text.append(pieces[(int) id]);
          }
          return text.toString().stripLeading();
        };
    CompletionText got = CompletionText.ofPieces(new long[] {0, 1, 2}, "a b c", decode);
    assertArrayEquals(new int[][] {{0, 1}, {1, 3}, {3, 5}}, got.offsets());
  }

  @Test
  void otherTokensThanTheTokenizersAreAlignedToo() {
    try (Tokenizer tokenizer = Tokenizer.load(qwen3())) {
      String text = "<think> I should 🙂 </think>\n<tool_call>\n{\"name\": \"翻译\"}\n</tool_call>";
      Encoding encoding = tokenizer.encodeWithOffsets(text);
      CompletionText own = CompletionText.of(encoding.ids(), tokenizer);
      assertArrayEquals(encoding.offsets(), own.offsets());
      // The same text, each code point tokenized by itself: none of the merges, no tag token.
      long[] split =
          text.codePoints()
              .boxed()
              .flatMapToLong(c -> Arrays.stream(tokenizer.encode(Character.toString(c), false)))
              .toArray();
      CompletionText sampled = CompletionText.of(split, tokenizer);
      assertEquals(text, sampled.text());
      assertEquals(split.length, sampled.offsets().length);
      int[] points = text.codePoints().toArray();
      for (int t = 0; t < split.length; t++) {
        int[] span = sampled.offsets()[t];
        String character = new String(points, span[0], span[1] - span[0]);
        String decoded = tokenizer.decode(new long[] {split[t]}, false);
        assertEquals(1, span[1] - span[0]);
        if (!decoded.contains("\ufffd")) {
          assertEquals(decoded, character);
        }
      }
    }
  }

  private static Path qwen3() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path folder = at.resolve("shared/data/tokenizers/qwen3");
      if (Files.isDirectory(folder)) {
        return folder;
      }
    }
    Assumptions.abort("no shared/data/tokenizers/qwen3 beside this checkout");
    throw new AssertionError("not reached");
  }
}
