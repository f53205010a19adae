package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;

final class RestTokenWeightsTest {
  private static final String TEXT =
      "<think>🙂 hm</think>\n<tool_call>\n"
          + "{\"name\": \"f\", \"parameters\": {\"a\": \"}\"}}\n</tool_call>";

  /** One token per code point. */
  private static int[][] characters(String text) {
    int[][] offsets = new int[text.codePointCount(0, text.length())][];
    Arrays.setAll(offsets, i -> new int[] {i, i + 1});
    return offsets;
  }

  @Test
  void spansCountCodePoints() {
    List<RegionSpan> spans = new ToolCallRegions().find(TEXT);
    // The emoji is two UTF-16 units but one code point: "🙂 hm" is [7, 11).
    assertTrue(spans.contains(new RegionSpan(Region.REASONING, 7, 11)), spans.toString());
    int[] points = TEXT.codePoints().toArray();
    for (RegionSpan span : spans) {
      String part = new String(points, span.start(), span.end() - span.start());
      switch (span.region()) {
        case FORMAT -> assertTrue(part.matches("</?(think|tool_call)>"), part);
        case TOOL_NAME -> assertEquals("f", part);
        case ARGUMENTS -> assertEquals("{\"a\": \"}\"}", part); // a brace in a string is no end
        case REASONING -> assertEquals("🙂 hm", part);
        case OTHER -> throw new AssertionError(span);
      }
    }
  }

  @Test
  void aBrokenCallHasNoArguments() {
    assertEquals(
        List.of(Region.FORMAT, Region.FORMAT, Region.TOOL_NAME),
        new ToolCallRegions()
                .find(
                    "<tool_call>{\"name\": \"f\", \"parameters\": {\"a\": 1}</tool_call>"
                        .replace("}", ""))
                .stream()
                .map(RegionSpan::region)
                .toList());
    assertEquals(List.of(), new ToolCallRegions().find("<tool_call>{\"name\": \"f\"}"));
    assertEquals(List.of(), new ToolCallRegions().find(""));
  }

  @Test
  void coveringTakesEveryTouchedTokenAndReleaseLeavesOutTheLast() {
    int[][] offsets = {{0, 3}, {3, 5}, {5, 9}, {9, 12}};
    RegionSpan span = new RegionSpan(Region.ARGUMENTS, 4, 10);
    assertArrayEquals(new int[] {1, 4}, SpanPlacement.COVERING.place(offsets, span));
    assertArrayEquals(new int[] {2, 3}, SpanPlacement.RELEASE.place(offsets, span));
    RegionSpan empty = new RegionSpan(Region.REASONING, 4, 4);
    assertArrayEquals(new int[] {1, 1}, SpanPlacement.COVERING.place(offsets, empty));
    assertArrayEquals(new int[] {2, 3}, SpanPlacement.RELEASE.place(offsets, empty));
    assertThrows(InputException.class, () -> SpanPlacement.named("exact"));
  }

  @Test
  void aSpanAfterTheLastTokensStartIsUnplacedInTheReleaseForm() {
    // One token holds the whole text: the closing tag starts inside it.
    String text = "<think>x</think>";
    int[][] one = {{0, 16}};
    TokenRegions release = TokenRegions.of(text, one, new ToolCallRegions(), SpanPlacement.RELEASE);
    assertEquals(2, release.unplaced().size());
    TokenRegions covering =
        TokenRegions.of(text, one, new ToolCallRegions(), SpanPlacement.COVERING);
    assertEquals(List.of(), covering.unplaced());
    assertEquals(List.of(Region.FORMAT), covering.regions());
  }

  @Test
  void theMeanOverTrainedRegionTokensIsOne() {
    int[][] offsets = characters(TEXT);
    for (SpanPlacement placement : SpanPlacement.values()) {
      TokenRegions regions = TokenRegions.of(TEXT, offsets, new ToolCallRegions(), placement);
      float[] mask = new float[offsets.length + 2];
      Arrays.fill(mask, 3, mask.length, 1); // the first tokens are not trained
      for (double step : new double[] {0, 50, 150, 250.5, 1e6}) {
        float[] weights = RestTokenWeights.release().compute(regions, mask, step);
        double sum = 0;
        int n = 0;
        for (float weight : weights) {
          sum += weight;
          n += weight > 0 ? 1 : 0;
        }
        assertEquals(1, sum / n, 1e-6);
        assertEquals(0, weights[0]);
        assertEquals(0, weights[mask.length - 1]); // past the text: the stop token
      }
    }
  }

  @Test
  void nothingTrainedGivesZeros() {
    int[][] offsets = characters(TEXT);
    TokenRegions regions =
        TokenRegions.of(TEXT, offsets, new ToolCallRegions(), SpanPlacement.RELEASE);
    assertArrayEquals(
        new float[offsets.length],
        RestTokenWeights.release().compute(regions, new float[offsets.length], 0));
    assertThrows(
        IllegalArgumentException.class,
        () -> RestTokenWeights.release().compute(regions, new float[3], 0));
  }

  @Test
  void theCurriculumRisesToItsBounds() {
    RestCurriculum curriculum = RestCurriculum.release();
    assertEquals(0.8, curriculum.weight(Region.ARGUMENTS, 100), 1e-12);
    assertEquals(1.0, curriculum.weight(Region.REASONING, 1000));
    assertEquals(1.2, curriculum.weight(Region.ARGUMENTS, 1000));
    assertEquals(1.2, curriculum.weight(Region.TOOL_NAME, 0));
    assertEquals(0, curriculum.weight(Region.OTHER, 0));
  }
}
