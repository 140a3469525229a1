/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Builds the data plane's topology: what comes from the configuration once, what comes from the underlay
 * again at each change. Pure; control thread only.
 */
#ifndef CONTROLPLANE_GATEWAY_TOPOLOGY_H
#define CONTROLPLANE_GATEWAY_TOPOLOGY_H

#include "controlplane/gateway.h"

/* Of one network. */
struct topology_list {
    struct gateway_peer *peers;
    size_t n, size;
};

struct topology {
    struct dp_topology dp;       /* what fwd_publish() takes; points into the arrays below */
    struct dp_network *networks; /* in the order of struct gateway's */
    struct dp_vtep *vteps;
    struct dp_member *members;     /* of all networks, one after the other */
    struct dp_net_vtep *net_vteps; /* likewise, made anew by topology_update() */
    struct topology_list *lists;   /* by network id - 1 */
    size_t n_lists;
};

/* The distinct peers of all networks, sorted by address; ids are index + 1. 0, -ENOMEM, or -E2BIG: more than
 * the data plane holds. *out is the caller's (free()). */
int topology_collect_vteps(const struct conf *conf, struct gateway_vtep **out, unsigned *n);
/* 0: not one of them. */
dp_vtep_id topology_find_vtep(const struct gateway_vtep *vteps, unsigned n, const struct ipaddr *address);

/* From g's configuration, ports, networks and VTEPs; no VTEP is resolved yet. Has room for ids up to
 * g->max_networks and g->max_vteps. 0 or -ENOMEM. */
int topology_init(struct topology *t, const struct gateway *g, dp_port_id underlay_port);
/* They are others now. The flood lists keep what BGP put there; those of ids that no network has are empty.
 * 0, or -ENOMEM with nothing changed. */
int topology_configure(struct topology *t, const struct gateway *g);
/* R8.1: BGP puts a VTEP on a network's flood list, or takes it off. 1; 0: it was so already; -ENOMEM, -EINVAL
 * (no such network). */
int topology_flood(struct topology *t, dp_net_id net, dp_vtep_id vtep, bool on);
/* A VTEP that was on a network's list before a restart stays on it until topology_keep_none(). 0; -ENOMEM,
 * -EINVAL. */
int topology_keep(struct topology *t, dp_net_id net, dp_vtep_id vtep);
void topology_keep_none(struct topology *t);
/* hops: one for each of g->vteps in their order; NULL: not known. 0 or -ENOMEM. */
int topology_update(struct topology *t, const struct gateway *g, const struct underlay_link *link,
                    const struct underlay_hop *const *hops);
void topology_free(struct topology *t);

#endif
