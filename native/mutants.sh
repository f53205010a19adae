#!/bin/sh
# Breaks the library in ways that reviewers miss, one at a time in a copy, and expects the native
# tests to notice each. A mutant that lives, or no longer applies, fails.
#   sh native/mutants.sh [work folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-"$here/../target/mutants"}
rm -rf "$work"
mkdir -p "$work"
cp -r "$here" "$work/native"
# Optimised a little: the build takes most of the time.
cmake -S "$work/native" -B "$work/build" -DGRPO4J_BUILD_TESTS=ON -DCMAKE_CXX_FLAGS_RELEASE=-O1 > /dev/null
cmake --build "$work/build" -j2 > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/kernels_test" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
failed=0

mutant() { # name, file, what, becomes
  if ! grep -qF -- "$3" "$here/$2"; then
    echo "$1: DOES NOT APPLY to $2"
    failed=1
    return
  fi
  # Plain strings, not patterns.
  awk -v from="$3" -v to="$4" 'BEGIN { n = length(from) }
    { out = ""; while ((i = index($0, from)) > 0) {
        out = out substr($0, 1, i - 1) to; $0 = substr($0, i + n) } print out $0 }' \
    "$here/$2" > "$work/native/$2"
  if ! cmake --build "$work/build" -j2 > "$work/log" 2>&1; then
    echo "$1: DOES NOT COMPILE"
    grep -m 3 error "$work/log" || true
    failed=1
  elif timeout 120 "$work/build/kernels_test" > /dev/null 2>&1; then
    echo "$1: LIVES"
    failed=1
  else
    echo "$1: caught"
  fi
  cp "$here/$2" "$work/native/$2"
}

mutant "the last row of a thread's share is left out" src/dispatch/operations.cpp \
  "rows(RowRange{begin, std::min(begin + chunk, n)}, bad);" \
  "rows(RowRange{begin, std::min(begin + chunk, n) - 1}, bad);"
mutant "advantages forget epsilon" include/grpo4j/advantages.h \
  "return batch_deviation + args.epsilon;" "return batch_deviation;"
mutant "a group of one has a mean" include/grpo4j/advantages.h \
  "if (n > 1) {" "if (n > 0) {"
mutant "whitening divides by n" include/grpo4j/advantages.h \
  "(squares / (tokens - 1) + kWhiteningEpsilon)" "(squares / tokens + kWhiteningEpsilon)"
mutant "lanes of a sum are left out" include/grpo4j/lane_sum.h \
  "half > 0; half /= 2" "half > 1; half /= 2"
mutant "token weights are clamped last" include/grpo4j/token_weights.h \
  "args.order == GRPO4J_CLAMP_THEN_MEAN ?" "args.order != GRPO4J_CLAMP_THEN_MEAN ?"
mutant "even and odd elements of bf16 change places" src/isa/avx2/simd.h \
  "even = {_mm256_castsi256_ps(_mm256_slli_epi32(both, 16))};" \
  "even = {_mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32(-65536)))};"
mutant "e^u is held without rounding" src/isa/avx512/simd.h \
  "_mm512_set1_epi32(0x2000)" "_mm512_set1_epi32(0)"
mutant "held e^u loses a bit" src/isa/avx512/simd.h \
  "_mm512_set1_epi32(0x3fffc000)" "_mm512_set1_epi32(0x3fff8000)"
mutant "the tail is 0 instead of -inf" src/kernels/element.h \
  ": -__builtin_inff();" ": 0.0f;"
mutant "the last element of a tail is left out" src/kernels/element.h \
  "buffer[i] = i < count ? cap" "buffer[i] = i + 1 < count ? cap"
mutant "sums are not rescaled when the maximum rises" src/kernels/row_statistics.h \
  "const double factor = exp(shift);" "const double factor = 1;"
mutant "the weighted sum forgets the shift" src/kernels/row_statistics.h \
  "factor * (total.t + shift * total.s)" "factor * total.t"
mutant "what is held is not rescaled" src/kernels/row_statistics.h \
  "static_cast<float>(factor * exp(shift))" "static_cast<float>(factor * exp(0 * shift))"
mutant "too many rises overwrite the last segment" src/kernels/row_statistics.h \
  "    scale_kept<Element, true>(kept, begin, max_logit, inverse_temperature, 1.0);" \
  "    static_cast<void>(inverse_temperature);"
mutant "temperature is missing from the gradient" src/kernels/policy_loss.h \
  "row.h * row.log_sum) * row.inverse_temperature / row.sum;" "row.h * row.log_sum) / row.sum;"
mutant "entropy's part of the gradient has the wrong sign" src/kernels/policy_loss.h \
  "static_cast<float>(-row.h * row.inverse_temperature / row.sum)" \
  "static_cast<float>(row.h * row.inverse_temperature / row.sum)"
mutant "masked rows keep what their gradient held" src/kernels/policy_loss.h \
  "  if (!at.accumulate) {" "  if (at.accumulate) {"
mutant "the table's index is off by one entry" src/kernels/exp.h \
  "bits -= static_cast<uint32_t>(j) << kExponentShift;" \
  "bits -= static_cast<uint32_t>(j + 1) << kExponentShift;"
mutant "a block of -inf counts as bad" src/kernels/row_statistics.h \
  "if (has_nan<Element>(z + begin, count)) {" "if (!has_nan<Element>(z + begin, count)) {"

exit $failed
