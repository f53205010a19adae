/** Tests across modules: layering, reference vectors on every instruction set, the command line. */
@org.jspecify.annotations.NullMarked
package org.grpo4j.tests;
