package org.grpo4j.torch;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * The tokens that a pass over prompts and their completions computes, and which of their states
 * predict the completions.
 *
 * @param kept rows that predict something: each prompt's last, then every completion token but a
 *     completion's last
 * @param predicting for each completion token, in order, the index in {@code kept} of the state
 *     that predicts it
 */
@SuppressWarnings("ArrayRecordComponent") // Handed from one method to the next, never compared.
record CompletionRows(TokenLayout layout, int[] kept, int[] predicting) {

  static CompletionRows of(
      PromptBatch prompts, Tensor completionIds, Tensor lengths, TorchDevice device) {
    Tensors.requireLongMatrix("completionIds", completionIds);
    Tensors.requireShape(
        "completionIds", completionIds, prompts.completions(), completionIds.size(1));
    Tensors.requireLongVector("lengths", lengths);
    Tensors.requireShape("lengths", lengths, prompts.completions());
    int width = (int) completionIds.size(1);
    long[] ids = Tensors.toLongs(completionIds);
    long[] counts = Tensors.toLongs(lengths);
    long[] promptOf = Tensors.toLongs(prompts.promptOf());
    List<TokenLayout.Segment> segments =
        TokenLayout.unpad("prompts", prompts.ids(), prompts.mask());
    int promptCount = segments.size();
    for (int i = 0; i < counts.length; i++) {
      if (counts[i] < 1 || counts[i] > width) {
        throw new IllegalArgumentException(
            "lengths: given " + counts[i] + ", wanted 1 to " + width);
      }
      if (promptOf[i] < 0 || promptOf[i] >= promptCount) {
        throw new IllegalArgumentException(
            "promptOf: given " + promptOf[i] + ", wanted an index below " + promptCount);
      }
      int start = i * width;
      long[] inputs = Arrays.copyOfRange(ids, start, start + (int) counts[i] - 1);
      segments.add(new TokenLayout.Segment(inputs, (int) promptOf[i]));
    }
    TokenLayout layout = new TokenLayout(device, segments);
    return new CompletionRows(
        layout, kept(layout, promptCount), predicting(layout, promptCount, promptOf, counts));
  }

  private static int[] kept(TokenLayout layout, int prompts) {
    int promptTokens = 0;
    for (int i = 0; i < prompts; i++) {
      promptTokens += layout.length(i);
    }
    int[] kept = new int[prompts + layout.rows() - promptTokens];
    for (int i = 0; i < prompts; i++) {
      kept[i] = layout.row(i, layout.length(i) - 1);
    }
    for (int i = prompts; i < kept.length; i++) {
      kept[i] = promptTokens + i - prompts;
    }
    return kept;
  }

  private static int[] predicting(TokenLayout layout, int prompts, long[] promptOf, long[] counts) {
    int[] predicting = new int[(int) Arrays.stream(counts).sum()];
    int at = 0;
    int next = prompts;
    for (int i = 0; i < counts.length; i++) {
      predicting[at++] = (int) promptOf[i];
      for (int t = 0; t < layout.length(prompts + i); t++) {
        predicting[at++] = next++;
      }
    }
    return predicting;
  }
}
