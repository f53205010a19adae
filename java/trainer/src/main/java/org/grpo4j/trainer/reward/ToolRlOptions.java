package org.grpo4j.trainer.reward;

/**
 * The switches of ToolRL's reward; the environment variable of the published code in parentheses.
 *
 * @param release which published form: see {@link Release}
 * @param chatFrame the chat markup that may still surround a completion
 * @param scheduleReward (SCHEDULEREWARD) the format's range shrinks from [−2, 2] to [−1, 1] while
 *     the correctness' grows from [−2, 2] to [−3, 3], over 150 steps
 * @param correctMax1 (CORRECTMAX1) correctness in [−1, 1]
 * @param max1Step30Max3 (MAX1STEP30MAX3) correctness a third of its range before step 30, format
 *     half of its range from step 30 on
 * @param coarse (COARSEREWARD) calls that are not all equal give the minimum
 * @param refined (REFINEDREWARD) names and parameter names count only when the lists are equal
 * @param intermediate (INTERMEDIATEREWARD) per call: equal or nothing
 * @param withLength (WITHLENGTH) also measure the length of the reasoning; ToolRL adds it to the
 *     total, ResT only reports it
 * @param scheduleLength (SCHEDULELENGTH) the reasoning's full length grows from 384 words by 256
 *     per 105 steps, instead of 512
 */
public record ToolRlOptions(
    Release release,
    ChatFrame chatFrame,
    boolean scheduleReward,
    boolean correctMax1,
    boolean max1Step30Max3,
    boolean coarse,
    boolean refined,
    boolean intermediate,
    boolean withLength,
    boolean scheduleLength) {

  /** The two published forms. They differ in what counts as well formed, and in the total. */
  public enum Release {
    /**
     * ToolRL: the completion as a whole is the blocks, one per line; length is part of the total.
     */
    TOOLRL,
    /**
     * ResT: the tags occur in order, text around them is allowed; length stays out of the total.
     */
    REST
  }

  /** Chat markup around the assistant's text. */
  public enum ChatFrame {
    CHATML("<|im_start|>assistant", "<|im_end|>"),
    LLAMA3("<|start_header_id|>assistant<|end_header_id|>", "<|eot_id|>");

    private final String open;
    private final String close;

    ChatFrame(String open, String close) {
      this.open = open;
      this.close = close;
    }

    /** The text of the last assistant turn without its markup and without surrounding space. */
    String strip(String text) {
      return PythonText.strip(PythonText.beforeFirst(PythonText.afterLast(text, open), close));
    }
  }

  /** Everything off, in the form of the given release. */
  public static ToolRlOptions of(Release release) {
    return new Builder().release(release).build();
  }

  /** ResT's release with everything off. */
  public static ToolRlOptions defaults() {
    return of(Release.REST);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Sets options by name; all are off at first, in ResT's release form. */
  public static final class Builder {
    private Release release = Release.REST;
    private ChatFrame chatFrame = ChatFrame.CHATML;
    private boolean scheduleReward;
    private boolean correctMax1;
    private boolean max1Step30Max3;
    private boolean coarse;
    private boolean refined;
    private boolean intermediate;
    private boolean withLength;
    private boolean scheduleLength;

    private Builder() {}

    public Builder release(Release value) {
      release = value;
      return this;
    }

    public Builder chatFrame(ChatFrame value) {
      chatFrame = value;
      return this;
    }

    public Builder scheduleReward(boolean value) {
      scheduleReward = value;
      return this;
    }

    public Builder correctMax1(boolean value) {
      correctMax1 = value;
      return this;
    }

    public Builder max1Step30Max3(boolean value) {
      max1Step30Max3 = value;
      return this;
    }

    public Builder coarse(boolean value) {
      coarse = value;
      return this;
    }

    public Builder refined(boolean value) {
      refined = value;
      return this;
    }

    public Builder intermediate(boolean value) {
      intermediate = value;
      return this;
    }

    public Builder withLength(boolean value) {
      withLength = value;
      return this;
    }

    public Builder scheduleLength(boolean value) {
      scheduleLength = value;
      return this;
    }

    public ToolRlOptions build() {
      return new ToolRlOptions(
          release,
          chatFrame,
          scheduleReward,
          correctMax1,
          max1Step30Max3,
          coarse,
          refined,
          intermediate,
          withLength,
          scheduleLength);
    }
  }
}
