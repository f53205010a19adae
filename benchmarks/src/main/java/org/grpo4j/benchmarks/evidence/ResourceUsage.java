package org.grpo4j.benchmarks.evidence;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What ptxas says of a kernel ({@code -Xptxas -v}).
 *
 * @param registers per thread
 * @param stackBytes per thread
 * @param spillBytes stored to and loaded from local memory for want of registers
 * @param staticSharedBytes of a block: shared memory that its launch did not ask for
 */
record ResourceUsage(int registers, int stackBytes, int spillBytes, int staticSharedBytes) {
  private static final Pattern ENTRY =
      Pattern.compile("ptxas info\\s*: Compiling entry function '(\\w+)' for '\\w+'");
  private static final Pattern STACK =
      Pattern.compile(
          "\\s*(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");
  private static final Pattern USED =
      Pattern.compile("ptxas info\\s*: Used (\\d+) registers(?:.*?, (\\d+) bytes smem)?.*");

  /** By mangled name. */
  static Map<String, ResourceUsage> parse(List<String> lines) {
    Map<String, ResourceUsage> kernels = new HashMap<>();
    String name = "";
    int stack = 0;
    int spills = 0;
    for (String line : lines) {
      Matcher entry = ENTRY.matcher(line);
      Matcher frame = STACK.matcher(line);
      Matcher used = USED.matcher(line);
      if (entry.matches()) {
        name = entry.group(1);
      } else if (frame.matches()) {
        stack = Integer.parseInt(frame.group(1));
        spills = Integer.parseInt(frame.group(2)) + Integer.parseInt(frame.group(3));
      } else if (used.matches() && !name.isEmpty()) {
        int shared = used.group(2) == null ? 0 : Integer.parseInt(used.group(2));
        kernels.put(
            name, new ResourceUsage(Integer.parseInt(used.group(1)), stack, spills, shared));
        name = "";
      }
    }
    return kernels;
  }
}
