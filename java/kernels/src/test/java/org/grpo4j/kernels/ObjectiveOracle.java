package org.grpo4j.kernels;

import java.util.Arrays;

/**
 * The objectives in double, as losses alone: their slopes come from dual numbers, so no derivative
 * is written down twice.
 */
final class ObjectiveOracle {
  /** A value and its derivative by one token's log-prob. */
  private record Dual(double v, double d) {
    static Dual of(double v) {
      return new Dual(v, 0);
    }

    Dual plus(Dual o) {
      return new Dual(v + o.v, d + o.d);
    }

    Dual minus(Dual o) {
      return plus(o.times(-1));
    }

    Dual times(double k) {
      return new Dual(v * k, d * k);
    }

    Dual times(Dual o) {
      return new Dual(v * o.v, d * o.v + v * o.d);
    }

    Dual exp() {
      double e = Math.exp(v);
      return new Dual(e, e * d);
    }

    Dual sigmoid() {
      double s = 1 / (1 + Math.exp(-v));
      return new Dual(s, s * (1 - s) * d);
    }

    /** The value alone. */
    Dual sg() {
      return of(v);
    }

    Dual min(double bound) {
      return v > bound ? of(bound) : this;
    }

    Dual max(double bound) {
      return v < bound ? of(bound) : this;
    }

    Dual orGreater(Dual o) {
      return o.v > v ? o : this;
    }
  }

  /** One sequence: what each objective reads. */
  @SuppressWarnings("ArrayRecordComponent") // read element by element, never compared
  private record Tokens(Dual[] logProbs, Dual[] differences, Oracle.Inputs[] inputs) {
    boolean active(int t) {
      return inputs[t].policyWeight() != 0 || inputs[t].regWeight() != 0;
    }

    /** Σ over active tokens of something of theirs, and how many they are. */
    Dual mean(java.util.function.IntFunction<Dual> of, boolean divide) {
      Dual sum = Dual.of(0);
      int n = 0;
      for (int t = 0; t < inputs.length; t++) {
        if (active(t)) {
          sum = sum.plus(of.apply(t));
          n++;
        }
      }
      return divide ? sum.times(1.0 / Math.max(1, n)) : sum;
    }
  }

  private ObjectiveOracle() {}

  /** Loss and slopes of every token of a sequence; masked ones give zeros. */
  static Oracle.Token[] sequence(
      double[] logProbs, double[] entropies, Oracle.Inputs[] inputs, PolicyLossConfig config) {
    int n = logProbs.length;
    double[] slopes = new double[n];
    for (int seed = 0; seed < n; seed++) {
      for (Dual loss : losses(logProbs, entropies, inputs, config, seed)) {
        slopes[seed] += loss.d;
      }
    }
    Dual[] values = losses(logProbs, entropies, inputs, config, -1);
    Oracle.Token[] tokens = new Oracle.Token[n];
    Arrays.setAll(
        tokens,
        t ->
            new Oracle.Token(
                values[t].v, slopes[t], -inputs[t].regWeight() * config.entropyCoef()));
    return tokens;
  }

  /** Every token's share of the loss, differentiated by the log-prob of one of them. */
  private static Dual[] losses(
      double[] logProbs, double[] entropies, Oracle.Inputs[] in, PolicyLossConfig c, int seed) {
    int n = logProbs.length;
    Dual[] logProb = new Dual[n];
    Arrays.setAll(logProb, t -> new Dual(logProbs[t], t == seed ? 1 : 0));
    Dual[] d = new Dual[n];
    Arrays.setAll(
        d,
        t ->
            Double.isNaN(in[t].old())
                ? logProb[t].minus(logProb[t].sg())
                : logProb[t].minus(Dual.of(in[t].old())));
    Tokens tokens = new Tokens(logProb, d, in);
    Dual[] out = new Dual[n];
    for (int t = 0; t < n; t++) {
      if (!tokens.active(t)) {
        out[t] = Dual.of(0);
        continue;
      }
      Dual ratio = ratio(tokens, t, c);
      Dual loss = Dual.of(0);
      if (in[t].policyWeight() != 0) {
        loss = policy(tokens, t, ratio, c.objective()).times(in[t].policyWeight());
      }
      Dual regularizer = Dual.of(-c.entropyCoef() * entropies[t]);
      if (c.klCoef() != 0) {
        Dual kl = kl(Dual.of(in[t].ref()).minus(logProb[t]), c.klEstimator());
        regularizer =
            regularizer.plus((c.klBiasCorrected() ? kl.times(ratio) : kl).times(c.klCoef()));
      }
      out[t] = loss.plus(regularizer.times(in[t].regWeight()));
    }
    return out;
  }

  /** What the objective calls its ratio. */
  private static Dual ratio(Tokens s, int t, PolicyLossConfig c) {
    if (c.objective() instanceof PolicyObjective.Gmpo o) {
      return s.mean(
              i -> {
                double ai = s.inputs[i].advantage();
                return ai > 0
                    ? s.differences[i].min(o.clipHigh())
                    : ai < 0 ? s.differences[i].max(-o.clipLow()) : Dual.of(0);
              },
              true)
          .exp();
    }
    if (c.objective() instanceof PolicyObjective.Vespo) {
      return s.mean(i -> s.differences[i].max(-20).min(20), false)
          .max(Math.log(1e-8))
          .min(20)
          .exp()
          .sg();
    }
    Dual mean = s.mean(i -> s.differences[i], true);
    return switch (c.ratioLevel()) {
      case TOKEN -> s.differences[t].exp();
      case SEQUENCE -> mean.exp();
      case SEQUENCE_TOKEN -> mean.sg().plus(s.logProbs[t].minus(s.logProbs[t].sg())).exp();
    };
  }

  private static Dual policy(Tokens s, int t, Dual r, PolicyObjective objective) {
    double a = s.inputs[t].advantage();
    Dual logProb = s.logProbs[t];
    if (objective instanceof PolicyObjective.Clip o) {
      Dual clipped = r.max(1 - o.clipLow()).min(1 + o.clipHigh());
      Dual loss = r.min(o.delta()).times(-a).orGreater(clipped.times(-a));
      return a < 0 ? loss.min(-o.dualClip() * a) : loss;
    }
    if (objective instanceof PolicyObjective.Cispo o) {
      return logProb.times(-a * Math.min(r.v, o.bound()));
    }
    if (objective instanceof PolicyObjective.Sapo o) {
      double tau = a > 0 ? o.tauPositive() : o.tauNegative();
      return r.plus(Dual.of(-1)).times(tau).sigmoid().times(-a * 4 / tau);
    }
    if (objective instanceof PolicyObjective.Vespo o) {
      double k = a >= 0 ? o.kPositive() : o.kNegative();
      double lambda = a >= 0 ? o.lambdaPositive() : o.lambdaNegative();
      return logProb.times(-a * Math.exp(lambda + k * Math.log(r.v) - lambda * r.v));
    }
    return objective instanceof PolicyObjective.Gmpo ? r.times(-a) : logProb.times(-a);
  }

  private static Dual kl(Dual q, KlEstimator estimator) {
    return switch (estimator) {
      case K1 -> q.times(-1);
      case K2 -> q.times(q).times(0.5);
      case K3 -> q.exp().minus(q).plus(Dual.of(-1));
    };
  }
}
