/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See move_gone.h. Sets of a few places each, by hash: no list, no timer. What is too old is not found, and
 * is overwritten some day.
 */
#include "controlplane/move_gone.h"

#include "controlplane/mac_hash.h"

#include <stdlib.h>
#include <sys/random.h>

#define WAYS 4
#define SETS (MOVE_GONES / WAYS)

struct move_gones {
    uint64_t key[2];
    mono_t last; /* until then one may be found */
    struct move_gone sets[SETS][WAYS];
};

struct move_gones *move_gones_new(void)
{
    struct move_gones *t = calloc(1, sizeof(*t));

    if (t && getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key)) {
        free(t);
        return NULL;
    }
    return t;
}

void move_gones_free(struct move_gones *t)
{
    free(t);
}

static uint64_t until(const struct move_gone *g)
{
    return g->at.ns + (g->from.where == DP_WHERE_PORT ? MOVE_GONE_PORT_NS : MOVE_GONE_NS);
}

static const struct move_gone *find(const struct move_gones *t, dp_net_id net, struct mac mac)
{
    const struct move_gone *set = t->sets[mac_hash(t->key, net, mac) % SETS];

    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].net == net && mac_eq(set[i].mac, mac))
            return &set[i];
    return NULL;
}

void move_gones_add(struct move_gones *t, const struct move_gone *gone)
{
    struct move_gone *set = t->sets[mac_hash(t->key, gone->net, gone->mac) % SETS], *to = set;

    move_gones_drop(t, gone->net, gone->mac);
    for (unsigned i = 1; i < WAYS; i++)
        if (set[i].at.ns < to->at.ns)
            to = &set[i];
    *to = *gone;
    if (until(gone) > t->last.ns)
        t->last.ns = until(gone);
}

const struct move_gone *move_gones_find(const struct move_gones *t, dp_net_id net, struct mac mac, mono_t now)
{
    const struct move_gone *g = now.ns < t->last.ns ? find(t, net, mac) : NULL;

    return g && now.ns < until(g) ? g : NULL;
}

void move_gones_drop(struct move_gones *t, dp_net_id net, struct mac mac)
{
    const struct move_gone *g = find(t, net, mac);

    if (g)
        *(struct move_gone *)g = (struct move_gone){0};
}
