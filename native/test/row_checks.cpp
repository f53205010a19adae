// Rows that can't be computed, memory that may not be touched, callers at the same time.
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

#include "bad_rows.h"
#include "host_policy_call.h"
#include "kernels_test.h"

namespace {

// The outputs and the gradient of a bad row; those of the others are as they were.
void check_rows(const PolicyCase& c, const PolicyOutcome& got, const PolicyOutcome& whole, bool zero,
                const std::string& where) {
  const auto row_bytes = static_cast<size_t>(c.vocab * oracle::bytes_of(c.dtype));
  for (int64_t i = 0; i < c.rows; ++i) {
    const auto at = static_cast<size_t>(i);
    if (!is_bad(i)) {
      expect(same_bits(&got.log_probs[at], &whole.log_probs[at], 4), "the other rows' logProb", where);
      expect(c.ratio_level != GRPO4J_RATIO_TOKEN ||
                 same_bits(&got.gradient[at * row_bytes], &whole.gradient[at * row_bytes], row_bytes),
             "the other rows' gradient", where);
      continue;
    }
    for (const std::vector<float>* output :
         {&got.log_probs, &got.entropy, &got.lse, &got.sum_squares}) {
      expect(zero ? (*output)[at] == 0 : isnan((*output)[at]), "a bad row's outputs", where);
    }
    for (int64_t v = 0; v < c.vocab; ++v) {
      if (!expect(oracle::load(got.gradient.data(), c.dtype, i * c.vocab + v) == 0,
                  "a bad row's gradient", where)) {
        break;
      }
    }
  }
}

void check_bad_row(const PolicyCase& c, const BadRow& bad, bool zero) {
  PolicyInputs in(c);
  HostPolicyCall whole(c, in);
  bad.spoil(c, in, kFirstBad);
  bad.spoil(c, in, kSecondBad);
  const std::string where = std::string(bad.name) + ": " + c.name();
  HostPolicyCall call(c, in);
  grpo4j_policy_loss_args args = call.args();
  args.flags |= zero ? GRPO4J_ZERO_BAD_ROWS : 0;
  expect(whole.run() == GRPO4J_OK, "status without bad rows", where);
  expect(call.run(args) == (zero ? GRPO4J_OK : GRPO4J_BAD_ROWS), "status", where);
  const PolicyOutcome got = outcome_of(call);
  const grpo4j_report& report = got.metrics.report;
  expect(report.bad_rows == 2 && report.first_bad_row == kFirstBad &&
             report.first_bad_reason == bad.reason,
         "report: " + std::to_string(report.bad_rows) + " bad, first " +
             std::to_string(report.first_bad_row) + ", reason " +
             std::to_string(report.first_bad_reason), where);
  expect(got.metrics.active_rows == c.rows - 3 && isfinite(got.metrics.loss), "metrics", where);
  check_rows(c, got, outcome_of(whole), zero, where);
}

// Pages between two that can't be touched.
class GuardedPages {
 public:
  explicit GuardedPages(int64_t bytes)
      : page_(sysconf(_SC_PAGESIZE)), size_((bytes + page_ - 1) / page_ * page_) {
    base_ = static_cast<char*>(mmap(nullptr, static_cast<size_t>(size_ + 2 * page_),
                                    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const auto page = static_cast<size_t>(page_);
    if (base_ == MAP_FAILED || mprotect(base_, page, PROT_NONE) != 0 ||
        mprotect(base_ + page_ + size_, page, PROT_NONE) != 0) {
      abort();
    }
  }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  ~GuardedPages() { munmap(base_, static_cast<size_t>(size_ + 2 * page_)); }

  char* begin() const { return base_ + page_; }
  char* end() const { return base_ + page_ + size_; }
  void allow(int protection) const {
    if (mprotect(begin(), static_cast<size_t>(size_), protection) != 0) abort();
  }

 private:
  int64_t page_;
  int64_t size_;
  char* base_;
};

}  // namespace

void check_bad_rows() {
  for (const BadRow& bad : kBadRows) {
    for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16}) {
      for (bool zero : {false, true}) {
        PolicyCase c;
        c.dtype = dtype;
        c.rows = 9;
        c.vocab = 9001;
        c.own_temperatures = true;
        c.in_place = !zero;
        c.entropy_coef = dtype == GRPO4J_F32 ? 0 : 0.01;
        check_bad_row(c, bad, zero);
        c.ratio_level = GRPO4J_RATIO_SEQUENCE;
        // One infinite advantage takes its whole sequence out.
        if (bad.reason != GRPO4J_ROW_COEFFICIENT) check_bad_row(c, bad, zero);
      }
    }
  }
}

// Rows that begin and end where the memory that may be touched does; a masked row in memory that
// can't even be read.
void check_guard_pages() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (double entropy_coef : {0.0, 0.01}) {
      PolicyCase c;
      c.dtype = dtype;
      c.rows = 1;
      c.in_place = true;
      c.entropy_coef = entropy_coef;
      PolicyInputs in(c);
      const int64_t bytes = c.vocab * oracle::bytes_of(dtype);
      const GuardedPages pages(bytes);
      for (char* data : {pages.begin(), pages.end() - bytes}) {
        memcpy(data, in.logits.data(), static_cast<size_t>(bytes));
        HostPolicyCall call(c, in);
        grpo4j_policy_loss_args args = call.args();
        args.logits.data = args.gradient.data = data;
        expect(call.run(args) == GRPO4J_OK, "status beside a guard page", c.name());
        PolicyInputs masked = in;
        masked.policy_weights[0] = masked.regularizer_weights[0] = 0;
        masked.targets[0] = -100;
        HostPolicyCall unread(c, masked);
        args = unread.args();
        args.logits.data = data;
        args.gradient = unread.matrix(unread.gradient);
        pages.allow(PROT_NONE);
        expect(unread.run(args) == GRPO4J_OK &&
                   oracle::load(unread.gradient.data(), dtype, 5) == 0, "a masked row is not read",
               c.name());
        pages.allow(PROT_READ | PROT_WRITE);
      }
    }
  }
}

// Several callers at once: one gets the workers, the others work alone. For the thread sanitizer.
void check_concurrent_calls() {
  const int32_t threads = grpo4j_threads();
  grpo4j_set_threads(3);
  std::vector<std::thread> callers;
  for (int k = 0; k < 4; ++k) {
    callers.emplace_back([] {
      PolicyCase c;
      c.rows = 40;
      c.vocab = 5003;
      const PolicyInputs in(c);
      HostPolicyCall call(c, in);
      const grpo4j_policy_loss_args args = call.args();
      grpo4j_policy_metrics first, again;
      bool same = grpo4j_policy_loss(&args, &first) == GRPO4J_OK;
      for (int repeat = 0; repeat < 5; ++repeat) {
        same = same && grpo4j_policy_loss(&args, &again) == GRPO4J_OK && again.loss == first.loss;
      }
      if (!same) abort();  // expectations are counted by one thread
    });
  }
  for (std::thread& caller : callers) caller.join();
  grpo4j_set_threads(threads);
}
