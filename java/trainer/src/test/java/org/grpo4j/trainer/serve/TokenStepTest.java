package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.torch.TorchRuntime;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of one step, each by its own settings, on logits made by hand. */
class TokenStepTest {
  private static final int VOCABULARY = 768;
  private static final int A = 200;
  private static final int B = 300;

  @TempDir Path folder;
  private Tokenizer tokenizer;
  private TokenStep step;

  @BeforeEach
  void open() throws IOException {
    TorchRuntime.load();
    tokenizer = Tokenizer.load(TinyCheckpoint.write(folder.resolve("tiny"), 1));
    step = new TokenStep(tokenizer);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  /** Collects what a listener hears of a single choice. */
  private static final class Heard implements GenerationListener {
    final StringBuilder text = new StringBuilder();
    final List<TokenLogProb> tokens = new ArrayList<>();
    final List<FinishReason> reasons = new ArrayList<>();

    @Override
    public void text(int choice, String piece, List<TokenLogProb> logProbs) {
      text.append(piece);
      tokens.addAll(logProbs);
    }

    @Override
    public void finished(int choice, FinishReason reason) {
      reasons.add(reason);
    }

    @Override
    public void done(int completionTokens) {}

    @Override
    public void failed(ApiException failure) {
      throw failure;
    }
  }

  private SequenceState sequence(
      Heard heard,
      double temperature,
      Generation.Penalties penalties,
      Set<Integer> stops,
      int logProbs) {
    return sequence(heard, temperature, penalties, stops, logProbs, CompletionForm.FREE);
  }

  private SequenceState sequence(
      Heard heard,
      double temperature,
      Generation.Penalties penalties,
      Set<Integer> stops,
      int logProbs,
      CompletionForm form) {
    Generation generation =
        new Generation(
            new long[] {1},
            1,
            7,
            new SamplingConfig(temperature, 1, 0, 6),
            penalties,
            new Generation.Stop(List.of(), stops, true),
            form,
            Generation.Echo.NONE,
            logProbs);
    return new SequenceState(new Job(generation, heard, tokenizer), 0);
  }

  private static Generation.Penalties none() {
    return new Generation.Penalties(0, 0, Map.of());
  }

  private void advance(float[] logits, SequenceState... sequences) {
    try (PointerScope scope = new PointerScope()) {
      Tensor rows = torch.tensor(logits).view(sequences.length, VOCABULARY);
      step.advance(rows.clone(), List.of(sequences));
    }
  }

  /**
   * Equal logits, so that bias − count·frequency − presence alone decides. With 3 and 2.2, 0.5 and
   * 1: A; A has 1.5, so B; B has 0.7, so A; A has 1.0, so A; A has 0.5, so B.
   */
  @Test
  void penaltiesAsOpenAiDefinesThem() {
    Heard heard = new Heard();
    SequenceState sequence =
        sequence(heard, 0, new Generation.Penalties(1, 0.5, Map.of(A, 3.0, B, 2.2)), Set.of(), -1);
    List<Integer> chosen = new ArrayList<>();
    for (int t = 0; t < 5; t++) {
      advance(new float[VOCABULARY], sequence);
      chosen.add(sequence.lastToken());
    }
    assertEquals(List.of(A, B, A, A, B), chosen);
  }

  /** Log-probabilities are the model's own: before the bias, at temperature 1. */
  @Test
  void logProbsAreTheModelsOwn() {
    Heard heard = new Heard();
    SequenceState sequence =
        sequence(heard, 0, new Generation.Penalties(0, 0, Map.of(B, 50.0)), Set.of(), 2);
    float[] logits = new float[VOCABULARY];
    logits[A] = 5;
    logits[B] = 4;
    advance(logits, sequence);
    assertEquals(B, sequence.lastToken());
    double total = Math.log(VOCABULARY - 2 + Math.exp(5) + Math.exp(4));
    TokenLogProb only = heard.tokens.get(0);
    assertEquals(4 - total, only.logProb(), 1e-5);
    assertEquals(5 - total, only.alternatives().get(0).logProb(), 1e-5);
    assertEquals(tokenizer.decode(new long[] {A}, false), only.alternatives().get(0).token());
    assertEquals(2, only.alternatives().size());
  }

  private int token(String text) {
    long[] ids = tokenizer.encode(text, false);
    assertEquals(1, ids.length, text);
    return Math.toIntExact(ids[0]);
  }

  /**
   * The model would end at once, or write {@code x}: it is held to one of two openings, an object
   * and the closing.
   */
  @Test
  void aFormHoldsTheModelToItsWord() {
    Heard heard = new Heard();
    CompletionForm form =
        new CompletionForm(
            List.of(
                new CompletionForm.Opening("A", new long[] {token("A")}, JsonSchema.ANY_OBJECT),
                new CompletionForm.Opening("B", new long[] {token("B")}, JsonSchema.ANY_OBJECT)),
            "}");
    int end = token("\u0000");
    SequenceState sequence = sequence(heard, 0, none(), Set.of(end), 0, form);
    float[] logits = new float[VOCABULARY];
    logits[end] = 9;
    logits[token("x")] = 8;
    logits[token("B")] = 7;
    logits[token("}")] = 6;
    logits[token("{")] = 5;
    while (!sequence.isFinished()) {
      advance(logits, sequence);
    }
    assertEquals("B{}}", heard.text.toString());
    // The model's own, although it had no choice.
    double total =
        Math.log(
            VOCABULARY - 5 + Math.exp(9) + Math.exp(8) + Math.exp(7) + Math.exp(6) + Math.exp(5));
    assertEquals(7 - total, heard.tokens.get(0).logProb(), 1e-5);
  }

  /** The model would write anything but what it may, of which the likeliest is left. */
  @Test
  void aFormIsReachedThroughUnlikelyTokens() {
    Heard heard = new Heard();
    CompletionForm form =
        CompletionForm.json(new JsonSchema.Literals(List.of(), List.of("12", "21")));
    int end = token("\u0000");
    SequenceState sequence = sequence(heard, 0, none(), Set.of(end), -1, form);
    float[] logits = new float[VOCABULARY];
    for (int id = 0; id < VOCABULARY; id++) {
      boolean blank = tokenizer.decode(new long[] {id}, false).isBlank();
      logits[id] = blank ? -1000 : id;
    }
    while (!sequence.isFinished()) {
      advance(logits, sequence);
    }
    assertEquals(List.of(GenerationListener.FinishReason.STOP), heard.reasons);
    assertEquals("\"21\"", heard.text.toString());
  }

  /** After some blanks nothing can be written: that completion is cut, and the batch goes on. */
  @Test
  void aFormThatAllowsNothingCutsItsCompletionAlone() {
    Heard heard = new Heard();
    CompletionForm form = CompletionForm.json(JsonSchema.Literals.of());
    SequenceState held = sequence(heard, 0, none(), Set.of(), -1, form);
    SequenceState free = sequence(new Heard(), 0, none(), Set.of(), -1);
    float[] logits = new float[2 * VOCABULARY];
    for (int id = 0; id < VOCABULARY; id++) {
      boolean blank = tokenizer.decode(new long[] {id}, false).isBlank();
      logits[id] = blank ? Float.NEGATIVE_INFINITY : 0;
    }
    logits[VOCABULARY + A] = 1;
    advance(logits, held, free);
    assertEquals(List.of(GenerationListener.FinishReason.LENGTH), heard.reasons);
    assertEquals("", heard.text.toString());
    assertEquals(A, free.lastToken());
  }

  /** A stop token, the length limit, and settings that differ from row to row. */
  @Test
  void eachRowByItsOwnSettings() {
    Heard stopped = new Heard();
    Heard cut = new Heard();
    Heard sampled = new Heard();
    SequenceState[] rows = {
      sequence(stopped, 0, none(), Set.of(A), -1),
      sequence(cut, 0, none(), Set.of(), -1),
      sequence(sampled, 1, none(), Set.of(), -1)
    };
    float[] logits = new float[3 * VOCABULARY];
    logits[A] = 1;
    logits[VOCABULARY + A] = 1;
    advance(logits, rows);
    assertTrue(rows[0].isFinished());
    assertEquals(List.of(GenerationListener.FinishReason.STOP), stopped.reasons);
    assertEquals("", stopped.text.toString());
    Set<Integer> drawn = new HashSet<>(Set.of(rows[2].lastToken()));
    for (int t = 1; t < 6; t++) {
      assertTrue(!rows[1].isFinished());
      float[] rest = new float[2 * VOCABULARY];
      rest[A] = 1;
      advance(rest, rows[1], rows[2]);
      drawn.add(rows[2].lastToken());
    }
    assertEquals(List.of(GenerationListener.FinishReason.LENGTH), cut.reasons);
    assertEquals(tokenizer.decode(new long[] {A, A, A, A, A, A}, true), cut.text.toString());
    assertTrue(drawn.size() > 3, "six draws from equal logits gave " + drawn);
  }
}
