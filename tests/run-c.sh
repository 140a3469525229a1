#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs test programs, one more at a time than there are CPUs (some only wait); prints one line with its time for each, and the
# output of those that failed. These are run once more, alone, and only a second failure counts: some wait for the kernel and
# share the CPUs with others.
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export out

one() {
    name=${1##*/tests/}
    log=$out/${name//\//_}
    local start=$SECONDS
    if "$1" >"$log" 2>&1; then
        printf 'ok    %s  %s  %d s\n' "$name" "$(grep -E '^[0-9]+%: Checks' "$log" | tail -1)" $((SECONDS - start))
    else
        printf '%s\nfail  %s\n' "$(cat "$log")" "$name"
        echo "$1" >>"$out/failed"
    fi
}
export -f one
printf '%s\0' "$@" | xargs -0 -n 1 -P $(($(nproc) + 1)) bash -c 'one "$1"' _
[ -e "$out/failed" ] || exit 0
status=0
while read -r program; do
    if "$program" </dev/null; then echo "ok    ${program##*/tests/}, but only when it was run again"; else
        echo "FAIL  ${program##*/tests/}"; status=1
    fi
done <"$out/failed"
exit $status
