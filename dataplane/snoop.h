/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which IP address a frame proves its sender to have (R3.6, R7.1): the sender of an ARP packet, the target of
 * a neighbour advertisement. Never a solicitation, never an address that no host can have, and only where the
 * frame's own source MAC says the same. Pure; reads nothing beyond what is there.
 */
#ifndef DATAPLANE_SNOOP_H
#define DATAPLANE_SNOOP_H

#include "conf/types.h"
#include "dataplane/inner.h"

/* A first glance for the frame path: worth a look? frame: at least 14 readable bytes. */
static inline bool snoop_maybe(const uint8_t *frame, uint32_t len)
{
    uint16_t type = inner_load16(frame + 12);

    return type == RTE_BE16(0x0806) ||
           (type == ETHERTYPE_IPV6_BE && len > 54 && frame[20] == 58 && frame[54] == 136);
}

/* frame: len readable bytes, at least 14, without VLAN tag. */
bool snoop_sender(const uint8_t *frame, uint32_t len, struct ipaddr *out);

#endif
