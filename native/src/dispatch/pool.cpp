#include "dispatch/pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "grpo4j/grpo4j.h"

namespace grpo4j {
namespace {

constexpr int32_t kMaxThreads = 1024;

int32_t processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
  }
  return 1;
}

std::atomic<int32_t>& thread_count() {
  static std::atomic<int32_t> count{processors()};
  return count;
}

// Workers wait on a condition variable, never spin: a host that computes between calls keeps its
// cores. A worker that wakes late finds the job closed and goes back to sleep, so the caller waits
// only for workers that really began.
class Pool {
 public:
  void run(const Task& task, int32_t helpers) {
    std::unique_lock<std::mutex> owner(owner_, std::try_to_lock);
    if (!owner.owns_lock() || helpers <= 0) {
      task.run(task.work);
      return;
    }
    start(helpers);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      task_ = &task;
      places_ = helpers;
    }
    wake_.notify_all();
    task.run(task.work);
    std::unique_lock<std::mutex> lock(mutex_);
    places_ = 0;
    done_.wait(lock, [this] { return running_ == 0; });
    task_ = nullptr;
  }

 private:
  // Where the machine refuses another thread, or memory for it, the ones that exist do the work: same
  // bits. The next call asks again.
  void start(int32_t wanted) {
    try {
      while (started_ < wanted) {
        std::thread([this] { work(); }).detach();
        ++started_;
      }
    } catch (...) {
    }
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return places_ > 0; });
      --places_;
      ++running_;
      const Task* task = task_;
      lock.unlock();
      task->run(task->work);
      lock.lock();
      if (--running_ == 0) {
        done_.notify_one();
      }
    }
  }

  std::mutex owner_;  // held by the call that has the workers
  int32_t started_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const Task* task_ = nullptr;
  int32_t places_ = 0;   // workers that may still join the job
  int32_t running_ = 0;  // workers inside it
};

}  // namespace

void run_parallel(const Task& task) {
  // Never destroyed: detached workers wait on it until the process ends.
  alignas(Pool) static unsigned char memory[sizeof(Pool)];
  static Pool* pool = new (memory) Pool;
  pool->run(task, thread_count().load(std::memory_order_relaxed) - 1);
}

}  // namespace grpo4j

int32_t grpo4j_threads(void) { return grpo4j::thread_count().load(); }

int32_t grpo4j_set_threads(int32_t threads) {
  if (threads < 1 || threads > grpo4j::kMaxThreads) {
    return GRPO4J_INVALID_ARGUMENT;
  }
  grpo4j::thread_count().store(threads);
  return GRPO4J_OK;
}
