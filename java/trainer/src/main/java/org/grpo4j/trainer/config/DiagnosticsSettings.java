package org.grpo4j.trainer.config;

/**
 * What is measured beside training, at a cost.
 *
 * @param gradientVariance whether the variance of each step's gradient is estimated
 */
public record DiagnosticsSettings(
    @Key(
            byDefault = "false",
            doc =
                "Estimate the variance of each step's gradient from its two halves (gradient/*);"
                    + " costs a copy of the gradient in memory.")
        boolean gradientVariance) {}
