package org.grpo4j.torch.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final TypeReference<List<Map<String, Object>>> MAPS = new TypeReference<>() {};
  private static final TypeReference<Map<String, Object>> MAP = new TypeReference<>() {};
  private static final List<Map<String, Object>> HI =
      List.of(Map.of("role", "user", "content", "Hi"));

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "qwen2_5"})
  void textAndIdsAreThoseOfTransformers(String name) throws IOException {
    JsonNode vectors =
        JsonFiles.MAPPER.readTree(SharedData.get("golden/chat_templates.json").toFile());
    Path from = SharedData.get("data/tokenizers/" + name);
    ChatTemplate template = ChatTemplate.require(from);
    int cases = 0;
    try (Tokenizer tokenizer = Tokenizer.load(from)) {
      for (Map.Entry<String, JsonNode> vector : vectors.properties()) {
        if (!vector.getKey().startsWith(name + "/")) {
          continue;
        }
        JsonNode given = vector.getValue();
        Map<String, Object> kwargs =
            new HashMap<>(JsonFiles.MAPPER.convertValue(given.get("kw"), MAP));
        Object tools = kwargs.remove("tools");
        String text =
            template.render(
                JsonFiles.MAPPER.convertValue(given.get("messages"), MAPS),
                tools == null ? List.of() : JsonFiles.MAPPER.convertValue(tools, MAPS),
                kwargs,
                true);
        assertEquals(given.get("text").asText(), text, vector.getKey());
        long[] ids =
            StreamSupport.stream(given.get("ids").spliterator(), false)
                .mapToLong(JsonNode::asLong)
                .toArray();
        assertArrayEquals(ids, tokenizer.encode(text, false), vector.getKey());
        cases++;
      }
    }
    assertEquals(5, cases);
  }

  private String render(String template) throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    return ChatTemplate.require(folder).render(HI, List.of(), Map.of(), true);
  }

  @Test
  void theFileWinsOverTheConfigAndSeesItsTokens() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"chat_template\": \"config {{ bos_token }}\", \"bos_token\": {\"content\": \"<s>\"}}");
    assertEquals("config <s>", ChatTemplate.require(folder).render(HI, List.of(), Map.of(), true));
    assertEquals("file <s>Hi", render("file {{ bos_token }}{{ messages[0].content }}"));
  }

  @Test
  void aListOfTemplatesHasADefault() throws IOException {
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(
        config,
        "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"r\"},"
            + " {\"name\": \"default\", \"template\": \"d\"}]}");
    assertEquals("d", ChatTemplate.require(folder).render(HI, List.of(), Map.of(), true));
    Files.writeString(config, "{\"chat_template\": 3}");
    assertMessage("chat_template must be text", () -> ChatTemplate.load(folder));
  }

  @Test
  void noTemplate() throws IOException {
    assertTrue(ChatTemplate.load(folder).isEmpty());
    assertMessage("has no chat template", () -> ChatTemplate.require(folder));
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"chat_template\": ");
    assertMessage("tokenizer_config.json:1:", () -> ChatTemplate.load(folder));
  }

  @Test
  void errorsNameFileAndLine() {
    assertMessage(
        "chat_template.jinja: line 2 of the chat template: only one turn",
        () -> render("a\n{{ raise_exception('only one turn') }}"));
    assertMessage("line 1 of the chat template: expected 'in'", () -> render("{% for x of y %}"));
    assertMessage("'content' of a dict is undefined", () -> render("{{ {}.content + 'a' }}"));
    assertMessage("'no' of a dict is undefined", () -> render("{{ messages[0].no.content }}"));
  }

  @Test
  void textOfMessagesIsNeverRead() throws IOException {
    List<Map<String, Object>> sly =
        List.of(Map.of("role", "user", "content", "{{ 1 + 1 }}{% if x %}{# no #}<b>&'"));
    Files.writeString(folder.resolve("chat_template.jinja"), "{{ messages[0]['content'] }}");
    assertEquals(
        "{{ 1 + 1 }}{% if x %}{# no #}<b>&'",
        ChatTemplate.require(folder).render(sly, List.of(), Map.of(), false));
  }

  private interface Call {
    Object run() throws IOException;
  }

  private static void assertMessage(String part, Call call) {
    String message = String.valueOf(assertThrows(InputException.class, call::run).getMessage());
    assertTrue(message.contains(part), message);
    assertEquals(1, message.lines().count(), message);
  }
}
