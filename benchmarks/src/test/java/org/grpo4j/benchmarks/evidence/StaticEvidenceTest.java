package org.grpo4j.benchmarks.evidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.grpo4j.benchmarks.evidence.Instruction.Pipe;
import org.junit.jupiter.api.Test;

/** Listings in nvdisasm's form, written for the test. */
class StaticEvidenceTest {
  /**
   * A vector loop of 16 instructions with a rare block out of line, which jumps back into it, and a
   * scalar tail.
   */
  private static final String FORWARD =
      """
      \t.section\t.text.forward,"ax",@progbits
      \t.sectioninfo\t@"SHI_REGISTERS=32"
      forward:
              /*0000*/                   MOV R1, c[0x0][0x28] ;
      .L_x_1:
              /*0010*/                   LDG.E.128.CONSTANT R4, desc[UR6][R20.64] ;
              /*0020*/                   FMNMX R9, R4, R5, !PT ;
              /*0030*/                   FSETP.GT.AND P0, PT, R9, R8, PT ;
              /*0040*/               @P0 BRA `(.L_x_4) ;
      .L_x_2:
              /*0050*/                   FFMA R4, R4, R2, R3 ;
              /*0060*/                   MUFU.EX2 R4, R4 ;
              /*0070*/                   MUFU.EX2 R5, R5 ;
              /*0080*/                   MUFU.EX2 R6, R6 ;
              /*0090*/                   MUFU.EX2 R7, R7 ;
              /*00a0*/                   FADD R10, R10, R4 ;
              /*00b0*/                   FADD R10, R10, R5 ;
              /*00c0*/                   IADD3 R20, P1, R20, 0x10, RZ ;
              /*00d0*/                   ISETP.GE.AND P1, PT, R20, R11, PT ;
              /*00e0*/              @!P1 BRA `(.L_x_1) ;
      .L_x_3:
              /*00f0*/                   LDG.E R4, desc[UR6][R20.64] ;
              /*0100*/                   MUFU.EX2 R4, R4 ;
              /*0110*/              @!P2 BRA `(.L_x_3) ;
              /*0120*/                   EXIT ;
      .L_x_4:
              /*0130*/                   MUFU.EX2 R12, R8 ;
              /*0140*/                   FMUL R10, R10, R12 ;
              /*0150*/                   BRA `(.L_x_2) ;
      .L_x_5:
              /*0160*/                   BRA `(.L_x_5) ;
      \t.section\t.nv.info,"",@SHT_CUDA_INFO
      """;

  private static final String PTXAS =
      """
      ptxas info    : Compiling entry function 'forward' for 'sm_90'
      ptxas info    : Function properties for forward
          0 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
      ptxas info    : Used 40 registers, used 1 barriers, 16 bytes smem, 400 bytes cmem[0]
      """;

  private static Map<String, SassListing.Kernel> kernels() {
    return SassListing.parse(FORWARD.lines().toList());
  }

  private static ControlFlow forward() {
    return Objects.requireNonNull(kernels().get("forward")).flow();
  }

  @Test
  void theHotLoopIsTheOneWithWideAccessesWithoutItsRareBranch() {
    List<HotLoop> loops = HotLoop.of(forward());
    assertEquals(1, loops.size());
    assertEquals(14, loops.get(0).path().size());
    assertEquals(3, loops.get(0).offPath());
    assertEquals(4, loops.get(0).elements(4, 1));
    assertEquals(8, loops.get(0).elements(2, 1));
    assertEquals(4, loops.get(0).pipes().get(Pipe.SPECIAL));
    assertEquals(0, loops.get(0).narrowAccesses());
  }

  @Test
  void costIsPerElementAndNamesTheBusiestUnit() {
    Cost cost = Cost.of(HotLoop.of(forward()), 4, 1);
    assertEquals(14 / 4.0, cost.instructions());
    assertEquals(1, cost.special());
    assertEquals("special", cost.busiest());
    assertEquals(1 / 16.0, cost.cycles());
  }

  @Test
  void ptxasReportsAreRead() {
    assertEquals(
        Map.of("forward", new ResourceUsage(40, 0, 12, 16)),
        ResourceUsage.parse(PTXAS.lines().toList()));
  }

  @Test
  void whatIsBeyondTheLimitsFails() {
    String good = PTXAS.replace(" 8 bytes", " 0 bytes").replace(" 16 bytes smem,", "");
    assertEquals(
        List.of("sm_90 forward: bytes spilled: 4.00, at most 0.00"), failures(good, 40, 4, 1));
    List<String> beyond = failures(PTXAS, 32, 3, 0.5);
    assertEquals(5, beyond.size(), beyond::toString);
    assertEquals(
        "sm_90 forward: bytes of static shared memory: 16.00, at most 0.00", beyond.get(1));
    assertEquals("forward f32 sm_90: registers: 40.00, at most 32.00", beyond.get(2));
    assertTrue(beyond.get(3).startsWith("forward f32 sm_90: instructions per element: 3.50"));
    assertTrue(beyond.get(4).startsWith("forward f32 sm_90: special-function operations"));
  }

  @Test
  void withoutADisassemblerResourcesAreStillChecked() {
    Map<String, ResourceUsage> used = ResourceUsage.parse(PTXAS.lines().toList());
    List<String> found = report(new StaticEvidence.Code(used, Map.of()), expectation(32, 3, 0.5));
    assertEquals(
        List.of(
            "sm_90 forward: bytes spilled: 12.00, at most 0.00",
            "sm_90 forward: bytes of static shared memory: 16.00, at most 0.00",
            "forward f32 sm_90: registers: 40.00, at most 32.00"),
        found);
  }

  @Test
  void ptxHoldsNoCallsTrapsLocalArraysOrFloatingAtomics() {
    String ptx =
        """
        .extern .shared .align 128 .b8 arena[];
        \t.local .align 8 .b8 \t__local_depot0[8];
        \tbar.sync \t0;
        \tmax.NaN.f32 \t%f1, %f2, %f3;
        @%p1 bra \t$L__BB0_2;
        \tcall.uni (retval0), vprintf, (param0);
        @%p2 red.global.add.f32 \t[%rd1], %f1;
        \tatom.global.add.u32 \t%r1, [%rd1], 1;
        \tst.local.f32 \t[%rd2], %f1;
        \ttrap;
        """;
    assertEquals(
        List.of(
            "line 2: .local .align 8 .b8 \t__local_depot0[8];",
            "line 6: call.uni",
            "line 7: red.global.add.f32",
            "line 9: st.local.f32",
            "line 10: trap"),
        PtxRules.violations(ptx.lines().toList()));
  }

  private static List<String> failures(
      String ptxas, int registers, double instructions, double special) {
    Map<String, ResourceUsage> used = ResourceUsage.parse(ptxas.lines().toList());
    return report(
        new StaticEvidence.Code(used, kernels()), expectation(registers, instructions, special));
  }

  private static Expectation expectation(int registers, double instructions, double special) {
    return new Expectation(
        "forward f32",
        List.of(Pattern.compile("^forward$")),
        List.of("sm_90"),
        4,
        256,
        0,
        1,
        1,
        1,
        0,
        registers,
        instructions,
        special);
  }

  private static List<String> report(StaticEvidence.Code code, Expectation expectation) {
    PrintStream ignored =
        new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
    return new StaticEvidence(ignored).report(Map.of("sm_90", code), List.of(expectation));
  }

  @Test
  void occupancyIsBoundByTheScarcestResource() {
    // 65,536 registers / (64 x 256) = 4 blocks of 256 of 2,048 threads.
    assertEquals(0.5, Gpu.H100.occupancy(256, 64, 0));
    // 228 KiB hold one block of 160 KiB.
    assertEquals(0.25, Gpu.H100.occupancy(512, 32, 160 * 1024));
    assertEquals(0, Gpu.A100.occupancy(512, 32, 200 * 1024));
  }
}
