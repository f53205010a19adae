package org.grpo4j.torch;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Completions on their way through the layers, beside the prompts they continue. */
final class CompletionPass {
  private final RotaryEmbedding rope;
  private final Tensor promptOf;
  private final Tensor rotations;
  private final Tensor mask;
  private final long batch;
  private final long length;
  private Tensor x;

  /**
   * @param ids [B, T], int64
   */
  CompletionPass(DecoderModel model, PromptBatch prompts, Tensor ids) {
    batch = ids.size(0);
    length = ids.size(1);
    rope = model.rope();
    promptOf = prompts.promptOf();
    Tensor prefix = prompts.mask().index_select(0, promptOf);
    Tensor positions = prefix.sum(1).unsqueeze(1).add(torch.arange(new Scalar(length)));
    rotations = rope.rotations(positions.view(-1), prompts.promptLength() + length);
    mask = Attention.prefixMask(prefix, length);
    x = model.embed(ids.reshape(-1));
  }

  /**
   * Runs one layer.
   *
   * @param prompts the same layer's keys and values of the prompts
   */
  void run(DecoderLayer layer, SequencePass.KeysValues prompts) {
    DecoderLayer.Heads heads = layer.project(x, rope, rotations);
    SequencePass.KeysValues own = SequencePass.KeysValues.of(heads, batch);
    Tensor attended =
        Attention.attend(
            heads.query(),
            joined(prompts.key(), own.key()),
            joined(prompts.value(), own.value()),
            mask);
    x = layer.finish(x, attended);
  }

  private Tensor joined(Tensor prompts, Tensor own) {
    return torch.cat(new TensorVector(prompts.index_select(0, promptOf), own), 2);
  }

  /** [B, T, H]. */
  Tensor states() {
    return x.view(batch, length, -1);
  }
}
