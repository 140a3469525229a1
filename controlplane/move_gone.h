/* SPDX-License-Identifier: BSD-3-Clause
 *
 * MACs that went a moment ago. A site that only watches a move may hear the old gateway's withdrawal before
 * the new one's route: to the MAC table that is a MAC that goes and another one that is new, and yet it is a
 * move (R6.3). So it is remembered for a short while where such a MAC was; and for longer of those whose
 * access port went down, for the VM must be started elsewhere first.
 *
 * Bounded: a table of MOVE_GONES places, in which a new one takes the place of the oldest of a few. When
 * thousands go at once (a peer is lost) most of them are not remembered, and need not be. Pure; control
 * thread only.
 */
#ifndef CONTROLPLANE_MOVE_GONE_H
#define CONTROLPLANE_MOVE_GONE_H

#include "controlplane/mactable.h"

#define MOVE_GONES        8192
#define MOVE_GONE_NS      UINT64_C(2000000000)  /* a route was withdrawn */
#define MOVE_GONE_PORT_NS UINT64_C(60000000000) /* the port went down */

struct move_gones;

struct move_gone {
    dp_net_id net; /* 0: none */
    struct mac mac;
    struct mac_place from;
    mono_t at;
    mono_t last_seen; /* as in struct mac_moved */
};

/* NULL without memory. */
struct move_gones *move_gones_new(void);
void move_gones_free(struct move_gones *t);

/* It went from there now; replaces what is remembered of it. */
void move_gones_add(struct move_gones *t, const struct move_gone *gone);
/* NULL: it did not go lately. Valid until the next call. */
const struct move_gone *move_gones_find(const struct move_gones *t, dp_net_id net, struct mac mac,
                                        mono_t now);
void move_gones_drop(struct move_gones *t, dp_net_id net, struct mac mac);

#endif
