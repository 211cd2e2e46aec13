#!/usr/bin/env bash
# bench/baseline builds both sides alike, profile or not, with the engine of
# the revision and the benchmark of today. What stands for Bazel here notes how
# it was called, and "builds" the version that lies in the tree.

set -euo pipefail

tree="$TEST_TMPDIR/tree"
mkdir -p "$tree/bench" "$tree/tools" "$TEST_TMPDIR/home"
export HOME="$TEST_TMPDIR/home" HOLDFAST_CACHE="$TEST_TMPDIR/cache"
cp -L bench/baseline "$tree/bench/baseline"
cp -L Makefile "$tree/Makefile"
cd "$tree"

fail() { echo "FAIL: $*" >&2; exit 1; }

cat >"$TEST_TMPDIR/bazel" <<'BAZEL'
#!/usr/bin/env bash
echo "$*" >>"$CALLS"
[[ "$1" == build ]] || exit 0
mkdir -p bazel-bin/bench
cat engine.txt bench/engine.h .bazelrc >bazel-bin/bench/adapter.so
BAZEL
chmod +x "$TEST_TMPDIR/bazel"
export BAZEL="$TEST_TMPDIR/bazel" CALLS="$TEST_TMPDIR/calls"

commit() { git add -A; git -c user.name=t -c user.email=t@t commit -qm "$1"; }

git init -q .
printf '#!/bin/sh\n' >tools/setup
chmod +x tools/setup
echo "build:release of old" >.bazelrc
echo "old engine" >engine.txt
echo "old interface" >bench/engine.h
commit old
printf 'build:release of new\nbuild:profile of new\n' >.bazelrc
echo "new engine" >engine.txt
echo "new interface" >bench/engine.h
commit new

bench/baseline HEAD~1 out >/dev/null
[[ "$(sort -u "$CALLS")" == \
  "build --config=release //bench:adapter.so"$'\n'"shutdown" ]] ||
  fail "calls: $(cat "$CALLS")"
grep -q "new engine" out/holdfast.so || fail "holdfast.so is not this tree's"
grep -q "old engine" out/baseline.so || fail "baseline.so is not the old one"
grep -q "new interface" out/baseline.so || fail "an old benchmark was built"
grep -q "release of old" out/baseline.so || fail "the old flags are gone"

# With a profile both have it, also a revision that knew of none.
rm "$CALLS"
PROFILE_FLAGS="--config=profile --copt=-fprofile-use=/p" \
  bench/baseline HEAD~1 out >/dev/null
(( $(grep -c . "$CALLS") == 3 )) || fail "calls: $(cat "$CALLS")"
(( $(grep -cx "build --config=release --config=profile\
 --copt=-fprofile-use=/p //bench:adapter.so" "$CALLS") == 2 )) ||
  fail "the profile is not in both: $(cat "$CALLS")"
grep -q "profile of new" out/baseline.so || fail "the old tree has no profile"

# And make hands it on.
touch some.profdata
make -n bench-build BASELINE=HEAD~1 PROFILE=some.profdata |
  grep -q "PROFILE_FLAGS=\"--config=profile --copt=-fprofile-use=$PWD/some.\
profdata\" bench/baseline HEAD~1 out/bench" || fail "make keeps the profile"

# Errors say what is wrong.
! bench/baseline nowhere out 2>"$TEST_TMPDIR/error" || fail "took nowhere"
grep -q "there is no revision nowhere" "$TEST_TMPDIR/error"
! bench/baseline 2>"$TEST_TMPDIR/error" || fail "took nothing"
grep -q "usage: bench/baseline REVISION OUT" "$TEST_TMPDIR/error"
bench/baseline --help | grep -q "^PROFILE_FLAGS " || fail "no help"
echo PASS
