/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
#include "ebpf/fp_wan.bpf.c"

#include "tests/bench/fp_bench.bpf.h"
