package org.grpo4j.trainer.serve;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.grpo4j.trainer.rollout.SamplingConfig;

/**
 * What is to be generated: n completions of one prompt.
 *
 * @param prompt token ids, at least one
 * @param choices completions, at least one
 * @param seed of the draws: the same request with the same seed is answered the same
 * @param sampling temperature, top-p, top-k, and how many tokens at most
 * @param penalties added to the logits before sampling
 * @param stop what ends a completion
 * @param form what a completion has to look like
 * @param echo whether the prompt comes before it
 * @param topLogProbs how many alternatives to report with each token's log-probability; −1: no
 *     log-probabilities at all
 */
// An array: token ids, handed on and never compared.
@SuppressWarnings("ArrayRecordComponent")
record Generation(
    long[] prompt,
    int choices,
    long seed,
    SamplingConfig sampling,
    Penalties penalties,
    Stop stop,
    CompletionForm form,
    Echo echo,
    int topLogProbs) {

  /** Tokens that one of its sequences holds at most. */
  int longest() {
    return prompt.length + sampling.maxNewTokens();
  }

  /**
   * Changes to the logits, as OpenAI's API defines them: μ − count·frequency − (count &gt;
   * 0)·presence + bias, where count is over the tokens of the completion so far.
   *
   * @param bias by token id
   */
  record Penalties(double presence, double frequency, Map<Integer, Double> bias) {
    Penalties {
      bias = Map.copyOf(bias);
    }

    boolean none() {
      return presence == 0 && frequency == 0 && bias.isEmpty();
    }
  }

  /** Whether an answer repeats the prompt, with its log-probabilities where they are asked for. */
  enum Echo {
    NONE,
    BEFORE_COMPLETION,
    /** Nothing is generated: the prompt is scored. */
    ALONE
  }

  /**
   * What ends a completion before its length does.
   *
   * @param texts none of them is part of the completion's text
   * @param tokens ids, likewise
   * @param skipSpecial leave special tokens out of the text
   */
  record Stop(List<String> texts, Set<Integer> tokens, boolean skipSpecial) {
    Stop {
      texts = List.copyOf(texts);
      tokens = Set.copyOf(tokens);
    }
  }
}
