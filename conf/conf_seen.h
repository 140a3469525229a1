/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the checks have met so far: a hash set of (kind, scope, bytes) that finds doubles and resolves names
 * among thousands of networks in linear time. Inside conf/ only; any thread.
 */
#ifndef CONF_CONF_SEEN_H
#define CONF_CONF_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_seen_kind {
    CONF_SEEN_NETWORK, /* name */
    CONF_SEEN_PORT,    /* name of an access port */
    CONF_SEEN_VLAN,
    CONF_SEEN_VNI,
    CONF_SEEN_DEVICE,  /* scope: enum conf_port_kind */
    CONF_SEEN_CARRIED, /* name of a network; scope: index of the access port that lists it */
    CONF_SEEN_MTU,     /* scope: index of a network whose MTU is complained about already */
    CONF_SEEN_MAC,     /* scope: index of the network */
    CONF_SEEN_PEER,    /* address; scope: index of the network */
    CONF_SEEN_VTEP,    /* address, any network */
    CONF_SEEN_ROUTE,
    CONF_SEEN_BGP_PEER,   /* address */
    CONF_SEEN_BGP_NAME,   /* of a BGP peer */
    CONF_SEEN_BGP_SOURCE, /* address that sessions run from */
    CONF_SEEN_RD,
    CONF_SEEN_RT,        /* scope: index of the network, twice, and one more for export */
    CONF_SEEN_ROUTER,    /* address of a site gateway; scope: index of the network */
    CONF_SEEN_SITE,      /* name */
    CONF_SEEN_SITE_VTEP, /* address, any site */
};

struct conf_seen {
    struct conf_seen_slot *slots;
    size_t n_slots;
};

/* Room for n things in all; false without memory. */
bool conf_seen_init(struct conf_seen *s, size_t n);
void conf_seen_free(struct conf_seen *s);

/* Remembers bytes (kept by reference) together with item. Returns the item that was there first, or NULL. */
const void *conf_seen_add(struct conf_seen *s, enum conf_seen_kind kind, size_t scope, const void *bytes,
                          size_t len, const void *item);
const void *conf_seen_find(const struct conf_seen *s, enum conf_seen_kind kind, size_t scope,
                           const void *bytes, size_t len);

#endif
