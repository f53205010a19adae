package org.grpo4j.kernels;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Where random inputs begin. -Dgrpo4j.testSeed=n gives every test other ones; a test that fails
 * names the seed it ran with.
 */
public final class TestSeed implements TestWatcher {
  private static final String PROPERTY = "grpo4j.testSeed";
  private static final long SHIFT = Long.getLong(PROPERTY, 0);

  /** The test's own seed, moved by the property. */
  static long of(long seed) {
    return seed + SHIFT * 1_000_003;
  }

  @Override
  public void testFailed(ExtensionContext context, Throwable cause) {
    System.err.printf("%s failed with -D%s=%d%n", context.getDisplayName(), PROPERTY, SHIFT);
  }
}
