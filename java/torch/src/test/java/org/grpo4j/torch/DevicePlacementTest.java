package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A model whose parameters lie on libtorch's meta device: an operation between them and a tensor
 * left on the host is an error there, as it would be on a GPU. Everything a pass creates is walked
 * that way, without one.
 */
class DevicePlacementTest {
  @BeforeAll
  static void load() {
    TorchRuntime.load();
  }

  private static DecoderModel onMeta(String name) {
    ModelConfig config =
        ModelConfig.parse(
            name.equals("qwen3") ? TinyModels.qwen3Json() : TinyModels.llamaJson(),
            Path.of("test"));
    return DecoderModel.random(config, 7, true, TorchDevice.META);
  }

  private static PromptBatch prompts() {
    return new PromptBatch(
        TinyModels.ids(3, 7, 1),
        TinyModels.leftPadded(7, 0, 3, 1),
        Tensors.longs(TorchDevice.CPU, new long[] {1, 0, 1, 2}, 4));
  }

  private static void assertOnMeta(Tensor tensor, long... shape) {
    assertTrue(tensor.is_meta(), "is on " + TorchDevice.of(tensor));
    Tensors.requireShape("result", tensor, shape);
  }

  /** What every other test here rests on: operations that mix devices are refused. */
  @Test
  void mixedDevicesAreRefused() {
    try (PointerScope scope = new PointerScope()) {
      Tensor meta = Tensors.zeros(TorchDevice.META, 4, 2);
      Tensor host = torch.ones(4, 2);
      Tensor rows = Tensors.longs(TorchDevice.CPU, new long[] {0, 1}, 2);
      assertThrows(RuntimeException.class, () -> meta.add(host));
      assertThrows(RuntimeException.class, () -> meta.lt(host));
      assertThrows(RuntimeException.class, () -> meta.index_copy_(0, rows, meta.narrow(0, 0, 2)));
      assertEquals(
          "rows: given on cpu, wanted on meta like the tensor",
          assertThrows(IllegalArgumentException.class, () -> Tensors.gather(meta, rows))
              .getMessage());
      assertThrows(IllegalArgumentException.class, () -> Tensors.select(meta, rows));
      Tensor row = Tensors.zeros(TorchDevice.META, 1, 1, 4, 2);
      assertThrows(
          RuntimeException.class, () -> Attention.fused(row, row, row, torch.zeros(1, 1, 4, 4)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "llama"})
  void trainingFollowsTheParameters(String name) {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = onMeta(name)) {
      Tensor lengths = Tensors.longs(TorchDevice.CPU, new long[] {5, 2, 4, 1}, 4);
      Tensor hidden = model.completionHidden(prompts(), TinyModels.ids(4, 5, 2), lengths);
      assertOnMeta(hidden, 12, 32);
      Tensor logits = model.logits(hidden);
      assertOnMeta(logits, 12, TinyModels.VOCAB);
      logits.backward(
          torch.ones_like(logits), new BoolOptional(), false, new TensorArrayRefOptional());
      model
          .parameters()
          .forEach((key, p) -> assertTrue(p.grad().is_meta(), () -> "gradient of " + key));
    }
  }

  @Test
  void wholeSequencesFollowTheParameters() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = onMeta("llama")) {
      Tensor ids = TinyModels.ids(3, 7, 1);
      assertOnMeta(model.hidden(ids, TinyModels.leftPadded(7, 0, 3, 1)), 3, 7, 32);
      assertOnMeta(model.hidden(ids, torch.ones_like(ids)), 3, 7, 32);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "llama"})
  void decodingFollowsTheParameters(String name) {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = onMeta(name);
        KvCache cache = model.prefill(prompts(), 3)) {
      assertOnMeta(cache.firstLogits(), 4, TinyModels.VOCAB);
      Tensor next = Tensors.longs(TorchDevice.CPU, new long[] {1, 2, 3, 4}, 4);
      assertOnMeta(model.step(cache, next), 4, TinyModels.VOCAB);
      cache.select(0, 2);
      assertOnMeta(model.step(cache, next.narrow(0, 0, 2)), 2, TinyModels.VOCAB);
      assertTrue(cache.positions().is_meta());
    }
  }

  @Test
  void continuousBatchesFollowTheParameters() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = onMeta("qwen3");
        SequenceBatch batch = new SequenceBatch(model)) {
      assertOnMeta(batch.join(new long[] {1, 2, 3}, 2, 70), 1, TinyModels.VOCAB);
      assertOnMeta(batch.step(4, 5), 2, TinyModels.VOCAB);
      // Longer than the first block of slots: the caches grow.
      assertOnMeta(batch.join(new long[100], 1, 120), 1, TinyModels.VOCAB);
      batch.leave(0);
      assertOnMeta(batch.step(4, 5), 2, TinyModels.VOCAB);
    }
  }

  /** Past the first 512 positions the table of rotations is made again. */
  @Test
  void aLongerRotationTableFollowsTheParameters() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = onMeta("qwen3")) {
      Tensor ids = TinyModels.ids(1, 600, 1);
      assertOnMeta(model.hidden(ids, torch.ones_like(ids)), 1, 600, 32);
    }
  }

  @Test
  void namesAreChecked() {
    assertEquals(TorchDevice.CPU, TorchDevice.named("cpu"));
    assertEquals("cuda:0", TorchDevice.named("cuda").toString());
    assertEquals(3, TorchDevice.named("cuda:3").index());
    for (String wrong :
        new String[] {"gpu", "cuda:", "cuda:-1", "cpu:0", "cuda:1000", "meta", ""}) {
      InputException e = assertThrows(InputException.class, () -> TorchDevice.named(wrong));
      assertEquals(
          "device=" + wrong + ": want cpu, cuda or cuda:N, N a GPU's number", e.getMessage());
    }
  }

  @Test
  void aLibtorchWithoutCudaIsNamedWithItsRemedy() {
    assertEquals("", TorchDevice.CPU.unavailableCause());
    String cause = TorchDevice.named("cuda").unavailableCause();
    if (!TorchCuda.isAvailable()) {
      assertTrue(cause.contains("GRPO4J_PROFILES=gpu") || cause.contains("an NVIDIA GPU"), cause);
    }
  }
}
