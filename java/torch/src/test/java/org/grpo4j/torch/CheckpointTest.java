package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final String UP = "model.layers.0.mlp.up_proj.weight";

  @TempDir Path folder;

  private static void assertSame(DecoderModel expected, DecoderModel got) {
    assertEquals(expected.parameters().keySet(), got.parameters().keySet());
    expected
        .parameters()
        .forEach((name, value) -> assertTrue(value.equal(got.parameters().get(name)), name));
  }

  private String refused() {
    return refused(folder);
  }

  private static String refused(Path folder) {
    String message =
        String.valueOf(
            assertThrows(InputException.class, () -> DecoderModel.load(folder, false).close())
                .getMessage());
    assertFalse(message.contains("\n"), message);
    return message;
  }

  private static void assertContains(String message, String... parts) {
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  @Test
  void whatIsSavedLoadsUnchanged() throws IOException {
    try (DecoderModel model = TinyModels.llama()) {
      model.save(folder);
      try (DecoderModel loaded = DecoderModel.load(folder, false)) {
        assertSame(model, loaded);
        assertEquals(model.config(), loaded.config());
      }
      var config = new ObjectMapper().readTree(Files.readAllBytes(folder.resolve("config.json")));
      assertEquals(TinyModels.llamaJson(), config, "unknown keys survive");
    }
  }

  @Test
  void shardsAreFoundThroughTheIndexAndReplacedByASingleFile() throws IOException {
    try (DecoderModel model = TinyModels.qwen3()) {
      model.save(folder, WeightType.FLOAT32, 8000);
      assertTrue(Files.exists(folder.resolve(Safetensors.INDEX_NAME)));
      assertFalse(Files.exists(folder.resolve(Safetensors.FILE_NAME)));
      try (DecoderModel loaded = DecoderModel.load(folder, false)) {
        assertSame(model, loaded);
      }
      Path shard;
      try (Stream<Path> files = Files.list(folder)) {
        shard = files.filter(f -> f.toString().contains("model-00002")).findFirst().orElseThrow();
      }
      Files.move(shard, folder.resolve("away"));
      assertContains(refused(), String.valueOf(shard.getFileName()), "no such file");
      model.save(folder);
      try (Stream<Path> files = Files.list(folder)) {
        assertEquals(0, files.filter(f -> f.getFileName().toString().startsWith("model-")).count());
      }
      assertFalse(Files.exists(folder.resolve(Safetensors.INDEX_NAME)));
      try (DecoderModel loaded = DecoderModel.load(folder, false)) {
        assertSame(model, loaded);
      }
    }
  }

  @Test
  void halfPrecisionIsRoundedOnceAndNamedInTheConfig() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      for (WeightType type : new WeightType[] {WeightType.BFLOAT16, WeightType.FLOAT16}) {
        model.save(folder, type, Safetensors.DEFAULT_MAX_SHARD_BYTES);
        try (DecoderModel loaded = DecoderModel.load(folder, false)) {
          assertEquals(type, loaded.config().weightType());
          for (String name : model.parameters().keySet()) {
            Tensor original = model.parameters().get(name);
            if (original != null) {
              Tensor rounded = original.to(type.scalarType()).to(torch.ScalarType.Float);
              assertTrue(rounded.equal(loaded.parameters().get(name)), name);
            }
          }
        }
      }
    }
  }

  @Test
  void everyTruncationIsNamed() throws IOException {
    try (DecoderModel model = TinyModels.qwen3()) {
      model.save(folder);
    }
    Path file = folder.resolve(Safetensors.FILE_NAME);
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {0, 5, 8, 200, whole.length / 2, whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertContains(refused(), file.toString(), "truncated");
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 4));
    assertContains(refused(), file.toString(), "4 bytes after the last tensor");
    Files.write(file, "<html>not what you asked for</html>".getBytes(StandardCharsets.UTF_8));
    assertContains(refused(), file.toString(), "not a safetensors file");
    Files.delete(file);
    assertContains(refused(), folder.toString(), "neither model.safetensors nor");
  }

  private void writeHeader(String header, int dataBytes) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer =
        ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putLong(text.length).put(text);
    Files.write(folder.resolve("x.safetensors"), buffer.array());
  }

  private void assertHeaderRefused(String header, int dataBytes, String... parts)
      throws IOException {
    writeHeader(header, dataBytes);
    InputException e =
        assertThrows(
            InputException.class, () -> Safetensors.readFile(folder.resolve("x.safetensors")));
    assertContains(String.valueOf(e.getMessage()), parts);
  }

  @Test
  void badHeadersAreNamed() throws IOException {
    assertHeaderRefused(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        4,
        "tensor a",
        "needs 8 bytes");
    assertHeaderRefused(
        "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
        4,
        "tensor a",
        "I8",
        "F32, BF16, F16");
    assertHeaderRefused(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "impossible shape");
    assertHeaderRefused(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
        0,
        "impossible shape");
    assertHeaderRefused(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
        6,
        "tensor b",
        "expected 4");
    assertHeaderRefused("{\"a\":{\"dtype\":\"F32\"}}", 0, "tensor a", "lacks");
  }

  @Test
  void missingExtraAndMisshapenTensorsAreNamed() {
    try (PointerScope scope = new PointerScope();
        DecoderModel model = TinyModels.qwen3()) {
      model.save(folder);
      SortedMap<String, Tensor> tensors = new TreeMap<>(model.parameters());
      tensors.remove(UP);
      Safetensors.write(folder, tensors, WeightType.FLOAT32, Long.MAX_VALUE);
      assertContains(refused(), Safetensors.FILE_NAME, UP, "is missing");
      tensors.put(UP, torch.zeros(48, 31));
      Safetensors.write(folder, tensors, WeightType.FLOAT32, Long.MAX_VALUE);
      assertContains(refused(), UP, "shape [48, 31]", "asks for [48, 32]");
      tensors.put(UP, torch.zeros(48, 32));
      tensors.put("model.layers.9.strange", torch.zeros(2));
      Safetensors.write(folder, tensors, WeightType.FLOAT32, Long.MAX_VALUE);
      assertContains(refused(), "model.layers.9.strange", "not part of the model");
      tensors.remove("model.layers.9.strange");
      tensors.put("lm_head.weight", torch.zeros(TinyModels.VOCAB, 32));
      Safetensors.write(folder, tensors, WeightType.FLOAT32, Long.MAX_VALUE);
      DecoderModel.load(folder, false).close();
    }
  }

  /** /dev/full answers every write with "no space left on device". */
  @Test
  void aFullDiskIsOneLineAndLeavesTheCheckpoint() throws IOException {
    Path full = Path.of("/dev/full");
    Assumptions.assumeTrue(Files.exists(full), "no /dev/full here");
    try (DecoderModel model = TinyModels.qwen3()) {
      model.save(folder);
      Files.createSymbolicLink(folder.resolve("." + Safetensors.FILE_NAME + ".tmp"), full);
      InputException e = assertThrows(InputException.class, () -> model.save(folder));
      assertContains(String.valueOf(e.getMessage()), Safetensors.FILE_NAME, "the disk is full");
      try (DecoderModel loaded = DecoderModel.load(folder, false)) {
        assertSame(model, loaded);
      }
    }
  }

  /** Qwen3's vocabulary: 151,936 rows go through the chunked reader and writer. */
  @Test
  void aLargeVocabularyFits() {
    var json = TinyModels.qwen3Json();
    json.put("vocab_size", 151936).put("hidden_size", 128).put("dtype", "bfloat16");
    ModelConfig config = ModelConfig.parse(json, folder);
    try (PointerScope scope = new PointerScope();
        DecoderModel model = DecoderModel.random(config, 1, false)) {
      model.save(folder);
      try (DecoderModel loaded = DecoderModel.load(folder, true)) {
        Tensor ids = Tensors.longs(TorchDevice.CPU, new long[] {151935, 0, 7}, 1, 3);
        Tensor logits = loaded.logits(loaded.hidden(ids, torch.ones_like(ids)));
        assertEquals(151936, logits.size(2));
        assertTrue(Float.isFinite(logits.abs().max().item_float()));
      }
    }
  }
}
