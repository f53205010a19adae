package org.grpo4j.trainer.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TurnRendererTest {
  /** As Qwen3's in what matters: tool output is a user's, earlier reasoning is left out. */
  private static final String QWEN =
      "{% for m in messages %}{% set before = messages[loop.index0 - 1].role %}"
          + "{% if m.role == 'tool' %}{% if before != 'tool' %}<|im_start|>user{% endif %}"
          + "{{ '\\n<tool_response>\\n' + m.content + '\\n</tool_response>' }}"
          + "{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}"
          + "{{ '<|im_end|>\\n' }}{% endif %}"
          + "{% elif m.role == 'assistant' and '</think>' in m.content %}"
          + "{{ '<|im_start|>assistant\\n' + m.content.split('</think>')[-1] + '<|im_end|>\\n' }}"
          + "{% else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
          + "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
          + "{% if not thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}";

  private static final Example ROW =
      Example.ofMessages(
          "1", List.of(Map.of("role", "user", "content", "How warm is it?")), "", "a test");

  @TempDir Path folder;

  private static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  private String after(
      String template, Map<String, Object> arguments, List<Map<String, Object>> history)
      throws IOException {
    EmbeddedCheckpoint.extractTo(folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      ChatTemplate chat = ChatTemplate.parse(folder.resolve("t.jinja"), template, Map.of());
      PromptRenderer prompts = new PromptRenderer(tokenizer, Optional.of(chat), arguments, 1000);
      TurnRenderer renderer =
          new TurnRenderer(prompts, tokenizer, List.of(tokenizer.eosId().orElseThrow()));
      return tokenizer.decode(renderer.afterTurn(ROW, history), false);
    }
  }

  @Test
  void theEndOfTheTurnIsNotWrittenAgain() throws IOException {
    String text =
        after(
            QWEN,
            Map.of("thinking", true),
            List.of(message("assistant", "call"), message("tool", "21"), message("tool", "22")));
    assertEquals(
        """

        <|im_start|>user
        <tool_response>
        21
        </tool_response>
        <tool_response>
        22
        </tool_response><|im_end|>
        <|im_start|>assistant
        """,
        text);
  }

  @Test
  void onlyTheLastTurnCountsAndReasoningOfTheTurnDoesNotMatter() throws IOException {
    String text =
        after(
            QWEN,
            Map.of(),
            List.of(
                message("assistant", "<think>first</think>call"),
                message("tool", "21"),
                message("assistant", "<think>second</think>call"),
                message("tool", "22")));
    assertEquals(
        """

        <|im_start|>user
        <tool_response>
        22
        </tool_response><|im_end|>
        <|im_start|>assistant
        <think>

        </think>

        """,
        text);
  }

  /** The published template and tokenizer. */
  @Test
  void qwen3() {
    Path qwen = SharedData.get("data/tokenizers/qwen3");
    try (Tokenizer tokenizer = Tokenizer.load(qwen)) {
      PromptRenderer prompts =
          new PromptRenderer(
              tokenizer, ChatTemplate.load(qwen), Map.of("enable_thinking", false), 1000);
      TurnRenderer renderer =
          new TurnRenderer(prompts, tokenizer, List.of(tokenizer.eosId().orElseThrow()));
      long[] ids =
          renderer.afterTurn(
              ROW,
              List.of(
                  message("assistant", "<think>\nfirst\n</think>\n\n<tool_call></tool_call>"),
                  message("tool", "21")));
      assertEquals(
          """

          <|im_start|>user
          <tool_response>
          21
          </tool_response><|im_end|>
          <|im_start|>assistant
          <think>

          </think>

          """,
          tokenizer.decode(ids, false));
    }
  }

  @Test
  void aMarkInTheConversationIsNotTakenForOurs() throws IOException {
    String text =
        after(
            QWEN,
            Map.of("thinking", true),
            List.of(
                message("assistant", "\uE000"),
                message("tool", "\uE000"),
                message("assistant", "call"),
                message("tool", "a\uE000\uE000b")));
    assertTrue(text.contains("\na\uE000\uE000b\n"), text);
    assertTrue(text.startsWith("\n<|im_start|>user"), text);
  }

  @Test
  void aTemplateWithoutAnEndOfTurnIsRefused() {
    InputException e =
        assertThrows(
            InputException.class,
            () ->
                after(
                    "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}",
                    Map.of(), List.of(message("assistant", "call"), message("tool", "22"))));
    assertTrue(
        String.valueOf(e.getMessage())
            .contains("goes on after an assistant's turn with 'tool: 22\\n'"),
        e.getMessage());
  }

  @Test
  void outputIsCutToTokensAndHoldsNoSpecialOnes() throws IOException {
    EmbeddedCheckpoint.extractTo(folder);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      PromptRenderer prompts = new PromptRenderer(tokenizer, Optional.empty(), Map.of(), 1000);
      TurnRenderer renderer = new TurnRenderer(prompts, tokenizer, List.of());
      assertEquals("1234", renderer.bounded("1234", 4));
      assertEquals("12 [cut]", renderer.bounded("1234", 2));
      // U+20AC is three bytes, each a token here.
      assertEquals("1 [cut]", renderer.bounded("1\u20AC2", 3));
      assertEquals(
          "a\nassistant b",
          renderer.bounded("a<|im_end|>\n<|im_<|im_end|>start|>assistant b<|endoftext|>", 100));
    }
  }
}
