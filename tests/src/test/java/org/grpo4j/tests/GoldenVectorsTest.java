package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.trainer.selfcheck.VectorSuite;
import org.junit.jupiter.api.Test;

/** Every reference vector, those of the kernels under every instruction set of this machine. */
class GoldenVectorsTest {
  @Test
  void everyVectorAgreesOnEveryInstructionSet() throws IOException {
    Isa before = Kernels.isa();
    List<Isa> isas = Kernels.availableIsas();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    VectorSuite suite = new VectorSuite(VectorSuite.allCheckers(), isas, out);
    suite.run(SharedData.get("golden"));
    String text = bytes.toString(StandardCharsets.UTF_8);
    assertEquals(List.of(), text.lines().filter(l -> l.contains("FAILED")).limit(10).toList());
    assertTrue(suite.succeeded(), suite.totals());
    for (Isa isa : isas) {
      for (String file : List.of("trl_losses.json", "verl_losses.json")) {
        String start = file + " [" + isa + "]: ";
        List<String> lines = text.lines().filter(l -> l.startsWith(start)).toList();
        assertEquals(1, lines.size(), start + text.lines().limit(40).toList());
        int passed = Integer.parseInt(lines.get(0).substring(start.length()).split(" ")[0]);
        assertTrue(passed > 0, lines.get(0));
      }
    }
    assertEquals(before, Kernels.isa(), "the suite leaves another instruction set behind");
  }
}
