// The report of a call: one block over the reasons of its rows.
#pragma once

#include "common/report.cuh"

namespace grpo4j::cuda {

constexpr uint32_t kReportThreads = 256;

struct BadRowCount {
  int64_t bad;
  int64_t first;  // n when there is none
};

// Reasons has n, the number of rows, and of(i), why row i is bad.
template <class Reasons>
__global__ void __launch_bounds__(kReportThreads) report_rows(const Reasons reasons,
                                                             grpo4j_report* report) {
  auto* counts = shared_arena<BadRowCount>();
  BadRowCount mine = {0, reasons.n};
#pragma unroll 1  // unrolled, what rows need beside a list spills on sm_100
  for (int64_t i = threadIdx.x; i < reasons.n; i += kReportThreads) {
    if (reasons.of(i) != GRPO4J_ROW_OK) {
      mine.first = mine.bad == 0 ? i : mine.first;
      mine.bad += 1;
    }
  }
  counts[threadIdx.x] = mine;
  __syncthreads();
  if (threadIdx.x != 0) {
    return;
  }
  for (uint32_t t = 1; t < kReportThreads; ++t) {
    mine.bad += counts[t].bad;
    mine.first = counts[t].first < mine.first ? counts[t].first : mine.first;
  }
  report->bad_rows = mine.bad;
  report->first_bad_row = mine.bad == 0 ? -1 : mine.first;
  report->first_bad_reason = mine.bad == 0 ? GRPO4J_ROW_OK : reasons.of(mine.first);
  report->isa = kIsa;
}

template <class Reasons>
cudaError_t launch_report_of(const Reasons& reasons, grpo4j_report* report, cudaStream_t stream) {
  return launch<report_rows<Reasons>>(
      {1, kReportThreads, kReportThreads * sizeof(BadRowCount), 1}, stream, reasons, report);
}

}  // namespace grpo4j::cuda
