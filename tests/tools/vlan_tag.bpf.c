/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
 *
 * A test host's VLAN tag, for kernels without 802.1Q devices: on clsact egress every frame gets the host's
 * tag, on ingress frames with that tag lose it and all others are dropped. VLAN 0 is an untagged host, which
 * takes only untagged frames.
 *
 * iproute2 cannot set variables of an object, so the loader (tests/e2e/lab.py) writes the VLAN into a copy of
 * the object file, right behind the mark. The tag stays in skb metadata when the interface has
 * tx-vlan-offload: switch that off, or XDP at the other end does not see it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_MASK 0x0fff

struct tag_config {
    char mark[8];
    __u32 vlan;
};

const volatile struct tag_config tag_config = {{'C', 'W', 'V', 'L', 'A', 'N', 'I', 'D'}, 0};

SEC("egress")
int vlan_push(struct __sk_buff *skb)
{
    __u32 vlan = tag_config.vlan;

    if (vlan == 0)
        return TC_ACT_OK;
    return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan) == 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("ingress")
int vlan_pop(struct __sk_buff *skb)
{
    __u32 vlan = tag_config.vlan;

    if (vlan == 0)
        return skb->vlan_present ? TC_ACT_SHOT : TC_ACT_OK;
    if (!skb->vlan_present || (skb->vlan_tci & VLAN_MASK) != vlan)
        return TC_ACT_SHOT;
    return bpf_skb_vlan_pop(skb) == 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
