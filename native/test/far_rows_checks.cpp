// Rows more than 2^31 elements apart: an offset of 32 bits would miss them. What lies between them is
// addresses alone, no memory.
#include <sys/mman.h>
#include <unistd.h>

#include "host_policy_call.h"
#include "kernels_test.h"
#include "part_cases.h"

namespace {

class FarRows {
 public:
  FarRows(const PolicyCase& c, int64_t stride)
      : row_bytes_(c.vocab * oracle::bytes_of(c.dtype)),
        stride_bytes_(stride * oracle::bytes_of(c.dtype)),
        size_(static_cast<size_t>((c.rows - 1) * stride_bytes_ + row_bytes_)),
        matrix_{nullptr, c.dtype, c.rows, c.vocab, stride} {
    matrix_.data = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (matrix_.data == MAP_FAILED) abort();
    const int64_t page = sysconf(_SC_PAGESIZE);
    for (int64_t i = 0; i < c.rows; ++i) {
      const int64_t first = i * stride_bytes_ / page * page;
      const int64_t last = i * stride_bytes_ + row_bytes_;
      if (mprotect(static_cast<char*>(matrix_.data) + first, static_cast<size_t>(last - first),
                   PROT_READ | PROT_WRITE) != 0) {
        abort();
      }
    }
  }
  FarRows(const FarRows&) = delete;
  FarRows& operator=(const FarRows&) = delete;
  ~FarRows() { munmap(matrix_.data, size_); }

  const grpo4j_matrix& matrix() const { return matrix_; }
  char* row(int64_t i) const { return static_cast<char*>(matrix_.data) + i * stride_bytes_; }
  void fill(const std::vector<char>& rows) const {
    for (int64_t i = 0; i < matrix_.rows; ++i) {
      memcpy(row(i), rows.data() + i * row_bytes_, static_cast<size_t>(row_bytes_));
    }
  }
  std::vector<char> rows() const {
    std::vector<char> all;
    for (int64_t i = 0; i < matrix_.rows; ++i) all.insert(all.end(), row(i), row(i) + row_bytes_);
    return all;
  }

 private:
  int64_t row_bytes_;
  int64_t stride_bytes_;
  size_t size_;
  grpo4j_matrix matrix_;
};

}  // namespace

// Each operation that takes logits, and its bits where the rows adjoin. Two strides, so that neither
// stands in for the other.
void check_far_rows() {
  PolicyCase c;
  c.dtype = GRPO4J_BF16;
  const int64_t far = (int64_t{1} << 31) + 5;
  const FarRows logits(c, far), gradient(c, far + 40);
  for (int32_t level : {GRPO4J_RATIO_TOKEN, GRPO4J_RATIO_SEQUENCE}) {
    c.ratio_level = level;
    const PolicyInputs in = readable_inputs(c);
    HostPolicyCall near(c, in), call(c, in);
    expect(near.run() == GRPO4J_OK, "status", c.name());
    logits.fill(in.logits);
    grpo4j_policy_loss_args args = call.args();
    args.logits = logits.matrix();
    args.gradient = gradient.matrix();
    expect(call.run(args) == GRPO4J_OK && same_bits(near.gradient.get(), gradient.rows()) &&
               same_bits(near.log_probs.get(), call.log_probs.get()), "far rows", c.name());

    HostPolicyCall statistics(c, in);
    const grpo4j_token_stats_args stats = {logits.matrix(), statistics.rows(),
                                           statistics.outputs(), 0};
    grpo4j_report report;
    expect(grpo4j_token_stats(&stats, &report) == GRPO4J_OK &&
               same_bits(&near.log_probs.get()[2], &statistics.log_probs.get()[2], 4),
           "token_stats of far rows", c.name());
  }
}
