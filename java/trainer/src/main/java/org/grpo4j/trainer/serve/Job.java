package org.grpo4j.trainer.serve;

import org.grpo4j.torch.text.Tokenizer;

/** A generation that waits or runs. */
final class Job {
  private final Generation generation;
  private final GenerationListener listener;
  private final Tokenizer tokenizer;
  private volatile boolean cancelled;
  private int open;
  private int tokens;

  Job(Generation generation, GenerationListener listener, Tokenizer tokenizer) {
    this.generation = generation;
    this.listener = listener;
    this.tokenizer = tokenizer;
    open = generation.choices();
  }

  Generation generation() {
    return generation;
  }

  GenerationListener listener() {
    return listener;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Nobody waits for it any more: it leaves the batch before the next step. From any thread. */
  void cancel() {
    cancelled = true;
  }

  boolean isCancelled() {
    return cancelled;
  }

  void countToken() {
    tokens++;
  }

  /** One of its sequences has ended; returns whether it was the last. */
  boolean closeOne() {
    open--;
    return open == 0;
  }

  /** Tokens sampled for all of its sequences, those that ended them included. */
  int tokens() {
    return tokens;
  }
}
