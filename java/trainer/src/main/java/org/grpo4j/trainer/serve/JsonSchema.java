package org.grpo4j.trainer.serve;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a JSON value may be: the part of JSON Schema that a completion can be held to while it is
 * written.
 */
sealed interface JsonSchema {
  JsonSchema ANY = new Any();
  JsonSchema ANY_OBJECT = new Members(Map.of(), Set.of(), ANY);
  JsonSchema ANY_ARRAY = new Elements(ANY, 0, Integer.MAX_VALUE);

  /** Where a value that begins at a place of a text ends, as {@link JsonPrefix} says it. */
  int end(JsonPrefix prefix, int at);

  /**
   * Objects and arrays in each other that the flattest value has; {@link JsonPrefix#MAX_DEPTH} or
   * more: there is no value.
   */
  int depth();

  /** Every value. */
  record Any() implements JsonSchema {
    @Override
    public int end(JsonPrefix prefix, int at) {
      return prefix.anyValue(at);
    }

    @Override
    public int depth() {
      return 0;
    }
  }

  /** Every string. */
  record Text() implements JsonSchema {
    @Override
    public int end(JsonPrefix prefix, int at) {
      return prefix.string(at);
    }

    @Override
    public int depth() {
      return 0;
    }
  }

  /**
   * Every number.
   *
   * @param integer neither fraction nor exponent
   */
  record Numbers(boolean integer) implements JsonSchema {
    @Override
    public int end(JsonPrefix prefix, int at) {
      return integer ? prefix.integer(at) : prefix.number(at);
    }

    @Override
    public int depth() {
      return 0;
    }
  }

  /**
   * One of some values.
   *
   * @param texts numbers, true, false and null, as JSON text
   * @param strings their values
   */
  record Literals(List<String> texts, List<String> strings) implements JsonSchema {
    public Literals {
      texts = List.copyOf(texts);
      strings = List.copyOf(strings);
    }

    static Literals of(String... texts) {
      return new Literals(List.of(texts), List.of());
    }

    @Override
    public int end(JsonPrefix prefix, int at) {
      return IntStream.concat(
              texts.stream().mapToInt(text -> prefix.literal(at, text)),
              strings.stream().mapToInt(value -> prefix.string(at, value)))
          .max()
          .orElse(JsonPrefix.WRONG);
    }

    @Override
    public int depth() {
      return 0;
    }
  }

  /**
   * An object; its members may come in any order.
   *
   * @param properties by name
   * @param required names among them
   * @param others what a member of another name has to be; null: there is none
   */
  record Members(
      Map<String, JsonSchema> properties, Set<String> required, @Nullable JsonSchema others)
      implements JsonSchema {
    public Members {
      properties = new LinkedHashMap<>(properties);
      required = Set.copyOf(required);
    }

    @Override
    public int end(JsonPrefix prefix, int at) {
      Set<String> names = new HashSet<>();
      return prefix.container(
          at,
          '{',
          '}',
          new JsonPrefix.Items() {
            @Override
            public int read(int start) {
              return member(prefix, start, names);
            }

            @Override
            public boolean mayEnd(int count) {
              return names.containsAll(required);
            }

            @Override
            public boolean mayGoOn(int count) {
              return allowsOthers(prefix)
                  || properties.keySet().stream().anyMatch(name -> free(prefix, name, names));
            }
          });
    }

    private boolean allowsOthers(JsonPrefix prefix) {
      return others != null && prefix.hasRoomFor(others);
    }

    private boolean free(JsonPrefix prefix, String name, Set<String> names) {
      JsonSchema own = properties.get(name);
      return own != null && !names.contains(name) && prefix.hasRoomFor(own);
    }

    private int member(JsonPrefix prefix, int at, Set<String> names) {
      int open = JsonPrefix.WRONG;
      for (Map.Entry<String, JsonSchema> property : properties.entrySet()) {
        int end = prefix.string(at, property.getKey());
        if (end >= 0) {
          return free(prefix, property.getKey(), names) && names.add(property.getKey())
              ? prefix.valueAfterColon(end, property.getValue())
              : JsonPrefix.WRONG;
        }
        if (end == JsonPrefix.OPEN && free(prefix, property.getKey(), names)) {
          open = end;
        }
      }
      int end = allowsOthers(prefix) ? prefix.string(at) : open;
      return end >= 0 && others != null ? prefix.valueAfterColon(end, others) : end;
    }

    @Override
    public int depth() {
      return 1 + required.stream().mapToInt(name -> depth(properties.get(name))).max().orElse(0);
    }

    private static int depth(@Nullable JsonSchema property) {
      return property == null ? JsonPrefix.MAX_DEPTH : property.depth();
    }
  }

  /** An array of {@code least} to {@code most} elements. */
  record Elements(JsonSchema items, int least, int most) implements JsonSchema {
    @Override
    public int end(JsonPrefix prefix, int at) {
      return prefix.container(
          at,
          '[',
          ']',
          new JsonPrefix.Items() {
            @Override
            public int read(int start) {
              return prefix.value(start, items);
            }

            @Override
            public boolean mayEnd(int count) {
              return count >= least;
            }

            @Override
            public boolean mayGoOn(int count) {
              return count < most && prefix.hasRoomFor(items);
            }
          });
    }

    @Override
    public int depth() {
      return 1 + (least > 0 ? items.depth() : 0);
    }
  }

  /** A value of one of some schemas. */
  record AnyOf(List<JsonSchema> alternatives) implements JsonSchema {
    public AnyOf {
      alternatives = List.copyOf(alternatives);
    }

    @Override
    public int end(JsonPrefix prefix, int at) {
      // JSON alone decides where a value ends, so that alternatives that end do so at one place.
      return alternatives.stream()
          .mapToInt(each -> prefix.value(at, each))
          .max()
          .orElse(JsonPrefix.WRONG);
    }

    @Override
    public int depth() {
      return alternatives.stream().mapToInt(JsonSchema::depth).min().orElse(JsonPrefix.MAX_DEPTH);
    }
  }

  /** A schema that has a name, and may hold itself. */
  final class Named implements JsonSchema {
    private JsonSchema schema = ANY;
    private int depth = JsonPrefix.MAX_DEPTH;

    void set(JsonSchema schema) {
      this.schema = schema;
    }

    JsonSchema schema() {
      return schema;
    }

    /** Takes over the depth from what is known of the others; false: nothing new. */
    boolean learnDepth() {
      int before = depth;
      depth = Math.min(JsonPrefix.MAX_DEPTH, schema.depth());
      return depth < before;
    }

    @Override
    public int end(JsonPrefix prefix, int at) {
      return schema.end(prefix, at);
    }

    @Override
    public int depth() {
      return depth;
    }
  }
}
