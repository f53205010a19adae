package org.grpo4j.trainer.serve;

import java.util.List;

/**
 * Hears of a generation's progress, on the thread that decodes: what it does must be quick. After
 * {@link #done} or {@link #failed} nothing more comes.
 */
interface GenerationListener {
  /** Why a completion ended, by OpenAI's names. */
  enum FinishReason {
    STOP,
    LENGTH
  }

  /** The prompt, before everything else, where the answer repeats it. */
  default void echo(PromptEcho prompt) {}

  /**
   * A part of a completion that will not change any more.
   *
   * @param choice number of the completion
   * @param text whole characters; may be empty where a token has no text
   * @param tokens log-probabilities of the tokens that begin in it; empty where none were asked for
   */
  void text(int choice, String text, List<TokenLogProb> tokens);

  /** A completion has ended. */
  void finished(int choice, FinishReason reason);

  /** All have ended. */
  void done(int completionTokens);

  /** It cannot go on. */
  void failed(ApiException failure);
}
