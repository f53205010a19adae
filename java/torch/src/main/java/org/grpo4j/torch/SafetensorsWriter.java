package org.grpo4j.torch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Writes the format that {@link SafetensorsHeader} reads. */
final class SafetensorsWriter {
  private static final int ALIGNMENT = 8;
  private static final long CHUNK_ELEMENTS = 16L << 20;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private SafetensorsWriter() {}

  static void writeFile(Path file, SortedMap<String, Tensor> tensors, WeightType type) {
    try {
      AtomicFiles.commit(writeTemporary(file, tensors, type), file);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  static void writeFolder(
      Path folder, SortedMap<String, Tensor> tensors, WeightType type, long maxShardBytes) {
    List<SortedMap<String, Tensor>> shards = split(tensors, type, maxShardBytes);
    Map<Path, SortedMap<String, Tensor>> files = new LinkedHashMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String name =
          shards.size() == 1
              ? Safetensors.FILE_NAME
              : String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
      files.put(folder.resolve(name), shards.get(i));
    }
    Map<Path, Path> temporaries = new LinkedHashMap<>();
    Path current = folder;
    try {
      for (Map.Entry<Path, SortedMap<String, Tensor>> each : files.entrySet()) {
        current = each.getKey();
        temporaries.put(writeTemporary(current, each.getValue(), type), current);
      }
      for (Map.Entry<Path, Path> each : temporaries.entrySet()) {
        current = each.getValue();
        AtomicFiles.commit(each.getKey(), current);
      }
      if (files.size() > 1) {
        AtomicFiles.writeJson(folder.resolve(Safetensors.INDEX_NAME), index(files, type));
      }
      deleteStale(folder, files);
    } catch (IOException e) {
      deleteQuietly(temporaries.keySet());
      throw AtomicFiles.cannotWrite(current, e);
    }
  }

  /** Temporary files after a failure: a second failure must not hide the first. */
  private static void deleteQuietly(Iterable<Path> files) {
    for (Path file : files) {
      file.toFile().delete();
    }
  }

  /** Removes an earlier checkpoint of the other form, which a reader would otherwise prefer. */
  private static void deleteStale(Path folder, Map<Path, ?> written) throws IOException {
    try (DirectoryStream<Path> old = Files.newDirectoryStream(folder, "model*.safetensors")) {
      for (Path file : old) {
        if (!written.containsKey(file)) {
          Files.delete(file);
        }
      }
    }
    if (written.size() == 1) {
      Files.deleteIfExists(folder.resolve(Safetensors.INDEX_NAME));
    }
  }

  private static List<SortedMap<String, Tensor>> split(
      SortedMap<String, Tensor> tensors, WeightType type, long maxShardBytes) {
    List<SortedMap<String, Tensor>> shards = new ArrayList<>();
    SortedMap<String, Tensor> shard = new TreeMap<>();
    long bytes = 0;
    for (Map.Entry<String, Tensor> each : tensors.entrySet()) {
      long size = each.getValue().numel() * type.bytes();
      if (!shard.isEmpty() && bytes + size > maxShardBytes) {
        shards.add(shard);
        shard = new TreeMap<>();
        bytes = 0;
      }
      shard.put(each.getKey(), each.getValue());
      bytes += size;
    }
    shards.add(shard);
    return shards;
  }

  private static ObjectNode index(Map<Path, SortedMap<String, Tensor>> files, WeightType type) {
    ObjectNode index = MAPPER.createObjectNode();
    ObjectNode map = MAPPER.createObjectNode();
    long total = 0;
    for (Map.Entry<Path, SortedMap<String, Tensor>> file : files.entrySet()) {
      for (Map.Entry<String, Tensor> each : file.getValue().entrySet()) {
        map.put(each.getKey(), file.getKey().getFileName().toString());
        total += each.getValue().numel() * type.bytes();
      }
    }
    index.putObject("metadata").put("total_size", total);
    index.set("weight_map", map);
    return index;
  }

  private static Path writeTemporary(Path file, SortedMap<String, Tensor> tensors, WeightType type)
      throws IOException {
    return AtomicFiles.writeTemporary(
        file,
        channel -> {
          AtomicFiles.writeFully(channel, header(tensors, type));
          for (Tensor tensor : tensors.values()) {
            writeTensor(channel, tensor, type);
          }
        });
  }

  private static ByteBuffer header(SortedMap<String, Tensor> tensors, WeightType type)
      throws JsonProcessingException {
    ObjectNode json = MAPPER.createObjectNode();
    json.putObject("__metadata__").put("format", "pt");
    long offset = 0;
    for (Map.Entry<String, Tensor> each : tensors.entrySet()) {
      ObjectNode entry = json.putObject(each.getKey());
      entry.put("dtype", type.safetensorsName());
      var shape = entry.putArray("shape");
      for (long dim : Tensors.shape(each.getValue())) {
        shape.add(dim);
      }
      long end = offset + each.getValue().numel() * type.bytes();
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] text = MAPPER.writeValueAsString(json).getBytes(StandardCharsets.UTF_8);
    int padded = (text.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer buffer =
        ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded);
    buffer.put(text);
    while (buffer.hasRemaining()) {
      buffer.put((byte) ' ');
    }
    return buffer.flip();
  }

  private static void writeTensor(FileChannel channel, Tensor tensor, WeightType type)
      throws IOException {
    try (PointerScope scope = new PointerScope()) {
      Tensor flat = tensor.detach().contiguous().view(-1);
      long elements = flat.numel();
      for (long done = 0; done < elements; done += CHUNK_ELEMENTS) {
        long count = Math.min(CHUNK_ELEMENTS, elements - done);
        try (PointerScope chunkScope = new PointerScope()) {
          Tensor chunk = flat.narrow(0, done, count).to(type.scalarType()).cpu().contiguous();
          AtomicFiles.writeFully(channel, Safetensors.bytes(chunk, count * type.bytes()));
        }
      }
    }
  }
}
