package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** Where an answer goes; from any thread, in the order of the calls. */
interface AnswerSink {
  /** The whole answer. */
  void json(ObjectNode body);

  /** One server-sent event; the first one opens the stream. */
  void event(ObjectNode body);

  /** The stream's end. */
  void endOfEvents();

  /** An error instead of the rest. */
  void fail(ApiException failure);

  /** For the log. */
  void tokens(int prompt, int completion);
}
