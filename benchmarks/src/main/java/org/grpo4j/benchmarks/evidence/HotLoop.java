package org.grpo4j.benchmarks.evidence;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.benchmarks.evidence.Instruction.Pipe;
import org.jspecify.annotations.Nullable;

/**
 * One turn of an innermost loop that moves 16 bytes at a time: the path with the most such
 * accesses, and of those the shortest. Rare branches (a maximum that rises) are off that path.
 *
 * @param path instructions of the turn, in order
 * @param offPath instructions of the loop that the path leaves out
 */
record HotLoop(List<Instruction> path, int offPath) {

  /** The hot loops of a kernel, in the order of its code. */
  static List<HotLoop> of(ControlFlow flow) {
    List<HotLoop> hot = new ArrayList<>();
    for (ControlFlow.Loop loop : flow.innermostLoops()) {
      List<Instruction> path = new PathSearch(flow, loop).best();
      // A loop over shared memory alone counts where it computes: the sums of a row that is kept
      // there. Reductions over a block's threads read shared memory, too, but once per row.
      boolean global = path.stream().anyMatch(i -> i.wide() && i.base().matches("LDG|STG|LDGSTS"));
      boolean shared = path.stream().anyMatch(i -> i.wide() && i.base().equals("LDS"));
      boolean computes = path.stream().anyMatch(i -> i.base().equals("MUFU"));
      if (global || (shared && computes)) {
        int all = loop.body().stream().map(b -> flow.blocks().get(b).instructions().size()).sum();
        hot.add(new HotLoop(path, all - path.size()));
      }
    }
    return hot;
  }

  /** Elements of the given size that one thread handles in a turn. */
  double elements(int elementBytes) {
    long written = count("STG", true);
    long read = Math.max(count("LDG", true), Math.max(count("LDS", true), count("LDGSTS", true)));
    return (written > 0 ? written : read) * 16.0 / elementBytes;
  }

  private long count(String base, boolean wide) {
    return path.stream().filter(i -> i.base().equals(base) && i.wide() == wide).count();
  }

  /** Accesses to global memory narrower than 16 bytes. */
  long narrowAccesses() {
    return count("LDG", false) + count("STG", false) + count("LDGSTS", false);
  }

  /** Whether it writes global memory. */
  boolean writes() {
    return count("STG", true) > 0;
  }

  /** Whether it reads global memory. */
  boolean readsGlobal() {
    return count("LDG", true) + count("LDGSTS", true) > 0;
  }

  /** Instructions by the unit that executes them. */
  Map<Pipe, Integer> pipes() {
    Map<Pipe, Integer> pipes = new EnumMap<>(Pipe.class);
    path.forEach(i -> pipes.merge(i.pipe(), 1, Integer::sum));
    return pipes;
  }

  /** Longest-by-accesses, shortest-by-length path through the loop without its back edges. */
  private static final class PathSearch {
    private final ControlFlow flow;
    private final ControlFlow.Loop loop;
    private final Map<Integer, @Nullable Path> known = new HashMap<>();

    private record Path(long accesses, int length, List<Integer> blocks) {
      boolean betterThan(@Nullable Path other) {
        return other == null
            || accesses > other.accesses
            || (accesses == other.accesses && length < other.length);
      }
    }

    PathSearch(ControlFlow flow, ControlFlow.Loop loop) {
      this.flow = flow;
      this.loop = loop;
    }

    List<Instruction> best() {
      Path path = from(loop.header());
      List<Instruction> instructions = new ArrayList<>();
      if (path != null) {
        path.blocks().forEach(b -> instructions.addAll(flow.blocks().get(b).instructions()));
      }
      return instructions;
    }

    /** The best path from a block to the jump back, or null where none leads there. */
    private @Nullable Path from(int block) {
      if (known.containsKey(block)) {
        return known.get(block);
      }
      known.put(block, null);
      List<Instruction> own = flow.blocks().get(block).instructions();
      long accesses = own.stream().filter(i -> i.wide() && i.pipe() == Pipe.MEMORY).count();
      Path best = null;
      for (int next : flow.blocks().get(block).successors()) {
        Path rest = null;
        if (next == loop.header()) {
          rest = new Path(0, 0, List.of());
        } else if (loop.body().get(next)) {
          rest = from(next);
        }
        if (rest != null) {
          List<Integer> blocks = new ArrayList<>(List.of(block));
          blocks.addAll(rest.blocks());
          Path path = new Path(accesses + rest.accesses(), own.size() + rest.length(), blocks);
          best = path.betterThan(best) ? path : best;
        }
      }
      known.put(block, best);
      return best;
    }
  }
}
