package org.grpo4j.kernels;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.grpo4j.kernels.internal.Native;
import org.jspecify.annotations.Nullable;

/**
 * Finds the shared library of a backend and opens it: the file named by a system property or an
 * environment variable, otherwise the one on the class path.
 */
final class BackendLibrary {
  private static final String RESOURCES = "/org/grpo4j/cuda/";

  private BackendLibrary() {}

  /**
   * "" when the backend can be used, otherwise why not. One at a time: the next attempt replaces
   * the native text of the one before.
   */
  static synchronized String open(Backend backend) {
    Kernels.load();
    String named = named(backend);
    if (named != null) {
      return Files.isReadable(Path.of(named))
          ? open(backend, named)
          : setting(backend) + "=" + named + ": no such file";
    }
    String file = backend == Backend.CUDA ? "libgrpo4j_cuda.so" : "libgrpo4j_cuda_emulated.so";
    String platform = Loader.getPlatform();
    URL resource = BackendLibrary.class.getResource(RESOURCES + platform + "/" + file);
    if (resource == null) {
      return file + " is not here: " + remedy(backend, platform);
    }
    try {
      return open(backend, Loader.cacheResource(resource).getPath());
    } catch (IOException e) {
      return resource + " can't be unpacked: " + e;
    }
  }

  private static String open(Backend backend, String path) {
    int status = Native.grpo4j_backend_open(backend.code(), path);
    if (status == Native.GRPO4J_OK) {
      return "";
    }
    BytePointer problem = Native.grpo4j_backend_problem(backend.code());
    return problem == null || problem.isNull() ? "status " + status : problem.getString();
  }

  /** The system property: grpo4j.cuda.library, grpo4j.cuda-emulated.library. */
  private static String property(Backend backend) {
    return "grpo4j." + backend + ".library";
  }

  private static String variable(Backend backend) {
    return property(backend).toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  private static @Nullable String named(Backend backend) {
    String property = System.getProperty(property(backend));
    String variable = System.getenv(variable(backend));
    return property != null || variable == null || variable.isEmpty() ? property : variable;
  }

  /** How {@link #named} was given. */
  private static String setting(Backend backend) {
    return System.getProperty(property(backend)) != null
        ? "-D" + property(backend)
        : variable(backend);
  }

  private static String remedy(Backend backend, String platform) {
    String file = "name the file with -D" + property(backend) + " or " + variable(backend);
    return backend == Backend.CUDA
        ? "add org.grpo4j:grpo4j-cuda with the classifier " + platform + "-cuda, or " + file
        : "build it with cuda/emulation/build.sh, then " + file;
  }
}
