// Rows that can't be computed, memory that may not be touched, callers at the same time.
#include <signal.h>
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

// A loss that is infinite where its slopes are finite, an entropy's slope that is where g is not.
void check_unusable_losses() {
  for (bool zero : {false, true}) {
    PolicyCase c;
    c.rows = 9;
    c.vocab = 1003;
    c.kl_coef = 0.1;
    c.kl_estimator = GRPO4J_KL_K1;
    check_bad_row(c, {"an infinite KL", GRPO4J_ROW_COEFFICIENT,
                      [](const PolicyCase& of, PolicyInputs& in, int64_t i) {
                        set_logit(of, in, i, in.targets[static_cast<size_t>(i)], -INFINITY);
                      }}, zero);
    c.kl_coef = 0;
    c.entropy_coef = 1e3;
    check_bad_row(c, {"an entropy's slope beyond float", GRPO4J_ROW_COEFFICIENT,
                      [](const PolicyCase&, PolicyInputs& in, int64_t i) {
                        in.regularizer_weights[static_cast<size_t>(i)] = 1e37f;
                      }}, zero);
  }
}

void check_beside_guard_pages(const PolicyCase& c) {
  PolicyInputs in(c);
  const int64_t bytes = c.vocab * oracle::bytes_of(c.dtype);
  const GuardedPages pages(bytes);
  for (char* data : {pages.begin(), pages.end() - bytes}) {
    memcpy(data, in.logits.data(), static_cast<size_t>(bytes));
    HostPolicyCall call(c, in);
    grpo4j_policy_loss_args args = call.args();
    args.logits.data = args.gradient.data = data;
    expect(call.run(args) == GRPO4J_OK, "status beside a guard page", c.name());
    PolicyInputs masked = in;
    masked.policy_weights[0] = masked.regularizer_weights[0] = 0;
    for (int64_t target : {int64_t{-100}, in.targets[0]}) {
      masked.targets[0] = target;
      HostPolicyCall unread(c, masked);
      args = unread.args();
      args.logits.data = data;
      args.gradient = unread.matrix(unread.gradient);
      pages.allow(PROT_NONE);
      expect(unread.run(args) == GRPO4J_OK &&
                 oracle::load(unread.gradient.data(), c.dtype, 5) == 0,
             "a masked row is not read", c.name());
      pages.allow(PROT_READ | PROT_WRITE);
    }
  }
}

// Rows that the first visit finds, and rows that the objective finds: the first of both is named.
void check_bad_rows_of_both_visits() {
  PolicyCase c;
  c.rows = 9;
  c.ratio_level = GRPO4J_RATIO_SEQUENCE;  // row 0 is a sequence, 6, 7 and 8 are another
  for (bool unreadable_first : {false, true}) {
    PolicyInputs in(c);
    not_a_number<-1>(c, in, unreadable_first ? 0 : 7);
    in.advantages[unreadable_first ? 7 : 0] = INFINITY;
    HostPolicyCall call(c, in);
    expect(call.run() == GRPO4J_BAD_ROWS, "status", c.name());
    const grpo4j_report& report = call.metrics.get()[0].report;
    expect(report.bad_rows == (unreadable_first ? 4 : 2) && report.first_bad_row == 0 &&
               report.first_bad_reason ==
                   (unreadable_first ? GRPO4J_ROW_NOT_FINITE : GRPO4J_ROW_COEFFICIENT),
           "the report of both visits", c.name());
  }
}

// Rows on pages of their own, of which one at a time can be touched: a fault moves on to the row it
// hit, so that the faults are the visits, in their order.
class WatchedRows {
 public:
  WatchedRows(int64_t rows, int64_t pages_per_row)
      : rows_(rows), row_bytes_(pages_per_row * sysconf(_SC_PAGESIZE)),
        pages_(rows * row_bytes_) {
    watched_ = this;
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &before_);
  }
  WatchedRows(const WatchedRows&) = delete;
  WatchedRows& operator=(const WatchedRows&) = delete;
  ~WatchedRows() { sigaction(SIGSEGV, &before_, nullptr); }

  int64_t row_bytes() const { return row_bytes_; }
  char* row(int64_t i) const { return pages_.begin() + i * row_bytes_; }
  void lock() {
    visits_ = 0;
    pages_.allow(PROT_NONE);
  }
  void unlock() const { pages_.allow(PROT_READ | PROT_WRITE); }
  std::vector<int64_t> visits() const { return {order_, order_ + visits_}; }

 private:
  static void on_fault(int, siginfo_t* info, void*) {
    WatchedRows& rows = *watched_;
    const int64_t row = (static_cast<char*>(info->si_addr) - rows.row(0)) / rows.row_bytes_;
    if (row < 0 || row >= rows.rows_ || rows.visits_ == kMost) abort();
    if (rows.visits_ > 0) rows.protect(rows.order_[rows.visits_ - 1], PROT_NONE);
    rows.order_[rows.visits_++] = row;
    rows.protect(row, PROT_READ | PROT_WRITE);
  }
  void protect(int64_t i, int protection) const {
    if (mprotect(row(i), static_cast<size_t>(row_bytes_), protection) != 0) abort();
  }

  static constexpr int kMost = 64;
  static WatchedRows* watched_;
  int64_t rows_;
  int64_t row_bytes_;
  GuardedPages pages_;
  struct sigaction before_;
  int64_t order_[kMost];
  int visits_ = 0;
};
WatchedRows* WatchedRows::watched_ = nullptr;

}  // namespace

void check_bad_rows() {
  std::vector<BadRow> bad_rows(std::begin(kBadRows), std::end(kBadRows));
  // Where a block's range begins.
  bad_rows.push_back({"all -inf, NaN at the start", GRPO4J_ROW_NOT_FINITE,
                      [](const PolicyCase& c, PolicyInputs& in, int64_t i) {
                        set_logits(c, in, i, -INFINITY);
                        not_a_number<0>(c, in, i);
                      }});
  for (const BadRow& bad : bad_rows) {
    for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
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
  check_unusable_losses();
  check_bad_rows_of_both_visits();
}

// Whichever thread found which: all are counted, and the first is the first.
void check_bad_rows_of_threads() {
  const int32_t threads = grpo4j_threads();
  grpo4j_set_threads(4);
  PolicyCase c;
  c.rows = 200;
  c.vocab = 5003;
  c.own_temperatures = true;
  PolicyInputs in(c);
  for (int64_t i = 3; i < 200; ++i) not_a_number<-1>(c, in, i);  // read to the end
  in.temperatures[2] = -1;
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    c.ratio_level = level;
    for (int repeat = 0; repeat < 30; ++repeat) {
      HostPolicyCall call(c, in);
      expect(call.run() == GRPO4J_BAD_ROWS, "status", c.name());
      const grpo4j_report& report = call.metrics.get()[0].report;
      expect(report.bad_rows == 198 && report.first_bad_row == 2 &&
                 report.first_bad_reason == GRPO4J_ROW_TEMPERATURE, "the report of all threads",
             c.name());
    }
  }
  grpo4j_set_threads(threads);
}

// Rows that begin and end where the memory that may be touched does; a masked row in memory that
// can't even be read.
void check_guard_pages() {
  for (int32_t dtype : {GRPO4J_F32, GRPO4J_BF16, GRPO4J_F16}) {
    for (double entropy_coef : {0.0, 0.01}) {
      for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
        // A short row, and one that ends within the second of AVX-512's blocks.
        for (int64_t vocab : {1003, 7000}) {
          PolicyCase c;
          c.dtype = dtype;
          c.rows = 1;
          c.vocab = vocab;
          c.in_place = true;
          c.entropy_coef = entropy_coef;
          c.ratio_level = level;
          check_beside_guard_pages(c);
        }
      }
    }
  }
}

// A ratio per token: one visit of each row does all. A sequence's: all rows once, then once more.
void check_visits() {
  const int32_t threads = grpo4j_threads();
  grpo4j_set_threads(1);
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    for (double entropy_coef : {0.0, 0.01}) {
      PolicyCase c;
      c.rows = 4;
      WatchedRows watched(c.rows, 3);
      c.vocab = watched.row_bytes() / 4;
      c.in_place = true;
      c.ratio_level = level;
      c.entropy_coef = entropy_coef;
      PolicyInputs in(c);
      HostPolicyCall call(c, in);
      grpo4j_policy_loss_args args = call.args();
      args.logits.data = args.gradient.data = watched.row(0);
      memcpy(watched.row(0), in.logits.data(), in.logits.size());
      watched.lock();
      expect(call.run(args) == GRPO4J_OK, "status", c.name());
      // The second row is masked: not read, its gradient is written.
      const std::vector<int64_t> once = {0, 1, 2, 3}, twice = {0, 2, 3, 0, 1, 2, 3};
      expect(watched.visits() == (level == GRPO4J_RATIO_TOKEN ? once : twice), "visits of rows",
             c.name());
      watched.unlock();
    }
  }
  grpo4j_set_threads(threads);
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
