/* SPDX-License-Identifier: BSD-3-Clause
 *
 * MACs of the fast path, in the table that programs read (fp_table.h). What is in it when it is taken over is
 * believed as far as it makes sense. Control thread only.
 */
#include "ebpf/fastpath_private.h"

#include <errno.h>

static uint64_t key_of(dp_net_id net, struct mac mac)
{
    uint64_t key = (uint64_t)net << 48;

    for (unsigned i = 0; i < 6; i++)
        key |= (uint64_t)mac.b[i] << 8 * i;
    return key;
}

static struct mac mac_of(uint64_t key)
{
    struct mac mac;

    for (unsigned i = 0; i < 6; i++)
        mac.b[i] = (uint8_t)(key >> 8 * i);
    return mac;
}

static uint32_t where_of(struct dp_dest dest, bool slow)
{
    uint32_t where = FP_WHERE(dest.where, dest.target);

    if (dest.is_static)
        where |= FP_STATIC;
    if (dest.bounce)
        where |= FP_BOUNCE;
    if (slow || dest.watch || dest.where == DP_WHERE_FLOOD ||
        (dest.where == DP_WHERE_PORT && dest.target == DP_OWN_PORT))
        where |= FP_SLOW;
    return where;
}

/* ns 0: never. A program's clock may be a unit ahead of ours. */
static mono_t time_of(uint32_t seen, mono_t now)
{
    int32_t age = (int32_t)(FP_SEEN(now.ns) - seen);

    if (seen == 0)
        return (mono_t){0};
    if (age < 0)
        age = 0;
    return (mono_t){now.ns - ((uint64_t)age << FP_SEEN_SHIFT)};
}

int fastpath_fdb_set(struct fastpath *fp, dp_net_id net, struct mac mac, struct dp_dest dest, bool slow)
{
    return fp_table_set(&fp->maps.macs, key_of(net, mac), where_of(dest, slow), 0);
}

int fastpath_fdb_del(struct fastpath *fp, dp_net_id net, struct mac mac)
{
    return fp_table_del(&fp->maps.macs, key_of(net, mac)) ? 0 : -ENOENT;
}

bool fastpath_fdb_seen(const struct fastpath *fp, dp_net_id net, struct mac mac, mono_t *seen)
{
    const struct fp_fdb_entry *e = fp_table_find(&fp->maps.macs, key_of(net, mac));
    uint32_t units = e ? __atomic_load_n(&e->seen, __ATOMIC_RELAXED) : 0;

    if (units == 0)
        return false;
    *seen = time_of(units, mono_now());
    return true;
}

uint32_t fastpath_fdb_bounced(const struct fastpath *fp, dp_net_id net, struct mac mac)
{
    const struct fp_fdb_entry *e = fp_table_find(&fp->maps.macs, key_of(net, mac));

    return e ? (uint32_t)__atomic_load_n(fp_table_bounced(&fp->maps.macs, e), __ATOMIC_RELAXED) : 0;
}

void fastpath_fdb_usage(const struct fastpath *fp, uint32_t *used, uint32_t *capacity)
{
    *used = fp->maps.macs.used;
    *capacity = fp->max_macs;
}

/* ---- all of them
 * --------------------------------------------------------------------------------------------- */

static bool makes_sense(dp_net_id net, const struct dp_dest *dest)
{
    if (net == 0)
        return false;
    switch (dest->where) {
    case DP_WHERE_PORT:
        return dest->target < DP_MAX_PORTS;
    case DP_WHERE_VTEP:
        return dest->target > 0 && dest->target < DP_MAX_VTEPS;
    default:
        return dest->where == DP_WHERE_FLOOD;
    }
}

static bool read_entry(const struct fp_fdb_entry *e, mono_t now, struct fastpath_mac *out)
{
    *out = (struct fastpath_mac){
        .net = (dp_net_id)(e->key >> 48),
        .mac = mac_of(e->key),
        .dest = {.where = (enum dp_where)FP_KIND(e->where),
                 .target = FP_TARGET(e->where),
                 .is_static = e->where & FP_STATIC,
                 .bounce = e->where & FP_BOUNCE},
        .slow = e->where & FP_SLOW,
        .seen = time_of(__atomic_load_n(&e->seen, __ATOMIC_RELAXED), now),
    };
    return makes_sense(out->net, &out->dest);
}

size_t fastpath_fdb_next(const struct fastpath *fp, struct fastpath_cursor *cursor, struct fastpath_mac *out,
                         size_t n)
{
    const struct fp_fdb_entry *e;
    mono_t now = mono_now();
    size_t got = 0;

    while (got < n && (e = fp_table_next(&fp->maps.macs, &cursor->at)) != NULL)
        got += read_entry(e, now, &out[got]);
    return got;
}

void fastpath_flush(struct fastpath *fp)
{
    fp_table_clear(&fp->maps.macs);
}
