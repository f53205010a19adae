package org.grpo4j.torch.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.jinja.Template;
import org.grpo4j.torch.text.jinja.TemplateException;
import org.jspecify.annotations.Nullable;

/**
 * The chat template of a checkpoint: messages in, prompt text out, character for character what
 * transformers' {@code apply_chat_template} gives.
 */
public final class ChatTemplate {
  private final Path source;
  private final Template template;
  private final Map<String, String> specialTokens;

  private ChatTemplate(Path source, Template template, Map<String, String> specialTokens) {
    this.source = source;
    this.template = template;
    this.specialTokens = specialTokens;
  }

  /**
   * Reads {@code chat_template.jinja}, else {@code chat_template} of tokenizer_config.json.
   *
   * @return empty where the folder has neither
   * @throws InputException the template or the file around it is malformed
   */
  public static Optional<ChatTemplate> load(Path folder) {
    Path config = folder.resolve("tokenizer_config.json");
    Optional<ObjectNode> settings =
        Files.isRegularFile(config) ? Optional.of(JsonFiles.readObject(config)) : Optional.empty();
    Map<String, String> tokens = settings.map(ChatTemplate::tokens).orElse(Map.of());
    Path file = folder.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      try {
        return Optional.of(parse(file, Files.readString(file), tokens));
      } catch (IOException e) {
        throw JsonFiles.unreadable(file, e);
      }
    }
    return settings.flatMap(node -> text(config, node)).map(text -> parse(config, text, tokens));
  }

  /**
   * The template of a folder that must have one.
   *
   * @throws InputException the folder has none
   */
  public static ChatTemplate require(Path folder) {
    return load(folder)
        .orElseThrow(
            () ->
                new InputException(
                    folder
                        + ": the tokenizer has no chat template; add a chat_template.jinja, or use"
                        + " data whose prompt is raw text"));
  }

  /**
   * @param source the file it came from, for messages
   * @param specialTokens bos_token and its like, which templates may write
   */
  public static ChatTemplate parse(Path source, String text, Map<String, String> specialTokens) {
    try {
      return new ChatTemplate(source, Template.parse(text), Map.copyOf(specialTokens));
    } catch (TemplateException e) {
      throw failure(source, e);
    }
  }

  /** The default template where several are named, as older transformers allow. */
  private static Optional<String> text(Path config, ObjectNode settings) {
    JsonNode value = settings.path("chat_template");
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (value.isTextual()) {
      return Optional.of(value.asText());
    }
    for (JsonNode named : value) {
      if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
        return Optional.of(named.path("template").asText());
      }
    }
    throw new InputException(
        config + ": chat_template must be text, or a list with a template named default");
  }

  private static Map<String, String> tokens(ObjectNode settings) {
    Map<String, String> tokens = new HashMap<>();
    settings
        .properties()
        .forEach(
            field -> {
              JsonNode value = field.getValue();
              JsonNode text = value.isObject() ? value.path("content") : value;
              if (field.getKey().endsWith("_token") && text.isTextual()) {
                tokens.put(field.getKey(), text.asText());
              }
            });
    return tokens;
  }

  /**
   * @param messages role, content, tool_calls, … of each turn
   * @param tools tool signatures, empty for none
   * @param kwargs further variables of the template, for example enable_thinking
   * @param addGenerationPrompt end with the opening of the assistant's turn
   * @throws InputException the template refuses the messages or cannot render them
   */
  public String render(
      List<Map<String, Object>> messages,
      List<Map<String, Object>> tools,
      Map<String, Object> kwargs,
      boolean addGenerationPrompt) {
    Map<String, @Nullable Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", messages);
    variables.put("tools", tools.isEmpty() ? null : tools);
    variables.put("documents", null);
    variables.put("add_generation_prompt", addGenerationPrompt);
    variables.putAll(kwargs);
    try {
      return template.render(variables);
    } catch (TemplateException e) {
      throw failure(source, e);
    }
  }

  /** The file the template was read from. */
  public Path source() {
    return source;
  }

  private static InputException failure(Path source, TemplateException e) {
    String where = e.line() > 0 ? " line " + e.line() + " of the chat template" : "chat template";
    String what = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    return new InputException(source + ": " + where.strip() + ": " + what, e);
  }
}
