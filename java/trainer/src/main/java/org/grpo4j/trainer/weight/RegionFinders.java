package org.grpo4j.trainer.weight;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;
import org.grpo4j.trainer.plugin.UserClasses;

/** Makes region finders from the name in a configuration. */
public final class RegionFinders {
  private static final Map<String, Supplier<RegionFinder>> BUILT_IN = builtIn();

  private RegionFinders() {}

  private static Map<String, Supplier<RegionFinder>> builtIn() {
    Map<String, Supplier<RegionFinder>> map = new LinkedHashMap<>();
    map.put("toolrl", ToolCallRegions::new);
    map.put("hermes", HermesRegions::new);
    map.put("llama3", Llama3Regions::new);
    return map;
  }

  /**
   * A built-in finder, or one of the user's own by its fully-qualified class name.
   *
   * @throws InputException if there is no such finder or class, or the class is not fit
   */
  public static RegionFinder named(String name) {
    Supplier<RegionFinder> maker = BUILT_IN.get(name);
    if (maker != null) {
      return maker.get();
    }
    if (name.indexOf('.') < 0) {
      throw new InputException(
          "unknown rest_regions '%s'; %s, and classes by their fully-qualified name"
              .formatted(name, NearestName.suggestion(BUILT_IN.keySet(), name)));
    }
    return UserClasses.create("region finder", name, RegionFinder.class);
  }
}
