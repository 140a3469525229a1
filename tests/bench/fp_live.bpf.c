/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The generator of the end-to-end benchmark: the kernel runs this again and again on frames of its own
 * (BPF_PROG_TEST_RUN with live frames), and each goes out by an interface. The same page comes back, changed
 * by whoever forwarded it, so the frame's beginning is written each time; MACs are counted through.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define TEMPLATE 128 /* bytes that are written */

const volatile __u32 ifindex = 0;
const volatile __u32 macs_at = 0; /* where the frame with the MACs begins: 0, or behind the outer headers */
const volatile __u32 n_macs = 1;  /* a power of two */
const volatile __u64 template[TEMPLATE / 8] = {0};

__u64 sent = 0;

SEC("xdp")
int generate(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 n = (__u32)sent & (n_macs - 1), at = macs_at & 63;

#pragma unroll
    for (int i = 0; i < TEMPLATE / 8; i++) {
        if (data + 8 * i + 8 > end)
            break;
        *(__u64 *)(data + 8 * i) = template[i];
    }
    if (data + at + 12 <= end) {
        data[at + 4] = data[at + 10] = (__u8)(n >> 8);
        data[at + 5] = data[at + 11] = (__u8)n;
    }
    sent++;
    return (int)bpf_redirect(ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
