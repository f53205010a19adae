package org.grpo4j.torch.text.jinja;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A parsed template; it can be rendered any number of times, by several threads. */
public final class Template {
  private static final int MAX_RANGE = 100_000;

  private final Node root;

  private Template(Node root) {
    this.root = root;
  }

  /**
   * @throws TemplateException the text is no template, or uses what is not supported
   */
  public static Template parse(String template) {
    return new Template(TemplateParser.parse(template));
  }

  /**
   * @param variables what the template may use; null values are Python's None
   * @throws TemplateException rendering fails, or the template calls raise_exception
   */
  public String render(Map<String, @Nullable Object> variables) {
    Scope globals = new Scope(null);
    globals.set("raise_exception", (Callable) Template::raise);
    globals.set("namespace", (Callable) given -> new Namespace("namespace", given.named()));
    globals.set(
        "dict",
        (Callable)
            given ->
                new LinkedHashMap<>(
                    given.expect(0, given.named().keySet().toArray(String[]::new)).named()));
    globals.set("range", (Callable) Template::range);
    globals.set("strftime_now", (Callable) Template::now);
    Scope scope = new Scope(globals);
    variables.forEach(scope::set);
    StringBuilder out = new StringBuilder();
    root.run(scope, out);
    return out.toString();
  }

  private static @Nullable Object raise(Arguments given) {
    throw new TemplateException(Values.str(given.expect(1).required(0, "message")));
  }

  private static List<@Nullable Object> range(Arguments given) {
    given.expect(3);
    boolean one = given.positional().size() == 1;
    long start = one ? 0 : given.integer(0, "start", 0);
    long stop = Values.integer(given.required(one ? 0 : 1, "stop"), "range");
    long step = given.integer(2, "step", 1);
    if (step == 0 || Math.abs(stop - start) / Math.abs(step) > MAX_RANGE) {
      throw new TemplateException("range must have at most " + MAX_RANGE + " elements");
    }
    List<@Nullable Object> values = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      values.add(i);
    }
    return values;
  }

  /** Python's strftime of the present moment, for the letters that templates use. */
  private static String now(Arguments given) {
    String format = given.expect(1).text(0, "format");
    LocalDateTime now = LocalDateTime.now(ZoneId.systemDefault());
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char letter = format.charAt(++i);
      String pattern =
          switch (letter) {
            case 'd' -> "dd";
            case 'm' -> "MM";
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'b' -> "MMM";
            case 'B' -> "MMMM";
            case 'a' -> "EEE";
            case 'A' -> "EEEE";
            case 'H' -> "HH";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case '%' -> "'%'";
            default ->
                throw new TemplateException("strftime_now: %" + letter + " is not supported");
          };
      out.append(now.format(DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH)));
    }
    return out.toString();
  }
}
