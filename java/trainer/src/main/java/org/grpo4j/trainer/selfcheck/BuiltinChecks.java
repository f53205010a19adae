package org.grpo4j.trainer.selfcheck;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.GroupAdvantages;
import org.grpo4j.kernels.KlEstimator;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.kernels.RegionWeights;
import org.jspecify.annotations.Nullable;

/**
 * Every operation against its formulas in double on random inputs: what a new machine can check
 * without any file. Every type; vocabularies of one token, of a tail, of loops with a tail, and of
 * many blocks; every objective; the vocabulary whole and in shards.
 */
final class BuiltinChecks {
  private static final Path NAME = Path.of("built-in");
  private static final int[] VOCABULARIES = {1, 33, 1003, 50257, 151936};

  /** Of the objectives: their cost is in the rows, not in the vocabulary. */
  private static final int OBJECTIVES_VOCABULARY = 1003;

  private BuiltinChecks() {}

  /** Runs all cases under the instruction set in use. */
  static void run(CheckReport report) {
    for (DType dtype : DType.values()) {
      for (int vocab : VOCABULARIES) {
        rows(report, new OracleBatch(dtype, vocab));
      }
      OracleBatch batch = new OracleBatch(dtype, OBJECTIVES_VOCABULARY);
      objectives()
          .forEach(
              (name, config) ->
                  check(
                      report,
                      "policy_loss, objective: %s, %s".formatted(name, dtype),
                      new PolicyLossCheck(batch, config)::problem));
    }
    for (GroupAdvantages.Estimator estimator : GroupAdvantages.Estimator.values()) {
      for (GroupAdvantages.Scale scale : GroupAdvantages.Scale.values()) {
        check(
            report,
            "group_advantages: %s, scale %s".formatted(estimator, scale),
            () -> CompletionChecks.wrongAdvantages(estimator, scale));
      }
    }
    for (RegionWeights.Order order : RegionWeights.Order.values()) {
      check(report, "token_weights: " + order, () -> CompletionChecks.wrongTokenWeights(order));
    }
  }

  private static void rows(CheckReport report, OracleBatch batch) {
    String of = "%s, %d tokens".formatted(batch.dtype(), batch.vocab());
    StatisticsCheck statistics = new StatisticsCheck(batch);
    check(report, "token_stats: " + of, statistics::wrongTokenStats);
    for (int shards : batch.vocab() == 1 ? new int[] {1} : new int[] {1, 3}) {
      check(
          report,
          "row_states, merge_states, logits_gradient: %s in %d shards".formatted(of, shards),
          () -> statistics.wrongShards(shards));
    }
    for (double entropyCoef : new double[] {0, 0.02}) {
      check(
          report,
          "policy_loss: %s, entropy bonus %s".formatted(of, entropyCoef),
          new PolicyLossCheck(batch, config().entropyCoef(entropyCoef).build())::problem);
    }
  }

  private static PolicyLossConfig.Builder config() {
    return PolicyLossConfig.builder().temperature(OracleBatch.TEMPERATURE);
  }

  private static Map<String, PolicyLossConfig> objectives() {
    Map<String, PolicyLossConfig> all = new LinkedHashMap<>();
    PolicyLossConfig.Builder sequence = config().ratioLevel(RatioLevel.SEQUENCE);
    all.put(
        "clip 0.2/0.28, dual clip, delta, k3",
        config().clipHigh(0.28).dualClip(3).delta(1.25).klCoef(0.1).build());
    all.put(
        "clip, k1 times the ratio",
        config().klCoef(0.1).klEstimator(KlEstimator.K1).klBiasCorrected(true).build());
    all.put("clip, k2", config().klCoef(0.1).klEstimator(KlEstimator.K2).build());
    all.put("clip, the sequence's ratio (GSPO)", sequence.entropyCoef(0.02).build());
    all.put(
        "clip, the sequence's ratio by token",
        config().ratioLevel(RatioLevel.SEQUENCE_TOKEN).build());
    all.put("CISPO", config().objective(new PolicyObjective.Cispo(1.1)).build());
    all.put("SAPO", config().objective(new PolicyObjective.Sapo()).build());
    all.put("GPG", config().objective(new PolicyObjective.Gpg()).build());
    all.put("GMPO", sequence.objective(new PolicyObjective.Gmpo(0.4, 0.4)).build());
    all.put("VESPO", sequence.objective(new PolicyObjective.Vespo()).build());
    return all;
  }

  private static void check(CheckReport report, String name, Supplier<@Nullable String> problemOf) {
    String problem = problemOf.get();
    if (problem == null) {
      report.passed(NAME, name);
    } else {
      report.failed(NAME, name, "the formulas in double", problem);
    }
  }
}
