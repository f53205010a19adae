package org.grpo4j.trainer.rollout;

/**
 * How tokens are chosen.
 *
 * @param temperature logits are divided by it; 0 means greedy
 * @param topP keep the smallest set of most likely tokens whose mass reaches it, and tokens tied
 *     with its last; 1 keeps all
 * @param topK keep the k most likely tokens, and those tied with the last; 0 keeps all
 * @param maxNewTokens length limit of a completion
 */
public record SamplingConfig(double temperature, double topP, int topK, int maxNewTokens) {
  public SamplingConfig {
    if (!(temperature >= 0)) {
      throw new IllegalArgumentException("temperature is " + temperature + ", wanted >= 0");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("topP is " + topP + ", wanted in (0, 1]");
    }
    if (topK < 0) {
      throw new IllegalArgumentException("topK is " + topK + ", wanted >= 0");
    }
    if (maxNewTokens < 1) {
      throw new IllegalArgumentException("maxNewTokens is " + maxNewTokens + ", wanted >= 1");
    }
  }

  /** The most likely token each time. */
  public static SamplingConfig greedy(int maxNewTokens) {
    return new SamplingConfig(0, 1, 0, maxNewTokens);
  }

  public boolean isGreedy() {
    return temperature == 0;
  }

  /** Temperature of the log-probabilities that go with the tokens: 1 under greedy decoding. */
  public float logProbTemperature() {
    return isGreedy() ? 1f : (float) temperature;
  }
}
