/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The EVPN RIB, choosing: the whole order of best path, criterion by criterion, and sequences that wrap.
 */
#include "tests/unit/evpn_rib_world.h"

static void setup(void)
{
    struct evpn_rib_config c = default_config();

    world_start(&c);
    add_network(1);
}

/* ---- best path: each row differs from the base in what it says, and must lose or win for that reason only
 */

struct contender {
    const char *what;
    struct ipaddr vtep;
    uint32_t sequence;
    bool sticky;
    uint32_t local_pref, med, originator;
    unsigned path, clusters;
    enum bgp_origin origin;
    rib_peer_id peer;
    unsigned rd;
    const char *host;
};

static rib_peer_id ebgp_peer, ibgp_peer, ibgp_peer2;

static void enter(const struct contender *c)
{
    struct bgp_attrs a = attrs_for(c->vtep, 1);

    if (c->sequence || c->sticky)
        mobility(&a, c->sticky, c->sequence);
    a.local_pref = c->local_pref;
    a.origin = c->origin;
    if (c->med) {
        a.med = c->med;
        bgp_attrs_set(&a, BGP_MED);
    }
    for (unsigned i = 0; i < c->path; i++)
        bgp_as_path_prepend(&a.as_path, 65100 + i);
    if (c->originator) {
        a.originator_id = c->originator;
        bgp_attrs_set(&a, BGP_ORIGINATOR_ID);
    }
    for (unsigned i = 0; i < c->clusters; i++)
        a.clusters[a.n_clusters++] = 77 + i;
    if (c->clusters)
        bgp_attrs_set(&a, BGP_CLUSTER_LIST);
    announce(c->peer, &a, macip(c->rd, mac_n(7), c->host));
}

static void leave(const struct contender *c)
{
    withdraw(c->peer, macip(c->rd, mac_n(7), c->host));
}

/* Which of the two the RIB marks as best. */
static bool is_best(const struct contender *c)
{
    struct evpn_rib_filter f = {.by_mac = true, .mac = mac_n(7), .net = 1};
    struct evpn_nlri key = macip(c->rd, mac_n(7), c->host);
    struct evpn_rib_route r;
    uint64_t cursor = 0;

    while (evpn_rib_next(w.rib, &f, &cursor, &r, NULL, NULL))
        if (r.best)
            return r.peer == c->peer && evpn_key_cmp(&r.nlri, &key) == 0;
    return false;
}

static struct contender base(unsigned rd)
{
    return (struct contender){.vtep = vtep_n(5),
                              .sequence = 10,
                              .local_pref = 100,
                              .path = 2,
                              .med = 5,
                              .peer = ibgp_peer,
                              .rd = rd};
}

/* `better` wins over `worse`, whichever comes first, and the other takes over when it goes. */
static void beats(const char *what, const struct contender *better, const struct contender *worse)
{
    for (int order = 0; order < 2; order++) {
        enter(order ? better : worse);
        enter(order ? worse : better);
        ck_assert_msg(is_best(better), "%s, order %d", what, order);
        leave(better);
        ck_assert_msg(is_best(worse), "%s, order %d, after", what, order);
        leave(worse);
        ck_assert_uint_eq(w.n_macs, 0);
    }
}

START_TEST(test_R4_5_R4_6_R4_8_best_path_order)
{
    struct contender a, b;

    ebgp_peer = add_peer(9, true);
    ibgp_peer = add_peer(2, false);
    ibgp_peer2 = add_peer(3, false);

#define CASE(text, change_a, change_b)                                                                       \
    do {                                                                                                     \
        a = base(2);                                                                                         \
        b = base(1); /* the lower RD, the last tie-breaker, is on the side of the loser */                   \
        change_a;                                                                                            \
        change_b;                                                                                            \
        beats(text, &a, &b);                                                                                 \
    } while (0)

    CASE("sticky over sequence", (a.sticky = true, a.sequence = 0), b.sequence = 99);
    CASE("sequence among sticky", (a.sticky = true, a.sequence = 11), b.sticky = true);
    CASE("higher sequence over lower VTEP", a.sequence = 11, b.vtep = vtep_n(3));
    CASE("a sequence over none", a.sequence = 1, b.sequence = 0);
    CASE("wrap-around", a.sequence = 3, b.sequence = 0xfffffff0);
    CASE("wrap-around to 0", a.sequence = 0, b.sequence = 0xffffffff);
    CASE("over the middle of the circle", a.sequence = 0x80000001, b.sequence = 0x7fffffff);
    CASE("lowest VTEP over local preference", a.vtep = vtep_n(4), b.local_pref = 999);
    CASE("local preference over path", a.local_pref = 101, b.path = 1);
    CASE("path over origin", (a.path = 1, a.origin = BGP_ORIGIN_EGP), (void)0);
    CASE("origin over MED", a.med = 6, b.origin = BGP_ORIGIN_INCOMPLETE);
    CASE("MED over eBGP", a.med = 4, (b.peer = ebgp_peer, b.local_pref = 0));
    CASE("no MED is MED 0", a.med = 0, (b.peer = ebgp_peer));
    CASE("eBGP over router id", a.peer = ebgp_peer, (void)0);
    CASE("router id", (void)0, b.peer = ibgp_peer2);
    CASE("originator stands for the router id", (a.peer = ibgp_peer2, a.originator = 5), (void)0);
    CASE("cluster list", a.originator = 5, (b.originator = 5, b.clusters = 1));
    CASE("peer address", a.originator = 5, (b.originator = 5, b.peer = ibgp_peer2));
    CASE("RD", a.rd = 1, b.rd = 2);
    CASE("MAC-only over MAC+IP", a.rd = 1, b.host = "10.0.0.7");
    CASE("lower IP", (a.rd = 1, a.host = "10.0.0.6"), b.host = "10.0.0.7");
    CASE("IPv4", (a.rd = 1, a.host = "10.0.0.7"), b.host = "fd00::1");
#undef CASE
}
END_TEST

/* Three numbers around the circle, each "newer" than the one before: the answer must not depend on the order.
 */
START_TEST(test_R4_6_sequences_all_around_the_circle)
{
    static const uint32_t seq[3] = {0x10, 0x60000000, 0xc0000000};
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    uint32_t first = 0;

    ibgp_peer = add_peer(2, false);
    for (int o = 0; o < 6; o++) {
        for (int i = 0; i < 3; i++) {
            struct contender c = base((unsigned)orders[o][i] + 1);

            c.sequence = seq[orders[o][i]];
            enter(&c);
        }
        if (o == 0)
            first = best_of(1, mac_n(7))->sequence;
        ck_assert_uint_eq(best_of(1, mac_n(7))->sequence, first);
        for (unsigned i = 1; i <= 3; i++)
            withdraw(ibgp_peer, macip(i, mac_n(7), NULL));
    }
}
END_TEST

/* eBGP: LOCAL_PREF and ORIGINATOR_ID that somebody sends all the same mean nothing (RFC 4271 section 5.1.5).
 */
START_TEST(test_best_path_ebgp_local_pref_is_ours)
{
    rib_peer_id e1 = add_peer(2, true), e2 = add_peer(3, true);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1);
    struct bgp_rules as_ibgp = {.ebgp = false, .as4 = true};
    struct bgp_attrs out;
    struct evpn_rib_filter f = {.peer = e2};
    struct evpn_rib_route r;
    uint64_t cursor = 0;
    struct bgp_pack pack;
    uint8_t msg[4096];
    struct evpn_nlri n = macip(1, mac_n(7), NULL);

    bgp_as_path_prepend(&a.as_path, 65001);
    announce(e1, &a, n);
    a.local_pref = 4000;
    a.originator_id = OUR_ID;
    bgp_attrs_set(&a, BGP_ORIGINATOR_ID);
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, sizeof(msg), &a, &as_ibgp), 0);
    ck_assert(bgp_pack_add(&pack, &n));
    receive(e2, msg, bgp_pack_end(&pack));
    ck_assert_uint_eq(best_of(1, mac_n(7))->peer, e1); /* by router id */
    ck_assert(evpn_rib_next(w.rib, &f, &cursor, &r, &out, NULL));
    ck_assert(!bgp_attrs_has(&out, BGP_LOCAL_PREF));
    ck_assert(!bgp_attrs_has(&out, BGP_ORIGINATOR_ID));
}
END_TEST

START_TEST(test_R4_7_an_older_path_serves_again)
{
    rib_peer_id p = add_peer(2, false), q = add_peer(3, false);
    struct bgp_attrs a = attrs_for(vtep_n(2), 1), b = attrs_for(vtep_n(3), 1);

    mobility(&b, false, 8);
    announce(q, &b, macip(2, mac_n(7), NULL));
    announce(p, &a, macip(1, mac_n(7), NULL)); /* the other one restarted: no sequence */
    assert_at(1, mac_n(7), vtep_n(3));
    withdraw(q, macip(2, mac_n(7), NULL));
    assert_at(1, mac_n(7), vtep_n(2));
    withdraw(q, macip(2, mac_n(7), NULL)); /* late, and once more */
    assert_at(1, mac_n(7), vtep_n(2));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evpn_rib_best");
    TCase *tc = tcase_create("best path");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, setup, world_stop);
    tcase_add_test(tc, test_R4_5_R4_6_R4_8_best_path_order);
    tcase_add_test(tc, test_R4_6_sequences_all_around_the_circle);
    tcase_add_test(tc, test_best_path_ebgp_local_pref_is_ours);
    tcase_add_test(tc, test_R4_7_an_older_path_serves_again);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
