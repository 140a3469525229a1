/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of cases (cases.h) on the DPDK stages.
 */
#include "tests/flow/cases.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

/* Each of Check's own asserts is a message to another process. */
#define EXPECT(x, ...)                                                                                       \
    do {                                                                                                     \
        if (!(x))                                                                                            \
            ck_abort_msg(__VA_ARGS__);                                                                       \
    } while (0)

static struct flow *f;
static const struct flow_case *c;
static uint8_t in[CASE_FRAME], want[CASE_FRAME], got[CASE_FRAME];
static uint16_t part[3]; /* of the frame that comes in: packet buffers before the last one */
static unsigned n_parts;

/* What a case may count; frames and bytes. */
struct counted {
    uint64_t access_in[2], access_out[2], wan_in[2], wan_out[2], bounced;
    uint64_t vtep_rx[VTEP_2 + 1][2], vtep_tx[VTEP_2 + 1][2];
    uint64_t port_drops, port_rx, port_tx, drops[DROP_N], taken; /* port_rx, port_tx: bytes; tx of all */
};

static void setup(void)
{
    f = flow_open(false);
}

static void setup_ipv6(void)
{
    f = flow_open(true);
}

static void teardown(void)
{
    flow_close(f);
}

static void add(uint64_t to[2], const struct dp_count *count)
{
    to[0] += count->frames;
    to[1] += count->bytes;
}

static void read_counters(struct counted *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned net = NET_WEB; net <= NET_DB; net++) {
        const struct dp_net_counters *n = &f->w.counters.nets[net];

        add(out->access_in, &n->access_in[0]);
        add(out->access_out, &n->access_out[0]);
        add(out->wan_in, &n->wan_in[0]);
        add(out->wan_out, &n->wan_out[0]);
        out->bounced += n->bounced;
    }
    for (unsigned vtep = VTEP_1; vtep <= VTEP_2; vtep++) {
        add(out->vtep_rx[vtep], &f->w.counters.vteps[vtep].rx);
        add(out->vtep_tx[vtep], &f->w.counters.vteps[vtep].tx);
    }
    out->port_drops = f->w.counters.ports[c->port].drops;
    out->port_rx = f->w.counters.ports[c->port].rx.bytes;
    for (unsigned i = 0; i < N_PORTS; i++)
        out->port_tx += f->w.counters.ports[i].tx.bytes;
    memcpy(out->drops, f->w.counters.totals.drops, sizeof(out->drops));
    out->taken = f->w.counters.totals.taken;
}

static void expect_count(const char *what, const uint64_t before[2], const uint64_t after[2], bool counted)
{
    EXPECT(after[0] - before[0] == (counted ? 1 : 0), "%s: %s counts %d frames", c->name, what,
           (int)(after[0] - before[0]));
    EXPECT(after[1] - before[1] == (counted ? case_inner_len(c) : 0), "%s: %s counts %d bytes", c->name, what,
           (int)(after[1] - before[1]));
}

static void check_counters(const struct counted *before)
{
    struct counted after;

    read_counters(&after);
    expect_count("access in", before->access_in, after.access_in, c->counts & CASE_ACCESS_IN);
    expect_count("access out", before->access_out, after.access_out, c->counts & CASE_ACCESS_OUT);
    expect_count("wan in", before->wan_in, after.wan_in, c->counts & CASE_WAN_IN);
    expect_count("wan out", before->wan_out, after.wan_out, c->counts & CASE_WAN_OUT);
    for (unsigned v = VTEP_1; v <= VTEP_2; v++) {
        expect_count("vtep rx", before->vtep_rx[v], after.vtep_rx[v],
                     (c->counts & CASE_VTEP_RX) && v == c->outer.vtep);
        expect_count("vtep tx", before->vtep_tx[v], after.vtep_tx[v],
                     (c->counts & CASE_VTEP_TX) && v == c->to);
    }
    EXPECT(after.bounced - before->bounced == !!(c->counts & CASE_BOUNCED), "%s: bounced", c->name);
    EXPECT(after.port_drops - before->port_drops == !!(c->counts & CASE_PORT_DROP), "%s: drops of the port",
           c->name);
}

static void check_drops(const struct counted *before)
{
    for (unsigned reason = 0; reason < DROP_N; reason++) {
        bool dropped = c->verdict == CASE_DROP && (int)reason == c->drop;

        EXPECT(f->w.counters.totals.drops[reason] - before->drops[reason] == dropped, "%s: %s %s", c->name,
               dropped ? "not dropped as" : "dropped as", drop_name((enum drop_reason)reason));
    }
}

/* Returns its length. */
static size_t expect_out(unsigned port, bool ipv6)
{
    size_t want_len = case_frame_out(c, ipv6, want);
    int len = flow_take(f, port, got);

    EXPECT(len == (int)want_len, "%s: %d bytes out of port %u, not %zu", c->name, len, port, want_len);
    for (size_t i = 0; i < want_len; i++)
        EXPECT(got[i] == want[i], "%s: byte %zu of %zu is %02x, not %02x", c->name, i, want_len, got[i],
               want[i]);
    return want_len;
}

/* in_len: as it came in. Bytes are those on the wire, wherever the tag was put in or taken off. */
static void check_output(bool ipv6, const struct counted *before, size_t in_len)
{
    unsigned waiting = 0;
    struct counted after;
    size_t out_len = 0;

    if (c->verdict == CASE_TO_PORT)
        out_len = expect_out(c->to, ipv6);
    else if (c->verdict == CASE_TO_VTEP)
        out_len = expect_out(PORT_WAN, ipv6);
    else if (c->verdict == CASE_TO_KERNEL)
        out_len = expect_out(PORT_TAP, ipv6);
    read_counters(&after);
    EXPECT(after.port_rx - before->port_rx == in_len, "%s: bytes received", c->name);
    EXPECT(c->verdict == CASE_FLOODED || after.port_tx - before->port_tx == out_len, "%s: bytes sent",
           c->name);
    for (unsigned i = 0; i < N_PORTS; i++)
        waiting += flow_waiting(f, i);
    EXPECT(waiting == (c->verdict == CASE_FLOODED ? c->copies : 0u), "%s: %u frames came out", c->name,
           waiting);
}

static uint32_t where(const struct case_mac *m)
{
    return FDB_WHERE(m->where, m->target, m->is_static) | (m->bounce ? FDB_BOUNCE : 0) |
           (m->watch ? FDB_WATCH : 0);
}

static void forget(void)
{
    struct dp_own_frame up;
    struct dp_event e;

    for (unsigned i = 0; i < CASE_MACS && c->macs[i].net; i++)
        EXPECT(fdb_del(&f->fdb, fdb_key(c->macs[i].net, flow_mac(c->macs[i].host).b)) == 0, "%s: the table",
               c->name);
    while (flow_event(f, &e))
        ;
    while (own_pop(&f->w.own, &up))
        ;
    flow_discard(f);
    memset(f->w.report.recent, 0, sizeof(f->w.report.recent));
    memset(f->w.report.recent_ips, 0, sizeof(f->w.report.recent_ips));
}

/* It came into the world of the case. */
static void run_frame(bool ipv6, size_t len)
{
    struct counted before;

    for (unsigned i = 0; i < CASE_MACS && c->macs[i].net; i++)
        EXPECT(fdb_set(&f->fdb, fdb_key(c->macs[i].net, flow_mac(c->macs[i].host).b), where(&c->macs[i]),
                       mono_now()) == 0,
               "%s: the table", c->name);
    read_counters(&before);
    flow_put_parts(f, c->port, in, len, part, n_parts);
    flow_poll(f);
    check_drops(&before);
    check_output(ipv6, &before, len);
    EXPECT(f->w.counters.totals.taken - before.taken == (c->verdict == CASE_TAKEN), "%s: taken", c->name);
    if (c->verdict == CASE_TO_PORT || c->verdict == CASE_TO_VTEP || c->verdict == CASE_DROP)
        check_counters(&before);
    forget();
    flow_require_balance(f);
}

static size_t begin_case(bool ipv6)
{
    struct case_world w;

    case_world(&w, c, ipv6);
    f->topology = w.topology;
    flow_publish(f);
    return case_frame_in(c, ipv6, in);
}

/* By every build of burst.c that this processor can run; and with NICs that take tags off and put them in, or
 * one NIC that does and one that does not. */
START_TEST(test_cases)
{
    flow_nic(f, PORT_A, _i & 1, _i & 1);
    flow_nic(f, PORT_B, _i & 2, _i & 2);
    for (unsigned i = 0; burst_pick(i); i++) {
        f->w.burst = burst_pick(i);
        for (c = flow_cases; c < flow_cases + n_flow_cases; c++) {
            if (case_runs_over(c, f->ipv6))
                run_frame(f->ipv6, begin_case(f->ipv6));
        }
    }
}
END_TEST

static void set_parts(unsigned n, size_t a, size_t b, size_t third)
{
    n_parts = n;
    part[0] = (uint16_t)a;
    part[1] = (uint16_t)b;
    part[2] = (uint16_t)third;
}

/* Cut after any byte, into two or more packet buffers of which some are empty, in and out by ports that take
 * such frames, or some of which do not. _i: which, as bits. */
START_TEST(test_cases_in_several_buffers)
{
    for (unsigned port = 0; port < N_PORTS; port++)
        f->w.ports[port].gathers = _i >> port & 1;
    flow_nic(f, PORT_A, _i & 1, _i & 2);
    for (c = flow_cases; c < flow_cases + n_flow_cases; c++) {
        size_t len;

        if (!case_runs_over(c, f->ipv6))
            continue;
        len = begin_case(f->ipv6);
        f->w.burst = burst_pick(0);
        for (size_t at = 0; at <= len; at += at < 160 || at + 2 > len ? 1 : RTE_MIN(len - at - 1, 61u)) {
            if ((at + (unsigned)_i) % 2)
                set_parts(1, at, 0, 0);
            else
                set_parts(3, at % 5 ? at / 2 : 0, at - at / 2, at % 3);
            run_frame(f->ipv6, len);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cases");
    TCase *t4 = tcase_create("ipv4"), *t6 = tcase_create("ipv6");

    flow_start_eal();
    tcase_add_checked_fixture(t4, setup, teardown);
    tcase_add_checked_fixture(t6, setup_ipv6, teardown);
    tcase_set_timeout(t4, 60);
    tcase_set_timeout(t6, 60);
    tcase_add_loop_test(t4, test_cases, 0, 4);
    for (int gathers = 0; gathers < 1 << N_PORTS; gathers += 5)
        tcase_add_loop_test(t4, test_cases_in_several_buffers, gathers, gathers + 1);
    tcase_add_loop_test(t6, test_cases, 0, 4);
    for (int gathers = 0; gathers < 1 << N_PORTS; gathers += 5)
        tcase_add_loop_test(t6, test_cases_in_several_buffers, gathers, gathers + 1);
    suite_add_tcase(s, t4);
    suite_add_tcase(s, t6);
    return run_suite(s);
}
