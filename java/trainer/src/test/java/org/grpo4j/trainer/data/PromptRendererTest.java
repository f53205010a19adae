package org.grpo4j.trainer.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.torch.text.Tokenizer;
import org.junit.jupiter.api.Test;

class PromptRendererTest {
  private static final Example RAW = Example.ofText("1", "Once upon a time", "there", "a.json:1");
  private static final Example CHAT =
      Example.ofMessages("2", List.of(Map.of("role", "user", "content", "Hi")), "yes", "a.json:2");

  @Test
  void conversationsGoThroughTheTemplateAndRawPromptsDoNot() {
    Path folder = SharedData.get("data/tokenizers/qwen3");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      PromptRenderer renderer =
          new PromptRenderer(
              tokenizer, ChatTemplate.load(folder), Map.of("enable_thinking", false), 64);
      RenderedPrompt chat = renderer.render(CHAT);
      assertTrue(chat.text().endsWith("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
      assertEquals(chat.text(), tokenizer.decode(chat.ids(), false));
      assertEquals("Once upon a time", renderer.render(RAW).text());
      assertArrayEquals(new long[] {18532, 7}, renderer.completion(RAW, 7));
    }
  }

  @Test
  void tooLongIsDroppedAndCounted() {
    Path folder = SharedData.get("data/tokenizers/gpt2");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      Example longer = Example.ofText("3", "word ".repeat(50), "a", "a.json:3");
      var rendered =
          new PromptRenderer(tokenizer, Optional.empty(), Map.of(), 10)
              .renderAll(List.of(RAW, longer));
      assertEquals(1, rendered.dropped());
      assertEquals(List.of("1"), rendered.prompts().stream().map(p -> p.example().id()).toList());
      assertMessage(
          "every prompt is longer than max_prompt_length=2",
          () ->
              new PromptRenderer(tokenizer, Optional.empty(), Map.of(), 2).renderAll(List.of(RAW)));
      assertMessage(
          "no chat template",
          () -> new PromptRenderer(tokenizer, ChatTemplate.load(folder), Map.of(), 9).render(CHAT));
      Example nothing = Example.ofText("4", "", "a", "a.json:4");
      assertMessage(
          "a.json:4: the prompt is empty",
          () -> new PromptRenderer(tokenizer, Optional.empty(), Map.of(), 9).render(nothing));
    }
  }

  @Test
  void toolRlRowsFitTheModel() {
    List<Example> rows = DataReader.read(SharedData.get("data/toolrl/rlla_sft.json"), 50);
    Path folder = SharedData.get("data/tokenizers/qwen3");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      var renderer = new PromptRenderer(tokenizer, ChatTemplate.load(folder), Map.of(), 2048);
      var rendered = renderer.renderAll(rows);
      assertEquals(50, rendered.prompts().size() + rendered.dropped());
      for (RenderedPrompt prompt : rendered.prompts()) {
        assertFalse(prompt.length() < 300, prompt.example().source());
        assertTrue(prompt.text().startsWith("<|im_start|>system\n"));
      }
    }
  }

  private static void assertMessage(String part, Runnable call) {
    String message = String.valueOf(assertThrows(InputException.class, call::run).getMessage());
    assertTrue(message.contains(part), message);
  }
}
