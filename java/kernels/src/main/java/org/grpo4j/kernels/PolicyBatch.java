package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * What the objective needs of each of N rows; every array has exactly N elements from its position
 * to its limit, where nothing else is said.
 *
 * <p>loss = Σ policyWeight·ℓ + Σ regularizerWeight·(klCoef·KL − entropyCoef·H). A row whose two
 * weights are 0 is not read, its gradient is exactly 0, and it does not count in its sequence.
 *
 * @param targets the sampled token of each row, already shifted, in [0, vocab): a LongPointer or an
 *     IntPointer
 * @param oldLogProbs log-probs under the policy that the ratio refers to; null: on policy, ratio 1
 *     and slope −A
 * @param refLogProbs log-probs under the reference policy; null without KL
 * @param advantages one per row, or one per sequence with advantagesPerSequence
 * @param policyWeights weight of the policy term: mask × aggregation × everything else
 * @param regularizerWeights weight of KL and entropy
 * @param rowIndices which rows of the logits these are, strictly increasing; the others are neither
 *     read nor written. Null: all rows, in order
 * @param sequenceOffsets [B + 1] from 0 to N: sequence b is rows sequenceOffsets[b] to
 *     sequenceOffsets[b + 1] − 1 of the N. Null: none, enough where every ratio is a token's own
 * @param advantagesPerSequence whether advantages are [B]
 * @param temperatures one per row instead of the configuration's, or null
 */
public record PolicyBatch(
    Pointer targets,
    @Nullable FloatPointer oldLogProbs,
    @Nullable FloatPointer refLogProbs,
    FloatPointer advantages,
    FloatPointer policyWeights,
    FloatPointer regularizerWeights,
    @Nullable LongPointer rowIndices,
    @Nullable LongPointer sequenceOffsets,
    boolean advantagesPerSequence,
    @Nullable FloatPointer temperatures) {

  /** Advantages per row, no sequences, one temperature. */
  public PolicyBatch(
      Pointer targets,
      @Nullable FloatPointer oldLogProbs,
      @Nullable FloatPointer refLogProbs,
      FloatPointer advantages,
      FloatPointer policyWeights,
      FloatPointer regularizerWeights,
      @Nullable LongPointer rowIndices) {
    this(
        targets,
        oldLogProbs,
        refLogProbs,
        advantages,
        policyWeights,
        regularizerWeights,
        rowIndices,
        null,
        false,
        null);
  }

  /**
   * Arrays by name: advantages and both weights have to be given, the others may be left out.
   *
   * @param targets the sampled token of each row: a LongPointer or an IntPointer
   */
  public static Builder builder(Pointer targets) {
    return new Builder(Arguments.present("targets", targets));
  }

  /** The same rows as sequences, with advantages [N] or, per sequence, [B]. */
  public PolicyBatch withSequences(LongPointer offsets, boolean advantagesPerSequence) {
    return new PolicyBatch(
        targets,
        oldLogProbs,
        refLogProbs,
        advantages,
        policyWeights,
        regularizerWeights,
        rowIndices,
        offsets,
        advantagesPerSequence,
        temperatures);
  }

  /** The same rows, each with its own temperature [N]. */
  public PolicyBatch withTemperatures(FloatPointer values) {
    return new PolicyBatch(
        targets,
        oldLogProbs,
        refLogProbs,
        advantages,
        policyWeights,
        regularizerWeights,
        rowIndices,
        sequenceOffsets,
        advantagesPerSequence,
        values);
  }

  /** Where these rows lie in the logits, with what divides and caps them. */
  public LogitRows rows(PolicyLossConfig config) {
    Arguments.present("config", config);
    return new LogitRows(targets, rowIndices, config.temperature(), temperatures, config.softCap());
  }

  /** B, 0 without sequences. */
  long sequences() {
    return sequenceOffsets == null
        ? 0
        : Math.max(0, Arguments.remaining("sequenceOffsets", sequenceOffsets) - 1);
  }

  /**
   * Everything that the objective reads.
   *
   * @param queue where the arrays lie, if not in host memory: offsets there can't be looked at
   */
  void check(long n, PolicyLossConfig config, @Nullable DeviceQueue queue) {
    Arguments.optionalArray("oldLogProbs", oldLogProbs, n);
    Arguments.optionalArray("refLogProbs", refLogProbs, n);
    if (config.klCoef() != 0 && refLogProbs == null) {
      throw Arguments.invalid("refLogProbs is null: klCoef = %s needs it", config.klCoef());
    }
    checkSequences(n, config.ratioLevel(), queue == null);
    Arguments.array(
        "advantages",
        advantages,
        advantagesPerSequence ? sequences() : n,
        advantagesPerSequence ? "one element per sequence" : "one element per row");
    Arguments.array("policyWeights", policyWeights, n);
    Arguments.array("regularizerWeights", regularizerWeights, n);
  }

  private void checkSequences(long n, RatioLevel level, boolean readable) {
    LongPointer offsets = sequenceOffsets;
    if (offsets == null) {
      if (level != RatioLevel.TOKEN || advantagesPerSequence) {
        throw Arguments.invalid(
            "sequenceOffsets is null: want [sequences + 1], %s needs it",
            level != RatioLevel.TOKEN ? "ratioLevel " + level : "advantagesPerSequence");
      }
      return;
    }
    if (readable) {
      Arguments.offsets("sequenceOffsets", offsets, "sequences", n, "rows");
    } else {
      Arguments.deviceOffsets("sequenceOffsets", offsets, "sequences");
    }
  }

  /** What the objective reads. */
  void checkApart(WrittenMemory written) {
    written.input("oldLogProbs", oldLogProbs);
    written.input("refLogProbs", refLogProbs);
    written.input("advantages", advantages);
    written.input("policyWeights", policyWeights);
    written.input("regularizerWeights", regularizerWeights);
    written.input("sequenceOffsets", sequenceOffsets);
  }

  void describeTo(ByteBuffer to, int at) {
    Struct.put(to, at + Struct.Batch.OLD_LOG_PROBS, oldLogProbs);
    Struct.put(to, at + Struct.Batch.REF_LOG_PROBS, refLogProbs);
    Struct.put(to, at + Struct.Batch.ADVANTAGES, advantages);
    Struct.put(to, at + Struct.Batch.POLICY_WEIGHTS, policyWeights);
    Struct.put(to, at + Struct.Batch.REGULARIZER_WEIGHTS, regularizerWeights);
    Struct.put(to, at + Struct.Batch.SEQUENCE_OFFSETS, sequenceOffsets);
    to.putLong(at + Struct.Batch.SEQUENCES, sequences())
        .putInt(at + Struct.Batch.ADVANTAGES_PER_SEQUENCE, advantagesPerSequence ? 1 : 0);
  }

  /** The components of a batch that are set; see {@link PolicyBatch} for what they are. */
  public static final class Builder {
    private final Pointer targets;
    private @Nullable FloatPointer oldLogProbs;
    private @Nullable FloatPointer refLogProbs;
    private @Nullable FloatPointer advantages;
    private @Nullable FloatPointer policyWeights;
    private @Nullable FloatPointer regularizerWeights;
    private @Nullable LongPointer rowIndices;

    private Builder(Pointer targets) {
      this.targets = targets;
    }

    /** [N]; without them the loss is on policy. */
    public Builder oldLogProbs(FloatPointer values) {
      oldLogProbs = Arguments.present("oldLogProbs", values);
      return this;
    }

    /** [N]; a KL term needs them. */
    public Builder refLogProbs(FloatPointer values) {
      refLogProbs = Arguments.present("refLogProbs", values);
      return this;
    }

    /** [N]; or [B], with {@link PolicyBatch#withSequences}. */
    public Builder advantages(FloatPointer values) {
      advantages = Arguments.present("advantages", values);
      return this;
    }

    /** [N], of the policy term. */
    public Builder policyWeights(FloatPointer values) {
      policyWeights = Arguments.present("policyWeights", values);
      return this;
    }

    /** [N], of KL and entropy. */
    public Builder regularizerWeights(FloatPointer values) {
      regularizerWeights = Arguments.present("regularizerWeights", values);
      return this;
    }

    /** [N], strictly increasing; without them the batch is every row of the logits. */
    public Builder rowIndices(LongPointer values) {
      rowIndices = Arguments.present("rowIndices", values);
      return this;
    }

    /**
     * @throws IllegalArgumentException if advantages or a weight are not set
     */
    public PolicyBatch build() {
      return new PolicyBatch(
          targets,
          oldLogProbs,
          refLogProbs,
          Arguments.present("advantages", advantages),
          Arguments.present("policyWeights", policyWeights),
          Arguments.present("regularizerWeights", regularizerWeights),
          rowIndices);
    }
  }
}
