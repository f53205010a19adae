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
  record Token(double loss, double policyLoss, double kl, double ratio, double g, double h) {}

  /** What the objective takes for one token; NaN for a log-prob that is not given. */
  record Inputs(double old, double ref, double advantage, double policyWeight, double regWeight) {}

  private Oracle() {}

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

  static Token token(double logProb, double entropy, Inputs in, PolicyLossConfig c) {
    double a = in.advantage;
    boolean onPolicy = Double.isNaN(in.old);
    double r = onPolicy ? 1 : Math.exp(logProb - in.old);
    double clipped = Math.min(Math.max(r, 1 - c.clipLow()), 1 + c.clipHigh());
    double unclippedLoss = -Math.min(r, c.delta()) * a;
    double loss = Math.max(unclippedLoss, -clipped * a);
    double slope;
    if (-clipped * a > unclippedLoss) {
      slope = clipped == r ? -r * a : 0;
    } else {
      slope = r > c.delta() ? 0 : -r * a;
    }
    if (a < 0 && loss > -c.dualClip() * a) {
      loss = -c.dualClip() * a;
      slope = 0;
    }
    double kl = 0;
    double klSlope = 0;
    if (!Double.isNaN(in.ref)) {
      double q = in.ref - logProb;
      kl =
          switch (c.klEstimator()) {
            case K1 -> -q;
            case K2 -> q * q / 2;
            case K3 -> Math.exp(q) - q - 1;
          };
      klSlope =
          switch (c.klEstimator()) {
            case K1 -> 1;
            case K2 -> -q;
            case K3 -> 1 - Math.exp(q);
          };
      if (c.klBiasCorrected()) {
        klSlope = r * (kl + klSlope);
        kl = r * kl;
      }
    }
    double policyLoss = in.policyWeight * loss;
    double total = policyLoss + in.regWeight * (c.klCoef() * kl - c.entropyCoef() * entropy);
    double g = in.policyWeight * slope + in.regWeight * c.klCoef() * klSlope;
    return new Token(total, policyLoss, kl, r, g, -in.regWeight * c.entropyCoef());
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
