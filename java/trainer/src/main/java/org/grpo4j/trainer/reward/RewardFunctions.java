package org.grpo4j.trainer.reward;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;
import org.grpo4j.trainer.plugin.UserClasses;

/** Makes reward functions from the names of a configuration. */
public final class RewardFunctions {
  private static final Map<String, Function<Options, RewardFunction>> BUILT_IN = builtIn();

  /**
   * What the built-in functions need.
   *
   * @param toolRl of toolrl and format
   * @param overlong of overlong
   */
  public record Options(ToolRlOptions toolRl, OverlongReward.Options overlong) {}

  private RewardFunctions() {}

  private static Map<String, Function<Options, RewardFunction>> builtIn() {
    Map<String, Function<Options, RewardFunction>> map = new LinkedHashMap<>();
    map.put("toolrl", options -> new ToolRlReward(options.toolRl()));
    map.put("exact_call", options -> new ExactCallReward());
    map.put("format", options -> ToolRlReward.formatOnly(options.toolRl()));
    map.put(EnvironmentReward.NAME, options -> new EnvironmentReward());
    map.put("overlong", options -> new OverlongReward(options.overlong()));
    return map;
  }

  /** The names of the built-in functions. */
  public static List<String> builtInNames() {
    return List.copyOf(BUILT_IN.keySet());
  }

  /**
   * Makes one function per name: a built-in one, or a class by its fully-qualified name, loaded
   * with the context class loader and made with its public no-argument constructor.
   *
   * @throws InputException if there is no such function or class, the class is not fit, or two
   *     functions have the same name
   */
  public static List<RewardFunction> create(List<String> names, Options options) {
    if (names.isEmpty()) {
      throw new InputException(
          "reward_funcs is empty; name at least one of "
              + String.join(", ", BUILT_IN.keySet())
              + " or a class");
    }
    List<RewardFunction> functions = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      Function<Options, RewardFunction> maker = BUILT_IN.get(name);
      RewardFunction function = maker != null ? maker.apply(options) : userFunction(name);
      if (!seen.add(function.name())) {
        throw new InputException(
            "reward_funcs names '" + function.name() + "' twice; metrics go by that name");
      }
      functions.add(function);
    }
    return List.copyOf(functions);
  }

  private static RewardFunction userFunction(String name) {
    if (name.indexOf('.') < 0) {
      throw new InputException(
          "unknown reward function '"
              + name
              + "'; "
              + NearestName.suggestion(BUILT_IN.keySet(), name)
              + ", and classes by their fully-qualified name");
    }
    return UserClasses.create("reward", name, RewardFunction.class);
  }

  /** A text on one line, short enough for an error message. */
  static String shorten(String text) {
    String line = text.replace("\n", "\\n");
    return line.length() <= 160 ? line : line.substring(0, 160) + "…";
  }
}
