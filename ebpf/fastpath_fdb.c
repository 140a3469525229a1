/* SPDX-License-Identifier: BSD-3-Clause
 *
 * MACs in fp_fdb. Control thread only.
 *
 * Tricky: an update replaces the whole element in one step: a program sees the old one or the new one
 * (R4.10). What a program writes into the old one in that moment (a time, a bounced frame) is lost. And a
 * program that has looked one up may still read it for some nanoseconds after it was deleted, when it may be
 * another MAC's already: that one frame goes to a wrong place, but never out of its network, as a port must
 * be a member and a VTEP gets the network's VNI.
 */
#include "ebpf/fastpath_private.h"

#include "conf/log.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#define BATCH FASTPATH_FDB_BATCH

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
    uint32_t where = (uint32_t)dest.where << 16 | dest.target;

    if (dest.is_static)
        where |= FP_STATIC;
    if (dest.bounce)
        where |= FP_BOUNCE;
    if (slow || dest.watch || dest.where == DP_WHERE_FLOOD ||
        (dest.where == DP_WHERE_PORT && dest.target == DP_OWN_PORT))
        where |= FP_SLOW;
    return where;
}

static bool find(const struct fastpath *fp, uint64_t key, struct fp_fdb_value *out)
{
    return bpf_map_lookup_elem(fp->maps.fd[FASTPATH_FDB], &key, out) == 0;
}

int fastpath_fdb_set(struct fastpath *fp, dp_net_id net, struct mac mac, struct dp_dest dest, bool slow)
{
    uint64_t key = key_of(net, mac);
    struct fp_fdb_value v = {0};
    uint32_t where = where_of(dest, slow);
    bool there = find(fp, key, &v);

    if (there && v.where == where)
        return 0;
    if ((v.where & FP_PLACE_MASK) != (where & FP_PLACE_MASK))
        v.seen_ns = 0;
    v.where = where;
    if (bpf_map_update_elem(fp->maps.fd[FASTPATH_FDB], &key, &v, BPF_ANY))
        return errno == E2BIG ? -ENOSPC : -errno;
    fp->n_macs += !there;
    return 0;
}

int fastpath_fdb_del(struct fastpath *fp, dp_net_id net, struct mac mac)
{
    uint64_t key = key_of(net, mac);

    if (bpf_map_delete_elem(fp->maps.fd[FASTPATH_FDB], &key))
        return -errno;
    fp->n_macs--;
    return 0;
}

bool fastpath_fdb_seen(const struct fastpath *fp, dp_net_id net, struct mac mac, mono_t *seen)
{
    struct fp_fdb_value v;

    if (!find(fp, key_of(net, mac), &v) || v.seen_ns == 0)
        return false;
    seen->ns = v.seen_ns;
    return true;
}

uint32_t fastpath_fdb_bounced(const struct fastpath *fp, dp_net_id net, struct mac mac)
{
    struct fp_fdb_value v;

    return find(fp, key_of(net, mac), &v) ? v.bounced : 0;
}

void fastpath_fdb_usage(const struct fastpath *fp, uint32_t *used, uint32_t *capacity)
{
    *used = fp->n_macs;
    *capacity = fp->maps.max_macs;
}

/* ---- all of them
 * --------------------------------------------------------------------------------------------- */

/* The kernel goes through the table by hash buckets, whole ones: what is deleted on the way does not throw it
 * back. */
static int next_batch(const struct fastpath *fp, struct fastpath_cursor *c, uint64_t *keys,
                      struct fp_fdb_value *values, uint32_t *n)
{
    int rc = bpf_map_lookup_batch(fp->maps.fd[FASTPATH_FDB], c->started ? &c->bucket : NULL, &c->bucket, keys,
                                  values, n, NULL)
                 ? -errno
                 : 0;

    c->started = true;
    c->done = rc != 0;
    if (rc < 0 && rc != -ENOENT)
        *n = 0;
    return rc == -ENOENT ? 0 : rc;
}

size_t fastpath_fdb_next(struct fastpath *fp, struct fastpath_cursor *cursor, struct fastpath_mac *out,
                         size_t n)
{
    uint32_t got = n > BATCH ? BATCH : (uint32_t)n;
    struct fp_fdb_value values[BATCH];
    uint64_t keys[BATCH];
    int rc;

    if (cursor->done)
        return 0;
    rc = next_batch(fp, cursor, keys, values, &got);
    if (rc < 0)
        log_warning(FASTPATH_SUBSYSTEM, "MACs cannot be listed: %s", strerror(-rc));
    for (uint32_t i = 0; i < got; i++) {
        uint32_t where = values[i].where;

        out[i] = (struct fastpath_mac){
            .net = (dp_net_id)(keys[i] >> 48),
            .mac = mac_of(keys[i]),
            .dest = {.where = (enum dp_where)FP_KIND(where),
                     .target = FP_TARGET(where),
                     .is_static = where & FP_STATIC,
                     .bounce = where & FP_BOUNCE},
            .slow = where & FP_SLOW,
            .seen = {values[i].seen_ns},
        };
    }
    return got;
}

uint32_t fastpath_fdb_count(const struct fastpath *fp)
{
    struct fp_fdb_value values[BATCH];
    uint64_t keys[BATCH];
    struct fastpath_cursor c = {0};
    uint32_t sum = 0;

    while (!c.done) {
        uint32_t n = BATCH;

        if (next_batch(fp, &c, keys, values, &n) < 0)
            break;
        sum += n;
    }
    return sum;
}

void fastpath_flush(struct fastpath *fp)
{
    struct fp_fdb_value values[BATCH];
    uint64_t keys[BATCH];
    struct fastpath_cursor c = {0};

    while (!c.done) {
        uint32_t n = BATCH;

        if (next_batch(fp, &c, keys, values, &n) < 0)
            break;
        for (uint32_t i = 0; i < n; i++)
            (void)bpf_map_delete_elem(fp->maps.fd[FASTPATH_FDB], &keys[i]);
    }
    fp->n_macs = 0;
}
