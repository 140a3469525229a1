/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
 *
 * Drops every frame: the end of a cable where frames are only to be counted, by the driver (ethtool -S).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int drop(struct xdp_md *ctx)
{
    (void)ctx;
    return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
