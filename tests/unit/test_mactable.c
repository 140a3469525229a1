/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The MAC table: each rule by its number, then random operations against a trivial model. The model's seed is
 * printed; MACTABLE_SEED=N repeats a run.
 */
#include "controlplane/mactable.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A fake FDB: a flat list, and everything the table told it. */
#define FDB_MAX 4096
struct fdb_entry {
    dp_net_id net;
    struct mac mac;
    struct dp_dest dest;
    uint32_t seen_s;
};

static struct fdb {
    struct fdb_entry e[FDB_MAX];
    unsigned n, capacity;
    unsigned programs, removes;
    unsigned alerts[3];
    dp_port_id alert_port;
    dp_net_id alert_net;
    uint32_t now_s;
} fdb;

static struct mactable *table;

static struct fdb_entry *fdb_find(dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < fdb.n; i++)
        if (fdb.e[i].net == net && mac_eq(fdb.e[i].mac, mac))
            return &fdb.e[i];
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

static bool op_seen(void *arg, dp_net_id net, struct mac mac, uint32_t *seen_s)
{
    struct fdb_entry *e = fdb_find(net, mac);

    ck_assert_ptr_eq(arg, &fdb);
    if (!e)
        return false;
    *seen_s = e->seen_s;
    return true;
}

static void op_alert(void *arg, enum mac_alert alert, dp_net_id net, dp_port_id port)
{
    ck_assert_ptr_eq(arg, &fdb);
    fdb.alerts[alert]++;
    fdb.alert_net = net;
    fdb.alert_port = port;
}

static const struct mactable_ops ops = {op_program, op_remove, op_seen, op_alert};

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
    struct dp_event ev = {DP_EVENT_SOURCE, net, mac_n(n), where, target};

    mactable_source_seen(table, &ev, at(s));
}

static void see_port(dp_net_id net, unsigned n, uint16_t port)
{
    see(net, n, DP_WHERE_PORT, port, 100);
}

static struct dp_dest dest(enum dp_where where, uint16_t target)
{
    return (struct dp_dest){.where = where, .target = target};
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

/* The FDB holds exactly the table's entries, the counts are those of the entries, and a walk sees each once.
 */
static void check_consistent(void)
{
    const struct mac_entry *e;
    uint32_t cursor = 0, n = 0;
    uint32_t net[8] = {0}, port[DP_MAX_PORTS] = {0}, vtep[16] = {0}, flood = 0;

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
    }
    ck_assert_uint_eq(n, fdb.n);
    ck_assert_uint_eq(n, mactable_count(table));
    for (dp_net_id i = 0; i < 8; i++)
        ck_assert_uint_eq(mactable_count_network(table, i), net[i]);
    for (uint16_t i = 0; i < DP_MAX_PORTS; i++)
        ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, i), port[i]);
    for (uint16_t i = 1; i < 16; i++)
        ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, i), vtep[i]);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_FLOOD, 0), flood);
}

START_TEST(test_learns_where_seen)
{
    const struct mac_entry *e;

    see(1, 1, DP_WHERE_PORT, 3, 50);
    see(1, 2, DP_WHERE_VTEP, 7, 51);
    e = mactable_find(table, 1, mac_n(1));
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->origin, MAC_LOCAL);
    ck_assert_uint_eq(e->target, 3);
    ck_assert_uint_eq(e->since.ns / 1000000000, 50);
    ck_assert_uint_eq(e->moves, 0);
    e = mactable_find(table, 1, mac_n(2));
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->origin, MAC_REMOTE);
    ck_assert_ptr_null(mactable_find(table, 2, mac_n(1)));
    check_consistent();
}
END_TEST

START_TEST(test_repeat_is_quiet)
{
    unsigned programs;

    see_port(1, 1, 3);
    programs = fdb.programs;
    for (int i = 0; i < 100; i++)
        see_port(1, 1, 3);
    ck_assert_uint_eq(fdb.programs, programs);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->moves, 0);
}
END_TEST

START_TEST(test_same_mac_in_two_networks)
{
    see_port(1, 1, 3);
    see_port(2, 1, 4);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 3);
    ck_assert_uint_eq(mactable_find(table, 2, mac_n(1))->target, 4);
    ck_assert_uint_eq(mactable_count(table), 2);
    check_consistent();
}
END_TEST

START_TEST(test_R4_10_move_is_one_store)
{
    const struct mac_entry *e;

    see(1, 1, DP_WHERE_PORT, 3, 50);
    see(1, 1, DP_WHERE_VTEP, 9, 60);
    ck_assert_uint_eq(fdb.programs, 2);
    ck_assert_uint_eq(fdb.removes, 0);
    e = mactable_find(table, 1, mac_n(1));
    ck_assert_uint_eq(e->origin, MAC_REMOTE);
    ck_assert_uint_eq(e->target, 9);
    ck_assert_uint_eq(e->since.ns / 1000000000, 60);
    ck_assert_uint_eq(e->moves, 1);
    see(1, 1, DP_WHERE_PORT, 4, 61);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_LOCAL);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->moves, 2);
    check_consistent();
}
END_TEST

START_TEST(test_hostile_events_are_ignored)
{
    struct dp_event ev = {DP_EVENT_SOURCE, 1, mac_n(1), DP_WHERE_PORT, DP_MAX_PORTS};

    mactable_source_seen(table, &ev, at(1));
    ev.target = 0;
    ev.where = DP_WHERE_VTEP;
    mactable_source_seen(table, &ev, at(1));
    ev.target = DP_MAX_VTEPS;
    mactable_source_seen(table, &ev, at(1));
    ev.where = DP_WHERE_FLOOD;
    mactable_source_seen(table, &ev, at(1));
    ev.where = DP_WHERE_PORT;
    ev.target = 1;
    ev.net = 0;
    mactable_source_seen(table, &ev, at(1));
    ev.net = 5; /* never set up */
    mactable_source_seen(table, &ev, at(1));
    ev.net = DP_MAX_NETWORKS + 1;
    mactable_source_seen(table, &ev, at(1));
    ev.net = 1;
    ev.mac = (struct mac){{0}};
    mactable_source_seen(table, &ev, at(1));
    ev.mac = (struct mac){{0x01, 0, 0x5e, 0, 0, 1}};
    mactable_source_seen(table, &ev, at(1));
    ck_assert_uint_eq(mactable_count(table), 0);
    ck_assert_uint_eq(fdb.programs, 0);
}
END_TEST

START_TEST(test_static_never_moves_or_ages)
{
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_PORT, 2), at(1)), 0);
    ck_assert(fdb_find(1, mac_n(1))->dest.is_static);
    see_port(1, 1, 5);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_uint_eq(mactable_age(table, at(1000000), 1024), 0);
    ck_assert_uint_eq(mactable_clear(table, 0, NULL), 0);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_PORT, 2), 0);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_PORT, 3), at(1)), -EEXIST);
    ck_assert_int_eq(mactable_add_static(table, 9, mac_n(1), dest(DP_WHERE_PORT, 3), at(1)), -EINVAL);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(2), dest(DP_WHERE_PORT, 99), at(1)), -EINVAL);
    check_consistent();
}
END_TEST

START_TEST(test_static_takes_over_a_learned_mac)
{
    see_port(1, 1, 5);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_VTEP, 2), at(1)), 0);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_STATIC);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 5), 0);
    check_consistent();
}
END_TEST

START_TEST(test_R8_2_flood_mac_stays_flood)
{
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(1), dest(DP_WHERE_FLOOD, 0), at(1)), 0);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->origin, MAC_FLOOD);
    ck_assert(!fdb_find(1, mac_n(1))->dest.is_static);
    see_port(1, 1, 5);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->where, DP_WHERE_FLOOD);
    ck_assert_uint_eq(mactable_age(table, at(1000000), 1024), 0);
    check_consistent();
}
END_TEST

START_TEST(test_R8_4_network_limit)
{
    mactable_set_network(table, 1, 300, 3);
    /* What is configured does not use up the room. */
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(100), dest(DP_WHERE_PORT, 2), at(1)), 0);
    for (unsigned i = 1; i <= 5; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count_network(table, 1), 4);
    ck_assert_ptr_null(mactable_find(table, 1, mac_n(4)));
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
    ck_assert_uint_eq(fdb.alert_net, 1);
    /* Another network is not concerned; a VTEP's MACs count as well. */
    see_port(2, 4, 1);
    ck_assert_ptr_nonnull(mactable_find(table, 2, mac_n(4)));
    see(1, 4, DP_WHERE_VTEP, 1, 100);
    ck_assert_ptr_null(mactable_find(table, 1, mac_n(4)));
    /* The old ones go on working, and may move. */
    see_port(1, 1, 2);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
    /* Below again: learned again; refused again: one more alert. */
    ck_assert_uint_eq(mactable_clear(table, 1, &(struct mac){{0x02, 0, 0, 0, 0, 2}}), 1);
    see_port(1, 4, 1);
    ck_assert_ptr_nonnull(mactable_find(table, 1, mac_n(4)));
    see_port(1, 5, 1);
    see_port(1, 6, 1);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 2);
    check_consistent();
}
END_TEST

START_TEST(test_R8_4_port_limit)
{
    mactable_set_port(table, 1, 2);
    for (unsigned i = 1; i <= 4; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 1), 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 1);
    ck_assert_uint_eq(fdb.alert_port, 1);
    /* All networks of the port together. */
    see_port(2, 1, 1);
    ck_assert_ptr_null(mactable_find(table, 2, mac_n(1)));
    /* A move to the full port is refused: it stays where it works; a move away makes room. */
    see_port(1, 10, 2);
    see_port(1, 10, 1);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(10))->target, 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 1);
    see_port(1, 1, 2);
    see_port(1, 10, 1);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(10))->target, 1);
    see_port(1, 1, 1);
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_PORT_LIMIT], 2);
    check_consistent();
}
END_TEST

START_TEST(test_R8_4_limit_zero)
{
    mactable_set_network(table, 1, 300, 0);
    see_port(1, 1, 1);
    see_port(1, 2, 1);
    ck_assert_uint_eq(mactable_count(table), 0);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_NET_LIMIT], 1);
}
END_TEST

START_TEST(test_fdb_full)
{
    fdb.capacity = 2;
    for (unsigned i = 1; i <= 5; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count(table), 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_FDB_FULL], 1);
    see_port(1, 1, 2); /* a move needs no room */
    ck_assert_uint_eq(mactable_find(table, 1, mac_n(1))->target, 2);
    ck_assert_int_eq(mactable_add_static(table, 1, mac_n(9), dest(DP_WHERE_PORT, 1), at(1)), -ENOSPC);
    check_consistent();
    renew(2);
    for (unsigned i = 1; i <= 5; i++)
        see_port(1, i, 1);
    ck_assert_uint_eq(mactable_count(table), 2);
    ck_assert_uint_eq(fdb.alerts[MAC_ALERT_FDB_FULL], 1);
    ck_assert_uint_eq(mactable_clear(table, 0, NULL), 2);
    see_port(1, 3, 1);
    ck_assert_ptr_nonnull(mactable_find(table, 1, mac_n(3)));
    check_consistent();
}
END_TEST

START_TEST(test_ageing)
{
    mactable_set_network(table, 2, 0, UINT32_MAX);
    mactable_set_network(table, 3, 10, UINT32_MAX);
    see(1, 1, DP_WHERE_PORT, 1, 100);
    see(1, 2, DP_WHERE_VTEP, 1, 100);
    see(2, 1, DP_WHERE_PORT, 1, 100);
    see(3, 1, DP_WHERE_PORT, 1, 100);
    ck_assert_uint_eq(mactable_age(table, at(110), 1024), 0);
    ck_assert_uint_eq(mactable_age(table, at(111), 1024), 1);
    ck_assert_ptr_null(mactable_find(table, 3, mac_n(1)));
    fdb_find(1, mac_n(2))->seen_s = 200; /* the worker saw it */
    ck_assert_uint_eq(mactable_age(table, at(401), 1024), 1);
    ck_assert_ptr_null(mactable_find(table, 1, mac_n(1)));
    ck_assert_uint_eq(mactable_age(table, at(501), 1024), 1);
    ck_assert_uint_eq(mactable_age(table, at(4000000), 1024), 0);
    ck_assert_ptr_nonnull(mactable_find(table, 2, mac_n(1)));
    check_consistent();
    /* Seen after `now` was read: not old. */
    see(1, 3, DP_WHERE_PORT, 1, 600);
    ck_assert_uint_eq(mactable_age(table, at(599), 1024), 0);
}
END_TEST

START_TEST(test_ageing_is_incremental)
{
    unsigned removed = 0, most = 0;

    for (unsigned i = 0; i < 1000; i++)
        see_port(1, i + 1, 1);
    for (unsigned i = 0; i < 20; i++) {
        unsigned n = mactable_age(table, at(1000), 50);

        most = n > most ? n : most;
        removed += n;
    }
    ck_assert_uint_eq(most, 50);
    ck_assert_uint_eq(removed, 1000);
    ck_assert_uint_eq(mactable_age(table, at(1000), 50), 0);
    check_consistent();
}
END_TEST

START_TEST(test_clear)
{
    struct mac one = mac_n(1);

    for (dp_net_id net = 1; net <= 3; net++)
        for (unsigned i = 1; i <= 10; i++)
            see(net, i, i % 2 ? DP_WHERE_PORT : DP_WHERE_VTEP, 4, 100);
    ck_assert_uint_eq(mactable_clear(table, 2, &one), 1);
    ck_assert_uint_eq(mactable_clear(table, 2, &one), 0);
    ck_assert_uint_eq(mactable_clear(table, 0, &one), 2);
    ck_assert_uint_eq(mactable_clear_at(table, DP_WHERE_VTEP, 4), 15);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_VTEP, 4), 0);
    ck_assert_uint_eq(mactable_clear(table, 3, NULL), 4);
    check_consistent();
    ck_assert_uint_eq(mactable_clear(table, 0, NULL), 8);
    ck_assert_uint_eq(fdb.n, 0);
}
END_TEST

START_TEST(test_replay)
{
    for (unsigned i = 1; i <= 10; i++)
        see_port(1, i, 1);
    mactable_add_static(table, 1, mac_n(20), dest(DP_WHERE_VTEP, 1), at(1));
    fdb.n = 0;
    mactable_replay(table);
    ck_assert_uint_eq(fdb.n, 11);
    check_consistent();
}
END_TEST

START_TEST(test_walk_survives_changes)
{
    const struct mac_entry *e;
    uint32_t cursor = 0;
    unsigned n = 0;

    for (unsigned i = 1; i <= 100; i++)
        see_port(1, i, 1);
    /* What is removed or added on the way may be seen or not; the others are seen once. */
    while ((e = mactable_next(table, &cursor))) {
        struct mac m = e->mac;

        if (m.b[5] <= 100 && m.b[4] == 0)
            n++;
        if (m.b[5] % 10 == 0)
            mactable_clear(table, 1, &m);
        if (m.b[5] == 50)
            see_port(1, 1000, 1);
    }
    ck_assert_uint_eq(n, 100);
    check_consistent();
}
END_TEST

/* ---- random operations against a list */

struct model_entry {
    dp_net_id net;
    struct mac mac;
    bool fixed;
    enum dp_where where;
    uint16_t target;
    uint32_t seen_s, moves;
};

static struct model {
    struct model_entry e[512];
    unsigned n;
    uint32_t net_limit[5], port_limit[4], ageing[5];
    uint32_t capacity;
} model;

static uint64_t rng;

static uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 20) % below);
}

static struct model_entry *model_find(dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < model.n; i++)
        if (model.e[i].net == net && mac_eq(model.e[i].mac, mac))
            return &model.e[i];
    return NULL;
}

static uint32_t model_learned(dp_net_id net, int port)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < model.n; i++)
        n += !model.e[i].fixed && (net == 0 || model.e[i].net == net) &&
             (port < 0 || (model.e[i].where == DP_WHERE_PORT && model.e[i].target == port));
    return n;
}

static void model_see(dp_net_id net, struct mac mac, enum dp_where where, uint16_t target, uint32_t now)
{
    struct model_entry *e = model_find(net, mac);

    if (e && (e->fixed || (e->where == where && e->target == target)))
        return;
    if (where == DP_WHERE_PORT && model_learned(0, target) >= model.port_limit[target])
        return;
    if (!e) {
        if (model_learned(net, -1) >= model.net_limit[net] || model.n >= model.capacity)
            return;
        e = &model.e[model.n++];
        *e = (struct model_entry){.net = net, .mac = mac};
    } else {
        e->moves++;
    }
    e->where = where;
    e->target = target;
    e->seen_s = now;
}

static unsigned model_remove_if(bool (*match)(const struct model_entry *, const void *), const void *arg)
{
    unsigned kept = 0, was = model.n;

    for (unsigned i = 0; i < was; i++)
        if (model.e[i].fixed || !match(&model.e[i], arg))
            model.e[kept++] = model.e[i];
    model.n = kept;
    return was - kept;
}

struct pick {
    dp_net_id net;
    const struct mac *mac;
    enum dp_where where;
    uint16_t target;
    uint32_t now;
};

static bool match_clear(const struct model_entry *e, const void *arg)
{
    const struct pick *p = arg;

    return (!p->net || e->net == p->net) && (!p->mac || mac_eq(e->mac, *p->mac));
}

static bool match_at(const struct model_entry *e, const void *arg)
{
    const struct pick *p = arg;

    return e->where == p->where && e->target == p->target;
}

static bool match_age(const struct model_entry *e, const void *arg)
{
    const struct pick *p = arg;

    return model.ageing[e->net] && p->now - e->seen_s > model.ageing[e->net];
}

static void model_static(struct pick *p, struct mac mac)
{
    struct model_entry *e = model_find(p->net, mac);
    int want = e && e->fixed ? -EEXIST : !e && model.n >= model.capacity ? -ENOSPC : 0;

    ck_assert_int_eq(mactable_add_static(table, p->net, mac, dest(p->where, p->target), at(p->now)), want);
    if (want)
        return;
    if (!e)
        e = &model.e[model.n++];
    *e = (struct model_entry){p->net, mac, true, p->where, p->target, p->now, 0};
}

static void random_step(uint32_t now)
{
    struct mac mac = mac_n(1 + rnd(150));
    struct pick p = {.net = (dp_net_id)(1 + rnd(4)), .mac = &mac, .now = now};
    uint32_t what = rnd(1000);

    p.where = rnd(2) ? DP_WHERE_PORT : DP_WHERE_VTEP;
    p.target = (uint16_t)(p.where == DP_WHERE_PORT ? rnd(4) : 1 + rnd(5));
    if (what < 900) {
        see(p.net, mac.b[5] | mac.b[4] << 8, p.where, p.target, now);
        model_see(p.net, mac, p.where, p.target, now);
    } else if (what < 950) { /* the worker sees traffic */
        struct model_entry *e = model_find(p.net, mac);
        struct fdb_entry *f = fdb_find(p.net, mac);

        ck_assert_int_eq(!e, !f);
        if (e)
            e->seen_s = f->seen_s = now;
    } else if (what < 955) {
        p.where = rnd(4) ? p.where : DP_WHERE_FLOOD;
        p.target = p.where == DP_WHERE_FLOOD ? 0 : p.target;
        if (rnd(20) == 0)
            model_static(&p, mac);
    } else if (what < 975) {
        ck_assert_uint_eq(mactable_clear(table, p.net, &mac), model_remove_if(match_clear, &p));
    } else if (what < 980) {
        p.net = 0;
        ck_assert_uint_eq(mactable_clear(table, 0, &mac), model_remove_if(match_clear, &p));
    } else if (what < 982) {
        ck_assert_uint_eq(mactable_clear_at(table, p.where, p.target), model_remove_if(match_at, &p));
    } else if (what < 983) {
        p.mac = NULL;
        ck_assert_uint_eq(mactable_clear(table, p.net, NULL), model_remove_if(match_clear, &p));
    } else if (what < 990) {
        model.net_limit[p.net] = rnd(3) ? 20 + rnd(100) : UINT32_MAX;
        mactable_set_network(table, p.net, model.ageing[p.net], model.net_limit[p.net]);
    } else if (what < 995) {
        uint32_t port = rnd(4);

        model.port_limit[port] = rnd(3) ? rnd(60) : UINT32_MAX;
        mactable_set_port(table, (dp_port_id)port, model.port_limit[port]);
    } else {
        unsigned removed = 0;

        for (int i = 0; i < 8; i++)
            removed += mactable_age(table, at(now), 64);
        ck_assert_uint_eq(removed, model_remove_if(match_age, &p));
    }
}

static void check_model(void)
{
    ck_assert_uint_eq(mactable_count(table), model.n);
    for (unsigned i = 0; i < model.n; i++) {
        const struct mac_entry *e = mactable_find(table, model.e[i].net, model.e[i].mac);

        ck_assert_ptr_nonnull(e);
        ck_assert_uint_eq(e->where, model.e[i].where);
        ck_assert_uint_eq(e->target, model.e[i].target);
        ck_assert_uint_eq(e->moves, model.e[i].moves);
        ck_assert_int_eq(e->origin == MAC_STATIC || e->origin == MAC_FLOOD, model.e[i].fixed);
    }
}

START_TEST(test_random_against_model)
{
    const char *env = getenv("MACTABLE_SEED");
    uint64_t seed = env ? strtoull(env, NULL, 0) : mono_now().ns | 1;
    uint32_t now = 1000;

    printf("MACTABLE_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    rng = seed ? seed : 1;
    renew(512);
    fdb.capacity = model.capacity = 300 + rnd(200);
    for (dp_net_id n = 1; n <= 4; n++) {
        model.net_limit[n] = UINT32_MAX;
        model.ageing[n] = n == 4 ? 0 : 100 * n;
        mactable_set_network(table, n, model.ageing[n], UINT32_MAX);
    }
    for (int i = 0; i < 4; i++)
        model.port_limit[i] = UINT32_MAX;
    for (unsigned step = 0; step < 300000; step++) {
        now += rnd(10) == 0;
        random_step(now);
        if (step % 1000 == 0) {
            check_consistent();
            check_model();
        }
        /* Statics are for ever: start again when they crowd out the rest. */
        if (model.n - model_learned(0, -1) > 150) {
            unsigned capacity = model.capacity;

            check_consistent();
            check_model();
            renew(512);
            fdb.capacity = capacity;
            model.n = 0;
            for (dp_net_id n = 1; n <= 4; n++)
                mactable_set_network(table, n, model.ageing[n], model.net_limit[n]);
            for (dp_port_id i = 0; i < 4; i++)
                mactable_set_port(table, i, model.port_limit[i]);
        }
    }
    check_consistent();
    check_model();
}
END_TEST

/* ---- size */

static int big_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest d)
{
    (void)arg, (void)net, (void)mac, (void)d;
    return 0;
}

static void big_remove(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net, (void)mac;
}

static bool big_seen(void *arg, dp_net_id net, struct mac mac, uint32_t *seen_s)
{
    (void)arg, (void)net, (void)mac, (void)seen_s;
    return false;
}

static void big_alert(void *arg, enum mac_alert alert, dp_net_id net, dp_port_id port)
{
    (void)arg, (void)alert, (void)net, (void)port;
}

START_TEST(test_a_million)
{
    static const struct mactable_ops big = {big_program, big_remove, big_seen, big_alert};
    struct mactable *t = mactable_new(1048576, &big, NULL);
    uint32_t cursor = 0, n = 0;

    ck_assert_ptr_nonnull(t);
    for (dp_net_id net = 1; net <= 100; net++)
        mactable_set_network(t, net, 300, UINT32_MAX);
    for (unsigned i = 0; i < 1048576; i++) {
        struct dp_event ev = {DP_EVENT_SOURCE, (dp_net_id)(1 + i % 100), mac_n(i), DP_WHERE_PORT, 1};

        mactable_source_seen(t, &ev, (mono_t){1});
    }
    ck_assert_uint_eq(mactable_count(t), 1048576);
    while (mactable_next(t, &cursor))
        n++;
    ck_assert_uint_eq(n, 1048576);
    ck_assert_uint_eq(mactable_age(t, (mono_t){400000000000}, 2000000), 1048576);
    mactable_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mactable");
    TCase *rules = tcase_create("rules"), *model_case = tcase_create("model");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(rules, setup, teardown);
    tcase_add_test(rules, test_learns_where_seen);
    tcase_add_test(rules, test_repeat_is_quiet);
    tcase_add_test(rules, test_same_mac_in_two_networks);
    tcase_add_test(rules, test_R4_10_move_is_one_store);
    tcase_add_test(rules, test_hostile_events_are_ignored);
    tcase_add_test(rules, test_static_never_moves_or_ages);
    tcase_add_test(rules, test_static_takes_over_a_learned_mac);
    tcase_add_test(rules, test_R8_2_flood_mac_stays_flood);
    tcase_add_test(rules, test_R8_4_network_limit);
    tcase_add_test(rules, test_R8_4_port_limit);
    tcase_add_test(rules, test_R8_4_limit_zero);
    tcase_add_test(rules, test_fdb_full);
    tcase_add_test(rules, test_ageing);
    tcase_add_test(rules, test_ageing_is_incremental);
    tcase_add_test(rules, test_clear);
    tcase_add_test(rules, test_replay);
    tcase_add_test(rules, test_walk_survives_changes);
    suite_add_tcase(s, rules);
    tcase_add_checked_fixture(model_case, setup, teardown);
    tcase_add_test(model_case, test_random_against_model);
    tcase_add_test(model_case, test_a_million);
    tcase_set_timeout(model_case, 120);
    suite_add_tcase(s, model_case);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
