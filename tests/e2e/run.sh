#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The end-to-end tests, two modules side by side. What fails then is run once more with the machine to itself: it says so, and
# only a second failure counts. (Two cores carry gateways, hosts, relays and FRR at once; a starved ping is no fault of ours.)
cd "$(dirname "$0")/../.." || exit 1
pytest=(/usr/bin/python3 -m pytest -q -o cache_dir="${CAUSEWAY_BUILD:-build}/pytest_cache")

"${pytest[@]}" -n 2 --dist loadfile tests/e2e "$@"
status=$?
[ $status = 1 ] || exit $status
printf '\ne2e: the tests that failed, once more and alone\n'
"${pytest[@]}" -p no:xdist --lf --lfnf=none -v tests/e2e "$@" || exit 1
echo "e2e: these passed only when they were run again (see above)"
