#!/bin/bash
# Runs test programs one after the other; prints the output of each and says at the end which failed.
failed=()
for t in "$@"; do
    name=${t##*/tests/}
    if out=$("$t" 2>&1); then
        printf 'ok    %s  %s\n' "$name" "$(grep -E '^[0-9]+%: Checks' <<<"$out" | tail -1)"
    else
        printf '%s\nFAIL  %s\n' "$out" "$name"
        failed+=("$name")
    fi
done
[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[*]}"; exit 1; }
