package org.grpo4j.kernels;

import java.lang.ref.Reference;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeLogitsGradientArgs;
import org.grpo4j.kernels.internal.NativeReport;

/** The gradient to the logits, or to a shard of them: the last part of {@link PolicyLoss}. */
public final class LogitsGradient {
  private LogitsGradient() {}

  /**
   * dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)], with p and H from the merged states.
   * Rows of slopes 0, and bad rows, are not read; their gradient is 0.
   *
   * @param logits [rows, vocabulary of the shard]
   * @param rows N rows, strictly increasing
   * @param shard which part of the vocabulary the logits are
   * @param states [1, N] merged over all shards
   * @param slopes [N]
   * @param gradient of the logits' shape and dtype: the same memory (in place) or disjoint
   * @return the instruction set that ran
   */
  public static Isa compute(
      Logits logits,
      LogitRows rows,
      VocabShard shard,
      RowStates states,
      RowSlopes slopes,
      Logits gradient) {
    Kernels.ready();
    long n = rows.check(logits, true);
    shard.checkFits(logits);
    states.checkRows("states", n);
    slopes.checkRows("slopes", n);
    NativeCalls.checkGradient(logits, gradient);
    try (NativeLogitsGradientArgs args = new NativeLogitsGradientArgs();
        NativeReport report = new NativeReport()) {
      logits.describeTo(args.logits());
      gradient.describeTo(args.gradient());
      rows.describeTo(args.rows(), n);
      args.vocab_begin(shard.begin())
          .vocab_total(shard.total())
          .states(states.memory())
          .slopes(slopes.memory());
      NativeCalls.check(Native.grpo4j_logits_gradient(args, report), report, n);
      return Isa.of(report.isa());
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(states);
      Reference.reachabilityFence(slopes);
      Reference.reachabilityFence(gradient);
    }
  }
}
