/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames of the gateway itself: those that the control plane sends (announcements, probes, messages between
 * gateways), and those that are for it. Three bounded rings with one producer and one consumer each: orders
 * down, each with its packet buffer, and frames up, as values. The worker takes orders once a round, so they
 * wait no longer than it sleeps; it answers nothing by itself.
 *
 * What other gateways send has a ring of its own, which is emptied first: whatever hosts send to a MAC of the
 * gateway, it crowds out no message between gateways. And hosts have a limit per port.
 *
 * Each worker has such rings, for its frames up; orders go to the first worker alone.
 */
#ifndef DATAPLANE_OWN_H
#define DATAPLANE_OWN_H

#include "dataplane/dp.h"
#include "dataplane/storm.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

struct frame;
struct snapshot;
struct worker;

#define OWN_DOWN_RING 1024
#define OWN_UP_RING   512
#define OWN_OAM_RING  256
#define OWN_LIMIT     5000 /* frames/s from one port; a rehearsal brings some 2,000 */

enum own_kind {
    OWN_TO_PORT,  /* target: access port, or DP_ALL_PORTS */
    OWN_TO_VTEP,  /* target: VTEP */
    OWN_FROM_OWN, /* as a host on DP_OWN_PORT */
};

struct own_order {
    struct rte_mbuf *m;
    uint16_t kind;
    dp_net_id net;
    uint16_t target;
    dp_port_id except; /* DP_ALL_PORTS: not this one; DP_NO_PORT: all */
};

struct own {
    struct rte_ring *down; /* of struct own_order */
    struct rte_ring *up;   /* of struct dp_own_frame, from hosts */
    struct rte_ring *oam;  /* the same, from other gateways */
};

/* 0 or -ENOMEM. id: tells this one's rings from others'. */
int own_init(struct own *o, const void *id);
/* Also of one that is all zero, or half made. */
void own_fini(struct own *o);

/* ---- control thread ---- */

/* Copies the frame into buffers of the pool, pads it, and queues the order (order.m is set here). 0, -EINVAL
 * (too short, longer than `longest`), -ENOBUFS. */
int own_send(struct own *o, struct rte_mempool *pool, uint16_t longest, struct own_order order,
             const void *frame, size_t len);
/* The next frame for us; false: none. */
bool own_pop(struct own *o, struct dp_own_frame *out);
/* The same, of those from other gateways. */
bool own_pop_oam(struct own *o, struct dp_own_frame *out);

/* ---- worker ---- */

static inline bool own_waiting(const struct own *o)
{
    return !rte_ring_empty(o->down);
}

/* Sends what is ordered, up to a burst; returns how many. */
unsigned own_serve(struct worker *w, const struct snapshot *s);
/* A host's frame to the gateway itself: handed up, or dropped (own_limit, own_full). Takes m, which is f->m
 * or a copy. */
void own_punt(struct worker *w, const struct frame *f, struct rte_mbuf *m);
/* Another gateway's: handed up, or dropped (oam_full). */
void own_punt_oam(struct worker *w, const struct frame *f, struct rte_mbuf *m);

#endif
