/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Millions of random events among three gateways (see mobility_world.h): several MACs in several networks,
 * with IPs, two access ports, ageing, restarts, lost ports and VTEPs, sticky MACs, clones. Every few hundred
 * events all that is under way is delivered, each host speaks once more where that is needed, and then all
 * tables must agree. SEED=N repeats a run; STEPS=N makes it longer.
 */
#include "tests/unit/mobility_world.h"

#define PORTS 2 /* 1 and 2 */
#define MACS  6
#define NETS  2

static uint64_t seed, rng;
static unsigned round_no;

static void tell_seed(void)
{
    fprintf(stderr, "SEED=%llu, round %u\n", (unsigned long long)seed, round_no);
}

static uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 20) % below);
}

static void start(void)
{
    const char *env = getenv("SEED");

    seed = env ? strtoull(env, NULL, 0) : mono_now().ns;
    rng = seed * 2 + 1;
    round_no = 0;
    world_story = tell_seed;
    printf("SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    world_open(MACS, NETS);
}

static unsigned steps(unsigned normal)
{
    const char *env = getenv("STEPS");

    return env ? (unsigned)strtoul(env, NULL, 0) : normal;
}

/* ---- hosts */

static struct host {
    unsigned gateway, port, ip; /* ip 0: it says none */
    bool spoke;
} hosts[MACS];

/* A frame, and when it is an ARP what that shows. */
static void speak(unsigned m, unsigned g, unsigned port, unsigned ip)
{
    struct ipaddr a = ip_of(m, ip);
    const struct mac_entry *e;

    world_frame(g, m, port);
    e = entry_at(g, m);
    if (!ip || !e || e->where != DP_WHERE_PORT)
        return;
    w.turn++;
    MUST(mactable_local_ip(w.g[g].t, net_of(m), mac_of(m), &a) == 0 || e->duplicate);
}

static void host_speaks(unsigned m)
{
    hosts[m].spoke = true;
    speak(m, hosts[m].gateway, hosts[m].port, hosts[m].ip);
}

static void deliver_one(void)
{
    unsigned first = rnd(GATEWAYS * GATEWAYS);

    for (unsigned i = 0; i < GATEWAYS * GATEWAYS; i++) {
        unsigned c = (first + i) % (GATEWAYS * GATEWAYS);

        if (w.ch[c / GATEWAYS][c % GATEWAYS].n) {
            world_deliver(c / GATEWAYS, c % GATEWAYS);
            return;
        }
    }
}

/* No channel may fill up. */
static void deliver_some(void)
{
    unsigned n = rnd(4);

    for (unsigned i = 0; i < GATEWAYS * GATEWAYS; i++)
        if (w.ch[i / GATEWAYS][i % GATEWAYS].n > CHANNEL_LEN / 2)
            n = 300;
    while (n--)
        deliver_one();
}

static void lose_port(unsigned g)
{
    w.turn++;
    mactable_clear_at(w.g[g].t, DP_WHERE_PORT, (uint16_t)(1 + rnd(PORTS)), w.now);
}

static void pass_time(void)
{
    w.now.ns += 1000000ull * rnd(20000);
    for (unsigned g = 0; g < GATEWAYS; g++) {
        w.turn++;
        mactable_age(w.g[g].t, w.now, 64);
    }
}

static void random_event(unsigned movers)
{
    uint32_t what = rnd(1000);
    unsigned m = rnd(movers);

    if (what < 500) {
        deliver_some();
    } else if (what < 750) {
        host_speaks(m);
    } else if (what < 900) {
        hosts[m].gateway = rnd(GATEWAYS);
        hosts[m].port = 1 + rnd(PORTS);
        hosts[m].ip = rnd(MAX_IPS);
        if (rnd(4))
            host_speaks(m);
    } else if (what < 940) {
        pass_time();
    } else if (what < 970) {
        world_age(rnd(GATEWAYS));
    } else if (what < 980) {
        lose_port(rnd(GATEWAYS));
    } else if (what < 983) {
        w.vteps_are_lost = rnd(2);
    } else if (what < 987) {
        world_restart(rnd(GATEWAYS));
    }
}

/* ---- agreement */

static void expect_ip(unsigned m, unsigned owner, unsigned ip)
{
    struct ipaddr a = ip_of(m, ip);

    for (unsigned g = 0; g < GATEWAYS; g++) {
        struct mac_ip_info ips[MAX_IPS];
        unsigned n = mactable_ips(w.g[g].t, net_of(m), mac_of(m), ips, MAX_IPS), found = 0;

        for (unsigned i = 0; i < n; i++) {
            if (!ipaddr_eq(&ips[i].ip, &a))
                continue;
            MUST(ips[i].local == (g == owner));
            MUST(ips[i].remote == (g != owner));
            found++;
        }
        MUST(found == 1);
    }
}

/* Once more where it is, if that is not known; then all know it, and where its IP is. */
static void settle(unsigned m)
{
    unsigned owner = check_agreement(m);

    if (!hosts[m].spoke)
        return;
    if (owner != hosts[m].gateway || hosts[m].ip) {
        host_speaks(m);
        world_drain();
        owner = check_agreement(m);
    }
    MUST(owner == hosts[m].gateway);
    if (hosts[m].ip)
        expect_ip(m, owner, hosts[m].ip);
}

static void unfreeze(unsigned m)
{
    struct mac mac = mac_of(m);

    for (unsigned g = 0; g < GATEWAYS; g++) {
        w.turn++;
        mactable_clear_duplicate(w.g[g].t, net_of(m), &mac, w.now);
    }
    world_drain();
}

static void play_round(unsigned movers, unsigned events)
{
    for (unsigned i = 0; i < events; i++)
        random_event(movers);
    world_drain();
    for (unsigned m = 0; m < movers; m++) {
        check_agreement(m);
        unfreeze(m);
        settle(m);
    }
    round_no++;
}

static void play(unsigned n, unsigned movers)
{
    memset(hosts, 0, sizeof(hosts));
    for (unsigned m = 0; m < MACS; m++)
        hosts[m].port = 1;
    for (unsigned i = 0; i < n; i += 300)
        play_round(movers, 300);
}

static void set_duplicates(unsigned moves)
{
    for (unsigned g = 0; g < GATEWAYS; g++)
        MUST(mactable_set_duplicates(w.g[g].t, moves, 180, 0) == 0);
}

static uint64_t duplicates(void)
{
    uint64_t n = 0;

    for (unsigned g = 0; g < GATEWAYS; g++)
        n += mactable_stats(w.g[g].t).duplicates;
    return n;
}

START_TEST(test_R4_random)
{
    start();
    set_duplicates(0);
    for (unsigned m = 0; m < MACS; m++)
        world_arrive(m, rnd(GATEWAYS), 0xffffff00 + rnd(500)); /* R4.6 */
    play(steps(3000000), MACS);
    ck_assert_uint_eq(duplicates(), 0);
    world_close();
}
END_TEST

/* With R5.1 on, hosts that move as often as these do freeze; an operator clears that. */
START_TEST(test_R5_1_random)
{
    start();
    set_duplicates(5);
    MUST(mactable_set_duplicates(w.g[2].t, 5, 180, 60) == 0);
    play(steps(2000000), MACS);
    printf("%llu duplicates\n", (unsigned long long)duplicates());
    ck_assert_uint_gt(duplicates(), 0);
    world_close();
}
END_TEST

/* The last MAC is configured at gateway 0, and never known elsewhere for longer than its route is under way,
 * wherever else it speaks. */
START_TEST(test_R4_8_random)
{
    struct dp_dest fixed = {.where = DP_WHERE_PORT, .target = 1, .is_static = true};
    unsigned m = MACS - 1;
    uint64_t sticky_moves = 0;

    start();
    set_duplicates(0);
    memset(hosts, 0, sizeof(hosts));
    for (unsigned round = 0; round < steps(500000) / 100; round++) {
        w.turn++;
        mactable_add_static(w.g[0].t, net_of(m), mac_of(m), fixed, w.now); /* it may have restarted */
        for (unsigned i = 0; i < 100; i++) {
            hosts[0].port = 1;
            random_event(1);
            if (rnd(10) == 0)
                speak(m, rnd(GATEWAYS), 1 + rnd(PORTS), 0);
        }
        w.turn++;
        mactable_add_static(w.g[0].t, net_of(m), mac_of(m), fixed, w.now);
        world_drain();
        MUST(check_agreement(m) == 0);
        MUST(entry_at(0, m)->origin == MAC_STATIC && entry_at(1, m)->route_sticky);
        round_no++;
    }
    for (unsigned g = 0; g < GATEWAYS; g++)
        sticky_moves += mactable_stats(w.g[g].t).sticky_moves;
    ck_assert_uint_gt(sticky_moves, 0);
    world_close();
}
END_TEST

/* ---- clones: hosts with one MAC at several gateways, that never stop */

#define DUP_MOVES 5

static void clones_speak(unsigned n)
{
    for (unsigned g = 0; g < n; g++)
        speak(0, g, 1, 0);
}

static void clones_end(unsigned n)
{
    unsigned frozen = 0, owner;

    for (unsigned i = 0; i < 20; i++) {
        clones_speak(n);
        world_drain();
    }
    /* Nothing moves any more. */
    for (unsigned i = 0; i < 5; i++) {
        clones_speak(n);
        MUST(quiet());
    }
    owner = check_agreement(0);
    MUST(owner < n);
    for (unsigned g = 0; g < GATEWAYS; g++) {
        bool is_frozen = entry_at(g, 0)->duplicate;

        frozen += is_frozen;
        /* A route that was withdrawn, when the next one is still under way, leaves a MAC that is new. */
        MUST(w.g[g].adverts - w.g[g].fresh <= DUP_MOVES);
        MUST(w.g[g].alerts[MAC_ALERT_DUPLICATE] == is_frozen);
        MUST(n > 2 || g == owner || entry_at(g, 0)->target == vtep_of(owner));
    }
    MUST(frozen == n - 1);
}

START_TEST(test_R5_1_clones_end_frozen)
{
    start();
    set_duplicates(DUP_MOVES);
    for (round_no = 0; round_no < steps(2000000) / 200; round_no++) {
        unsigned n = 2 + rnd(2), left = rnd(n);

        world_reset();
        for (unsigned i = 0; i < 200; i++) {
            if (rnd(3))
                deliver_one();
            else
                speak(0, rnd(n), 1, 0);
            w.now.ns += 1000000;
        }
        world_drain();
        clones_end(n);
        /* All but one are shut down, and an operator clears it. */
        unfreeze(0);
        speak(0, left, 1, 0);
        world_drain();
        MUST(check_agreement(0) == left);
        MUST(!entry_at(0, 0)->duplicate && !entry_at(1, 0)->duplicate && !entry_at(2, 0)->duplicate);
    }
    world_close();
}
END_TEST

/* Some of them behind two ports of one gateway, where no route takes part. */
START_TEST(test_R5_1_clones_behind_ports_end_frozen)
{
    start();
    set_duplicates(DUP_MOVES);
    for (round_no = 0; round_no < steps(1000000) / 200; round_no++) {
        unsigned n = 2 + rnd(3), first = rnd(GATEWAYS * PORTS), owner;

        world_reset();
        for (unsigned i = 0; i < 200; i++) {
            unsigned place = (first + rnd(n)) % (GATEWAYS * PORTS);

            if (rnd(3))
                speak(0, place / PORTS, 1 + place % PORTS, rnd(MAX_IPS));
            else
                deliver_one();
            w.now.ns += 1000000;
        }
        for (unsigned i = 0; i < 25; i++) {
            for (unsigned k = 0; k < n; k++) {
                unsigned place = (first + k) % (GATEWAYS * PORTS);

                speak(0, place / PORTS, 1 + place % PORTS, 0);
                MUST(i < 20 || quiet());
            }
            world_drain();
        }
        owner = check_agreement(0);
        MUST(owner < GATEWAYS);
        for (unsigned g = 0; g < GATEWAYS; g++) {
            MUST(w.g[g].adverts <= (1 + DUP_MOVES) * MAX_IPS);
            MUST(entry_at(g, 0)->moves <= GATEWAYS * DUP_MOVES); /* those of others are not counted here */
            MUST(w.g[g].alerts[MAC_ALERT_DUPLICATE] == entry_at(g, 0)->duplicate);
        }
        unfreeze(0);
        speak(0, first / PORTS, 1 + first % PORTS, 0);
        world_drain();
        MUST(check_agreement(0) == first / PORTS);
    }
    world_close();
}
END_TEST

/* ---- R4.7 */

static void move_announced(unsigned from, unsigned to)
{
    mono_t until = {w.now.ns + 1000000000};

    mactable_expect_move(w.g[from].t, net_of(0), mac_of(0), vtep_of(to), until);
    mactable_expect_move(w.g[to].t, net_of(0), mac_of(0), 0, until);
    speak(0, to, 1, 0);
    world_drain();
    w.now.ns += 1000000;
    MUST(check_agreement(0) == to);
}

START_TEST(test_R4_7_R5_2_thirty_moves_are_as_one)
{
    struct gateway_model once[GATEWAYS];

    start();
    speak(0, 0, 1, 1);
    world_drain();
    move_announced(0, 1);
    memcpy(once, w.g, sizeof(once));
    for (unsigned i = 0; i < 30; i++)
        move_announced((i + 1) % 2, i % 2);
    for (unsigned g = 0; g < GATEWAYS; g++) {
        ck_assert_uint_eq(mactable_count(w.g[g].t), 1);
        ck_assert_uint_eq(entry_at(g, 0)->seq, g == 1 ? 31 : 0);
        ck_assert_mem_eq(once[g].fdb, w.g[g].fdb, sizeof(once[g].fdb));
        for (unsigned i = 0; i < MAX_IPS; i++) {
            ck_assert_int_eq(once[g].out[0][i].valid, w.g[g].out[0][i].valid);
            for (unsigned p = 0; p < GATEWAYS; p++)
                ck_assert_int_eq(once[g].in[p][0][i].valid, w.g[g].in[p][0][i].valid);
        }
        ck_assert_uint_eq(w.g[g].alerts[MAC_ALERT_DUPLICATE], 0);
    }
    /* The IP went with it each time, although nobody showed it again. */
    expect_ip(0, 1, 1);
    world_close();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mobility_random");
    TCase *c = tcase_create("random");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(c, test_R4_random);
    tcase_add_test(c, test_R5_1_random);
    tcase_add_test(c, test_R4_8_random);
    tcase_add_test(c, test_R5_1_clones_end_frozen);
    tcase_add_test(c, test_R5_1_clones_behind_ports_end_frozen);
    tcase_add_test(c, test_R4_7_R5_2_thirty_moves_are_as_one);
    tcase_set_timeout(c, 600);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
