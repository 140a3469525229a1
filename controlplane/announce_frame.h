/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The frames of announcements, byte by byte (R6.3, R6.4). Each function writes one frame without VLAN tag,
 * padding and FCS, and returns its length. Pure; no state, any thread.
 *
 * Hosts and switches look at different parts: a switch at the Ethernet source, a host at the addresses inside
 * (RFC 826, RFC 4861 section 7.2.5). Where a MAC moved both must be the MAC's. Where a host shall learn its
 * new site's router (R6.4) only the inside is the router's, or its port at the switches would move to us.
 */
#ifndef CONTROLPLANE_ANNOUNCE_FRAME_H
#define CONTROLPLANE_ANNOUNCE_FRAME_H

#include "conf/conf.h"

#define ANNOUNCE_FRAME_MAX 86 /* an NA with its option */

/* Gratuitous ARP for an IPv4 address, as request (RFC 5227 section 3) or as reply, to all. */
size_t announce_frame_garp(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac mac, const struct ipaddr *ip,
                           bool reply);
/* Unsolicited neighbour advertisement for an IPv6 address, O=1, to ff02::1 (RFC 4861 section 7.2.6). router:
 * the host is one; without that flag its neighbours would take it off their default routers. */
size_t announce_frame_na(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac mac, const struct ipaddr *ip,
                         bool router);
/* "Which IP has this MAC?", to all, as hypervisors ask it (RFC 903): for switches only. */
size_t announce_frame_rarp(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac mac);
/* R6.4: to one host, from own: the router's IP is at the router's MAC. For IPv4 as request or reply, some
 * hosts heed only one of them; for IPv6 an NA in any case. */
size_t announce_frame_gateway(uint8_t out[ANNOUNCE_FRAME_MAX], struct mac own, struct mac host,
                              const struct conf_router *router, bool reply);

#endif
