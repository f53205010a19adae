package org.grpo4j.trainer.environment;

import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.data.Example;

/**
 * Opens a world for each conversation of a rollout. Implement it in a public class with a public
 * no-argument constructor, put the class on the class path and name it in the configuration:
 *
 * <pre>environment: com.acme.Shop</pre>
 *
 * <p>One instance serves the whole run. {@link #open} is called from one thread; the worlds that it
 * opens are used from several threads at once, each world from one thread at a time.
 */
public interface ToolEnvironment extends AutoCloseable {
  /**
   * Takes {@code environment_options}; called once, before anything else.
   *
   * @throws InputException an option is unknown or wrong
   */
  default void configure(Map<String, Object> options) {
    if (!options.isEmpty()) {
      throw new InputException(
          "environment_options: this environment takes none, got " + options.keySet());
    }
  }

  /**
   * Signatures for the chat template in OpenAI's form, {@code {type: function, function: {name,
   * description, parameters}}}. They go to rows that bring no {@code tools} of their own.
   *
   * @return empty where the prompts say by themselves what can be called
   */
  default List<Map<String, Object>> tools() {
    return List.of();
  }

  /**
   * Opens the world of one conversation.
   *
   * @param example the row, whose {@link Example#extra()} holds its further columns
   * @param seed for worlds with chance in them: the same for the same draw, so that a resumed run
   *     repeats
   * @throws InputException the row does not describe a world
   */
  World open(Example example, long seed);

  /** Releases what the worlds share. */
  @Override
  default void close() {}
}
