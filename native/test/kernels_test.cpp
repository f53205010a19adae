// The library alone, every ISA of this machine, against double arithmetic; small enough to run
// under the sanitizers and an emulator. The objectives and the public API are tested from Java.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "oracle.h"

void check_weights();  // weights_test.cpp

namespace {

using oracle::expect;

struct Case {
  int32_t dtype;
  int64_t rows;
  int64_t vocab;
  int64_t offset;   // elements before the first row
  int64_t padding;  // elements between rows
  bool in_place;
  double entropy_coef;
  double scale;
  enum { kRandom, kAscending, kFirstBlocksMinusInf } shape;
};

std::string describe(const Case& c) {
  return "dtype " + std::to_string(c.dtype) + " [" + std::to_string(c.rows) + ", " +
         std::to_string(c.vocab) + "] offset " + std::to_string(c.offset) + " padding " +
         std::to_string(c.padding) + (c.in_place ? " in place" : "") + " entropy " +
         std::to_string(c.entropy_coef) + " shape " + std::to_string(c.shape);
}

// Memory of exactly the matrix, so that a sanitizer sees one byte too many; NaN outside the rows.
struct Matrix {
  explicit Matrix(const Case& c)
      : dtype(c.dtype),
        offset(c.offset),
        stride(c.vocab + c.padding),
        elements(c.offset + (c.rows == 0 ? 0 : (c.rows - 1) * stride + c.vocab)),
        memory(new char[std::max<int64_t>(1, elements * oracle::bytes_of(c.dtype))]) {
    for (int64_t i = 0; i < elements; ++i) oracle::store(memory.get(), dtype, i, NAN);
  }
  double get(int64_t r, int64_t v) const {
    return oracle::load(memory.get(), dtype, offset + r * stride + v);
  }
  void set(int64_t r, int64_t v, double value) {
    oracle::store(memory.get(), dtype, offset + r * stride + v, value);
  }
  grpo4j_matrix view(const Case& c) {
    return {memory.get() + offset * oracle::bytes_of(dtype), dtype, c.rows, c.vocab, stride};
  }
  int32_t dtype;
  int64_t offset, stride, elements;
  std::unique_ptr<char[]> memory;
};

double logit(const Case& c, int64_t v, double normal) {
  switch (c.shape) {
    case Case::kAscending:  // the running maximum rises in every block
      return -20 + 40.0 * static_cast<double>(v) / static_cast<double>(c.vocab) + 0.01 * normal;
    case Case::kFirstBlocksMinusInf:
      return v < c.vocab / 2 ? -INFINITY : c.scale * normal;
    default:
      return c.scale * normal;
  }
}

struct Batch {
  explicit Batch(const Case& c) : logits(c), gradient(c), z(c.rows, std::vector<double>(c.vocab)) {
    std::mt19937_64 random(7);
    std::normal_distribution<double> normal;
    for (int64_t i = 0; i < c.rows; ++i) {
      for (int64_t v = 0; v < c.vocab; ++v) {
        logits.set(i, v, masked(i) ? NAN : logit(c, v, normal(random)));
        z[i][v] = logits.get(i, v);
      }
      targets.push_back(c.vocab - 1 - static_cast<int64_t>(random() % ((c.vocab + 1) / 2)));
      old_log_probs.push_back(-1.0f);
      advantages.push_back(static_cast<float>(normal(random)));
      policy_weights.push_back(masked(i) ? 0.0f : 0.5f);
      regularizer_weights.push_back(masked(i) ? 0.0f : 0.25f);
    }
    log_probs.resize(c.rows);
    entropy.resize(c.rows);
    lse.resize(c.rows);
    sum_squares.resize(c.rows);
  }
  static bool masked(int64_t row) { return row == 1; }

  grpo4j_policy_loss_args args(const Case& c) {
    grpo4j_policy_loss_args a = {};
    a.logits = logits.view(c);
    a.gradient = c.in_place ? a.logits : gradient.view(c);
    a.rows = {c.rows, nullptr, targets.data(), GRPO4J_I64, kTemperature, nullptr, 0};
    a.batch.old_log_probs = old_log_probs.data();
    a.batch.advantages = advantages.data();
    a.batch.policy_weights = policy_weights.data();
    a.batch.regularizer_weights = regularizer_weights.data();
    a.out = {log_probs.data(), entropy.data(), lse.data(), sum_squares.data()};
    // A clip that nothing reaches: r stays near 1 or far inside.
    a.config = {GRPO4J_CLIP, GRPO4J_RATIO_TOKEN, 1e9, 1e9, INFINITY, INFINITY, 1, 1, 2, 3, 3, 2,
                0, c.entropy_coef, GRPO4J_KL_K3, 0};
    return a;
  }

  static constexpr double kTemperature = 0.7;
  Matrix logits, gradient;
  std::vector<std::vector<double>> z;
  std::vector<int64_t> targets;
  std::vector<float> old_log_probs, advantages, policy_weights, regularizer_weights;
  std::vector<float> log_probs, entropy, lse, sum_squares;
};

bool close(double expected, double got) {
  return expected == got || fabs(expected - got) <= 2e-6 + 4 * 0x1p-24 * fabs(expected);
}

void check_gradient(const Case& c, const Batch& b, const Matrix& got, int64_t i,
                    const oracle::Row& row, const char* where) {
  const double t = Batch::kTemperature;
  const double g = -b.policy_weights[i] * b.advantages[i] * exp(b.log_probs[i] + 1.0);
  const double h = -b.regularizer_weights[i] * c.entropy_coef;
  for (int64_t v = 0; v < c.vocab; ++v) {
    const double log_p = b.z[i][v] / t - row.lse;
    const double p = exp(log_p);
    const bool is_target = v == b.targets[i];
    const double entropy_part = p == 0 ? 0 : h * p * (log_p + row.entropy);
    const double dz = (g * (is_target - p) - entropy_part) / t;
    const double slope = fabs(g) + (p == 0 ? 0 : fabs(h) * (fabs(log_p) + row.entropy));
    // Held e^u is rounded again where the maximum rises more often than segments are kept.
    const double again =
        c.dtype == GRPO4J_BF16 && c.shape == Case::kAscending ? oracle::kHoldRoundoff : 0;
    const double tolerance = 8e-6 * slope * (is_target ? 1 : p) / t +
                             1.01 * (oracle::roundoff(c.dtype) + again) * fabs(dz) +
                             (c.dtype == GRPO4J_F16 ? 0x1p-25 : 0) + 0x1p-120 * (1 + slope);
    const bool right = p == 0 && !is_target && isinf(b.z[i][v])
                           ? got.get(i, v) == 0
                           : fabs(dz - got.get(i, v)) <= tolerance;
    if (!right) {
      return expect(false, "gradient", where);
    }
  }
}

void check(const Case& c) {
  const std::string name = describe(c);
  const char* where = name.c_str();
  Batch b(c);
  const grpo4j_policy_loss_args args = b.args(c);
  grpo4j_policy_metrics metrics;
  expect(grpo4j_policy_loss(&args, &metrics) == GRPO4J_OK, "status", where);
  expect(c.rows == 0 || metrics.report.isa == grpo4j_isa(), "the forced ISA ran", where);
  const Matrix& got = c.in_place ? b.logits : b.gradient;
  for (int64_t i = 0; i < c.rows; ++i) {
    if (Batch::masked(i)) {
      expect(b.log_probs[i] == 0 && b.entropy[i] == 0, "masked outputs", where);
      for (int64_t v = 0; v < c.vocab; ++v) expect(got.get(i, v) == 0, "masked gradient", where);
      continue;
    }
    const oracle::Row row = oracle::row(b.z[i], b.targets[i], Batch::kTemperature);
    expect(close(row.log_prob, b.log_probs[i]), "logProb", where);
    expect(close(row.entropy, b.entropy[i]), "entropy", where);
    expect(close(row.lse, b.lse[i]), "lse", where);
    expect(close(row.sum_squares, b.sum_squares[i]), "sum p^2", where);
    check_gradient(c, b, got, i, row, where);
  }
  for (int64_t i = 0; i + 1 < c.rows; ++i) {
    for (int64_t v = c.vocab; v < c.vocab + c.padding; ++v) {
      expect(isnan(got.get(i, v)), "padding untouched", where);
    }
  }
}

void check_all() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    // 1: degenerate; 2, 31 .. 33: around a vector; 1003: loops and tails; 9001: blocks.
    for (int64_t vocab : {1, 2, 31, 32, 33, 1003, 9001}) {
      for (double entropy_coef : {0.0, 0.01}) {
        check({dtype, 3, vocab, 0, 0, false, entropy_coef, 3, Case::kRandom});
        check({dtype, 3, vocab, 1, 3, true, entropy_coef, 3, Case::kRandom});
      }
    }
    check({dtype, 0, 33, 0, 0, true, 0, 3, Case::kRandom});
    for (bool in_place : {false, true}) {
      check({dtype, 2, 18001, 0, 0, in_place, 0, 2, Case::kFirstBlocksMinusInf});
      // More rises of the maximum than the fused operation keeps apart, on every ISA.
      check({dtype, 1, 300001, 0, 0, in_place, 0, 1, Case::kAscending});
    }
    check({dtype, 40, 5003, 0, 0, true, 0, 30, Case::kRandom});  // several threads
  }
}

// Rows that end where the readable memory ends: a read past the row would be a fault.
void check_guard_page() {
  const int64_t page = sysconf(_SC_PAGESIZE);
  const int64_t vocab = 1003;
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    const int64_t bytes = vocab * oracle::bytes_of(dtype);
    const int64_t pages = (bytes + page - 1) / page;
    char* base = static_cast<char*>(mmap(nullptr, static_cast<size_t>((pages + 2) * page),
                                         PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base == MAP_FAILED ||
        mprotect(base, static_cast<size_t>(page), PROT_NONE) != 0 ||
        mprotect(base + (pages + 1) * page, static_cast<size_t>(page), PROT_NONE) != 0) {
      return expect(false, "guard pages", "mmap");
    }
    for (bool at_end : {false, true}) {
      char* data = at_end ? base + (pages + 1) * page - bytes : base + page;
      Case c = {dtype, 1, vocab, 0, 0, true, 0.01, 2, Case::kRandom};
      Batch b(c);
      memcpy(data, b.logits.memory.get(), static_cast<size_t>(bytes));
      grpo4j_policy_loss_args args = b.args(c);
      args.logits.data = data;
      args.gradient = args.logits;
      grpo4j_policy_metrics metrics;
      expect(grpo4j_policy_loss(&args, &metrics) == GRPO4J_OK, "status", "guard page");
      // A masked row is not read at all, only zeroed: it may not even be readable.
      b.policy_weights[0] = 0;
      b.regularizer_weights[0] = 0;
      expect(mprotect(base + page, static_cast<size_t>(pages * page), PROT_NONE) == 0, "mprotect",
             "guard page");
      Matrix elsewhere(c);
      args.gradient = elsewhere.view(c);
      expect(grpo4j_policy_loss(&args, &metrics) == GRPO4J_OK && elsewhere.get(0, 5) == 0,
             "a masked row is not read", "guard page");
      mprotect(base + page, static_cast<size_t>(pages * page), PROT_READ | PROT_WRITE);
    }
    munmap(base, static_cast<size_t>((pages + 2) * page));
  }
}

// Several callers at once: one gets the workers, the others work alone. For the thread sanitizer.
void check_concurrent_calls() {
  grpo4j_set_threads(3);
  std::vector<std::thread> callers;
  for (int k = 0; k < 4; ++k) {
    callers.emplace_back([] {
      const Case c = {GRPO4J_F32, 40, 5003, 0, 0, false, 0, 3, Case::kRandom};
      Batch b(c);
      const grpo4j_policy_loss_args args = b.args(c);
      grpo4j_policy_metrics first, again;
      expect(grpo4j_policy_loss(&args, &first) == GRPO4J_OK, "status", "concurrent");
      for (int repeat = 0; repeat < 5; ++repeat) {
        expect(grpo4j_policy_loss(&args, &again) == GRPO4J_OK && again.loss == first.loss,
               "same bits", "concurrent");
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace

int main() {
  check_weights();
  for (int isa = 0; isa < GRPO4J_ISA_COUNT; ++isa) {
    if (grpo4j_use_isa(isa) != GRPO4J_OK) {
      printf("%s: skipped, not on this machine\n", grpo4j_isa_name(isa));
      continue;
    }
    check_all();
    check_guard_page();
    check_concurrent_calls();
    printf("%s: done\n", grpo4j_isa_name(isa));
  }
  return oracle::failures == 0 ? 0 : 1;
}
