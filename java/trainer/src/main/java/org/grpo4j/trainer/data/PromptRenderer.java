package org.grpo4j.trainer.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.torch.text.Tokenizer;

/**
 * Turns examples into token ids: conversations through the chat template with the opening of the
 * assistant's turn at the end, raw prompts as they are.
 *
 * <p>A prompt that is longer than allowed is dropped and counted, never cut: a cut prompt has lost
 * its beginning or its question, and its reward says nothing.
 */
public final class PromptRenderer {
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final Map<String, Object> templateArguments;
  private final int maxPromptLength;

  /**
   * @param template empty if the checkpoint has none; only raw prompts can be rendered then
   * @param templateArguments variables for the template, for example enable_thinking
   * @param maxPromptLength most tokens of a prompt, at least 1
   */
  public PromptRenderer(
      Tokenizer tokenizer,
      Optional<ChatTemplate> template,
      Map<String, Object> templateArguments,
      int maxPromptLength) {
    if (maxPromptLength < 1) {
      throw new IllegalArgumentException(
          "maxPromptLength: want at least 1, got " + maxPromptLength);
    }
    this.tokenizer = tokenizer;
    this.template = template;
    this.templateArguments = Map.copyOf(templateArguments);
    this.maxPromptLength = maxPromptLength;
  }

  /**
   * Prompts that fit, in the order of their examples.
   *
   * @param dropped how many were longer than allowed
   */
  public record Rendered(List<RenderedPrompt> prompts, int dropped) {
    public Rendered {
      prompts = List.copyOf(prompts);
    }
  }

  /**
   * @throws InputException an example cannot be rendered, or none of them fits
   */
  public Rendered renderAll(List<Example> examples) {
    List<RenderedPrompt> prompts = new ArrayList<>();
    for (Example example : examples) {
      RenderedPrompt prompt = render(example);
      if (prompt.length() <= maxPromptLength) {
        prompts.add(prompt);
      }
    }
    if (prompts.isEmpty() && !examples.isEmpty()) {
      throw new InputException(
          examples.get(0).source()
              + ": every prompt is longer than max_prompt_length="
              + maxPromptLength
              + " tokens; raise it");
    }
    return new Rendered(prompts, examples.size() - prompts.size());
  }

  /**
   * One prompt, whatever its length.
   *
   * @throws InputException there is no template for its messages, or nothing to tokenize
   */
  public RenderedPrompt render(Example example) {
    // What the template writes holds its special tokens already.
    return render(example, example.prompt() != null);
  }

  /** As {@link #render(Example)}, but a raw prompt has all of its special tokens, too. */
  public RenderedPrompt renderWhole(Example example) {
    return render(example, false);
  }

  private RenderedPrompt render(Example example, boolean addSpecialTokens) {
    String raw = example.prompt();
    String text = raw == null ? chat(example, example.messages()) : raw;
    long[] ids = tokenizer.encode(text, addSpecialTokens);
    if (ids.length == 0) {
      throw new InputException(example.source() + ": the prompt is empty");
    }
    return new RenderedPrompt(example, text, ids);
  }

  /**
   * Messages with the opening of the assistant's turn at the end, in an example's template
   * arguments and tools.
   */
  String chat(Example example, List<Map<String, Object>> messages) {
    ChatTemplate chat =
        template.orElseThrow(
            () ->
                new InputException(
                    example.source()
                        + ": the prompt is a conversation, and "
                        + tokenizer.file()
                        + " has no chat template beside it; add a chat_template.jinja"));
    Map<String, Object> arguments = new HashMap<>(templateArguments);
    // TRL's column for template variables of a single row.
    if (example.extra().get("chat_template_kwargs") instanceof Map<?, ?> own) {
      own.forEach((name, value) -> arguments.put(String.valueOf(name), value));
    }
    try {
      return chat.render(messages, example.tools(), arguments, true);
    } catch (InputException e) {
      throw new InputException(example.source() + ": " + e.getMessage(), e);
    }
  }

  /**
   * What the model is to write after the prompt: the answer's tokens and the end of the turn.
   *
   * @param endId the token that ends a completion
   * @return ids, [n + 1]
   */
  public long[] completion(Example example, long endId) {
    long[] answer = tokenizer.encode(example.answer(), false);
    long[] ids = Arrays.copyOf(answer, answer.length + 1);
    ids[answer.length] = endId;
    return ids;
  }
}
