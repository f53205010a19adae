package org.grpo4j.trainer.rollout;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.torch.PromptBatch;

/** Token ids as i64 tensors; each belongs to the innermost PointerScope. */
public final class TokenBatches {
  private TokenBatches() {}

  /** [n] */
  public static Tensor vector(int... ids) {
    return Tensor.create(Arrays.stream(ids).asLongStream().toArray());
  }

  /** [n] */
  public static Tensor vector(long... ids) {
    return Tensor.create(ids);
  }

  /**
   * Sequences beside each other, padded on the right to the longest.
   *
   * @return [B, T]
   */
  public static Tensor rightPadded(List<long[]> sequences, int padToken) {
    int longest = sequences.stream().mapToInt(s -> s.length).max().orElse(0);
    long[] ids = new long[Math.multiplyExact(sequences.size(), longest)];
    Arrays.fill(ids, padToken);
    for (int b = 0; b < sequences.size(); b++) {
      System.arraycopy(sequences.get(b), 0, ids, b * longest, sequences.get(b).length);
    }
    return Tensor.create(ids, sequences.size(), longest);
  }

  /** 1 at the tokens of {@link #rightPadded}, 0 at its padding; [B, T]. */
  public static Tensor rightMask(List<long[]> sequences) {
    return rightPadded(
        sequences.stream().map(s -> Arrays.stream(s).map(x -> 1).toArray()).toList(), 0);
  }

  /**
   * Prompts padded on the left, and which of them each completion continues.
   *
   * @param promptOf index into {@code prompts} of each completion
   * @param padToken any valid id; padding is never attended to
   */
  public static PromptBatch prompts(List<long[]> prompts, int[] promptOf, int padToken) {
    int longest = prompts.stream().mapToInt(s -> s.length).max().orElse(0);
    long[] ids = new long[Math.multiplyExact(prompts.size(), longest)];
    long[] mask = new long[ids.length];
    Arrays.fill(ids, padToken);
    for (int p = 0; p < prompts.size(); p++) {
      long[] tokens = prompts.get(p);
      if (tokens.length == 0) {
        throw new IllegalArgumentException("prompts: number " + p + " is empty, wanted a token");
      }
      int start = (p + 1) * longest - tokens.length;
      System.arraycopy(tokens, 0, ids, start, tokens.length);
      Arrays.fill(mask, start, start + tokens.length, 1);
    }
    return new PromptBatch(
        Tensor.create(ids, prompts.size(), longest),
        Tensor.create(mask, prompts.size(), longest),
        vector(promptOf));
  }
}
