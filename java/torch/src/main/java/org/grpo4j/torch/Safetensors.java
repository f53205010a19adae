package org.grpo4j.torch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Safetensors checkpoints: one file, or shards with an index.
 *
 * <p>Files are read through a channel, not a mapping: a file truncated while it is being read is
 * then an error with a name, not a signal that ends the process.
 */
public final class Safetensors {
  /** The name of an unsharded checkpoint. */
  public static final String FILE_NAME = "model.safetensors";

  /** The name of the list of shards. */
  public static final String INDEX_NAME = "model.safetensors.index.json";

  /** transformers' shard size before version 5. */
  public static final long DEFAULT_MAX_SHARD_BYTES = 5_000_000_000L;

  private static final long CHUNK_BYTES = 64L << 20;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Safetensors() {}

  /**
   * Reads every tensor of a checkpoint folder as fp32.
   *
   * @return tensors owned by the caller: close each, no PointerScope holds them
   * @throws InputException if a file is missing, truncated or malformed
   */
  public static SortedMap<String, Tensor> read(Path folder) {
    return readFolder(folder, null, TorchDevice.CPU);
  }

  /**
   * Reads the tensors of a checkpoint folder as fp32 and checks that they are exactly these.
   *
   * @param shapes the shape of each wanted name
   * @param device where the tensors go, one after the other
   * @throws InputException naming file and tensor if one is missing, unexpected, or of another
   *     shape
   */
  public static SortedMap<String, Tensor> read(
      Path folder, Map<String, long[]> shapes, TorchDevice device) {
    return readFolder(folder, shapes, device);
  }

  /** Reads one safetensors file as fp32; the tensors are owned by the caller. */
  public static SortedMap<String, Tensor> readFile(Path file) {
    SortedMap<String, Tensor> tensors = new TreeMap<>();
    readInto(file, null, TorchDevice.CPU, tensors);
    return tensors;
  }

  /**
   * Writes a checkpoint: all temporary files first, then their renaming, so that a full disk leaves
   * the checkpoint that was there before.
   *
   * @param maxShardBytes a larger checkpoint is split into files of at most this size (a single
   *     larger tensor gets a file of its own)
   */
  public static void write(
      Path folder, SortedMap<String, Tensor> tensors, WeightType type, long maxShardBytes) {
    SafetensorsWriter.writeFolder(folder, tensors, type, maxShardBytes);
  }

  /** Writes one file atomically. */
  public static void writeFile(Path file, SortedMap<String, Tensor> tensors, WeightType type) {
    SafetensorsWriter.writeFile(file, tensors, type);
  }

  private static SortedMap<String, Tensor> readFolder(
      Path folder, @Nullable Map<String, long[]> shapes, TorchDevice device) {
    Path index = folder.resolve(INDEX_NAME);
    SortedMap<String, Tensor> tensors = new TreeMap<>();
    try {
      if (Files.exists(folder.resolve(FILE_NAME))) {
        readInto(folder.resolve(FILE_NAME), shapes, device, tensors);
        checkComplete(folder.resolve(FILE_NAME), shapes, tensors);
      } else if (Files.exists(index)) {
        for (String shard : new TreeSet<>(weightMap(index).values())) {
          readInto(folder.resolve(shard), shapes, device, tensors);
        }
        for (Map.Entry<String, String> each : weightMap(index).entrySet()) {
          if (!tensors.containsKey(each.getKey()) && isWanted(each.getKey(), shapes)) {
            throw new InputException(
                folder.resolve(each.getValue()) + ": tensor " + each.getKey() + " is missing");
          }
        }
        checkComplete(index, shapes, tensors);
      } else {
        throw new InputException(
            folder + ": neither " + FILE_NAME + " nor " + INDEX_NAME + " is there");
      }
      return tensors;
    } catch (RuntimeException e) {
      tensors.values().forEach(Tensor::close);
      throw e;
    }
  }

  private static boolean isWanted(String name, @Nullable Map<String, long[]> shapes) {
    return shapes == null || shapes.containsKey(name);
  }

  private static void checkComplete(
      Path file, @Nullable Map<String, long[]> shapes, Map<String, Tensor> tensors) {
    if (shapes == null) {
      return;
    }
    for (String name : shapes.keySet()) {
      if (!tensors.containsKey(name)) {
        throw new InputException(file + ": tensor " + name + " is missing");
      }
    }
  }

  private static Map<String, String> weightMap(Path index) {
    try {
      JsonNode map = MAPPER.readTree(Files.readAllBytes(index)).path("weight_map");
      if (!map.isObject() || map.isEmpty()) {
        throw new InputException(index + ": weight_map is missing or empty");
      }
      Map<String, String> files = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> field : map.properties()) {
        String file = field.getValue().asText();
        if (file.contains("/") || file.contains("\\") || !file.endsWith(".safetensors")) {
          throw new InputException(
              index
                  + ": weight_map names \""
                  + file
                  + "\", expected a .safetensors file beside it");
        }
        files.put(field.getKey(), file);
      }
      return files;
    } catch (IOException e) {
      throw new InputException(index + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  private static void readInto(
      Path file,
      @Nullable Map<String, long[]> shapes,
      TorchDevice device,
      Map<String, Tensor> tensors) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      SafetensorsHeader header = SafetensorsHeader.read(channel, file);
      for (Map.Entry<String, SafetensorsHeader.Entry> each : header.entries().entrySet()) {
        String name = each.getKey();
        if (shapes != null && !checkShape(file, name, each.getValue().dimensions(), shapes)) {
          continue;
        }
        if (tensors.containsKey(name)) {
          throw new InputException(file + ": tensor " + name + " is also in another shard");
        }
        tensors.put(name, readTensor(channel, header, each.getValue(), device));
      }
    } catch (NoSuchFileException e) {
      throw new InputException(file + ": no such file", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  /** False for a tensor that a checkpoint may hold without the model having a use for it. */
  private static boolean checkShape(
      Path file, String name, long[] shape, Map<String, long[]> shapes) {
    long[] wanted = shapes.get(name);
    if (wanted == null) {
      // Some checkpoints store the tied output projection twice, or the rotary tables.
      if (name.equals("lm_head.weight") || name.endsWith(".rotary_emb.inv_freq")) {
        return false;
      }
      throw new InputException(
          file + ": tensor " + name + " is not part of the model that config.json describes");
    }
    if (!Arrays.equals(shape, wanted)) {
      throw new InputException(
          file
              + ": tensor "
              + name
              + " has shape "
              + Arrays.toString(shape)
              + ", config.json asks for "
              + Arrays.toString(wanted));
    }
    return true;
  }

  private static Tensor readTensor(
      FileChannel channel,
      SafetensorsHeader header,
      SafetensorsHeader.Entry entry,
      TorchDevice device)
      throws IOException {
    try (PointerScope scope = new PointerScope()) {
      Tensor result = Tensors.empty(TorchDevice.CPU, ScalarType.Float, entry.dimensions());
      Tensor flat = result.view(-1);
      int width = entry.type().bytes();
      long elements = (entry.end() - entry.begin()) / width;
      long chunk = Math.min(elements, CHUNK_BYTES / width);
      boolean direct = entry.type() == WeightType.FLOAT32;
      Tensor staging =
          direct ? flat : Tensors.empty(TorchDevice.CPU, entry.type().scalarType(), chunk);
      for (long done = 0; done < elements; done += chunk) {
        long count = Math.min(chunk, elements - done);
        Tensor target = flat.narrow(0, done, count);
        Tensor source = direct ? target : staging.narrow(0, 0, count);
        ByteBuffer bytes = bytes(source, count * width);
        SafetensorsHeader.readFully(
            channel, header.file(), header.dataStart() + entry.begin() + done * width, bytes);
        if (!direct) {
          target.copy_(source);
        }
      }
      return device.move(result).retainReference();
    }
  }

  /** A view of a contiguous tensor's memory, at most {@link #CHUNK_BYTES} long. */
  static ByteBuffer bytes(Tensor contiguous, long length) {
    return new BytePointer(contiguous.data_ptr()).capacity(length).asByteBuffer();
  }
}
