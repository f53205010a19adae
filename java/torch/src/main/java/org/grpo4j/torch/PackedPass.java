package org.grpo4j.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Packed tokens on their way through the layers, one layer at a time. */
final class PackedPass {
  private final ModelConfig config;
  private final TokenLayout layout;
  private final RotaryEmbedding rope;
  private final Tensor rotations;
  private final List<AttentionBlock> blocks;
  private final Tensor attendedRows;
  private Tensor x;

  PackedPass(DecoderModel model, TokenLayout layout) {
    config = model.config();
    this.layout = layout;
    rope = model.rope();
    rotations = rope.rotations(layout.positions(), layout.longest());
    blocks = blocks();
    attendedRows = attendedRows(allRows());
    x = model.embed(layout.ids());
  }

  /** Sequences and prompts in one block, the completions that continue them in another. */
  private List<AttentionBlock> blocks() {
    List<AttentionBlock> list = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= layout.segments(); i++) {
      if (i == layout.segments() || layout.hasPrefix(i) != layout.hasPrefix(from)) {
        AttentionBlock block = AttentionBlock.of(config, layout, from, i);
        if (block.queries() > 0) {
          list.add(block);
        }
        from = i;
      }
    }
    return list;
  }

  /** Runs one layer. */
  DecoderLayer.Heads run(DecoderLayer layer) {
    DecoderLayer.Heads heads = layer.project(x, rope, rotations);
    x = layer.finish(x, attend(heads, attendedRows));
    return heads;
  }

  /**
   * Runs the last layer, whose second half only some rows need.
   *
   * @param rows the rows to keep, in the order of {@link #states} from then on
   */
  void runLast(DecoderLayer layer, int[] rows) {
    DecoderLayer.Heads heads = layer.project(x, rope, rotations);
    Tensor attended = attend(heads, attendedRows(rows));
    x = layer.finish(Tensors.gather(x, Tensors.longs(layout.device(), rows)), attended);
  }

  private Tensor attend(DecoderLayer.Heads heads, Tensor wanted) {
    long dim = config.headDim();
    Tensor queryKey = heads.queryKey().view(-1, dim);
    Tensor value = heads.value().view(-1, dim);
    Tensor[] outputs = blocks.stream().map(b -> b.attend(queryKey, value)).toArray(Tensor[]::new);
    Tensor all = outputs.length == 1 ? outputs[0] : torch.cat(new TensorVector(outputs), 0);
    return Tensors.gather(all, wanted).view(-1, config.heads() * dim);
  }

  private int[] allRows() {
    int[] rows = new int[layout.rows()];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i;
    }
    return rows;
  }

  /** Where the blocks' joined outputs hold each head of these rows. */
  private Tensor attendedRows(int[] rows) {
    int heads = config.heads();
    long[] byRow = new long[layout.rows() * heads];
    int offset = 0;
    for (AttentionBlock block : blocks) {
      for (int i = block.from(); i < block.to(); i++) {
        for (int t = 0; t < layout.length(i); t++) {
          for (int head = 0; head < heads; head++) {
            byRow[layout.row(i, t) * heads + head] = (long) offset + block.outputRow(i, t, head);
          }
        }
      }
      offset += block.outputs();
    }
    long[] wanted = new long[rows.length * heads];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(byRow, rows[i] * heads, wanted, i * heads, heads);
    }
    return Tensors.longs(layout.device(), wanted, wanted.length);
  }

  /** [N, H], or the rows given to {@link #runLast}. */
  Tensor states() {
    return x;
  }
}
