#!/usr/bin/env bash
# Whatever peers are installed get built, loaded and timed; those that are not
# are named and do no harm.

set -euo pipefail

out="$TEST_TMPDIR/peers"
log="$TEST_TMPDIR/log"
bench/peers/build "$out" >"$log" 2>&1
cat "$log"
for peer in leveldb rocksdb lmdb; do
  grep -q "^peer $peer: " "$log"
done

bench/db_bench --peers="$out" --keys=1000 --rounds=1 --workloads=fillseq,ycsb-a \
  --dir="$TEST_TMPDIR/db" --html="$TEST_TMPDIR/report.html" \
  --json="$TEST_TMPDIR/results.jsonl" | tee "$TEST_TMPDIR/table"
engines=1
for adapter in "$out"/libbench_*.so; do
  name="${adapter##*/libbench_}"
  grep -q "  ${name%.so}: " "$TEST_TMPDIR/table"
  engines=$((engines + 1))
done
(( $(wc -l <"$TEST_TMPDIR/results.jsonl") == 2 * engines ))
grep -q "<h2>ycsb-a " "$TEST_TMPDIR/report.html"

# A folder for own builds that is none is no reason to take the packages.
code=0
bench/peers/build "$TEST_TMPDIR/none" "$TEST_TMPDIR/nowhere" 2>"$log" || code=$?
(( code == 2 ))
grep -q "there is no folder $TEST_TMPDIR/nowhere/lib" "$log"

# A folder without peers, and a library that is no adapter, are named.
mkdir "$TEST_TMPDIR/odd"
echo "int x;" | clang-19 -shared -x c - -o "$TEST_TMPDIR/odd/libbench_odd.so"
bench/db_bench --peers="$TEST_TMPDIR/odd" --keys=1000 --rounds=1 \
  --workloads=fillseq --dir="$TEST_TMPDIR/db" 2>&1 | tee "$log"
grep -q "libbench_odd.so: not an adapter" "$log"
echo PASS
