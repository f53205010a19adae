package org.grpo4j.trainer.config;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes the configuration of one command.
 *
 * <p>Later wins: the keys' own defaults, an embedded task's recipe (while {@code train_file} names
 * it), the user's file, the {@code key=value} overrides. A recipe found for the tiny model would be
 * wrong for somebody's own data, so it goes away with {@code train_file}.
 */
public final class ConfigLoader<T extends Record> {
  /** Loader of {@code ./grpo4j train}. */
  public static final ConfigLoader<TrainConfig> TRAIN = new ConfigLoader<>(TrainConfig.class);

  /** Loader of {@code ./grpo4j sft}. */
  public static final ConfigLoader<SftConfig> SFT = new ConfigLoader<>(SftConfig.class);

  /** Loader of {@code ./grpo4j generate}. */
  public static final ConfigLoader<GenerateConfig> GENERATE =
      new ConfigLoader<>(GenerateConfig.class);

  /** Loader of {@code ./grpo4j variance}. */
  public static final ConfigLoader<VarianceConfig> VARIANCE =
      new ConfigLoader<>(VarianceConfig.class);

  /** Loader of {@code ./grpo4j compare}. */
  public static final ConfigLoader<CompareConfig> COMPARE = new ConfigLoader<>(CompareConfig.class);

  /** Loader of {@code ./grpo4j eval}. */
  public static final ConfigLoader<EvalConfig> EVAL = new ConfigLoader<>(EvalConfig.class);

  /** Loader of {@code ./grpo4j serve}. */
  public static final ConfigLoader<ServeConfig> SERVE = new ConfigLoader<>(ServeConfig.class);

  /** Loader of {@code ./grpo4j eval --benchmark}. */
  public static final ConfigLoader<BenchmarkConfig> BENCHMARK =
      new ConfigLoader<>(BenchmarkConfig.class);

  private final Schema<T> schema;

  private ConfigLoader(Class<T> type) {
    schema = new Schema<>(type);
  }

  /**
   * Resolves a configuration.
   *
   * @param file the user's YAML, or null
   * @param overrides texts {@code key=value}; the value is YAML, and {@code key.name=value} sets
   *     one entry of a key that is a map
   * @throws InputException on an unknown key, a wrong type or range, or an unreadable file
   */
  public T load(@Nullable Path file, List<String> overrides) {
    Map<String, @Nullable Object> given = new LinkedHashMap<>();
    if (file != null) {
      Yaml.map(read(file), file.toString())
          .forEach(
              (name, value) -> {
                schema.key(name, file + ": ");
                given.put(name, value);
              });
    }
    Map<String, @Nullable Object> values = schema.defaults();
    schema
        .recipe(task(given, overrides))
        .forEach((name, value) -> values.put(schema.key(name, "").name(), value));
    values.putAll(given);
    overrides.forEach(text -> override(text, values));
    return schema.build(values);
  }

  /** What decides on the recipe: train_file, or eval_file where nothing is trained. */
  private @Nullable Object task(Map<String, @Nullable Object> given, List<String> overrides) {
    String name = schema.has("train_file") ? "train_file" : "eval_file";
    Object file = given.getOrDefault(name, ModelSettings.EMBEDDED);
    for (String text : overrides) {
      if (text.startsWith(name + "=")) {
        file = text.substring(text.indexOf('=') + 1);
      }
    }
    return file;
  }

  private void override(String text, Map<String, @Nullable Object> values) {
    int equals = text.indexOf('=');
    if (equals <= 0) {
      throw new InputException("'%s' is not an override: want key=value".formatted(text));
    }
    String name = text.substring(0, equals);
    String rest = text.substring(equals + 1);
    int dot = name.indexOf('.');
    KeySpec spec = schema.key(dot < 0 ? name : name.substring(0, dot), "");
    Object value = value(spec, name, rest);
    if (dot < 0) {
      values.put(name, value);
      return;
    }
    if (!spec.isMap()) {
      throw new InputException("%s: %s is not a map of options".formatted(text, spec.name()));
    }
    Map<String, Object> map = new LinkedHashMap<>();
    if (values.get(spec.name()) instanceof Map<?, ?> old) {
      old.forEach((k, v) -> map.put(String.valueOf(k), v));
    }
    if (value == null) {
      map.remove(name.substring(dot + 1));
    } else {
      map.put(name.substring(dot + 1), value);
    }
    values.put(spec.name(), map);
  }

  /** Text is taken as it is (a folder may hold any character), everything else is YAML. */
  private static @Nullable Object value(KeySpec spec, String name, String text) {
    if (spec.type() == String.class && !(spec.optional() && text.equals("null"))) {
      return text;
    }
    try {
      return Yaml.value(text);
    } catch (InputException e) {
      throw new InputException("%s=%s: want %s".formatted(name, text, spec.expected()), e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw new InputException("config file %s does not exist".formatted(file), e);
    } catch (MalformedInputException e) {
      throw new InputException("config file %s is not UTF-8 text".formatted(file), e);
    } catch (IOException e) {
      throw new InputException("config file %s: cannot read it: %s".formatted(file, e), e);
    }
  }

  /**
   * The configuration as YAML with every key, which {@link #load} reads back to an equal record.
   */
  public String toYaml(T config) {
    StringBuilder text = new StringBuilder();
    schema
        .flatten(config)
        .forEach(
            (name, value) -> text.append(name).append(": ").append(Yaml.text(value)).append('\n'));
    return text.toString();
  }

  /** The flat values in the order of their declaration, as YAML understands them. */
  public Map<String, @Nullable Object> values(T config) {
    return schema.flatten(config);
  }

  /** Lines of help: the keys by group with default, its source, meaning and what they take. */
  public List<String> help() {
    return schema.help();
  }
}
