package org.grpo4j.trainer.serve;

/**
 * How an answer is sent.
 *
 * @param on piece by piece, as server-sent events
 * @param usage whether a last event reports the numbers of tokens
 */
record StreamMode(boolean on, boolean usage) {
  static StreamMode of(RequestFields fields) {
    boolean on = fields.flag("stream", false);
    if (!on && fields.has("stream_options")) {
      throw ApiException.badRequest("stream_options", "'stream_options' needs 'stream': true.");
    }
    return new StreamMode(on, fields.object("stream_options").flag("include_usage", false));
  }
}
