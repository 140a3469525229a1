/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Three workers over ports with one receive queue each: the first receives all, and deals out by flow
 * (spread.h). The test turns them one by one, in every order; test_workers_dp.c has them run.
 */
#include "tests/flow/arpnd.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

#include <rte_ring_elem.h>

enum {
    WORKERS = 3,
    FLOWS = 40,
    SEQ_AT = 18 /* from the frame's end: what flow_ipv4() filled with numbers */
};

static struct flow *f;
static struct worker *workers[WORKERS];
static uint8_t frame[9216], packet[9216];
static unsigned bytes = 40; /* payload */

static void setup(void)
{
    f = flow_open(false);
    workers[0] = &f->w;
    for (unsigned i = 1; i < WORKERS; i++) {
        struct worker *w = workers[i] = aligned_alloc(64, (sizeof(*w) + 63) & ~(size_t)63);

        ck_assert(w && worker_init_more(w, i, &f->w) == 0);
        memcpy(w->ports, f->w.ports, sizeof(w->ports));
        w->n_ports = f->w.n_ports;
        w->kernel_port = f->w.kernel_port;
        w->snapshot = f->w.snapshot;
        for (unsigned p = 0; p < N_PORTS; p++)
            w->ports[p].rx_queues = 0;
    }
    for (unsigned p = 0; p < PORT_TAP; p++)
        f->w.ports[p].spread = true;
    ck_assert_int_eq(spread_connect(workers, WORKERS), 0);
    flow_fdb(f, NET_WEB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_VTEP, VTEP_1, false);
}

static void teardown(void)
{
    for (unsigned i = 1; i < WORKERS; i++) {
        worker_fini(workers[i]);
        free(workers[i]);
    }
    flow_close(f);
}

static uint64_t sum_drops(enum drop_reason reason)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < WORKERS; i++)
        sum += workers[i]->counters.totals.drops[reason];
    return sum;
}

static void poll_all(void)
{
    unsigned idle = 0;

    while (idle < 2)
        for (unsigned i = 0, n = 0; i < WORKERS; i++) {
            n += worker_poll(workers[i]);
            if (i == WORKERS - 1)
                idle = n > 0 ? 0 : idle + 1;
        }
}

/* What came in, with copies, is what went out, with drops. */
static void require_balance(void)
{
    uint64_t in = 0, out = 0;

    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker *w = workers[i];

        in += w->counters.totals.replicas + w->counters.totals.originated;
        out += w->counters.totals.taken + w->park.n;
        for (unsigned p = 0; p < N_PORTS; p++) {
            in += w->counters.ports[p].rx.frames;
            out += w->counters.ports[p].tx.frames;
        }
    }
    for (enum drop_reason r = 0; r < DROP_N; r++)
        out += sum_drops(r);
    ck_assert_uint_eq(in, out);
}

static size_t make(unsigned flow, unsigned seq, uint16_t vlan)
{
    size_t len = flow_ipv4(frame, flow_mac(9), flow_mac(1), vlan, 0, (uint16_t)(1000 + flow), bytes);

    frame[len - SEQ_AT] = (uint8_t)flow;
    frame[len - SEQ_AT + 1] = (uint8_t)(seq >> 8);
    frame[len - SEQ_AT + 2] = (uint8_t)seq;
    return len;
}

/* Frames that left by a port; each flow in the order in which it came. The first came with number `first`. */
static unsigned take_in_order(unsigned port, unsigned first)
{
    unsigned next[FLOWS], n = 0;
    int len;

    for (unsigned i = 0; i < FLOWS; i++)
        next[i] = first;
    while ((len = flow_take(f, port, packet)) >= 0) {
        const uint8_t *p = packet + len - SEQ_AT;

        ck_assert_uint_lt(p[0], FLOWS);
        ck_assert_uint_eq((unsigned)(p[1] << 8 | p[2]), next[p[0]]);
        next[p[0]]++;
        n++;
    }
    return n;
}

/* Polls in an order that the dice say, each some times, so that one is ahead and another behind. */
static void poll_at_random(void)
{
    for (unsigned i = 0; i < 20; i++)
        (void)worker_poll(workers[(unsigned)rand() % WORKERS]);
}

/* _i: each third flow comes in several buffers, and the port that they leave by takes none like that: the
 * workers that are given them know. */
START_TEST(test_R1_2_each_flow_keeps_its_order_to_the_wan)
{
    unsigned n = 0;

    srand(1);
    if (_i)
        bytes = 900;
    for (unsigned seq = 0; seq < 60; seq++) {
        for (unsigned flow = 0; flow < FLOWS; flow++) {
            size_t len = make(flow, seq, 100);
            uint16_t part[] = {(uint16_t)(700 + seq), 1};

            flow_put_parts(f, PORT_A, frame, len, part, _i && flow % 3 == 0 ? 2 : 0);
        }
        poll_at_random();
        if (seq % 10 == 9) {
            poll_all();
            n += take_in_order(PORT_WAN, seq - 9);
        }
    }
    ck_assert_uint_eq(n, 60 * FLOWS);
    for (unsigned i = 0; i < WORKERS; i++) {
        ck_assert_uint_gt(workers[i]->counters.nets[NET_WEB].wan_out[0].frames, 60);
        ck_assert_uint_eq(workers[i]->counters.ports[PORT_A].rx.frames, i == 0 ? 60 * FLOWS : 0);
    }
    require_balance();
}
END_TEST

START_TEST(test_R1_2_each_flow_keeps_its_order_from_the_wan)
{
    struct flow_outer outer = {.vtep = VTEP_1, .vni = VNI_WEB, .flags = 8};

    srand(2);
    for (unsigned seq = 0; seq < 20; seq++) {
        for (unsigned flow = 0; flow < FLOWS; flow++) {
            size_t len = flow_ipv4(frame, flow_mac(1), flow_mac(2), FLOW_UNTAGGED, 0, 7, 40);

            frame[len - SEQ_AT] = (uint8_t)flow;
            frame[len - SEQ_AT + 1] = 0;
            frame[len - SEQ_AT + 2] = (uint8_t)seq;
            len = flow_wrap(f, packet, outer, frame, len);
            packet[34] = 0xc0; /* the sender's hash of the flow */
            packet[35] = (uint8_t)(flow * 5);
            flow_put(f, PORT_WAN, packet, len);
        }
        poll_at_random();
    }
    poll_all();
    ck_assert_uint_eq(take_in_order(PORT_A, 0), 20 * FLOWS);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_uint_gt(workers[i]->counters.vteps[VTEP_1].rx.frames, 20);
    require_balance();
}
END_TEST

/* The one who has the frame now; it is taken away. */
static unsigned who_has_it(size_t len)
{
    uint64_t before[WORKERS];
    unsigned found = WORKERS;

    for (unsigned i = 0; i < WORKERS; i++)
        before[i] = workers[i]->counters.nets[NET_WEB].wan_out[0].frames +
                    workers[i]->counters.nets[NET_DB].wan_out[0].frames;
    flow_put(f, PORT_A, frame, len);
    poll_all();
    flow_discard(f);
    for (unsigned i = 0; i < WORKERS; i++)
        if (workers[i]->counters.nets[NET_WEB].wan_out[0].frames +
                workers[i]->counters.nets[NET_DB].wan_out[0].frames >
            before[i])
            found = found == WORKERS ? i : WORKERS + 1;
    ck_assert_uint_lt(found, WORKERS);
    return found;
}

START_TEST(test_R1_2_what_belongs_together_stays_together)
{
    unsigned tags = 0;

    flow_fdb(f, NET_DB, flow_mac(9), DP_WHERE_VTEP, VTEP_1, false);
    flow_fdb(f, NET_DB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    for (unsigned flow = 0; flow < FLOWS; flow++) {
        size_t len = make(flow, 0, 100);
        unsigned first = who_has_it(len), fragment;

        len = make(flow, 0, 200); /* another tag is no other flow */
        tags += who_has_it(len) == first;

        len = make(0, 0, 100); /* a fragment: with ports ... */
        frame[24] = 0x20;
        memset(frame + 28, 0, 2);
        frame[28 + 1] = (uint8_t)flow;
        fragment = who_has_it(len);
        frame[24] = 0x00; /* ... and a later one that has something else where they were */
        frame[25] = 0x08;
        frame[38] ^= 0xff;
        ck_assert_uint_eq(who_has_it(len), fragment);
    }
    ck_assert_uint_eq(tags, FLOWS);
}
END_TEST

/* Shorter than anything that it looks at: the same drops as with one worker. */
START_TEST(test_frames_cut_anywhere)
{
    size_t len = make(0, 0, 100);

    for (size_t i = 1; i <= len; i++)
        flow_put(f, PORT_A, frame, i);
    poll_all();
    ck_assert_uint_eq(sum_drops(DROP_truncated), 17);
    for (size_t i = 1; i < 60; i++)
        flow_put(f, PORT_WAN, frame, i);
    poll_all();
    require_balance();
}
END_TEST

START_TEST(test_a_worker_that_does_not_keep_up)
{
    uint64_t full;
    unsigned flow = 0, sent;

    for (; flow < FLOWS; flow++)
        if (who_has_it(make(flow, 0, 100)) == 1)
            break;
    ck_assert_uint_lt(flow, FLOWS);
    for (unsigned seq = 0; seq < SPREAD_RING + 100; seq++) {
        flow_put(f, PORT_A, frame, make(flow, seq, 100));
        (void)worker_poll(workers[0]);
    }
    full = workers[0]->counters.totals.drops[DROP_worker_full];
    ck_assert_uint_eq(full, 101); /* a ring holds one less than its size */
    ck_assert_uint_eq(workers[0]->counters.ports[PORT_A].drops, full);
    sent = take_in_order(PORT_WAN, 0);
    ck_assert_uint_eq(sent, 0);
    while (worker_poll(workers[1]) > 0)
        sent += take_in_order(PORT_WAN, sent);
    ck_assert_uint_eq(sent, SPREAD_RING - 1);
    require_balance();
}
END_TEST

/* R8.3: of the port and network, whoever has the frames. */
START_TEST(test_R8_3_limits_are_shared)
{
    static const uint8_t payload[46];
    unsigned by[WORKERS] = {0}, passed;

    f->nets[0].limit_broadcast = 1; /* a second, and ten at once */
    flow_publish(f);
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i]->snapshot = f->w.snapshot;
    for (unsigned i = 0; i < 60; i++)
        flow_put(f, PORT_A, frame,
                 flow_eth(frame, arpnd_broadcast, flow_mac(100 + i), 100, 0x88b5, payload, sizeof(payload)));
    poll_all();
    passed = flow_waiting(f, PORT_B);
    ck_assert_uint_ge(passed, 10);
    ck_assert_uint_lt(passed, 30); /* the clock goes on */
    ck_assert_uint_eq(sum_drops(DROP_limit_broadcast), 60 - passed);
    for (unsigned i = 0; i < WORKERS; i++)
        by[i] = (unsigned)workers[i]->counters.nets[NET_WEB].access_in[1].frames;
    ck_assert_uint_eq(by[0] + by[1] + by[2], 60);
    ck_assert(by[0] > 0 && by[1] > 0 && by[2] > 0);
    flow_discard(f);
    require_balance();
}
END_TEST

static unsigned events_of(struct worker *w, struct mac mac, dp_port_id port)
{
    struct dp_event e;
    unsigned n = 0;

    while (rte_ring_sc_dequeue_elem(w->report.events, &e, sizeof(e)) == 0)
        n += e.type == DP_EVENT_SOURCE && mac_eq(e.mac, mac) && e.where == DP_WHERE_PORT && e.target == port;
    return n;
}

START_TEST(test_R6_1_any_worker_learns_and_sees_moves)
{
    unsigned arrived = 0, moved = 0;

    for (unsigned flow = 0; flow < FLOWS; flow++)
        flow_put(f, PORT_A, frame,
                 flow_ipv4(frame, flow_mac(9), flow_mac(77), 100, 0, (uint16_t)(1000 + flow), 20));
    poll_all();
    for (unsigned i = 0; i < WORKERS; i++) {
        unsigned n = events_of(workers[i], flow_mac(77), PORT_A);

        ck_assert_uint_ge(n, 1);
        arrived += n;
    }
    ck_assert_uint_lt(arrived, FLOWS); /* the others of its frames are repeats */
    flow_fdb(f, NET_WEB, flow_mac(77), DP_WHERE_PORT, PORT_A, false);
    for (unsigned flow = 0; flow < FLOWS; flow++)
        flow_put(f, PORT_B, frame,
                 flow_ipv4(frame, flow_mac(9), flow_mac(77), 100, 0, (uint16_t)(1000 + flow), 20));
    poll_all();
    for (unsigned i = 0; i < WORKERS; i++) {
        unsigned n = events_of(workers[i], flow_mac(77), PORT_B);

        ck_assert_uint_ge(n, 1);
        moved += n;
    }
    ck_assert_uint_lt(moved, FLOWS);
    require_balance();
}
END_TEST

/* What waits in any worker goes on when the control thread has decided. */
START_TEST(test_R8_2_each_worker_parks)
{
    unsigned waiting = 0;

    f->nets[0].n_members = 1; /* nobody else here to flood to */
    flow_publish(f);
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i]->snapshot = f->w.snapshot;
    for (unsigned flow = 0; flow < 20; flow++)
        flow_put(f, PORT_A, frame,
                 flow_ipv4(frame, flow_mac(50), flow_mac(1), 100, 0, (uint16_t)(1000 + flow), 20));
    poll_all();
    for (unsigned i = 0; i < WORKERS; i++) {
        ck_assert_uint_gt(workers[i]->park.n, 0);
        waiting += workers[i]->park.n;
    }
    require_balance();
    flow_fdb(f, NET_WEB, flow_mac(50), DP_WHERE_VTEP, VTEP_1, false);
    poll_all();
    ck_assert_uint_eq(flow_waiting(f, PORT_WAN), waiting);
    flow_discard(f);
    require_balance();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("workers");
    TCase *t = tcase_create("workers");

    flow_start_eal();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_R1_2_each_flow_keeps_its_order_to_the_wan, 0, 2);
    tcase_add_test(t, test_R1_2_each_flow_keeps_its_order_from_the_wan);
    tcase_add_test(t, test_R1_2_what_belongs_together_stays_together);
    tcase_add_test(t, test_frames_cut_anywhere);
    tcase_add_test(t, test_a_worker_that_does_not_keep_up);
    tcase_add_test(t, test_R8_3_limits_are_shared);
    tcase_add_test(t, test_R6_1_any_worker_learns_and_sees_moves);
    tcase_add_test(t, test_R8_2_each_worker_parks);
    suite_add_tcase(s, t);
    return run_suite(s);
}
