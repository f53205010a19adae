package org.grpo4j.trainer.config;

import org.jspecify.annotations.Nullable;

/**
 * Rollouts: what is sampled, how long it is used.
 *
 * @param numGenerations completions per prompt, G
 * @param maxCompletionLength tokens per completion, at most
 * @param temperature divides the logits while sampling and in the loss
 * @param topP nucleus mass kept; 1 keeps all
 * @param topK tokens kept; 0 keeps all
 * @param generationBatchSize completions per rollout; null: derived, see {@link
 *     TrainConfig#generationBatchSize}
 * @param stepsPerGeneration micro-batches per rollout; null: derived, see {@link
 *     TrainConfig#stepsPerGeneration}
 * @param perDeviceGenerationBatchSize completions sampled together; null: all of a rollout
 * @param numIterations passes over each rollout
 * @param maxTokens sampled tokens after which a run ends; null: no limit
 */
public record GenerationSettings(
    @Key(byDefault = "8", min = 1, source = "TRL", doc = "Completions per prompt (the group, G).")
        int numGenerations,
    @Key(byDefault = "256", min = 1, source = "TRL", doc = "Tokens per completion, at most.")
        int maxCompletionLength,
    @Key(
            byDefault = "1.0",
            min = 0,
            aboveMin = true,
            source = "TRL",
            doc = "Sampling temperature; the loss divides the logits by it too.")
        double temperature,
    @Key(
            byDefault = "1.0",
            min = 0,
            max = 1,
            aboveMin = true,
            source = "TRL",
            doc = "Nucleus sampling: the mass kept; 1 keeps every token.")
        double topP,
    @Key(byDefault = "0", min = 0, source = "TRL", doc = "Tokens kept in sampling; 0 keeps all.")
        int topK,
    @Key(
            byDefault = "null",
            min = 1,
            source = "TRL",
            doc =
                "Completions per rollout; unset: per_device_train_batch_size x"
                    + " steps_per_generation.")
        @Nullable Integer generationBatchSize,
    @Key(
            byDefault = "null",
            min = 1,
            source = "TRL",
            doc = "Micro-batches per rollout; unset: gradient_accumulation_steps.")
        @Nullable Integer stepsPerGeneration,
    @Key(
            byDefault = "null",
            min = 1,
            doc =
                "Completions sampled together, by whole groups; bounds the memory of keys and values,"
                    + " changes no sample. Unset: all of a rollout.")
        @Nullable Integer perDeviceGenerationBatchSize,
    @Key(byDefault = "1", min = 1, source = "TRL", doc = "Passes over each rollout.")
        int numIterations,
    @Key(
            byDefault = "null",
            min = 1,
            doc =
                "The run also ends after the rollout that reaches so many sampled tokens (prompts and"
                    + " completions, num_tokens in the metrics); unset: no limit.")
        @Nullable Long maxTokens) {}
