/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random operations on a MAC table, BGP routes among them, against a list that is kept by the plainest means:
 * after each the same entries must be at the same places with the same sequences. Then size and speed.
 * MACTABLE_SEED=N repeats a run.
 */
#include "tests/unit/mactable_fixture.h"

#define MACS 40
#ifdef __SANITIZE_ADDRESS__
#define STEPS 60000 /* each costs five times as much */
#else
#define STEPS 300000
#endif
#define STICKY_PORT 3
#define DUP_MOVES   3
#define DUP_WINDOW  60

enum kind { HERE, PEER, ROUTED, FIXED };

struct model_entry {
    dp_net_id net;
    struct mac mac;
    enum kind kind;
    bool frozen;
    struct mac_place place;
    uint32_t seen_s, moves, seq;
    struct mac_route route; /* vtep 0: none */
    uint32_t moved_s[DUP_MOVES];
    unsigned n_moved;
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

/* ---- the model */

static struct model_entry *model_find(dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < model.n; i++)
        if (model.e[i].net == net && mac_eq(model.e[i].mac, mac))
            return &model.e[i];
    return NULL;
}

static bool same_place(struct mac_place a, struct mac_place b)
{
    return a.where == b.where && a.target == b.target;
}

static uint32_t model_count(dp_net_id net, int port)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < model.n; i++) {
        const struct model_entry *e = &model.e[i];

        n += e->kind != FIXED && (net == 0 || e->net == net) &&
             (port < 0 || (e->place.where == DP_WHERE_PORT && e->place.target == port));
    }
    return n;
}

static void model_put(struct model_entry *e, enum kind kind, struct mac_place place, uint32_t now)
{
    e->kind = kind;
    if (same_place(e->place, place))
        return;
    e->place = place;
    e->seen_s = now;
    e->moves++;
}

/* Back to its route; false: there is none, and the entry is gone. */
static bool model_follow(struct model_entry *e, uint32_t now)
{
    if (e->frozen)
        e->n_moved = 0;
    e->frozen = false;
    e->seq = 0;
    if (!e->route.vtep) {
        *e = model.e[--model.n];
        return false;
    }
    model_put(e, ROUTED, (struct mac_place){e->route.vtep, DP_WHERE_VTEP}, now);
    return true;
}

/* True: that was one too many. */
static bool model_moved(struct model_entry *e, uint32_t now)
{
    if (e->n_moved == DUP_MOVES)
        memmove(e->moved_s, e->moved_s + 1, sizeof(e->moved_s) - sizeof(e->moved_s[0]));
    else
        e->n_moved++;
    e->moved_s[e->n_moved - 1] = now;
    e->frozen = e->n_moved == DUP_MOVES && now - e->moved_s[0] <= DUP_WINDOW;
    return e->frozen;
}

static bool is_sticky(const struct model_entry *e)
{
    return e->place.where == DP_WHERE_PORT && (e->kind == FIXED || e->place.target == STICKY_PORT);
}

static void model_new(dp_net_id net, struct mac mac, struct mac_place place, uint32_t now)
{
    if (model_count(net, -1) >= model.net_limit[net] || model.n >= model.capacity)
        return;
    model.e[model.n++] = (struct model_entry){.net = net,
                                              .mac = mac,
                                              .kind = place.where == DP_WHERE_PORT ? HERE : PEER,
                                              .place = place,
                                              .seen_s = now};
}

static void model_see_here(struct model_entry *e, struct mac_place place, uint32_t now)
{
    uint32_t seq = e->seq;

    if (model_moved(e, now))
        return;
    if (e->kind != HERE)
        seq = e->route.vtep ? e->route.seq + 1 : 0;
    model_put(e, HERE, place, now);
    e->seq = is_sticky(e) ? 0 : seq;
}

static void model_see(dp_net_id net, struct mac mac, struct mac_place place, uint32_t now)
{
    struct model_entry *e = model_find(net, mac);
    bool port = place.where == DP_WHERE_PORT;

    if (e && (e->kind == FIXED || e->frozen || same_place(e->place, place) || is_sticky(e)))
        return;
    if (e && e->kind == ROUTED && (!port || e->route.sticky))
        return;
    if (port && model_count(0, place.target) >= model.port_limit[place.target])
        return;
    if (!e) {
        model_new(net, mac, place, now);
    } else if (port) {
        model_see_here(e, place, now);
    } else if (model_moved(e, now)) {
        return;
    } else if (e->route.vtep) {
        model_follow(e, now);
    } else {
        e->seq = 0;
        model_put(e, PEER, place, now);
    }
}

/* Our address is between those of VTEPs 3 and 4. */
static bool route_beats(const struct model_entry *e)
{
    if (e->route.sticky != is_sticky(e))
        return e->route.sticky;
    if (e->route.seq != e->seq)
        return (int32_t)(e->route.seq - e->seq) > 0;
    return e->route.vtep <= 3;
}

static void model_route(dp_net_id net, struct mac mac, const struct mac_route *best, uint32_t now)
{
    struct model_entry *e = model_find(net, mac);
    struct mac_route old;

    if (!e && (!best || model.n >= model.capacity))
        return;
    if (!e) {
        e = &model.e[model.n++];
        *e = (struct model_entry){.net = net, .mac = mac, .kind = ROUTED, .seen_s = now, .route = *best};
        e->place = (struct mac_place){best->vtep, DP_WHERE_VTEP};
        return;
    }
    old = e->route;
    e->route = best ? *best : (struct mac_route){0};
    if (e->kind == FIXED || (e->frozen && e->kind == ROUTED) || (e->kind != ROUTED && !best))
        return;
    if (e->kind == HERE || e->frozen) {
        if (old.vtep == best->vtep && old.seq == best->seq && old.sticky == best->sticky)
            return;
        if (e->kind == HERE && !route_beats(e))
            return;
        if (e->frozen || (!best->sticky && !is_sticky(e) && model_moved(e, now))) {
            e->seq = 0;
            model_put(e, ROUTED, (struct mac_place){best->vtep, DP_WHERE_VTEP}, now);
            return;
        }
    }
    model_follow(e, now);
}

struct pick {
    dp_net_id net;
    const struct mac *mac;
    struct mac_place place;
    uint32_t now;
};

static bool match_clear(const struct model_entry *e, const struct pick *p)
{
    return (e->kind == HERE || e->kind == PEER) && (!p->net || e->net == p->net) &&
           (!p->mac || mac_eq(e->mac, *p->mac));
}

static bool match_frozen(const struct model_entry *e, const struct pick *p)
{
    return e->frozen && (!p->net || e->net == p->net) && (!p->mac || mac_eq(e->mac, *p->mac));
}

static bool match_at(const struct model_entry *e, const struct pick *p)
{
    return e->kind != FIXED && same_place(e->place, p->place);
}

static bool match_age(const struct model_entry *e, const struct pick *p)
{
    return (e->kind == HERE || e->kind == PEER) && !e->frozen && model.ageing[e->net] &&
           p->now - e->seen_s > model.ageing[e->net];
}

static unsigned model_end_if(bool (*match)(const struct model_entry *, const struct pick *),
                             const struct pick *p)
{
    unsigned done = 0;

    for (unsigned i = 0; i < model.n;) {
        if (!match(&model.e[i], p)) {
            i++;
            continue;
        }
        done++;
        i += model_follow(&model.e[i], p->now);
    }
    return done;
}

/* ---- random steps, in the table and in the model */

static void step_static(struct pick *p, struct mac mac)
{
    struct model_entry *e = model_find(p->net, mac);
    int want = e && e->kind == FIXED ? -EEXIST : !e && model.n >= model.capacity ? -ENOSPC : 0;
    struct dp_dest dest = {.where = (enum dp_where)p->place.where, .target = p->place.target};
    struct mac_route route = e ? e->route : (struct mac_route){0};

    ck_assert_int_eq(mactable_add_static(table, p->net, mac, dest, at(p->now)), want);
    if (want)
        return;
    if (!e) {
        e = &model.e[model.n++];
        *e = (struct model_entry){.net = p->net, .mac = mac};
    }
    if (e->frozen)
        e->n_moved = 0;
    e->frozen = false;
    e->kind = FIXED;
    e->place = p->place;
    e->route = route;
    e->moves = e->seq = 0;
}

static void step_remove_static(const struct pick *p)
{
    struct model_entry *e = model_find(p->net, *p->mac);
    bool fixed = e && e->kind == FIXED;

    ck_assert_int_eq(mactable_remove_static(table, p->net, *p->mac, at(p->now)), fixed ? 0 : -ENOENT);
    if (fixed)
        model_follow(e, p->now);
}

static void step_route(const struct pick *p)
{
    struct mac_route r = {.vtep = (dp_vtep_id)(1 + rnd(5)),
                          .seq = rnd(50) ? 0xfffffffau + rnd(12) : rnd(3),
                          .sticky = rnd(40) == 0};
    const struct mac_route *best = rnd(3) ? &r : NULL;

    r.address = (struct ipaddr){4, {198, 18, 0, (uint8_t)(r.vtep < 4 ? r.vtep : r.vtep + 1)}};
    mactable_remote(table, p->net, *p->mac, best, at(p->now));
    model_route(p->net, *p->mac, best, p->now);
}

static void step_clear(struct pick *p, uint32_t what)
{
    const struct mac *mac = p->mac;

    if (what < 10) {
        ck_assert_uint_eq(mactable_clear(table, p->net, mac, at(p->now)), model_end_if(match_clear, p));
    } else if (what < 14) {
        p->net = 0;
        ck_assert_uint_eq(mactable_clear(table, 0, mac, at(p->now)), model_end_if(match_clear, p));
    } else if (what < 15) {
        p->mac = NULL;
        ck_assert_uint_eq(mactable_clear(table, p->net, NULL, at(p->now)), model_end_if(match_clear, p));
    } else if (what < 23) {
        ck_assert_uint_eq(mactable_clear_duplicate(table, p->net, mac, at(p->now)),
                          model_end_if(match_frozen, p));
        if (model_find(p->net, *mac))
            model_find(p->net, *mac)->n_moved = 0;
    } else {
        for (unsigned i = 0; p->place.where == DP_WHERE_VTEP && i < model.n; i++)
            if (model.e[i].route.vtep == p->place.target)
                model.e[i].route = (struct mac_route){0};
        ck_assert_uint_eq(
            mactable_clear_at(table, (enum dp_where)p->place.where, p->place.target, at(p->now)),
            model_end_if(match_at, p));
    }
}

static void step_settings(const struct pick *p)
{
    uint32_t port = rnd(4);

    if (rnd(2)) {
        model.net_limit[p->net] = rnd(3) ? 5 + rnd(35) : UINT32_MAX;
        mactable_set_network(table, p->net, model.ageing[p->net], model.net_limit[p->net]);
        return;
    }
    model.port_limit[port] = rnd(3) ? rnd(40) : UINT32_MAX;
    mactable_set_port(table, (dp_port_id)port, model.port_limit[port]);
}

static void step_traffic(const struct pick *p)
{
    struct model_entry *e = model_find(p->net, *p->mac);
    struct fdb_entry *f = fdb_find(p->net, *p->mac);

    ck_assert_int_eq(!e, !f);
    if (e)
        e->seen_s = f->seen_s = p->now;
}

static void random_step(uint32_t now)
{
    unsigned n = 1 + rnd(MACS);
    struct mac mac = mac_n(n);
    struct pick p = {.net = (dp_net_id)(1 + rnd(4)), .mac = &mac, .now = now};
    uint32_t what = rnd(1000), round = 0;

    p.place.where = rnd(3) ? DP_WHERE_PORT : DP_WHERE_VTEP;
    p.place.target = (uint16_t)(p.place.where == DP_WHERE_PORT ? rnd(4) : 1 + rnd(5));
    if (what < 450) {
        see(p.net, n, (enum dp_where)p.place.where, p.place.target, now);
        model_see(p.net, mac, p.place, now);
    } else if (what < 900) {
        step_route(&p);
    } else if (what < 940) {
        step_traffic(&p);
    } else if (what < 943) {
        if (rnd(4) == 0)
            p.place = (struct mac_place){0, DP_WHERE_FLOOD};
        step_static(&p, mac);
    } else if (what < 960) {
        step_remove_static(&p);
    } else if (what < 985) {
        step_clear(&p, what - 960);
    } else if (what < 992) {
        step_settings(&p);
    } else {
        for (int i = 0; i < 8; i++)
            round += mactable_age(table, at(now), 64);
        ck_assert_uint_eq(round, model_end_if(match_age, &p));
    }
}

static void check_entry(const struct model_entry *m)
{
    static const enum mac_origin origin[] = {MAC_LOCAL, MAC_REMOTE, MAC_EVPN, MAC_STATIC};
    const struct mac_entry *e = mactable_find(table, m->net, m->mac);

    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->where, m->place.where);
    ck_assert_uint_eq(e->target, m->place.target);
    ck_assert_uint_eq(e->moves, m->moves);
    ck_assert_uint_eq(e->origin, m->place.where == DP_WHERE_FLOOD ? MAC_FLOOD : origin[m->kind]);
    ck_assert_uint_eq(e->seq, m->seq);
    ck_assert_uint_eq(e->route_vtep, m->route.vtep);
    ck_assert_int_eq(e->duplicate, m->frozen);
    ck_assert_int_eq(e->sticky, is_sticky(m));
}

static void check_model(void)
{
    check_consistent();
    ck_assert_uint_eq(mactable_count(table), model.n);
    for (unsigned i = 0; i < model.n; i++)
        check_entry(&model.e[i]);
}

START_TEST(test_random_against_model)
{
    static const struct ipaddr own = {4, {198, 18, 0, 4}};
    const char *env = getenv("MACTABLE_SEED");
    uint64_t seed = env ? strtoull(env, NULL, 0) : mono_now().ns | 1;
    uint32_t now = 1000;

    printf("MACTABLE_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    rng = seed ? seed : 1;
    renew(512);
    mactable_set_own_vtep(table, &own);
    mactable_set_port_sticky(table, STICKY_PORT, true);
    ck_assert_int_eq(mactable_set_duplicates(table, DUP_MOVES, DUP_WINDOW, 0), 0);
    fdb.capacity = model.capacity = 100 + rnd(60);
    for (dp_net_id n = 1; n <= 4; n++) {
        model.net_limit[n] = UINT32_MAX;
        model.ageing[n] = n == 4 ? 0 : 100 * n;
        mactable_set_network(table, n, model.ageing[n], UINT32_MAX);
    }
    for (int i = 0; i < 4; i++)
        model.port_limit[i] = UINT32_MAX;
    for (unsigned step = 0; step < STEPS; step++) {
        now += rnd(10) == 0;
        random_step(now);
        if (step % 1000 == 0)
            check_model();
    }
    check_model();
    printf("%llu moves, %llu duplicates, %llu sticky moves, %llu routes missed\n",
           (unsigned long long)mactable_stats(table).moves,
           (unsigned long long)mactable_stats(table).duplicates,
           (unsigned long long)mactable_stats(table).sticky_moves,
           (unsigned long long)mactable_stats(table).routes_missed);
    ck_assert_uint_gt(mactable_stats(table).duplicates, 50);
    ck_assert_uint_gt(mactable_stats(table).sticky_moves, 50);
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

static bool big_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)arg, (void)net, (void)mac, (void)seen;
    return false;
}

static void big_alert(void *arg, const struct mac_alert_info *info)
{
    (void)arg, (void)info;
}

/* Without BGP: no advertise, no withdraw. */
static const struct mactable_ops big_ops = {
    .program = big_program, .remove = big_remove, .seen = big_seen, .alert = big_alert};

START_TEST(test_a_million)
{
    struct mactable *t = mactable_new(1048576, &big_ops, NULL);
    uint32_t cursor = 0, n = 0;

    ck_assert_ptr_nonnull(t);
    for (dp_net_id net = 1; net <= 100; net++)
        mactable_set_network(t, net, 300, UINT32_MAX);
    for (unsigned i = 0; i < 1048576; i++) {
        struct dp_event ev = {.type = DP_EVENT_SOURCE,
                              .net = (dp_net_id)(1 + i % 100),
                              .mac = mac_n(i),
                              .where = DP_WHERE_PORT,
                              .target = 1};

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

/* R9.5: a VTEP that is lost takes all its MACs with it in one step, well within a second. */
START_TEST(test_R9_5_lost_vtep_of_100000)
{
    struct mactable *t = mactable_new(200000, &big_ops, NULL);
    struct mac_route r = {.vtep = 7, .address = {4, {198, 18, 0, 7}}};
    mono_t begin;
    uint64_t ms;

    ck_assert_ptr_nonnull(t);
    for (dp_net_id net = 1; net <= 100; net++)
        mactable_set_network(t, net, 300, UINT32_MAX);
    begin = mono_now();
    for (unsigned i = 0; i < 100000; i++)
        mactable_remote(t, (dp_net_id)(1 + i % 100), mac_n(i), &r, begin);
    ms = (mono_now().ns - begin.ns) / 1000000;
    ck_assert_uint_eq(mactable_count_at(t, DP_WHERE_VTEP, 7), 100000);
    begin = mono_now();
    ck_assert_uint_eq(mactable_clear_at(t, DP_WHERE_VTEP, 7, begin), 100000);
    printf("100,000 routes in %llu ms, lost in %llu ms\n", (unsigned long long)ms,
           (unsigned long long)((mono_now().ns - begin.ns) / 1000000));
    ck_assert_uint_lt(mono_now().ns - begin.ns, 1000000000);
    ck_assert_uint_eq(mactable_count(t), 0);
    mactable_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mactable_model");
    TCase *c = tcase_create("model");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_random_against_model);
    tcase_add_test(c, test_a_million);
    tcase_add_test(c, test_R9_5_lost_vtep_of_100000);
    tcase_set_timeout(c, 120);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
