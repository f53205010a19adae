package org.grpo4j.torch;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Where the prompts' keys and values go in a cache: right aligned, so that every sequence writes
 * its next token to the same slot.
 */
final class PromptSlots {
  private final ModelConfig config;
  private final TokenLayout layout;
  private final long[] promptOf;
  private final int length;
  private final int maxNewTokens;
  private final Tensor keyRows;
  private final Tensor valueRows;

  private PromptSlots(ModelConfig config, TokenLayout layout, long[] promptOf, int maxNewTokens) {
    this.config = config;
    this.layout = layout;
    this.promptOf = promptOf;
    this.maxNewTokens = maxNewTokens;
    length = layout.longest();
    keyRows = rows(config.heads());
    valueRows = rows(0);
  }

  /**
   * @param layout prompts alone
   * @param promptOf prompt of each completion [B], int64
   */
  static PromptSlots of(ModelConfig config, TokenLayout layout, Tensor promptOf, int maxNewTokens) {
    return new PromptSlots(config, layout, Tensors.toLongs(promptOf), maxNewTokens);
  }

  /** Slots filled by the longest prompt. */
  int length() {
    return length;
  }

  /** Row of each prompt's last token. */
  int[] lastRows() {
    int[] last = new int[layout.segments()];
    for (int i = 0; i < last.length; i++) {
      last[i] = layout.row(i, layout.length(i) - 1);
    }
    return last;
  }

  /**
   * @param skipped heads before the wanted ones in each row
   */
  private Tensor rows(int skipped) {
    int heads = config.keyValueHeads();
    long[] rows = new long[promptOf.length * heads * length];
    int at = 0;
    for (long prompt : promptOf) {
      int empty = length - layout.length((int) prompt);
      for (int head = 0; head < heads; head++) {
        for (int slot = 0; slot < length; slot++) {
          // An empty slot is masked; it reads row 0 because it must hold a number.
          long row = slot < empty ? 0 : layout.row((int) prompt, slot - empty);
          rows[at++] = row * (skipped + heads) + skipped + head;
        }
      }
    }
    return Tensors.longs(layout.device(), rows, rows.length);
  }

  /** The keys and values of each completion's prompt, followed by free slots. */
  KvCache.LayerCache cache(DecoderLayer.Heads prompts) {
    return new KvCache.LayerCache(
        roomy(prompts.queryKey(), keyRows), roomy(prompts.value(), valueRows));
  }

  private Tensor roomy(Tensor heads, Tensor rows) {
    long batch = promptOf.length;
    long keyHeads = config.keyValueHeads();
    long dim = config.headDim();
    Tensor cache =
        Tensors.empty(
            layout.device(), ScalarType.Float, batch, keyHeads, length + maxNewTokens, dim);
    Tensor filled = Tensors.gather(heads.view(-1, dim), rows).view(batch, keyHeads, length, dim);
    cache.narrow(2, 0, length).copy_(filled);
    return cache.retainReference();
  }

  /**
   * @param firstLogits [B, V], owned by the result
   */
  KvCache.Sequences sequences(Tensor firstLogits) {
    int slots = length + maxNewTokens;
    float[] mask = new float[promptOf.length * slots];
    long[] positions = new long[promptOf.length];
    for (int i = 0; i < promptOf.length; i++) {
      positions[i] = layout.length((int) promptOf[i]);
      for (int slot = 0; slot < length - positions[i]; slot++) {
        mask[i * slots + slot] = Float.NEGATIVE_INFINITY;
      }
    }
    return new KvCache.Sequences(
        Tensors.floats(layout.device(), mask, promptOf.length, 1, 1, slots).retainReference(),
        Tensors.longs(layout.device(), positions, promptOf.length).retainReference(),
        firstLogits);
  }
}
