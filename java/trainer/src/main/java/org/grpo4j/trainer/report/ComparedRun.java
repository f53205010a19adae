package org.grpo4j.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a comparison reads of one finished run. Rates are fractions of 1.
 *
 * @param method its name
 * @param seed of the run
 * @param exact held-out calls that are exactly right after training, greedy
 * @param exactBefore the same before
 * @param sampled the same as exact, sampled
 * @param format held-out completions of the right format
 * @param tokens sampled
 * @param steps optimizer steps
 * @param seconds of training, evaluation left out
 * @param variance sum over the steps of the estimated variance of the gradient
 * @param signal sum over the steps of the estimated squared norm of its expectation
 * @param offPolicy largest |ratio − 1| of a trained token in any step; about 1e-5 where every
 *     update saw the policy that had sampled
 * @param curve exact calls of the rollouts over sampled tokens
 * @param variances the estimated variance of single steps over sampled tokens
 */
record ComparedRun(
    String method,
    long seed,
    double exact,
    double exactBefore,
    double sampled,
    double format,
    double tokens,
    double steps,
    double seconds,
    double variance,
    double signal,
    double offPolicy,
    List<LineChart.Point> curve,
    List<LineChart.Point> variances) {

  /** Reads summary.json and metrics.jsonl of a run folder. */
  static ComparedRun read(String method, long seed, RunDirectory run) {
    Map<String, @Nullable Object> summary = summary(run);
    double variance = 0;
    double signal = 0;
    double tokens = 0;
    double offPolicy = Double.NaN;
    List<LineChart.Point> curve = new ArrayList<>();
    List<LineChart.Point> variances = new ArrayList<>();
    for (Map<String, @Nullable Object> row : MetricsLog.read(run.metrics())) {
      if (row.get("gradient/variance") instanceof Number v
          && row.get("gradient/signal") instanceof Number s) {
        variance += v.doubleValue();
        signal += s.doubleValue();
      }
      if (row.get("ratio/min") instanceof Number low
          && row.get("ratio/max") instanceof Number high) {
        double most = Math.max(1 - low.doubleValue(), high.doubleValue() - 1);
        offPolicy = Double.isNaN(offPolicy) ? most : Math.max(offPolicy, most);
      }
      if (row.get("num_tokens") instanceof Number n) {
        tokens = Math.max(tokens, n.doubleValue());
        if (row.get("exact") instanceof Number exact) {
          curve.add(new LineChart.Point(n.doubleValue(), exact.doubleValue()));
        }
        if (row.get("gradient/variance") instanceof Number v) {
          variances.add(new LineChart.Point(n.doubleValue(), v.doubleValue()));
        }
      }
    }
    return new ComparedRun(
        method,
        seed,
        number(summary, "exact_after"),
        number(summary, "exact_before"),
        number(summary, "sampled_after"),
        number(summary, "format_after"),
        tokens,
        number(summary, "steps"),
        number(summary, "seconds"),
        variance,
        signal,
        offPolicy,
        curve,
        variances);
  }

  private static Map<String, @Nullable Object> summary(RunDirectory run) {
    try {
      return RunDirectory.JSON.readValue(RunFiles.read(run.summary()), new TypeReference<>() {});
    } catch (JsonProcessingException e) {
      throw new RunIoException(run.summary(), new IOException("not JSON", e));
    }
  }

  private static double number(Map<String, @Nullable Object> summary, String name) {
    return summary.get(name) instanceof Number n ? n.doubleValue() : Double.NaN;
  }
}
