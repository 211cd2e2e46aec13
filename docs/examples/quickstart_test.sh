#!/usr/bin/env bash
# The example of README.md: its text is quickstart.cc, and it does what it says,
# on a new database and on one that is there.
set -euo pipefail

shown="$(sed -n '/^```cpp$/,/^```$/p' README.md | sed '1d;$d')"
diff -u --label README.md --label docs/examples/quickstart.cc \
  <(printf '%s\n' "$shown") docs/examples/quickstart.cc

for round in new again; do
  docs/examples/quickstart "$TEST_TMPDIR/db" > "$TEST_TMPDIR/$round"
  diff -u "$TEST_TMPDIR/$round" - <<'EXPECTED'
city/bern: on the Aare
city/thun: on the lake
EXPECTED
done
