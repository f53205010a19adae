package org.grpo4j.trainer.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.data.Example;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedTokenizerTest {
  @TempDir Path folder;

  @Test
  void trainedTokenizerHasItsSizeAndRoundTripsAnyText() throws IOException {
    BpeTrainer.Vocabulary vocabulary = EmbeddedTokenizer.train(0);
    assertEquals(EmbeddedTokenizer.VOCABULARY_SIZE, vocabulary.size());
    assertEquals(vocabulary, EmbeddedTokenizer.train(0), "not deterministic");
    EmbeddedTokenizer.write(vocabulary, folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertEquals(vocabulary.size(), tokenizer.vocabSize());
      assertEquals(767, tokenizer.tokenId("</response>").orElseThrow());
      assertEquals(vocabulary.specialId("<|im_end|>"), tokenizer.eosId().orElseThrow());
      for (String text : List.of("Grüße, 東京 🙂\t_x  42", "Book a hotel in Paris", "\"a\": 1}}\n")) {
        assertEquals(text, tokenizer.decode(tokenizer.encode(text, false), false));
      }
    }
  }

  @Test
  void aValueHasTheSameTokensInTheQuestionAndInTheCall() throws IOException {
    EmbeddedTokenizer.write(EmbeddedTokenizer.train(0), folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      for (String value : List.of("Paris", "USD", "47", "975", "Kitchen")) {
        long[] ids = tokenizer.encode(value, false);
        for (String around : List.of("to %s for", "%s, then", "\"city\": \"%s\"}}", "x %s")) {
          assertTrue(
              Collections.indexOfSubList(
                      boxed(tokenizer.encode(around.formatted(value), false)), boxed(ids))
                  >= 0,
              value + " in " + around);
        }
      }
      assertArrayEquals(
          new int[] {3, 1}, new int[] {count(tokenizer, "975"), count(tokenizer, "triangle_area")});
    }
  }

  @Test
  void promptsTakeAbout40TokensAndCompletionsFitIn40() throws IOException {
    EmbeddedTokenizer.write(EmbeddedTokenizer.train(0), folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      List<Example> examples = new ArrayList<>();
      for (PhrasingSet set : PhrasingSet.values()) {
        examples.addAll(EmbeddedTask.heldOut(set, 200, 2));
      }
      double prompts = 0;
      for (Example e : examples) {
        prompts += count(tokenizer, EmbeddedTask.question(e));
        int completion = count(tokenizer, e.answer());
        assertTrue(completion <= 40, completion + " tokens: " + e.answer());
      }
      double mean = prompts / examples.size();
      assertTrue(mean > 25 && mean < 45, "mean tokens of a question: " + mean);
    }
  }

  @Test
  void aVocabularyBelowTheBytesIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new BpeTrainer(List.of("<a>"), 256));
  }

  @Test
  void trainingStopsWhenNoPairIsLeft() {
    BpeTrainer.Vocabulary v = new BpeTrainer(List.of(), 1000).train(List.of("abab", "7 7"));
    assertEquals(List.of("a b", "ab ab"), v.merges());
    assertEquals(258, v.size());
  }

  private static int count(Tokenizer tokenizer, String text) {
    return tokenizer.encode(text, false).length;
  }

  private static List<Long> boxed(long[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
