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
  }

  /** What multiplies A, and the bound that decided it. */
  private record Factor(Dual value, Oracle.Clip clip) {
    static Factor of(Dual value) {
      return new Factor(value, Oracle.Clip.NONE);
    }
  }

  /** One token's share of the loss, and what the metrics are made of. */
  private record Terms(Dual policy, Dual regularizer, Dual ratio, Factor factor, double kl) {
    static final Terms MASKED =
        new Terms(Dual.of(0), Dual.of(0), Dual.of(1), Factor.of(Dual.of(1)), 0);

    Dual loss() {
      return policy.plus(regularizer);
    }

    Oracle.Metrics metrics() {
      return new Oracle.Metrics(policy.v, kl, ratio.v, factor.value.v, factor.clip);
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
      for (Terms terms : terms(logProbs, entropies, inputs, config, seed)) {
        slopes[seed] += terms.loss().d;
      }
    }
    Terms[] values = terms(logProbs, entropies, inputs, config, -1);
    Oracle.Token[] tokens = new Oracle.Token[n];
    Arrays.setAll(
        tokens,
        t ->
            new Oracle.Token(
                values[t].loss().v,
                slopes[t],
                -inputs[t].regWeight() * config.entropyCoef(),
                values[t].metrics()));
    return tokens;
  }

  /** Every token's share of the loss, differentiated by the log-prob of one of them. */
  private static Terms[] terms(
      double[] logProbs, double[] entropies, Oracle.Inputs[] in, PolicyLossConfig c, int seed) {
    int n = logProbs.length;
    Dual[] logProb = new Dual[n];
    Arrays.setAll(logProb, t -> new Dual(logProbs[t], t == seed ? 1 : 0));
    Dual[] d = new Dual[n];
    Arrays.setAll(
        d,
        t ->
            Double.isNaN(in[t].old())
                ? new Dual(0, logProb[t].d) // on policy: the log-prob itself, held fixed
                : logProb[t].minus(Dual.of(in[t].old())));
    Tokens tokens = new Tokens(logProb, d, in);
    Terms[] out = new Terms[n];
    Arrays.setAll(
        out, t -> tokens.active(t) ? activeTerms(tokens, t, entropies[t], c) : Terms.MASKED);
    return out;
  }

  private static Terms activeTerms(Tokens tokens, int t, double entropy, PolicyLossConfig c) {
    Oracle.Inputs in = tokens.inputs[t];
    Dual logProb = tokens.logProbs[t];
    Dual ratio = ratio(tokens, t, c);
    Factor factor = factor(ratio, in.advantage(), c.objective());
    Dual policy = Dual.of(0);
    if (in.policyWeight() != 0) {
      boolean byLogProb =
          c.objective() instanceof PolicyObjective.Cispo
              || c.objective() instanceof PolicyObjective.Gpg
              || c.objective() instanceof PolicyObjective.Vespo;
      Dual gain = byLogProb ? factor.value.times(logProb) : factor.value;
      policy = gain.times(-in.advantage()).times(in.policyWeight());
    }
    Dual kl = kl(Dual.of(in.ref()).minus(logProb), c.klEstimator());
    kl = c.klBiasCorrected() ? kl.times(ratio) : kl;
    Dual regularizer = Dual.of(-c.entropyCoef() * entropy);
    if (c.klCoef() != 0) {
      regularizer = regularizer.plus(kl.times(c.klCoef()));
    }
    return new Terms(policy, regularizer.times(in.regWeight()), ratio, factor, kl.v);
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

  private static Factor factor(Dual r, double a, PolicyObjective objective) {
    if (objective instanceof PolicyObjective.Clip o) {
      Dual bounded = r.min(o.delta());
      Dual clipped = r.max(1 - o.clipLow()).min(1 + o.clipHigh());
      Dual chosen = -a * clipped.v > -a * bounded.v ? clipped : bounded;
      boolean dual = a < 0 && -a * chosen.v > -a * o.dualClip();
      return new Factor(
          dual ? Dual.of(o.dualClip()) : chosen,
          new Oracle.Clip(
              a < 0 && bounded.v < 1 - o.clipLow(), a > 0 && bounded.v > 1 + o.clipHigh(), dual));
    }
    if (objective instanceof PolicyObjective.Cispo o) {
      return new Factor(
          r.min(o.bound()).sg(), new Oracle.Clip(false, a > 0 && r.v > o.bound(), false));
    }
    if (objective instanceof PolicyObjective.Sapo o) {
      double tau = a > 0 ? o.tauPositive() : o.tauNegative();
      return Factor.of(r.plus(Dual.of(-1)).times(tau).sigmoid().times(4 / tau));
    }
    if (objective instanceof PolicyObjective.Vespo o) {
      double k = a >= 0 ? o.kPositive() : o.kNegative();
      double lambda = a >= 0 ? o.lambdaPositive() : o.lambdaNegative();
      return Factor.of(Dual.of(Math.exp(lambda + k * Math.log(r.v) - lambda * r.v)));
    }
    return Factor.of(objective instanceof PolicyObjective.Gmpo ? r : Dual.of(1));
  }

  private static Dual kl(Dual q, KlEstimator estimator) {
    return switch (estimator) {
      case K1 -> q.times(-1);
      case K2 -> q.times(q).times(0.5);
      case K3 -> q.exp().minus(q).plus(Dual.of(-1));
    };
  }
}
