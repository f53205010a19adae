// Calls allocate nothing, whichever threads take part; and where the machine has no memory for another
// thread, the ones that exist do the work.
#include "counted_malloc.h"
#include "host_policy_call.h"
#include "kernels_test.h"
#include "part_cases.h"

namespace {

// Rows enough for several threads.
PolicyCase many_rows(int32_t dtype, int32_t level) {
  PolicyCase c;
  c.dtype = dtype;
  c.rows = 40;
  c.vocab = 5003;
  c.ratio_level = level;
  return c;
}

template <class Call>
void expect_none(const char* what, const Call& call) {
  call();  // the first call starts the threads
  const int64_t before = counted_malloc::allocations.load();
  call();
  const int64_t made = counted_malloc::allocations.load() - before;
  expect(made == 0, std::to_string(made) + " allocations", what);
}

void check_allocations(int32_t dtype, int32_t level) {
  const PolicyCase c = many_rows(dtype, level);
  const PolicyInputs in = readable_inputs(c);
  HostPolicyCall call(c, in);
  const grpo4j_policy_loss_args loss = call.args();
  const grpo4j_token_stats_args stats = {loss.logits, loss.rows, loss.out, 0};
  const grpo4j_row_states_args states = {loss.logits, loss.rows, 0, c.vocab, loss.states};
  const grpo4j_merge_states_args merge = {loss.states, 1, c.rows, loss.rows.temperature, nullptr,
                                          loss.states, loss.out, 0};
  const grpo4j_objective_args objective = {c.rows, loss.batch, loss.out, loss.config, loss.slopes, 0};
  const grpo4j_logits_gradient_args gradient = {loss.logits, loss.gradient, loss.rows, 0,
                                                c.vocab, loss.states, loss.slopes, 0};
  grpo4j_report report;
  grpo4j_policy_metrics metrics;
  int32_t status = GRPO4J_OK;
  expect_none("policy_loss", [&] { status |= grpo4j_policy_loss(&loss, &metrics); });
  expect_none("token_stats", [&] { status |= grpo4j_token_stats(&stats, &report); });
  expect_none("row_states", [&] { status |= grpo4j_row_states(&states, &report); });
  expect_none("merge_states", [&] { status |= grpo4j_merge_states(&merge, &report); });
  expect_none("objective", [&] { status |= grpo4j_objective(&objective, &metrics); });
  expect_none("logits_gradient", [&] { status |= grpo4j_logits_gradient(&gradient, &report); });
  expect(status == GRPO4J_OK, "status", c.name());
}

// More threads than any call before asked for, and no memory for them.
void check_refused_threads() {
  const PolicyCase c = many_rows(GRPO4J_F32, GRPO4J_RATIO_TOKEN);
  const PolicyInputs in(c);
  HostPolicyCall plain(c, in), refused(c, in);
  const grpo4j_policy_loss_args args = refused.args();
  const int32_t threads = grpo4j_threads();
  expect(plain.run() == GRPO4J_OK, "status", "plain");
  grpo4j_set_threads(threads + 40);
  counted_malloc::refuse = true;
  const int32_t status = refused.run(args);
  counted_malloc::refuse = false;
  expect(status == GRPO4J_OK && grpo4j_threads() == threads + 40 &&
             same_bits(plain.result(), refused.result()),
         "no memory for threads", c.name());
  grpo4j_set_threads(threads);
}

}  // namespace

void check_memory() {
  if (!counted_malloc::kCounts) {
    printf("memory: skipped, the sanitizer's malloc can't be counted\n");
    return;
  }
  const int32_t threads = grpo4j_threads();
  grpo4j_set_threads(3);
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
      check_allocations(dtype, level);
    }
  }
  check_refused_threads();
  grpo4j_set_threads(threads);
}
