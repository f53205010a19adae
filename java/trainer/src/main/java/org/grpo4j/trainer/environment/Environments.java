package org.grpo4j.trainer.environment;

import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;
import org.grpo4j.trainer.plugin.UserClasses;

/** Makes the environment that a configuration names. */
public final class Environments {
  private Environments() {}

  /**
   * Makes a built-in environment, or one of a class by its fully-qualified name.
   *
   * @param options what the configuration's {@code environment_options} hold
   * @throws InputException there is no such environment, or it does not take the options
   */
  public static ToolEnvironment create(String name, Map<String, Object> options) {
    if (name.equals("http")) {
      return new HttpEnvironment(HttpOptions.of(options));
    }
    ToolEnvironment environment = name.equals("house") ? new HouseEnvironment() : usersOwn(name);
    environment.configure(options);
    return environment;
  }

  private static ToolEnvironment usersOwn(String name) {
    if (name.indexOf('.') < 0) {
      throw new InputException(
          "unknown environment '%s'; %s, and classes by their fully-qualified name"
              .formatted(name, NearestName.suggestion(List.of("house", "http"), name)));
    }
    return UserClasses.create("environment", name, ToolEnvironment.class);
  }
}
