// Expectations of the tests of both libraries, and the comparisons they share.
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <vector>

inline int failures = 0;
inline bool stop_at_failure = false;
// What all later failures have in common: the ISA that is forced.
inline std::string failure_context;
// Of every random input; --seed sets another.
inline uint32_t test_seed = 7;

inline bool expect(bool condition, const std::string& what, const std::string& where) {
  if (!condition && ++failures <= 30) {
    fprintf(stderr, "FAILED %s: %s, %sseed %u\n", what.c_str(), where.c_str(),
            failure_context.c_str(), test_seed);
    if (stop_at_failure) exit(1);
  }
  return condition;
}

// Statistics: f32 arithmetic on e^u and block sums, then the rounding of the output.
inline bool close(double expected, double got) {
  return expected == got || fabs(expected - got) <= 2e-6 + 4 * 0x1p-24 * fabs(expected);
}

inline bool same_bits(const void* a, const void* b, size_t bytes) {
  return bytes == 0 || memcmp(a, b, bytes) == 0;
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), a.size() * sizeof(T));
}
