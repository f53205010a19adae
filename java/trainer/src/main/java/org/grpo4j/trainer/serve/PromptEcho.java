package org.grpo4j.trainer.serve;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.trainer.rollout.TokenBatches;

/**
 * A prompt as the beginning of an answer.
 *
 * @param text of it
 * @param tokens with log-probabilities, NaN for the first, which nothing comes before; empty where
 *     none were asked for
 */
record PromptEcho(String text, List<TokenLogProb> tokens) {
  /** Rows of logits at a time: a vocabulary of 150,000 takes 77 MB. */
  private static final int ROWS = 128;

  PromptEcho {
    tokens = List.copyOf(tokens);
  }

  /** Computes the prompt once more where log-probabilities are asked for. */
  static PromptEcho of(Generation generation, ServedModel served) {
    long[] prompt = generation.prompt();
    TokenText decoder = new TokenText(served.tokenizer(), generation.stop().skipSpecial());
    StringBuilder text = new StringBuilder();
    int[] offsets = new int[prompt.length];
    for (int i = 0; i < prompt.length; i++) {
      offsets[i] = text.length();
      text.append(decoder.append(Math.toIntExact(prompt[i])));
    }
    text.append(decoder.rest());
    return new PromptEcho(
        text.toString(),
        generation.topLogProbs() < 0 ? List.of() : scored(generation, served, offsets));
  }

  private static List<TokenLogProb> scored(
      Generation generation, ServedModel served, int[] offsets) {
    long[] prompt = generation.prompt();
    List<TokenLogProb> tokens = new ArrayList<>();
    String first = served.tokenizer().decode(new long[] {prompt[0]}, false);
    tokens.add(new TokenLogProb(first, Float.NaN, 0, List.of()));
    try (NoGradGuard noGrad = new NoGradGuard();
        PointerScope scope = new PointerScope()) {
      Tensor ids = TokenBatches.rightPadded(List.of(prompt), 0);
      Tensor hidden = served.model().hidden(ids, torch.ones_like(ids)).select(0, 0);
      for (int from = 0; from + 1 < prompt.length; from += ROWS) {
        int rows = Math.min(ROWS, prompt.length - 1 - from);
        try (PointerScope part = new PointerScope()) {
          Tensor logits = served.model().logits(hidden.narrow(0, from, rows)).cpu();
          for (int row = 0; row < rows; row++) {
            int at = from + row + 1;
            tokens.add(
                TokenStep.Distribution.of(logits.select(0, row), generation.topLogProbs())
                    .of(Math.toIntExact(prompt[at]), offsets[at], served.tokenizer()));
          }
        }
      }
    }
    return tokens;
  }
}
