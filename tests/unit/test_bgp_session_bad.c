/* SPDX-License-Identifier: BSD-3-Clause
 *
 * BGP sessions with peers that do not behave: silence, half messages, garbage, wrong AS, unknown addresses,
 * several connections, a peer that never reads, one that restarts. Each must cost its own session at most,
 * leave a counter and a line in the log that says which and why; another session beside it must not notice.
 * Needs root.
 */
#include "tests/unit/bgp_raw.h"
#include "tests/unit/suite.h"

#include <sys/resource.h>

static struct raw raw, raw2;
static uint8_t body[BGP_MSG_EXT_MAX];

static void send_end_of_rib(struct raw *r)
{
    const struct bgp_family evpn = {BGP_AFI_L2VPN, BGP_SAFI_EVPN};
    uint8_t msg[64];
    int n = bgp_end_of_rib_encode(evpn, msg, sizeof(msg));

    ck_assert_int_gt(n, 0);
    raw_send(r, msg, (size_t)n);
}

START_TEST(test_R2_3_hold_timer)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    struct victim v;

    victim_up(&v, &c, &raw, &o);
    raw_expect_notification(&raw, BGP_ERR_HOLD_TIMER, 0);
    ck_assert_uint_eq(v.a.downs, 1);
    ck_assert(last_error_has(v.peer, "hold timer expired"));
    ck_assert_uint_eq(lines_with("198.18.0.2", "hold timer expired"), 1);
    UNTIL(5, raw_ended(&raw));
    victim_quit(&v, &raw);
}
END_TEST

START_TEST(test_half_a_message_then_silence)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    uint8_t half[50];
    struct victim v;

    memset(half, 0xff, sizeof(half));
    half[16] = 0;
    half[17] = 100;
    half[18] = BGP_UPDATE;
    victim_up(&v, &c, &raw, &o);
    raw_send(&raw, half, sizeof(half));
    raw_expect_notification(&raw, BGP_ERR_HOLD_TIMER, 0);
    ck_assert_uint_eq(v.a.updates, 0);
    ck_assert_uint_eq(v.peer->counters.unfinished, 1);
    ck_assert_uint_eq(lines_with("198.18.0.2", "after 50 bytes of an unfinished message"), 1);
    victim_quit(&v, &raw);
}
END_TEST

START_TEST(test_half_an_open_then_silence_then_gone)
{
    struct bgp_peer_config c = victim_config();
    static const uint8_t marker[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct victim v;

    c.open_wait_s = 1;
    victim_make(&v, &c);
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_send(&raw, marker, sizeof(marker));
    raw_expect_notification(&raw, BGP_ERR_HOLD_TIMER, 0);
    ck_assert_uint_eq(lines_with("198.18.0.2", "no OPEN message came"), 1);
    close(raw.fd);
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_send(&raw, marker, sizeof(marker));
    raw_expect(&raw, BGP_OPEN, body);
    raw_reset(&raw);
    UNTIL(5, v.peer->counters.unfinished == 2);
    victim_end(&v);
}
END_TEST

START_TEST(test_garbage_instead_of_open)
{
    const struct bgp_peer_config c = victim_config();
    uint8_t garbage[4096];
    struct victim v;

    for (unsigned i = 0; i < sizeof(garbage); i++)
        garbage[i] = (uint8_t)(i * 7 + (i >> 5));
    victim_make(&v, &c);
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_send(&raw, garbage, sizeof(garbage));
    raw_expect_notification(&raw, BGP_ERR_HEADER, BGP_HEADER_SYNC);
    ck_assert_uint_eq(v.peer->counters.msg_errors, 1);
    ck_assert_uint_eq(lines_with("198.18.0.2", "the marker is not all ones"), 1);
    ck_assert(last_error_has(v.peer, "the marker is not all ones"));
    UNTIL(5, raw_ended(&raw));
    close(raw.fd);
    /* For a while it is not even listened to (DampPeerOscillations), which it is told. */
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_expect_notification(&raw, BGP_ERR_CEASE, BGP_CEASE_REJECTED);
    victim_quit(&v, &raw);
}
END_TEST

START_TEST(test_garbage_when_established)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    uint8_t garbage[4096];
    struct victim v;

    memset(garbage, 0xff, sizeof(garbage));
    victim_up(&v, &c, &raw, &o);
    raw_send(&raw, garbage, sizeof(garbage)); /* a length of 65535 and type 255 */
    raw_expect_notification(&raw, BGP_ERR_HEADER, BGP_HEADER_TYPE);
    ck_assert_uint_eq(v.a.downs, 1);
    ck_assert_uint_eq(v.a.updates, 0);
    ck_assert_uint_eq(lines_with("198.18.0.2", "a message of type 255"), 1);
    victim_quit(&v, &raw);
}
END_TEST

START_TEST(test_wrong_as)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65099, 7);
    struct victim v;

    victim_make(&v, &c);
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_send_open(&raw, &o);
    raw_expect_notification(&raw, BGP_ERR_OPEN, BGP_OPEN_PEER_AS);
    ck_assert_uint_eq(v.a.ups, 0);
    ck_assert_uint_eq(lines_with("198.18.0.2", "AS 65099"), 1);
    ck_assert(last_error_has(v.peer, "AS 65099"));
    ck_assert_uint_eq(v.peer->counters.out.messages[BGP_NOTIFICATION], 1);
    victim_quit(&v, &raw);
}
END_TEST

START_TEST(test_unknown_address)
{
    const struct bgp_peer_config c = victim_config();
    struct victim v;

    victim_make(&v, &c);
    for (unsigned i = 1; i <= 5; i++) {
        raw_dial(&raw, "198.18.0.4", "198.18.0.1");
        UNTIL(5, bgp_counters(v.a.bgp)->unknown == i);
        UNTIL(5, raw_ended(&raw));
        close(raw.fd);
    }
    ck_assert_uint_eq(lines_with("198.18.0.4", "no peer's address"), 1);
    /* Another stranger has a line of its own. */
    raw_dial(&raw, "198.18.0.5", "198.18.0.1");
    UNTIL(5, bgp_counters(v.a.bgp)->unknown == 6);
    UNTIL(5, raw_ended(&raw));
    close(raw.fd);
    ck_assert_uint_eq(lines_with("198.18.0.5", "no peer's address"), 1);
    victim_end(&v);
}
END_TEST

START_TEST(test_two_connections_at_once)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    struct victim v;

    victim_make(&v, &c);
    /* The later one counts while none has said its OPEN. */
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_expect(&raw, BGP_OPEN, body);
    raw_up(&raw2, "198.18.0.2", "198.18.0.1", &o);
    raw_expect_notification(&raw, BGP_ERR_CEASE, BGP_CEASE_COLLISION);
    UNTIL(5, is_up(v.peer));
    close(raw.fd);
    /* Beside a session, a silent one ends nothing, and neither does one that speaks. */
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    raw_expect(&raw, BGP_OPEN, body);
    raw_send_open(&raw, &o);
    raw_expect_notification(&raw, BGP_ERR_CEASE, BGP_CEASE_COLLISION);
    close(raw.fd);
    for (unsigned i = 0; i < 20; i++) { /* a whole row of them */
        raw_dial(&raw, "198.18.0.2", "198.18.0.1");
        raw_expect(&raw, BGP_OPEN, body);
        raw_reset(&raw);
    }
    raw_send_keepalive(&raw2);
    raw_expect(&raw2, BGP_KEEPALIVE, body);
    ck_assert_uint_eq(v.a.ups, 1);
    ck_assert_uint_eq(v.a.downs, 0);
    ck_assert_uint_ge(v.peer->fsm.counters.collisions, 2);
    close(raw2.fd);
    victim_end(&v);
}
END_TEST

static unsigned keepalives_waiting(const struct bgp_conn *c)
{
    unsigned n = 0;

    for (size_t at = c->out_at; at < c->out_len; at += (size_t)c->out[at + 16] << 8 | c->out[at + 17])
        n += c->out[at + 18] == BGP_KEEPALIVE;
    return n;
}

/* It goes on sending, so that only the send hold timer (RFC 9687) can tell that it does not read. */
START_TEST(test_peer_that_never_reads)
{
    struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    const uint64_t kernel = 16 << 20; /* both ends of a TCP connection at their largest, and more */
    const struct bgp_conn *conn;
    uint64_t settled;
    struct victim v;
    mono_t said;

    c.send_hold_s = 4;
    victim_up(&v, &c, &raw, &o);
    conn = &v.peer->slots[v.peer->up_conn].conn;
    v.a.to_send = UINT64_MAX;
    v.a.big = true;
    bgp_session_wake(v.peer);
    said = mono_now();
    do { /* until it stands still */
        settled = v.a.pulled_bytes;
        for (unsigned i = 0; i < 20; i++)
            turn();
    } while (settled != v.a.pulled_bytes);
    ck_assert_uint_gt(settled, BGP_CONN_BULK / 2);
    ck_assert_uint_lt(settled, kernel);
    ck_assert_uint_le(bgp_conn_queued(conn), BGP_CONN_BULK);
    while (v.a.downs == 0) {
        ck_assert(!late(said, 20));
        ck_assert_uint_le(keepalives_waiting(conn), 1);
        raw_send_keepalive(&raw);
        for (unsigned i = 0; i < 50 && v.a.downs == 0; i++)
            turn();
    }
    ck_assert_uint_lt(v.a.pulled_bytes, kernel);
    ck_assert(last_error_has(v.peer, "send hold timer expired"));
    ck_assert_uint_eq(lines_with("198.18.0.2", "send hold timer expired"), 1);
    ck_assert_ptr_null(v.peer->slots[0].conn.out);
    ck_assert_ptr_null(v.peer->slots[1].conn.out);
    victim_quit(&v, &raw);
}
END_TEST

/* Waits in the loop of somebody else must not end a session whose messages lie in the socket. */
START_TEST(test_a_late_loop_ends_no_session)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    uint8_t msg[BGP_HEADER_LEN];
    struct victim v;
    mono_t start;

    victim_make(&v, &c);
    bgp_peer_remove(v.a.bgp, v.ao);
    raw_up(&raw, "198.18.0.2", "198.18.0.1", &o);
    UNTIL(5, is_up(v.peer));
    bgp_keepalive_encode(msg, sizeof(msg));
    start = mono_now();
    while (!late(start, 4)) { /* the loop stands still for longer than the hold time */
        ck_assert_int_eq(send(raw.fd, msg, sizeof(msg), MSG_NOSIGNAL), sizeof(msg));
        while (recv(raw.fd, body, sizeof(body), MSG_DONTWAIT) > 0)
            ;
        usleep(200000); /* it is the late loop that is tried here, nothing is waited for */
    }
    event_del(v.peer->timer); /* and comes to the timer before the socket */
    event_active(v.peer->timer, EV_TIMEOUT, 0);
    turn();
    turn();
    ck_assert(is_up(v.peer));
    close(raw.fd);
    bgp_free(v.a.bgp);
    bgp_free(v.other.bgp);
}
END_TEST

START_TEST(test_R2_6_max_prefixes)
{
    struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    static const uint8_t data[9] = {6, 1, 0, 25, 70, 0, 0, 0, 10};
    static uint8_t msg[BGP_MSG_MAX];
    struct node sender = {.to_send = 40};
    struct victim v;

    c.max_prefixes = 10;
    victim_make(&v, &c);
    v.a.limit = 10;
    raw_up(&raw, "198.18.0.2", "198.18.0.1", &o);
    UNTIL(5, is_up(v.peer));
    while (sender.to_send > 0) {
        size_t n = fake_pull(&sender, NULL, msg, sizeof(msg));

        /* All at once, so that most of them wait behind the one that is too much. */
        ck_assert_int_eq(send(raw.fd, msg, n, MSG_NOSIGNAL), n);
    }
    ck_assert_uint_eq(raw_expect(&raw, BGP_NOTIFICATION, body), sizeof(data));
    ck_assert_mem_eq(body, data, sizeof(data));
    ck_assert_uint_eq(v.a.updates, 11);
    ck_assert_uint_eq(v.a.downs, 1);
    ck_assert(last_error_has(v.peer, "more routes than its limit"));
    victim_quit(&v, &raw);
}
END_TEST

/* RFC 7606: withdrawn and counted, and the session lives. */
START_TEST(test_R2_2_update_errors)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    static struct bgp_attrs attrs;
    static struct bgp_pack pack;
    const struct bgp_rules rules = {.as4 = true};
    const struct evpn_nlri route = {.type = EVPN_MACIP, .n_labels = 1, .mac = {{2, 0, 0, 0, 0, 1}}};
    uint8_t msg[BGP_MSG_MAX];
    struct victim v;
    size_t n;

    victim_up(&v, &c, &raw, &o);
    bgp_attrs_init(&attrs);
    attrs.next_hop = ip("198.18.0.2");
    bgp_attrs_set(&attrs, BGP_ORIGIN); /* no AS_PATH, no LOCAL_PREF */
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, sizeof(msg), &attrs, &rules), 0);
    ck_assert(bgp_pack_add(&pack, &route));
    n = bgp_pack_end(&pack);
    for (unsigned i = 0; i < 3; i++)
        raw_send(&raw, msg, n);
    UNTIL(5, v.a.updates == 3);
    ck_assert_uint_eq(v.peer->counters.withdrawn_updates, 3);
    ck_assert_uint_eq(lines_with("198.18.0.2: UPDATE with errors", "missing"), 1);
    ck_assert(is_up(v.peer));
    victim_quit(&v, &raw);
}
END_TEST

/* ---- R2.7, as helper */

static struct bgp_fsm_open graceful_open(bool restarted, bool forwarding)
{
    struct bgp_fsm_open o = raw_open(65000, 7);

    o.caps.gr = o.caps.gr_evpn = true;
    o.caps.gr_time_s = 1;
    o.caps.gr_restarting = restarted;
    o.caps.gr_forwarding = forwarding;
    return o;
}

START_TEST(test_R2_7_helper)
{
    const struct bgp_peer_config c = victim_config();
    struct bgp_fsm_open o = graceful_open(false, false);
    struct victim v;
    mono_t start;

    victim_up(&v, &c, &raw, &o);
    raw_reset(&raw);
    UNTIL(5, v.a.downs == 1);
    start = mono_now();
    ck_assert_uint_eq(v.a.graceful_downs, 1);
    ck_assert_uint_eq(v.a.stale_ends, 0);
    ck_assert_uint_eq(lines_with("198.18.0.2: session down, its routes are kept", "reset by peer"), 1);
    UNTIL(5, v.a.stale_ends == 1); /* it did not come back */
    ck_assert(late(start, 0) && mono_now().ns - start.ns >= 900000000);
    ck_assert_uint_eq(v.peer->counters.stale_expired, 1);

    /* Back with its forwarding state: the End-of-RIB ends it. */
    raw_up(&raw, "198.18.0.2", "198.18.0.1", &o);
    UNTIL(5, is_up(v.peer));
    raw_reset(&raw);
    UNTIL(5, v.a.graceful_downs == 2);
    o = graceful_open(true, true);
    raw_up(&raw, "198.18.0.2", "198.18.0.1", &o);
    UNTIL(5, is_up(v.peer));
    ck_assert(v.peer->stale);
    send_end_of_rib(&raw);
    UNTIL(5, v.a.ends_of_rib == 1);
    ck_assert(!v.peer->stale);
    ck_assert_uint_eq(v.a.stale_ends, 1);

    /* Back without it: at once. */
    raw_reset(&raw);
    UNTIL(5, v.a.graceful_downs == 3);
    o = graceful_open(true, false);
    raw_up(&raw, "198.18.0.2", "198.18.0.1", &o);
    UNTIL(5, is_up(v.peer));
    ck_assert_uint_eq(v.a.stale_ends, 2);
    ck_assert(!v.peer->stale);
    victim_quit(&v, &raw);
}
END_TEST

/* The End-of-RIB never comes: there is a bound for that too. And a stop gives up what was stale. */
START_TEST(test_R2_7_helper_bounds)
{
    struct bgp_peer_config c = victim_config();
    struct bgp_fsm_open o = graceful_open(false, true);
    struct victim v;

    c.stale_path_s = 1;
    victim_up(&v, &c, &raw, &o);
    raw_reset(&raw);
    UNTIL(5, v.a.graceful_downs == 1);
    raw_up(&raw, "198.18.0.2", "198.18.0.1", &o);
    UNTIL(5, is_up(v.peer));
    UNTIL(5, v.a.stale_ends == 1);
    ck_assert(is_up(v.peer));
    raw_reset(&raw);
    UNTIL(5, v.a.graceful_downs == 2);
    bgp_session_stop(v.peer, NULL);
    ck_assert_uint_eq(v.a.stale_ends, 2);
    ck_assert_uint_eq(v.a.downs, 2);
    victim_end(&v);
}
END_TEST

/* A NOTIFICATION that we send is read even when the peer was in the middle of sending. */
START_TEST(test_notification_arrives_while_peer_sends)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    static uint8_t many[BGP_HEADER_LEN * 5000];
    struct victim v;

    for (unsigned i = 0; i < 5000; i++)
        bgp_keepalive_encode(many + (size_t)i * BGP_HEADER_LEN, BGP_HEADER_LEN);
    victim_up(&v, &c, &raw, &o);
    ck_assert_int_gt(send(raw.fd, many, sizeof(many), MSG_NOSIGNAL), 0);
    bgp_session_stop(v.peer, "bye");
    raw_expect_notification(&raw, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN);
    ck_assert_int_eq(recv(raw.fd, body, sizeof(body), 0), 0); /* closed, not reset */
    victim_quit(&v, &raw);
}
END_TEST

/* Reads until nothing is there, or to the end; keeps the last bytes. */
static size_t last_bytes(struct raw *r, uint8_t *tail, size_t size)
{
    size_t kept = 0;
    ssize_t n;

    while ((n = recv(r->fd, body, sizeof(body), 0)) > 0) {
        size_t take = (size_t)n < size ? (size_t)n : size;

        if (take < size && kept > size - take) {
            memmove(tail, tail + kept - (size - take), size - take);
            kept = size - take;
        }
        if (take == size)
            kept = 0;
        memcpy(tail + kept, body + n - take, take);
        kept += take;
    }
    return kept;
}

/* What waits for a slow peer is not sent before the NOTIFICATION. */
START_TEST(test_notification_passes_the_table)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    static const uint8_t end[] = {0, 21, BGP_NOTIFICATION, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN};
    uint64_t before, pulled;
    uint8_t tail[sizeof(end)];
    struct victim v;

    victim_up(&v, &c, &raw, &o);
    v.a.to_send = UINT64_MAX;
    bgp_session_wake(v.peer);
    do {
        pulled = v.a.pulled_bytes;
        raw_send_keepalive(&raw); /* it goes on hearing, and so the buffer is filled */
        for (unsigned i = 0; i < 10; i++)
            turn();
    } while (pulled != v.a.pulled_bytes);
    ck_assert_uint_gt(bgp_conn_queued(&v.peer->slots[v.peer->up_conn].conn), BGP_CONN_BULK / 2);
    last_bytes(&raw, tail, sizeof(tail)); /* now the socket takes it all */
    before = v.peer->counters.out.messages[BGP_UPDATE];
    bgp_session_stop(v.peer, NULL);
    ck_assert_uint_le(v.peer->counters.out.messages[BGP_UPDATE], before + 1);
    ck_assert_uint_eq(v.peer->counters.out.messages[BGP_NOTIFICATION], 1);
    ck_assert_uint_eq(last_bytes(&raw, tail, sizeof(tail)), sizeof(tail));
    ck_assert_mem_eq(tail, end, sizeof(end));
    victim_quit(&v, &raw);
}
END_TEST

/* Many connections and no descriptor left: the listener rests and goes on later. */
START_TEST(test_out_of_descriptors)
{
    const struct bgp_peer_config c = victim_config();
    const struct bgp_fsm_open o = raw_open(65000, 7);
    struct rlimit limit;
    struct victim v;
    mono_t start;
    int next;

    victim_make(&v, &c);
    raw_dial(&raw, "198.18.0.2", "198.18.0.1");
    next = dup(0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next, limit.rlim_max}), 0);
    UNTIL(5, bgp_counters(v.a.bgp)->accept_errors == 1);
    start = mono_now();
    UNTIL(5, bgp_counters(v.a.bgp)->accept_errors > 1);
    ck_assert_uint_gt(mono_now().ns - start.ns, 500000000); /* one a second, not one a turn */
    ck_assert_uint_eq(lines_with("cannot accept connections", "Too many open files"), 1);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    raw_send_open(&raw, &o);
    raw_expect(&raw, BGP_KEEPALIVE, body);
    victim_quit(&v, &raw);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bgp_session_bad");
    TCase *tc = tcase_create("peers that do not behave");

    tcase_add_checked_fixture(tc, world_make, world_end);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_R2_3_hold_timer);
    tcase_add_test(tc, test_half_a_message_then_silence);
    tcase_add_test(tc, test_half_an_open_then_silence_then_gone);
    tcase_add_test(tc, test_garbage_instead_of_open);
    tcase_add_test(tc, test_garbage_when_established);
    tcase_add_test(tc, test_wrong_as);
    tcase_add_test(tc, test_unknown_address);
    tcase_add_test(tc, test_two_connections_at_once);
    tcase_add_test(tc, test_peer_that_never_reads);
    tcase_add_test(tc, test_a_late_loop_ends_no_session);
    tcase_add_test(tc, test_R2_6_max_prefixes);
    tcase_add_test(tc, test_R2_2_update_errors);
    tcase_add_test(tc, test_R2_7_helper);
    tcase_add_test(tc, test_R2_7_helper_bounds);
    tcase_add_test(tc, test_notification_arrives_while_peer_sends);
    tcase_add_test(tc, test_notification_passes_the_table);
    tcase_add_test(tc, test_out_of_descriptors);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
