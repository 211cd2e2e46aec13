#!/usr/bin/env bash
# What db_bench says to who asks, or asks wrongly; and which engines run.

set -euo pipefail

fail() { echo "FAIL: $*" >&2; exit 1; }

bench/db_bench --help >"$TEST_TMPDIR/help"
for flag in keys rounds key-bytes value-bytes big-endian-keys workloads peers \
    only engines dir json html about holdfast baseline baseline-version; do
  grep -q "^  --$flag\b" "$TEST_TMPDIR/help" || fail "--help lacks --$flag"
done
grep -q "^  fillseq  *puts in the order of their keys; x 1.5$" \
  "$TEST_TMPDIR/help" || fail "--help lacks fillseq"
grep -q "^  ycsb-f  *" "$TEST_TMPDIR/help" || fail "--help lacks the last one"

wrong() {  # message flags...
  local message="$1" code=0; shift
  bench/db_bench --dir="$TEST_TMPDIR/db" "$@" 2>"$TEST_TMPDIR/error" || code=$?
  (( code == 2 )) || fail "$*: exit code $code"
  grep -qF -- "$message" "$TEST_TMPDIR/error" ||
    fail "$*: $(cat "$TEST_TMPDIR/error")"
  grep -q -- "--help lists the flags" "$TEST_TMPDIR/error" || fail "$*: no hint"
}
wrong "--frobnicate: not known" --frobnicate
wrong "--keys=many: wants a number of at least 1000" --keys=many
wrong "--keys=999: wants a number of at least 1000" --keys=999
wrong '--workloads: there is no "fill"; there are fillseq, ' --workloads=fill
wrong '--engines: there is no "x"; there are holdfast, device' --engines=x
wrong "--only and --engines: one of them" --only=none --engines=device
wrong "--baseline: compares with holdfast" --engines=device --baseline=x.so
wrong "--dir=/dev/null/x: " --dir=/dev/null/x
wrong "--html=/dev/null/x: cannot be written" --html=/dev/null/x
wrong "--json=/dev/null/x: cannot be written" --json=/dev/null/x

bench/db_bench --dir="$TEST_TMPDIR/db" --keys=1000 --rounds=1 \
  --workloads=fillsync-1 --engines=device --json="$TEST_TMPDIR/json" >/dev/null
[[ "$(wc -l <"$TEST_TMPDIR/json")" == 1 ]] || fail "not the device alone"
grep -q '"engine":"device"' "$TEST_TMPDIR/json" || fail "not the device"

# Nothing is shown of it where it measures nothing; and what was written is
# named.
bench/db_bench --dir="$TEST_TMPDIR/db" --keys=1000 --rounds=1 \
  --workloads=fillseq --html="$TEST_TMPDIR/page" >"$TEST_TMPDIR/table"
! grep -q device "$TEST_TMPDIR/table" || fail "an empty column"
grep -qx "$TEST_TMPDIR/page" "$TEST_TMPDIR/table" || fail "where is the page?"
echo PASS
