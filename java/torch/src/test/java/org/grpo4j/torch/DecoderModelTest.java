package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.fixtures.ResidentMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecoderModelTest {
  private static final int TP = 7;
  private static final int TC = 6;

  private static DecoderModel model(String name) {
    return name.equals("qwen3") ? TinyModels.qwen3() : TinyModels.llama();
  }

  /** Five completions of three prompts of different lengths, out of order, one prompt unused. */
  private static PromptBatch prompts() {
    return new PromptBatch(
        TinyModels.ids(4, TP, 1),
        TinyModels.leftPadded(TP, 0, 3, 1, 6),
        Tensors.longs(TorchDevice.CPU, new long[] {1, 3, 1, 0, 3}, 5));
  }

  /** The plain way: every prompt repeated before each of its completions, one padded forward. */
  private static Tensor plain(DecoderModel model, PromptBatch prompts, Tensor completions) {
    Tensor ids = prompts.ids().index_select(0, prompts.promptOf());
    Tensor mask = prompts.mask().index_select(0, prompts.promptOf());
    Tensor full =
        model.hidden(
            torch.cat(new TensorVector(ids, completions), 1),
            torch.cat(new TensorVector(mask, torch.ones_like(completions)), 1));
    return full.narrow(1, TP - 1, TC);
  }

  private static Map<String, Tensor> gradients(DecoderModel model, Tensor hidden, Tensor weight) {
    model.parameters().values().forEach(p -> p.mutable_grad().reset());
    Tensor logits = model.logits(hidden);
    logits.backward(weight, new BoolOptional(), false, new TensorArrayRefOptional());
    Map<String, Tensor> gradients = new TreeMap<>();
    model.parameters().forEach((name, p) -> gradients.put(name, p.grad().clone()));
    return gradients;
  }

  private static double distance(Tensor a, Tensor b) {
    return a.sub(b).abs().max().item_float() / (1e-9 + b.abs().max().item_float());
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "llama"})
  void sharedPromptsGiveThePlainValuesAndGradients(String name) {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = model(name)) {
      PromptBatch prompts = prompts();
      Tensor completions = TinyModels.ids(5, TC, 2);
      Tensor expected = plain(model, prompts, completions);
      Tensor got = model.completionHidden(prompts, completions);
      assertTrue(distance(got, expected) < 1e-5, "values");
      Tensor weight = torch.randn(5, TC, TinyModels.VOCAB);
      Map<String, Tensor> wanted = gradients(model, expected, weight);
      Map<String, Tensor> actual = gradients(model, got, weight);
      wanted.forEach(
          (key, value) ->
              assertTrue(
                  distance(Objects.requireNonNull(actual.get(key)), value) < 1e-4,
                  "gradient " + key));
    }
  }

  @Test
  void raggedCompletionsAreTheRowsOfThePaddedOnes() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      PromptBatch prompts = prompts();
      Tensor completions = TinyModels.ids(5, TC, 2);
      long[] lengths = {6, 1, 3, 2, 5};
      Tensor padded = model.completionHidden(prompts, completions);
      Tensor packed =
          model.completionHidden(prompts, completions, Tensors.longs(TorchDevice.CPU, lengths, 5));
      assertEquals(17, packed.size(0));
      long row = 0;
      for (int i = 0; i < lengths.length; i++) {
        Tensor expected = padded.select(0, i).narrow(0, 0, lengths[i]);
        assertTrue(distance(packed.narrow(0, row, lengths[i]), expected) < 1e-5, "row " + i);
        row += lengths[i];
      }
      Tensor single = model.completionHidden(prompts, completions.narrow(1, 0, 1).contiguous());
      assertTrue(distance(single, padded.narrow(1, 0, 1)) < 1e-5, "one token");
    }
  }

  @Test
  void paddingOnEitherSideChangesNothingAndComesBackAsZero() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      Tensor ids = TinyModels.ids(1, TP, 3);
      Tensor alone = model.hidden(ids, torch.ones_like(ids));
      Tensor pad = TinyModels.ids(1, 2, 4);
      Tensor mask =
          Tensors.longs(TorchDevice.CPU, new long[] {0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0}, 1, TP + 4);
      Tensor padded = model.hidden(torch.cat(new TensorVector(pad, ids, pad), 1), mask);
      assertTrue(distance(padded.narrow(1, 2, TP), alone) < 1e-6);
      assertEquals(0, padded.narrow(1, 0, 2).abs().max().item_float());
      assertEquals(0, padded.narrow(1, TP + 2, 2).abs().max().item_float());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "llama"})
  void decodingAgreesWithTheTrainingPass(String name) {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = model(name)) {
      PromptBatch prompts = prompts();
      Tensor completions = TinyModels.ids(5, TC, 2);
      Tensor expected =
          torch.log_softmax(model.logits(model.completionHidden(prompts, completions)), -1);
      try (KvCache cache = model.prefill(prompts, TC)) {
        Tensor logits = cache.firstLogits();
        for (int t = 0; t < TC; t++) {
          Tensor difference = torch.log_softmax(logits, -1).sub(expected.select(1, t));
          assertTrue(difference.abs().max().item_float() < 1e-4, "token " + t);
          logits = model.step(cache, completions.select(1, t).contiguous());
        }
        assertEquals(0, cache.remaining());
        Tensor token = completions.select(1, 0).contiguous();
        assertThrows(IllegalArgumentException.class, () -> model.step(cache, token));
      }
    }
  }

  @Test
  void droppedSequencesLeaveTheOthersAsTheyWere() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      PromptBatch prompts = prompts();
      Tensor completions = TinyModels.ids(5, TC, 2);
      Tensor rows = Tensors.longs(TorchDevice.CPU, new long[] {4, 0, 3}, 3);
      try (KvCache whole = model.prefill(prompts, TC);
          KvCache part = model.prefill(prompts, TC)) {
        model.step(whole, completions.select(1, 0).contiguous());
        model.step(part, completions.select(1, 0).contiguous());
        part.select(4, 0, 3);
        assertEquals(3, part.sequences());
        for (int t = 1; t < 4; t++) {
          Tensor tokens = completions.select(1, t).contiguous();
          Tensor expected = model.step(whole, tokens).index_select(0, rows);
          Tensor got = model.step(part, tokens.index_select(0, rows));
          assertTrue(distance(got, expected) < 1e-5, "token " + t);
        }
        assertThrows(IllegalArgumentException.class, () -> part.select(3));
      }
    }
  }

  @Test
  void sameSeedSameWeights() {
    try (PointerScope scope = new PointerScope();
        DecoderModel one = TinyModels.qwen3();
        DecoderModel two = TinyModels.qwen3();
        DecoderModel other =
            DecoderModel.random(
                ModelConfig.parse(TinyModels.qwen3Json(), Path.of("test")), 9, false)) {
      String name = "model.layers.1.mlp.up_proj.weight";
      Tensor weight = Objects.requireNonNull(one.parameters().get(name));
      assertTrue(weight.equal(two.parameters().get(name)));
      assertFalse(weight.equal(other.parameters().get(name)));
      assertEquals(one.parameterCount(), other.parameterCount());
    }
  }

  @Test
  void refusesWrongShapes() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      Tensor ids = TinyModels.ids(2, 3, 1);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> model.hidden(ids, TinyModels.ids(2, 4, 1)));
      assertEquals("attentionMask: given shape [2, 4], wanted [2, 3]", e.getMessage());
      assertThrows(IllegalArgumentException.class, () -> model.hidden(ids, torch.zeros_like(ids)));
      assertThrows(
          IllegalArgumentException.class,
          () -> model.completionHidden(prompts(), TinyModels.ids(5, TC, 1), torch.zeros(5)));
    }
  }

  /** Neither a training step nor decoding leaves native memory behind. */
  @Test
  void memoryStaysFlat() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      PromptBatch prompts = prompts();
      Tensor completions = TinyModels.ids(5, TC, 2);
      long grown = ResidentMemory.growth(50, () -> trainAndDecode(model, prompts, completions));
      assertTrue(grown < 512L << 10, "50 steps grew by " + grown + " bytes");
    }
  }

  private static void trainAndDecode(DecoderModel model, PromptBatch prompts, Tensor completions) {
    try (PointerScope scope = new PointerScope()) {
      Tensor logits = model.logits(model.completionHidden(prompts, completions));
      Tensor ones = torch.ones_like(logits);
      logits.backward(ones, new BoolOptional(), false, new TensorArrayRefOptional());
      try (KvCache cache = model.prefill(prompts, TC)) {
        model.step(cache, completions.select(1, 0).contiguous());
        cache.select(0, 2);
        model.step(cache, completions.select(1, 0).narrow(0, 0, 2).contiguous());
      }
    }
  }
}
