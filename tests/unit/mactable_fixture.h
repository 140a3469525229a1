/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A MAC table with a fake FDB and fake routes of ours: flat lists of everything the table told them. Shared
 * by the tests of one table.
 */
#ifndef TESTS_UNIT_MACTABLE_FIXTURE_H
#define TESTS_UNIT_MACTABLE_FIXTURE_H

#include "controlplane/mactable.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FDB_MAX 4096
struct fdb_entry {
    dp_net_id net;
    struct mac mac;
    struct dp_dest dest;
    uint32_t seen_s;
};

struct our_route {
    dp_net_id net;
    struct mac mac;
    struct ipaddr ip; /* family 0: the MAC alone */
    uint32_t seq;
    bool sticky;
};

static struct fdb {
    struct fdb_entry e[FDB_MAX];
    unsigned n, capacity;
    unsigned programs, removes;
    unsigned alerts[MAC_ALERT_N];
    struct mac_alert_info last_alert;
    uint32_t now_s;
    struct our_route routes[FDB_MAX];
    unsigned n_routes;
    unsigned advertises, withdraws;
    struct mac_moved told[FDB_MAX]; /* the last word about each MAC that is there */
    unsigned n_told;
    struct mac_moved moved; /* the last one of all */
    unsigned moves;         /* those from a place to another one */
    uint32_t lost_seq;      /* of any MAC; 0: none */
} fdb;

static struct mactable *table;

static struct fdb_entry *fdb_find(dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < fdb.n; i++)
        if (fdb.e[i].net == net && mac_eq(fdb.e[i].mac, mac))
            return &fdb.e[i];
    return NULL;
}

static struct our_route *route_find(dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    static const struct ipaddr none;

    for (unsigned i = 0; i < fdb.n_routes; i++)
        if (fdb.routes[i].net == net && mac_eq(fdb.routes[i].mac, mac) &&
            ipaddr_eq(&fdb.routes[i].ip, ip ? ip : &none))
            return &fdb.routes[i];
    return NULL;
}

static int op_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    struct fdb_entry *e = fdb_find(net, mac);

    ck_assert_ptr_eq(arg, &fdb);
    fdb.programs++;
    if (!e && fdb.n >= fdb.capacity)
        return -ENOSPC;
    if (!e)
        e = &fdb.e[fdb.n++];
    *e = (struct fdb_entry){.net = net, .mac = mac, .dest = dest, .seen_s = fdb.now_s};
    return 0;
}

static void op_remove(void *arg, dp_net_id net, struct mac mac)
{
    struct fdb_entry *e = fdb_find(net, mac);

    ck_assert_ptr_eq(arg, &fdb);
    ck_assert_ptr_nonnull(e);
    fdb.removes++;
    *e = fdb.e[--fdb.n];
}

static bool op_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    struct fdb_entry *e = fdb_find(net, mac);

    ck_assert_ptr_eq(arg, &fdb);
    if (!e)
        return false;
    seen->ns = e->seen_s * UINT64_C(1000000000) + 999999999; /* as at() */
    return true;
}

/* R6.3: what is told goes on from what was told before, and the FDB and the entry say it already. */
static void op_moved(void *arg, const struct mac_moved *m)
{
    const struct mac_entry *entry = mactable_find(table, m->net, m->mac);
    struct fdb_entry *f = fdb_find(m->net, m->mac);
    unsigned i = 0;

    ck_assert_ptr_eq(arg, &fdb);
    while (i < fdb.n_told && (fdb.told[i].net != m->net || !mac_eq(fdb.told[i].mac, m->mac)))
        i++;
    ck_assert_int_eq(m->from.where != 0, i < fdb.n_told);
    ck_assert_int_eq(m->to.where != 0, f != NULL);
    ck_assert_int_eq(m->to.where != 0, entry != NULL);
    ck_assert(m->from.where != m->to.where || m->from.target != m->to.target);
    if (i < fdb.n_told) {
        ck_assert_uint_eq(m->from.where, fdb.told[i].to.where);
        /* Between the gateways of one segment it goes without a word (R4.4). */
        if (m->from.where == DP_WHERE_PORT)
            ck_assert_uint_eq(m->from.target, fdb.told[i].to.target);
    } else {
        fdb.n_told++;
    }
    if (f) {
        ck_assert_uint_eq(m->to.where, f->dest.where);
        ck_assert_uint_eq(m->to.target, f->dest.target);
        ck_assert_uint_eq(m->to.where, entry->where);
        ck_assert_uint_eq(m->to.target, entry->target);
        ck_assert_uint_eq(m->after, entry->origin);
        ck_assert_uint_eq(m->seq, mac_entry_seq(entry));
        fdb.told[i] = *m;
    } else {
        fdb.told[i] = fdb.told[--fdb.n_told];
    }
    fdb.moves += m->from.where && m->to.where;
    fdb.moved = *m;
}

static void op_alert(void *arg, const struct mac_alert_info *info)
{
    ck_assert_ptr_eq(arg, &fdb);
    fdb.alerts[info->what]++;
    fdb.last_alert = *info;
}

static void op_advertise(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, uint32_t seq,
                         bool sticky)
{
    struct our_route *r = route_find(net, mac, ip);

    ck_assert_ptr_eq(arg, &fdb);
    fdb.advertises++;
    if (!r)
        r = &fdb.routes[fdb.n_routes++];
    ck_assert_uint_lt(fdb.n_routes, FDB_MAX);
    *r = (struct our_route){.net = net, .mac = mac, .seq = seq, .sticky = sticky};
    if (ip)
        r->ip = *ip;
}

static void op_withdraw(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct our_route *r = route_find(net, mac, ip);

    ck_assert_ptr_eq(arg, &fdb);
    ck_assert_ptr_nonnull(r);
    fdb.withdraws++;
    *r = fdb.routes[--fdb.n_routes];
}

static bool op_lost_seq(void *arg, dp_net_id net, struct mac mac, uint32_t *seq)
{
    (void)net, (void)mac;
    ck_assert_ptr_eq(arg, &fdb);
    *seq = fdb.lost_seq;
    return fdb.lost_seq != 0;
}

static const struct mactable_ops ops = {.program = op_program,
                                        .remove = op_remove,
                                        .seen = op_seen,
                                        .moved = op_moved,
                                        .alert = op_alert,
                                        .advertise = op_advertise,
                                        .withdraw = op_withdraw,
                                        .lost_seq = op_lost_seq};

static mono_t at(uint32_t s)
{
    fdb.now_s = s;
    return (mono_t){(uint64_t)s * 1000000000 + 999999999};
}

static struct mac mac_n(unsigned n)
{
    return (struct mac){{0x02, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static void see(dp_net_id net, unsigned n, enum dp_where where, uint16_t target, uint32_t s)
{
    struct dp_event ev = {
        .type = DP_EVENT_SOURCE, .net = net, .mac = mac_n(n), .where = where, .target = target};

    mactable_source_seen(table, &ev, at(s));
}

static void renew(uint32_t max)
{
    mactable_free(table);
    memset(&fdb, 0, sizeof(fdb));
    fdb.capacity = FDB_MAX;
    table = mactable_new(max, &ops, &fdb);
    ck_assert_ptr_nonnull(table);
    for (dp_net_id n = 1; n <= 4; n++)
        mactable_set_network(table, n, 300, UINT32_MAX);
}

static void setup(void)
{
    renew(1024);
}

static void teardown(void)
{
    mactable_free(table);
    table = NULL;
}

/* An entry's routes are out when it is at one of our ports and not otherwise, with the MAC's sequence (R4.9);
 * returns how many. */
static unsigned check_routes_of(const struct mac_entry *e)
{
    struct mac_ip_info ips[MAC_MAX_IPS];
    unsigned n = mactable_ips(table, e->net, e->mac, ips, MAC_MAX_IPS), out = 0;
    bool here = e->where == DP_WHERE_PORT;

    for (unsigned i = 0; i <= n; i++) {
        const struct our_route *r = route_find(e->net, e->mac, i < n ? &ips[i].ip : NULL);

        ck_assert_int_eq(r != NULL, here && (i == n || ips[i].local));
        if (!r)
            continue;
        ck_assert_uint_eq(r->seq, e->seq);
        ck_assert_int_eq(r->sticky, e->sticky);
        out++;
    }
    ck_assert_int_eq(e->advertised, here);
    return out;
}

/* The FDB holds exactly the table's entries, our routes are those of the entries, the counts too, and a walk
 * sees each once. */
static void check_consistent(void)
{
    const struct mac_entry *e;
    uint32_t cursor = 0, n = 0, routes = 0;
    uint32_t net[8] = {0}, port[DP_MAX_PORTS] = {0}, vtep[16] = {0}, flood = 0, frozen = 0;

    while ((e = mactable_next(table, &cursor))) {
        struct fdb_entry *f = fdb_find(e->net, e->mac);

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(f->dest.where, e->where);
        ck_assert_uint_eq(f->dest.target, e->target);
        ck_assert_int_eq(f->dest.is_static, e->origin == MAC_STATIC);
        ck_assert_ptr_eq(mactable_find(table, e->net, e->mac), e);
        n++;
        net[e->net]++;
        if (e->where == DP_WHERE_PORT)
            port[e->target]++;
        else if (e->where == DP_WHERE_VTEP)
            vtep[e->target]++;
        else
            flood++;
        routes += check_routes_of(e);
        frozen += e->duplicate;
    }
    ck_assert_uint_eq(n, fdb.n);
    ck_assert_uint_eq(n, fdb.n_told);
    ck_assert_uint_eq(fdb.moves, mactable_stats(table).moves);
    ck_assert_uint_eq(routes, fdb.n_routes);
    ck_assert_uint_eq(frozen, mactable_stats(table).frozen);
    ck_assert_uint_eq(n, mactable_count(table));
    for (dp_net_id i = 0; i < 8; i++)
        ck_assert_uint_eq(mactable_count_network(table, i), net[i]);
    for (uint16_t i = 0; i < DP_MAX_PORTS; i++)
        ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, i), port[i]);
    for (uint16_t i = 1; i < 16; i++)
        ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, i), vtep[i]);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_FLOOD, 0), flood);
}

#endif
