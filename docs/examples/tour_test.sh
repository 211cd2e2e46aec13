#!/usr/bin/env bash
# The tour of kvd in README.md: runs each line that begins with "$ " and wants
# the output that is shown under it, both channels together.
set -euo pipefail

mkdir "$TEST_TMPDIR/bin"
ln -s "$PWD/kvd/kvd" "$TEST_TMPDIR/bin/kvd"
export PATH="$TEST_TMPDIR/bin:$PATH"

# /tmp is everybody's, so the tour is taken elsewhere.
sed -n '/^```console$/,/^```$/p' README.md | sed '/^```/d' \
  > "$TEST_TMPDIR/shown"
grep -q '^\$ kvd verify' "$TEST_TMPDIR/shown"

while IFS= read -r line; do
  printf '%s\n' "$line"
  command="${line#'$ '}"
  # $(...) takes the newlines at the end, which a terminal is given by kvd.
  output="$(bash -c "${command//\/tmp\//$TEST_TMPDIR/}" 2>&1 </dev/null)"
  [[ -z "$output" ]] || printf '%s\n' "${output//$TEST_TMPDIR\//\/tmp\/}"
done < <(grep '^\$ ' "$TEST_TMPDIR/shown") > "$TEST_TMPDIR/found"
diff -u --label README.md --label kvd "$TEST_TMPDIR/shown" "$TEST_TMPDIR/found"
