// The SIMD type of one ISA behind plain functions on arrays, compiled with its flags: roundings to
// 16 bits at a tie, for one, are within any tolerance of a kernel's results. A pair of vectors is
// 2 * width floats, for bf16 the even elements before the odd ones.
#pragma once

#include <stdint.h>

struct SimdFunctions {
  int width;
  void (*load_bf16_pair)(const uint16_t* from, float* pair);
  void (*store_bf16_pair)(const float* pair, uint16_t* to);
  void (*hold_and_scale)(const float* pair, float by, uint16_t* to);
  void (*load_f16)(const uint16_t* from, float* vector);
  void (*store_f16)(const float* vector, uint16_t* to);
  // Of one element, in tails and at targets.
  float (*bf16_to_float)(uint16_t bits);
  uint16_t (*float_to_bf16)(float f);
  float (*half_to_float)(uint16_t bits);
  uint16_t (*float_to_half)(float f);
  // Of vectors.
  void (*max)(const float* a, const float* b, float* out);
  void (*select_less)(const float* a, const float* b, float* out);  // a < b ? 1 : 2
  void (*copy_sign)(const float* a, const float* b, float* out);
  void (*abs)(const float* a, float* out);
  void (*fma_once)(const float* a, const float* b, const float* c, float* out);
  float (*reduce_add)(const float* a);
  void (*exp2)(const float* y, float* out);
  double exp2_error;  // of its polynomial, as exp.h states it
};

extern const SimdFunctions kScalarSimd, kAvx2Simd, kAvx512Simd, kAvx512Bf16Simd, kNeonSimd;
