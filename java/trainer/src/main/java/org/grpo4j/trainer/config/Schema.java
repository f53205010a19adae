package org.grpo4j.trainer.config;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;
import org.jspecify.annotations.Nullable;

/**
 * The keys of one command's configuration record, in the order they are declared, and the way from
 * a flat map of values to the record and back.
 */
final class Schema<T extends Record> {
  private final Class<T> type;
  private final Map<String, KeySpec> keys = new LinkedHashMap<>();

  Schema(Class<T> type) {
    this.type = type;
    collect(type);
  }

  private void collect(Class<?> record) {
    for (RecordComponent component : record.getRecordComponents()) {
      Key key = component.getAnnotation(Key.class);
      if (key == null) {
        collect(component.getType());
        continue;
      }
      KeySpec spec = KeySpec.of(component, key);
      if (keys.put(spec.name(), spec) != null) {
        throw new IllegalStateException("key " + spec.name() + " is declared twice in " + type);
      }
    }
  }

  boolean has(String name) {
    return keys.containsKey(name);
  }

  List<KeySpec> keys() {
    return List.copyOf(keys.values());
  }

  /** The defaults of this command before the embedded task's recipe. */
  Map<String, @Nullable Object> defaults() {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    keys.forEach((name, spec) -> values.put(name, Yaml.value(spec.declaration().byDefault())));
    Defaults own = type.getAnnotation(Defaults.class);
    if (own != null) {
      values.putAll(Yaml.map(String.join("\n", own.value()), "defaults of " + type));
    }
    return values;
  }

  /**
   * The recipe of an embedded task.
   *
   * @param trainFile the value of {@code train_file}; empty where it has no recipe
   */
  Map<String, @Nullable Object> recipe(@Nullable Object trainFile) {
    Defaults own = type.getAnnotation(Defaults.class);
    if (own == null) {
      return Map.of();
    }
    String resource =
        ModelSettings.EMBEDDED.equals(trainFile)
            ? own.embeddedTask()
            : ModelSettings.EMBEDDED_MULTI_TURN.equals(trainFile) ? own.embeddedMultiTurn() : "";
    return resource.isEmpty() ? Map.of() : Yaml.resource(type, resource);
  }

  /**
   * The declaration of a key.
   *
   * @throws InputException suggesting the nearest key, prefixed by {@code where}
   */
  KeySpec key(String name, String where) {
    KeySpec spec = keys.get(name);
    if (spec != null) {
      return spec;
    }
    String hint =
        NearestName.of(keys.keySet(), name)
            .map(k -> "did you mean '" + k + "'?")
            .orElse("see --help for the keys of this command");
    throw new InputException("%sunknown key '%s': %s".formatted(where, name, hint));
  }

  /** Builds the record from values that hold every key. */
  T build(Map<String, @Nullable Object> values) {
    return construct(type, values);
  }

  private static <R> R construct(Class<R> record, Map<String, @Nullable Object> values) {
    RecordComponent[] components = record.getRecordComponents();
    @Nullable Object[] arguments = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      Key key = components[i].getAnnotation(Key.class);
      if (key == null) {
        arguments[i] = construct(components[i].getType(), values);
      } else {
        KeySpec spec = KeySpec.of(components[i], key);
        arguments[i] = spec.convert(values.get(spec.name()));
      }
    }
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      return record.getDeclaredConstructor(types).newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof InputException input) {
        throw input;
      }
      throw new IllegalStateException("cannot build " + record, e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("cannot build " + record, e);
    }
  }

  /** The flat values of a record, as YAML understands them. */
  Map<String, @Nullable Object> flatten(T config) {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    flatten(config, values);
    return values;
  }

  private static void flatten(Record record, Map<String, @Nullable Object> values) {
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      Object value;
      try {
        value = component.getAccessor().invoke(record);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("cannot read " + component, e);
      }
      Key key = component.getAnnotation(Key.class);
      if (key == null && value instanceof Record group) {
        flatten(group, values);
      } else if (key != null) {
        values.put(
            KeySpec.of(component, key).name(),
            value instanceof Enum<?> constant ? KeySpec.enumName(constant) : value);
      }
    }
  }

  /** One line per key: name, default and its source, meaning. */
  List<String> help() {
    Map<String, @Nullable Object> recipe = recipe(ModelSettings.EMBEDDED);
    Map<String, @Nullable Object> defaults = defaults();
    List<String> lines = new ArrayList<>();
    for (KeySpec spec : keys.values()) {
      String name = spec.name();
      StringBuilder line = new StringBuilder();
      line.append(name).append('=').append(Yaml.text(defaults.get(name)));
      line.append("  (default: ").append(spec.declaration().source());
      if (recipe.containsKey(name)) {
        line.append("; embedded task: ").append(Yaml.text(recipe.get(name)));
      }
      line.append(")\n      ").append(spec.declaration().doc());
      line.append(" Takes ").append(spec.expected()).append('.');
      lines.add(line.toString());
    }
    return lines;
  }
}
