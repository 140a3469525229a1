/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random events on a neighbour table, against lists that are kept by the plainest means: after each step the
 * same MAC must be answered and announced for each IP, the same IPs be frozen, the same owners have been
 * asked. Then size and speed. NEIGHBOR_SEED=N repeats a run
 * (CK_RUN_CASE=random: only the first part).
 */
#include "tests/unit/neighbor_fixture.h"

#include <time.h>

#define NETS 2
#define MACS 6
#define IPS  5
#ifdef __SANITIZE_ADDRESS__
#define STEPS 10000 /* each looks at the whole model, and costs ten times as much */
#else
#define STEPS 50000
#endif
#define SOME    (STEPS / 500) /* a quarter of the rarest of what a walk comes by */
#define CHANGES 3
#define WINDOW  40
#define HOLD    50
#define AGEING  30
#define NOBODY  -1

struct claim {
    bool local, remote, former;
    unsigned since, confirmed, left; /* tenths */
};

struct about {
    int used;
    bool known, frozen, check;
    int last, owner;
    unsigned frozen_at, checked, check_from, n, changes[CHANGES];
};

static struct model {
    struct claim c[NETS + 1][MACS][IPS];
    struct about a[NETS + 1][IPS];
    unsigned asked;
} model;

static uint64_t rng;
static unsigned now; /* tenths */

static unsigned rnd(unsigned below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)((rng >> 20) % below);
}

/* ---- the model */

static bool spoken(const struct claim *c)
{
    return c->local || c->remote || c->former;
}

static bool at_port(dp_net_id net, int mac)
{
    return op_here(&fake, net, mac_no((unsigned)mac), NULL);
}

static void model_check(dp_net_id net, int ip)
{
    struct about *a = &model.a[net][ip];

    if (!a->check || now < a->check_from || (a->checked && now < a->checked + NEIGHBOR_CHECK_MS / 100))
        return;
    a->check = false;
    if (a->frozen || a->used == a->owner || !at_port(net, a->owner) || now > a->check_from + 100)
        return;
    a->checked = now;
    model.asked++;
}

static void model_use(dp_net_id net, int mac, int ip)
{
    struct about *a = &model.a[net][ip];

    a->used = mac;
    if (a->known && !a->frozen)
        a->last = mac;
}

static void model_take(dp_net_id net, int mac, int ip)
{
    struct about *a = &model.a[net][ip];
    struct claim *old = a->used == NOBODY ? NULL : &model.c[net][a->used][ip];
    int owner = a->used;

    model.c[net][mac][ip].since = now;
    model_use(net, mac, ip);
    if (!old)
        return;
    if (old->local && a->known) {
        a->owner = owner;
        a->check = true;
        a->check_from = old->confirmed + 2;
        model_check(net, ip); /* one that waits for another owner goes on waiting for the next round */
    }
    old->local = old->former = false;
}

static bool model_may(dp_net_id net, int mac, int ip, bool routed)
{
    struct about *a = &model.a[net][ip];

    if (a->used == NOBODY && !a->known)
        return true;
    if (!a->known)
        *a = (struct about){.used = a->used, .known = true, .last = NOBODY};
    if (a->frozen || (a->used == NOBODY && a->last == mac))
        return a->last == mac;
    if (a->n == CHANGES)
        memmove(a->changes, a->changes + 1, sizeof(a->changes) - sizeof(a->changes[0]));
    else
        a->n++;
    a->changes[a->n - 1] = now;
    if (a->n < CHANGES || now - a->changes[0] > WINDOW * 10)
        return true;
    a->frozen = true;
    a->frozen_at = now;
    a->check = false;
    if (!routed && a->used != NOBODY) {
        a->last = a->used;
        return false;
    }
    a->last = mac;
    return true;
}

/* Something speaks no more for it. */
static void model_less(dp_net_id net, int mac, int ip)
{
    struct about *a = &model.a[net][ip];
    int best = NOBODY;

    if (spoken(&model.c[net][mac][ip]) || a->used != mac || a->frozen)
        return;
    for (int m = 0; m < MACS; m++)
        if (spoken(&model.c[net][m][ip]) &&
            (best == NOBODY || model.c[net][m][ip].since > model.c[net][best][ip].since))
            best = m;
    a->used = best;
    if (best != NOBODY)
        model_use(net, best, ip);
}

static int model_see(dp_net_id net, int mac, int ip)
{
    struct claim *c = &model.c[net][mac][ip];
    bool used = model.a[net][ip].used == mac;

    if (!at_port(net, mac))
        return -ENOENT;
    if (!used && !model_may(net, mac, ip, false))
        return -EEXIST;
    c->local = true;
    c->former = false;
    c->confirmed = now;
    if (!used)
        model_take(net, mac, ip);
    return 0;
}

static void model_route(dp_net_id net, int mac, int ip, bool present)
{
    struct claim *c = &model.c[net][mac][ip];
    bool known = c->remote, fresh = !spoken(c) && model.a[net][ip].used != mac;

    c->remote = present;
    if (!present) {
        model_less(net, mac, ip);
        return;
    }
    if (fresh)
        c->since = now;
    c->former = false;
    if (at_port(net, mac)) {
        if (model.a[net][ip].used == NOBODY)
            model_take(net, mac, ip);
        if (model.a[net][ip].used == mac && !c->local) {
            c->local = true;
            c->confirmed = now;
        }
    } else if (!known && model.a[net][ip].used != mac && model_may(net, mac, ip, true)) {
        model_take(net, mac, ip);
    }
}

static void model_came(dp_net_id net, int mac, int ip)
{
    struct claim *c = &model.c[net][mac][ip];
    struct ipaddr a = ip4_no((unsigned)ip);
    int used = model.a[net][ip].used;

    if (!fake_ip(net, mac_no((unsigned)mac), &a) || (used != NOBODY && used != mac))
        return;
    c->local = true;
    c->former = false;
    c->confirmed = now;
    if (used == NOBODY)
        model_take(net, mac, ip);
}

static void model_move(dp_net_id net, int mac, struct mac_place to)
{
    const struct fake_mac *was = fake_mac(net, mac_no((unsigned)mac));
    bool was_here = was && was->place.where == DP_WHERE_PORT, here = to.where == DP_WHERE_PORT;

    for (int ip = 0; ip < IPS; ip++) {
        struct claim *c = &model.c[net][mac][ip];

        if (!to.where) {
            c->local = c->remote = c->former = false;
            model_less(net, mac, ip);
        } else if (was_here && !here && c->local) {
            c->local = false;
            c->former = true;
            c->left = now;
        } else if (was && !was_here && here) {
            model_came(net, mac, ip);
        }
    }
}

static void model_unfreeze(dp_net_id net, int ip)
{
    struct about *a = &model.a[net][ip];

    *a = (struct about){.used = a->used};
    if (a->used != NOBODY)
        model_less(net, a->used, ip);
}

static void model_age_about(dp_net_id net, int ip)
{
    struct about *a = &model.a[net][ip];

    if (!a->known)
        return;
    if (a->frozen) {
        if (now - a->frozen_at > HOLD * 10)
            model_unfreeze(net, ip);
        return;
    }
    model_check(net, ip);
    if (!a->check && (!a->checked || now > a->checked + NEIGHBOR_CHECK_MS / 100) &&
        (a->n == 0 || now - a->changes[a->n - 1] > WINDOW * 10))
        *a = (struct about){.used = a->used};
}

static void model_age(void)
{
    for (dp_net_id net = 1; net <= NETS; net++) {
        for (int ip = 0; ip < IPS; ip++) {
            model_age_about(net, ip);
            for (int mac = 0; mac < MACS; mac++) {
                struct claim *c = &model.c[net][mac][ip];

                if (c->local && now - c->confirmed > AGEING * 10) {
                    c->local = false;
                    model_less(net, mac, ip);
                }
                if (c->former && now - c->left > NEIGHBOR_FORMER_S * 10) {
                    c->former = false;
                    model_less(net, mac, ip);
                }
            }
        }
    }
}

/* ---- steps, in the table and in the model */

static unsigned aged_probes;

static void step_age(void)
{
    unsigned before = fake.n_probes, asked = model.asked;

    model_age();
    neighbor_age(table, at(now / 10.0), UINT32_MAX);
    ck_assert_uint_eq(neighbor_stats(table).probes_limited, 0);
    aged_probes += fake.n_probes - before - (model.asked - asked);
}

static void step(void)
{
    dp_net_id net = (dp_net_id)(1 + rnd(NETS));
    int mac = (int)rnd(MACS), ip = (int)rnd(IPS);
    struct mac m = mac_no((unsigned)mac);
    struct ipaddr a = ip4_no((unsigned)ip);
    unsigned what = rnd(100);
    double s;

    now += rnd(12) ? 1 + rnd(8) : 1 + rnd(300);
    s = now / 10.0;
    if (what < 40) {
        ck_assert_int_eq(model_see(net, mac, ip), seen(net, m, &a, s));
    } else if (what < 65) {
        bool present = rnd(3) > 0;

        if (present && !fake_mac(net, m))
            return;
        model_route(net, mac, ip, present);
        route(net, m, &a, present, s);
    } else if (what < 80) {
        struct mac_place to[] = {port_no(1), port_no(2), vtep_no(1), vtep_no(2), {0}};
        struct mac_place p = to[rnd(5)];

        model_move(net, mac, p);
        move(net, m, p, s);
    } else if (what < 82) {
        bool frozen = model.a[net][ip].frozen;

        model_unfreeze(net, ip);
        ck_assert_uint_eq(neighbor_clear_duplicate(table, net, NULL, &a), frozen);
    } else {
        step_age();
    }
}

static void compare_ip(dp_net_id net, int ip)
{
    const struct about *a = &model.a[net][ip];
    const struct claim *c = a->used == NOBODY ? NULL : &model.c[net][a->used][ip];
    struct ipaddr addr = ip4_no((unsigned)ip);
    struct neighbor_info info;
    unsigned n = 0;

    ck_assert(neighbor_find(table, net, &addr, &info) == (c != NULL));
    if (c && spoken(c))
        expect_answer(net, &addr, mac_no((unsigned)a->used));
    else
        expect_no_answer(net, &addr);
    if (c) {
        ck_assert(mac_eq(info.mac, mac_no((unsigned)a->used)));
        ck_assert(info.frozen == a->frozen && info.local == c->local && info.remote == c->remote &&
                  info.former == c->former);
    }
    for (int mac = 0; mac < MACS; mac++) {
        bool is = announced(net, mac_no((unsigned)mac), &addr);

        ck_assert(is == model.c[net][mac][ip].local);
        n += is;
    }
    ck_assert_uint_le(n, 1);
}

static void compare(void)
{
    unsigned n = 0, answers = 0;

    for (dp_net_id net = 1; net <= NETS; net++) {
        for (int ip = 0; ip < IPS; ip++) {
            int used = model.a[net][ip].used;

            compare_ip(net, ip);
            answers += used != NOBODY && spoken(&model.c[net][used][ip]);
            for (int mac = 0; mac < MACS; mac++)
                n += spoken(&model.c[net][mac][ip]) || used == mac;
        }
    }
    ck_assert_uint_eq(neighbor_stats(table).bindings, n);
    ck_assert_uint_eq(fake.n_answers, answers);
    ck_assert_uint_eq(fake.n_probes, model.asked + aged_probes);
}

START_TEST(test_random)
{
    const char *given = getenv("NEIGHBOR_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761u | 1;
    struct neighbor_stats s;

    rng = seed;
    now = 1000;
    fixture_new(1000);
    for (dp_net_id net = 1; net <= NETS; net++) {
        neighbor_set_network(table, net, AGEING, true);
        for (int ip = 0; ip < IPS; ip++)
            model.a[net][ip].used = NOBODY;
    }
    neighbor_set_duplicates(table, CHANGES, WINDOW, HOLD);
    printf("NEIGHBOR_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        compare();
    }
    s = neighbor_stats(table);
    printf("%u steps: %llu changes, %llu frozen, %llu aged, %u probes, %u checks\n", STEPS,
           (unsigned long long)s.changes, (unsigned long long)s.duplicates, (unsigned long long)s.aged,
           fake.n_probes, model.asked);
    ck_assert_uint_gt(s.duplicates, SOME);
    ck_assert_uint_gt(s.aged, SOME);
    ck_assert_uint_gt(model.asked, SOME);
    ck_assert_uint_gt(aged_probes, SOME);
}
END_TEST

/* ---- size and speed: no fake lists here */

static unsigned calls;

static int fast_program(void *arg, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    (void)arg, (void)net, (void)ip, (void)mac, (void)flags;
    calls++;
    return 0;
}

static void fast_remove(void *arg, dp_net_id net, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)ip;
    calls++;
}

static bool fast_here(void *arg, dp_net_id net, struct mac mac, const dp_port_id *port)
{
    (void)arg, (void)net, (void)mac, (void)port;
    return true;
}

static unsigned fast_ips(void *arg, dp_net_id net, struct mac mac, struct mac_ip_info *out, unsigned n)
{
    (void)arg, (void)net, (void)mac, (void)out, (void)n;
    return 0;
}

static int fast_learned(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool again)
{
    (void)arg, (void)net, (void)mac, (void)ip, (void)again;
    return 0;
}

static void fast_gone(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)mac, (void)ip;
}

static bool fast_probe(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg, (void)net, (void)mac, (void)ip;
    return true;
}

static void fast_alert(void *arg, const struct neighbor_alert_info *info)
{
    (void)arg, (void)info;
}

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC; /* of the processor: the machine may be busy */
}

START_TEST(test_size_and_speed)
{
    static const struct neighbor_ops fast = {.program = fast_program,
                                             .remove = fast_remove,
                                             .here = fast_here,
                                             .ips = fast_ips,
                                             .learned = fast_learned,
                                             .gone = fast_gone,
                                             .probe = fast_probe,
                                             .alert = fast_alert};
    const unsigned n = 200000;
    struct neighbors *t = neighbor_new(2 * n, &fast, NULL);
    double t0, t1, t2, t3;
    size_t empty;
    struct ipaddr ip;
    int rc = 0;

    ck_assert_ptr_nonnull(t);
    neighbor_set_network(t, 1, 300, true);
    empty = neighbor_stats(t).bytes;
    table = t;
    t0 = seconds();
    for (unsigned i = 0; i < n; i++) {
        ip = ip4_no(i + 1);
        rc |= seen(1, mac_no(i + 1), &ip, 1);
    }
    t1 = seconds();
    for (unsigned i = 0; i < n; i++) {
        ip = ip4_no(i + 1);
        rc |= seen(1, mac_no(i + 1), &ip, 2);
    }
    t2 = seconds();
    neighbor_age(t, at(50), UINT32_MAX);
    t3 = seconds();
    ck_assert_int_eq(rc, 0);
    printf("%u bindings: %zu bytes each; %.0f ns to learn one, %.0f ns to confirm, %.0f ns to age\n", n,
           (neighbor_stats(t).bytes - empty) / n, (t1 - t0) / n * 1e9, (t2 - t1) / n * 1e9,
           (t3 - t2) / n * 1e9);
    ck_assert_uint_le((neighbor_stats(t).bytes - empty) / n, 80);
    ck_assert(t3 - t0 < 10); /* a machine that is busy, and a sanitizer */
    for (unsigned i = 0; i < n; i++) {
        struct mac_moved gone = {.net = 1, .mac = mac_no(i + 1), .from = port_no(1), .at = at(60)};

        neighbor_mac_moved(t, &gone);
    }
    ck_assert_uint_eq(neighbor_stats(t).bindings, 0);
    ck_assert_uint_eq(neighbor_stats(t).macs, 0);
    ck_assert_uint_eq(calls, 2 * n);
}
END_TEST

/* One that floods new IPv6 addresses from ever new MACs: neither the table nor the work grows beyond bounds.
 */
START_TEST(test_flood_is_bounded)
{
    static const struct neighbor_ops fast = {.program = fast_program,
                                             .remove = fast_remove,
                                             .here = fast_here,
                                             .ips = fast_ips,
                                             .learned = fast_learned,
                                             .gone = fast_gone,
                                             .probe = fast_probe,
                                             .alert = fast_alert};
    double t0 = seconds();
    size_t bytes;

    table = neighbor_new(8192, &fast, NULL);
    ck_assert_ptr_nonnull(table);
    neighbor_set_network(table, 1, 300, true);
    for (unsigned i = 0; i < 500000; i++) {
        struct ipaddr ip = ip6_no(rnd(1000000));

        (void)seen(1, mac_no(rnd(100000)), &ip, 1 + i / 10000.0);
    }
    bytes = neighbor_stats(table).bytes;
    ck_assert_uint_le(neighbor_stats(table).bindings, 6144);
    ck_assert_uint_le(bytes, 2000000); /* most of it the networks and the memory of changes */
    ck_assert(seconds() - t0 < 15);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("neighbor model");
    TCase *random = tcase_create("random"), *c = tcase_create("size");
    SRunner *r = srunner_create(s);
    int failed;

    rng = 88172645463325252u;
    tcase_set_timeout(random, 300);
    tcase_add_checked_fixture(random, NULL, fixture_free);
    tcase_add_test(random, test_random);
    suite_add_tcase(s, random);
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, NULL, fixture_free);
    tcase_add_test(c, test_size_and_speed);
    tcase_add_test(c, test_flood_is_bounded);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
