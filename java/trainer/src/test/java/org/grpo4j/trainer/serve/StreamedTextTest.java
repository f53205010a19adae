package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text that arrives in pieces is the text that would have arrived at once. */
class StreamedTextTest {
  @TempDir Path folder;

  /** Emoji, accents and CJK are several bytes, one token each in this vocabulary. */
  @Test
  void noPieceEndsInsideACharacter() throws IOException {
    String text = "Zürich 東京 \uD83D\uDE00 <tool_call>é\uD83C\uDDEF\uD83C\uDDF5 done";
    try (Tokenizer tokenizer = Tokenizer.load(TinyCheckpoint.write(folder.resolve("m"), 1))) {
      long[] ids = tokenizer.encode(text, false);
      TokenText stream = new TokenText(tokenizer, true);
      StringBuilder all = new StringBuilder();
      int empty = 0;
      for (long id : ids) {
        String piece = stream.append((int) id);
        assertFalse(piece.contains("\uFFFD"), piece);
        empty += piece.isEmpty() ? 1 : 0;
        all.append(piece);
      }
      assertEquals(text, all.append(stream.rest()).toString());
      assertEquals(true, empty > 10, "tokens that end inside a character: " + empty);
    }
  }

  @Test
  void aCharacterThatNeverEndsIsShownOnceAtTheEnd() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.load(TinyCheckpoint.write(folder.resolve("m"), 1))) {
      long[] ids = tokenizer.encode("a\uD83D\uDE00", false);
      TokenText stream = new TokenText(tokenizer, true);
      assertEquals("a", stream.append((int) ids[0]));
      assertEquals("", stream.append((int) ids[1]));
      assertEquals("\uFFFD", stream.rest());
      assertEquals("", stream.rest());
    }
  }

  @Test
  void stopTextsAcrossPieces() {
    String text = "one STOPPER two STOP three";
    List<String> stops = List.of("STOP t", "PER two");
    for (int size = 1; size <= text.length(); size++) {
      StopTexts cut = new StopTexts(stops);
      StringBuilder given = new StringBuilder();
      for (int at = 0; at < text.length(); at += size) {
        given.append(cut.append(text.substring(at, Math.min(text.length(), at + size))));
      }
      assertEquals("one STOP", given.toString(), "pieces of " + size);
      assertEquals(true, cut.found());
    }
  }

  @Test
  void whatOnlyBeganLikeAStopTextIsText() {
    StopTexts cut = new StopTexts(List.of("</end>"));
    assertEquals("a", cut.append("a</en"));
    assertEquals("</en", cut.append("</e"));
    assertEquals("</e", cut.rest());
    assertFalse(cut.found());
  }
}
