/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The frame that asks one host whether it still has an IP (R7.3, R7.5). Pure.
 *
 * IPv4: an ARP request with sender IP 0.0.0.0, so that no host learns anything from it. IPv6: a neighbour
 * solicitation from the link-local address of our MAC, with our MAC in it, to the IP itself: hosts answer
 * that by unicast to us (RFC 4861 section 7.2.4, RFC 9161 section 3.5). One from :: would be a probe for
 * duplicates: it must go to a multicast group, and is answered to all nodes, over the WAN as well.
 *
 * Both go to the owner's MAC alone, and the answer comes to ours: no other host is disturbed.
 */
#ifndef CONTROLPLANE_NEIGHBOR_PROBE_H
#define CONTROLPLANE_NEIGHBOR_PROBE_H

#include "conf/types.h"

#define NEIGHBOR_PROBE_MAX 86

/* Writes the frame, without VLAN tag and FCS, and returns its length; 0: not such an address. */
size_t neighbor_probe_frame(struct mac own, struct mac owner, const struct ipaddr *ip,
                            uint8_t frame[NEIGHBOR_PROBE_MAX]);

#endif
