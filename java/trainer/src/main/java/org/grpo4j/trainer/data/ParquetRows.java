package org.grpo4j.trainer.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a Parquet file as maps: structs become maps, lists become lists, text is UTF-8.
 *
 * <p>parquet-floor's own reader hands out leaf columns one by one without the structure above them,
 * so the records are assembled by the Parquet library underneath it. Numbers are Integer, Long or
 * Double; what JSON has no form for (dates, decimals) is left as the library's text.
 */
final class ParquetRows {
  private ParquetRows() {}

  /** What is done with a row; null values are nulls of the file. */
  @FunctionalInterface
  interface Consumer {
    /** Returns whether to go on. */
    boolean accept(Map<String, @Nullable Object> row);
  }

  /**
   * @throws InputException the file is no Parquet file, or one that is damaged
   */
  static void read(Path file, Consumer consumer) throws IOException {
    int rows = 0;
    try (ParquetFileReader reader = ParquetFileReader.open(new LocalInputFile(file), options())) {
      MessageType schema = reader.getFooter().getFileMetaData().getSchema();
      var columns = new ColumnIOFactory().getColumnIO(schema);
      for (PageReadStore pages = reader.readNextRowGroup();
          pages != null;
          pages = reader.readNextRowGroup()) {
        RecordReader<Group> records =
            columns.getRecordReader(pages, new GroupRecordConverter(schema));
        for (long i = 0; i < pages.getRowCount(); i++) {
          Map<String, @Nullable Object> row = struct(records.read());
          rows++;
          if (!consumer.accept(row)) {
            return;
          }
        }
      }
    } catch (InputException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      // Damage comes as unchecked exceptions of many types, a codec whose classes are missing as a
      // linkage error.
      String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new InputException(
          file + ": not a readable Parquet file after row " + rows + " (" + why + ")", e);
    }
  }

  private static ParquetReadOptions options() {
    var builder = ParquetReadOptions.builder(new PlainParquetConfiguration());
    var library = builder.build().getCodecFactory();
    return builder.withCodecFactory(new ParquetCodecs(library)).build();
  }

  private static Map<String, @Nullable Object> struct(Group group) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    GroupType type = group.getType();
    for (int field = 0; field < type.getFieldCount(); field++) {
      map.put(type.getFieldName(field), field(group, field));
    }
    return map;
  }

  private static @Nullable Object field(Group group, int field) {
    Type type = group.getType().getType(field);
    int count = group.getFieldRepetitionCount(field);
    if (type.isRepetition(Type.Repetition.REPEATED)) {
      List<@Nullable Object> values = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        values.add(value(group, field, i));
      }
      return values;
    }
    return count == 0 ? null : value(group, field, 0);
  }

  private static @Nullable Object value(Group group, int field, int index) {
    Type type = group.getType().getType(field);
    if (type.isPrimitive()) {
      return primitive(group, field, index, type.asPrimitiveType());
    }
    Group inner = group.getGroup(field, index);
    LogicalTypeAnnotation kind = type.getLogicalTypeAnnotation();
    if (kind instanceof LogicalTypeAnnotation.ListLogicalTypeAnnotation) {
      return list(inner);
    }
    if (kind instanceof LogicalTypeAnnotation.MapLogicalTypeAnnotation) {
      return map(inner);
    }
    return struct(inner);
  }

  /**
   * A list is a group with one repeated field. Today's writers put the element into a group of its
   * own there (list.element, list.item); older ones repeat the element itself.
   */
  private static List<@Nullable Object> list(Group list) {
    List<@Nullable Object> values = new ArrayList<>();
    Type repeated = list.getType().getType(0);
    boolean wrapped =
        !repeated.isPrimitive()
            && repeated.asGroupType().getFieldCount() == 1
            && !repeated.getName().equals("array")
            && !repeated.getName().endsWith("_tuple");
    for (int i = 0; i < list.getFieldRepetitionCount(0); i++) {
      values.add(wrapped ? field(list.getGroup(0, i), 0) : value(list, 0, i));
    }
    return values;
  }

  private static Map<String, @Nullable Object> map(Group map) {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    for (int i = 0; i < map.getFieldRepetitionCount(0); i++) {
      Group entry = map.getGroup(0, i);
      values.put(String.valueOf(field(entry, 0)), field(entry, 1));
    }
    return values;
  }

  private static Object primitive(Group group, int field, int index, PrimitiveType type) {
    LogicalTypeAnnotation kind = type.getLogicalTypeAnnotation();
    boolean plain = kind == null || kind instanceof LogicalTypeAnnotation.IntLogicalTypeAnnotation;
    return switch (type.getPrimitiveTypeName()) {
      case BOOLEAN -> group.getBoolean(field, index);
      case FLOAT -> (double) group.getFloat(field, index);
      case DOUBLE -> group.getDouble(field, index);
      case INT32 ->
          plain ? (Object) group.getInteger(field, index) : group.getValueToString(field, index);
      case INT64 ->
          plain ? (Object) group.getLong(field, index) : group.getValueToString(field, index);
      case BINARY ->
          kind instanceof LogicalTypeAnnotation.DecimalLogicalTypeAnnotation
              ? group.getValueToString(field, index)
              : group.getString(field, index);
      case INT96, FIXED_LEN_BYTE_ARRAY -> group.getValueToString(field, index);
    };
  }
}
