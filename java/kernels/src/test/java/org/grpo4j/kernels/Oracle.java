package org.grpo4j.kernels;

/**
 * The formulas in double, written for reading and not for speed: what the kernels are compared
 * with.
 */
final class Oracle {
  /** Statistics of one row of logits z at temperature T. */
  @SuppressWarnings("ArrayRecordComponent") // compared element by element, never as a record
  record Row(double logProb, double entropy, double lse, double sumSquares, double[] logP) {}

  /** One token's loss and its slopes by logProb and entropy, weights included. */
  record Token(double loss, double g, double h, Metrics metrics) {}

  /** Which bound decided a token's policy term. */
  record Clip(boolean low, boolean high, boolean dual) {
    static final Clip NONE = new Clip(false, false, false);
  }

  /** What one token adds to the metrics; ratio, factor and clip are its unit's. */
  record Metrics(double policyLoss, double kl, double ratio, double factor, Clip clip) {}

  /** What the objective takes for one token; NaN for a log-prob that is not given. */
  record Inputs(double old, double ref, double advantage, double policyWeight, double regWeight) {}

  private Oracle() {}

  /** c·tanh(u/c); the same for c = 0. */
  static double[] capped(double[] u, double cap) {
    double[] z = u.clone();
    for (int v = 0; v < z.length && cap > 0; v++) {
      z[v] = cap * Math.tanh(u[v] / cap);
    }
    return z;
  }

  static Row row(double[] z, int target, double temperature) {
    double max = Double.NEGATIVE_INFINITY;
    for (double v : z) {
      max = Math.max(max, v / temperature);
    }
    double sum = 0;
    for (double v : z) {
      sum += Math.exp(v / temperature - max);
    }
    double lse = max + Math.log(sum);
    double[] logP = new double[z.length];
    double entropy = 0;
    double sumSquares = 0;
    for (int v = 0; v < z.length; v++) {
      logP[v] = z[v] / temperature - max - Math.log(sum);
      double p = Math.exp(logP[v]);
      entropy -= p == 0 ? 0 : p * logP[v];
      sumSquares += p * p;
    }
    return new Row(logP[target], entropy, lse, sumSquares, logP);
  }

  /** One token whose ratio is its own. */
  static Token token(double logProb, double entropy, Inputs in, PolicyLossConfig c) {
    return ObjectiveOracle.sequence(
        new double[] {logProb}, new double[] {entropy}, new Inputs[] {in}, c)[0];
  }

  /** dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)]. */
  static double[] gradient(Row row, int target, Token token, double temperature) {
    double[] dz = new double[row.logP.length];
    for (int v = 0; v < dz.length; v++) {
      double p = Math.exp(row.logP[v]);
      double entropyPart = p == 0 ? 0 : token.h * p * (row.logP[v] + row.entropy);
      dz[v] = (token.g * ((v == target ? 1 : 0) - p) - entropyPart) / temperature;
    }
    return dz;
  }
}
