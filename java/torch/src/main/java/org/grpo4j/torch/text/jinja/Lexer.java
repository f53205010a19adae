package org.grpo4j.torch.text.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.grpo4j.torch.text.jinja.Token.Kind;

/**
 * Cuts a template into tokens, with the whitespace rules transformers renders chat templates under:
 * trim_blocks (one newline after a block tag or comment goes) and lstrip_blocks (so do the blanks
 * before one that stands first on its line); {@code -} and {@code +} at a tag override them.
 */
final class Lexer {
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
  private static final Pattern FLOAT =
      Pattern.compile("\\d[\\d_]*(?:(?:\\.\\d[\\d_]*)?[eE][+-]?\\d+|\\.\\d[\\d_]*)");
  private static final Pattern INTEGER = Pattern.compile("\\d[\\d_]*");
  private static final Pattern STRING =
      Pattern.compile(
          "'[^'\\\\]*(?:\\\\.[^'\\\\]*)*'|\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\"", Pattern.DOTALL);
  private static final Pattern OPERATOR =
      Pattern.compile("//|\\*\\*|==|!=|<=|>=|[+\\-*/%~<>=.,:|()\\[\\]{}]");
  private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*([-+]?)%\\}");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int countedTo;
  private int line = 1;

  /** Whether what comes next in the source starts a line of the template. */
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    // Jinja drops one newline at the very end.
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    return new Lexer(source).run();
  }

  private List<Token> run() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        text(source.substring(at));
        at = source.length();
        break;
      }
      char kind = source.charAt(tag + 1);
      char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
      text(before(source.substring(at, tag), kind, sign));
      at = tag;
      if (kind == '#') {
        comment();
      } else if (kind == '%') {
        block();
      } else {
        add(Kind.PRINT_BEGIN, "{{");
        at = tag + (sign == '-' || sign == '+' ? 3 : 2);
        expression(false);
      }
    }
    add(Kind.END, "");
    return tokens;
  }

  private int nextTag() {
    for (int i = at; i + 1 < source.length(); i++) {
      if (source.charAt(i) == '{' && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** The text in front of a tag, less what the tag's whitespace control takes. */
  private String before(String text, char kind, char sign) {
    if (sign == '-') {
      return Text.strip(text, false, true);
    }
    if (sign != '+' && kind != '{') {
      int start = text.lastIndexOf('\n') + 1;
      if ((start > 0 || lineStarting) && Text.isBlank(text.substring(start))) {
        return text.substring(0, start);
      }
    }
    return text;
  }

  private void text(String text) {
    if (!text.isEmpty()) {
      add(Kind.TEXT, text);
    }
  }

  private void comment() {
    int end = source.indexOf("#}", at + 2);
    if (end < 0) {
      throw error("a comment is not closed with #}");
    }
    char sign = end > at + 2 ? source.charAt(end - 1) : ' ';
    at = end + 2;
    afterTag(sign, true);
  }

  private void block() {
    Matcher raw = RAW.matcher(source).region(at, source.length());
    if (raw.lookingAt()) {
      raw(raw);
      return;
    }
    add(Kind.BLOCK_BEGIN, "{%");
    char sign = at + 2 < source.length() ? source.charAt(at + 2) : ' ';
    at += sign == '-' || sign == '+' ? 3 : 2;
    expression(true);
  }

  private void raw(Matcher begin) {
    at = begin.end();
    afterTag(sign(begin.group(1)), true);
    Matcher end = END_RAW.matcher(source);
    if (!end.find(at)) {
      throw error("{% raw %} is not closed with {% endraw %}");
    }
    text(before(source.substring(at, end.start()), '%', sign(end.group(1))));
    at = end.end();
    afterTag(sign(end.group(2)), true);
  }

  private static char sign(String group) {
    return group.isEmpty() ? ' ' : group.charAt(0);
  }

  /** Skips what the end of a tag takes from the text after it. */
  private void afterTag(char sign, boolean block) {
    int from = at;
    if (sign == '-') {
      while (at < source.length() && Text.isSpace(source.charAt(at))) {
        at++;
      }
    } else if (block && sign != '+' && at < source.length() && source.charAt(at) == '\n') {
      at++;
    }
    lineStarting = at > from && source.charAt(at - 1) == '\n';
  }

  private void expression(boolean block) {
    Deque<Character> open = new ArrayDeque<>();
    String close = block ? "%}" : "}}";
    while (true) {
      while (at < source.length() && Text.isSpace(source.charAt(at))) {
        at++;
      }
      if (at >= source.length()) {
        throw error("a tag is not closed with " + close);
      }
      if (open.isEmpty()) {
        char sign = source.charAt(at);
        boolean signed =
            (sign == '-' || (sign == '+' && block)) && source.startsWith(close, at + 1);
        if (signed || source.startsWith(close, at)) {
          add(block ? Kind.BLOCK_END : Kind.PRINT_END, close);
          at += signed ? 3 : 2;
          afterTag(signed ? sign : ' ', block);
          return;
        }
      }
      token(open);
    }
  }

  private void token(Deque<Character> open) {
    for (Kind kind : List.of(Kind.NAME, Kind.FLOAT, Kind.INTEGER, Kind.STRING, Kind.OPERATOR)) {
      Matcher matcher = pattern(kind).matcher(source).region(at, source.length());
      if (matcher.lookingAt()) {
        String text = matcher.group();
        if (kind == Kind.OPERATOR) {
          balance(open, text.charAt(0));
        }
        add(kind, kind == Kind.STRING ? unescape(text.substring(1, text.length() - 1)) : text);
        at = matcher.end();
        return;
      }
    }
    throw error("unexpected character '" + source.charAt(at) + "'");
  }

  private static Pattern pattern(Kind kind) {
    return switch (kind) {
      case NAME -> NAME;
      case FLOAT -> FLOAT;
      case INTEGER -> INTEGER;
      case STRING -> STRING;
      default -> OPERATOR;
    };
  }

  private void balance(Deque<Character> open, char c) {
    switch (c) {
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '{' -> open.push('}');
      case ')', ']', '}' -> {
        if (open.isEmpty() || open.pop() != c) {
          throw error("unexpected '" + c + "'");
        }
      }
      default -> {}
    }
  }

  /** Python's escapes; an unknown one keeps its backslash. */
  private String unescape(String raw) {
    if (raw.indexOf('\\') < 0) {
      return raw;
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char next = raw.charAt(++i);
      int simple = "ntrbfav0".indexOf(next);
      int digits = next == 'x' ? 2 : next == 'u' ? 4 : next == 'U' ? 8 : 0;
      if (simple >= 0) {
        out.append("\n\t\r\b\f\u0007\u000b\0".charAt(simple));
      } else if (next == '\\' || next == '\'' || next == '"') {
        out.append(next);
      } else if (digits > 0) {
        if (i + digits >= raw.length()) {
          throw error("a \\" + next + " escape needs " + digits + " hexadecimal digits");
        }
        String hex = raw.substring(i + 1, i + 1 + digits);
        if (!hex.matches("[0-9a-fA-F]+")) {
          throw error("\\" + next + hex + " is not a character");
        }
        out.appendCodePoint(Integer.parseInt(hex, 16));
        i += digits;
      } else if (next != '\n') {
        out.append(c).append(next);
      }
    }
    return out.toString();
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, lineAt()));
  }

  private int lineAt() {
    for (; countedTo < at; countedTo++) {
      if (source.charAt(countedTo) == '\n') {
        line++;
      }
    }
    return line;
  }

  private TemplateException error(String message) {
    return new TemplateException(message, lineAt());
  }
}
