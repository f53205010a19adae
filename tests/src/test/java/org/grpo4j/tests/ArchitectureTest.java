package org.grpo4j.tests;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Arrows of dependency point downwards only: trainer → torch → kernels, and so inside each. */
class ArchitectureTest {
  private static final String KERNELS = "org.grpo4j.kernels..";
  private static final String INTERNAL = "org.grpo4j.kernels.internal..";
  private static final String TORCH = "org.grpo4j.torch..";
  private static final String TRAINER = "org.grpo4j.trainer..";

  private static JavaClasses code;

  @BeforeAll
  static void read() {
    code =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("org.grpo4j.kernels", "org.grpo4j.torch", "org.grpo4j.trainer");
  }

  @Test
  void allThreeModulesAreRead() {
    Set<String> modules = new TreeSet<>();
    code.forEach(c -> modules.add(c.getPackageName().split("\\.")[2]));
    assertEquals(Set.of("kernels", "torch", "trainer"), modules);
    assertTrue(code.size() > 150, code.size() + " classes");
  }

  @Test
  void modulesKnowOnlyThoseBelow() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("kernels")
        .definedBy(KERNELS)
        .layer("torch")
        .definedBy(TORCH)
        .layer("trainer")
        .definedBy(TRAINER)
        .whereLayer("trainer")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("torch")
        .mayOnlyBeAccessedByLayers("trainer")
        .whereLayer("kernels")
        .mayOnlyBeAccessedByLayers("torch", "trainer")
        .check(code);
  }

  @Test
  void kernelsNeedJavaCppAlone() {
    classes()
        .that()
        .resideInAPackage(KERNELS)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(KERNELS, "java..", "org.bytedeco.javacpp..", "org.jspecify..")
        .check(code);
  }

  @Test
  void generatedBindingsAreUsedByTheKernelsAlone() {
    noClasses()
        .that()
        .resideOutsideOfPackage(KERNELS)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(INTERNAL)
        .check(code);
  }

  @Test
  void theCommandLineIsOnTop() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.grpo4j.trainer.cli..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.grpo4j.trainer.cli..")
        .check(code);
  }

  @Test
  void theRecipeIsUsedByTheCommandLineAlone() {
    noClasses()
        .that()
        .resideOutsideOfPackages("org.grpo4j.trainer.cli..", "org.grpo4j.trainer.recipe..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.grpo4j.trainer.recipe..")
        .check(code);
  }

  /** Rewards, weights and advantages are arithmetic on text and arrays: no tensor, no model. */
  @Test
  void scoringKnowsNoTensors() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "org.grpo4j.trainer.reward..",
            "org.grpo4j.trainer.weight..",
            "org.grpo4j.trainer.advantage..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.bytedeco..",
            "org.grpo4j.kernels", // kernels.weight is arithmetic on arrays, too
            "org.grpo4j.trainer.rollout..",
            "org.grpo4j.trainer.report..",
            "org.grpo4j.trainer.task..",
            "org.grpo4j.trainer.config..")
        .orShould()
        .dependOnClassesThat()
        .haveNameMatching("org\\.grpo4j\\.torch\\.(?!InputException$|text\\.).*")
        .check(code);
  }

  /** Sampling is below the recipe and knows nothing of data, rewards and files. */
  @Test
  void samplingKnowsTokensAlone() {
    noClasses()
        .that()
        .resideInAPackage("org.grpo4j.trainer.rollout..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "org.grpo4j.trainer.data..",
            "org.grpo4j.trainer.reward..",
            "org.grpo4j.trainer.config..",
            "org.grpo4j.trainer.report..",
            "org.grpo4j.torch.text..")
        .check(code);
  }

  /**
   * A tensor made without a device is on the host, and on a GPU an error when it meets the others.
   * Tensors takes the device of each; what stays on the host is named here: weights that are drawn,
   * token ids before a pass is laid out, a file's vectors.
   */
  @Test
  void tensorsAreMadeWhereADeviceIsNamed() {
    noClasses()
        .that()
        .resideInAnyPackage(TORCH, TRAINER)
        .and()
        .haveNameNotMatching(
            ".*\\.(Tensors|DecoderModel|TokenBatches|TokenChooser|ModelVectors)(\\$.*)?")
        .should()
        .callMethodWhere(
            target(owner(name("org.bytedeco.pytorch.global.torch")))
                .and(
                    target(
                        nameMatching(
                            "(zeros|ones|full|empty|arange|tensor|rand.*|from_blob|eye|linspace)"))))
        .orShould()
        .callMethodWhere(
            target(owner(name("org.bytedeco.pytorch.Tensor"))).and(target(nameMatching("create"))))
        .check(code);
  }

  @Test
  void packagesOfTheTrainerFormNoCircle() {
    slices().matching("org.grpo4j.trainer.(*)..").should().beFreeOfCycles().check(code);
  }
}
