#!/usr/bin/env bash
# Concatenates the coverage data of one test into one file.
set -euo pipefail
for arg in "$@"; do
  case "$arg" in
    --coverage_dir=*) dir="${arg#*=}" ;;
    --output_file=*) out="${arg#*=}" ;;
  esac
done
merged="$(mktemp)"
find "${dir:?}" -name '*.dat' -exec cat {} + > "$merged"
mv "$merged" "${out:?}"
