package org.grpo4j.trainer.config;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.text.WordUtils;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;
import org.jspecify.annotations.Nullable;

/**
 * The keys of one command's configuration record, in the order they are declared, and the way from
 * a flat map of values to the record and back.
 */
final class Schema<T extends Record> {
  private static final int HELP_WIDTH = 98;
  private static final String HELP_INDENT = "      ";

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

  /**
   * Help of at most {@link #HELP_WIDTH} columns: the keys under the names of their groups, each
   * with its default and where that comes from, below it what it means and takes.
   */
  List<String> help() {
    List<String> lines = new ArrayList<>();
    help(type, lines);
    return lines;
  }

  private void help(Class<?> record, List<String> lines) {
    for (RecordComponent component : record.getRecordComponents()) {
      Key key = component.getAnnotation(Key.class);
      if (key == null) {
        lines.add("");
        lines.add(component.getName() + ":");
        help(component.getType(), lines);
      } else {
        lines.addAll(help(KeySpec.of(component, key)));
      }
    }
  }

  private List<String> help(KeySpec spec) {
    String name = spec.name();
    Map<String, @Nullable Object> recipe = recipe(ModelSettings.EMBEDDED);
    List<String> notes = new ArrayList<>();
    if (!spec.declaration().source().equals(Key.OWN)) {
      notes.add("as in " + spec.declaration().source());
    }
    if (recipe.containsKey(name)) {
      notes.add("embedded task: " + Yaml.text(recipe.get(name)));
    }
    String first = "  " + name + "=" + Yaml.text(defaults().get(name));
    String meaning = spec.declaration().doc() + " Takes " + spec.expected() + ".";
    List<String> lines = new ArrayList<>();
    lines.add(notes.isEmpty() ? first : first + "  (" + String.join("; ", notes) + ")");
    WordUtils.wrap(meaning, HELP_WIDTH - HELP_INDENT.length())
        .lines()
        .forEach(line -> lines.add(HELP_INDENT + line));
    return lines;
  }
}
