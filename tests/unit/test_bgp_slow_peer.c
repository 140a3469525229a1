/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A peer that keeps its session and reads nothing while there are 100,000 routes to tell: it costs a bounded
 * buffer and in the end its own session (send hold timer, RFC 9687), and the peer beside it notices nothing.
 * Needs root.
 */
#include "tests/unit/bgp_raw_socket.h"
#include "tests/unit/bgp_side.h"

#include <malloc.h>

#define MANY 100000
#define ROOM (1u << 20) /* what it may cost beside the kernel's buffers */

static struct raw raw;
static struct bgp_session *slow;
static uint32_t send_hold_s;

/* One whose window is full at once. */
static void slow_up(void)
{
    const struct bgp_fsm_open o = raw_open(65000, 7);
    struct bgp_peer_config c = peer_config(65000, "198.18.0.1", "198.18.0.3");

    c.passive = true;
    c.send_hold_s = send_hold_s;
    slow = side_peer(&a, &c);
    raw_up(&raw, "198.18.0.3", "198.18.0.1", &o);
    UNTIL(5, is_up(slow));
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static size_t queued(const struct bgp_session *s)
{
    struct bgp_session_status st;

    bgp_session_status(s, &st);
    return st.queued;
}

static struct evpn_rib_totals totals(void)
{
    struct evpn_rib_totals t;

    evpn_rib_totals(a.rib, &t);
    return t;
}

/* Turns the loop a while; the slow one goes on saying that it lives. */
static void go_on(void)
{
    raw_send_keepalive(&raw);
    for (unsigned i = 0; i < 50; i++)
        turn();
}

#define UNTIL_GOING_ON(seconds, condition)                                                                   \
    do {                                                                                                     \
        mono_t start_ = mono_now();                                                                          \
        while (!(condition)) {                                                                               \
            ck_assert_msg(!late(start_, seconds), "in vain: %s", #condition);                                \
            go_on();                                                                                         \
        }                                                                                                    \
    } while (0)

/* What is new is with the good peer at once: longest wait in ns. */
static uint64_t tell_one(unsigned n)
{
    mono_t start = mono_now();
    unsigned before = b.macs;

    ck_assert_int_eq(evpn_rib_announce(a.rib, 1, mac_of(MANY + n), NULL, 0, false, 0), 0);
    UNTIL(2, b.macs == before + 1);
    return mono_now().ns - start.ns;
}

START_TEST(test_slow_peer_costs_itself_alone)
{
    size_t before, most = 0;
    uint64_t worst = 0;
    unsigned told = 0;
    mono_t start;

    both_up(65000);
    start = mono_now();
    announce(&a, MANY);
    UNTIL(30, b.macs == MANY);
    before = allocated();
    /* Time for all that follows, on a slow machine and under a sanitizer too. */
    send_hold_s = (uint32_t)(4 + (mono_now().ns - start.ns) * 5 / 1000000000);
    start = mono_now();
    slow_up();
    UNTIL(5, queued(slow) > 0);

    /* All change, and half of them go: it would have to be told all of that, too. */
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(evpn_rib_announce(a.rib, 1, mac_of(i), NULL, 3, false, 0), 0);
    UNTIL_GOING_ON(30, b.macs == 2 * MANY && b.best.sequence == 3);
    for (unsigned i = 0; i < MANY / 2; i++)
        ck_assert_int_eq(evpn_rib_withdraw(a.rib, 1, mac_of(i), NULL), 0);
    UNTIL_GOING_ON(30, b.gone == MANY / 2);
    ck_assert_uint_gt(totals().withdrawn, MANY / 4); /* it has still to hear of them */

    while (is_up(slow)) {
        uint64_t took = tell_one(told++);

        worst = took > worst ? took : worst;
        ck_assert_uint_le(queued(slow), BGP_CONN_OUT);
        most = allocated() > most ? allocated() : most;
        ck_assert(!late(start, send_hold_s + 20));
        go_on();
    }
    ck_assert(last_error_has(slow, "send hold timer expired"));
    ck_assert_uint_eq(lines_with("198.18.0.3", "send hold timer expired"), 1);
    ck_assert_uint_ge(mono_now().ns - start.ns, send_hold_s * UINT64_C(1000000000) * 9 / 10);
    ck_assert_uint_gt(told, 3);
    ck_assert_msg(most < before + ROOM, "%zu bytes became %zu", before, most);
    /* Nobody is left who has to hear of what is gone. */
    ck_assert_uint_eq(totals().withdrawn, 0);

    ck_assert(is_up(ab) && is_up(ba));
    ck_assert_uint_eq(ab->fsm.counters.established + ba->fsm.counters.established, 2);
    ck_assert_uint_eq(b.macs, 2 * MANY + told);
    printf("%u KiB for the slow peer; the other one heard each of %u MACs within %u us\n",
           most > before ? (unsigned)((most - before) >> 10) : 0, told, (unsigned)(worst / 1000));
    close(raw.fd);
    both_end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bgp_slow_peer");
    TCase *tc = tcase_create("sessions");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, world_make, world_end);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_slow_peer_costs_itself_alone);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
