#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Format, include arrows, static analysis, names in Python; and, as a report, the longest functions and files. Fails on the
# first four. Warnings are errors in every build, which `make lint` does first.
cd "$(dirname "$0")/.." || exit 1
fail=0
sources=$(find conf dataplane ebpf controlplane tests -name '*.[ch]' | sort)
[ -n "$sources" ] || { echo "lint: no sources found" >&2; exit 1; }

echo "lint: format"
clang-format --dry-run -Werror $sources || { echo "lint: run clang-format -i on these" >&2; fail=1; }

echo "lint: include arrows"
# folder: the folders it may include
arrows() {
    case $1 in
    conf) echo "conf" ;;
    dataplane) echo "dataplane conf" ;;
    ebpf) echo "ebpf conf" ;;
    controlplane) echo "controlplane dataplane ebpf conf" ;;
    tests) echo "tests controlplane dataplane ebpf conf" ;;
    esac
}
for f in $sources; do
    allowed=" $(arrows "${f%%/*}") "
    while read -r inc; do
        case $allowed in
        *" ${inc%%/*} "*) ;;
        *) echo "$f: includes \"$inc\": not along the arrows (allowed:$allowed)" >&2; fail=1 ;;
        esac
    done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$f")
done
# What a folder must not know, whatever the path of the header.
forbid() { # folder, pattern, what
    if grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<($2)" "$1"/*.[ch]; then
        echo "lint: $1/ must not know $3" >&2; fail=1
    fi
}
forbid conf 'rte_|netlink/|bpf/|event2/|linux/bpf' "DPDK, netlink, BPF or the event loop"
forbid dataplane 'libfyaml|netlink/|bpf/|event2/|sys/socket|cjson' "YAML, netlink, BPF or sockets"
forbid ebpf 'rte_|libfyaml|event2/|cjson' "DPDK, YAML or the event loop"
forbid controlplane 'rte_|libfyaml' "DPDK or YAML"

echo "lint: cppcheck"
# Without -Ibuild: the skeletons of the BPF programs, which are not ours to mend, took longer than all the rest.
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE -D__x86_64__ -I. -j "$(nproc)" \
    $(find conf dataplane controlplane ebpf -name '*.c' ! -name '*.bpf.c' | sort) || fail=1

echo "lint: python"
/usr/bin/python3 -m pyflakes tests/e2e/*.py tests/bench/*.py || fail=1

echo "lint: sizes (report)"
ctags --languages=C --kinds-C=f --fields=+ne -f - $(echo "$sources" | grep '\.[ch]$') 2>/dev/null | awk -F'\t' '
    { l = e = 0; for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) l = substr($i, 6); if ($i ~ /^end:/) e = substr($i, 5) }
      n = e - l + 1; all++; if (n < 20) small++; if (n >= 60) print "  function of " n " lines: " $1 " (" $2 ")" }
    END { printf "  %d functions, %d%% under 20 lines\n", all, 100 * small / all }'
wc -l $sources | sort -rn | awk '$2 != "total" && $1 > 500 { print "  file of " $1 " lines: " $2 }'
exit $fail
