package org.grpo4j.torch;

/**
 * Rotary position embedding.
 *
 * @param theta the base of the frequencies
 * @param scaling how the frequencies are stretched for contexts longer than those trained on
 */
public record RopeConfig(double theta, Scaling scaling) {

  /** A rule that changes the inverse frequencies. */
  public sealed interface Scaling permits Unscaled, Linear, Llama3 {}

  /** {@code rope_type: default}. */
  public record Unscaled() implements Scaling {}

  /** {@code rope_type: linear}: every frequency divided by the factor. */
  public record Linear(double factor) implements Scaling {}

  /**
   * {@code rope_type: llama3}: wavelengths longer than {@code originalLength/lowFrequencyFactor}
   * are divided by the factor, those shorter than {@code originalLength/highFrequencyFactor} are
   * kept, and between them the two are interpolated.
   */
  public record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, long originalLength)
      implements Scaling {}

  /** Inverse frequencies of the {@code headDim/2} rotated pairs. */
  public double[] inverseFrequencies(int headDim) {
    double[] inverse = new double[headDim / 2];
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = scaled(1 / Math.pow(theta, 2.0 * i / headDim));
    }
    return inverse;
  }

  private double scaled(double inverse) {
    if (scaling instanceof Linear linear) {
      return inverse / linear.factor();
    }
    if (scaling instanceof Llama3 llama) {
      double wavelength = 2 * Math.PI / inverse;
      double turns = llama.originalLength() / wavelength;
      if (turns < llama.lowFrequencyFactor()) {
        return inverse / llama.factor();
      }
      if (turns > llama.highFrequencyFactor()) {
        return inverse;
      }
      double smooth =
          (turns - llama.lowFrequencyFactor())
              / (llama.highFrequencyFactor() - llama.lowFrequencyFactor());
      return (1 - smooth) * inverse / llama.factor() + smooth * inverse;
    }
    return inverse;
  }
}
