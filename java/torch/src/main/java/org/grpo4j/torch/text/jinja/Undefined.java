package org.grpo4j.torch.text.jinja;

/**
 * What a missing name, key or element evaluates to. It is false, empty and prints as nothing;
 * anything else done with it is an error.
 *
 * @param what how to name it in a message
 */
record Undefined(String what) {
  TemplateException error() {
    return new TemplateException(what + " is undefined");
  }
}
