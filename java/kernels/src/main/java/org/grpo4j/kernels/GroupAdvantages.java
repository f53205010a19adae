package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeGroupAdvantagesArgs;
import org.jspecify.annotations.Nullable;

/**
 * One advantage per completion from the rewards of its group: how much better it is than the other
 * completions of its prompt. R is a completion's reward, μ and σ the mean and the sample standard
 * deviation (n − 1) of its group of n. A group of one has μ = 0 and σ = 1: its reward is its
 * advantage, as in verl.
 *
 * <p>Computed in double, in a fixed order, stored as float.
 *
 * @param estimator the formula
 * @param scale what GRPO and pass@k divide by; the others don't read it
 * @param epsilon added to a standard deviation that divides (verl: 1e-6, TRL: 1e-4)
 */
public record GroupAdvantages(Estimator estimator, Scale scale, double epsilon) {

  /** Formulas of verl's core algorithms. */
  public enum Estimator {
    /** (R − μ) / (σ + ε) (arXiv 2402.03300). */
    GRPO(Native.GRPO4J_ADVANTAGE_GRPO),
    /** R − μ (arXiv 2503.20783). */
    DR_GRPO(Native.GRPO4J_ADVANTAGE_DR_GRPO),
    /** n/(n − 1) · (R − μ): the others' mean as the baseline (arXiv 2402.14740). */
    RLOO(Native.GRPO4J_ADVANTAGE_RLOO),
    /** R − Σ(len·R)/Σlen: the length-weighted mean as the baseline (arXiv 2505.23585). */
    OPO(Native.GRPO4J_ADVANTAGE_OPO),
    /** R − μ, then whitened over all trained tokens of the batch (arXiv 2501.03262). */
    REINFORCE_PLUS_PLUS_BASELINE(Native.GRPO4J_ADVANTAGE_REINFORCE),
    /** The best of its group: (R_first − R_second) / (σ + ε), the others 0 (arXiv 2503.19595). */
    GRPO_PASSK(Native.GRPO4J_ADVANTAGE_PASSK);

    private final int code;

    Estimator(int code) {
      this.code = code;
    }

    private boolean needsLengths() {
      return this == OPO || this == REINFORCE_PLUS_PLUS_BASELINE;
    }
  }

  /** Whose standard deviation GRPO and pass@k divide by. */
  public enum Scale {
    /** That of the group. */
    GROUP(Native.GRPO4J_SCALE_GROUP),
    /** That of all rewards of the batch. */
    BATCH(Native.GRPO4J_SCALE_BATCH),
    /** Nobody's. */
    NONE(Native.GRPO4J_SCALE_NONE);

    private final int code;

    Scale(int code) {
      this.code = code;
    }
  }

  public GroupAdvantages {
    Arguments.present("estimator", estimator);
    Arguments.present("scale", scale);
    check(epsilon >= 0 && Double.isFinite(epsilon), "epsilon is %s: want >= 0 and finite", epsilon);
  }

  /** Divided by the group's standard deviation plus verl's epsilon. */
  public static GroupAdvantages of(Estimator estimator) {
    return new GroupAdvantages(estimator, Scale.GROUP, 1e-6);
  }

  /**
   * Fills in the advantages of a batch of B completions.
   *
   * @param groupOffsets [groups + 1] from 0 to B: group k is completions groupOffsets[k] to
   *     groupOffsets[k + 1] − 1
   * @param rewards [B] finite
   * @param lengths [B] trained tokens of each completion; null unless the estimator is OPO or
   *     REINFORCE_PLUS_PLUS_BASELINE
   * @param advantages [B] written
   * @throws IllegalArgumentException if an argument is null, closed, of the wrong shape, or holds a
   *     value outside its range; nothing was written then
   */
  public void compute(
      LongPointer groupOffsets,
      FloatPointer rewards,
      @Nullable IntPointer lengths,
      FloatPointer advantages) {
    Kernels.ready();
    Arrays arrays = new Arrays(groupOffsets, rewards, lengths, advantages);
    long n = arrays.check(this);
    Arguments.offsets("groupOffsets", groupOffsets, "groups", n, "completions");
    checkRewards(rewards, n);
    checkLengths(lengths, n);
    checkGroups(groupOffsets);
    try (NativeGroupAdvantagesArgs args = arrays.describe(this)) {
      NativeCalls.check(Native.grpo4j_group_advantages(args));
    } finally {
      Reference.reachabilityFence(arrays);
    }
  }

  /**
   * The same with all arrays in a device's memory: enqueues it and returns at once. What the values
   * are can't be looked at from here: advantages of rewards that are not finite, or of a group of
   * one under GRPO_PASSK, are NaN.
   *
   * @throws KernelException if the device fails
   */
  public void enqueue(
      DeviceQueue queue,
      LongPointer groupOffsets,
      FloatPointer rewards,
      @Nullable IntPointer lengths,
      FloatPointer advantages) {
    Arguments.present("queue", queue).checkOpen();
    Arrays arrays = new Arrays(groupOffsets, rewards, lengths, advantages);
    arrays.check(this);
    Arguments.deviceOffsets("groupOffsets", groupOffsets, "groups");
    try (DeviceSelection selected = queue.select();
        NativeGroupAdvantagesArgs args = arrays.describe(this)) {
      queue.checkStatus(
          Native.grpo4j_device_group_advantages(queue.backend().code(), args, queue.stream()));
    } finally {
      Reference.reachabilityFence(arrays);
    }
  }

  /** What a call is given; to be reachable until native code is done with it. */
  private record Arrays(
      LongPointer groupOffsets,
      FloatPointer rewards,
      @Nullable IntPointer lengths,
      FloatPointer advantages) {

    /** Checks all but the offsets, and gives the number of completions. */
    long check(GroupAdvantages settings) {
      long n = Arguments.vector("rewards", rewards);
      Arguments.array("advantages", advantages, n, "one element per completion");
      if (lengths != null) {
        Arguments.array("lengths", lengths, n, "one element per completion");
      } else if (settings.estimator.needsLengths()) {
        throw Arguments.invalid("lengths is null: estimator %s needs [%d]", settings.estimator, n);
      }
      WrittenMemory written = new WrittenMemory();
      written.output("advantages", advantages);
      written.input("groupOffsets", groupOffsets);
      written.input("rewards", rewards);
      written.input("lengths", lengths);
      return n;
    }

    NativeGroupAdvantagesArgs describe(GroupAdvantages settings) {
      return new NativeGroupAdvantagesArgs()
          .completions(Arguments.remaining("rewards", rewards))
          .groups(Arguments.remaining("groupOffsets", groupOffsets) - 1)
          .group_offsets(groupOffsets)
          .rewards(rewards)
          .lengths(lengths)
          .estimator(settings.estimator.code)
          .scale(settings.scale.code)
          .epsilon(settings.epsilon)
          .advantages(advantages);
    }
  }

  private static void checkRewards(FloatPointer rewards, long n) {
    for (long i = 0; i < n; i++) {
      if (!Float.isFinite(rewards.get(i))) {
        throw Arguments.invalid("rewards[%d] is %s: want a finite number", i, rewards.get(i));
      }
    }
  }

  private static void checkLengths(@Nullable IntPointer lengths, long n) {
    for (long i = 0; lengths != null && i < n; i++) {
      if (lengths.get(i) < 0) {
        throw Arguments.invalid("lengths[%d] is %d: want >= 0", i, lengths.get(i));
      }
    }
  }

  private void checkGroups(LongPointer offsets) {
    if (estimator != Estimator.GRPO_PASSK) {
      return;
    }
    for (long k = 1; k < Arguments.remaining("groupOffsets", offsets); k++) {
      if (offsets.get(k) - offsets.get(k - 1) == 1) {
        throw Arguments.invalid(
            "group %d has 1 completion: GRPO_PASSK compares at least 2 of a prompt", k - 1);
      }
    }
  }
}
