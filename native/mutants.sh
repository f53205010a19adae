#!/bin/sh
# Breaks the library in ways that reviewers miss and expects the native tests to notice each. A
# mutant that lives, or no longer applies, fails. One that hangs is caught by its time, which is
# counted apart: on a slow machine time alone would kill every mutant.
#
# All mutants are compiled into one copy of the library, each behind MUTANT, which is true when
# GRPO4J_MUTANT holds its number: one build in all.
#   sh native/mutants.sh [work folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-"$here/../target/mutants"}
rm -rf "$work"
mkdir -p "$work/native/src" "$work/cuda"
cp -rp "$here/CMakeLists.txt" "$here/src" "$here/include" "$here/test" "$work/native"
cp -rp "$here/../cuda/include" "$work/cuda"
count=0
failed=0
: > "$work/mutants"

. "$here/replace.sh"

# The last argument: the tests that should notice, so that the others need not run.
mutant() { # name, file, what, becomes, groups of tests
  count=$((count + 1))
  if replace "$work/native/$2" "$3" "$(printf '%s\n' "$4" | sed "s/MUTANT/(::grpo4j::chosen_mutant == $count)/g")"; then
    echo "$count $1:$2:$5" >> "$work/mutants"
  else
    echo "$1: DOES NOT APPLY to $2"
    failed=1
  fi
}

. "$here/mutants.list"

cat > "$work/chosen_mutant.h" <<'END'
#pragma once
namespace grpo4j {
extern const int chosen_mutant __attribute__((visibility("default")));  // the tests' SIMD types, too
}
END
cat >> "$work/native/src/dispatch/isa.cpp" <<'END'
namespace grpo4j {
const int chosen_mutant = getenv("GRPO4J_MUTANT") == nullptr ? 0 : atoi(getenv("GRPO4J_MUTANT"));
}
END
# Optimised a little: the build takes most of the time.
cmake -S "$work/native" -B "$work/build" -DGRPO4J_BUILD_TESTS=ON -DCMAKE_CXX_FLAGS_RELEASE=-O1 \
  -DCMAKE_CXX_FLAGS="-include $work/chosen_mutant.h" > /dev/null
cmake --build "$work/build" -j2 > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
began=$(date +%s)
"$work/build/kernels_test" > "$work/log" 2>&1 || { echo "the tests fail without a mutant"; cat "$work/log"; exit 1; }
limit=$((10 * ($(date +%s) - began)))
[ "$limit" -ge 60 ] || limit=60

# One line of the list: its number and name, its file, the groups; then the seconds it may take.
cat > "$work/try.sh" <<'END'
work=$1 limit=$2 entry=$3
title=${entry%%:*} rest=${entry#*:}
number=${title%% *} name=${title#* } file=${rest%%:*} groups=$(echo "${rest#*:}" | tr , " ")
isa=$(echo "$file" | sed -n 's|^src/isa/\([a-z0-9]*\)/.*|\1|p')
if [ -n "$isa" ] && ! grep -q "^$isa: .*: done" "$work/log"; then
  echo "$name: skipped, $isa is not on this machine"
  exit
fi
run() { GRPO4J_MUTANT=$1 timeout "$limit" "$work/build/kernels_test" --stop $groups; }
status=0
run "$number" > "$work/$number.out" 2>&1 || status=$?
if [ $status = 0 ]; then
  echo "$name: LIVES"
elif [ $status != 124 ]; then
  why=$(grep -m 1 FAILED "$work/$number.out" | cut -c 1-110 || true)
  echo "$name: caught: ${why:-stopped or crashed}"
elif run 0 > "$work/$number.out" 2>&1; then
  echo "$name: caught by its time: not done after $limit s, the same tests are without it"
else
  echo "$name: UNDECIDED: the tests do not end within $limit s without it either"
fi
END
tr '\n' '\0' < "$work/mutants" | xargs -0 -n 1 -P 2 sh "$work/try.sh" "$work" "$limit" | tee "$work/results"
! grep -Eq ': (LIVES$|UNDECIDED:)' "$work/results" || failed=1
echo "$count mutants, $(grep -c ': caught' "$work/results") caught," \
  "$(grep -c ': caught by its time' "$work/results") of them by their time"
exit $failed
