package org.grpo4j.trainer.advantage;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The completions of a batch by group, and the statistics of a group's rewards. */
public final class Groups {
  /** Standard deviations up to this count as no spread; the absolute tolerance of torch.isclose. */
  private static final double NO_SPREAD = 1e-8;

  private Groups() {}

  /** The members of each group, as indices into the batch, in order of first appearance. */
  public static Collection<int[]> members(long[] groupIds) {
    Map<Long, List<Integer>> groups = new LinkedHashMap<>();
    for (int i = 0; i < groupIds.length; i++) {
      groups.computeIfAbsent(groupIds[i], id -> new ArrayList<>()).add(i);
    }
    return groups.values().stream()
        .map(group -> group.stream().mapToInt(Integer::intValue).toArray())
        .toList();
  }

  /**
   * Marks the completions whose group's rewards are all equal: they have no advantage over each
   * other. A group of one has no spread.
   *
   * @return [B]
   */
  public static boolean[] zeroSpread(double[] rewards, long[] groupIds) {
    boolean[] zero = new boolean[rewards.length];
    for (int[] group : members(groupIds)) {
      if (group.length == 1 || standardDeviation(rewards, group) <= NO_SPREAD) {
        for (int i : group) {
          zero[i] = true;
        }
      }
    }
    return zero;
  }

  /** The share of completions in groups without spread: TRL's metric frac_reward_zero_std. */
  public static double zeroSpreadFraction(double[] rewards, long[] groupIds) {
    if (rewards.length == 0) {
      return 0;
    }
    int n = 0;
    for (boolean zero : zeroSpread(rewards, groupIds)) {
      n += zero ? 1 : 0;
    }
    return n / (double) rewards.length;
  }

  /** The mean of some values, measured from the first: exact where all are equal. */
  static double mean(double[] values, int[] members) {
    double first = values[members[0]];
    double sum = 0;
    for (int i : members) {
      sum += values[i] - first;
    }
    return first + sum / members.length;
  }

  /** The sample standard deviation (n − 1) of some values, 0 for one value. */
  static double standardDeviation(double[] values, int[] members) {
    if (members.length < 2) {
      return 0;
    }
    double mean = mean(values, members);
    double sum = 0;
    for (int i : members) {
      sum += (values[i] - mean) * (values[i] - mean);
    }
    return Math.sqrt(sum / (members.length - 1));
  }
}
