/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the kernel knows of the way to each VTEP, through libnl: route, next hop, its MAC, the path's MTU, and
 * our own interface's MAC, MTU and state. Follows route, neighbour, address and link events; each change is
 * reported within the same turn of the event loop. A next hop that is not resolved is asked for (NTF_USE),
 * again when it goes stale, so the kernel keeps probing it although it never sees our frames.
 *
 * Control thread only. Knows nothing of DPDK or of networks.
 */
#ifndef CONTROLPLANE_UNDERLAY_H
#define CONTROLPLANE_UNDERLAY_H

#include "conf/types.h"

struct event_base;
struct underlay;

enum underlay_state {
    UNDERLAY_RESOLVED,
    UNDERLAY_NO_ROUTE,     /* the kernel has no route to it */
    UNDERLAY_WRONG_PORT,   /* the route leaves by another interface */
    UNDERLAY_LOCAL,        /* the address is this machine's */
    UNDERLAY_NO_NEIGHBOUR, /* asked, no answer (yet) */
    UNDERLAY_LINK_DOWN,
};

struct underlay_hop {
    struct ipaddr vtep;
    enum underlay_state state;
    struct ipaddr next_hop;        /* family 0: no route */
    struct mac mac;                /* valid when RESOLVED */
    uint16_t mtu;                  /* IP MTU: the route's, else the interface's */
    char interface[IFACE_NAMELEN]; /* where the route leaves, "" without route */
};

struct underlay_link {
    int ifindex;
    bool up; /* admin up, carrier, and ready to send */
    struct mac mac;
    uint16_t mtu;
};

/* Called after each turn in which something changed: read underlay_hop() and underlay_link() again. */
typedef void (*underlay_changed_fn)(void *arg);

/* ifname: the interface or TAP that carries the underlay; source: our VTEP address. NULL with a sentence in
 * err. */
struct underlay *underlay_start(struct event_base *base, const char *ifname, const struct ipaddr *source,
                                underlay_changed_fn changed, void *arg, char *err, size_t err_len);
void underlay_stop(struct underlay *u);

/* Starts to follow the way to a VTEP; its state is known on return. 0, -EEXIST, -ENOMEM. */
int underlay_track(struct underlay *u, const struct ipaddr *vtep);
void underlay_untrack(struct underlay *u, const struct ipaddr *vtep);
/* NULL when not tracked. Valid until the next call or turn of the loop. */
const struct underlay_hop *underlay_hop(const struct underlay *u, const struct ipaddr *vtep);
const struct underlay_link *underlay_link(const struct underlay *u);
/* How often events of the kernel were lost, and everything was asked for again. */
uint64_t underlay_resyncs(const struct underlay *u);
/* R9.5: whether a VTEP in this state is lost; `was`: it is so far. Lost is what no frame can reach, whatever
 * it and its neighbours do. Who only does not answer (yet) is not lost; but who was is found by an answer
 * alone. */
bool underlay_is_lost(enum underlay_state state, bool was);
/* "no route", "waiting for the neighbour", ... */
const char *underlay_state_text(enum underlay_state state);

/* For a TAP of ours: set it up, give it address/prefix, MTU and routes. 0 or -errno with a sentence in err.
 */
struct conf_underlay;
int underlay_setup_tap(const struct conf_underlay *conf, char *err, size_t err_len);

#endif
