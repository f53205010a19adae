package org.grpo4j.trainer.recipe;

import java.util.concurrent.CountDownLatch;

/**
 * Turns Ctrl-C and a polite kill into a request to stop at the next safe place. The virtual machine
 * waits for the work to save its state; only kill -9 ends it at once, and then the run resumes from
 * the checkpoint before.
 */
final class Interruption implements AutoCloseable {
  private final CountDownLatch saved = new CountDownLatch(1);
  private final Thread hook;
  private volatile boolean requested;

  Interruption() {
    this("stopping after this rollout, to save a resumable state");
  }

  /**
   * @param message what happens until the work stops
   */
  Interruption(String message) {
    hook =
        new Thread(
            () -> {
              requested = true;
              System.err.println("\n" + message);
              try {
                saved.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "grpo4j-interruption");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  boolean requested() {
    return requested;
  }

  /** The state is saved: the virtual machine may go. */
  @Override
  public void close() {
    saved.countDown();
    if (!requested) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The shutdown began in between: the hook runs and finds the latch open.
        requested = true;
      }
    }
  }
}
