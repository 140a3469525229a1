#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# run.sh DIR TARGET...: replays each target's corpus, then (FUZZ_SECONDS > 0) fuzzes two targets at a time for that long. A
# crash leaves its input in DIR and fails the run; add it to the corpus once it is mended.
dir=$1
shift
cd "$(dirname "$0")/../.." || exit 1
seconds=${FUZZ_SECONDS:-10}
export UBSAN_OPTIONS=print_stacktrace=1

one() {
    local name=$1 corpus=tests/fuzz/corpus/$1 work log
    work=$(mktemp -d) log=$dir/fuzz_$1.log
    # DPDK frees nothing of its start-up, so leaks are looked for where it is not in play.
    export ASAN_OPTIONS=detect_leaks=$([ "$name" = frame ] && echo 0 || echo 1)
    if ! "$dir/fuzz_$name" -runs=0 "$corpus" >"$log" 2>&1; then
        tail -40 "$log"; echo "FAIL  fuzz $name: corpus"; rm -rf "$work"; return 1
    fi
    if [ "$seconds" -gt 0 ] && ! "$dir/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
        -artifact_prefix="$dir/" -print_final_stats=1 "$work" "$corpus" >>"$log" 2>&1; then
        tail -40 "$log"; echo "FAIL  fuzz $name"; rm -rf "$work"; return 1
    fi
    rm -rf "$work"
    echo "ok    fuzz $name: corpus of $(ls "$corpus" | wc -l)$(sed -n 's/^stat::number_of_executed_units: */, inputs tried: /p' "$log")"
}

fails=0 running=()
for name in "$@"; do
    one "$name" & running+=($!)
    if [ ${#running[@]} -ge 2 ]; then
        wait "${running[0]}" || fails=$((fails + 1)); running=("${running[@]:1}")
    fi
done
for pid in "${running[@]}"; do wait "$pid" || fails=$((fails + 1)); done
[ "$fails" = 0 ]
