package org.grpo4j.trainer.serve;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.grpo4j.trainer.rollout.SequenceRandom;
import org.grpo4j.trainer.serve.GenerationListener.FinishReason;
import org.jspecify.annotations.Nullable;

/** One completion on its way: its tokens, and what of its text the listener has. */
final class SequenceState {
  private final Job job;
  private final int choice;
  private final long seed;
  private final TokenText text;
  private final StopTexts stops;
  private final Map<Integer, Integer> counts = new HashMap<>();
  private final List<TokenLogProb> unreported = new ArrayList<>();
  private final List<Integer> tokens = new ArrayList<>();
  // Chars of the text so far, those held back included; and those given to the listener.
  private int decoded;
  private int given;
  private @Nullable FinishReason finished;

  SequenceState(Job job, int choice) {
    this.job = job;
    this.choice = choice;
    Generation generation = job.generation();
    seed = SequenceRandom.seed(generation.seed(), choice);
    text = new TokenText(job.tokenizer(), generation.stop().skipSpecial());
    stops = new StopTexts(generation.stop().texts());
  }

  Job job() {
    return job;
  }

  Generation generation() {
    return job.generation();
  }

  /** The draw for the next token, in [0, 1). */
  double uniform() {
    return SequenceRandom.uniform(seed, tokens.size());
  }

  /** Another draw for the same token, where {@code refused} ones came to nothing. */
  double uniform(int refused) {
    return SequenceRandom.uniform(SequenceRandom.seed(seed, tokens.size()), refused);
  }

  /** How often each token was sampled. */
  Map<Integer, Integer> counts() {
    return counts;
  }

  /** The newest token: the input of the next step. */
  int lastToken() {
    return tokens.get(tokens.size() - 1);
  }

  /** The tokens that may come next while an opening is written; empty: see {@link #allows}. */
  Set<Integer> opening() {
    return generation().form().next(tokens);
  }

  /** Whether a token may come next. */
  boolean allows(int token) {
    CompletionForm form = generation().form();
    if (form.isFree()) {
      return true;
    }
    String before = text();
    if (generation().stop().tokens().contains(token)) {
      return form.allows(before, true);
    }
    String after = textWith(token);
    // Ids that only fill up a vocabulary write nothing, and would do so without end. The second
    // byte of a character may add nothing, either: what is shown of a part of one stays the same.
    boolean moves = !after.equals(before) || after.endsWith("\uFFFD");
    return moves && form.allows(after, false);
  }

  /** The first characters below 128 that the form allows next; others may or may not be. */
  BitSet nextCharacters() {
    BitSet next = new BitSet();
    String before = text();
    for (char c = 0; c < 128; c++) {
      next.set(c, generation().form().allows(before + c, false));
    }
    return next;
  }

  /** What is written so far, special tokens included. */
  String text() {
    return job.tokenizer().decode(tokens.stream().mapToLong(Integer::longValue).toArray(), false);
  }

  private String textWith(int token) {
    LongStream ids = LongStream.concat(tokens.stream().mapToLong(i -> i), LongStream.of(token));
    return job.tokenizer().decode(ids.toArray(), false);
  }

  /** Ends a completion that no token continues. */
  void cut() {
    finish(FinishReason.LENGTH);
  }

  boolean isFinished() {
    return finished != null;
  }

  /** Chars of the text before the next token, those held back included. */
  int decoded() {
    return decoded;
  }

  /**
   * Takes the next token and tells the listener what is certain.
   *
   * @param logProb null where none was asked for
   */
  void append(int token, @Nullable TokenLogProb logProb) {
    tokens.add(token);
    counts.merge(token, 1, Integer::sum);
    job.countToken();
    if (generation().stop().tokens().contains(token)) {
      // The token that ends a completion is not part of it.
      finish(FinishReason.STOP);
      return;
    }
    if (logProb != null) {
      unreported.add(logProb);
    }
    String fresh = text.append(token);
    decoded += fresh.length();
    report(stops.append(fresh));
    if (stops.found()) {
      finish(FinishReason.STOP);
    } else if (tokens.size() == generation().sampling().maxNewTokens()) {
      finish(FinishReason.LENGTH);
    }
  }

  private void finish(FinishReason reason) {
    if (!stops.found()) {
      String last = stops.append(text.rest());
      report(stops.found() ? last : last + stops.rest());
    }
    if (!stops.found() && !unreported.isEmpty()) {
      // Tokens without text of their own.
      job.listener().text(choice, "", List.copyOf(unreported));
    }
    unreported.clear();
    finished = reason;
    job.listener().finished(choice, reason);
  }

  /** Gives a piece with the tokens that begin in it. */
  private void report(String piece) {
    if (piece.isEmpty()) {
      return;
    }
    given += piece.length();
    List<TokenLogProb> begun = new ArrayList<>();
    while (!unreported.isEmpty() && unreported.get(0).offset() < given) {
      begun.add(unreported.remove(0));
    }
    job.listener().text(choice, piece, begun);
  }
}
