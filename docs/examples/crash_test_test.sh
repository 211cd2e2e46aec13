#!/usr/bin/env bash
# The example of docs/crash_testing.md: its text is crash_test.cc, and the report
# that it prints is the one on the page, but for how long it took.
set -euo pipefail

page=docs/crash_testing.md
block() { sed -n "0,/^\`\`\`$1\$/d; /^\`\`\`\$/q; p" "$page"; }
without_times() { sed -E 's/ in [0-9.]+ s \([0-9]+\/s\)/ in T/'; }

diff -u --label "$page" --label docs/examples/crash_test.cc \
  <(block cpp) docs/examples/crash_test.cc

docs/examples/crash_test | sed '${/^$/d}' | without_times > "$TEST_TMPDIR/printed"
block console | sed 1d | without_times | diff -u --label "$page" - \
  --label printed "$TEST_TMPDIR/printed"
