/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of cases (tests/flow/cases.h) on the XDP programs, run by the kernel (BPF_PROG_TEST_RUN) with
 * maps that fp_topology.c filled; and what no table has: no topology, no socket, punts over the limit, frames
 * in several buffers. Needs root; touches no interface.
 */
#include "tests/bpf/fp_rig.h"
#include "tests/flow/cases.h"
#include "tests/unit/suite.h"

#include "ebpf/fp_access.skel.h"
#include "ebpf/fp_wan.skel.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static struct fp_rig *rig;
static const struct flow_case *c;
static bool ipv6;
static uint8_t in[FP_RIG_BUFFER], want[CASE_FRAME], got[FP_RIG_BUFFER];

/* ---- counters ---- */

struct counted {
    struct fp_port_counters ports[FP_RIG_PORTS];
    struct fp_net_counters nets[NET_DB + 1];
    struct fp_vtep_counters vteps[VTEP_2 + 1];
    uint64_t drops[DROP_N];
};

static void read_counters(struct counted *out)
{
    for (unsigned i = 0; i < FP_RIG_PORTS; i++)
        fp_rig_port_counters(rig, i, &out->ports[i]);
    for (unsigned i = 0; i <= NET_DB; i++)
        fp_rig_net_counters(rig, (dp_net_id)i, &out->nets[i]);
    for (unsigned i = 0; i <= VTEP_2; i++)
        fp_rig_vtep_counters(rig, (dp_vtep_id)i, &out->vteps[i]);
    for (unsigned i = 0; i < DROP_N; i++)
        out->drops[i] = fp_rig_drops(rig, i);
}

static void count(struct fp_count *to, uint64_t bytes)
{
    to->frames++;
    to->bytes += bytes;
}

/* What the counters must be after the case: before, and what the table says. */
static void expect_carried(struct counted *e, size_t in_len, size_t out_len)
{
    struct fp_net_counters *net = &e->nets[case_net(c)];
    size_t len = case_inner_len(c);

    count(&e->ports[c->port].rx, in_len);
    if (c->counts & CASE_ACCESS_IN)
        count(&net->access_in, len);
    if (c->counts & CASE_ACCESS_OUT)
        count(&net->access_out, len);
    if (c->counts & CASE_WAN_IN)
        count(&net->wan_in, len);
    if (c->counts & CASE_WAN_OUT)
        count(&net->wan_out, len);
    if (c->counts & CASE_BOUNCED)
        net->bounced++;
    if (c->counts & CASE_VTEP_RX)
        count(&e->vteps[c->outer.vtep].rx, len);
    if (c->counts & CASE_VTEP_TX)
        count(&e->vteps[c->to].tx, len);
    if (c->counts & CASE_PORT_DROP)
        e->ports[c->port].drops++;
    if (c->verdict == CASE_DROP)
        e->drops[c->drop]++;
    else
        count(&e->ports[c->verdict == CASE_TO_VTEP ? PORT_WAN : c->to].tx, out_len);
}

static void check_count(const char *what, struct fp_count is, struct fp_count must)
{
    ck_assert_msg(is.frames == must.frames && is.bytes == must.bytes,
                  "%s: %s: %llu frames, %llu bytes; expected %llu, %llu", c->name, what, is.frames, is.bytes,
                  must.frames, must.bytes);
}

static void check_port(unsigned port, const struct fp_port_counters *is, const struct fp_port_counters *must)
{
    check_count("port rx", is->rx, must->rx);
    check_count("port tx", is->tx, must->tx);
    ck_assert_msg(is->drops == must->drops, "%s: drops of port %u", c->name, port);
    ck_assert_msg(is->passed == must->passed, "%s: to the kernel, port %u", c->name, port);
    ck_assert_msg(is->unserved == must->unserved, "%s: unserved, port %u", c->name, port);
    for (unsigned i = 0; i < FP_PUNT_N; i++)
        ck_assert_msg(is->punts[i] == must->punts[i], "%s: port %u, punts %u: %llu, not %llu", c->name, port,
                      i, is->punts[i], must->punts[i]);
}

static void check_counters(const struct counted *must)
{
    struct counted is;

    read_counters(&is);
    for (unsigned i = 0; i < DROP_N; i++)
        ck_assert_msg(is.drops[i] == must->drops[i], "%s: %s %s", c->name,
                      is.drops[i] > must->drops[i] ? "dropped as" : "not dropped as",
                      drop_name((enum drop_reason)i));
    for (unsigned i = 0; i < FP_RIG_PORTS; i++)
        check_port(i, &is.ports[i], &must->ports[i]);
    for (unsigned i = 0; i <= NET_DB; i++) {
        check_count("access in", is.nets[i].access_in, must->nets[i].access_in);
        check_count("access out", is.nets[i].access_out, must->nets[i].access_out);
        check_count("wan in", is.nets[i].wan_in, must->nets[i].wan_in);
        check_count("wan out", is.nets[i].wan_out, must->nets[i].wan_out);
        ck_assert_msg(is.nets[i].bounced == must->nets[i].bounced, "%s: bounced", c->name);
    }
    for (unsigned i = 0; i <= VTEP_2; i++) {
        check_count("vtep rx", is.vteps[i].rx, must->vteps[i].rx);
        check_count("vtep tx", is.vteps[i].tx, must->vteps[i].tx);
    }
}

/* ---- cases ---- */

static uint32_t where(const struct case_mac *m)
{
    return FP_WHERE(m->where, m->target) | (m->is_static ? FP_STATIC : 0) | (m->bounce ? FP_BOUNCE : 0) |
           (m->watch ? FP_SLOW : 0);
}

static struct fp_fdb_entry *entry(const struct case_mac *m)
{
    return fp_table_find(&rig->fdb, fp_rig_key(m->net, flow_mac(m->host)));
}

static void enter(void)
{
    struct case_world w;

    for (unsigned i = 0; i < FP_RIG_PORTS; i++)
        rig->ports[i].target = true;
    if (c->not_redirectable)
        rig->ports[c->verdict == CASE_TO_VTEP ? PORT_WAN : c->to].target = false;
    case_world(&w, c, ipv6);
    ck_assert_int_eq(fp_rig_publish(rig, &w.topology), 0);
    fp_table_clear(&rig->fdb);
    for (unsigned i = 0; i < CASE_MACS && c->macs[i].net; i++)
        ck_assert_int_eq(fp_table_set(&rig->fdb, fp_rig_key(c->macs[i].net, flow_mac(c->macs[i].host)),
                                      where(&c->macs[i]), 0),
                         0);
}

static void check_frame(const uint8_t *must, size_t must_len, size_t len)
{
    ck_assert_msg(len == must_len, "%s: %zu bytes came out, not %zu", c->name, len, must_len);
    for (size_t i = 0; i < len; i++)
        ck_assert_msg(got[i] == must[i], "%s: byte %zu of %zu is %02x, not %02x", c->name, i, len, got[i],
                      must[i]);
}

/* R4: the source's entry was seen, and a bounced MAC counts it. */
static void check_entries(void)
{
    for (unsigned i = 0; i < CASE_MACS && c->macs[i].net; i++) {
        const struct case_mac *m = &c->macs[i];
        bool is_source = m->net == case_net(c) && mac_eq(flow_mac(m->host), c->src);
        bool here = c->port == PORT_WAN ? m->where == DP_WHERE_VTEP && m->target == c->outer.vtep
                                        : m->where == DP_WHERE_PORT && m->target == c->port;

        if (c->verdict == CASE_TO_PORT || c->verdict == CASE_TO_VTEP)
            ck_assert_msg((entry(m)->seen != 0) == (is_source && here), "%s: host %u seen %u", c->name,
                          m->host, entry(m)->seen);
        ck_assert_msg(*fp_table_bounced(&rig->fdb, entry(m)) == (m->bounce && (c->counts & CASE_BOUNCED)),
                      "%s: host %u bounced", c->name, m->host);
    }
}

/* No worker is there: what it only wants to see, or to double, goes without it. */
static bool alone;

static bool goes_alone(void)
{
    return alone && (c->verdict == CASE_TO_PORT || c->verdict == CASE_TO_VTEP) &&
           (c->fast == FP_PUNT_neighbour || c->fast == FP_PUNT_syn || c->fast == FP_PUNT_marked);
}

static void run_case(void)
{
    struct counted must;
    size_t in_len, out_len, want_len;
    uint32_t action;

    enter();
    read_counters(&must);
    in_len = case_frame_in(c, ipv6, in);
    action = fp_rig_run(rig, c->port, in, in_len, got, &out_len);
    if (c->fast != CASE_FAST_TOO && !goes_alone()) {
        must.ports[c->port].punts[c->fast]++;
        ck_assert_msg(action == XDP_REDIRECT, "%s: action %u", c->name, action);
        check_frame(in, in_len, out_len);
    } else if (c->verdict == CASE_TO_KERNEL) {
        must.ports[c->port].passed++;
        ck_assert_msg(action == XDP_PASS, "%s: action %u", c->name, action);
        check_frame(in, in_len, out_len);
    } else if (c->verdict == CASE_DROP) {
        expect_carried(&must, in_len, 0);
        ck_assert_msg(action == XDP_DROP, "%s: action %u", c->name, action);
    } else {
        want_len = case_frame_out(c, ipv6, want);
        expect_carried(&must, in_len, want_len);
        ck_assert_msg(action == XDP_REDIRECT, "%s: action %u", c->name, action);
        check_frame(want, want_len, out_len);
        check_entries();
    }
    check_counters(&must);
}

static void open_rig(bool v6)
{
    struct flow family = {.ipv6 = v6};
    struct ipaddr vtep = flow_vtep_address(&family, 0);

    ipv6 = v6;
    rig = fp_rig_open(&vtep, 4789, 1000);
}

static void setup(void)
{
    open_rig(false);
}

static void setup_ipv6(void)
{
    open_rig(true);
}

static void teardown(void)
{
    fp_rig_close(rig);
}

START_TEST(test_cases)
{
    for (c = flow_cases; c < flow_cases + n_flow_cases; c++) {
        if (case_runs_over(c, ipv6))
            run_case();
    }
}
END_TEST

/* The same maps over and over: nothing of a case is left in the next one. */
START_TEST(test_cases_backwards)
{
    for (c = flow_cases + n_flow_cases - 1; c >= flow_cases; c--) {
        if (case_runs_over(c, ipv6))
            run_case();
    }
}
END_TEST

/* ---- beside the table ---- */

static const struct flow_case *find_case(const char *name)
{
    for (size_t i = 0; i < n_flow_cases; i++) {
        if (strcmp(flow_cases[i].name, name) == 0)
            return &flow_cases[i];
    }
    ck_abort_msg("no case '%s'", name);
    return NULL;
}

#define TO_VTEP   "R1.4 known unicast to a VTEP"
#define TO_PORT   "VLAN translated"
#define FROM_WAN  "R1.4 unpacked, tagged"
#define NOT_OURS  "R1.1 another port"
#define BROADCAST "R8.1 broadcast"

static uint32_t run(const char *name)
{
    size_t len, out_len;

    c = find_case(name);
    enter();
    len = case_frame_in(c, ipv6, in);
    return fp_rig_run(rig, c->port, in, len, got, &out_len);
}

static uint64_t punts(unsigned port, enum fp_punt why)
{
    struct fp_port_counters counters;

    fp_rig_port_counters(rig, port, &counters);
    return counters.punts[why];
}

START_TEST(test_before_the_first_topology)
{
    size_t len, out_len;

    c = find_case(TO_VTEP);
    fp_rig_unpublish(rig);
    len = case_frame_in(c, ipv6, in);
    ck_assert_uint_eq(fp_rig_run(rig, c->port, in, len, got, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(punts(PORT_A, FP_PUNT_no_topology), 1);
    c = find_case(FROM_WAN);
    len = case_frame_in(c, ipv6, in);
    ck_assert_uint_eq(fp_rig_run(rig, c->port, in, len, got, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(punts(PORT_WAN, FP_PUNT_no_topology), 1);
    c = find_case(NOT_OURS);
    len = case_frame_in(c, ipv6, in);
    ck_assert_uint_eq(fp_rig_run(rig, c->port, in, len, got, &out_len), XDP_PASS);
}
END_TEST

START_TEST(test_without_a_socket)
{
    struct fp_port_counters counters;

    fp_rig_remove_sockets(rig);
    ck_assert_uint_eq(run(BROADCAST), XDP_PASS);
    ck_assert_uint_eq(run("unknown unicast from the WAN"), XDP_PASS);
    for (unsigned port = PORT_A; port <= PORT_WAN; port += PORT_WAN) {
        fp_rig_port_counters(rig, port, &counters);
        ck_assert_uint_eq(counters.unserved, 1);
        ck_assert_uint_eq(counters.passed, 0);
    }
    ck_assert_uint_eq(run(TO_VTEP), XDP_REDIRECT); /* is carried without a worker */
    ck_assert_uint_eq(run(FROM_WAN), XDP_REDIRECT);
}
END_TEST

/* A process that was killed leaves no socket; known unicast goes on, whatever it is. */
START_TEST(test_known_unicast_without_a_worker)
{
    unsigned n = 0;

    alone = true;
    fp_rig_remove_sockets(rig);
    for (c = flow_cases; c < flow_cases + n_flow_cases; c++) {
        if (!case_runs_over(c, ipv6) || !goes_alone())
            continue;
        run_case();
        n++;
    }
    ck_assert_uint_gt(n, 10);
    ck_assert_uint_eq(run("R8.2 exception of a MAC"), XDP_PASS); /* cannot be flooded here */
    ck_assert_uint_eq(run("for the gateway itself, from the WAN"), XDP_PASS);
}
END_TEST

START_TEST(test_redirect_target_is_gone)
{
    uint64_t dropped;

    fp_rig_remove_target(rig, PORT_WAN);
    fp_rig_remove_target(rig, PORT_B);
    ck_assert_uint_eq(run(TO_VTEP), XDP_DROP);
    ck_assert_uint_eq(run(TO_PORT), XDP_DROP);
    dropped = fp_rig_drops(rig, DROP_tx_full);
    ck_assert_uint_eq(dropped, 2);
    ck_assert_uint_eq(run(FROM_WAN), XDP_REDIRECT); /* to port A */
}
END_TEST

/* One a second, and 64 at once: of a hundred some are left over, unless this takes half a minute. */
START_TEST(test_punts_are_limited)
{
    struct fp_port_counters counters;
    unsigned dropped = 0;

    rig->punt_limit = 1;
    for (unsigned i = 0; i < 100; i++)
        dropped += run(BROADCAST) == XDP_DROP;
    fp_rig_port_counters(rig, PORT_A, &counters);
    ck_assert_uint_ge(counters.punts[FP_PUNT_group], 64);
    ck_assert_uint_gt(dropped, 0);
    ck_assert_uint_eq(counters.punts[FP_PUNT_group] + dropped, 100);
    ck_assert_uint_eq(fp_rig_drops(rig, DROP_punt_limit), dropped);
    ck_assert_uint_eq(counters.drops, dropped);
    ck_assert_uint_eq(counters.rx.frames, dropped);
    ck_assert_uint_eq(run(TO_VTEP), XDP_REDIRECT);                  /* no punt */
    ck_assert_uint_eq(run("broadcast from the WAN"), XDP_REDIRECT); /* another port */
    ck_assert_uint_eq(punts(PORT_WAN, FP_PUNT_group), 1);
    rig->punt_limit = 0;
    ck_assert_uint_eq(run(BROADCAST), XDP_REDIRECT);
}
END_TEST

/* The worker is the way of all that leaves by a port that DPDK drives, or that lost frames lately. */
START_TEST(test_known_unicast_is_not_limited)
{
    rig->punt_limit = 1;
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(run("underlay cannot be redirected to"), XDP_REDIRECT);
        ck_assert_uint_eq(run("port cannot be redirected to"), XDP_REDIRECT);
    }
    ck_assert_uint_eq(punts(PORT_A, FP_PUNT_no_redirect), 200);
    ck_assert_uint_eq(fp_rig_drops(rig, DROP_punt_limit), 0);
    ck_assert_uint_eq(run(BROADCAST), XDP_REDIRECT); /* they took nothing of its share */
}
END_TEST

/* R1.3 over IPv6: a checksum of zero would mean that there is none. */
START_TEST(test_R1_3_checksum_that_comes_to_zero)
{
    size_t len, out_len, word;
    uint32_t sum;

    if (!ipv6)
        return;
    c = find_case(TO_VTEP);
    enter();
    len = case_frame_in(c, ipv6, in);
    ck_assert_uint_eq(fp_rig_run(rig, c->port, in, len, got, &out_len), XDP_REDIRECT);
    word = len - 2; /* of the payload; what it grows by, the checksum shrinks by */
    sum = (uint32_t)(in[word] << 8 | in[word + 1]) + (uint32_t)(got[60] << 8 | got[61]);
    sum = (sum & 0xffff) + (sum >> 16);
    in[word] = (uint8_t)(sum >> 8);
    in[word + 1] = (uint8_t)sum;
    ck_assert_uint_eq(fp_rig_run(rig, c->port, in, len, got, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(got[60], 0xff);
    ck_assert_uint_eq(got[61], 0xff);
}
END_TEST

static uint32_t run_jumbo(const char *name, uint16_t payload, size_t *len, size_t *out_len)
{
    struct flow_case jumbo = *find_case(name);

    jumbo.payload = payload;
    jumbo.vtep_mtu = 9216;
    c = &jumbo;
    enter();
    *len = case_frame_in(c, ipv6, in);
    return fp_rig_run(rig, c->port, in, *len, got, out_len);
}

/* What is longer than a buffer goes out where that is possible, and to the worker elsewhere. */
START_TEST(test_frames_in_several_buffers)
{
    size_t len, out_len;

    for (unsigned i = 0; i < FP_RIG_PORTS; i++)
        rig->ports[i].mtu = 9000;
    ck_assert_uint_eq(run_jumbo(TO_VTEP, 8000, &len, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(punts(PORT_A, FP_PUNT_odd), 1);
    ck_assert_uint_eq(out_len, len);
    ck_assert_uint_eq(run_jumbo(FROM_WAN, 8000, &len, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(punts(PORT_WAN, FP_PUNT_odd), 1);
    ck_assert_uint_eq(out_len, len);

    for (unsigned i = 0; i < FP_RIG_PORTS; i++)
        rig->ports[i].scattered = true;
    ck_assert_uint_eq(run_jumbo(FROM_WAN, 8000, &len, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(punts(PORT_WAN, FP_PUNT_odd), 1);
    ck_assert_uint_eq(out_len, len - (ipv6 ? 70 : 50) + 4);
    ck_assert_mem_eq(got + 16, in + (ipv6 ? 82 : 62), out_len - 16);
    ck_assert_uint_eq(run_jumbo(TO_PORT, 8000, &len, &out_len), XDP_REDIRECT);
    ck_assert_uint_eq(out_len, len);
    ck_assert_mem_eq(got + 16, in + 16, len - 16);
    ck_assert_uint_eq(run_jumbo(TO_VTEP, 8000, &len, &out_len), XDP_REDIRECT);
    if (ipv6) { /* the checksum cannot be had */
        ck_assert_uint_eq(punts(PORT_A, FP_PUNT_odd), 2);
        ck_assert_uint_eq(out_len, len);
    } else {
        ck_assert_uint_eq(punts(PORT_A, FP_PUNT_odd), 1);
        ck_assert_uint_eq(out_len, len + 46);
        ck_assert_mem_eq(got + 62, in + 16, len - 16);
    }
}
END_TEST

/* fast = 0: as xdp_port.bpf.c. */
START_TEST(test_switched_off)
{
    struct fp_port_counters counters;

    fp_rig_close(rig);
    rig = NULL;
    fp_rig_slow = true;
    open_rig(ipv6);
    fp_rig_slow = false;
    ck_assert_uint_eq(run(TO_VTEP), XDP_REDIRECT);
    ck_assert_uint_eq(run("unknown VLAN"), XDP_REDIRECT);
    ck_assert_uint_eq(run(FROM_WAN), XDP_REDIRECT);
    ck_assert_uint_eq(run(NOT_OURS), XDP_PASS);
    ck_assert_uint_eq(punts(PORT_A, FP_PUNT_off), 2);
    ck_assert_uint_eq(punts(PORT_WAN, FP_PUNT_off), 1);
    fp_rig_port_counters(rig, PORT_WAN, &counters);
    ck_assert_uint_eq(counters.passed, 1);
    ck_assert_uint_eq(counters.rx.frames, 0);
}
END_TEST

/* CK_INCLUDE_TAGS=table runs the table alone. */
static void add(Suite *s, const char *name, void (*open)(void), bool table)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, open, teardown);
    if (table) {
        tcase_set_tags(t, "table");
        tcase_add_test(t, test_cases);
    } else {
        tcase_add_test(t, test_cases_backwards);
        tcase_add_test(t, test_before_the_first_topology);
        tcase_add_test(t, test_without_a_socket);
        tcase_add_test(t, test_known_unicast_without_a_worker);
        tcase_add_test(t, test_redirect_target_is_gone);
        tcase_add_test(t, test_punts_are_limited);
        tcase_add_test(t, test_known_unicast_is_not_limited);
        tcase_add_test(t, test_R1_3_checksum_that_comes_to_zero);
        tcase_add_test(t, test_frames_in_several_buffers);
        tcase_add_test(t, test_switched_off);
    }
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("fp_cases");

    if (geteuid() != 0) {
        printf("skipped: BPF programs need root\n");
        return 0;
    }
    add(s, "ipv4", setup, true);
    add(s, "ipv6", setup_ipv6, true);
    add(s, "ipv4, beside the table", setup, false);
    add(s, "ipv6, beside the table", setup_ipv6, false);
    return run_suite(s);
}
