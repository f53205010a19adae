package org.grpo4j.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.Loader;
import org.grpo4j.kernels.internal.Native;
import org.jspecify.annotations.Nullable;

/**
 * Which compiled copy of the kernels runs, where, and on how many threads.
 *
 * <p>The best instruction set of the machine is chosen when the library is loaded. {@code
 * -Dgrpo4j.isa=NAME}, the environment variable {@code GRPO4J_ISA} or {@link #use} force another;
 * where it can't be met, calls fail and nothing else is used in its place.
 *
 * <p>Calls on host memory run on the CPU. {@code -Dgrpo4j.backend=NAME}, the environment variable
 * {@code GRPO4J_BACKEND} or {@link #use(Backend)} send them to another backend, under the same
 * rule.
 */
public final class Kernels {
  private static final String ISA_PROPERTY = "grpo4j.isa";
  private static final String BACKEND_PROPERTY = "grpo4j.backend";
  private static final String BACKEND_VARIABLE = "GRPO4J_BACKEND";

  /** Why there is no native library; every call says so. */
  private static final @Nullable String LOAD_FAILURE = loadFailure();

  /** Why the system property could not be met, until {@link #use(Isa)} settles it. */
  private static volatile @Nullable String propertyProblem;

  /** Why the backend that was asked for can't be used, until {@link #use(Backend)} settles it. */
  private static volatile @Nullable String backendProblem;

  static {
    if (LOAD_FAILURE == null) {
      configure();
    }
  }

  private Kernels() {}

  private static void configure() {
    // The library sees the affinity of this process; Java also a quota of its control group.
    Native.grpo4j_set_threads(
        Math.min(Native.grpo4j_threads(), Runtime.getRuntime().availableProcessors()));
    String wanted = System.getProperty(ISA_PROPERTY);
    if (wanted != null) {
      propertyProblem = force(wanted);
    }
    String property = System.getProperty(BACKEND_PROPERTY);
    String variable = System.getenv(BACKEND_VARIABLE);
    if (property != null) {
      backendProblem = forceBackend("-D" + BACKEND_PROPERTY + "=", property);
    } else if (variable != null && !variable.isEmpty()) {
      backendProblem = forceBackend(BACKEND_VARIABLE + "=", variable);
    } else {
      System.getLogger(Kernels.class.getPackageName())
          .log(
              System.Logger.Level.DEBUG,
              "calls on host memory run on the CPU; -D{0}=cuda would send them to a GPU",
              BACKEND_PROPERTY);
    }
  }

  private static @Nullable String loadFailure() {
    try {
      int unused = Native.grpo4j_threads();
      return null;
    } catch (LinkageError e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** Loads the library, or says which artifact is missing. */
  static void load() {
    if (LOAD_FAILURE != null) {
      throw new KernelException(
          "the native library is missing: add org.grpo4j:grpo4j-kernels with the classifier "
              + Loader.getPlatform()
              + " to the class path (it exists for linux-x86_64): "
              + LOAD_FAILURE);
    }
  }

  private static @Nullable String force(String name) {
    for (Isa isa : Isa.ofProcessors()) {
      if (isa.toString().equals(name.toLowerCase(Locale.ROOT))) {
        return Native.grpo4j_use_isa(isa.code()) == Native.GRPO4J_OK
            ? null
            : "-D" + ISA_PROPERTY + "=" + name + ": " + absence();
      }
    }
    return "-D" + ISA_PROPERTY + "=" + name + ": want one of " + Isa.ofProcessors();
  }

  private static @Nullable String forceBackend(String setting, String name) {
    Backend backend;
    try {
      backend = Backend.named(name);
    } catch (IllegalArgumentException e) {
      return setting + e.getMessage();
    }
    String cause = backend.unavailableCause();
    if (!cause.isEmpty()) {
      return setting + name + ": " + cause;
    }
    checkUsed(backend);
    return null;
  }

  private static void checkUsed(Backend backend) {
    int status = Native.grpo4j_use_backend(backend.code());
    if (status != Native.GRPO4J_OK) {
      throw new KernelException("backend " + backend + " can't be used (status " + status + ")");
    }
  }

  /** Called before every operation. */
  static void ready() {
    load();
    fail(propertyProblem);
    fail(backendProblem);
  }

  private static void fail(@Nullable String problem) {
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

  /** The instruction set that the next call on host memory uses. */
  public static Isa isa() {
    ready();
    Backend backend = backend();
    if (backend != Backend.CPU) {
      return backend == Backend.CUDA ? Isa.CUDA : Isa.CUDA_EMULATED;
    }
    int code = Native.grpo4j_isa();
    if (code < 0) {
      throw environmentIsaUnavailable();
    }
    return Isa.of(code);
  }

  /** What this processor and this build have, worst to best. */
  public static List<Isa> availableIsas() {
    load();
    List<Isa> isas = new ArrayList<>();
    for (Isa isa : Isa.ofProcessors()) {
      if (Native.grpo4j_isa_available(isa.code()) != 0) {
        isas.add(isa);
      }
    }
    return List.copyOf(isas);
  }

  /**
   * Forces an instruction set, and the backend that has it, for all later calls of this process on
   * host memory.
   *
   * @throws KernelException if this machine or build does not have it
   */
  public static void use(Isa isa) {
    load();
    if (Arguments.present("isa", isa).backend() == Backend.CPU) {
      if (Native.grpo4j_use_isa(isa.code()) != Native.GRPO4J_OK) {
        throw new KernelException(isa + ": " + absence());
      }
      propertyProblem = null;
    }
    use(isa.backend());
  }

  /** Where the next call on host memory runs. */
  public static Backend backend() {
    load();
    fail(backendProblem);
    return Backend.of(Native.grpo4j_backend());
  }

  /**
   * Sends all later calls on host memory to a backend. Calls copy their arguments to the device and
   * back there: for checks and small callers; logits that live on a device need none of it, see
   * {@link DeviceQueue}.
   *
   * @throws KernelException if it can't be used, with the cause; the one before stays in use
   */
  public static void use(Backend backend) {
    load();
    String cause = Arguments.present("backend", backend).unavailableCause();
    if (!cause.isEmpty()) {
      throw new KernelException("backend " + backend + ": " + cause);
    }
    checkUsed(backend);
    backendProblem = null;
  }

  /**
   * Threads that a call may use, its own included. At first as many as there are processors for
   * this process: the fewer of its affinity's and of {@link Runtime#availableProcessors}, which
   * knows a quota of the control group and {@code -XX:ActiveProcessorCount}.
   */
  public static int threads() {
    load();
    return Native.grpo4j_threads();
  }

  /** Sets {@link #threads}; results do not depend on it. */
  public static void setThreads(int threads) {
    load();
    Arguments.check(
        Native.grpo4j_set_threads(threads) == Native.GRPO4J_OK,
        "threads is %d: want 1 to 1024",
        threads);
  }

  /** One line for logs: the instruction set in use, those of this processor, threads. */
  public static String describe() {
    return "isa " + isa() + " of " + availableIsas() + ", " + threads() + " threads";
  }
}
