#!/usr/bin/env bash
# Every part runs to its end and gets its line, whatever it says.

set -euo pipefail

export TMPDIR="$TEST_TMPDIR"
bench/micro_bench --benchmark_list_tests=true >"$TEST_TMPDIR/parts"
bench/micro_bench --benchmark_min_time=0.000001 | tee "$TEST_TMPDIR/table"
(( $(wc -l <"$TEST_TMPDIR/parts") > 20 ))
while read -r part; do
  # What is not of the name: "/real_time".
  grep -qE "^${part%%/*} .* (reached|MISSED)$" "$TEST_TMPDIR/table" ||
    { echo "FAIL: $part has no line" >&2; exit 1; }
done <"$TEST_TMPDIR/parts"
echo PASS
