/* SPDX-License-Identifier: BSD-3-Clause
 *
 * VXLAN (RFC 7348) on the wire: the outer header put in front of an inner frame, and the checks of what
 * arrives.
 *
 * Outgoing: one template per VTEP holds the whole outer header; per frame only lengths, traffic class, source
 * port, VNI and the checksum are filled in. Incoming: vxlan_parse() decides whether a packet is VXLAN for us
 * and sound; it reads nothing beyond what is there, whatever the headers say.
 *
 * Pure functions over mbufs; worker threads, templates built by the control thread.
 */
#ifndef DATAPLANE_VXLAN_H
#define DATAPLANE_VXLAN_H

#include "conf/vxlan_template.h"
#include "dataplane/dp.h"
#include "dataplane/inner.h"

#include <rte_mbuf.h>

/* Puts the outer header in front. dscp: 0..63 or DP_DSCP_INHERIT. 0, or -ENOBUFS without headroom. */
int vxlan_encapsulate(struct rte_mbuf *m, const struct vxlan_template *t, uint32_t vni, uint8_t dscp,
                      const struct inner_info *info);

/* Lowers the TTL of a packet that vxlan_encapsulate() has just made; never raises it. */
void vxlan_lower_ttl(struct rte_mbuf *m, uint8_t ttl);

/* What vxlan_parse() says besides an enum drop_reason. */
#define VXLAN_FOR_US   (-1)
#define VXLAN_NOT_OURS (-2)

struct vxlan_packet {
    struct ipaddr source;
    uint32_t vni;
    uint8_t tos; /* outer traffic class */
    uint8_t ttl;
    uint16_t inner_offset, inner_len;
};

/* VXLAN_FOR_US (then *out is filled), VXLAN_NOT_OURS (the kernel's business), or the enum drop_reason. The
 * source and the VNI are not checked here. */
int vxlan_parse(const struct rte_mbuf *m, const struct vxlan_local *local, struct vxlan_packet *out);

/* Carries the outer congestion mark into the inner packet (RFC 6040, R1.8), mending the IPv4 checksum. frame:
 * the inner frame, len readable bytes, at least 14. False: the packet must be dropped. */
bool vxlan_ecn_restore(uint8_t *frame, uint32_t len, uint8_t outer_tos);

#endif
