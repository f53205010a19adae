package org.grpo4j.torch;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keys and values of B growing sequences, in memory allocated once, and the weights gathered for
 * decoding. Valid while the parameters do not change; not thread-safe.
 */
public final class KvCache implements AutoCloseable {
  /**
   * @param key [B, keyValueHeads, capacity, headDim]
   * @param value [B, keyValueHeads, capacity, headDim]
   */
  record LayerCache(Tensor key, Tensor value) {
    void close() {
      key.close();
      value.close();
    }
  }

  /**
   * What every layer needs to know about the sequences.
   *
   * @param mask additive, 0 at the slots a sequence may read [B, 1, 1, capacity]
   * @param positions position of each sequence's next token [B], int64
   * @param firstLogits logits of the first new token [B, V]
   */
  record Sequences(Tensor mask, Tensor positions, Tensor firstLogits) {
    void close() {
      mask.close();
      positions.close();
      firstLogits.close();
    }
  }

  private final List<DecoderLayer> layers;
  private List<LayerCache> caches;
  private Sequences sequences;
  private int length;

  /**
   * @param layers with gathered weights that the cache owns from now on
   * @param caches owned from now on, as are the tensors of {@code sequences}
   * @param length filled slots
   */
  KvCache(List<DecoderLayer> layers, List<LayerCache> caches, Sequences sequences, int length) {
    this.layers = layers;
    this.caches = caches;
    this.sequences = sequences;
    this.length = length;
  }

  /** B, the number of sequences. */
  public int sequences() {
    return (int) sequences.mask().size(0);
  }

  /** How many tokens can still be added to each sequence. */
  public int remaining() {
    return (int) sequences.mask().size(3) - length;
  }

  /**
   * Logits of the first new token of each sequence [B, V], known since the prefill. Owned by the
   * cache: valid until it is closed.
   */
  public Tensor firstLogits() {
    return sequences.firstLogits();
  }

  /**
   * Keeps only some sequences, for example those that have not ended, in the given order. Costs
   * about one decoding step, so drop several at once.
   *
   * @param rows indices into the present sequences
   */
  public void select(long... rows) {
    if (rows.length == 0) {
      throw new IllegalArgumentException("rows: given none, wanted at least one");
    }
    for (long row : rows) {
      if (row < 0 || row >= sequences()) {
        throw new IllegalArgumentException(
            "rows: given " + row + ", wanted an index below " + sequences());
      }
    }
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      Tensor index = Tensors.longs(TorchDevice.of(sequences.mask()), rows, rows.length);
      List<LayerCache> kept = new ArrayList<>();
      for (LayerCache cache : caches) {
        kept.add(new LayerCache(keep(cache.key(), index), keep(cache.value(), index)));
        cache.close();
      }
      caches = kept;
      Sequences old = sequences;
      sequences =
          new Sequences(
              Tensors.select(old.mask(), index).retainReference(),
              Tensors.select(old.positions(), index).retainReference(),
              Tensors.select(old.firstLogits(), index).retainReference());
      old.close();
    }
  }

  /** Copies the filled slots only. */
  private Tensor keep(Tensor cache, Tensor rows) {
    Tensor kept =
        Tensors.empty(
            TorchDevice.of(cache),
            ScalarType.Float,
            rows.size(0),
            cache.size(1),
            cache.size(2),
            cache.size(3));
    kept.narrow(2, 0, length).copy_(Tensors.select(cache.narrow(2, 0, length), rows));
    return kept.retainReference();
  }

  List<DecoderLayer> layers() {
    return layers;
  }

  Tensor positions() {
    return sequences.positions();
  }

  /** Filled slots, the one being added included once {@link #advance} was called. */
  int length() {
    return length;
  }

  /** Opens the slot of the token that is being added. */
  void advance() {
    length++;
  }

  /**
   * Adds the newest token's key and value to a layer and attends to everything so far.
   *
   * @return [B, heads·headDim]
   */
  Tensor attend(int layer, DecoderLayer.Heads heads) {
    LayerCache cache = caches.get(layer);
    long keyHeads = cache.key().size(1);
    long queryHeads = heads.queryKey().size(1) - keyHeads;
    cache.key().select(2, length - 1).copy_(heads.queryKey().narrow(1, queryHeads, keyHeads));
    cache.value().select(2, length - 1).copy_(heads.value());
    // The query heads that share a key head become its rows: nothing is repeated.
    Tensor query =
        heads
            .queryKey()
            .narrow(1, 0, queryHeads)
            .view(sequences(), keyHeads, queryHeads / keyHeads, heads.value().size(2));
    return Attention.fused(
            query,
            cache.key().narrow(2, 0, length),
            cache.value().narrow(2, 0, length),
            sequences.mask().narrow(3, 0, length))
        .reshape(sequences(), -1);
  }

  @Override
  public void close() {
    layers.forEach(DecoderLayer::release);
    caches.forEach(LayerCache::close);
    sequences.close();
  }
}
