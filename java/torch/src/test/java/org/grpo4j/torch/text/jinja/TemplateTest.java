package org.grpo4j.torch.text.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.Year;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class TemplateTest {
  /** Each case was rendered by the program that the file names; errors only have to be errors. */
  @TestFactory
  List<DynamicTest> rendersWhatPythonRenders() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    JsonNode root;
    try (InputStream in = TemplateTest.class.getResourceAsStream("jinja2-cases.json")) {
      root = mapper.readTree(Objects.requireNonNull(in));
    }
    Map<String, @Nullable Object> variables =
        mapper.convertValue(root.get("variables"), new TypeReference<>() {});
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode vector : root.get("cases")) {
      String template = vector.get("template").asText();
      tests.add(
          DynamicTest.dynamicTest(
              template,
              () -> {
                if (vector.has("error")) {
                  assertThrows(
                      TemplateException.class, () -> Template.parse(template).render(variables));
                } else {
                  assertEquals(
                      vector.get("text").asText(), Template.parse(template).render(variables));
                }
              }));
    }
    return tests;
  }

  @Test
  void generationBlocksAreTheirText() {
    assertEquals(
        "a b c", Template.parse("a {% generation %}b{% endgeneration %} c").render(Map.of()));
  }

  @Test
  void today() {
    String before = Year.now(ZoneId.systemDefault()) + "%";
    String rendered = Template.parse("{{ strftime_now('%Y%%') }}").render(Map.of());
    String after = Year.now(ZoneId.systemDefault()) + "%";
    assertTrue(List.of(before, after).contains(rendered), rendered);
    assertThrows(
        TemplateException.class, () -> Template.parse("{{ strftime_now('%Q') }}").render(Map.of()));
  }

  @Test
  void errorsNameTheLineOfTheTagThatFailed() {
    TemplateException e =
        assertThrows(
            TemplateException.class,
            () -> Template.parse("a\n{% if true %}\n{{ x.y }}\n{% endif %}").render(Map.of()));
    assertEquals(3, e.line());
    assertEquals("'x' is undefined", e.getMessage());
    assertTrue(
        String.valueOf(
                assertThrows(TemplateException.class, () -> Template.parse("{% include 'x' %}"))
                    .getMessage())
            .contains("the tag include is not supported"));
  }
}
