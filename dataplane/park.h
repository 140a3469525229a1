/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames from an access port for a MAC that is not known yet, where unknown unicast does not cross the WAN
 * (R8.2): they wait a moment. When two hosts speak for the first time the question is flooded and answered
 * sooner than BGP has told where the asker is, and without this the answer would be lost: the first ping
 * would cost a second.
 *
 * A few frames, for a short time, whatever comes: a frame finds no place when all are taken (those that wait
 * longer are closer to their answer, and stay in order), or when its source has several already, so that a
 * host that asks for MACs at random does not take them all. Worker threads.
 */
#ifndef DATAPLANE_PARK_H
#define DATAPLANE_PARK_H

#include "dataplane/dp.h"

struct frame;
struct rte_mbuf;
struct snapshot;
struct worker;

#define PARK_MAX        64 /* of thousands of buffers that a port has */
#define PARK_PER_SOURCE 8
#define PARK_US         20000

struct parked {
    struct rte_mbuf *m;
    uint64_t src_key, dst_key;
    uint64_t until; /* cycles */
    dp_net_id net;
    uint16_t place, port; /* as in struct frame */
    bool copy;            /* the frame itself was flooded to the other access ports */
};

struct park {
    unsigned n;
    bool look;                      /* a source was seen since the last look */
    uint32_t additions;             /* fdb_additions() at the last look */
    struct parked frames[PARK_MAX]; /* oldest first */
};

/* Takes f->m, or with copy a copy of it, which is counted as a replica only when it leaves. False: no place,
 * and f->m is still the caller's. */
bool park_frame(struct worker *w, const struct frame *f, bool copy);
/* Once a round when something waits: sends what has become known, drops what has waited long enough,
 * or came by a port that was removed since (unknown_unicast). */
void park_serve(struct worker *w, const struct snapshot *s);
/* Frees what waits. */
void park_fini(struct park *p);

#endif
