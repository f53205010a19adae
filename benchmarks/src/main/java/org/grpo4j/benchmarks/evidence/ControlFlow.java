package org.grpo4j.benchmarks.evidence;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Basic blocks of a kernel, their dominators, and the natural loops that follow from them. */
final class ControlFlow {
  private final List<Block> blocks = new ArrayList<>();
  private final List<BitSet> dominators = new ArrayList<>();

  /** Instructions that run one after the other, and the blocks that may follow. */
  record Block(int index, List<Instruction> instructions, List<Integer> successors) {}

  /**
   * A natural loop.
   *
   * @param header the block that dominates it
   * @param body its blocks, the header among them
   */
  record Loop(int header, BitSet body) {}

  /**
   * @param instructions of one function, in order
   * @param labels position of the instruction that a label stands before
   */
  ControlFlow(List<Instruction> instructions, Map<String, Integer> labels) {
    int n = instructions.size();
    BitSet starts = new BitSet();
    starts.set(0);
    labels.values().forEach(starts::set);
    for (int i = 0; i + 1 < n; i++) {
      if (instructions.get(i).branches() || instructions.get(i).ends()) {
        starts.set(i + 1);
      }
    }
    Map<Integer, Integer> blockAt = new HashMap<>();
    for (int start = 0; start >= 0 && start < n; start = starts.nextSetBit(start + 1)) {
      blockAt.put(start, blockAt.size());
    }
    for (int start = 0; start >= 0 && start < n; ) {
      int next = starts.nextSetBit(start + 1);
      int end = next < 0 || next > n ? n : next;
      List<Instruction> body = instructions.subList(start, end);
      blocks.add(new Block(blocks.size(), body, successors(body, end, labels, blockAt)));
      start = next;
    }
    findDominators();
  }

  private static List<Integer> successors(
      List<Instruction> body, int end, Map<String, Integer> labels, Map<Integer, Integer> blockAt) {
    List<Integer> successors = new ArrayList<>();
    Instruction last = body.get(body.size() - 1);
    if (last.branches() && last.target() != null && labels.containsKey(last.target())) {
      Integer block = blockAt.get(labels.get(last.target()));
      if (block != null) {
        successors.add(block);
      }
    }
    if (!last.ends() && blockAt.containsKey(end)) {
      successors.add(blockAt.get(end));
    }
    return successors;
  }

  List<Block> blocks() {
    return blocks;
  }

  private void findDominators() {
    int n = blocks.size();
    List<List<Integer>> predecessors = predecessors();
    for (int b = 0; b < n; b++) {
      BitSet all = new BitSet();
      all.set(0, b == 0 ? 1 : n);
      dominators.add(all);
    }
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int b = 1; b < n; b++) {
        BitSet next = new BitSet();
        next.set(0, n);
        predecessors.get(b).forEach(p -> next.and(dominators.get(p)));
        next.set(b);
        if (!next.equals(dominators.get(b))) {
          dominators.set(b, next);
          changed = true;
        }
      }
    }
  }

  private List<List<Integer>> predecessors() {
    List<List<Integer>> predecessors = new ArrayList<>();
    blocks.forEach(b -> predecessors.add(new ArrayList<>()));
    blocks.forEach(b -> b.successors().forEach(s -> predecessors.get(s).add(b.index())));
    return predecessors;
  }

  /** The loops that hold no other loop; code out of line that jumps back is no loop. */
  List<Loop> innermostLoops() {
    List<List<Integer>> predecessors = predecessors();
    Map<Integer, BitSet> bodies = new HashMap<>();
    BitSet reachable = reachable();
    for (Block block : blocks) {
      for (int header : block.successors()) {
        if (reachable.get(block.index()) && dominators.get(block.index()).get(header)) {
          BitSet body = bodies.computeIfAbsent(header, h -> new BitSet());
          collect(header, block.index(), predecessors, body);
        }
      }
    }
    List<Loop> innermost = new ArrayList<>();
    bodies.forEach(
        (header, body) -> {
          boolean holdsAnother =
              bodies.keySet().stream().anyMatch(other -> !other.equals(header) && body.get(other));
          if (!holdsAnother) {
            innermost.add(new Loop(header, body));
          }
        });
    innermost.sort((a, b) -> Integer.compare(a.header(), b.header()));
    return innermost;
  }

  private BitSet reachable() {
    BitSet reached = new BitSet();
    List<Integer> open = new ArrayList<>(List.of(0));
    while (!open.isEmpty()) {
      int block = open.remove(open.size() - 1);
      if (!reached.get(block)) {
        reached.set(block);
        open.addAll(blocks.get(block).successors());
      }
    }
    return reached;
  }

  private static void collect(
      int header, int latch, List<List<Integer>> predecessors, BitSet body) {
    body.set(header);
    List<Integer> open = new ArrayList<>(List.of(latch));
    while (!open.isEmpty()) {
      int block = open.remove(open.size() - 1);
      if (!body.get(block)) {
        body.set(block);
        open.addAll(predecessors.get(block));
      }
    }
  }
}
