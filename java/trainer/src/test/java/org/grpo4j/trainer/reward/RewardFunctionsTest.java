package org.grpo4j.trainer.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;

final class RewardFunctionsTest {
  private static final RewardFunctions.Options OPTIONS =
      new RewardFunctions.Options(ToolRlOptions.of(), new OverlongReward.Options(100, 20, 1));

  /** Public and named, but its constructor needs an argument. */
  public static final class NeedsArgument implements RewardFunction {
    private final String name;

    public NeedsArgument(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public RewardScore score(RewardInput input) {
      return RewardScore.of(0);
    }
  }

  @Test
  void aUserClassIsLoadedByNameBesideBuiltInOnes() {
    List<RewardFunction> functions =
        RewardFunctions.create(List.of("exact_call", FewWordsReward.class.getName()), OPTIONS);
    RewardTable table =
        RewardTable.score(
            functions,
            new double[] {2, 0.5},
            List.of(
                RewardInput.ofText("hello there", "<response>hi</response>", 0),
                RewardInput.ofText("<tool_call>", "<response>hi</response>", 0)));
    assertArrayEquals(new double[] {2 * 1 - 0.5 * 2, -0.5}, table.totals());
    assertArrayEquals(new double[] {-2, -1}, table.byFunction().get("few_words"));
    assertEquals(List.of("exact_call", "few_words"), List.copyOf(table.byFunction().keySet()));
  }

  @Test
  void everyBuiltInNameMakesAFunctionOfThatName() {
    for (String name : RewardFunctions.builtInNames()) {
      assertEquals(name, RewardFunctions.create(List.of(name), OPTIONS).get(0).name());
    }
  }

  @Test
  void whatCanNotBeLoadedIsNamed() {
    assertRefused("did you mean 'toolrl'", "toolr");
    assertRefused("not on the class path", "com.acme.Nothing");
    assertRefused("does not implement", "java.lang.String");
    assertRefused("no-argument constructor", NeedsArgument.class.getName());
    assertRefused("twice", "toolrl", "toolrl");
    assertRefused("empty");
  }

  @Test
  void afunctionThatThrowsOrGivesNaNIsNamed() {
    List<RewardInput> inputs = List.of(RewardInput.ofText("some\ntext", "", 0));
    RewardFunction nan = function(Double.NaN);
    String message = refusal(() -> RewardTable.score(List.of(nan), new double[] {1}, inputs));
    assertTrue(message.contains("mine") && message.contains("NaN"), message);
    RewardFunction broken =
        new RewardFunction() {
          @Override
          public String name() {
            return "mine";
          }

          @Override
          public RewardScore score(RewardInput input) {
            throw new IllegalStateException("boom");
          }
        };
    message = refusal(() -> RewardTable.score(List.of(broken), new double[] {1}, inputs));
    assertTrue(message.contains("mine") && message.contains("boom"), message);
    assertEquals(1, message.lines().count());
  }

  @Test
  void weightsMustMatchTheFunctions() {
    String message =
        refusal(() -> RewardTable.score(List.of(function(1)), new double[0], List.of()));
    assertTrue(message.contains("reward_weights"), message);
  }

  @Test
  void optionsOfAConfiguration() {
    ToolRlOptions options =
        ToolRlOptions.fromConfig(
            Map.of("WITHLENGTH", true, "COARSEREWARD", false, "RELEASE", "toolrl"));
    assertEquals(List.of(ToolRlOptions.Switch.WITHLENGTH), List.copyOf(options.switches()));
    assertEquals(ToolRlOptions.Release.TOOLRL, options.release());
    String message = refusal(() -> ToolRlOptions.fromConfig(Map.of("WITHLENGHT", true)));
    assertTrue(message.contains("did you mean 'WITHLENGTH'"), message);
    message = refusal(() -> ToolRlOptions.fromConfig(Map.of("WITHLENGTH", 3)));
    assertTrue(message.contains("true or false"), message);
    message = refusal(() -> ToolRlOptions.fromConfig(Map.of("RELEASE", "paper")));
    assertTrue(message.contains("toolrl or rest"), message);
  }

  private static RewardFunction function(double total) {
    return new RewardFunction() {
      @Override
      public String name() {
        return "mine";
      }

      @Override
      public RewardScore score(RewardInput input) {
        return RewardScore.of(total);
      }
    };
  }

  private static void assertRefused(String reason, String... names) {
    String message = refusal(() -> RewardFunctions.create(List.of(names), OPTIONS));
    assertTrue(message.contains(reason), message);
  }

  private static String refusal(Runnable action) {
    return String.valueOf(assertThrows(InputException.class, action::run).getMessage());
  }
}
