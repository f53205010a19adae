package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * What a Java process of its own printed and exited with: for choices that are made when a library
 * loads.
 *
 * @param output what it printed on standard output alone: Java itself writes notes of its own to
 *     the other stream
 */
record ChildProcess(int status, String output, String errors) {
  /** Where the build put the emulation; every other variable of this project is a choice. */
  private static final String KEPT = "GRPO4J_CUDA_EMULATED_LIBRARY";

  private static final Set<String> JAVA_OPTIONS =
      Set.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

  /**
   * Runs the class's main method with this process's class path. Of its environment, what would
   * change the kernels' choices or Java's options is left out, then the given variables are added.
   */
  static ChildProcess run(Class<?> main, Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    return runOn(System.getProperty("java.class.path"), main, environment, options);
  }

  /** The same with another class path. */
  static ChildProcess runOn(
      String classPath, Class<?> main, Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", classPath, main.getName()));
    Path errors = Files.createTempFile("grpo4j-child-", ".txt");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
      builder
          .environment()
          .keySet()
          .removeIf(
              name ->
                  JAVA_OPTIONS.contains(name)
                      || (name.startsWith("GRPO4J_") && !name.equals(KEPT)));
      builder.environment().putAll(environment);
      Process process = builder.start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), "closed its output and goes on");
      return new ChildProcess(process.exitValue(), output, Files.readString(errors));
    } finally {
      Files.delete(errors);
    }
  }
}
