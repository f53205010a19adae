#!/bin/sh
# Breaks the CUDA kernels in ways that reviewers miss and expects the tests in the emulation to
# notice each: by values under some schedule, by a report of the emulator, or, for what only the
# order of memory shows, by ThreadSanitizer. A mutant that lives, or no longer applies, fails.
# One that hangs is caught by its time, in so many words: on a slow machine time alone would kill
# every mutant.
#
# All mutants are compiled into one copy of the kernels, each behind mutant("its name"), and GRPO4J_MUTANT
# wakes one of them: two builds in all, one of them for ThreadSanitizer.
#   sh cuda/mutants.sh [work folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-"$here/../target/cuda-mutants"}
rm -rf "$work/tree"
mkdir -p "$work/tree"
cp -rp "$here" "$work/tree/cuda"
cp -rp "$here/../native" "$work/tree/native"
source=$work/tree/cuda/src
plain= race= failed=0

. "$here/../native/replace.sh"

put() { # name, file, what, becomes
  replace "$source/$2" "$3" "$4" || { echo "$1: DOES NOT APPLY to $2"; failed=1; }
}
# The last argument: the tests that should notice, so that the others need not run.
mutant() { put "$1" "$2" "$3" "$4"; plain="$plain $1:$5"; }
race() { put "$1" "$2" "$3" "$4"; race="$race $1:$5"; }

build() { # folder, cmake settings
  folder=$1
  shift
  "$work/tree/cuda/emulation/build.sh" "$work/$folder" -DGRPO4J_BUILD_TESTS=ON \
    -DCMAKE_BUILD_TYPE=None "$@"
  [ -x "$work/$folder/cuda_kernels_test" ]
}

run() { # folder, mutant, groups of tests
  GRPO4J_EMULATION_THREADS=1 GRPO4J_MUTANT=$2 \
    timeout "$limit" "$work/$1/cuda_kernels_test" --small --stop $3 > "$work/test.out" 2>&1
}

check_all() { # folder, mutants, tests without a mutant
  limit=3600
  began=$(date +%s)
  run "$1" "" "$3" || { echo "the tests fail without a mutant"; cat "$work/test.out"; exit 1; }
  limit=$((10 * ($(date +%s) - began)))
  [ "$limit" -ge 600 ] || limit=600
  for entry in $2; do
    name=${entry%%:*}
    groups=$(echo "${entry#*:}" | tr , ' ')
    status=0
    run "$1" "$name" "$groups" || status=$?
    if [ $status = 0 ]; then
      echo "$name: LIVES"
      failed=1
    elif [ $status != 124 ]; then
      why=$(grep -m 1 -E 'FAILED|^grpo4j emulation:|^SUMMARY' "$work/test.out" \
        | sed 's/^grpo4j emulation: .*: block/block/' | cut -c 1-110 || true)
      echo "$name: caught: ${why:-stopped or crashed}"
    elif run "$1" "" "$groups"; then
      echo "$name: caught by its time: not done after $limit s, the same tests are without it"
    else
      echo "$name: UNDECIDED: the tests do not end within $limit s without it either"
      failed=1
    fi
  done
}

cat > "$source/mutant.h" << 'HEADER'
#pragma once
#include <stdlib.h>
#include <string.h>
namespace grpo4j::cuda {
inline const char* const chosen_mutant = getenv("GRPO4J_MUTANT");
inline bool mutant(const char* name) {
  return chosen_mutant != nullptr && strcmp(name, chosen_mutant) == 0;
}
}  // namespace grpo4j::cuda
HEADER
for file in common/device.cuh host/workspace.h host/prepare.cpp host/device.cpp; do
  { echo '#include "mutant.h"'; cat "$source/$file"; } > "$work/included"
  cp "$work/included" "$source/$file"
done

# ---- Barriers and waits
mutant no_barrier_before_the_merge common/policy_kernels.cuh \
  "  barrier(parts);
  const PolicyRow" \
  '  if (!mutant("no_barrier_before_the_merge")) barrier(parts);
  const PolicyRow' variants
mutant row_begins_before_its_ends_are_there common/policy_kernels.cuh \
  "    return;
  }
  __syncthreads();
  {" \
  '    return;
  }
  if (!mutant("row_begins_before_its_ends_are_there")) __syncthreads();
  {' schedules
mutant block_ends_while_it_is_read common/policy_kernels.cuh \
  "shared memory.
    barrier(parts);" \
  'shared memory.
    if (!mutant("block_ends_while_it_is_read")) barrier(parts);' variants,schedules
mutant target_stored_beside_its_vector common/policy_kernels.cuh \
  "  __syncthreads();
  const int64_t target" \
  '  if (!mutant("target_stored_beside_its_vector")) __syncthreads();
  const int64_t target' variants,schedules
mutant threads_run_ahead_of_the_decision common/policy_kernels.cuh \
  "    }
  }
  __syncthreads();
}" \
  '    }
  }
  if (!mutant("threads_run_ahead_of_the_decision")) __syncthreads();
}' variants
mutant half_of_the_block_at_a_barrier objective.cu \
  "    __syncthreads();
    if (threadIdx.x < width) {" \
  '    if (!mutant("half_of_the_block_at_a_barrier") || threadIdx.x < width) __syncthreads();
    if (threadIdx.x < width) {' shapes
mutant copy_not_waited_for common/tile.cuh \
  "cp_async_wait<kAhead>();" \
  'if (!mutant("copy_not_waited_for")) cp_async_wait<kAhead>();' variants
mutant one_copy_too_many_under_way common/tile.cuh \
  "cp_async_wait<kAhead>();" \
  '{ if (mutant("one_copy_too_many_under_way")) cp_async_wait<kAhead + 1>(); else cp_async_wait<kAhead>(); }' \
  variants

# ---- Warps
mutant shuffle_of_half_a_warp common/chunk_states.cuh \
  "__shfl_xor_sync(kAllLanes, greatest, offset)" \
  '__shfl_xor_sync(mutant("shuffle_of_half_a_warp") ? 0xffffu : kAllLanes, greatest, offset)' shapes
mutant maximum_of_half_a_warp common/chunk_states.cuh \
  "rise(float greatest) {
#pragma unroll
    for (int offset = kWarp / 2;" \
  'rise(float greatest) {
    for (int offset = kWarp / (mutant("maximum_of_half_a_warp") ? 4 : 2);' shapes

# ---- Tails and places
mutant last_element_left_out common/tile.cuh \
  "e < row.vocab;" \
  'e + (mutant("last_element_left_out") ? 1 : 0) < row.vocab;' shapes
mutant one_element_too_many common/tile.cuh \
  "< row.vocab;" \
  '< row.vocab + (mutant("one_element_too_many") ? 1 : 0);' shapes
mutant last_gradient_left_out common/gradient.cuh \
  "end < row.vocab ? end : row.vocab" \
  'end < row.vocab ? end : row.vocab - (mutant("last_gradient_left_out") ? 1 : 0)' shapes
mutant first_elements_lost common/tile.cuh \
  "word >= first ? ~0u : 0u" \
  'word >= first + (mutant("first_elements_lost") ? 1 : 0) ? ~0u : 0u' shapes
mutant states_of_the_wrong_neighbour common/policy_kernels.cuh \
  "owner, parts).end <= c" \
  'owner, parts).end + (mutant("states_of_the_wrong_neighbour") ? 1 : 0) <= c' variants

# ---- In place, accumulation, sums
mutant read_again_after_it_was_overwritten common/gradient.cuh \
  "gradient.of(z[k], held[k]));" \
  'gradient.of(k > 0 && mutant("read_again_after_it_was_overwritten")
                                  ? source.vector(j - (k - 1) * int64_t{threads}) : z[k], held[k]));' \
  variants
mutant masked_rows_zeroed_in_accumulation common/gradient.cuh \
  "  if (accumulate) {" \
  '  if (accumulate && !mutant("masked_rows_zeroed_in_accumulation")) {' options
mutant nan_does_not_raise_the_maximum common/chunk_states.cuh \
  "!(greatest <= max_)" \
  '(mutant("nan_does_not_raise_the_maximum") ? greatest > max_ : !(greatest <= max_))' bad_rows
mutant weighted_sum_forgets_the_shift common/chunk_states.cuh \
  "fmaf(shift, sum_[i], weighted_[i])" \
  'fmaf(mutant("weighted_sum_forgets_the_shift") ? 0 : shift, sum_[i], weighted_[i])' options

# ---- Numbers of a row and of its target
mutant its_temperature_forgotten_when_split common/row_pass.cuh \
  "{exp2_scale(head.inverse_temperature)" \
  '{exp2_scale(mutant("its_temperature_forgotten_when_split") && pass.blocks_per_row > 1
                                  ? 1 / pass.batch.rows.temperature
                                  : head.inverse_temperature)' token_stats
mutant target_counts_from_the_whole_vocabulary common/rows.cuh \
  "target - batch.vocab_begin" \
  'target - (mutant("target_counts_from_the_whole_vocabulary") ? 0 : batch.vocab_begin)' shards
mutant gradient_held_at_the_target_lost common/policy_row.cuh \
  "asked.target_held + " \
  '(mutant("gradient_held_at_the_target_lost") ? 0 : asked.target_held) + ' options
mutant cap_has_no_slope_at_the_target common/policy_row.cuh \
  "cap.slope(logit), held" \
  'mutant("cap_has_no_slope_at_the_target") ? 1 : cap.slope(logit), held' options
mutant rows_32_bits_apart common/rows.cuh \
  "(logits.data) + row * logits.row_stride" \
  '(logits.data) + (mutant("rows_32_bits_apart") ? int64_t{static_cast<int32_t>(row * logits.row_stride)}
                                                          : row * logits.row_stride)' far_rows
mutant missing_rows_of_a_gradient_not_reported logits_gradient.cu \
  "reason == GRPO4J_ROW_INDEX ||" \
  '(reason == GRPO4J_ROW_INDEX && !mutant("missing_rows_of_a_gradient_not_reported")) ||' lists
mutant a_gradient_takes_any_temperature logits_gradient.cu \
  "!has_mass(state) || asked.head.reason == GRPO4J_ROW_TEMPERATURE" \
  '!has_mass(state) || (asked.head.reason == GRPO4J_ROW_TEMPERATURE && !mutant("a_gradient_takes_any_temperature"))' shards
mutant a_row_twice common/rows.cuh \
  "row_of(batch.rows, i - 1) < head.row" \
  'row_of(batch.rows, i - 1) < head.row + (mutant("a_row_twice") ? 1 : 0)' lists
mutant shares_of_a_ratio_not_divided objective.cu \
  "shared.value * slope / sequence.tokens" \
  'shared.value * slope / (mutant("shares_of_a_ratio_not_divided") ? 1 : sequence.tokens)' objectives
mutant infinite_shift_of_sums common/chunk_states.cuh \
  "factor == 0 ? 0 : reference_ - greatest" \
  'factor == 0 && !mutant("infinite_shift_of_sums") ? 0 : reference_ - greatest' options
mutant exponent_below_its_floor common/gradient.cuh \
  "fmaxf(z - c_.max_logit, c_.floor)" \
  '(mutant("exponent_below_its_floor") ? z - c_.max_logit : fmaxf(z - c_.max_logit, c_.floor))' options

# ---- Parts of a row, of a list, of memory
mutant chunks_between_two_parts_lost common/chunks.cuh \
  "all.begin + static_cast<int32_t>(count * part / parts)" \
  'all.begin + static_cast<int32_t>(
                          mutant("chunks_between_two_parts_lost") ? (count * part + parts - 1) / parts
                                                                  : count * part / parts)' variants
mutant every_block_the_first_of_its_cluster common/policy_kernels.cuh \
  "begin_row<Element, Kind>(pass, i, cluster_rank()" \
  'begin_row<Element, Kind>(pass, i, mutant("every_block_the_first_of_its_cluster") ? 0 : cluster_rank()' \
  variants
mutant first_vector_not_reached_backwards common/gradient.cuh \
  "for (; j >= range.begin; j -= threads)" \
  'for (; j >= range.begin + (mutant("first_vector_not_reached_backwards") ? 1 : 0); j -= threads)' \
  shapes
mutant neighbours_vector_of_the_tile_before common/tile.cuh \
  "row_.vectors() + (tile + 1) * TileShape<Element>::kVectors" \
  'row_.vectors() + (tile + (mutant("neighbours_vector_of_the_tile_before") ? 0 : 1)) * TileShape<Element>::kVectors' \
  variants
mutant vector_behind_the_last_tile_not_kept common/tile.cuh \
  "if (last && lane_id() == 0" \
  'if (last && !mutant("vector_behind_the_last_tile_not_kept") && lane_id() == 0' variants
mutant parts_of_a_workspace_overlap host/workspace.h \
  "used_ += (bytes + kWorkspaceAlignment - 1)" \
  'used_ += (bytes + (mutant("parts_of_a_workspace_overlap") ? 0 : kWorkspaceAlignment - 1))' \
  variants,schedules,shapes
mutant last_bad_row_reported common/report_rows.cuh \
  "mine.first = mine.bad == 0 ? i" \
  'mine.first = mine.bad == 0 || mutant("last_bad_row_reported") ? i' lists
mutant reports_end_after_a_block common/report_rows.cuh \
  "i += kReportThreads" \
  'i += mutant("reports_end_after_a_block") ? reasons.n : kReportThreads' lists
mutant later_bad_row_wins objective.cu \
  "from.first_bad_row < into.first_bad_row" \
  '(mutant("later_bad_row_wins") ? from.bad_rows > 0 && from.first_bad_row != into.first_bad_row
                                     : from.first_bad_row < into.first_bad_row)' bad_rows
mutant rows_beyond_the_grid objective.cu \
  "i += int64_t{gridDim.x} * kThreads) {
    add_token" \
  'i += mutant("rows_beyond_the_grid") ? pass.n : int64_t{gridDim.x} * kThreads) {
    add_token' lists
mutant sequences_beyond_the_grid objective.cu \
  "s += int64_t{gridDim.x} * kWarps" \
  's += mutant("sequences_beyond_the_grid") ? pass.batch.sequences : int64_t{gridDim.x} * kWarps' lists
mutant groups_beyond_the_block group_advantages.cu \
  "g += kSumLanes" \
  'g += mutant("groups_beyond_the_block") ? args.groups : kSumLanes' lists
mutant tokens_beyond_the_block token_weights.cu \
  "token += kSumLanes" \
  'token += mutant("tokens_beyond_the_block") ? args.n : kSumLanes' token_weights

# ---- Launches
mutant kernels_of_one_operation_loaded host/prepare.cpp \
  "entry = entry->next" \
  'entry = grpo4j::cuda::mutant("kernels_of_one_operation_loaded") ? nullptr : entry->next' enqueued
mutant every_device_the_current_one host/device.cpp \
  "judge_device(device, info).empty()) {
      return 1;" \
  'judge_device(grpo4j::cuda::mutant("every_device_the_current_one") ? 0 : device, info)
            .empty()) {
      return 1;' devices
mutant shared_memory_taken_from_another_thread common/launch.cuh \
  "cudaFuncAttributeMaxDynamicSharedMemorySize, most)" \
  'cudaFuncAttributeMaxDynamicSharedMemorySize,
             mutant("shared_memory_taken_from_another_thread") ? static_cast<int>(bytes) : most)' \
  shared_memory

# ---- Order of memory: right when blocks and threads run in order
race blocks_add_to_one_sum objective.cu \
  "pass.sums[blockIdx.x] = of_block;" \
  'pass.sums[blockIdx.x] = mutant("blocks_add_to_one_sum") && blockIdx.x > 0 ? no_metrics() : of_block;
    if (mutant("blocks_add_to_one_sum") && blockIdx.x > 0) merge(pass.sums[0], of_block);' shapes
race warps_merge_while_others_write common/row_pass.cuh \
  "  __syncthreads();
  if (threadIdx.x < kWarp) {" \
  '  if (!mutant("warps_merge_while_others_write")) __syncthreads();
  if (threadIdx.x < kWarp) {' token_stats
race sums_overwritten_while_they_are_read group_advantages.cu \
  "static_cast<int>(threadIdx.x);
  __syncthreads();" \
  'static_cast<int>(threadIdx.x);
  if (!mutant("sums_overwritten_while_they_are_read")) __syncthreads();' group_advantages
race offsets_judged_by_one_warp objective.cu \
  "  __syncthreads();
  int32_t warps = 0;" \
  '  if (!mutant("offsets_judged_by_one_warp")) __syncthreads();
  int32_t warps = 0;' lists
race judgement_overwritten objective.cu \
  "  __syncthreads();  // the memory" \
  '  if (!mutant("judgement_overwritten")) __syncthreads();  // the memory' lists
race scratch_written_while_lanes_read common/chunk_states.cuh \
  "    if (misalignment != 0) {
      __syncwarp();" \
  '    if (misalignment != 0) {
      if (!mutant("scratch_written_while_lanes_read")) __syncwarp();' token_stats

if ! build plain; then
  exit 0  # build.sh has said what is missing
fi
check_all plain "$plain" ""
build thread -DGRPO4J_SANITIZE=thread
check_all thread "$race" token_stats
exit $failed
