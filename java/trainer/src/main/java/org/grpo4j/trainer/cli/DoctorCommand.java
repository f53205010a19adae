package org.grpo4j.trainer.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.grpo4j.kernels.Backend;
import org.grpo4j.torch.TorchDevice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code ./grpo4j doctor}: what this machine has, and the package to install for what it lacks.
 * Exit status 1 where something that a build needs is missing.
 */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = "Reports versions, instruction sets, threads, memory, CUDA, and what is missing.")
final class DoctorCommand implements Callable<Integer> {
  private static final Pattern VERSION = Pattern.compile("(\\d+\\.\\d+(?:\\.\\d+)?)");
  private static final Pattern CUDA_RELEASE = Pattern.compile("release (\\S+),");
  private static final String SBIN_LDCONFIG = "/sbin/ldconfig";

  @Spec private CommandSpec spec;

  /** One tool that a build needs. */
  private record Tool(String what, List<String> programs, String debianPackage) {}

  private static final List<Tool> BUILD_TOOLS =
      List.of(
          new Tool("Java compiler", List.of("javac"), "openjdk-17-jdk-headless"),
          new Tool("Maven", List.of("mvn"), "maven"),
          new Tool("C++ compiler", List.of("c++", "g++", "clang++"), "g++"),
          new Tool("CMake", List.of("cmake"), "cmake"),
          new Tool("Make", List.of("make", "ninja"), "make"));

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    for (Map.Entry<String, Object> version : Versions.all().entrySet()) {
      line(out, version.getKey(), version.getValue());
    }
    List<String> missing = new ArrayList<>();
    for (Tool tool : BUILD_TOOLS) {
      Optional<String> found = Machine.version(VERSION, tool.programs(), "--version");
      line(out, tool.what(), found.orElse("missing"));
      if (found.isEmpty()) {
        missing.add(tool.debianPackage());
      }
    }
    line(
        out,
        "memory",
        "%s, %s available"
            .formatted(
                Machine.bytes(Machine.totalMemory()), Machine.bytes(Machine.availableMemory())));
    line(out, "Java heap", "at most " + Machine.bytes(Runtime.getRuntime().maxMemory()));
    line(out, "CUDA toolkit", toolkit());
    line(out, "CUDA device", device());
    line(out, "device=cuda", available(libtorchOnCuda()));
    for (Backend backend : List.of(Backend.CUDA, Backend.CUDA_EMULATED)) {
      line(out, "backend " + backend, available(backend.unavailableCause()));
    }
    if (missing.isEmpty()) {
      out.println("everything that a build needs is here");
    } else {
      out.println("missing; on Debian: apt-get install " + String.join(" ", missing));
    }
    out.flush();
    return missing.isEmpty() ? 0 : Failures.INTERNAL;
  }

  private static String available(String cause) {
    return cause.isEmpty() ? "available" : "not available: " + cause;
  }

  private static String libtorchOnCuda() {
    try {
      return TorchDevice.named("cuda").unavailableCause();
    } catch (LinkageError e) {
      return "libtorch can't be loaded: " + e.getMessage();
    }
  }

  private static void line(PrintWriter out, String name, Object value) {
    out.printf("%-21s %s%n", name, value);
  }

  private static String toolkit() {
    return Machine.version(CUDA_RELEASE, List.of("nvcc", "/usr/local/cuda/bin/nvcc"), "--version")
        .orElse(
            "none (no nvcc); not needed on the CPU; Debian package nvidia-cuda-toolkit (non-free)");
  }

  private static String device() {
    Optional<String> devices =
        Machine.output(
            "nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader");
    if (devices.isPresent() && !devices.get().isEmpty()) {
      return devices.get().replace("\n", "; ");
    }
    boolean library =
        Machine.output(SBIN_LDCONFIG, "-p").map(o -> o.contains("libcuda.so.1")).orElse(false);
    if (!library) {
      return "none: no NVIDIA driver (libcuda.so.1 is not installed); Debian package nvidia-driver"
          + " (non-free), on a machine with such a GPU";
    }
    return Files.exists(Path.of("/dev/nvidia0"))
        ? "unknown: /dev/nvidia0 is there, but nvidia-smi fails"
        : "none: the NVIDIA driver is installed, but this machine shows no GPU";
  }
}
