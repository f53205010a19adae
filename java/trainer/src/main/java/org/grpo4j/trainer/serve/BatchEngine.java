package org.grpo4j.trainer.serve;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.torch.SequenceBatch;
import org.grpo4j.trainer.config.ServeConfig;
import org.jspecify.annotations.Nullable;

/**
 * Decodes all requests together: one thread owns the model, and between two steps finished
 * sequences leave the batch and waiting ones join, in the order they came.
 *
 * <p>What a sequence becomes does not depend on those beside it: its logits are its own ({@link
 * SequenceBatch}), its draws come from its own seed.
 */
final class BatchEngine implements AutoCloseable {
  /** Bounds of what is taken on. */
  record Capacity(int maxBatchSize, int maxQueue, int maxCachedTokens) {
    static Capacity of(ServeConfig.Limits limits, int cachedTokens) {
      return new Capacity(limits.maxBatchSize(), limits.maxQueue(), cachedTokens);
    }

    /** Sequences that run and wait, at most. */
    int most() {
      return maxBatchSize + maxQueue;
    }

    /** Whether sequences that need this many slots at most may be decoded together. */
    boolean fits(int sequences, int slots) {
      return sequences <= maxBatchSize && (long) sequences * slots <= maxCachedTokens;
    }
  }

  private final ServedModel served;
  private final Capacity capacity;
  private final TokenStep tokenStep;
  private final PrintStream messages;
  private final Thread thread;

  // Guarded by this.
  private final Deque<Job> waiting = new ArrayDeque<>();
  private int unfinished;
  private boolean closed;

  // Of the thread alone; row i of the batch is sequence i.
  private final List<SequenceState> running = new ArrayList<>();

  /**
   * Starts the thread.
   *
   * @param messages where failures of the program are reported
   */
  BatchEngine(ServedModel served, Capacity capacity, PrintStream messages) {
    this.served = served;
    this.capacity = capacity;
    this.messages = messages;
    tokenStep = new TokenStep(served.tokenizer());
    thread = new Thread(this::run, "grpo4j-decode");
    thread.start();
  }

  /**
   * Puts the generations of one request into the queue: all of them or none.
   *
   * @param listeners one for each
   * @throws ApiException 400 where one could never run, 429 where too many wait, 503 after closing
   */
  synchronized List<Job> submit(List<Generation> generations, List<GenerationListener> listeners) {
    if (closed) {
      throw ApiException.shuttingDown();
    }
    int sequences = 0;
    for (Generation generation : generations) {
      requireRoom(generation);
      sequences += generation.choices();
    }
    if (sequences > capacity.most()) {
      throw ApiException.badRequest(
          "prompt",
          "The request asks for %d completions, and this server takes on %d in all: split it."
              .formatted(sequences, capacity.most()));
    }
    if (unfinished + sequences > capacity.most()) {
      throw ApiException.overloaded(unfinished);
    }
    unfinished += sequences;
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < generations.size(); i++) {
      jobs.add(new Job(generations.get(i), listeners.get(i), served.tokenizer()));
    }
    waiting.addAll(jobs);
    notifyAll();
    return jobs;
  }

  /** Refuses what would not fit even alone. */
  private void requireRoom(Generation generation) {
    int choices = generation.choices();
    if (!capacity.fits(choices, SequenceBatch.slotsFor(generation.longest()))) {
      throw ApiException.badRequest(
          choices > 1 ? "n" : "max_tokens",
          ("%d sequences of up to %d tokens are more than this server decodes together (%d"
                  + " sequences, %d tokens in all): lower n or max_tokens.")
              .formatted(
                  choices,
                  generation.longest(),
                  capacity.maxBatchSize(),
                  capacity.maxCachedTokens()));
    }
  }

  /** Sequences that wait or run. */
  synchronized int unfinished() {
    return unfinished;
  }

  private void run() {
    try (SequenceBatch batch = new SequenceBatch(served.model())) {
      while (awaitWork()) {
        try {
          dropCancelled(batch);
          admit(batch);
          step(batch);
        } catch (RuntimeException | OutOfMemoryError e) {
          failAll(batch, e);
        }
      }
      failRunning(ApiException.shuttingDown());
    }
  }

  /** Waits for something to do; false: closed. */
  private synchronized boolean awaitWork() {
    while (!closed && running.isEmpty() && waiting.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return !closed;
  }

  /** Lets waiting requests in, the oldest first: a large one is not overtaken for ever. */
  private void admit(SequenceBatch batch) {
    for (Job job = nextThatFits(); job != null; job = nextThatFits()) {
      Generation generation = job.generation();
      if (generation.echo() != Generation.Echo.NONE && !echo(job)) {
        continue;
      }
      try (PointerScope scope = new PointerScope()) {
        int first = running.size();
        // First of all in the list: whatever fails from here on, its client hears of it.
        for (int choice = 0; choice < generation.choices(); choice++) {
          running.add(new SequenceState(job, choice));
        }
        Tensor logits = batch.join(generation.prompt(), generation.choices(), generation.longest());
        List<SequenceState> joined = running.subList(first, running.size());
        Tensor own = logits.expand(joined.size(), logits.size(1)).contiguous();
        tokenStep.advance(own, joined);
      }
      dropFinished(batch);
    }
  }

  /** Gives the prompt back; returns whether there is something to generate. */
  private boolean echo(Job job) {
    Generation generation = job.generation();
    boolean alone = generation.echo() == Generation.Echo.ALONE;
    try {
      job.listener().echo(PromptEcho.of(generation, served));
    } catch (RuntimeException | OutOfMemoryError e) {
      // No sequence of it runs yet: those of others are whole.
      messages.println("grpo4j: scoring a prompt failed: " + e);
      e.printStackTrace(messages);
      job.listener().failed(ApiException.internal("The model failed: " + e));
      release(generation.choices());
      return false;
    }
    if (alone) {
      for (int choice = 0; choice < generation.choices(); choice++) {
        job.listener().finished(choice, GenerationListener.FinishReason.LENGTH);
      }
      job.listener().done(0);
      release(generation.choices());
    }
    return !alone;
  }

  private synchronized @Nullable Job nextThatFits() {
    while (!waiting.isEmpty()) {
      Job job = waiting.getFirst();
      if (job.isCancelled()) {
        waiting.removeFirst();
        unfinished -= job.generation().choices();
        continue;
      }
      int longest = job.generation().longest();
      for (SequenceState sequence : running) {
        longest = Math.max(longest, sequence.generation().longest());
      }
      int sequences = running.size() + job.generation().choices();
      return capacity.fits(sequences, SequenceBatch.slotsFor(longest))
          ? waiting.removeFirst()
          : null;
    }
    return null;
  }

  private void step(SequenceBatch batch) {
    if (running.isEmpty()) {
      return;
    }
    try (PointerScope scope = new PointerScope()) {
      long[] tokens = running.stream().mapToLong(SequenceState::lastToken).toArray();
      tokenStep.advance(batch.step(tokens), running);
    }
    dropFinished(batch);
  }

  private void dropFinished(SequenceBatch batch) {
    for (int row = running.size() - 1; row >= 0; row--) {
      SequenceState sequence = running.get(row);
      if (sequence.isFinished()) {
        remove(batch, row);
        if (sequence.job().closeOne()) {
          sequence.job().listener().done(sequence.job().tokens());
        }
      }
    }
  }

  private void dropCancelled(SequenceBatch batch) {
    for (int row = running.size() - 1; row >= 0; row--) {
      if (running.get(row).job().isCancelled()) {
        remove(batch, row);
      }
    }
  }

  /** The last sequence takes the row, as in the batch. */
  private void remove(SequenceBatch batch, int row) {
    batch.leave(row);
    SequenceState last = running.remove(running.size() - 1);
    if (row < running.size()) {
      running.set(row, last);
    }
    release(1);
  }

  private synchronized void release(int sequences) {
    unfinished -= sequences;
  }

  /** A failed step leaves keys and values of which nothing is known: all of its requests fail. */
  private void failAll(SequenceBatch batch, Throwable failure) {
    messages.println("grpo4j: decoding failed: " + failure);
    failure.printStackTrace(messages);
    batch.clear();
    failRunning(ApiException.internal("The model failed: " + failure));
  }

  private void failRunning(ApiException failure) {
    Set<Job> jobs = new HashSet<>();
    running.forEach(sequence -> jobs.add(sequence.job()));
    release(running.size());
    running.clear();
    jobs.forEach(job -> job.listener().failed(failure));
  }

  /** Ends at the next step; requests that have not ended fail. */
  @Override
  public void close() {
    List<Job> left;
    synchronized (this) {
      closed = true;
      left = new ArrayList<>(waiting);
      waiting.clear();
      notifyAll();
    }
    left.forEach(job -> job.listener().failed(ApiException.shuttingDown()));
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
