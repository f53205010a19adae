package org.grpo4j.trainer.report;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One token of a training sample as the update takes it: a row of tokens/step-N.jsonl.
 *
 * @param sample number of the sample in its optimizer step, from 0
 * @param group samples that are compared with each other have the same one
 * @param position in the sequence of prompt and completion, from 0
 * @param part where it comes from
 * @param id in the vocabulary
 * @param text of it alone
 * @param region of the token, for example "tool_name"; "none" in a prompt
 * @param logProb as it was sampled, at the sampling temperature; 0 for what was not sampled
 * @param advantage of the sample
 * @param policyWeight factor of the token in the policy's part of the loss: mask, aggregation,
 *     ResT's weight and corrections multiplied; 0: the token is not trained on
 * @param regularizerWeight factor in the parts for KL and entropy
 */
public record LoggedToken(
    int sample,
    long group,
    int position,
    Part part,
    int id,
    String text,
    String region,
    float logProb,
    double advantage,
    float policyWeight,
    float regularizerWeight) {

  /** Where a token comes from. */
  public enum Part {
    /** What the sample follows: the prompt, and in steps mode every turn before. */
    PROMPT,
    /** The model. */
    SAMPLED,
    /** Tools and chat template, between the turns of a conversation. */
    GIVEN
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("sample", sample);
    map.put("group", group);
    map.put("position", position);
    map.put("part", part.name().toLowerCase(Locale.ROOT));
    map.put("id", id);
    map.put("text", text);
    map.put("region", region);
    map.put("log_prob", logProb);
    map.put("advantage", advantage);
    map.put("policy_weight", policyWeight);
    map.put("regularizer_weight", regularizerWeight);
    return map;
  }
}
