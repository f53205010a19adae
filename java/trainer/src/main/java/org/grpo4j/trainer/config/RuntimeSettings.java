package org.grpo4j.trainer.config;

/**
 * What the machine is asked for.
 *
 * @param seed of every random draw
 * @param numThreads computing threads; 0: every core
 * @param isa instruction set of the kernels
 */
public record RuntimeSettings(
    @Key(byDefault = "42", source = "transformers", doc = "Seed of every random draw.") long seed,
    @Key(byDefault = "0", min = 0, doc = "Computing threads; 0: every core.") int numThreads,
    @Key(
            byDefault = "auto",
            doc = "Instruction set of the kernels; one that the machine lacks is an error.")
        Isa isa) {

  /** Instruction sets; AUTO takes the widest present. */
  public enum Isa {
    AUTO,
    AVX512_BF16,
    AVX512,
    AVX2,
    NEON,
    SCALAR
  }
}
