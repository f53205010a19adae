package org.grpo4j.trainer.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the operating system says about this machine. */
final class Machine {
  private static final int SECONDS_PER_TOOL = 10;

  private Machine() {}

  /** The processor's name. */
  static String cpu() {
    return field(Path.of("/proc/cpuinfo"), "model name").orElse(System.getProperty("os.arch"));
  }

  /** Memory of the machine in bytes, or of its control group where that allows less; -1 unknown. */
  static long totalMemory() {
    long total = memInfo("MemTotal");
    long limit = number(Path.of("/sys/fs/cgroup/memory.max"));
    return limit > 0 && (total < 0 || limit < total) ? limit : total;
  }

  /** Memory that can be used without swapping, bytes; -1 unknown. */
  static long availableMemory() {
    long available = memInfo("MemAvailable");
    long limit = number(Path.of("/sys/fs/cgroup/memory.max"));
    long used = number(Path.of("/sys/fs/cgroup/memory.current"));
    return limit > 0 && used >= 0 ? Math.min(available, limit - used) : available;
  }

  private static long memInfo(String name) {
    return field(Path.of("/proc/meminfo"), name)
        .map(value -> Long.parseLong(value.replace("kB", "").strip()) * 1024)
        .orElse(-1L);
  }

  private static long number(Path file) {
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (IOException | NumberFormatException e) {
      return -1; // No control group, or "max".
    }
  }

  private static Optional<String> field(Path file, String name) {
    try {
      for (String line : Files.readAllLines(file)) {
        int colon = line.indexOf(':');
        if (colon > 0 && line.substring(0, colon).strip().equals(name)) {
          return Optional.of(line.substring(colon + 1).strip());
        }
      }
    } catch (IOException e) {
      return Optional.empty(); // Not Linux: the caller says "unknown".
    }
    return Optional.empty();
  }

  /** Bytes in words. */
  static String bytes(long bytes) {
    if (bytes < 0) {
      return "unknown";
    }
    return bytes >= 1L << 30
        ? String.format(Locale.ROOT, "%.1f GiB", (double) bytes / (1L << 30))
        : String.format(Locale.ROOT, "%.1f MiB", (double) bytes / (1L << 20));
  }

  /** What a tool prints, where it is present and succeeds. */
  static Optional<String> output(String... command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .start();
      byte[] bytes;
      try (InputStream in = process.getInputStream()) {
        bytes = in.readAllBytes();
      }
      if (!process.waitFor(SECONDS_PER_TOOL, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return Optional.empty();
      }
      return process.exitValue() == 0
          ? Optional.of(new String(bytes, StandardCharsets.UTF_8).strip())
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // No such program.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** The first match of a pattern's group in what the first present of several tools prints. */
  static Optional<String> version(Pattern pattern, List<String> tools, String argument) {
    for (String tool : tools) {
      Optional<String> text = output(tool, argument);
      if (text.isPresent()) {
        Matcher m = pattern.matcher(text.get());
        return Optional.of(
            tool + " " + (m.find() ? m.group(1) : text.get().lines().findFirst().orElse("")));
      }
    }
    return Optional.empty();
  }
}
