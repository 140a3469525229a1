/* SPDX-License-Identifier: BSD-3-Clause
 *
 * BGP sessions between instances of ours, over the kernel's loopback: opening, collision, passwords,
 * distance, long tables, refresh, shutdown, configuration at run time. Needs root: each test has a network
 * namespace of its own.
 */
#include "tests/unit/bgp_fake.h"
#include "tests/unit/suite.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static uint64_t got(const struct bgp_session *s, enum bgp_type type)
{
    return s->counters.in.messages[type];
}

/* Two nodes of one AS that are up, A at .1 with both ends dialling unless c says otherwise. */
struct pair {
    struct node a, b;
    struct bgp_session *ab, *ba;
};

static void pair_up(struct pair *p)
{
    struct bgp_peer_config c;

    node_make(&p->a, 65000, "198.18.0.1");
    node_make(&p->b, 65000, "198.18.0.2");
    c = peer_config(65000, "198.18.0.1", "198.18.0.2");
    p->ab = peer_add(&p->a, &c);
    c = peer_config(65000, "198.18.0.2", "198.18.0.1");
    c.passive = true;
    p->ba = peer_add(&p->b, &c);
    UNTIL(10, is_up(p->ab) && is_up(p->ba));
}

static void pair_end(struct pair *p)
{
    bgp_free(p->a.bgp);
    bgp_free(p->b.bgp);
}

/* ---- opening */

START_TEST(test_R2_3_both_dial)
{
    struct node a, b;
    struct bgp_session *ab, *ba;
    struct bgp_peer_config c;

    node_make(&a, 65000, "198.18.0.1");
    node_make(&b, 65000, "198.18.0.2");
    c = peer_config(65000, "198.18.0.1", "198.18.0.2");
    ab = peer_add(&a, &c);
    c = peer_config(65000, "198.18.0.2", "198.18.0.1");
    ba = peer_add(&b, &c);
    UNTIL(10, is_up(ab) && is_up(ba));
    /* It lasts: longer than the hold time. */
    UNTIL(10, got(ab, BGP_KEEPALIVE) >= 5 && got(ba, BGP_KEEPALIVE) >= 5);
    ck_assert_uint_eq(a.ups + b.ups, 2);
    ck_assert_uint_eq(a.downs + b.downs, 0);
    ck_assert_uint_eq(lines_with("198.18.0.2", "session established"), 1);
    bgp_free(a.bgp);
    bgp_free(b.bgp);
}
END_TEST

START_TEST(test_passive_and_active)
{
    struct bgp_session_status st;
    struct pair p;

    pair_up(&p);
    bgp_session_status(p.ba, &st);
    ck_assert(st.negotiated->incoming);
    ck_assert_uint_eq(st.negotiated->hold_s, 3);
    ck_assert_uint_eq(st.negotiated->keepalive_s, 1);
    ck_assert(st.negotiated->refresh && st.negotiated->as4 && st.negotiated->extended_message);
    ck_assert(st.capabilities && st.capabilities->graceful.present);
    ck_assert(!st.ebgp);
    ck_assert_uint_eq(st.local_port, PORT);
    ck_assert(ipaddr_eq(&st.remote, &p.ba->cfg.address));
    ck_assert(ipaddr_eq(&st.local, &p.ba->cfg.source));
    ck_assert_uint_ne(st.since.ns, 0);
    bgp_session_status(p.ab, &st);
    ck_assert(!st.negotiated->incoming);
    ck_assert_uint_eq(st.remote_port, PORT);
    ck_assert_uint_eq(st.fsm->established, 1);
    pair_end(&p);
}
END_TEST

START_TEST(test_ipv6_ebgp)
{
    struct bgp_session_status st;
    struct bgp_session *ab, *ba;
    struct bgp_peer_config c;
    struct node a, b;

    node_make(&a, 65001, "fd00:18::1");
    node_make(&b, 4200000002, "fd00:18::2");
    c = peer_config(4200000002, "fd00:18::1", "fd00:18::2");
    ab = peer_add(&a, &c);
    c = peer_config(65001, "fd00:18::2", "fd00:18::1");
    ba = peer_add(&b, &c);
    UNTIL(10, is_up(ab) && is_up(ba));
    bgp_session_status(ab, &st);
    ck_assert(st.ebgp);
    ck_assert_uint_eq(st.negotiated->peer.asn, 4200000002);
    ck_assert_uint_eq(st.remote.family, 6);
    bgp_free(a.bgp);
    bgp_free(b.bgp);
}
END_TEST

static int option(const struct bgp_session *s, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    ck_assert_int_eq(getsockopt(s->slots[s->up_conn].conn.fd, level, name, &value, &len), 0);
    return value;
}

/* eBGP stays on the link, multihop goes as far as it says, iBGP anywhere; CS6 and no delay on all, both ends.
 */
START_TEST(test_R2_4_ttl_and_options)
{
    static const struct {
        uint32_t asn;
        uint8_t multihop;
        int ttl;
    } rows[] = {{65002, 0, 1}, {65002, 5, 5}, {65001, 0, 64}};

    for (unsigned i = 0; i < 3; i++) {
        struct bgp_session *ab, *ba;
        struct bgp_peer_config c;
        struct node a, b;

        node_make(&a, 65001, "198.18.0.1");
        node_make(&b, rows[i].asn, "198.18.0.2");
        c = peer_config(rows[i].asn, "198.18.0.1", "198.18.0.2");
        c.multihop = rows[i].multihop;
        ab = peer_add(&a, &c);
        c = peer_config(65001, "198.18.0.2", "198.18.0.1");
        c.multihop = rows[i].multihop;
        c.passive = true;
        ba = peer_add(&b, &c);
        UNTIL(10, is_up(ab) && is_up(ba));
        for (unsigned k = 0; k < 2; k++) {
            const struct bgp_session *s = k ? ba : ab;

            ck_assert_int_eq(option(s, IPPROTO_IP, IP_TTL), rows[i].ttl);
            ck_assert_int_eq(option(s, IPPROTO_IP, IP_TOS), 0xc0);
            ck_assert_int_eq(option(s, IPPROTO_TCP, TCP_NODELAY), 1);
            ck_assert_int_eq(option(s, SOL_SOCKET, SO_KEEPALIVE), 1);
        }
        bgp_free(a.bgp);
        bgp_free(b.bgp);
    }
}
END_TEST

START_TEST(test_dial_errors_are_told_once)
{
    struct bgp_peer_config c = peer_config(65000, "198.18.0.1", "198.18.0.2");
    struct bgp_session *refused, *no_source;
    struct node a;

    node_make(&a, 65000, "198.18.0.1");
    refused = peer_add(&a, &c);
    c = peer_config(65000, "198.18.0.99", "198.18.0.3");
    no_source = peer_add(&a, &c);
    UNTIL(10, refused->fsm.counters.dials >= 3 && no_source->counters.dial_errors >= 3);
    ck_assert(last_error_has(refused, "Connection refused"));
    ck_assert(last_error_has(no_source, "Cannot assign requested address"));
    ck_assert_uint_eq(lines_with("198.18.0.2", "Connection refused"), 1);
    ck_assert_uint_eq(lines_with("198.18.0.3", "Cannot assign requested address"), 1);
    bgp_free(a.bgp);
}
END_TEST

/* ---- R2.6: passwords and distance */

START_TEST(test_R2_6_md5)
{
    static const char *const addresses[2][2] = {{"198.18.0.1", "198.18.0.2"}, {"fd00:18::1", "fd00:18::2"}};

    for (unsigned i = 0; i < 2; i++) {
        struct bgp_session *ab, *ba;
        struct bgp_peer_config c;
        char err[BGP_ERR_LEN];
        struct node a, b;

        node_make(&a, 65000, addresses[i][0]);
        node_make(&b, 65000, addresses[i][1]);
        c = peer_config(65000, addresses[i][0], addresses[i][1]);
        strcpy(c.password, "correct horse");
        ab = peer_add(&a, &c);
        c = peer_config(65000, addresses[i][1], addresses[i][0]);
        strcpy(c.password, "correct horse");
        ba = peer_add(&b, &c);
        UNTIL(10, is_up(ab) && is_up(ba));
        ck_assert_uint_eq(bgp_counters(a.bgp)->md5.wrong + bgp_counters(a.bgp)->md5.missing, 0);
        /* With the peer its key goes: what comes without one is let in, to be refused as unknown. */
        bgp_peer_remove(a.bgp, ab);
        c.password[0] = '\0';
        ck_assert_int_eq(bgp_peer_change(b.bgp, ba, &c, err), 0);
        UNTIL(10, bgp_counters(a.bgp)->unknown > 0);
        bgp_free(a.bgp);
        bgp_free(b.bgp);
    }
}
END_TEST

static void wrong_password(const char *ours, const char *theirs)
{
    struct bgp_session *ac, *ca;
    struct bgp_peer_config c;
    struct pair p;
    struct node n;

    pair_up(&p);
    node_make(&n, 65000, "198.18.0.3");
    c = peer_config(65000, "198.18.0.1", "198.18.0.3");
    strcpy(c.password, ours);
    ac = peer_add(&p.a, &c);
    c = peer_config(65000, "198.18.0.3", "198.18.0.1");
    strcpy(c.password, theirs);
    ca = peer_add(&n, &c);
    UNTIL(15, ac->counters.md5_errors > 0 && ca->counters.md5_errors > 0);
    UNTIL(15, ac->fsm.counters.dials >= 4);
    ck_assert(!is_up(ac) && !is_up(ca));
    ck_assert_uint_eq(lines_with("198.18.0.3: no session", "TCP MD5"), 1);
    ck_assert_uint_eq(lines_with("198.18.0.2: no session", "TCP MD5"), 0);
    ck_assert(is_up(p.ab) && is_up(p.ba));
    ck_assert_uint_eq(p.a.downs + p.b.downs, 0);
    ck_assert_uint_eq(p.ab->counters.md5_errors + p.ba->counters.md5_errors, 0);

    /* Mended at run time, it works. */
    if (ours[0]) {
        char err[BGP_ERR_LEN];

        strcpy(c.password, ours);
        ck_assert_int_eq(bgp_peer_change(n.bgp, ca, &c, err), 0);
        UNTIL(15, is_up(ac) && is_up(ca));
    }
    bgp_free(n.bgp);
    pair_end(&p);
}

START_TEST(test_R2_6_md5_wrong)
{
    wrong_password("correct horse", "battery staple");
}
END_TEST

START_TEST(test_R2_6_md5_one_side_only)
{
    struct bgp_session *ac, *ca;
    struct bgp_peer_config c;
    struct node a, n;

    node_make(&a, 65000, "198.18.0.1");
    node_make(&n, 65000, "198.18.0.3");
    c = peer_config(65000, "198.18.0.1", "198.18.0.3");
    strcpy(c.password, "secret");
    ac = peer_add(&a, &c);
    c = peer_config(65000, "198.18.0.3", "198.18.0.1");
    ca = peer_add(&n, &c);
    /* Each end sees what its own sockets drop, but the kernel counts for both: one namespace. */
    UNTIL(15, ac->counters.md5_errors > 0 && ca->counters.md5_errors > 0);
    ck_assert(!is_up(ac) && !is_up(ca));
    ck_assert_uint_eq(lines_with("198.18.0.3: no session", "with none"), 1);
    bgp_free(a.bgp);
    bgp_free(n.bgp);
}
END_TEST

START_TEST(test_md5_counts)
{
    char text[] = "TcpExt: SyncookiesSent TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure Last\nTcpExt: 1 2 3 "
                  "4 5\nIpExt: A\n";
    char none[] = "TcpExt: A B\nTcpExt: 1 2\n", broken[] = "TcpExt: A B", other[] = "IpExt: A\nIpExt: 1\n",
         empty[] = "";
    struct bgp_md5_counts c;

    ck_assert(bgp_md5_parse(text, &c));
    ck_assert_uint_eq(c.missing, 2);
    ck_assert_uint_eq(c.unexpected, 3);
    ck_assert_uint_eq(c.wrong, 4);
    ck_assert(!bgp_md5_parse(none, &c) && !bgp_md5_parse(broken, &c) && !bgp_md5_parse(other, &c));
    ck_assert(!bgp_md5_parse(empty, &c));
    ck_assert(bgp_md5_read(&c));
}
END_TEST

START_TEST(test_R2_6_gtsm)
{
    static const char *const addresses[2][2] = {{"198.18.0.1", "198.18.0.2"}, {"fd00:18::1", "fd00:18::2"}};

    for (unsigned i = 0; i < 2; i++) {
        struct bgp_session *ab, *ba;
        struct bgp_peer_config c;
        struct node a, b;

        node_make(&a, 65001, addresses[i][0]);
        node_make(&b, 65002, addresses[i][1]);
        c = peer_config(65002, addresses[i][0], addresses[i][1]);
        c.ttl_security = 1;
        ab = peer_add(&a, &c);
        c = peer_config(65001, addresses[i][1], addresses[i][0]);
        c.ttl_security = 1;
        c.passive = true;
        ba = peer_add(&b, &c);
        UNTIL(10, is_up(ab) && is_up(ba));
        ck_assert_uint_eq(ab->counters.refused_ttl + ba->counters.refused_ttl, 0);
        bgp_free(a.bgp);
        bgp_free(b.bgp);
    }
}
END_TEST

/* The other end sends with TTL 64, as if it had been 191 hops away. */
START_TEST(test_R2_6_gtsm_refuses)
{
    static const char *const addresses[2][2] = {{"198.18.0.1", "198.18.0.2"}, {"fd00:18::1", "fd00:18::2"}};

    for (unsigned i = 0; i < 2; i++) {
        struct bgp_session *ab, *ba;
        struct bgp_peer_config c;
        struct node a, b;

        node_make(&a, 65000, addresses[i][0]);
        node_make(&b, 65000, addresses[i][1]);
        c = peer_config(65000, addresses[i][0], addresses[i][1]);
        c.ttl_security = 1;
        ab = peer_add(&a, &c);
        c = peer_config(65000, addresses[i][1], addresses[i][0]);
        ba = peer_add(&b, &c);
        UNTIL(15, ab->counters.refused_ttl >= 2);
        ck_assert_uint_eq(a.ups + b.ups, 0);
        ck_assert(!is_up(ab) && !is_up(ba));
        ck_assert_uint_eq(lines_with(addresses[i][1], "farther away than ttl_security allows"), 1);
        bgp_free(a.bgp);
        bgp_free(b.bgp);
    }
}
END_TEST

/* ---- routes */

START_TEST(test_100000_updates_in_order)
{
    struct pair p;

    pair_up(&p);
    p.a.to_send = 100000;
    p.b.to_send = 1000; /* and some the other way */
    bgp_session_wake(p.ab);
    bgp_session_wake(p.ba);
    UNTIL(8,
          p.b.got == 100000 && p.a.got == 1000); /* many times what it takes without waiting for anything */
    ck_assert_uint_eq(p.b.updates, 100000);
    ck_assert_uint_eq(p.a.out_of_order + p.b.out_of_order, 0);
    UNTIL(5, p.ab->counters.out.messages[BGP_UPDATE] == 100000);
    ck_assert_uint_eq(p.ba->counters.in.messages[BGP_UPDATE], 100000);
    ck_assert_uint_eq(p.a.downs + p.b.downs, 0);
    /* Told everything, asked no more until woken. */
    UNTIL(5, !p.ab->pull_wanted);
    p.a.pulls = 0;
    p.a.to_send = 1;
    UNTIL(5, got(p.ba, BGP_KEEPALIVE) >= 5);
    ck_assert_uint_eq(p.a.pulls, 0);
    bgp_session_wake(p.ab);
    UNTIL(5, p.b.got == 100001);
    pair_end(&p);
}
END_TEST

START_TEST(test_R2_1_extended_messages)
{
    struct pair p;

    pair_up(&p);
    p.a.big = true;
    p.a.to_send = 20;
    bgp_session_wake(p.ab);
    UNTIL(10, p.b.updates == 20);
    ck_assert_uint_gt(p.a.largest_out, 65000);
    ck_assert_uint_gt(p.b.largest_in, 65000);
    ck_assert_uint_eq(p.b.got, p.a.sent);
    ck_assert_uint_eq(p.b.out_of_order, 0);
    pair_end(&p);
}
END_TEST

/* No later than the loop needs to turn: no timer delays it (issue 3, "at once"). */
START_TEST(test_update_goes_out_in_the_same_turn)
{
    struct pair p;

    pair_up(&p);
    UNTIL(5, !p.ab->pull_wanted);
    event_del(ticker);
    for (unsigned i = 1; i <= 100; i++) {
        p.a.to_send = 1;
        bgp_session_wake(p.ab);
        ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
        ck_assert_uint_eq(p.a.sent, i);
        while (p.b.got < i)
            turn();
    }
    pair_end(&p);
}
END_TEST

START_TEST(test_refresh_both_ways)
{
    struct bgp_peer_config c;
    struct pair p;

    pair_up(&p);
    UNTIL(5, !p.ab->pull_wanted && !p.ba->pull_wanted);
    p.a.pulls = p.b.pulls = 0;
    ck_assert_int_eq(bgp_session_refresh(p.ab), 0);
    UNTIL(5, p.b.refreshes == 1);
    UNTIL(5, p.b.pulls > 0); /* what it asked for is pulled without a wake */
    ck_assert_int_eq(bgp_session_refresh(p.ba), 0);
    UNTIL(5, p.a.refreshes == 1 && p.a.pulls > 0);
    ck_assert_uint_eq(got(p.ab, BGP_ROUTE_REFRESH), 1);
    ck_assert_uint_eq(p.ab->counters.out.messages[BGP_ROUTE_REFRESH], 1);
    c = peer_config(65000, "198.18.0.1", "198.18.0.4");
    ck_assert_int_eq(bgp_session_refresh(peer_add(&p.a, &c)), -ENOTCONN);
    pair_end(&p);
}
END_TEST

/* ---- what an operator does */

START_TEST(test_R2_3_shutdown_with_text)
{
    struct pair p;

    pair_up(&p);
    bgp_session_stop(p.ab, "maintenance at noon, caf\xc3\xa9 is open");
    ck_assert_uint_eq(p.a.downs, 1);
    UNTIL(5, p.b.downs == 1);
    ck_assert(last_error_has(p.ba, "Administrative Shutdown"));
    ck_assert(last_error_has(p.ba, "\"maintenance at noon, caf\xc3\xa9 is open\""));
    ck_assert_uint_eq(lines_with("198.18.0.1: session down", "maintenance at noon"), 1);
    ck_assert_uint_eq(p.b.graceful_downs + p.a.graceful_downs, 0);
    ck_assert(last_error_has(p.ab, "shut down by the operator"));
    bgp_session_start(p.ab);
    UNTIL(10, is_up(p.ab) && is_up(p.ba));
    bgp_session_reset(p.ba, "again");
    UNTIL(5, p.a.downs == 2);
    ck_assert(last_error_has(p.ab, "Administrative Reset") && last_error_has(p.ab, "\"again\""));
    UNTIL(10, is_up(p.ab) && is_up(p.ba));
    bgp_shutdown(p.b.bgp, NULL);
    UNTIL(5, p.a.downs == 3);
    /* It is refused with a word while the other end is shut. */
    UNTIL(15, last_error_has(p.ab, "Connection Rejected"));
    ck_assert_uint_ge(p.ba->fsm.counters.rejected, 1);
    pair_end(&p);
}
END_TEST

START_TEST(test_peers_come_and_go_at_run_time)
{
    struct bgp_peer_config c = peer_config(65000, "198.18.0.1", "198.18.0.2");
    char err[BGP_ERR_LEN];
    struct pair p;

    pair_up(&p);
    ck_assert_ptr_null(bgp_peer_add(p.a.bgp, &c, err));
    ck_assert_str_eq(err, "BGP: 198.18.0.2: there is such a peer already");
    c.max_prefixes = 5; /* no reason to end a session */
    ck_assert_int_eq(bgp_peer_change(p.a.bgp, p.ab, &c, err), 0);
    ck_assert(is_up(p.ab));
    c.hold_s = 6; /* but this is */
    ck_assert_int_eq(bgp_peer_change(p.a.bgp, p.ab, &c, err), 0);
    UNTIL(5, p.b.downs == 1);
    ck_assert(last_error_has(p.ba, "Other Configuration Change"));
    UNTIL(10, is_up(p.ab) && is_up(p.ba));
    c.ttl_security = c.multihop = 1;
    ck_assert_int_eq(bgp_peer_change(p.a.bgp, p.ab, &c, err), -EINVAL);
    ck_assert_ptr_eq(bgp_peer_find(p.a.bgp, &c.address), p.ab);
    ck_assert_ptr_eq(bgp_peer_next(p.a.bgp, NULL), p.ab);
    ck_assert_ptr_null(bgp_peer_next(p.a.bgp, p.ab));
    bgp_peer_remove(p.a.bgp, p.ab);
    UNTIL(5, p.b.downs == 2);
    ck_assert(last_error_has(p.ba, "Peer De-configured"));
    ck_assert_ptr_null(bgp_peer_find(p.a.bgp, &c.address));
    pair_end(&p);
}
END_TEST

START_TEST(test_configuration_errors)
{
    const struct bgp_local local = {.asn = 65000, .router_id = 1};
    struct bgp_peer_config good = peer_config(65000, "198.18.0.1", "198.18.0.2"), c;

    ck_assert_ptr_null(bgp_peer_config_check(&good, &local));
#define WRONG(field, value)                                                                                  \
    do {                                                                                                     \
        c = good;                                                                                            \
        c.field = value;                                                                                     \
        ck_assert_ptr_nonnull(bgp_peer_config_check(&c, &local));                                            \
    } while (0)
    WRONG(address.family, 0);
    WRONG(source, ip("fd00:18::1"));
    WRONG(source, good.address);
    WRONG(asn, 0);
    WRONG(port, 0);
    WRONG(hold_s, 1);
    WRONG(hold_s, 2);
    WRONG(graceful_restart_s, 4096);
    WRONG(warning_percent, 101);
    WRONG(ttl_security, (c.multihop = 2));
#undef WRONG
}
END_TEST

/* R2.7, as restarter: R and F in our OPEN, and a silent end that lets the peer keep our routes. */
START_TEST(test_R2_7_restarter)
{
    struct pair p;
    struct bgp_peer_config c = peer_config(65000, "198.18.0.1", "198.18.0.2");

    pair_up(&p);
    ck_assert(!p.ba->caps.graceful.restarted);
    ck_assert_uint_eq(p.ba->caps.graceful.time, 120);
    bgp_free(p.a.bgp);
    UNTIL(5, p.b.downs == 1);
    ck_assert_uint_eq(p.b.graceful_downs, 1);
    ck_assert(p.ba->stale);

    nodes_restarting = nodes_forwarding = true;
    node_make(&p.a, 65000, "198.18.0.1");
    p.ab = peer_add(&p.a, &c);
    UNTIL(10, is_up(p.ab) && is_up(p.ba));
    ck_assert(p.ba->caps.graceful.restarted);
    ck_assert(bgp_caps_graceful_evpn(&p.ba->caps)->forwarding);
    ck_assert_uint_eq(p.b.stale_ends, 0);
    ck_assert(p.ba->stale);
    /* The next one is an ordinary session, and lost without a restart. */
    bgp_session_reset(p.ab, NULL);
    UNTIL(10, p.b.ups == 3 && is_up(p.ab));
    ck_assert(!p.ba->caps.graceful.restarted);
    ck_assert(bgp_caps_graceful_evpn(&p.ba->caps)->forwarding);
    pair_end(&p);
}
END_TEST

START_TEST(test_up_without_memory)
{
    struct pair p;

    pair_up(&p);
    p.a.up_fails = true;
    bgp_session_reset(p.ab, NULL);
    UNTIL(10, p.b.ups == 2 && p.b.downs == 2);
    ck_assert(last_error_has(p.ba, "Out of Resources"));
    p.a.up_fails = false;
    UNTIL(20, is_up(p.ab) && is_up(p.ba));
    pair_end(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bgp_session");
    TCase *tc = tcase_create("two of ours");

    tcase_add_checked_fixture(tc, world_make, world_end);
    tcase_set_timeout(tc, 90);
    tcase_add_test(tc, test_R2_3_both_dial);
    tcase_add_test(tc, test_passive_and_active);
    tcase_add_test(tc, test_ipv6_ebgp);
    tcase_add_test(tc, test_R2_4_ttl_and_options);
    tcase_add_test(tc, test_dial_errors_are_told_once);
    tcase_add_test(tc, test_R2_6_md5);
    tcase_add_test(tc, test_R2_6_md5_wrong);
    tcase_add_test(tc, test_R2_6_md5_one_side_only);
    tcase_add_test(tc, test_md5_counts);
    tcase_add_test(tc, test_R2_6_gtsm);
    tcase_add_test(tc, test_R2_6_gtsm_refuses);
    tcase_add_test(tc, test_100000_updates_in_order);
    tcase_add_test(tc, test_R2_1_extended_messages);
    tcase_add_test(tc, test_update_goes_out_in_the_same_turn);
    tcase_add_test(tc, test_refresh_both_ways);
    tcase_add_test(tc, test_R2_3_shutdown_with_text);
    tcase_add_test(tc, test_peers_come_and_go_at_run_time);
    tcase_add_test(tc, test_configuration_errors);
    tcase_add_test(tc, test_R2_7_restarter);
    tcase_add_test(tc, test_up_without_memory);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
