// The number of threads, and that calls share their rows among them.
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "host_policy_call.h"
#include "kernels_test.h"

namespace {

// Rows that can't be touched until a thread faults on them. The first thread to do so waits there for
// another: a call whose rows one thread alone takes does not get on. The other one then takes its
// time, as one that the processor was taken from: a call that does not wait for it lacks its row. Or it
// waits until it is released.
class MeetingRows {
 public:
  MeetingRows(int64_t rows, int64_t pages_per_row)
      : row_bytes_(pages_per_row * sysconf(_SC_PAGESIZE)),
        size_(static_cast<size_t>(rows * row_bytes_)) {
    base_ = static_cast<char*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED || pipe(pipe_) != 0 || pipe(release_) != 0) abort();
    meeting_ = this;
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &before_);
  }
  MeetingRows(const MeetingRows&) = delete;
  MeetingRows& operator=(const MeetingRows&) = delete;
  ~MeetingRows() {
    sigaction(SIGSEGV, &before_, nullptr);
    munmap(base_, size_);
    for (int end : {pipe_[0], pipe_[1], release_[0], release_[1]}) close(end);
  }

  char* data() const { return base_; }
  int64_t row_bytes() const { return row_bytes_; }
  void lock() const {
    if (mprotect(base_, size_, PROT_NONE) != 0) abort();
  }
  bool met() const { return second_.load() != 0; }
  bool crowded() const { return crowded_.load(); }  // a third thread came

  // The second thread waits for release() with its row.
  void hold() { held_ = true; }
  void release() const {
    const char go = 1;
    if (write(release_[1], &go, 1) != 1) abort();
  }
  bool released() const { return released_.load(); }
  void wait_until_met() const {
    for (int waited = 0; !met() && waited < kPatience; ++waited) usleep(1000);
  }

 private:
  static constexpr int kPatience = 20'000;  // milliseconds; reached only where nobody comes

  static void on_fault(int, siginfo_t* info, void*) {
    MeetingRows& rows = *meeting_;
    const int64_t offset = static_cast<char*>(info->si_addr) - rows.base_;
    if (offset < 0 || static_cast<size_t>(offset) >= rows.size_) abort();
    if (mprotect(rows.base_ + offset / rows.row_bytes_ * rows.row_bytes_,
                 static_cast<size_t>(rows.row_bytes_), PROT_READ | PROT_WRITE) != 0) {
      abort();
    }
    const auto self = static_cast<int64_t>(syscall(SYS_gettid));
    int64_t first = 0, second = 0;
    if (rows.first_.compare_exchange_strong(first, self)) {
      wait_for(rows.pipe_[0]);
    } else if (first == self) {
      return;
    } else if (rows.second_.compare_exchange_strong(second, self)) {
      const char here = 1;
      if (write(rows.pipe_[1], &here, 1) != 1) abort();
      if (rows.held_) {
        rows.released_ = wait_for(rows.release_[0]);
      } else {
        usleep(50'000);
      }
    } else if (second != self) {
      rows.crowded_ = true;
    }
  }
  static bool wait_for(int end) {
    pollfd wanted = {end, POLLIN, 0};
    return poll(&wanted, 1, kPatience) == 1;
  }

  static MeetingRows* meeting_;
  int64_t row_bytes_;
  size_t size_;
  char* base_;
  int pipe_[2], release_[2];
  struct sigaction before_;
  std::atomic<int64_t> first_{0}, second_{0};
  std::atomic<bool> held_{false}, released_{false}, crowded_{false};
};
MeetingRows* MeetingRows::meeting_ = nullptr;

}  // namespace

void check_threads() {
  cpu_set_t processors;
  expect(sched_getaffinity(0, sizeof processors, &processors) == 0 &&
             grpo4j_threads() == CPU_COUNT(&processors), "as many as processors at first", "threads");
  const int32_t before = grpo4j_threads();
  for (int32_t wrong : {0, -1, 1025}) {
    expect(grpo4j_set_threads(wrong) == GRPO4J_INVALID_ARGUMENT && grpo4j_threads() == before,
           "want it refused", std::to_string(wrong) + " threads");
  }
  for (int32_t right : {1, 1024, before}) {
    expect(grpo4j_set_threads(right) == GRPO4J_OK && grpo4j_threads() == right, "want it done",
           std::to_string(right) + " threads");
  }
}

// 8 rows of 32 pages: enough elements for two threads, and two rows at a time for each. More workers
// exist than the call may use.
void check_shared_rows() {
  const int32_t threads = grpo4j_threads();
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    for (bool second_call : {false, true}) {
      PolicyCase c;
      c.rows = 8;
      MeetingRows rows(c.rows, 32);
      c.vocab = rows.row_bytes() / 4;
      c.in_place = true;
      c.ratio_level = level;
      const PolicyInputs in(c);
      HostPolicyCall want(c, in);
      grpo4j_set_threads(4);
      expect(want.run() == GRPO4J_OK, "status", c.name());
      grpo4j_set_threads(2);
      HostPolicyCall call(c, in), other(c, in);
      grpo4j_policy_loss_args args = call.args();
      args.logits.data = args.gradient.data = rows.data();
      memcpy(rows.data(), in.logits.data(), in.logits.size());
      rows.lock();
      std::thread caller;
      if (second_call) {
        // While the worker is held: this call has none, and does not wait for that one.
        rows.hold();
        caller = std::thread([&] {
          rows.wait_until_met();
          if (other.run() != GRPO4J_OK) abort();  // expectations are counted by one thread
          rows.release();
        });
      }
      expect(call.run(args) == GRPO4J_OK, "status", c.name());
      if (second_call) {
        caller.join();
        expect(rows.released() && same_bits(other.logits.get(), want.logits.get()),
               "a second call works alone", c.name());
      }
      expect(same_bits(rows.data(), want.logits.data(), in.logits.size()) &&
                 same_bits(call.log_probs.get(), want.log_probs.get()), "every row is done", c.name());
      // Each visit of a sequence's rows may have another worker.
      expect(rows.met() && (level != GRPO4J_RATIO_TOKEN || !rows.crowded()),
             "two threads share the rows", c.name());
    }
  }
  grpo4j_set_threads(threads);
}
