/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The looking variants of the fast path's programs on the table of cases (tests/flow/cases.h), which is what
 * the programs on ports are held to (test_fp_cases.c): what a trace says is what becomes of the frame, and
 * nothing is left of it in the tables. Needs root; touches no interface.
 */
#include "tests/flow/cases.h"
#include "tests/unit/suite.h"

#include "conf/log.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/fastpath_trace.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define N_PORTS 3
#define LO      1 /* where frames are redirected to: test runs send nothing */

static struct fastpath *fp;
static struct fastpath_tracer *tracers[N_PORTS];
static struct fastpath_port ports[DP_MAX_PORTS];
static const struct flow_case *c;
static bool ipv6;
static uint8_t in[CASE_FRAME], want[CASE_FRAME];
static char err[FASTPATH_ERR_LEN];

/* ---- the world of a case */

static void enter(void)
{
    struct case_world w;

    for (unsigned i = 0; i < N_PORTS; i++)
        ports[i] = (struct fastpath_port){.ifindex = LO, .target = true, .mtu = 1500};
    if (c->not_redirectable)
        ports[c->verdict == CASE_TO_VTEP ? PORT_WAN : c->to].target = false;
    case_world(&w, c, ipv6);
    ck_assert_int_eq(fastpath_publish(fp, &w.topology, ports), 0);
    fastpath_flush(fp);
    for (unsigned i = 0; i < CASE_MACS && c->macs[i].net; i++) {
        const struct case_mac *m = &c->macs[i];
        struct dp_dest dest = {.where = (enum dp_where)m->where,
                               .target = m->target,
                               .is_static = m->is_static,
                               .bounce = m->bounce,
                               .watch = m->watch};

        ck_assert_int_eq(fastpath_fdb_set(fp, m->net, flow_mac(m->host), dest, m->bicast), 0);
    }
}

static void open_fastpath(bool v6)
{
    /* nothing can be pinned there, so it ends with the process */
    const struct fastpath_config config = {.gateway = "look", .dir = "/proc/none", .max_macs = 1000};
    int rc;

    log_set_level(LOG_LEVEL_ERROR);
    ipv6 = v6;
    rc = fastpath_open(&config, &fp, err, sizeof(err));
    ck_assert_msg(rc == 0, "%s", err);
    c = &flow_cases[0];
    enter();
}

static void setup(void)
{
    open_fastpath(false);
}

static void setup_ipv6(void)
{
    open_fastpath(true);
}

static void teardown(void)
{
    for (unsigned i = 0; i < N_PORTS; i++) {
        fastpath_tracer_close(tracers[i]);
        tracers[i] = NULL;
    }
    fastpath_close(fp);
}

/* ---- trace */

static const struct fastpath_tracer *tracer(dp_port_id port)
{
    if (!tracers[port])
        ck_assert_msg(fastpath_tracer_open(fp, port, &tracers[port], err, sizeof(err)) == 0, "%s", err);
    return tracers[port];
}

static void expect_frame(const struct fastpath_trace *t, const uint8_t *must, size_t len)
{
    ck_assert_msg(t->len == len, "%s: %u bytes, not %zu", c->name, t->len, len);
    ck_assert_msg(memcmp(t->frame, must, len) == 0, "%s: the frame is another one", c->name);
}

static void expect_end(const struct fastpath_trace *t, enum fastpath_end end)
{
    ck_assert_msg(t->end == end, "%s: ends as %d (drop %s, punt %s), not %d", c->name, t->end,
                  drop_name(t->reason), fastpath_punt_name(t->punt), end);
}

/* What a program on a port would have left. */
static void expect_untouched(void)
{
    struct dp_totals totals = {0};
    struct dp_port_counters counters;
    struct fastpath_port_work work;
    mono_t seen;

    for (unsigned i = 0; i < CASE_MACS && c->macs[i].net; i++) {
        ck_assert_msg(!fastpath_fdb_seen(fp, c->macs[i].net, flow_mac(c->macs[i].host), &seen), "%s",
                      c->name);
        ck_assert_uint_eq(fastpath_fdb_bounced(fp, c->macs[i].net, flow_mac(c->macs[i].host)), 0);
    }
    fastpath_totals(fp, &totals);
    for (unsigned i = 0; i < DROP_N; i++)
        ck_assert_msg(totals.drops[i] == 0, "%s", c->name);
    fastpath_port_counters(fp, c->port, &counters);
    fastpath_port_work(fp, c->port, &work);
    ck_assert_msg(counters.rx.frames == 0 && counters.drops == 0 && work.passed == 0 && work.unserved == 0,
                  "%s", c->name);
}

static void expect_case(const struct fastpath_trace *t, size_t in_len)
{
    if (c->fast != CASE_FAST_TOO) {
        expect_end(t, FASTPATH_TO_WORKER);
        ck_assert_msg((int)t->punt == c->fast, "%s: %s", c->name, fastpath_punt_name(t->punt));
        expect_frame(t, in, in_len);
    } else if (c->verdict == CASE_DROP) {
        expect_end(t, FASTPATH_DROPPED);
        ck_assert_msg((int)t->reason == c->drop, "%s: %s", c->name, drop_name(t->reason));
    } else if (c->verdict == CASE_TO_KERNEL) {
        expect_end(t, FASTPATH_TO_KERNEL);
        expect_frame(t, in, in_len);
    } else {
        expect_end(t, c->verdict == CASE_TO_VTEP ? FASTPATH_TO_VTEP : FASTPATH_TO_PORT);
        ck_assert_msg(t->port == (c->verdict == CASE_TO_VTEP ? PORT_WAN : c->to), "%s", c->name);
        ck_assert_msg(t->net == case_net(c) && t->destination.found && t->destination.dest.target == c->to,
                      "%s", c->name);
        expect_frame(t, want, case_frame_out(c, ipv6, want));
    }
}

START_TEST(test_trace_says_what_becomes_of_each_case)
{
    static struct fastpath_trace t;
    unsigned n = 0;

    for (c = flow_cases; c < flow_cases + n_flow_cases; c++) {
        size_t len;

        if (!case_runs_over(c, ipv6))
            continue;
        enter();
        len = case_frame_in(c, ipv6, in);
        if (len > FASTPATH_TRACE_IN || len < 14)
            continue;
        ck_assert_msg(fastpath_tracer_run(tracer(c->port), in, len, &t) == 0, "%s", c->name);
        expect_case(&t, len);
        expect_untouched();
        n++;
    }
    ck_assert_uint_gt(n, n_flow_cases / 2);
}
END_TEST

/* What the operator gives is the inner frame: behind the header that is put in front of it it is taken. */
START_TEST(test_trace_from_a_vtep)
{
    static struct fastpath_trace t;
    uint8_t outer[CASE_FRAME];
    unsigned head = ipv6 ? 70 : 50;
    dp_port_id port = 0;
    size_t len;

    for (c = flow_cases; strcmp(c->name, "R1.4 unpacked, tagged") != 0; c++)
        ck_assert(c < flow_cases + n_flow_cases - 1);
    enter();
    len = case_frame_in(c, ipv6, in);
    ck_assert_uint_eq(fastpath_trace_from_vtep(fp, 77, VTEP_1, in + head, len - head, outer, &port), 0);
    ck_assert_uint_eq(fastpath_trace_from_vtep(fp, NET_WEB, 77, in + head, len - head, outer, &port), 0);
    ck_assert_uint_eq(fastpath_trace_from_vtep(fp, NET_WEB, VTEP_1, in + head, len - head, outer, &port),
                      len);
    ck_assert_uint_eq(port, PORT_WAN);
    ck_assert_int_eq(fastpath_tracer_run(tracer(port), outer, len, &t), 0);
    expect_case(&t, len);
    ck_assert_uint_eq(t.vtep, VTEP_1);
    ck_assert(t.source.looked && t.source.found && t.source.dest.where == DP_WHERE_VTEP &&
              t.source.dest.target == VTEP_1);
}
END_TEST

START_TEST(test_trace_refuses)
{
    static struct fastpath_trace t;
    struct fastpath_tracer *none = NULL;

    ck_assert_int_eq(fastpath_tracer_open(fp, 9, &none, err, sizeof(err)), -ENOENT);
    ck_assert_int_eq(fastpath_tracer_open(fp, DP_MAX_PORTS, &none, err, sizeof(err)), -ENOENT);
    ck_assert_int_eq(fastpath_tracer_run(tracer(PORT_A), in, 13, &t), -EINVAL);
    ck_assert_int_eq(fastpath_tracer_run(tracer(PORT_A), in, FASTPATH_TRACE_IN + 1, &t), -EMSGSIZE);
    ck_assert_int_eq(fastpath_tracer_run(tracer(PORT_A), in, FASTPATH_TRACE_IN, &t), 0);
    fastpath_suspend(fp);
    ck_assert_int_eq(fastpath_tracer_open(fp, PORT_A, &none, err, sizeof(err)), -ENODATA);
    ck_assert_ptr_null(none);
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
        tcase_add_test(t, test_trace_says_what_becomes_of_each_case);
    } else {
        tcase_add_test(t, test_trace_from_a_vtep);
        tcase_add_test(t, test_trace_refuses);
    }
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("fp_look");

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
