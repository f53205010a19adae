package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.AccessTarget.MethodCallTarget;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/**
 * The few lines that only a GPU can run call native methods of libtorch's CUDA part and of the CUDA
 * preset. The compiler has seen the methods; here each is looked for among the functions of the
 * natives that a GPU would load. Where those jars are not in the local repository, which has them
 * after a build with the profile gpu, a line says so.
 */
class GpuNativesTest {
  private static final List<String> CALLERS =
      List.of("org.grpo4j.torch.LibtorchCuda", "org.grpo4j.torch.TorchStreams");

  /** In the local repository, where the others lie beside it. */
  private static Path pytorchJar() throws Exception {
    return Path.of(torch.class.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  private static Path gpuJar() throws Exception {
    Path jar = pytorchJar();
    return jar.resolveSibling(
        jar.getFileName().toString().replace(".jar", "-linux-x86_64-gpu.jar"));
  }

  /** Of the CUDA version that goes with this version of the presets. */
  private static Path cudaJar() throws Exception {
    Path folder = pytorchJar().resolve("..").normalize();
    String version = String.valueOf(folder.getFileName());
    String presets = version.substring(version.lastIndexOf('-') + 1);
    Path cuda = folder.resolve("../../cuda").normalize();
    if (!Files.isDirectory(cuda)) {
      return cuda;
    }
    try (Stream<Path> versions = Files.list(cuda)) {
      return versions
          .filter(v -> v.toString().endsWith("-" + presets))
          .map(v -> v.resolve("cuda-" + v.getFileName() + "-linux-x86_64.jar"))
          .findFirst()
          .orElse(cuda);
    }
  }

  /** Calls of the two classes to methods of the presets, each with the name of its C function. */
  private static Set<String> calledFunctions() throws ClassNotFoundException {
    Set<String> functions = new TreeSet<>();
    for (String name : CALLERS) {
      // Not linked: that would need the preset's classes.
      Class<?> code = Class.forName(name, false, GpuNativesTest.class.getClassLoader());
      JavaClass caller = new ClassFileImporter().importClass(code);
      for (JavaMethodCall call : caller.getMethodCallsFromSelf()) {
        String owner = call.getTarget().getOwner().getName();
        if (owner.startsWith("org.bytedeco.pytorch.") || owner.startsWith("org.bytedeco.cuda.")) {
          functions.add(function(call.getTarget()));
        }
      }
    }
    return functions;
  }

  /** As the Java Native Interface names it, with its parameters. */
  private static String function(MethodCallTarget method) {
    String parameters =
        method.getRawParameterTypes().stream()
            .map(GpuNativesTest::descriptor)
            .collect(Collectors.joining());
    return "Java_"
        + mangled(method.getOwner().getName().replace('.', '/'))
        + "_"
        + mangled(method.getName())
        + "__"
        + mangled(parameters);
  }

  private static String descriptor(JavaClass type) {
    return switch (type.getName()) {
      case "byte" -> "B";
      case "int" -> "I";
      case "long" -> "J";
      case "boolean" -> "Z";
      default -> "L" + type.getName().replace('.', '/') + ";";
    };
  }

  private static String mangled(String name) {
    return name.replace("_", "_1").replace(";", "_2").replace('/', '_');
  }

  private static String content(Path jar, String library) throws IOException {
    try (ZipFile zip = new ZipFile(jar.toFile());
        InputStream in = zip.getInputStream(zip.getEntry(library))) {
      return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  @Test
  void everyNativeMethodThatIsCalledHasItsFunction() throws Exception {
    Set<String> functions = calledFunctions();
    assertEquals(10, functions.size(), functions.toString());
    for (Path jar : List.of(gpuJar(), cudaJar())) {
      if (!Files.isRegularFile(jar)) {
        System.out.println("skipped: the natives of a GPU, " + jar.getFileName() + " is not here");
        return;
      }
    }
    String natives =
        content(gpuJar(), "org/bytedeco/pytorch/linux-x86_64-gpu/libjnitorch_cuda.so")
            + content(cudaJar(), "org/bytedeco/cuda/linux-x86_64/libjnicudart.so");
    for (String function : functions) {
      String withoutParameters = function.substring(0, function.indexOf("__"));
      assertTrue(
          natives.contains("\0" + function + "\0")
              || natives.contains("\0" + withoutParameters + "\0"),
          function);
    }
  }
}
