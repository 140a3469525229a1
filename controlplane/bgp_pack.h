/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Packing routes into as few UPDATEs as possible (RFC 4271 section 4.3, RFC 4760): all routes that share a
 * set of attributes go into one MP_REACH_NLRI until the message is full, withdrawals into MP_UNREACH_NLRI.
 * These come first in the message (RFC 7606 section 5.1). The shell decides what goes together:
 *
 *     bgp_pack_reach(&p, msg, max, &attrs, &rules);
 *     while (more && bgp_pack_add(&p, route)) next;
 *     n = bgp_pack_end(&p);       send n bytes, begin again with the route that did not fit
 *
 * struct bgp_pack holds some KB of encoded attributes: keep one. Pure, no allocation, any thread.
 */
#ifndef CONTROLPLANE_BGP_PACK_H
#define CONTROLPLANE_BGP_PACK_H

#include "controlplane/bgp_attr.h"
#include "controlplane/evpn.h"

struct bgp_pack {
    struct buf_out out;
    size_t attrs_hole; /* total length of the attributes */
    size_t mp_hole;    /* length of MP_REACH_NLRI or MP_UNREACH_NLRI */
    size_t tail_len;   /* attributes that follow it */
    uint32_t n;        /* routes in this message */
    uint8_t tail[BGP_ATTRS_MAX];
};

/* Begins an announcement in `msg`, at most `max` bytes (BGP_MSG_MAX, BGP_MSG_EXT_MAX). The next hop is
 * a->next_hop (R2.5). 0; -EINVAL without a next hop; -EMSGSIZE when the attributes leave no room for one
 * route. */
int bgp_pack_reach(struct bgp_pack *p, uint8_t *msg, size_t max, const struct bgp_attrs *a,
                   const struct bgp_rules *rules);
/* Begins a withdrawal. 0, or -EMSGSIZE when there is no room for a route. */
int bgp_pack_unreach(struct bgp_pack *p, uint8_t *msg, size_t max);
/* False: the message is full (or the route cannot be encoded, which p->n == 0 tells), and the route not in
 * it. */
bool bgp_pack_add(struct bgp_pack *p, const struct evpn_nlri *route);
/* Ends the message and returns its length; 0 when it has no route, and so must not be sent. */
size_t bgp_pack_end(struct bgp_pack *p);

/* R2.7: End-of-RIB, an empty MP_UNREACH_NLRI (RFC 4724 section 2). Length, or -ENOSPC. */
int bgp_end_of_rib_encode(struct bgp_family f, uint8_t *msg, size_t size);

#endif
