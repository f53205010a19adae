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
 * @param body all instructions of the loop
 */
record HotLoop(List<Instruction> path, List<Instruction> body) {

  /** What a loop is for. */
  private enum Role {
    SUMS,
    GRADIENT
  }

  /**
   * The loops that a row's elements pass through: the sums and the gradient. Where the edges of a
   * row have a loop of their own it is the one with narrow accesses, and counts only where there is
   * no other; of several (a remainder after an unrolled loop) the one with the most elements
   * counts.
   */
  static List<HotLoop> of(ControlFlow flow) {
    Map<Role, HotLoop> chosen = new EnumMap<>(Role.class);
    for (ControlFlow.Loop loop : flow.innermostLoops()) {
      List<Instruction> body = new ArrayList<>();
      loop.body().stream().forEach(b -> body.addAll(flow.blocks().get(b).instructions()));
      HotLoop hot = new HotLoop(new PathSearch(flow, loop).best(), body);
      Role role = hot.role();
      if (role != null) {
        chosen.merge(role, hot, HotLoop::busier);
      }
    }
    return List.copyOf(chosen.values());
  }

  private static HotLoop busier(HotLoop a, HotLoop b) {
    if ((a.narrowAccesses() == 0) != (b.narrowAccesses() == 0)) {
      return a.narrowAccesses() == 0 ? a : b;
    }
    return b.accesses() > a.accesses() ? b : a;
  }

  private @Nullable Role role() {
    boolean reads = count("LDG") + count("LDGSTS") > 0;
    boolean readsShared = count("LDS") > 0;
    if (count("STG") > 0) {
      return reads || readsShared ? Role.GRADIENT : null; // a fill reads nothing
    }
    // Reductions over a block's threads read shared memory, too, but once per row.
    boolean computes = path.stream().anyMatch(i -> i.base().equals("MUFU"));
    return computes && (reads || readsShared) ? Role.SUMS : null;
  }

  /**
   * Elements of the given size that one thread handles in a turn.
   *
   * @param tileVectors vectors of 16 bytes that the sums take in a turn; the code also has the load
   *     of a vector after them, for rows that begin inside a vector
   */
  double elements(int elementBytes, int tileVectors) {
    long written = count("STG");
    return (written > 0 ? written : tileVectors) * 16.0 / elementBytes;
  }

  private long count(String base) {
    return path.stream().filter(i -> i.base().equals(base) && i.wide()).count();
  }

  private long accesses() {
    return path.stream().filter(i -> i.wide() && i.pipe() == Pipe.MEMORY).count();
  }

  /** Accesses to global memory narrower than 16 bytes, rare branches included. */
  long narrowAccesses() {
    return body.stream().filter(i -> !i.wide() && i.base().matches("LDG|STG|LDGSTS")).count();
  }

  /** Instructions that the turn leaves out. */
  int offPath() {
    return body.size() - path.size();
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
