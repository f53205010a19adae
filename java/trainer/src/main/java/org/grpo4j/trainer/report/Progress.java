package org.grpo4j.trainer.report;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * The progress line: step, reward, entropy, tokens per second, time left. On a terminal one line is
 * rewritten; elsewhere each update is a line of its own, at most one in ten seconds besides the
 * first and the last, so that a log stays readable.
 */
public final class Progress {
  /** System property set by the launcher when standard output is a terminal. */
  public static final String TERMINAL_PROPERTY = "grpo4j.terminal";

  private static final long PLAIN_INTERVAL_NANOS = 10_000_000_000L;

  private final PrintStream out;
  private final boolean terminal;
  private final String unit;
  private final int firstStep;
  private int totalSteps;
  private final LongSupplier nanos;
  private final long start;
  private long lastPlain;
  private boolean open;

  Progress(PrintStream out, boolean terminal, int firstStep, int totalSteps, LongSupplier nanos) {
    this(out, terminal, "step", firstStep, totalSteps, nanos);
  }

  private Progress(
      PrintStream out,
      boolean terminal,
      String unit,
      int firstStep,
      int totalSteps,
      LongSupplier nanos) {
    this.out = out;
    this.terminal = terminal;
    this.unit = unit;
    this.firstStep = firstStep;
    this.totalSteps = totalSteps;
    this.nanos = nanos;
    this.start = nanos.getAsLong();
    this.lastPlain = start - PLAIN_INTERVAL_NANOS;
  }

  /**
   * Progress on {@code out} of a run that stands at step {@code firstStep} (0, or the checkpoint's)
   * of {@code totalSteps}.
   */
  public static Progress on(PrintStream out, int firstStep, int totalSteps) {
    return new Progress(
        out, Boolean.getBoolean(TERMINAL_PROPERTY), firstStep, totalSteps, System::nanoTime);
  }

  /** Takes another number of steps for the whole, where tokens end the run. */
  public void expect(int steps) {
    totalSteps = steps;
  }

  /** Progress of work that counts something else than steps, such as "answer". */
  public static Progress counting(String unit, PrintStream out, int done, int total) {
    return new Progress(
        out, Boolean.getBoolean(TERMINAL_PROPERTY), unit, done, total, System::nanoTime);
  }

  /**
   * Shows that {@code step} steps are done.
   *
   * @param label name of the value, "reward" or "loss"
   * @param value mean reward of the rollout, or the loss
   * @param entropy mean entropy of the trained tokens, nats; NaN: left out
   * @param tokensPerSecond NaN: left out
   */
  public void step(int step, String label, double value, double entropy, double tokensPerSecond) {
    long now = nanos.getAsLong();
    if (!terminal && step < totalSteps && now - lastPlain < PLAIN_INTERVAL_NANOS) {
      return;
    }
    StringBuilder line = new StringBuilder();
    line.append(String.format(Locale.ROOT, "%s %d/%d", unit, step, totalSteps));
    line.append(String.format(Locale.ROOT, "  %s %.3f", label, value));
    if (!Double.isNaN(entropy)) {
      line.append(String.format(Locale.ROOT, "  entropy %.3f", entropy));
    }
    if (!Double.isNaN(tokensPerSecond)) {
      line.append(String.format(Locale.ROOT, "  %,.0f tokens/s", tokensPerSecond));
    }
    int done = step - firstStep;
    if (done > 0 && step < totalSteps) {
      long left = (long) ((double) (now - start) / done * (totalSteps - step));
      line.append("  ETA ").append(duration(left));
    } else if (step >= totalSteps) {
      line.append("  in ").append(duration(now - start));
    }
    lastPlain = now;
    show(line.toString(), step >= totalSteps);
  }

  private void show(String line, boolean last) {
    if (!terminal) {
      out.println(line);
      out.flush();
      return;
    }
    // Erase to the end of the line: the earlier one may have been longer.
    out.print("\r" + line + "\u001b[K");
    open = !last;
    if (last) {
      out.println();
    }
    out.flush();
  }

  /** Prints a line of its own; a progress line being shown is ended first. */
  public void message(String text) {
    end();
    out.println(text);
    out.flush();
  }

  /** Ends a progress line being shown, before something else is printed. */
  public void end() {
    if (open) {
      out.println();
      open = false;
    }
  }

  /** A duration as 45s, 3m05s or 2h07m. */
  static String duration(long nanoseconds) {
    long seconds = Math.round(nanoseconds / 1e9);
    if (seconds < 60) {
      return seconds + "s";
    }
    return seconds < 3600
        ? String.format(Locale.ROOT, "%dm%02ds", seconds / 60, seconds % 60)
        : String.format(Locale.ROOT, "%dh%02dm", seconds / 3600, seconds / 60 % 60);
  }
}
