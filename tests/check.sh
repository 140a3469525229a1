#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All tests, group by group; every group runs even when one before it failed. Ends with one line that counts them.
cd "$(dirname "$0")/.." || exit 1
passed=() failed=()
jobs=$(nproc)

group() { # name, command...
    local name=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if "$@"; then passed+=("$name"); else failed+=("$name"); fi
    printf '== %s: %d s\n' "$name" $((SECONDS - start))
}

[ "$(id -u)" = 0 ] || { echo "make check: root is needed (network namespaces, XDP): sudo make check" >&2; exit 1; }
group "build, warnings are errors" make --no-print-directory -j"$jobs" tests
[ ${#failed[@]} = 0 ] || { echo "0 passed, 1 failed"; exit 1; }
group "lint" make --no-print-directory lint
group "unit" make --no-print-directory unit
group "flow" make --no-print-directory flow
group "bpf" make --no-print-directory bpf
group "asan: unit and flow" make --no-print-directory -j"$jobs" asan
group "fuzz" make --no-print-directory -j"$jobs" fuzz
group "e2e" make --no-print-directory e2e

printf '\n'
for g in "${failed[@]}"; do echo "FAILED: $g"; done
echo "${#passed[@]} passed, ${#failed[@]} failed"
[ ${#failed[@]} = 0 ]
