/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * Puts a frame back as it was, so that BPF_PROG_TEST_RUN can repeat a program of the fast path, which changes
 * it: included behind the program's own source. Each frame gets the next MACs, in an order that jumps about
 * in the table. bench_nothing is the same without the program in it: to be subtracted.
 */
#ifndef TESTS_BENCH_FP_BENCH_BPF_H
#define TESTS_BENCH_FP_BENCH_BPF_H

#define FP_BENCH_SAVED 96

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, __u64[FP_BENCH_SAVED / 8]);
    __uint(max_entries, 1);
} bench_saved SEC(".maps");

/* Local MACs begin with 02, remote ones with 06; the number is in the last four bytes. */
const volatile struct {
    __u32 macs; /* of each kind */
    __u32 at;   /* where the MACs are in the frame */
    __u32 grow; /* bytes by which the program makes the frame longer at its head, modulo 2^32 */
    __u32 dst, src;
    __u32 words; /* of 8 bytes at the head that the program may change */
} bench = {};

__u32 bench_next;
__u64 bench_bad;

static __always_inline void bench_put_mac(void *p, __u32 kind, __u32 n)
{
    *(__u16 *)p = (__u16)kind;
    *(__u32 *)(p + 2) = bpf_htonl(n);
}

static __always_inline int bench_round(struct xdp_md *ctx, int real)
{
    __u32 zero = 0, n = bench_next++;
    __u64 *saved = bpf_map_lookup_elem(&bench_saved, &zero);
    void *data, *end;

    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    if (!saved || data + 64 > end)
        return XDP_ABORTED;
    /* as a multiplicative hash: every MAC comes, none near the one before */
    n = (__u32)(((__u64)(n * 2654435761u) * bench.macs) >> 32);
    for (__u32 i = 0; i < FP_BENCH_SAVED / 8; i++) {
        if (i >= bench.words || data + 8 * i + 8 > end)
            break;
        ((__u64 *)data)[i] = saved[i];
    }
    if (data + (bench.at & 127) + 12 > end)
        return XDP_ABORTED;
    bench_put_mac(data + (bench.at & 127), bench.dst, n);
    bench_put_mac(data + (bench.at & 127) + 6, bench.src, n);
    if (real) {
        if (on_frame(ctx) != XDP_REDIRECT)
            bench_bad++;
    } else if (bpf_xdp_adjust_head(ctx, -(int)bench.grow)) {
        bench_bad++;
    }
    return bpf_xdp_adjust_head(ctx, (int)bench.grow) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp.frags")
int bench_frames(struct xdp_md *ctx)
{
    return bench_round(ctx, 1);
}

SEC("xdp.frags")
int bench_nothing(struct xdp_md *ctx)
{
    return bench_round(ctx, 0);
}

#endif
