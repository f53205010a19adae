// The gradient of a row, or of a part of it, from its statistics and slopes.
//
//   dz_v = (1/T) [ g (1[v = y] - p_v) - h p_v (log p_v + H) ]
//        = e^u (k0 + k1 (z_v - m)) + 1[v = y] g/T,   u = (z_v - m)/T,  p_v = e^u / s,
//   k1 = -h / (T^2 s),   k0 = (-(g + h H) + h ln s) / (T s)
// times 1 - (z_v/c)^2 under a soft cap c. Kept in f32: e^u, k0, k1; scalars of the row are double.
//
// Elements are independent: gradient may be logits (each element is read before it is written, by the
// same thread), and its bits don't depend on where the row lies.
#pragma once

#include "common/rows.cuh"
#include "common/exp2.cuh"

namespace grpo4j::cuda {

// How the gradient of a call is made; nothing of it is decided inside a loop.
template <bool kEntropyValue, bool kAccumulateValue, class CapType>
struct GradientKind {
  using Cap = CapType;
  static constexpr bool kEntropy = kEntropyValue;        // h may be other than 0
  static constexpr bool kAccumulate = kAccumulateValue;  // added to what the gradient holds
};

// What the gradient of a row needs of the row as a whole.
struct RowSlopes {
  double g;
  double h;
};

struct GradientCoefficients {
  float max_logit;
  float exp2_scale;
  float floor;  // z - m at kExp2Floor
  float k0;
  float k1;
};

__device__ __forceinline__ GradientCoefficients coefficients_of(const RowStatistics& row,
                                                                const RowSlopes& slopes,
                                                                double inverse_temperature) {
  const double share = inverse_temperature / row.sum;
  const float scale = exp2_scale(inverse_temperature);
  const float floor = kExp2Floor / scale;
  return {row.max_logit, scale, floor > -3.402823466e38f ? floor : -3.402823466e38f,
          static_cast<float>((slopes.h * (row.log_sum - row.entropy) - slopes.g) * share),
          static_cast<float>(-slopes.h * inverse_temperature * share)};
}

// dz at the target. p -> 0 wins over log p -> -inf.
__device__ __forceinline__ double target_gradient(float target_logit, double cap_slope,
                                                  const RowStatistics& row,
                                                  const RowSlopes& slopes,
                                                  double inverse_temperature) {
  const double log_p = log_prob_of(row, target_logit, inverse_temperature);
  const double p = exp(log_p);
  const double entropy_part = p == 0 ? 0 : slopes.h * p * (log_p + row.entropy);
  return (slopes.g * (1 - p) - entropy_part) * inverse_temperature * cap_slope;
}

template <class Element, class Kind>
class Gradient {
 public:
  using Storage = typename Element::Storage;
  using Cap = typename Kind::Cap;

  __device__ __forceinline__ Gradient(const GradientCoefficients& c, const Cap& cap)
      : c_(c), cap_(cap) {}

  __device__ __forceinline__ float of(float u) const {
    const float z = cap_(u);
    const float d = fmaxf(z - c_.max_logit, c_.floor);
    const float e = exp2_polynomial<Element::kFinePolynomial>(d, c_.exp2_scale);
    float dz;
    if constexpr (Kind::kEntropy) {
      dz = e * fmaf(c_.k1, d, c_.k0);
    } else {
      dz = e * c_.k0;
    }
    if constexpr (Cap::kCaps) {
      dz *= cap_.slope_of_capped(z);
    }
    return dz;
  }

  // held: what the gradient's memory holds, where it is added to.
  __device__ __forceinline__ uint4 of(uint4 logits, uint4 held) const {
    float z[Element::kPerVector];
    Element::unpack(logits, z);
#pragma unroll
    for (uint32_t i = 0; i < Element::kPerVector; ++i) {
      z[i] = of(z[i]);
    }
    if constexpr (Kind::kAccumulate) {
      float sum[Element::kPerVector];
      Element::unpack(held, sum);
#pragma unroll
      for (uint32_t i = 0; i < Element::kPerVector; ++i) {
        z[i] += sum[i];
      }
    }
    return Element::pack(z);
  }

  __device__ __forceinline__ void store_one(float logit, Storage* dz) const {
    float value = of(logit);
    if constexpr (Kind::kAccumulate) {
      value += Element::to_float(load_element(dz));
    }
    store_element(dz, Element::from_float(value));
  }

 private:
  GradientCoefficients c_;
  Cap cap_;
};

// Reads vectors and elements of a row of logits from memory, or from a block's copy of it.
template <class Element>
struct FromMemory {
  const Row<Element>& row;
  __device__ __forceinline__ uint4 vector(int64_t j) const {
    return load16<Cache::kOnce>(row.vectors() + j);
  }
  __device__ __forceinline__ float element(int64_t e) const {
    return Element::to_float(load_element(row.z + e));
  }
};

template <class Element>
struct FromStage {
  const Row<Element>& row;
  const Stage& stage;
  __device__ __forceinline__ uint4 vector(int64_t j) const {
    return stage.vectors[j - stage.first];
  }
  __device__ __forceinline__ float element(int64_t e) const {
    const auto* elements = reinterpret_cast<const typename Element::Storage*>(stage.vectors);
    return Element::to_float(
        elements[e + row.misalignment - stage.first * Element::kPerVector]);
  }
};

// Vectors [begin, end) of a row that a block or a warp is to write.
struct VectorRange {
  int64_t begin;
  int64_t end;
};

// The vectors that hold a run of chunks. A vector that two runs share belongs to the later one.
template <class Element>
__device__ __forceinline__ VectorRange vectors_of(const Row<Element>& row, const Chunks& chunks,
                                                  const ChunkRange& range) {
  const int64_t per_chunk = chunks.elements / Element::kPerVector;
  const int64_t all = (row.vocab + row.misalignment + Element::kPerVector - 1) / Element::kPerVector;
  return {range.begin * per_chunk, range.end == chunks.count ? all : range.end * per_chunk};
}

// The elements of those vectors that are the row's, [begin, end).
template <class Element>
__device__ __forceinline__ VectorRange elements_of(const Row<Element>& row, const VectorRange& v) {
  const int64_t begin = row.element_of(v.begin);
  const int64_t end = row.element_of(v.end);
  return {begin > 0 ? begin : 0, end < row.vocab ? end : row.vocab};
}

constexpr int kGradientVectors = 4;  // vectors a thread has under way

// Vectors [begin, end), all wholly in the row, by thread `thread` of `threads` that share them; the
// last ones first, because those are what a cache still holds.
template <class Element, class Kind, class Source>
__device__ __forceinline__ void write_vectors(const Gradient<Element, Kind>& gradient,
                                              const Source& source, uint4* dz,
                                              const VectorRange& range, uint32_t thread,
                                              uint32_t threads) {
  int64_t j = range.end - 1 - thread;
  const int64_t step = int64_t{kGradientVectors} * threads;
  for (; j - (kGradientVectors - 1) * int64_t{threads} >= range.begin; j -= step) {
    uint4 z[kGradientVectors];
    uint4 held[kGradientVectors] = {};
#pragma unroll
    for (int k = 0; k < kGradientVectors; ++k) {
      z[k] = source.vector(j - k * int64_t{threads});
      if constexpr (Kind::kAccumulate) {
        held[k] = load16<Cache::kOnce>(dz + j - k * int64_t{threads});
      }
    }
#pragma unroll
    for (int k = 0; k < kGradientVectors; ++k) {
      store16<Cache::kOnce>(dz + j - k * int64_t{threads}, gradient.of(z[k], held[k]));
    }
  }
  for (; j >= range.begin; j -= threads) {
    uint4 held = {};
    if constexpr (Kind::kAccumulate) {
      held = load16<Cache::kOnce>(dz + j);
    }
    store16<Cache::kOnce>(dz + j, gradient.of(source.vector(j), held));
  }
}

// All elements of vectors [range.begin, range.end) of a row: whole vectors, then the few elements at
// its ends. A gradient that lies otherwise than its logits within 16 bytes is written by elements.
template <class Element, class Kind, class Source>
__device__ __forceinline__ void write_gradient(const Gradient<Element, Kind>& gradient,
                                               const Source& source, const Row<Element>& row,
                                               typename Element::Storage* dz,
                                               const VectorRange& range, uint32_t thread,
                                               uint32_t threads) {
  const VectorRange elements = elements_of(row, range);
  const Row<Element> to(dz, row.vocab);
  if (to.misalignment != row.misalignment) {
    for (int64_t e = elements.begin + thread; e < elements.end; e += threads) {
      gradient.store_one(source.element(e), dz + e);
    }
    return;
  }
  const VectorRange whole = {range.begin > row.whole_begin() ? range.begin : row.whole_begin(),
                             range.end < row.whole_end() ? range.end : row.whole_end()};
  write_vectors(gradient, source,
                const_cast<uint4*>(to.vectors()), whole, thread, threads);
  const int64_t head_end = whole.begin < whole.end ? row.element_of(whole.begin) : elements.end;
  for (int64_t e = elements.begin + thread; e < head_end; e += threads) {
    gradient.store_one(source.element(e), dz + e);
  }
  if (whole.begin < whole.end) {
    for (int64_t e = row.element_of(whole.end) + thread; e < elements.end; e += threads) {
      gradient.store_one(source.element(e), dz + e);
    }
  }
}

// A row without a gradient: 0, or nothing added.
template <class Element>
__device__ __forceinline__ void no_gradient(const Row<Element>& to, bool accumulate,
                                            const VectorRange& range, uint32_t thread,
                                            uint32_t threads) {
  using Storage = typename Element::Storage;
  if (accumulate) {
    return;
  }
  auto* dz = const_cast<Storage*>(to.z);
  const VectorRange elements = elements_of(to, range);
  const VectorRange whole = {range.begin > to.whole_begin() ? range.begin : to.whole_begin(),
                             range.end < to.whole_end() ? range.end : to.whole_end()};
  auto* vectors = const_cast<uint4*>(to.vectors());
  for (int64_t j = whole.begin + thread; j < whole.end; j += threads) {
    store16<Cache::kOnce>(vectors + j, uint4{0, 0, 0, 0});
  }
  const int64_t head_end = whole.begin < whole.end ? to.element_of(whole.begin) : elements.end;
  for (int64_t e = elements.begin + thread; e < head_end; e += threads) {
    store_element(dz + e, Storage(0));
  }
  if (whole.begin < whole.end) {
    for (int64_t e = to.element_of(whole.end) + thread; e < elements.end; e += threads) {
      store_element(dz + e, Storage(0));
    }
  }
}

}  // namespace grpo4j::cuda
