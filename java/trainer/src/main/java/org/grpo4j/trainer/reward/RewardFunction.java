package org.grpo4j.trainer.reward;

/**
 * Scores one completion. Implement it in a public class with a public no-argument constructor, put
 * the class on the class path and name it in the configuration:
 *
 * <pre>reward_funcs: [toolrl, com.acme.MyReward]</pre>
 *
 * <p>One instance serves the whole run. {@link #score} is called from one thread at a time, once
 * per completion, and must give a finite total.
 */
public interface RewardFunction {
  /** The name in metrics and logs, as in {@code rewards/<name>/mean}. */
  String name();

  RewardScore score(RewardInput input);
}
