package org.grpo4j.trainer.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;
import org.grpo4j.kernels.KernelException;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.trainer.config.RuntimeSettings;
import org.grpo4j.trainer.recipe.Workspace;

/** Versions of what computes, for versions.json and doctor. */
final class Versions {
  private Versions() {}

  /** This program's version. */
  static String program() {
    Properties properties = new Properties();
    try (InputStream in = Versions.class.getResourceAsStream("version.properties")) {
      if (in == null) {
        throw new IllegalStateException("resource version.properties is missing");
      }
      properties.load(in);
    } catch (IOException e) {
      throw new IllegalStateException("resource version.properties is unreadable", e);
    }
    return properties.getProperty("version", "unknown");
  }

  /** Everything a result may depend on. */
  static Map<String, Object> all() {
    Map<String, Object> versions = new LinkedHashMap<>();
    versions.put("grpo4j", program());
    versions.put("jdk", jdk());
    for (String library : new String[] {"javacpp", "pytorch", "openblas"}) {
      versions.put(library, library(library));
    }
    versions.put("os", os());
    versions.put("cpu", Machine.cpu());
    versions.put("kernels", kernels());
    versions.put("processors", Runtime.getRuntime().availableProcessors());
    return versions;
  }

  /** The same and what the settings chose of it: device, backend, instruction set. */
  static Map<String, Object> of(RuntimeSettings runtime) {
    Map<String, Object> versions = all();
    versions.put("runs_on", Workspace.describeRuntime(runtime));
    return versions;
  }

  static String jdk() {
    return "%s (%s)"
        .formatted(System.getProperty("java.version"), System.getProperty("java.vendor"));
  }

  static String os() {
    return "%s %s %s"
        .formatted(
            System.getProperty("os.name"),
            System.getProperty("os.version"),
            System.getProperty("os.arch"));
  }

  /** The instruction set chosen and those present, or why a forced one can't be met. */
  private static String kernels() {
    try {
      return Kernels.describe();
    } catch (KernelException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static String library(String artifact) {
    try {
      return Loader.getVersion("org.bytedeco", artifact);
    } catch (IOException e) {
      return "unknown (" + e.getMessage() + ")";
    }
  }
}
