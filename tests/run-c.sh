#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs test programs, as many at a time as there are CPUs; prints one line for each, the output of those that failed, and at
# the end which these were.
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export out

one() {
    name=${1##*/tests/}
    log=$out/${name//\//_}
    if "$1" >"$log" 2>&1; then
        printf 'ok    %s  %s\n' "$name" "$(grep -E '^[0-9]+%: Checks' "$log" | tail -1)"
    else
        printf '%s\nFAIL  %s\n' "$(cat "$log")" "$name"
        echo "$name" >>"$out/failed"
    fi
}
export -f one
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'one "$1"' _
[ ! -e "$out/failed" ] || { echo "failed: $(tr '\n' ' ' <"$out/failed")"; exit 1; }
