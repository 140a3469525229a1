/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See port_slots.h. Control thread only.
 */
#include "dataplane/port_slots.h"

#include <errno.h>

static bool is_fresh(const struct port_slots *s, unsigned id)
{
    return !s->at[id].used && !s->at[id].named;
}

static bool has_rested(const struct port_slots *s, unsigned id, mono_t now)
{
    return !s->at[id].used && now.ns - s->at[id].freed.ns >= PORT_SLOTS_REST_NS;
}

int port_slots_next(const struct port_slots *s, unsigned wish, mono_t now)
{
    if (wish > 0 && wish <= DP_OWN_PORT && (is_fresh(s, wish - 1) || has_rested(s, wish - 1, now)))
        return (int)wish - 1;
    for (unsigned id = 0; id < DP_OWN_PORT; id++)
        if (is_fresh(s, id))
            return (int)id;
    for (unsigned id = 0; id < DP_OWN_PORT; id++)
        if (has_rested(s, id, now))
            return (int)id;
    return -ENOSPC;
}

void port_slots_take(struct port_slots *s, dp_port_id id)
{
    s->at[id].used = true;
    if (id >= s->n)
        s->n = id + 1u;
}

void port_slots_name(struct port_slots *s, dp_port_id id)
{
    s->at[id].named = true;
}

void port_slots_give_back(struct port_slots *s, dp_port_id id, mono_t now)
{
    s->at[id].used = false;
    s->at[id].freed = now;
}

bool port_slots_used(const struct port_slots *s, dp_port_id id)
{
    return id < DP_OWN_PORT && s->at[id].used;
}
