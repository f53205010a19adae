package org.grpo4j.tests;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.grpo4j.trainer.cli.Main;

/**
 * What a command line did.
 *
 * @param status exit status
 * @param out standard output, the command's own and what it prints past it
 * @param err standard error likewise
 */
record CommandLineRun(int status, String out, String err) {

  static CommandLineRun of(List<String> arguments) {
    return of(arguments.toArray(String[]::new));
  }

  static CommandLineRun of(String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream systemOut = System.out;
    PrintStream systemErr = System.err;
    PrintStream printOut = new PrintStream(out, true, StandardCharsets.UTF_8);
    PrintStream printErr = new PrintStream(err, true, StandardCharsets.UTF_8);
    System.setOut(printOut);
    System.setErr(printErr);
    int status;
    try {
      status =
          Main.run(
              new PrintWriter(printOut, true, StandardCharsets.UTF_8),
              new PrintWriter(printErr, true, StandardCharsets.UTF_8),
              arguments);
    } finally {
      System.setOut(systemOut);
      System.setErr(systemErr);
    }
    return new CommandLineRun(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
