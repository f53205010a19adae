// The report: one block over the reasons of n rows, 4 bytes of each are read.
#include "common/report.cuh"

namespace grpo4j::cuda {
namespace {

constexpr uint32_t kThreads = 256;

struct Count {
  int64_t bad;
  int64_t first;  // n when there is none
};

__global__ void __launch_bounds__(kThreads) report_rows(const RowReasons reasons,
                                                       grpo4j_report* report) {
  Count* counts = shared_arena<Count>();
  const char* base = static_cast<const char*>(reasons.first);
  Count mine = {0, reasons.n};
  for (int64_t i = threadIdx.x; i < reasons.n; i += kThreads) {
    if (*reinterpret_cast<const int32_t*>(base + i * reasons.stride) != GRPO4J_ROW_OK) {
      mine.first = mine.bad == 0 ? i : mine.first;
      mine.bad += 1;
    }
  }
  counts[threadIdx.x] = mine;
  __syncthreads();
  if (threadIdx.x != 0) {
    return;
  }
  for (uint32_t t = 1; t < kThreads; ++t) {
    mine.bad += counts[t].bad;
    mine.first = counts[t].first < mine.first ? counts[t].first : mine.first;
  }
  report->bad_rows = mine.bad;
  report->first_bad_row = mine.bad == 0 ? -1 : mine.first;
  report->first_bad_reason =
      mine.bad == 0 ? GRPO4J_ROW_OK
                    : *reinterpret_cast<const int32_t*>(base + mine.first * reasons.stride);
  report->isa = kIsa;
}

}  // namespace

cudaError_t launch_report(const RowReasons& reasons, grpo4j_report* report, cudaStream_t stream) {
  return launch<report_rows>({1, kThreads, kThreads * sizeof(Count), 1}, stream, reasons, report);
}

}  // namespace grpo4j::cuda
