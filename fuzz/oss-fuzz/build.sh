#!/bin/bash
# Builds the fuzz targets for OSS-Fuzz. Reads the sources in $SRC (Dockerfile),
# compiles in $WORK, leaves in $OUT for each fuzz/ROOM/NAME_fuzz.cc
#
#   NAME_fuzz                    the program, linked with $LIB_FUZZING_ENGINE
#   NAME_fuzz_seed_corpus.zip    generated seeds and past findings
#   NAME_fuzz.dict, .options     where the room has them
#
# The compilers and flags come from outside: $CC $CFLAGS $CXX $CXXFLAGS. They
# decide sanitizer, engine and standard library, so that everything but the C
# library is compiled here from source, with them. Not by Bazel, which the
# builder's image has in another version; the sources are found by name instead
# of listed, so that there is no second list to keep.
#
# Can be run again. Tried without a container by `make oss-fuzz-check`.

set -eu

holdfast=$SRC/holdfast
jobs=$(nproc)
objects=$WORK/objects
libraries=$WORK/libraries
seeds=$WORK/seeds
plan=$WORK/plan
rm -rf "$objects" "$libraries" "$seeds" "$plan"
mkdir -p "$objects" "$libraries" "$seeds"

# --- What is compiled --------------------------------------------------------

# Adds the sources on stdin, relative to here, to the plan of a library. An
# object is named by the whole path: an archive would drop one of two that are
# called options.o.
plan_library() {  # name flags...
  local name=$1; shift
  mkdir -p "$objects/$name"
  awk -v folder="$objects/$name" -v here="$PWD" -v flags="$*" '{
    object = $0; gsub("/", "+", object)
    printf "%s/%s.o\t%s/%s\t%s\n", folder, object, here, $0, flags
  }' >> "$plan"
}

# From the sources on stdin, prints those that can go into an archive: no test,
# nothing that needs a test library, no program.
libraries_only() {
  grep -vE '_(test|test_.*|testing|benchmarks?|mock)\.cc$|/testing/' |
    xargs -r -d '\n' grep -LE \
      '^(TEST|int main)\(|^#include [<"](gtest|gmock|rapidcheck|benchmark)[/.]'
}

# For the headers on stdin, prints them, their sources, and the sources beside
# them that have no header of their own.
with_sources() {
  local header file
  while IFS= read -r header; do
    for file in "$header" "${header%.h}.cc"; do
      if [ -f "$file" ]; then echo "$file"; fi
    done
    for file in "${header%/*}"/*.cc; do
      if [ ! -f "${file%.cc}.h" ]; then echo "$file"; fi
    done
  done
}

# Prints the sources in a folder, and those of other folders that they use. All
# of kvd and chaos would take twice the time.
reached_from() {  # folder other...
  local folders new all=
  folders=$(tr ' ' '|' <<<"$*")
  new=$(find "$1" -name '*.cc' | libraries_only)
  while [ -n "$new" ]; do
    all=$all$'\n'$new
    new=$(xargs -d '\n' grep -hoE "^#include \"($folders)/[^\"]+\.h\"" <<<"$new" |
      cut -d '"' -f 2 | sort -u | with_sources | libraries_only | sort -u |
      grep -vxF "$all" || true)
  done
  grep '\.cc$' <<<"$all" | sort
}

absl=$SRC/abseil-cpp
zstd=$SRC/zstd/lib
lz4=$SRC/lz4/lib
# xxHash first: LZ4 has an old copy of it.
headers="-I$holdfast -I$holdfast/include -I$SRC/xxHash -I$zstd -I$lz4"
headers="$headers -isystem $absl -isystem $SRC/json/include -isystem $SRC/CLI11/include"
own="-std=c++20 $headers -DHOLDFAST_SANITIZER -DHOLDFAST_VERIFY"

cd "$holdfast"
find base engine env -name '*.cc' | sort | libraries_only |
  plan_library holdfast "$own" -fno-exceptions
reached_from fuzz kvd chaos | grep -v '_fuzz\.cc$' |
  plan_library holdfast "$own"
targets=$(find fuzz -mindepth 2 -maxdepth 2 -name '*_fuzz.cc' | sort)
plan_library programs "$own" <<<"$targets"
plan_library programs "$own" <<<fuzz/seeds/make_seeds.cc

# Flags and random numbers are not used.
cd "$absl"
find absl -name '*.cc' -not -path '*/flags/*' -not -path '*/random/*' | sort |
  libraries_only | plan_library absl -std=c++20 "-I$absl" -w
# LZ4 and Zstandard check no checksums in a build for fuzzing; ours do, since
# what the targets want to see is whether damage is found.
checked=-UFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
# Without its assembler code, which no sanitizer sees.
cd "$zstd"
find common compress decompress -name '*.c' | sort |
  plan_library zstd "$checked" "-I$zstd" -DZSTD_DISABLE_ASM -DXXH_NAMESPACE=ZSTD_ -w
cd "$lz4"
find . -maxdepth 1 -name '*.c' -not -name lz4file.c | sort |
  plan_library lz4 "$checked" "-I$lz4" -DXXH_NAMESPACE=LZ4_ -w
cd "$holdfast"

# --- Compile and link --------------------------------------------------------

# One line of the plan.
compile() {
  local object source flags
  IFS=$'\t' read -r object source flags <<<"$1"
  case $source in
    *.c) $CC $CFLAGS $flags -c "$source" -o "$object" ;;
    *) $CXX $CXXFLAGS $flags -c "$source" -o "$object" ;;
  esac
}
export -f compile
xargs -d '\n' -n 1 -P "$jobs" bash -euc 'compile "$1"' - < "$plan"

for name in holdfast absl zstd lz4; do
  find "$objects/$name" -name '*.o' | sort |
    xargs -d '\n' "${AR:-ar}" qcs "$libraries/lib$name.a"
done

export link_with="$libraries/libholdfast.a $libraries/libabsl.a
  $libraries/libzstd.a $libraries/liblz4.a -lpthread"
link() {  # source program engine
  $CXX $CXXFLAGS "$WORK/objects/programs/${1//\//+}.o" $3 $link_with \
    -o "$2"
}
export -f link

link fuzz/seeds/make_seeds.cc "$WORK/make_seeds" ""
xargs -d '\n' -n 1 -P "$jobs" bash -euc \
  'link "$1" "$OUT/$(basename "$1" .cc)" "$LIB_FUZZING_ENGINE"' - \
  <<<"$targets"

# --- Seeds, dictionaries, options --------------------------------------------

# A builder may not let the leak checker trace its own process.
ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" "$WORK/make_seeds" "$seeds"

for source in $targets; do
  room=$(dirname "$source")
  target=$(basename "$source" .cc)
  mkdir -p "$seeds/$target"
  for finding in "$room/corpus/$target"/*; do
    if [ -f "$finding" ]; then
      cp "$finding" "$seeds/$target/finding-$(basename "$finding")"
    fi
  done
  rm -f "$OUT/${target}_seed_corpus.zip"
  ( cd "$seeds/$target"
    find . -type f | sort | zip -q -X -@ "$OUT/${target}_seed_corpus.zip" )
  for kind in dict options; do
    if [ -f "$room/$target.$kind" ]; then
      cp "$room/$target.$kind" "$OUT/"
    fi
  done
done
