package org.grpo4j.torch;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** Whole sequences on their way through the layers, one layer at a time. */
final class SequencePass {
  /**
   * @param key [B, keyValueHeads, T, headDim]
   * @param value [B, keyValueHeads, T, headDim]
   */
  record KeysValues(Tensor key, Tensor value) {
    static KeysValues of(DecoderLayer.Heads heads, long batch) {
      return new KeysValues(perHead(heads.key(), batch), perHead(heads.value(), batch));
    }

    private static Tensor perHead(Tensor rows, long batch) {
      return rows.view(batch, rows.size(0) / batch, rows.size(1), rows.size(2)).transpose(1, 2);
    }
  }

  private final RotaryEmbedding rope;
  private final Tensor rotations;
  private final Tensor mask;
  private final long batch;
  private final long length;
  private Tensor x;

  /**
   * @param ids [B, T], int64
   * @param mask 1 at tokens [B, T], int64
   */
  SequencePass(DecoderModel model, Tensor ids, Tensor mask) {
    batch = ids.size(0);
    length = ids.size(1);
    rope = model.rope();
    Tensor positions = mask.cumsum(1).sub(new Scalar(1)).clamp_min(new Scalar(0));
    rotations = rope.rotations(positions.view(-1), length);
    this.mask = Attention.causalMask(mask);
    x = model.embed(ids.reshape(-1));
  }

  /** Runs one layer and hands out its keys and values. */
  KeysValues run(DecoderLayer layer) {
    DecoderLayer.Heads heads = layer.project(x, rope, rotations);
    KeysValues own = KeysValues.of(heads, batch);
    x = layer.finish(x, Attention.attend(heads.query(), own.key(), own.value(), mask));
    return own;
  }

  /** [B, T, H]. */
  Tensor states() {
    return x.view(batch, length, -1);
  }
}
