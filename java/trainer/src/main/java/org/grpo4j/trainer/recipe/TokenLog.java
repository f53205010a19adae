package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.trainer.report.LoggedToken;

/** The samples of an optimizer step token by token, with the very weights that the loss takes. */
final class TokenLog {
  private TokenLog() {}

  /**
   * Rows of the first samples, prompts included.
   *
   * @param weights of the whole batch
   * @param most samples, at most
   */
  static List<LoggedToken> of(
      Policy policy, List<ScoredCompletion> batch, TokenWeights weights, int most) {
    List<LoggedToken> rows = new ArrayList<>();
    for (int sample = 0; sample < Math.min(most, batch.size()); sample++) {
      ScoredCompletion scored = batch.get(sample);
      int[] prompt = LongStream.of(scored.prompt().ids()).mapToInt(Math::toIntExact).toArray();
      List<String> promptTexts = policy.tokenTexts(prompt);
      for (int t = 0; t < prompt.length; t++) {
        rows.add(
            new LoggedToken(
                sample,
                scored.group(),
                t,
                LoggedToken.Part.PROMPT,
                prompt[t],
                promptTexts.get(t),
                "none",
                0,
                scored.advantage(),
                0,
                0));
      }
      float[] mask = scored.completion().sampledMask();
      int[] tokens = scored.completion().tokens();
      List<String> texts = policy.tokenTexts(tokens);
      for (int t = 0; t < tokens.length; t++) {
        rows.add(
            new LoggedToken(
                sample,
                scored.group(),
                prompt.length + t,
                mask[t] == 1 ? LoggedToken.Part.SAMPLED : LoggedToken.Part.GIVEN,
                tokens[t],
                texts.get(t),
                scored.regions().get(t).name().toLowerCase(Locale.ROOT),
                scored.completion().samplingLogProbs()[t],
                scored.advantage(),
                weights.policyWeights()[sample][t],
                weights.regularizerWeights()[sample][t]));
      }
    }
    return rows;
  }
}
