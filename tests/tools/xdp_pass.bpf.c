/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
 *
 * Passes every frame to the kernel. A veth takes frames that XDP redirects to it only while its other end has
 * an XDP program (or GRO, which would merge what is to be seen as it was on the wire).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int pass(struct xdp_md *ctx)
{
    (void)ctx;
    return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
