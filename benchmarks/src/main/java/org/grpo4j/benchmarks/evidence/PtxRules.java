package org.grpo4j.benchmarks.evidence;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the PTX of the kernels must not hold: calls (printf and assert are calls), traps, arrays in
 * local memory, and atomics on floating-point numbers, whose sums would depend on the order.
 */
final class PtxRules {
  private static final Pattern OPCODE =
      Pattern.compile("\\s*(?:@!?%\\w+\\s+)?([a-z][\\w.:]*)[\\s;].*");
  private static final Pattern FLOATING_ATOMIC =
      Pattern.compile("(?:atom|red)\\..*\\b(?:b?f16(?:x2)?|f32|f64)\\b.*");

  private PtxRules() {}

  /** Each instruction or declaration that breaks a rule, as "line 12: call.uni". */
  static List<String> violations(List<String> lines) {
    List<String> found = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      Matcher opcode = OPCODE.matcher(line);
      String name = opcode.matches() ? opcode.group(1) : "";
      if (forbidden(name) || line.strip().startsWith(".local ")) {
        found.add("line " + (i + 1) + ": " + (name.isEmpty() ? line.strip() : name));
      }
    }
    return found;
  }

  private static boolean forbidden(String opcode) {
    return opcode.equals("call")
        || opcode.startsWith("call.")
        || opcode.equals("trap")
        || opcode.equals("brkpt")
        || opcode.contains(".local")
        || FLOATING_ATOMIC.matcher(opcode).matches();
  }
}
