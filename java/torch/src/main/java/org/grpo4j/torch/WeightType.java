package org.grpo4j.torch;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The element types a checkpoint may hold, with their name in each file format. */
public enum WeightType {
  FLOAT32("float32", "F32", 4, ScalarType.Float),
  BFLOAT16("bfloat16", "BF16", 2, ScalarType.BFloat16),
  FLOAT16("float16", "F16", 2, ScalarType.Half);

  private final String configName;
  private final String safetensorsName;
  private final int bytes;
  private final ScalarType scalarType;

  WeightType(String configName, String safetensorsName, int bytes, ScalarType scalarType) {
    this.configName = configName;
    this.safetensorsName = safetensorsName;
    this.bytes = bytes;
    this.scalarType = scalarType;
  }

  /** The name in config.json, for example {@code bfloat16}. */
  public String configName() {
    return configName;
  }

  /** The name in a safetensors header, for example {@code BF16}. */
  public String safetensorsName() {
    return safetensorsName;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  ScalarType scalarType() {
    return scalarType;
  }

  /** Finds a type by its name in config.json, with or without the {@code torch.} prefix. */
  public static Optional<WeightType> ofConfigName(String name) {
    String plain = name.startsWith("torch.") ? name.substring("torch.".length()) : name;
    return Arrays.stream(values()).filter(t -> t.configName.equals(plain)).findFirst();
  }

  /** Finds a type by its name in a safetensors header. */
  public static Optional<WeightType> ofSafetensorsName(String name) {
    return Arrays.stream(values()).filter(t -> t.safetensorsName.equals(name)).findFirst();
  }

  static String configNames() {
    return Arrays.stream(values()).map(WeightType::configName).collect(Collectors.joining(", "));
  }

  static String safetensorsNames() {
    return Arrays.stream(values())
        .map(WeightType::safetensorsName)
        .collect(Collectors.joining(", "));
  }
}
