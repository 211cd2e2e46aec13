#!/usr/bin/env bash
# Concatenates the coverage files of all tests into one report.
set -euo pipefail
for arg in "$@"; do
  case "$arg" in
    --reports_file=*) reports="${arg#*=}" ;;
    --output_file=*) out="${arg#*=}" ;;
  esac
done
while IFS= read -r file; do
  [[ ! -f "$file" ]] || cat "$file"
done < "${reports:?}" > "${out:?}"
