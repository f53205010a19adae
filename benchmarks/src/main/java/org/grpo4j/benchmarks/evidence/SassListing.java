package org.grpo4j.benchmarks.evidence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kernels of a cubin as {@code nvdisasm -c} prints them. */
final class SassListing {
  private static final Pattern SECTION = Pattern.compile("\\s*\\.section\\s+\\.text\\.(\\w+),.*");
  private static final Pattern LABEL = Pattern.compile("(\\.L_x_\\w+):.*");

  private SassListing() {}

  /** One kernel's code. */
  record Kernel(String name, List<Instruction> instructions, Map<String, Integer> labels) {
    ControlFlow flow() {
      return new ControlFlow(instructions, labels);
    }

    /** Loads and stores of local memory: spills, or arrays that did not fit into registers. */
    long localAccesses() {
      return instructions.stream()
          .filter(i -> i.base().equals("LDL") || i.base().equals("STL"))
          .count();
    }
  }

  /** By mangled name, in the order of the listing. */
  static Map<String, Kernel> parse(List<String> lines) {
    Map<String, Kernel> kernels = new LinkedHashMap<>();
    Kernel current = null;
    for (String line : lines) {
      Matcher section = SECTION.matcher(line);
      if (section.matches()) {
        current = new Kernel(section.group(1), new ArrayList<>(), new HashMap<>());
        kernels.put(current.name(), current);
      } else if (line.strip().startsWith(".section\t")) {
        current = null;
      } else if (current != null) {
        Matcher label = LABEL.matcher(line);
        Instruction instruction = Instruction.parse(line);
        if (label.matches()) {
          current.labels().put(label.group(1), current.instructions().size());
        } else if (instruction != null) {
          current.instructions().add(instruction);
        }
      }
    }
    kernels.values().removeIf(k -> k.instructions().isEmpty());
    return kernels;
  }
}
