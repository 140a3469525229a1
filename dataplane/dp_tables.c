/* SPDX-License-Identifier: BSD-3-Clause
 *
 * dp.h's tables: the writer's side of the FDB, of bi-cast and of the neighbours. Control thread only.
 */
#include "dataplane/dp_private.h"

#include <errno.h>

/* ---- FDB ---- */

static uint32_t where_of(struct dp_dest dest)
{
    return FDB_WHERE(dest.where, dest.target, dest.is_static) | (dest.bounce ? FDB_BOUNCE : 0) |
           (dest.watch ? FDB_WATCH : 0);
}

static struct dp_dest dest_of(uint32_t where)
{
    return (struct dp_dest){.where = (enum dp_where)fdb_kind(where),
                            .target = fdb_target(where),
                            .is_static = (where & FDB_STATIC) != 0,
                            .bounce = (where & FDB_BOUNCE) != 0,
                            .watch = (where & FDB_WATCH) != 0};
}

int dp_fdb_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    uint64_t key = fdb_key(net, mac.b);

    return fdb_set(&dp->fdb, key, where_of(dest) | bicast_mark(&dp->bicast, key), mono_now());
}

int dp_fdb_del(struct dp *dp, dp_net_id net, struct mac mac)
{
    return fdb_del(&dp->fdb, fdb_key(net, mac.b));
}

bool dp_fdb_get(const struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest *out)
{
    const struct fdb_value *v = fdb_find(&dp->fdb, fdb_key(net, mac.b));

    if (v)
        *out = dest_of(fdb_where(v));
    return v != NULL;
}

bool dp_fdb_seen(const struct dp *dp, dp_net_id net, struct mac mac, mono_t *seen)
{
    const struct fdb_value *v = fdb_find(&dp->fdb, fdb_key(net, mac.b));

    if (v)
        *seen = fdb_seen(v, mono_now());
    return v != NULL;
}

void dp_fdb_set_seen(struct dp *dp, dp_net_id net, struct mac mac, mono_t seen)
{
    struct fdb_value *v = fdb_find(&dp->fdb, fdb_key(net, mac.b));

    if (v)
        fdb_touch(v, fdb_ms(seen));
}

void dp_fdb_usage(const struct dp *dp, uint32_t *used, uint32_t *capacity)
{
    *used = dp->fdb.t.used;
    *capacity = dp->fdb.t.capacity;
}

/* ---- while a move is prepared ---- */

int dp_bicast_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest also)
{
    if (also.where != DP_WHERE_VTEP && also.where != DP_WHERE_FLOOD)
        return -EINVAL;
    return bicast_set(&dp->bicast, &dp->fdb, fdb_key(net, mac.b), FDB_WHERE(also.where, also.target, false));
}

int dp_bicast_del(struct dp *dp, dp_net_id net, struct mac mac)
{
    return bicast_del(&dp->bicast, &dp->fdb, fdb_key(net, mac.b));
}

bool dp_bicast_count(const struct dp *dp, dp_net_id net, struct mac mac, uint64_t *frames)
{
    return bicast_count(&dp->bicast, fdb_key(net, mac.b), frames);
}

/* ---- neighbours ---- */

int dp_neigh_set(struct dp *dp, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    return neigh_set(&dp->neigh, net, ip, (struct neigh_entry){.mac = mac, .flags = flags});
}

int dp_neigh_del(struct dp *dp, dp_net_id net, const struct ipaddr *ip)
{
    return neigh_del(&dp->neigh, net, ip);
}
