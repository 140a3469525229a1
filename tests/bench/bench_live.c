/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sends frames by an interface as fast as the kernel can make them, on the processor that this runs on
 * (fp_live.bpf.c): what receives them does its work there, too. Prints one line of JSON. Root.
 *
 *   bench_live IF SECONDS LENGTH MACS MACS_AT HEX      HEX: how the frame begins; the rest is zeroes
 */
#include "tests/bench/fp_live.skel.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#define MAX_FRAME 2048
#define AT_ONCE   65536 /* frames between two looks at the clock */
#define BATCH     64    /* as a driver's */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bench_live: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_frame(const char *hex, uint8_t *frame)
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < n && i < MAX_FRAME; i++) {
        unsigned byte;

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
            die("HEX");
        frame[i] = (uint8_t)byte;
    }
}

int main(int argc, char **argv)
{
    static uint8_t frame[MAX_FRAME];
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .repeat = AT_ONCE, .batch_size = BATCH,
                .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
    uint64_t begin, end, now;
    struct fp_live *s;

    if (argc != 7) {
        fprintf(stderr, "usage: bench_live IF SECONDS LENGTH MACS MACS_AT HEX\n");
        return 2;
    }
    read_frame(argv[6], frame);
    opts.data_size_in = (uint32_t)atoi(argv[3]);
    s = fp_live__open();
    if (!s)
        die("open");
    s->rodata->ifindex = if_nametoindex(argv[1]);
    s->rodata->n_macs = (uint32_t)atoi(argv[4]);
    s->rodata->macs_at = (uint32_t)atoi(argv[5]);
    memcpy((void *)s->rodata->template, frame, sizeof(s->rodata->template));
    if (s->rodata->ifindex == 0 || fp_live__load(s))
        die(argv[1]);
    begin = now = now_ns();
    end = begin + (uint64_t)(atof(argv[2]) * 1e9);
    while (now < end) {
        if (bpf_prog_test_run_opts(bpf_program__fd(s->progs.generate), &opts))
            die("live frames");
        now = now_ns();
    }
    printf("{\"sent\": %" PRIu64 ", \"ns\": %" PRIu64 "}\n", (uint64_t)s->bss->sent, now - begin);
    fp_live__destroy(s);
    return 0;
}
