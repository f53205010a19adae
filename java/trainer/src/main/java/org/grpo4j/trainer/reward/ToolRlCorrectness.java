package org.grpo4j.trainer.reward;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonValues;
import org.grpo4j.trainer.reward.ToolRlOptions.Switch;
import org.jspecify.annotations.Nullable;

/**
 * How close predicted calls come to the answer's.
 *
 * <p>score = J(names) + Σ over the answer's calls of the best unused predicted call of that name:
 * J(parameter names) + number of equal values, where J is the multiset Jaccard index; full score =
 * 1 + Σ (1 + number of parameters). Each call takes its best match greedily, in the answer's order.
 */
final class ToolRlCorrectness {
  private final ToolRlOptions options;

  ToolRlCorrectness(ToolRlOptions options) {
    this.options = options;
  }

  /**
   * The reward of a list of calls.
   *
   * @throws PythonError for calls that are not of the form {@code {"name": …, "parameters": {…}}}
   *     as far as the comparison looks at them
   */
  double reward(
      List<@Nullable Object> expected, List<@Nullable Object> predicted, RewardRange range)
      throws PythonError {
    if (PythonValues.equalLists(expected, predicted)) {
      return range.max();
    }
    if (options.on(Switch.COARSEREWARD)) {
      return range.min();
    }
    double score = similarity(names(expected), names(predicted));
    double fullScore = 1;
    boolean[] used = new boolean[predicted.size()];
    for (Object call : expected) {
      Object parameters = PythonValues.item(call, "parameters");
      fullScore += options.on(Switch.INTERMEDIATEREWARD) ? 1 : 1 + PythonValues.length(parameters);
      score += takeBestMatch(call, parameters, predicted, used);
    }
    return range.at(score, fullScore);
  }

  private static List<@Nullable Object> names(List<@Nullable Object> calls) throws PythonError {
    List<@Nullable Object> names = new ArrayList<>();
    for (Object call : calls) {
      names.add(PythonValues.item(call, "name"));
    }
    return names;
  }

  /** The score of the best unused predicted call, which is marked as used if it scores at all. */
  private double takeBestMatch(
      @Nullable Object call,
      @Nullable Object parameters,
      List<@Nullable Object> predicted,
      boolean[] used)
      throws PythonError {
    Object name = PythonValues.item(call, "name");
    int best = -1;
    double bestScore = 0;
    for (int i = 0; i < used.length; i++) {
      Object candidate = predicted.get(i);
      if (used[i] || !PythonValues.equal(PythonValues.item(candidate, "name"), name)) {
        continue;
      }
      if (options.on(Switch.INTERMEDIATEREWARD)) {
        if (PythonValues.equal(call, candidate)) {
          used[i] = true;
          return 1;
        }
        continue;
      }
      double score = matchScore(parameters, PythonValues.item(candidate, "parameters"));
      if (score > bestScore) {
        bestScore = score;
        best = i;
      }
    }
    if (best >= 0) {
      used[best] = true;
    }
    return bestScore;
  }

  private double matchScore(@Nullable Object expected, @Nullable Object predicted)
      throws PythonError {
    Map<?, ?> wanted = PythonValues.dict(expected);
    Map<?, ?> given = PythonValues.dict(predicted);
    double score = similarity(new ArrayList<>(wanted.keySet()), new ArrayList<>(given.keySet()));
    int equalValues = 0;
    for (Map.Entry<?, ?> entry : wanted.entrySet()) {
      Object key = entry.getKey();
      if (given.containsKey(key) && PythonValues.equal(given.get(key), entry.getValue())) {
        equalValues++;
      }
    }
    return score + equalValues;
  }

  /** 1 for equal lists, else their multiset Jaccard index, or 0 under REFINEDREWARD. */
  private double similarity(List<?> a, List<?> b) throws PythonError {
    if (PythonValues.equalLists(a, b)) {
      return 1;
    }
    if (options.on(Switch.REFINEDREWARD) || a.isEmpty() || b.isEmpty()) {
      return 0;
    }
    Map<Object, Integer> unmatched = new HashMap<>();
    for (Object value : a) {
      unmatched.merge(PythonValues.hashKey(value), 1, Integer::sum);
    }
    int common = 0;
    for (Object value : b) {
      Object key = PythonValues.hashKey(value);
      int left = unmatched.getOrDefault(key, 0);
      if (left > 0) {
        unmatched.put(key, left - 1);
        common++;
      }
    }
    return common / (double) (a.size() + b.size() - common);
  }
}
