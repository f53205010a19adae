package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
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
        float[] weights = weights(regions, mask, step);
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
    assertArrayEquals(new float[offsets.length], weights(regions, new float[offsets.length], 0));
    assertThrows(IllegalArgumentException.class, () -> weights(regions, new float[3], 0));
  }

  private static float[] weights(TokenRegions regions, float[] mask, double step) {
    return RestTokenWeights.release()
        .compute(
            regions.sets(), mask, RestCurriculum.release().at(WeightByRegion.release(), step, 0));
  }

  @Test
  void theReleasesWeightsRiseToTheirBounds() {
    WeightByRegion start = WeightByRegion.release();
    RestCurriculum curriculum = RestCurriculum.release();
    assertEquals(0.8, curriculum.at(start, 100, 0).of(Region.ARGUMENTS), 1e-12);
    assertEquals(1.0, curriculum.at(start, 1000, 0).of(Region.REASONING), 1e-12);
    assertEquals(1.2, curriculum.at(start, 1000, 0).of(Region.ARGUMENTS), 1e-12);
    assertEquals(1.2, curriculum.at(start, 1000, 1).of(Region.TOOL_NAME));
    assertEquals(1.0, curriculum.at(start, 1000, 1).of(Region.FORMAT));
    assertEquals(0, curriculum.at(start, 1000, 1).of(Region.OTHER));
  }

  @Test
  void thePapersWeightsFollowTheProgress() {
    RestCurriculum curriculum =
        new RestCurriculum(RestCurriculum.Schedule.PROGRESS, 0.002, 0.7, 0.6, 0.4, 0.5, 1.1);
    WeightByRegion half = curriculum.at(WeightByRegion.release(), 1000, 0.5);
    assertEquals(0.65, half.of(Region.FORMAT), 1e-12);
    assertEquals(0.9, half.of(Region.ARGUMENTS), 1e-12);
    assertEquals(0.8, half.of(Region.REASONING), 1e-12);
    WeightByRegion end = curriculum.at(WeightByRegion.release(), 0, 1);
    assertEquals(0.5, end.of(Region.FORMAT), "w_min");
    assertEquals(1.1, end.of(Region.ARGUMENTS), "w_max");
    assertEquals(1.2, end.of(Region.TOOL_NAME), "stays");
    // A region that is left out is not brought in by a schedule.
    WeightByRegion without = WeightByRegion.of(1, 1.2, 0.6, 0, 0);
    assertEquals(0, curriculum.at(without, 0, 1).of(Region.REASONING));
    assertEquals(0, RestCurriculum.release().at(without, 500, 1).of(Region.REASONING));
    assertEquals(WeightByRegion.release(), none().at(WeightByRegion.release(), 500, 1));
  }

  private static RestCurriculum none() {
    return new RestCurriculum(RestCurriculum.Schedule.NONE, 0.002, 1, 1, 1, 0.001, 8);
  }

  @Test
  void theOrderOfClampAndMean() {
    byte tag = (byte) (1 << Region.FORMAT.bit());
    byte call = (byte) (1 << Region.ARGUMENTS.bit());
    byte[] sets = {tag, tag, tag, call};
    float[] mask = {1, 1, 1, 1};
    WeightByRegion byRegion = WeightByRegion.of(1, 0, 17, 0, 0);
    // Clamped to 8 first: mean 11 / 4. Divided by its mean 5 first: 17 / 5 is within the bounds.
    assertArrayEquals(
        new float[] {4 / 11f, 4 / 11f, 4 / 11f, 32 / 11f},
        new RestTokenWeights(0.001, 8, true).compute(sets, mask, byRegion));
    assertArrayEquals(
        new float[] {0.2f, 0.2f, 0.2f, 3.4f},
        new RestTokenWeights(0.001, 8, false).compute(sets, mask, byRegion));
    assertArrayEquals(
        new float[] {0.5f, 0.5f, 0.5f, 3},
        new RestTokenWeights(0.5, 3, false).compute(sets, mask, byRegion));
  }
}
