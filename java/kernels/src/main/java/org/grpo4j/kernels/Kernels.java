package org.grpo4j.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.grpo4j.kernels.internal.Native;
import org.jspecify.annotations.Nullable;

/**
 * Which compiled copy of the kernels runs, and on how many threads.
 *
 * <p>The best instruction set of the machine is chosen when the library is loaded. {@code
 * -Dgrpo4j.isa=NAME}, the environment variable {@code GRPO4J_ISA} or {@link #use} force another;
 * where it can't be met, calls fail and nothing else is used in its place.
 */
public final class Kernels {
  private static final String ISA_PROPERTY = "grpo4j.isa";

  /** Why the system property could not be met, until {@link #use} settles it. */
  private static volatile @Nullable String propertyProblem;

  static {
    load();
    String wanted = System.getProperty(ISA_PROPERTY);
    if (wanted != null) {
      propertyProblem = force(wanted);
    }
  }

  private Kernels() {}

  private static void load() {
    try {
      int unused = Native.grpo4j_threads();
    } catch (LinkageError e) {
      throw new KernelException(
          "the native library is missing: add org.grpo4j:grpo4j-kernels with the classifier of this"
              + " platform (linux-x86_64) to the class path",
          e);
    }
  }

  private static @Nullable String force(String name) {
    for (Isa isa : Isa.values()) {
      if (isa.toString().equals(name.toLowerCase(Locale.ROOT))) {
        return Native.grpo4j_use_isa(isa.code()) == Native.GRPO4J_OK
            ? null
            : "-D" + ISA_PROPERTY + "=" + name + ": " + absence();
      }
    }
    return "-D" + ISA_PROPERTY + "=" + name + ": want one of " + List.of(Isa.values());
  }

  /** Called before every operation. */
  static void ready() {
    String problem = propertyProblem;
    if (problem != null) {
      throw new KernelException(problem);
    }
  }

  private static String absence() {
    return "this machine or build does not have it; available: " + availableIsas();
  }

  static KernelException environmentIsaUnavailable() {
    return new KernelException("GRPO4J_ISA=" + System.getenv("GRPO4J_ISA") + ": " + absence());
  }

  /** The instruction set that the next call uses. */
  public static Isa isa() {
    ready();
    int code = Native.grpo4j_isa();
    if (code < 0) {
      throw environmentIsaUnavailable();
    }
    return Isa.of(code);
  }

  /** What this machine and this build have, worst to best. */
  public static List<Isa> availableIsas() {
    List<Isa> isas = new ArrayList<>();
    for (Isa isa : Isa.values()) {
      if (Native.grpo4j_isa_available(isa.code()) != 0) {
        isas.add(isa);
      }
    }
    return List.copyOf(isas);
  }

  /**
   * Forces an instruction set for all later calls of this process.
   *
   * @throws KernelException if this machine or build does not have it
   */
  public static void use(Isa isa) {
    if (Native.grpo4j_use_isa(isa.code()) != Native.GRPO4J_OK) {
      throw new KernelException(isa + ": " + absence());
    }
    propertyProblem = null;
  }

  /** Threads that a call may use, its own included; at first, the processors of this process. */
  public static int threads() {
    return Native.grpo4j_threads();
  }

  /** Sets {@link #threads}; results do not depend on it. */
  public static void setThreads(int threads) {
    Arguments.check(
        Native.grpo4j_set_threads(threads) == Native.GRPO4J_OK,
        "threads is %d: want 1 to 1024",
        threads);
  }

  /** One line for logs: the instruction set in use, those available, threads. */
  public static String describe() {
    return "isa " + isa() + " of " + availableIsas() + ", " + threads() + " threads";
  }
}
