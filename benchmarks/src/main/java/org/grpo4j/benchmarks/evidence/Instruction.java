package org.grpo4j.benchmarks.evidence;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One SASS instruction.
 *
 * @param opcode with its modifiers, for example LDG.E.128.CONSTANT
 * @param predicated under a predicate: it may fall through
 * @param target label that a branch goes to, or null
 */
record Instruction(String opcode, boolean predicated, @Nullable String target) {
  private static final Pattern LINE =
      Pattern.compile("\\s*/\\*[0-9a-f]+\\*/\\s+(@!?U?P\\S+\\s+)?([A-Z][A-Z0-9_.]*)(.*);.*");
  private static final Pattern TARGET = Pattern.compile("`\\((\\S+?)\\)");

  /** The instruction of a line that nvdisasm prints, or null where it holds none. */
  static @Nullable Instruction parse(String line) {
    Matcher m = LINE.matcher(line);
    if (!m.matches()) {
      return null;
    }
    Matcher target = TARGET.matcher(m.group(3));
    // Branches on a uniform predicate name it as an operand: BRA.U UP0, `(.L_x_1).
    boolean predicated = m.group(1) != null || m.group(3).matches(".*\\b!?U?P[0-9T]\\b.*");
    return new Instruction(m.group(2), predicated, target.find() ? target.group(1) : null);
  }

  /** The opcode before its first modifier. */
  String base() {
    int dot = opcode.indexOf('.');
    return dot < 0 ? opcode : opcode.substring(0, dot);
  }

  boolean branches() {
    return base().equals("BRA");
  }

  /** Whether the next instruction can't follow. */
  boolean ends() {
    return switch (base()) {
      // BRA.DIV is taken by warps whose lanes have parted.
      case "BRA", "EXIT", "RET" -> !predicated && !opcode.startsWith("BRA.DIV");
      case "BRX", "JMX" -> true;
      default -> false;
    };
  }

  boolean wide() {
    return opcode.contains(".128") || opcode.contains(".256");
  }

  /** What executes it. */
  Pipe pipe() {
    return switch (base()) {
      case "MUFU", "F2F", "I2F", "F2I", "POPC", "FLO" -> Pipe.SPECIAL;
      case "FFMA", "FMUL", "FADD", "IMAD", "HFMA2", "HADD2", "HMUL2", "FFMA2", "FADD2", "FMUL2" ->
          Pipe.FMA;
      case "DFMA", "DADD", "DMUL", "DSETP" -> Pipe.DOUBLE;
      case "LDG",
          "STG",
          "LDGSTS",
          "LDS",
          "STS",
          "LDL",
          "STL",
          "LD",
          "ST",
          "LDSM",
          "SHFL",
          "ATOMG",
          "ATOMS",
          "RED",
          "ATOM" ->
          Pipe.MEMORY;
      case "BRA",
          "BSSY",
          "BSYNC",
          "EXIT",
          "NOP",
          "BAR",
          "WARPSYNC",
          "DEPBAR",
          "LDGDEPBAR",
          "RET",
          "CALL" ->
          Pipe.CONTROL;
      default -> opcode.startsWith("U") ? Pipe.UNIFORM : Pipe.ALU;
    };
  }

  /** Execution units of a multiprocessor. */
  enum Pipe {
    /** Exponentials, reciprocals, conversions: 16 lanes a cycle. */
    SPECIAL,
    /** f32 and packed half arithmetic: 128 lanes. */
    FMA,
    /** f64. */
    DOUBLE,
    /** Integers, comparisons, minima, selections, packing: 64 lanes. */
    ALU,
    MEMORY,
    CONTROL,
    /** Once per warp, beside the vector pipes. */
    UNIFORM
  }
}
