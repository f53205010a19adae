// A native smoke test: the library alone, every ISA of this machine, against double arithmetic.
// The full conformance tests live in java/kernels, where they run through the public API.
#include <math.h>
#include <stdio.h>

#include <random>
#include <vector>

#include "grpo4j/grpo4j.h"

namespace {

int failures = 0;

void expect(bool condition, const char* what, int isa, long vocab) {
  if (!condition) {
    ++failures;
    fprintf(stderr, "FAILED %s: isa %s, vocab %ld\n", what, grpo4j_isa_name(isa), vocab);
  }
}

// Relative to 1 for small values: log-probs and gradients are of order 1.
bool close(double expected, double got, double tolerance) {
  return fabs(expected - got) <= tolerance * fmax(1, fabs(expected));
}

struct Batch {
  std::vector<float> logits;
  std::vector<float> gradient;
  std::vector<int64_t> targets;
  std::vector<float> old_log_probs, advantages, policy_weights, regularizer_weights;
  std::vector<float> log_probs, entropy;
};

Batch make_batch(int64_t rows, int64_t vocab) {
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  Batch b;
  b.logits.resize(rows * vocab);
  for (float& z : b.logits) z = 3 * normal(random);
  b.gradient.resize(b.logits.size());
  for (int64_t i = 0; i < rows; ++i) {
    b.targets.push_back(static_cast<int64_t>(random() % vocab));
    b.old_log_probs.push_back(-1.0f);
    b.advantages.push_back(normal(random));
    b.policy_weights.push_back(i == 1 ? 0.0f : 0.5f);
    b.regularizer_weights.push_back(i == 1 ? 0.0f : 0.25f);
  }
  b.log_probs.resize(rows);
  b.entropy.resize(rows);
  return b;
}

void check(int isa, int64_t rows, int64_t vocab) {
  Batch b = make_batch(rows, vocab);
  grpo4j_policy_loss_args args = {};
  args.logits = {b.logits.data(), GRPO4J_F32, rows, vocab, vocab};
  args.gradient = {b.gradient.data(), GRPO4J_F32, rows, vocab, vocab};
  args.rows = {rows, nullptr, b.targets.data(), GRPO4J_I64, 0.7, nullptr};
  args.batch.old_log_probs = b.old_log_probs.data();
  args.batch.advantages = b.advantages.data();
  args.batch.policy_weights = b.policy_weights.data();
  args.batch.regularizer_weights = b.regularizer_weights.data();
  args.out = {b.log_probs.data(), b.entropy.data(), nullptr, nullptr};
  args.config = {GRPO4J_CLIP, GRPO4J_RATIO_TOKEN, 1e9, 1e9, INFINITY, INFINITY, 1, 1, 2, 3, 3, 2, 0, 0.01, GRPO4J_KL_K3, 0};
  grpo4j_policy_metrics metrics;
  expect(grpo4j_policy_loss(&args, &metrics) == GRPO4J_OK, "status", isa, vocab);
  expect(metrics.report.isa == isa, "the forced ISA ran", isa, vocab);
  for (int64_t i = 0; i < rows; ++i) {
    const float* z = &b.logits[i * vocab];
    double sum = 0, mean = 0, max = -INFINITY;
    for (int64_t v = 0; v < vocab; ++v) max = fmax(max, z[v] / 0.7);
    for (int64_t v = 0; v < vocab; ++v) {
      const double x = z[v] / 0.7 - max;
      sum += exp(x);
      mean += exp(x) * x;
    }
    const double lse = max + log(sum);
    const double entropy = log(sum) - mean / sum;
    const double log_prob = z[b.targets[i]] / 0.7 - lse;
    const bool masked = i == 1;
    expect(close(masked ? 0 : log_prob, b.log_probs[i], 1e-6), "logProb", isa, vocab);
    expect(close(masked ? 0 : entropy, b.entropy[i], 1e-6), "entropy", isa, vocab);
    const double g = -b.policy_weights[i] * b.advantages[i] * exp(log_prob + 1.0);
    const double h = -b.regularizer_weights[i] * 0.01;
    bool same = true;
    for (int64_t v = 0; v < vocab; ++v) {
      const double log_p = z[v] / 0.7 - lse;
      const double p = exp(log_p);
      const double dz = (g * ((v == b.targets[i]) - p) - h * p * (log_p + entropy)) / 0.7;
      same = same && close(masked ? 0 : dz, b.gradient[i * vocab + v], 1e-6);
    }
    expect(same, "gradient", isa, vocab);
  }
}

}  // namespace

int main() {
  for (int isa = 0; isa < GRPO4J_ISA_COUNT; ++isa) {
    if (grpo4j_use_isa(isa) != GRPO4J_OK) {
      printf("%s: not on this machine\n", grpo4j_isa_name(isa));
      continue;
    }
    // 1: degenerate; 33: a tail after whole vectors; 5000: crosses a block; 70000 x 5: threads.
    for (int64_t vocab : {1, 33, 5000, 70000}) {
      check(isa, 5, vocab);
    }
    printf("%s: done\n", grpo4j_isa_name(isa));
  }
  return failures == 0 ? 0 : 1;
}
