package org.grpo4j.trainer.reward;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;

/**
 * The rewards of a batch of completions.
 *
 * @param totals [B] the weighted sum over the functions
 * @param byFunction [B] unweighted totals per function, in the configuration's order
 * @param parts [B] the named parts of each completion, keys {@code <function>/<part>}
 */
// Arrays: columns of numbers that the recipe computes on; nobody compares two tables.
@SuppressWarnings("ArrayRecordComponent")
public record RewardTable(
    double[] totals, Map<String, double[]> byFunction, List<Map<String, Double>> parts) {

  /**
   * Scores every completion with every function.
   *
   * @param weights one factor per function
   * @throws InputException if a function throws or gives a total that is not finite
   */
  public static RewardTable score(
      List<RewardFunction> functions, double[] weights, List<RewardInput> inputs) {
    if (weights.length != functions.size()) {
      throw new InputException(
          "reward_weights has "
              + weights.length
              + " entries for "
              + functions.size()
              + " reward functions; give one each");
    }
    double[] totals = new double[inputs.size()];
    Map<String, double[]> byFunction = new LinkedHashMap<>();
    List<Map<String, Double>> parts = new ArrayList<>();
    inputs.forEach(input -> parts.add(new LinkedHashMap<>()));
    for (int f = 0; f < functions.size(); f++) {
      RewardFunction function = functions.get(f);
      double[] column = new double[inputs.size()];
      for (int i = 0; i < column.length; i++) {
        RewardScore score = scoreOne(function, inputs.get(i));
        column[i] = score.total();
        totals[i] += weights[f] * score.total();
        Map<String, Double> row = parts.get(i);
        score.parts().forEach((part, value) -> row.put(function.name() + "/" + part, value));
      }
      byFunction.put(function.name(), column);
    }
    return new RewardTable(totals, byFunction, parts);
  }

  private static RewardScore scoreOne(RewardFunction function, RewardInput input) {
    RewardScore score;
    try {
      score = function.score(input);
    } catch (InputException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new InputException(
          "reward function "
              + function.name()
              + " threw "
              + e
              + " on the completion: "
              + RewardFunctions.shorten(input.completion()),
          e);
    }
    if (!Double.isFinite(score.total())) {
      throw new InputException(
          "reward function "
              + function.name()
              + " gave "
              + score.total()
              + " on the completion: "
              + RewardFunctions.shorten(input.completion()));
    }
    return score;
  }
}
