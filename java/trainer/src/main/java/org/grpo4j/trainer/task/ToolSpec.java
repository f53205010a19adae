package org.grpo4j.trainer.task;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A tool of the embedded task.
 *
 * @param name of the tool
 * @param parameters in the order of the signature and of the call
 * @param phrasings questions with {@code {parameter}} where a value goes
 */
record ToolSpec(
    String name, List<ToolParameter> parameters, Map<PhrasingSet, List<String>> phrasings) {

  /** As it stands in a prompt: {@code get_weather(city, days)}. */
  String signature() {
    return name
        + parameters.stream().map(ToolParameter::name).collect(Collectors.joining(", ", "(", ")"));
  }

  /** The questions of one set; the catalogue must have some for each. */
  List<String> wordings(PhrasingSet set) {
    List<String> wordings = phrasings.get(set);
    if (wordings == null) {
      throw new IllegalStateException(name + " has no phrasings for " + set);
    }
    return wordings;
  }
}
