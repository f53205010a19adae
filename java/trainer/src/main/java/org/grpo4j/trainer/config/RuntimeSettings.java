package org.grpo4j.trainer.config;

import org.grpo4j.torch.TorchDevice;

/**
 * What the machine is asked for.
 *
 * @param seed of every random draw
 * @param numThreads computing threads; 0: every core
 * @param isa instruction set of the kernels
 * @param device where the model's tensors are, see {@link TorchDevice#named}
 * @param backend what runs the loss kernels; AUTO: the device's own
 */
public record RuntimeSettings(
    @Key(byDefault = "42", source = "transformers", doc = "Seed of every random draw.") long seed,
    @Key(byDefault = "0", min = 0, doc = "Computing threads; 0: every core.") int numThreads,
    @Key(
            byDefault = "auto",
            doc = "Instruction set of the kernels; one that the machine lacks is an error.")
        Isa isa,
    @Key(
            byDefault = "cpu",
            doc =
                "Where the model, its optimizer and the loss are: cpu, cuda (the first NVIDIA GPU)"
                    + " or cuda:N.")
        String device,
    @Key(
            byDefault = "auto",
            allowed = {"auto", "cpu", "cuda", "cuda-emulated"},
            doc =
                "What runs the loss kernels; auto: the device's own. cuda-emulated: the CUDA kernels"
                    + " on this processor, far from fast.")
        String backend) {

  /** Instruction sets; AUTO takes the widest present. */
  public enum Isa {
    AUTO,
    AVX512_BF16,
    AVX512,
    AVX2,
    NEON,
    SCALAR
  }

  /** Checks the device's name and writes it out: cuda:0 for cuda. */
  public RuntimeSettings {
    device = TorchDevice.named(device).toString();
  }

  /** The device of its name. */
  public TorchDevice torchDevice() {
    return TorchDevice.named(device);
  }

  /** Whether the backend is left to the device. */
  public boolean autoBackend() {
    return backend.equals("auto");
  }
}
