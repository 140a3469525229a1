/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Announcements when many MACs move: the limit, who comes first, what is bounded, and that the work grows
 * with the number of moves only. Then random moves of random MACs against plain bookkeeping.
 * ANNOUNCE_SEED=N repeats a run.
 */
#include "tests/unit/announce_world.h"
#include "tests/unit/suite.h"

#include <stdio.h>

#define NET 7

/* Frames within any window are no more than a second's worth and what the rate gives. */
static void check_rate(dp_net_id net, uint32_t limit)
{
    uint64_t cost = (S + limit - 1) / limit, schedule = 0;

    for (size_t i = 0; i < w.n_sent; i++) {
        const struct sent *s = &w.sent[i];

        if (s->net != net)
            continue;
        /* A bucket of a second's worth, filled at the rate: never empty when a frame is taken. */
        schedule = (schedule > s->at ? schedule : s->at) + cost;
        ck_assert_msg(schedule <= s->at + cost * limit, "frame %zu is over the limit", i);
    }
}

static size_t sent_by(uint64_t at)
{
    size_t n = 0;

    while (n < w.n_sent && w.sent[n].at <= at)
        n++;
    return n;
}

static void move_all(dp_net_id net, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++) {
        w.hosts[i].place = VTEPS(1);
        announce_mac(w.a, net, vm(i), false, now());
    }
}

/* ---- the limit */

START_TEST(test_R6_3_limit)
{
    uint64_t start;

    world_start(0, 1100, 10);
    start = w.now;
    move_all(NET, 0, 100);
    ck_assert_uint_eq(w.n_sent, 10); /* a second's worth at once */
    ck_assert_uint_eq(announce_counts(w.a, NET).limited, 90);
    ck_assert_uint_eq(announce_counts(w.a, NET).waiting, 90);
    world_pass(20 * S);
    ck_assert_uint_eq(w.n_sent, 100);
    ck_assert_uint_eq(announce_counts(w.a, NET).limited, 90); /* each once, however long it waits */
    for (unsigned i = 0; i < 100; i++)
        ck_assert_uint_eq(vm_index(w.sent[i].mac), i); /* in the order of the moves */
    check_rate(NET, 10);
    /* No slower than the limit neither. */
    ck_assert_uint_ge(sent_by(start + 5 * S), 59);
    ck_assert_uint_ge(sent_by(start + 9100 * MS), 100);
    world_stop();
}
END_TEST

START_TEST(test_R6_3_limit_of_one)
{
    world_start(1, 1100, 1);
    move_all(NET, 0, 3);
    ck_assert_uint_eq(w.n_sent, 1);
    world_pass(10 * S);
    ck_assert_uint_eq(w.n_sent, 6);
    ck_assert_uint_eq(announce_counts(w.a, NET).limited, 5); /* all bursts but the first of all */
    check_rate(NET, 1);
    world_stop();
}
END_TEST

START_TEST(test_R6_3_unlimited)
{
    world_start(0, 1100, CONF_NO_LIMIT);
    move_all(NET, 0, 20000);
    ck_assert_uint_eq(w.n_sent, 20000);
    ck_assert_uint_eq(announce_counts(w.a, NET).limited, 0);
    world_stop();
}
END_TEST

/* More frames in one burst than the limit lets pass in a second: it goes on where it was cut. */
START_TEST(test_R6_3_limit_cuts_a_burst)
{
    world_start(1, 60000, 10);
    w.hosts[1].place = VTEPS(1);
    for (uint8_t i = 1; i <= ANNOUNCE_MAX_IPS; i++)
        host_add_ip4(1, i);
    ck_assert_uint_eq(announce_mac(w.a, NET, vm(1), false, now()), 10);
    world_pass(13 * S);
    ck_assert_uint_eq(w.n_sent, 128);
    for (unsigned i = 0; i < 128; i++) {
        ck_assert_int_eq(w.sent[i].kind, i % 2 ? ANNOUNCE_GARP_REPLY : ANNOUNCE_GARP_REQUEST);
        ck_assert_uint_eq(w.sent[i].last, i / 2 + 1);
    }
    check_rate(NET, 10);
    ck_assert_uint_eq(announce_counts(w.a, NET).limited, 1);
    world_stop();
}
END_TEST

/* It moved while its burst was cut: the rest of the old one is not sent, all of the new one is. */
START_TEST(test_R6_3_cut_burst_of_who_moved_on)
{
    world_start(0, 1100, 4);
    for (uint8_t i = 1; i <= 3; i++)
        host_add_ip4(1, i);
    w.hosts[1].place = VTEPS(1);
    announce_mac(w.a, NET, vm(1), false, now());
    w.hosts[1].place = PORTS(2); /* not told to announce: it was heard, but nobody said so yet */
    world_pass(10 * S);
    ck_assert_uint_eq(w.n_sent, 4 + 6);
    for (unsigned i = 4; i < 10; i++)
        ck_assert_uint_eq(w.sent[i].except, 2);
    world_stop();
}
END_TEST

/* ---- who comes first */

START_TEST(test_R6_3_first_bursts_before_repeats)
{
    world_start(3, 1000, 10);
    move_all(NET, 0, 10); /* uses up the limit; repeats come due from 1 s on */
    for (unsigned i = 10; i < 60; i++) {
        world_pass(100 * MS);
        move_all(NET, i, 1);                /* as many new ones as the limit lets pass */
        ck_assert_uint_eq(w.n_sent, i + 1); /* at once; and no repeat between */
        ck_assert_uint_eq(vm_index(w.sent[i].mac), i);
    }
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, 60 * 4);
    check_rate(NET, 10);
    world_stop();
}
END_TEST

/* Who moves to and fro while he waits keeps his place, and does not get two. */
START_TEST(test_R6_3_swinging_mac_keeps_its_place)
{
    world_start(0, 1100, 1);
    move_all(NET, 0, 4);
    for (unsigned i = 0; i < 100; i++)
        move_all(NET, 1, 1);
    world_pass(10 * S);
    ck_assert_uint_eq(w.n_sent, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(vm_index(w.sent[i].mac), i);
    world_stop();
}
END_TEST

/* One network is emptied; a single VM of another one does not wait for it. */
START_TEST(test_R6_3_networks_have_limits_of_their_own)
{
    world_start(0, 1100, 100);
    move_all(NET, 0, 5000);
    move_all(NET + 1, 6000, 1);
    ck_assert_uint_eq(w.sent[w.n_sent - 1].net, NET + 1);
    ck_assert_uint_eq(announce_counts(w.a, NET + 1).limited, 0);
    world_stop();
}
END_TEST

/* The data plane is what limits: the networks take turns. */
START_TEST(test_R6_3_networks_take_turns)
{
    size_t n[4] = {0};

    world_start(1, 1100, CONF_NO_LIMIT);
    w.accept = 0;
    for (unsigned net = 1; net <= 3; net++)
        move_all((dp_net_id)net, 0, net == 3 ? 50 : 5000);
    for (unsigned i = 0; i < 10; i++) {
        w.accept = 15;
        world_pass(2 * MS);
    }
    for (size_t i = 0; i < w.n_sent; i++)
        n[w.sent[i].net]++;
    ck_assert_uint_ge(w.n_sent, 140);
    ck_assert_msg(n[1] + 3 >= w.n_sent / 3 && n[2] + 3 >= w.n_sent / 3 && n[3] + 3 >= w.n_sent / 3,
                  "%zu %zu %zu", n[1], n[2], n[3]);
    world_stop();
}
END_TEST

/* One call does a bounded amount, and says that there is more. */
START_TEST(test_one_run_is_bounded)
{
    mono_t at;

    world_start(0, 1100, CONF_NO_LIMIT);
    w.accept = 0;
    move_all(NET, 0, 5000);
    w.accept = UINT32_MAX;
    w.now += 10 * MS;
    announce_run(w.a, now());
    ck_assert(w.n_sent > 0 && w.n_sent <= 300);
    ck_assert(announce_next(w.a, &at) && at.ns <= w.now);
    world_pass(MS);
    ck_assert_uint_eq(w.n_sent, 5000);
    world_stop();
}
END_TEST

/* ---- bounds */

static struct mac many(unsigned i)
{
    return (struct mac){{0x02, 1, (uint8_t)(i >> 16), 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

START_TEST(test_R6_3_queue_of_a_network_is_bounded)
{
    struct announce_counts c;

    world_start(0, 1100, 1);
    for (unsigned i = 0; i < WORLD_HOSTS; i++)
        w.hosts[i].place = VTEPS(1);
    for (unsigned i = 0; i < ANNOUNCE_MAX_DUE + 1000; i++)
        announce_mac(w.a, NET, many(i), false, now());
    c = announce_counts(w.a, NET);
    ck_assert_uint_eq(c.waiting, ANNOUNCE_MAX_DUE);
    ck_assert_uint_eq(c.limited, ANNOUNCE_MAX_DUE + 999); /* 1 went out at once */
    ck_assert_uint_eq(announce_mac(w.a, NET + 1, many(1), false, now()), 1);
    world_stop();
}
END_TEST

/* Who waits for a repeat makes room for who was not announced at all. */
START_TEST(test_R6_3_repeats_make_room)
{
    struct announce_counts c;

    world_start(1, 1000, CONF_NO_LIMIT);
    for (unsigned i = 0; i < WORLD_HOSTS; i++)
        w.hosts[i].place = VTEPS(1);
    for (unsigned i = 0; i < ANNOUNCE_MAX_DUE; i++)
        announce_mac(w.a, NET, many(i), false, now());
    ck_assert_uint_eq(w.n_sent, ANNOUNCE_MAX_DUE);
    w.accept = 0;
    w.now += 2 * S;
    announce_run(w.a, now()); /* all repeats are due, none can go */
    c = announce_counts(w.a, NET);
    ck_assert(c.waiting == ANNOUNCE_MAX_DUE && c.limited == 0);
    for (unsigned i = 0; i < 100; i++)
        announce_mac(w.a, NET, many(ANNOUNCE_MAX_DUE + i), false, now());
    c = announce_counts(w.a, NET);
    ck_assert(c.waiting == ANNOUNCE_MAX_DUE && c.limited == 100);
    w.accept = UINT32_MAX;
    world_pass(10 * S);
    ck_assert_uint_eq(w.n_sent, 2 * ANNOUNCE_MAX_DUE - 100 + 2 * 100);
    world_stop();
}
END_TEST

/* All of it together is bounded, too. */
START_TEST(test_R6_3_all_is_bounded)
{
    uint64_t waiting;

    world_start(0, 1100, 1);
    for (unsigned i = 0; i < WORLD_HOSTS; i++)
        w.hosts[i].place = VTEPS(1);
    for (unsigned net = 1; net <= 12; net++) {
        for (unsigned i = 0; i < ANNOUNCE_MAX_DUE; i++)
            announce_mac(w.a, (dp_net_id)net, many(i), false, now());
    }
    waiting = announce_counts(w.a, 0).waiting;
    ck_assert_uint_le(waiting, ANNOUNCE_MAX_MACS);
    ck_assert_uint_ge(waiting, ANNOUNCE_MAX_MACS - 12);
    /* Those that are done are the first that make room. */
    world_pass(3 * S);
    ck_assert_uint_le(announce_mac(w.a, 13, many(1), false, now()), 1);
    ck_assert_uint_gt(announce_sent_for(w.a, 13, many(1)), 0);
    world_stop();
}
END_TEST

/* ---- size */

/* 10,000 VMs with an IPv4 and an IPv6 address leave a site within a minute, settings as they are by default:
 * how long does the slowest first burst wait? */
START_TEST(test_R6_3_evacuation)
{
    uint64_t longest = 0, *moved = calloc(10000, sizeof(*moved));
    size_t bursts = 0;

    ck_assert_ptr_nonnull(moved);
    world_start(2, 1100, 1000);
    for (unsigned i = 0; i < 10000; i++) {
        host_add_ip4(i, 1);
        host_add_ip6(i, 2);
        moved[i] = w.now;
        move_all(NET, i, 1);
        world_pass(6 * MS);
    }
    world_pass(120 * S);
    for (size_t i = 0; i < w.n_sent; i++) {
        uint64_t *m = &moved[vm_index(w.sent[i].mac)];

        if (*m != 0 && w.sent[i].at - *m > longest)
            longest = w.sent[i].at - *m;
        bursts += *m != 0;
        *m = 0; /* its first frame was found */
    }
    ck_assert_uint_eq(bursts, 10000);
    ck_assert_uint_eq(w.n_sent, 10000 * 3 * 3);
    ck_assert_msg(longest <= 20 * MS, "%.1f ms", (double)longest / 1e6);
    check_rate(NET, 1000);
    free(moved);
    world_stop();
}
END_TEST

/* Each burst is looked at once, and once more for each time that it was cut or tried again: no searching. */
START_TEST(test_work_grows_with_the_moves_only)
{
    const unsigned macs = SCALE * 20000;

    world_start(2, 1100, 100000);
    for (unsigned i = 0; i < WORLD_HOSTS; i++)
        w.hosts[i].place = VTEPS(1);
    for (unsigned i = 0; i < macs; i++) {
        announce_mac(w.a, (dp_net_id)(1 + i % 4000), many(i), false, now());
        if (i % 100 == 0)
            world_pass(10 * MS);
    }
    world_pass(60 * S);
    ck_assert_uint_eq(w.n_sent, 3 * macs);
    ck_assert_uint_eq(announce_counts(w.a, 0).waiting, 0);
    ck_assert_uint_le(w.looks, 3 * macs);
    world_stop();
}
END_TEST

/* ---- random */

#define MACS 60
#define NETS 3

static uint64_t rng;

static uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 20) % below);
}

/* What a MAC must get: bursts since it moved last. MAC i is in network 1 + i % NETS. */
static struct model {
    bool moved, gone; /* since it moved last */
    uint64_t at, last_burst;
    unsigned bursts;
} model[MACS];

static bool first_burst_waits(unsigned net)
{
    for (unsigned i = 0; i < MACS; i++) {
        if (1 + i % NETS == net && model[i].moved && !model[i].gone && model[i].bursts == 0)
            return true;
    }
    return false;
}

/* Goes through the frames sent since `from`: each where it may go, none before its time or turn. */
static void check_frames(size_t from, uint32_t interval_ms)
{
    for (size_t i = from; i < w.n_sent; i++) {
        const struct sent *s = &w.sent[i];
        const struct host *h = &w.hosts[vm_index(s->mac)];
        struct model *m = &model[vm_index(s->mac)];

        ck_assert(m->moved && !m->gone); /* who never moved is never announced */
        if (h->place.where == DP_WHERE_PORT)
            ck_assert_uint_eq(s->except, h->place.target);
        else
            ck_assert_uint_eq(s->except, DP_NO_PORT);
        if (s->kind != ANNOUNCE_RARP && s->kind != ANNOUNCE_GARP_REQUEST)
            continue;
        /* One RARP, or one request, is one burst. */
        ck_assert_uint_ge(s->at, m->at);
        if (m->bursts > 0) {
            ck_assert_msg(s->at >= m->last_burst + interval_ms * MS, "burst %u comes too early", m->bursts);
            ck_assert_msg(!first_burst_waits(s->net), "a repeat before a first burst");
        }
        m->bursts++;
        m->last_burst = s->at;
    }
}

static void random_step(void)
{
    unsigned i = rnd(MACS);
    struct host *h = &w.hosts[i];

    switch (rnd(20)) {
    case 0:
        h->place.where = 0;
        model[i].gone = true;
        break;
    case 1:
        w.accept = rnd(3) ? UINT32_MAX : rnd(50);
        break;
    default:
        if (rnd(3) || h->place.where == 0)
            h->place = rnd(2) ? PORTS((uint16_t)rnd(4)) : VTEPS((uint16_t)(1 + rnd(4)));
        model[i] = (struct model){.moved = true, .at = w.now};
        announce_mac(w.a, (dp_net_id)(1 + i % NETS), vm(i), false, now());
    }
}

static void random_run(uint32_t repeats, uint32_t interval_ms, uint32_t limit)
{
    size_t seen = 0;

    world_start(repeats, interval_ms, limit);
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < MACS; i++) {
        if (rnd(3))
            host_add_ip4(i, 1);
    }
    for (unsigned step = 0; step < 1500; step++) {
        unsigned moves = rnd(4) ? 1 : rnd(30);

        while (moves-- > 0) {
            random_step();
            check_frames(seen, interval_ms);
            seen = w.n_sent;
        }
        world_pass(rnd(3) ? rnd(50) * MS : rnd(2000) * MS);
        check_frames(seen, interval_ms);
        seen = w.n_sent;
    }
    w.accept = UINT32_MAX;
    world_pass(600 * S);
    check_frames(seen, interval_ms);
    for (unsigned net = 1; net <= NETS; net++)
        check_rate((dp_net_id)net, limit);
    for (unsigned i = 0; i < MACS; i++) {
        ck_assert_uint_le(model[i].bursts, repeats + 1);
        if (model[i].moved && !model[i].gone)
            ck_assert_uint_eq(model[i].bursts, repeats + 1);
    }
    ck_assert_uint_eq(announce_counts(w.a, 0).waiting, 0);
    world_stop();
}

START_TEST(test_R6_3_random)
{
    const char *seed = getenv("ANNOUNCE_SEED");
    uint64_t first = seed ? strtoull(seed, NULL, 0) : mono_now().ns;

    printf("ANNOUNCE_SEED=%llu\n", (unsigned long long)first);
    fflush(stdout);
    for (unsigned i = 0; i < 8; i++) {
        rng = (first + i) * 2654435761u | 1;
        random_run(rnd(4), 1000 + rnd(2000), 1 + rnd(rnd(2) ? 20 : 1000));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("announce_limit");
    TCase *tc = tcase_create("announce_limit"), *size = tcase_create("size");

    tcase_add_test(tc, test_R6_3_limit);
    tcase_add_test(tc, test_R6_3_limit_of_one);
    tcase_add_test(tc, test_R6_3_unlimited);
    tcase_add_test(tc, test_R6_3_limit_cuts_a_burst);
    tcase_add_test(tc, test_R6_3_cut_burst_of_who_moved_on);
    tcase_add_test(tc, test_R6_3_first_bursts_before_repeats);
    tcase_add_test(tc, test_R6_3_swinging_mac_keeps_its_place);
    tcase_add_test(tc, test_R6_3_networks_have_limits_of_their_own);
    tcase_add_test(tc, test_R6_3_networks_take_turns);
    tcase_add_test(tc, test_one_run_is_bounded);
    tcase_add_test(tc, test_R6_3_queue_of_a_network_is_bounded);
    tcase_add_test(tc, test_R6_3_repeats_make_room);
    tcase_add_test(tc, test_R6_3_all_is_bounded);
    suite_add_tcase(s, tc);
    tcase_set_timeout(size, 600); /* a busy machine with sanitizers */
    tcase_add_test(size, test_R6_3_evacuation);
    tcase_add_test(size, test_work_grows_with_the_moves_only);
    tcase_add_test(size, test_R6_3_random);
    suite_add_tcase(s, size);
    return run_suite(s);
}
