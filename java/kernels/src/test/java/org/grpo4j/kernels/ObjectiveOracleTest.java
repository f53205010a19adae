package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The oracle's slopes come from dual numbers: here they are held against differences of a loss. */
class ObjectiveOracleTest {
  private static final double[] LOG_PROBS = {-1.1, -0.7, -2.3};
  private static final double[] OLD = {-1.0, -1.15, -2.2};
  private static final double[] REF = {-1.2, -0.6, -2.2};
  private static final double STEP = 1e-6;

  static Stream<Arguments> cases() {
    return ObjectivesTest.OBJECTIVES.stream()
        .flatMap(
            objective ->
                Stream.of(RatioLevel.values())
                    .filter(level -> ObjectivesTest.defined(objective, level))
                    .flatMap(
                        level ->
                            Stream.of(0.7, -0.7)
                                .map(advantage -> Arguments.of(objective, level, advantage))));
  }

  /** The second token's ratio is e^0.45, beyond every upper bound. */
  private static Oracle.Inputs[] inputs(double advantage) {
    Oracle.Inputs[] inputs = new Oracle.Inputs[LOG_PROBS.length];
    for (int t = 0; t < inputs.length; t++) {
      inputs[t] = new Oracle.Inputs(OLD[t], REF[t], advantage, 0.5 - 0.1 * t, 0.3 - 0.1 * t);
    }
    return inputs;
  }

  /** A loss whose every part has a gradient: what is held fixed is a number in the inputs. */
  @SuppressWarnings("ArrayRecordComponent") // read element by element, never compared
  private record Surrogate(PolicyObjective objective, RatioLevel level, Oracle.Inputs[] inputs) {
    double loss(double[] logProbs) {
      PolicyLossConfig config = ObjectivesTest.config(objective, level).klCoef(0.1).build();
      double sum = 0;
      for (Oracle.Token token :
          ObjectiveOracle.sequence(logProbs, new double[logProbs.length], inputs, config)) {
        sum += token.loss();
      }
      return sum;
    }

    double difference(int t) {
      double[] above = LOG_PROBS.clone();
      double[] below = LOG_PROBS.clone();
      above[t] += STEP;
      below[t] -= STEP;
      return (loss(above) - loss(below)) / (2 * STEP);
    }
  }

  /**
   * At SEQUENCE_TOKEN a ratio has the sequence's value and its own token's gradient: that of TOKEN
   * with another old log-prob. CISPO and VESPO multiply A and the log-prob by a factor without
   * gradient: GPG with another A.
   */
  private static Surrogate surrogate(
      PolicyObjective objective, RatioLevel level, Oracle.Inputs[] inputs) {
    double sum = 0;
    for (int t = 0; t < LOG_PROBS.length; t++) {
      sum += LOG_PROBS[t] - OLD[t];
    }
    double mean = sum / LOG_PROBS.length;
    Oracle.Inputs[] moved = inputs.clone();
    for (int t = 0; t < inputs.length; t++) {
      double ratio = Math.exp(level == RatioLevel.TOKEN ? LOG_PROBS[t] - OLD[t] : mean);
      double factor = 1;
      if (objective instanceof PolicyObjective.Cispo cispo) {
        factor = Math.min(ratio, cispo.bound());
      } else if (objective instanceof PolicyObjective.Vespo v) {
        boolean positive = inputs[t].advantage() >= 0;
        double k = positive ? v.kPositive() : v.kNegative();
        double lambda = positive ? v.lambdaPositive() : v.lambdaNegative();
        factor = Math.exp(lambda + k * sum - lambda * Math.exp(sum));
      }
      moved[t] =
          new Oracle.Inputs(
              level == RatioLevel.SEQUENCE_TOKEN ? LOG_PROBS[t] - mean : OLD[t],
              REF[t],
              factor * inputs[t].advantage(),
              inputs[t].policyWeight(),
              inputs[t].regWeight());
    }
    boolean byLogProb =
        objective instanceof PolicyObjective.Cispo || objective instanceof PolicyObjective.Vespo;
    return new Surrogate(
        byLogProb ? new PolicyObjective.Gpg() : objective,
        level == RatioLevel.SEQUENCE_TOKEN ? RatioLevel.TOKEN : level,
        moved);
  }

  @ParameterizedTest(name = "{0} {1} A = {2}")
  @MethodSource("cases")
  void slopesAreDerivatives(PolicyObjective objective, RatioLevel level, double advantage) {
    Oracle.Inputs[] inputs = inputs(advantage);
    PolicyLossConfig config = ObjectivesTest.config(objective, level).klCoef(0.1).build();
    Oracle.Token[] tokens =
        ObjectiveOracle.sequence(LOG_PROBS, new double[LOG_PROBS.length], inputs, config);
    Surrogate surrogate = surrogate(objective, level, inputs);
    for (int t = 0; t < tokens.length; t++) {
      assertEquals(surrogate.difference(t), tokens[t].g(), 1e-8, "token " + t);
    }
  }
}
