package org.grpo4j.trainer.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ParquetRowsTest {
  /** The columns of rlla_4k in verl's form, as Arrow writes them. */
  private static final MessageType VERL =
      MessageTypeParser.parseMessageType(
          """
          message schema {
            optional binary data_source (STRING);
            optional group prompt (LIST) {
              repeated group list {
                optional group element {
                  optional binary content (STRING);
                  optional binary role (STRING);
                }
              }
            }
            optional binary ability (STRING);
            optional group reward_model {
              optional binary ground_truth (STRING);
              optional binary style (STRING);
            }
            optional group extra_info {
              optional int64 index;
              optional binary split (STRING);
              optional double weight;
              optional boolean seen;
              optional group tags (LIST) { repeated binary array (STRING); }
              optional group scores (MAP) {
                repeated group key_value { required binary key (STRING); optional int32 value; }
              }
            }
          }
          """);

  @TempDir Path folder;

  private static Group row(int index, String truth) {
    Group row = new SimpleGroup(VERL);
    row.add("data_source", "rlla");
    Group prompt = row.addGroup("prompt");
    message(prompt, "system", "S");
    message(prompt, "user", "frage 🙂 " + index);
    Group reward = row.addGroup("reward_model");
    if (!truth.isEmpty()) {
      reward.add("ground_truth", truth);
    }
    reward.add("style", "rule");
    Group extra = row.addGroup("extra_info");
    extra.add("index", (long) index);
    extra.add("weight", 0.5);
    extra.add("seen", true);
    Group tags = extra.addGroup("tags");
    tags.add(0, "a");
    tags.add(0, "b");
    extra.addGroup("scores").addGroup(0).append("key", "k").append("value", 3);
    return row;
  }

  private static void message(Group prompt, String role, String content) {
    prompt.addGroup(0).addGroup(0).append("content", content).append("role", role);
  }

  private Path write(List<Group> rows, CompressionCodecName codec) throws IOException {
    Path file = folder.resolve("rows.parquet");
    Files.deleteIfExists(file);
    var builder =
        ExampleParquetWriter.builder(new LocalOutputFile(file))
            .withConf(new PlainParquetConfiguration())
            .withType(VERL)
            .withCompressionCodec(codec)
            .withRowGroupRowCountLimit(3);
    if (codec == CompressionCodecName.GZIP) {
      builder.withCodecFactory(new GzipWriter());
    }
    try (var writer = builder.build()) {
      for (Group row : rows) {
        writer.write(row);
      }
    }
    return file;
  }

  @ParameterizedTest
  @EnumSource(
      value = CompressionCodecName.class,
      names = {"UNCOMPRESSED", "SNAPPY", "ZSTD", "GZIP"})
  void nestedColumnsOfEveryUsualCodec(CompressionCodecName codec) throws IOException {
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      groups.add(row(i, "<think> t </think> " + i));
    }
    List<Example> rows = DataReader.read(write(groups, codec));
    assertEquals(7, rows.size());
    Example last = rows.get(6);
    assertEquals("6", last.id());
    assertEquals("<think> t </think> 6", last.answer());
    assertEquals(
        List.of(
            Map.of("role", "system", "content", "S"),
            Map.of("role", "user", "content", "frage 🙂 6")),
        last.messages());
    Map<?, ?> extra = assertInstanceOf(Map.class, last.extra().get("extra_info"));
    assertEquals(6L, extra.get("index"));
    assertEquals(0.5, extra.get("weight"));
    assertEquals(true, extra.get("seen"));
    assertEquals(List.of("a", "b"), extra.get("tags"));
    assertEquals(Map.of("k", 3), extra.get("scores"));
    assertTrue(extra.containsKey("split"));
    assertTrue(last.source().endsWith("rows.parquet row 7"), last.source());
  }

  @Test
  void badRowsAndFilesAreOneLine() throws IOException {
    Path file = write(List.of(row(0, "a"), row(1, "")), CompressionCodecName.SNAPPY);
    assertMessage(file, "rows.parquet row 2: reward_model.ground_truth is missing");
    assertEquals(1, DataReader.read(file, 1).size());
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertMessage(file, "rows.parquet: not a readable Parquet file");
    Files.writeString(file, "PAR1");
    assertMessage(file, "rows.parquet: not a readable Parquet file");
    Files.writeString(file, "");
    assertMessage(file, "rows.parquet: not a readable Parquet file");
    assertMessage(write(List.of(), CompressionCodecName.SNAPPY), "holds no rows");
  }

  private static void assertMessage(Path file, String part) {
    InputException e = assertThrows(InputException.class, () -> DataReader.read(file));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(part), message);
    assertEquals(1, message.lines().count(), message);
  }

  /** The library's own gzip needs Hadoop. */
  private static final class GzipWriter
      implements CompressionCodecFactory, CompressionCodecFactory.BytesInputCompressor {
    @Override
    public BytesInputCompressor getCompressor(CompressionCodecName codec) {
      return this;
    }

    @Override
    public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
      throw new UnsupportedOperationException();
    }

    @Override
    public BytesInput compress(BytesInput bytes) throws IOException {
      var packed = new ByteArrayOutputStream();
      try (var out = new GZIPOutputStream(packed)) {
        bytes.writeAllTo(out);
      }
      return BytesInput.from(packed.toByteArray());
    }

    @Override
    public CompressionCodecName getCodecName() {
      return CompressionCodecName.GZIP;
    }

    @Override
    public void release() {}
  }
}
