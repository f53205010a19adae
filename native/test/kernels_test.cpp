// The library alone, every ISA of this machine, against double arithmetic; small enough to run
// under the sanitizers and an emulator.
//   kernels_test [--stop] [--seed n] [group ...]
// The public API, larger vocabularies and the reference vectors are tested from Java.
#include "kernels_test.h"

#include "grpo4j/grpo4j.h"
#include "groups.h"

int main(int argc, char** argv) {
  const TestOptions options = parse_options(argc, argv);
  run_groups(options, {{"objective", check_objective},
                       {"clip_edges", check_clip_edges},
                       {"infinite_terms", check_infinite_terms},
                       {"group_advantages", check_group_advantages},
                       {"token_weights", check_token_weights},
                       {"isa", check_isa},
                       {"threads", check_threads},
                       {"refusals", check_refusals},
                       {"part_refusals", check_part_refusals},
                       {"neighbours", check_neighbours}});
  for (int32_t isa = 0; isa < GRPO4J_ISA_COUNT; ++isa) {
    const std::string name = grpo4j_isa_name(isa);
    if (grpo4j_use_isa(isa) != GRPO4J_OK) {
      printf("%s: skipped, not on this machine\n", name.c_str());
      continue;
    }
    failure_context = name + ": ";
    expect(grpo4j_isa() == isa, "the choice is kept", "isa");
    run_groups(options, {{"simd", check_simd},
                         {"shapes", check_shapes},
                         {"ranges", check_ranges},
                         {"places", check_places},
                         {"far_rows", check_far_rows},
                         {"shared_rows", check_shared_rows},
                         {"options", check_options},
                         {"mean_error", check_mean_error},
                         {"fused_objectives", check_fused_objectives},
                         {"optional_outputs", check_optional_outputs},
                         {"row_bits", check_row_bits},
                         {"token_stats", check_token_stats},
                         {"parts", check_parts},
                         {"bad_rows", check_bad_rows},
                         {"bad_rows_of_threads", check_bad_rows_of_threads},
                         {"guard_pages", check_guard_pages},
                         {"visits", check_visits},
                         {"concurrent_calls", check_concurrent_calls},
                         {"memory", check_memory}});
  }
  return exit_status(options);
}
