/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The looking variants of the fast path's programs on the table of cases (tests/flow/cases.h), which is what
 * the programs on ports are held to (test_fp_cases.c): what a trace says is what becomes of the frame, and
 * nothing is left of it in the tables; what a capture has is what came in, went out and was dropped, and not
 * what the worker gets. Needs root; touches no interface.
 */
#include "tests/flow/cases.h"
#include "tests/unit/suite.h"

#include "conf/log.h"
#include "ebpf/fastpath_capture.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/fastpath_trace.h"
#include "ebpf/xdp_program.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define N_PORTS 3
#define LO      1 /* where frames are redirected to: test runs send nothing */

static struct fastpath *fp;
static struct fastpath_tracer *tracers[N_PORTS];
static struct fastpath_capture *capture;
static struct xdp_program *programs[N_PORTS]; /* that copy into it */
static int worker = -1;                       /* a socket of the worker */
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
    worker = socket(AF_XDP, SOCK_RAW, 0);
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
        xdp_program_free(programs[i]);
        tracers[i] = NULL;
        programs[i] = NULL;
    }
    close(worker);
    fastpath_capture_close(capture);
    capture = NULL;
    fastpath_close(fp);
}

static const struct flow_case *find_case(const char *name)
{
    for (size_t i = 0; i < n_flow_cases; i++)
        if (strcmp(flow_cases[i].name, name) == 0)
            return &flow_cases[i];
    ck_abort_msg("no case \"%s\"", name);
    return NULL;
}

#define CARRIED   "R1.4 known unicast to a VTEP"
#define FROM_VTEP "R1.4 unpacked, tagged"
#define DROPPED   "R1.12 first reserved address"

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

    c = find_case(FROM_VTEP);
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

/* ---- capture */

static const struct capture_filter everything = {
    .reason = DROP_N, .port = DP_NO_PORT, .snap = CAPTURE_SNAP_MAX};
static struct capture_frame frame;

static void begin(const struct capture_filter *filter)
{
    ck_assert_msg(fastpath_capture_open(filter, &capture, err, sizeof(err)) == 0, "%s", err);
}

/* A socket is at its queue: a worker is there. */
static void let_worker_in(const struct xdp_program *p)
{
    int map = xdp_program_map(p, "xsks_map");
    uint32_t queue = 0;

    ck_assert(worker >= 0 && map >= 0);
    ck_assert_int_eq(bpf_map_update_elem(map, &queue, &worker, 0), 0);
}

static int program(dp_port_id port)
{
    const struct fp_topology *t = fastpath_topology(fp);
    struct xdp_config config = {.ifname = "test",
                                .take = port == PORT_WAN ? XDP_TAKE_VXLAN : XDP_TAKE_ALL,
                                .address = {.family = t->family},
                                .vxlan_port = 4789,
                                .port = port};
    struct xdp_program_spec spec = {
        .config = &config, .fp = fp, .fast = true, .queues = 1, .capture = capture};

    memcpy(config.address.b, t->address, sizeof(config.address.b));
    if (!programs[port]) {
        ck_assert_msg(xdp_program_load(&spec, &programs[port], err, sizeof(err)) == 0, "%s", err);
        let_worker_in(programs[port]);
    }
    return xdp_program_fd(programs[port]);
}

/* c's frame, so many times. Its length. */
static size_t send_case(unsigned times)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    static uint8_t out[CASE_FRAME + 100];
    size_t len;

    enter();
    len = case_frame_in(c, ipv6, in);
    opts.data_in = in;
    opts.data_size_in = (uint32_t)len;
    for (unsigned i = 0; i < times; i++) {
        opts.data_out = out;
        opts.data_size_out = sizeof(out);
        ck_assert_msg(bpf_prog_test_run_opts(program(c->port), &opts) == 0, "%s", c->name);
    }
    return len;
}

/* Likewise, and the capture goes on from when all is loaded: a busy machine takes seconds for that. */
static size_t send_in_time(unsigned times)
{
    enter();
    (void)program(c->port);
    fastpath_capture_go_on(capture);
    return send_case(times);
}

static void expect_one(enum capture_what what, dp_port_id port, const uint8_t *must, size_t len)
{
    uint64_t now = (uint64_t)time(NULL);

    ck_assert_msg(fastpath_capture_pop(capture, &frame), "%s: nothing is there", c->name);
    ck_assert_msg(frame.what == what && frame.port == port, "%s: what %d, port %u", c->name, frame.what,
                  frame.port);
    ck_assert_msg(frame.len == len && frame.snapped == len && memcmp(frame.data, must, len) == 0,
                  "%s: %u bytes", c->name, frame.len);
    ck_assert(frame.unix_ns / 1000000000 + 60 > now && frame.unix_ns / 1000000000 < now + 60);
}

static bool is_carried(void)
{
    return c->fast == CASE_FAST_TOO && (c->verdict == CASE_TO_PORT || c->verdict == CASE_TO_VTEP);
}

static void each_case(void (*check)(size_t len))
{
    for (c = flow_cases; c < flow_cases + n_flow_cases; c++) {
        size_t len;

        if (!case_runs_over(c, ipv6) || case_frame_in(c, ipv6, in) > CAPTURE_SNAP_MAX - 70 ||
            case_frame_in(c, ipv6, in) < 14)
            continue;
        len = send_in_time(1);
        check(len);
        ck_assert_msg(!fastpath_capture_pop(capture, &frame), "%s: one too many, %d", c->name, frame.what);
    }
    ck_assert_uint_eq(fastpath_capture_lost(capture), 0);
}

static void check_in_and_out(size_t len)
{
    if (is_carried() || (c->fast == CASE_FAST_TOO && c->verdict == CASE_DROP))
        expect_one(CAPTURE_IN, c->port, in, len);
    if (!is_carried())
        return;
    ck_assert_msg(frame.net == case_net(c), "%s: network %u", c->name, frame.net);
    expect_one(CAPTURE_OUT, c->verdict == CASE_TO_VTEP ? PORT_WAN : c->to, want,
               case_frame_out(c, ipv6, want));
    ck_assert_msg(frame.net == case_net(c), "%s: network %u", c->name, frame.net);
}

static void check_drop(size_t len)
{
    if (c->fast != CASE_FAST_TOO || c->verdict != CASE_DROP)
        return;
    expect_one(CAPTURE_DROP, c->port, in, len);
    ck_assert_msg((int)frame.reason == c->drop, "%s: %s", c->name, drop_name(frame.reason));
}

START_TEST(test_capture_has_what_is_carried_and_dropped)
{
    begin(&everything);
    each_case(check_in_and_out);
}
END_TEST

START_TEST(test_capture_has_each_drop_by_its_reason)
{
    struct capture_filter filter = everything;

    filter.drops = true;
    begin(&filter);
    each_case(check_drop);
}
END_TEST

/* How many of the frames of a case, in and out, are there with this filter. */
static unsigned copies(const char *name, struct capture_filter filter)
{
    unsigned n = 0;

    begin(&filter);
    c = find_case(name);
    send_in_time(1);
    while (fastpath_capture_pop(capture, &frame))
        n++;
    fastpath_capture_close(capture);
    capture = NULL;
    for (unsigned i = 0; i < N_PORTS; i++) {
        xdp_program_free(programs[i]);
        programs[i] = NULL;
    }
    return n;
}

#define ANY .reason = DROP_N, .port = DP_NO_PORT, .snap = 64

START_TEST(test_capture_filters)
{
    static const struct {
        const char *name;
        struct capture_filter filter;
        unsigned n;
    } t[] = {
        {CARRIED, {.reason = DROP_N, .port = PORT_A, .snap = 64}, 1},
        {CARRIED, {.reason = DROP_N, .port = PORT_WAN, .snap = 64}, 1},
        {CARRIED, {.reason = DROP_N, .port = PORT_B, .snap = 64}, 0},
        {CARRIED, {ANY, .net = NET_WEB}, 2},
        {CARRIED, {ANY, .net = NET_DB}, 0},
        {CARRIED, {ANY, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}}, 2},
        {CARRIED, {ANY, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 2}}}, 2},
        {CARRIED, {ANY, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 3}}}, 0},
        {FROM_VTEP, {ANY, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}, .net = NET_WEB}, 2},
        {FROM_VTEP, {ANY, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 2}}}, 2},
        {FROM_VTEP, {ANY, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 3}}}, 0},
        {DROPPED, {ANY, .drops = true}, 1},
        {DROPPED, {.drops = true, .reason = DROP_link_local, .port = PORT_A, .snap = 64}, 1},
        {DROPPED, {.drops = true, .reason = DROP_vlan_unknown, .port = DP_NO_PORT, .snap = 64}, 0},
        {DROPPED, {.drops = true, .reason = DROP_N, .port = PORT_B, .snap = 64}, 0},
        {DROPPED, {ANY, .drops = true, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}}, 1},
        {DROPPED, {ANY, .drops = true, .by_mac = true, .mac = {{2, 0, 0, 0, 0, 2}}}, 0},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        ck_assert_msg(copies(t[i].name, t[i].filter) == t[i].n, "%zu: %s", i, t[i].name);
}
END_TEST

START_TEST(test_capture_cuts_frames)
{
    struct capture_filter filter = everything;
    size_t len;

    filter.snap = 33;
    filter.port = PORT_A;
    begin(&filter);
    c = find_case(CARRIED);
    len = send_in_time(1);
    ck_assert(fastpath_capture_pop(capture, &frame));
    ck_assert_uint_eq(frame.snapped, 33);
    ck_assert_uint_eq(frame.len, len);
    ck_assert_mem_eq(frame.data, in, 33);
}
END_TEST

START_TEST(test_capture_counts_what_it_has_no_room_for)
{
    enum { TIMES = 15000 }; /* two copies each, of more than 100 bytes */
    unsigned n = 0;

    begin(&everything);
    c = find_case(CARRIED);
    for (unsigned i = 0; i < TIMES / 1000; i++)
        send_in_time(1000);
    while (fastpath_capture_pop(capture, &frame))
        n++;
    ck_assert_uint_gt(fastpath_capture_lost(capture), 0);
    ck_assert_uint_eq(n + fastpath_capture_lost(capture), 2 * TIMES);
    send_in_time(1);
    ck_assert(fastpath_capture_pop(capture, &frame));
}
END_TEST

/* A process that was killed does not go on with it. */
START_TEST(test_capture_ends_unless_it_is_to_go_on)
{
    bool more = true;

    begin(&everything);
    c = find_case(CARRIED);
    for (mono_t start = mono_now(); more && mono_now().ns - start.ns < 20000000000u;) {
        send_case(1);
        more = fastpath_capture_pop(capture, &frame);
        while (fastpath_capture_pop(capture, &frame))
            ;
    }
    ck_assert(!more);
    send_in_time(1);
    ck_assert(fastpath_capture_pop(capture, &frame));
}
END_TEST

/* CK_INCLUDE_TAGS=table runs the table alone, once with each kind of program: an emulated machine takes
 * seconds to load one. */
static void add(Suite *s, const char *name, void (*open)(void), bool table)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, open, teardown);
    if (table) {
        tcase_set_tags(t, "table");
        tcase_add_test(t, test_trace_says_what_becomes_of_each_case);
        tcase_add_test(t, test_capture_has_what_is_carried_and_dropped);
    } else {
        tcase_add_test(t, test_capture_has_each_drop_by_its_reason);
        tcase_add_test(t, test_trace_from_a_vtep);
        tcase_add_test(t, test_trace_refuses);
        tcase_add_test(t, test_capture_filters);
        tcase_add_test(t, test_capture_cuts_frames);
        tcase_add_test(t, test_capture_counts_what_it_has_no_room_for);
        tcase_add_test(t, test_capture_ends_unless_it_is_to_go_on);
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
