#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The end-to-end tests, three modules side by side. What fails then is run once more with the machine to itself: it says so, and
# only a second failure counts. (Two cores carry gateways, hosts, relays and FRR at once; a starved ping is no fault of ours.)
# The fast path is on where it can be had. Then those about frames once more without it, on the ports that had it;
# CAUSEWAY_FASTPATH=off (or on) runs everything so.
cd "$(dirname "$0")/../.." || exit 1

tests() { # cache, argument of pytest...
    local pytest=(/usr/bin/python3 -m pytest -q -o cache_dir="${CAUSEWAY_BUILD:-build}/$1") status
    shift
    "${pytest[@]}" -n 3 --dist loadfile --durations=12 "$@"
    status=$?
    [ $status = 1 ] || return $status
    printf '\ne2e: the tests that failed, once more and alone\n'
    "${pytest[@]}" -p no:xdist --lf --lfnf=none -v "$@" || return 1
    echo "e2e: these passed only when they were run again (see above)"
}

tests pytest_cache tests/e2e "$@" || exit
[ $# = 0 ] && [ -z "$CAUSEWAY_FASTPATH" ] || exit 0
printf '\ne2e: without the fast path\n'
export CAUSEWAY_FASTPATH=off
tests pytest_cache_off -k "interface and not af_packet" tests/e2e/test_{frames,counters,two_gateways,flooding,bad_frames}.py
