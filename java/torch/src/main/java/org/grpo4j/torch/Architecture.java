package org.grpo4j.torch;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The decoder families this module can run. */
public enum Architecture {
  QWEN3("qwen3", "Qwen3ForCausalLM"),
  QWEN2("qwen2", "Qwen2ForCausalLM"),
  LLAMA("llama", "LlamaForCausalLM");

  private final String modelType;
  private final String className;

  Architecture(String modelType, String className) {
    this.modelType = modelType;
    this.className = className;
  }

  /** The value of {@code model_type} in config.json. */
  public String modelType() {
    return modelType;
  }

  /** The value of {@code architectures} in config.json. */
  public String className() {
    return className;
  }

  static String classNames() {
    return Arrays.stream(values()).map(Architecture::className).collect(Collectors.joining(", "));
  }
}
