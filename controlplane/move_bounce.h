/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which MACs are being bounced (R6.5), and until when: the list behind the FDB's `bounce` marks. All bounces
 * last equally long, so the one that began first ends first. Bounded: when it is full, the oldest must end
 * early. Knows how many share one of the data plane's counters (fwd_bounce_counter()). Pure; control thread
 * only.
 */
#ifndef CONTROLPLANE_MOVE_BOUNCE_H
#define CONTROLPLANE_MOVE_BOUNCE_H

#include "dataplane/dp.h"

#define MOVE_BOUNCES 65536

struct move_bounces;

struct move_bounce {
    dp_net_id net;
    struct mac mac;
};

/* NULL without memory. */
struct move_bounces *move_bounces_new(uint64_t lasts_ns);
void move_bounces_free(struct move_bounces *b);

/* Those that begin from now on. */
void move_bounces_set_time(struct move_bounces *b, uint64_t lasts_ns);

/* It begins now; one of this MAC that is under way begins again. counter: the MAC's. True: the list was full,
 * and *ended is over early. */
bool move_bounces_begin(struct move_bounces *b, dp_net_id net, struct mac mac, uint32_t counter, mono_t now,
                        struct move_bounce *ended);
/* It has another place now. Nothing when there is none. */
void move_bounces_drop(struct move_bounces *b, dp_net_id net, struct mac mac);
/* Takes one that is over; false: none is. */
bool move_bounces_over(struct move_bounces *b, mono_t now, struct move_bounce *out);
/* When the next one is over. */
bool move_bounces_next(const struct move_bounces *b, mono_t *at);
/* How many there are with that counter, and in all. */
unsigned move_bounces_with(const struct move_bounces *b, uint32_t counter);
unsigned move_bounces_count(const struct move_bounces *b);

#endif
