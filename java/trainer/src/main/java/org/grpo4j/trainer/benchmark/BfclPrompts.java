package org.grpo4j.trainer.benchmark;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.PythonJsonText;
import org.grpo4j.trainer.python.PythonText;

/**
 * What a model is asked for a BFCL question. Conversations go through the checkpoint's chat
 * template: with Qwen3's, prompts are byte for byte those of BFCL's {@code QwenHandler} and {@code
 * QwenFCHandler}. For Llama the benchmark writes the whole prompt, as its {@code LlamaHandler} and
 * {@code LlamaHandler_3_1} do.
 */
public final class BfclPrompts {
  private static final String FUNCTIONS = "{functions}";

  /** What Llama 3.1's template writes of itself, with the date that it was given out with. */
  private static final String LLAMA_SYSTEM =
      "Environment: ipython\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";

  private BfclPrompts() {}

  /**
   * The question in a format.
   *
   * @throws InputException if the question's messages or functions are not as BFCL has them
   */
  public static BenchmarkQuestion question(BfclQuestion question, PromptFormat format) {
    boolean llama = format == PromptFormat.LLAMA || format == PromptFormat.LLAMA_JSON;
    List<Map<String, Object>> messages = messages(question, format);
    return llama
        ? new BenchmarkQuestion(
            question.id(), question.category(), List.of(), llamaPrompt(messages))
        : BenchmarkQuestion.ofMessages(question.id(), question.category(), messages);
  }

  /** Messages with role and content. */
  static List<Map<String, Object>> messages(BfclQuestion question, PromptFormat format) {
    if (question.messages().isEmpty()) {
      throw new InputException("question %s has no message".formatted(question.id()));
    }
    List<Map<String, Object>> functions = BfclFunctions.described(question);
    return switch (format) {
      case PROMPT -> prompted(question, functions);
      case LLAMA -> stripped(question, prompted(question, functions));
      case TOOLS -> tools(question, functions);
      case LLAMA_JSON -> llamaJson(question, functions);
      case REST -> rest(question, functions);
    };
  }

  private static List<Map<String, Object>> prompted(
      BfclQuestion question, List<Map<String, Object>> functions) {
    String text = resource("bfcl-prompt.txt");
    return withSystem(question, text.replace(FUNCTIONS, PythonJsonText.ascii(functions, 4)));
  }

  private static List<Map<String, Object>> stripped(
      BfclQuestion question, List<Map<String, Object>> messages) {
    return messages.stream()
        .map(m -> message(String.valueOf(m.get("role")), PythonText.strip(content(question, m))))
        .toList();
  }

  private static boolean startsWithSystem(BfclQuestion question) {
    return "system".equals(question.messages().get(0).get("role"));
  }

  private static String content(BfclQuestion question, Map<String, Object> message) {
    if (message.get("content") instanceof String text) {
      return text;
    }
    throw new InputException("question %s: a message without text".formatted(question.id()));
  }

  /** The system prompt, before the question's own where it has one. */
  private static List<Map<String, Object>> withSystem(BfclQuestion question, String system) {
    List<Map<String, Object>> rest = question.messages();
    String text = system;
    if (startsWithSystem(question)) {
      text = system + "\n\n" + content(question, rest.get(0));
      rest = rest.subList(1, rest.size());
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    messages.add(message("system", text));
    messages.addAll(rest);
    return messages;
  }

  private static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  /**
   * Qwen's template writes tools into the system message; here they are in it already, because the
   * official handler writes them as ASCII and templates do not.
   */
  private static List<Map<String, Object>> tools(
      BfclQuestion question, List<Map<String, Object>> functions) {
    if (functions.isEmpty()) {
      return question.messages();
    }
    StringBuilder lines = new StringBuilder();
    functions.forEach(function -> lines.append('\n').append(PythonJsonText.ascii(function)));
    String text = resource("bfcl-tools.txt").replace(FUNCTIONS, lines);
    List<Map<String, Object>> rest = question.messages();
    if (startsWithSystem(question)) {
      text = content(question, rest.get(0)) + "\n\n" + text;
      rest = rest.subList(1, rest.size());
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    messages.add(message("system", text));
    messages.addAll(rest);
    return messages;
  }

  /** The first message of the user's tells of the functions, wherever it stands. */
  private static List<Map<String, Object>> llamaJson(
      BfclQuestion question, List<Map<String, Object>> functions) {
    List<Map<String, Object>> rest = stripped(question, question.messages());
    String system = "";
    if (startsWithSystem(question)) {
      system = content(question, rest.get(0));
      rest = rest.subList(1, rest.size());
    }
    StringBuilder listed = new StringBuilder();
    functions.forEach(f -> listed.append(PythonJsonText.ascii(f, 4)).append("\n\n"));
    String told = resource("bfcl-llama-json.txt").replace(FUNCTIONS, listed);
    List<Map<String, Object>> messages = new ArrayList<>();
    messages.add(message("system", LLAMA_SYSTEM + system));
    for (Map<String, Object> each : rest) {
      boolean first = !told.isEmpty() && "user".equals(each.get("role"));
      messages.add(first ? message("user", told + each.get("content")) : each);
      told = first ? "" : told;
    }
    return messages;
  }

  /** Messages between Llama 3's own tokens, and the opening of the assistant's. */
  private static String llamaPrompt(List<Map<String, Object>> messages) {
    StringBuilder prompt = new StringBuilder("<|begin_of_text|>");
    for (Map<String, Object> message : messages) {
      prompt
          .append("<|start_header_id|>")
          .append(message.get("role"))
          .append("<|end_header_id|>\n\n")
          .append(message.get("content"))
          .append("<|eot_id|>");
    }
    return prompt.append("<|start_header_id|>assistant<|end_header_id|>\n\n").toString();
  }

  /** ToolRL's handler: one user message holds the conversation, a system message is left out. */
  private static List<Map<String, Object>> rest(
      BfclQuestion question, List<Map<String, Object>> functions) {
    StringBuilder tools = new StringBuilder();
    for (int i = 0; i < functions.size(); i++) {
      Map<String, Object> function = functions.get(i);
      Object properties =
          function.get("parameters") instanceof Map<?, ?> p && p.get("properties") != null
              ? p.get("properties")
              : Map.of();
      tools
          .append(i == 0 ? "" : "\n")
          .append("%d. Name: %s\n".formatted(i + 1, function.get("name")))
          .append("Description: %s\n".formatted(function.get("description")))
          .append("Parameters: ")
          .append(PythonJsonText.ascii(properties));
    }
    StringBuilder user = new StringBuilder("**Dialogue Records History**\n");
    for (Map<String, Object> message : question.messages()) {
      String text = PythonText.strip(content(question, message));
      if ("user".equals(message.get("role"))) {
        user.append("<user> ").append(text).append('\n').append(resource("rest-user.txt"));
        user.append(" </user>\n");
      } else if ("assistant".equals(message.get("role"))) {
        user.append('\n').append(text).append('\n');
      }
    }
    return List.of(
        message("system", resource("rest-system.txt").replace(FUNCTIONS, tools)),
        message("user", PythonText.strip(user.toString())));
  }

  private static String resource(String name) {
    try (InputStream in = BfclPrompts.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + " is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("resource " + name + " is unreadable", e);
    }
  }
}
