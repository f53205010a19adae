// The element types of logits and gradient: 16 bytes of them to and from float, and their maximum.
// A vector is 16 bytes at a multiple of 16: 8 elements of bf16 or f16, 4 of f32.
#pragma once

#include <string.h>

#include "common/device.cuh"

namespace grpo4j::cuda {

constexpr float kInfinity = __builtin_inff();

__device__ __forceinline__ float float_of(uint32_t bits) { return __builtin_bit_cast(float, bits); }
__device__ __forceinline__ uint32_t bits_of(float f) { return __builtin_bit_cast(uint32_t, f); }

// The same bits; NVIDIA's half types are not trivially copyable in the language's sense.
template <class To, class From>
__device__ __forceinline__ To same_bits(const From& from) {
  static_assert(sizeof(To) == sizeof(From), "bits are neither added nor lost");
  To to;
  memcpy(static_cast<void*>(&to), static_cast<const void*>(&from), sizeof to);
  return to;
}

struct F32 {
  using Storage = float;
  static constexpr uint32_t kPerVector = 4;
  static constexpr uint32_t kMinusInfinities = 0xff800000u;  // a word full of -inf
  static constexpr uint32_t kLowest = 0xff7fffffu;           // of the least finite value
  static constexpr bool kFinePolynomial = true;

  static __device__ __forceinline__ Storage minus_infinity() { return float_of(kMinusInfinities); }
  static __device__ __forceinline__ Storage lowest() { return float_of(kLowest); }
  static __device__ __forceinline__ float to_float(Storage s) { return s; }
  static __device__ __forceinline__ Storage from_float(float f) { return f; }

  static __device__ __forceinline__ void unpack(uint4 v, float (&z)[kPerVector]) {
    z[0] = float_of(v.x);
    z[1] = float_of(v.y);
    z[2] = float_of(v.z);
    z[3] = float_of(v.w);
  }
  static __device__ __forceinline__ uint4 pack(const float (&z)[kPerVector]) {
    return {bits_of(z[0]), bits_of(z[1]), bits_of(z[2]), bits_of(z[3])};
  }
  // The greatest element where the words are; NaN where one is NaN.
  static __device__ __forceinline__ uint32_t max_words(uint32_t a, uint32_t b) {
    return bits_of(max_or_nan(float_of(a), float_of(b)));
  }
  static __device__ __forceinline__ float max_of_word(uint32_t word) { return float_of(word); }
};

// What the types of 16 bits share: two elements a word, the first in its low half. Element has the bits
// of its values, and to_float, from_float, unpack_word, pack_word and max_words.
template <class Element>
struct PackedElement {
  using Storage = uint16_t;
  static constexpr uint32_t kPerVector = 8;
  static constexpr bool kFinePolynomial = false;

  static __device__ __forceinline__ Storage minus_infinity() {
    return static_cast<Storage>(Element::kMinusInfinities);
  }
  static __device__ __forceinline__ Storage lowest() {
    return static_cast<Storage>(Element::kLowest);
  }
  static __device__ __forceinline__ void unpack(uint4 v, float (&z)[kPerVector]) {
    Element::unpack_word(v.x, z[0], z[1]);
    Element::unpack_word(v.y, z[2], z[3]);
    Element::unpack_word(v.z, z[4], z[5]);
    Element::unpack_word(v.w, z[6], z[7]);
  }
  static __device__ __forceinline__ uint4 pack(const float (&z)[kPerVector]) {
    return {Element::pack_word(z[0], z[1]), Element::pack_word(z[2], z[3]),
            Element::pack_word(z[4], z[5]), Element::pack_word(z[6], z[7])};
  }
  static __device__ __forceinline__ float max_of_word(uint32_t word) {
    float low;
    float high;
    Element::unpack_word(word, low, high);
    return max_or_nan(low, high);
  }
};

// Widening is a shift or a mask of the packed word.
struct Bf16 : PackedElement<Bf16> {
  static constexpr uint32_t kMinusInfinities = 0xff80ff80u;
  static constexpr uint32_t kLowest = 0xff7fff7fu;

  static __device__ __forceinline__ float to_float(Storage s) {
    return float_of(static_cast<uint32_t>(s) << 16);
  }
  static __device__ __forceinline__ Storage from_float(float f) {
    return same_bits<Storage>(__float2bfloat16_rn(f));
  }
  static __device__ __forceinline__ void unpack_word(uint32_t word, float& low, float& high) {
    low = float_of(word << 16);
    high = float_of(word & 0xffff0000u);
  }
  static __device__ __forceinline__ uint32_t pack_word(float low, float high) {
    return same_bits<uint32_t>(__floats2bfloat162_rn(low, high));
  }
  static __device__ __forceinline__ uint32_t max_words(uint32_t a, uint32_t b) {
    return same_bits<uint32_t>(
        __hmax2_nan(same_bits<__nv_bfloat162>(a), same_bits<__nv_bfloat162>(b)));
  }
};

struct F16 : PackedElement<F16> {
  static constexpr uint32_t kMinusInfinities = 0xfc00fc00u;
  static constexpr uint32_t kLowest = 0xfbfffbffu;

  static __device__ __forceinline__ float to_float(Storage s) {
    return __half2float(same_bits<__half>(s));
  }
  static __device__ __forceinline__ Storage from_float(float f) {
    return same_bits<Storage>(__float2half_rn(f));
  }
  static __device__ __forceinline__ void unpack_word(uint32_t word, float& low, float& high) {
    const float2 pair = __half22float2(same_bits<__half2>(word));
    low = pair.x;
    high = pair.y;
  }
  static __device__ __forceinline__ uint32_t pack_word(float low, float high) {
    return same_bits<uint32_t>(__floats2half2_rn(low, high));
  }
  static __device__ __forceinline__ uint32_t max_words(uint32_t a, uint32_t b) {
    return same_bits<uint32_t>(__hmax2_nan(same_bits<__half2>(a), same_bits<__half2>(b)));
  }
};

}  // namespace grpo4j::cuda
