package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.fixtures.ResidentMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sequences that come and go, held against a full pass over each of them alone. */
class SequenceBatchTest {
  private static final float TOLERANCE = 1e-4f;
  private static final int LIMIT = 400;

  private static DecoderModel model(String name) {
    return name.equals("qwen3") ? TinyModels.qwen3() : TinyModels.llama();
  }

  /** Logits after the last token, computed from nothing. */
  private static float[] alone(DecoderModel model, long[] tokens) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      Tensor ids = Tensors.longs(TorchDevice.CPU, tokens, 1, tokens.length);
      Tensor hidden = model.hidden(ids, torch.ones_like(ids));
      return floats(model.logits(hidden.select(1, tokens.length - 1L)));
    }
  }

  private static float[] floats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.numel())];
    tensor.contiguous().data_ptr_float().get(values);
    return values;
  }

  private static void assertRows(DecoderModel model, List<long[]> sequences, Tensor logits) {
    float[] all = floats(logits);
    for (int row = 0; row < sequences.size(); row++) {
      float[] expected = alone(model, sequences.get(row));
      float[] got = Arrays.copyOfRange(all, row * TinyModels.VOCAB, (row + 1) * TinyModels.VOCAB);
      for (int v = 0; v < expected.length; v++) {
        assertEquals(expected[v], got[v], TOLERANCE, "row " + row + ", token " + v);
      }
    }
  }

  private static long[] appended(long[] tokens, long next) {
    return LongStream.concat(LongStream.of(tokens), LongStream.of(next)).toArray();
  }

  /** Lengths around the block of 64 slots; leaving from the front, the middle and the end. */
  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "llama"})
  void eachRowIsWhatItWouldBeAlone(String name) {
    Random random = new Random(5);
    try (DecoderModel model = model(name);
        SequenceBatch batch = new SequenceBatch(model)) {
      List<long[]> sequences = new ArrayList<>();
      int[][] joins = {{1, 1}, {63, 1}, {5, 3}, {}, {130, 2}, {}, {}, {64, 1}};
      int[] leaves = {-1, -1, 0, 2, -1, 6, 5, -1};
      for (int t = 0; t < joins.length; t++) {
        if (leaves[t] >= 0 && leaves[t] < batch.size()) {
          batch.leave(leaves[t]);
          long[] last = sequences.remove(sequences.size() - 1);
          if (leaves[t] < sequences.size()) {
            sequences.set(leaves[t], last);
          }
        }
        try (PointerScope scope = new PointerScope()) {
          if (joins[t].length > 0) {
            long[] prompt = random.longs(joins[t][0], 0, TinyModels.VOCAB).toArray();
            Tensor first = batch.join(prompt, joins[t][1], LIMIT);
            assertRows(model, List.of(prompt), first);
            for (int i = 0; i < joins[t][1]; i++) {
              sequences.add(prompt);
            }
          }
          assertEquals(sequences.size(), batch.size());
          long[] tokens = random.longs(batch.size(), 0, TinyModels.VOCAB).toArray();
          Tensor logits = batch.step(tokens);
          for (int row = 0; row < tokens.length; row++) {
            sequences.set(row, appended(sequences.get(row), tokens[row]));
            assertEquals(sequences.get(row).length, batch.length(row));
          }
          assertRows(model, sequences, logits);
        }
      }
    }
  }

  @Test
  void anEmptyBatchHoldsNoMemoryAndGoesOn() {
    try (DecoderModel model = TinyModels.qwen3();
        SequenceBatch batch = new SequenceBatch(model)) {
      // 12 MiB of keys and values each time.
      long grown = ResidentMemory.growth(2, () -> fillAndEmpty(batch));
      assertTrue(grown < 1L << 20, "two rounds grew by " + grown + " bytes");
    }
  }

  private static void fillAndEmpty(SequenceBatch batch) {
    try (PointerScope scope = new PointerScope()) {
      batch.join(new long[120], 120, 180);
      for (int t = 0; t < 10; t++) {
        batch.step(new long[120]);
      }
      while (batch.size() > 0) {
        batch.leave(0);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (DecoderModel model = TinyModels.qwen3();
        SequenceBatch batch = new SequenceBatch(model);
        PointerScope scope = new PointerScope()) {
      assertThrows(IllegalArgumentException.class, () -> batch.join(new long[0], 1, 4));
      assertThrows(IllegalArgumentException.class, () -> batch.join(new long[] {1}, 0, 4));
      assertThrows(IllegalArgumentException.class, () -> batch.join(new long[] {1, 2}, 1, 1));
      assertThrows(IllegalArgumentException.class, () -> batch.step());
      batch.join(new long[] {1, 2}, 1, 3);
      assertThrows(IllegalArgumentException.class, () -> batch.step(1, 2));
      assertThrows(IllegalArgumentException.class, () -> batch.leave(1));
      batch.step(3);
      assertThrows(IllegalStateException.class, () -> batch.step(4));
    }
  }
}
