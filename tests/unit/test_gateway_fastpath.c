/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whether a gateway has a fast path, on which ports, where it can send frames to, and what becomes of it at
 * the end. Maps, programs and interfaces are made up here.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "ebpf/fastpath.h"
#include "ebpf/nic.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <stdio.h>

/* The id of the second port: not its place. */
#define TRUNK 5

static struct {
    int open_rc, remove_rc, attach_rc, fast_off_rc, unpin_rc;
    bool pinned, taken_over, generic;
    int target_rc; /* nic_redirect_target() */
    bool scattered;
    uint64_t trouble, traced, dropped, redirected;
    bool blind, idle;
    bool up;
    const char *device;
    uint32_t max_macs, punt_limit;
    unsigned removed, opened, closed, unpinned, fast_offs, published, looks;
    unsigned fast_attached, plain_attached;
    unsigned looking, looking_fails_at; /* ports that copy; the one that cannot, from 1 */
} fake;

static char xdps[DP_MAX_PORTS]; /* what each port is attached as, by id */
static struct gateway g;
static struct gateway_private priv;
static char err[FASTPATH_ERR_LEN];

/* ---- below */

int fastpath_open(const struct fastpath_config *config, struct fastpath **out, char *why, size_t len)
{
    fake.opened++;
    fake.max_macs = config->max_macs;
    fake.punt_limit = config->punt_limit;
    snprintf(why, len, "%s", fake.open_rc < 0 ? "no rights" : "");
    *out = fake.open_rc < 0 ? NULL : (struct fastpath *)&fake;
    return fake.open_rc;
}

void fastpath_close(struct fastpath *fp)
{
    fake.closed += fp != NULL;
}

int fastpath_remove(const char *dir, const char *gateway, char *why, size_t len)
{
    (void)dir, (void)gateway;
    fake.removed++;
    snprintf(why, len, "it is busy");
    return fake.remove_rc;
}

int fastpath_unpin(struct fastpath *fp, char *why, size_t len)
{
    (void)fp;
    fake.unpinned++;
    fake.pinned = false;
    snprintf(why, len, "a program is still pinned");
    return fake.unpin_rc;
}

bool fastpath_pinned(const struct fastpath *fp, const char **why_not)
{
    (void)fp;
    if (why_not)
        *why_not = "no bpffs";
    return fake.pinned;
}

bool fastpath_forwards(const struct fastpath *fp)
{
    (void)fp;
    return !fake.idle;
}

bool fastpath_taken_over(const struct fastpath *fp)
{
    (void)fp;
    return fake.taken_over;
}

int xdp_attach(const struct xdp_config *config, struct fastpath *fp, struct xdp **out, unsigned *queues,
               char *why, size_t len)
{
    if (fp && fake.attach_rc < 0) {
        snprintf(why, len, "the kernel does not take it");
        return fake.attach_rc;
    }
    fake.fast_attached += fp != NULL;
    fake.plain_attached += fp == NULL;
    *out = (struct xdp *)&xdps[config->port];
    *queues = 1;
    return 0;
}

int xdp_fast_off(struct xdp *x, char *why, size_t len)
{
    (void)x;
    fake.fast_offs += fake.fast_off_rc == 0;
    snprintf(why, len, "no memory");
    return fake.fast_off_rc;
}

int xdp_capture(struct xdp *x, const struct fastpath_capture *c, char *why, size_t len)
{
    (void)x;
    snprintf(why, len, "no memory for it");
    if (c && fake.looking + 1 == fake.looking_fails_at)
        return -ENOMEM;
    fake.looking = c ? fake.looking + 1 : 0;
    return 0;
}

const char *xdp_mode(const struct xdp *x)
{
    return fake.generic && x == (const struct xdp *)&xdps[TRUNK] ? "generic" : "native";
}

int nic_redirect_target(const char *ifname, bool *scattered)
{
    fake.looks++;
    (void)ifname;
    *scattered = fake.scattered;
    return fake.target_rc;
}

uint64_t nic_xdp_trouble(const char *ifname)
{
    (void)ifname;
    return fake.trouble;
}

uint64_t nic_tx_dropped(const char *ifname)
{
    (void)ifname;
    return fake.dropped;
}

uint64_t fastpath_lost(const struct fastpath *fp, dp_port_id port)
{
    (void)fp;
    return port == TRUNK ? fake.traced : 0;
}

bool fastpath_sees_lost(const struct fastpath *fp, const char **why_not)
{
    (void)fp, (void)why_not;
    return !fake.blind;
}

/* Much goes out all the time. */
void fastpath_port_counters(const struct fastpath *fp, dp_port_id port, struct dp_port_counters *out)
{
    (void)fp;
    *out = (struct dp_port_counters){.tx.frames = port == TRUNK ? fake.redirected : 0};
}

void dp_port_status(struct dp *dp, dp_port_id port, struct dp_port_status *out)
{
    (void)dp, (void)port;
    *out = (struct dp_port_status){.up = fake.up, .mtu = 1500};
    snprintf(out->device, sizeof(out->device), "%s", fake.device);
}

/* ---- beside */

static struct fastpath *set;
static bool left;
static struct fastpath_port told[DP_MAX_PORTS];

void fwd_set_fastpath(struct forwarding *f, struct fastpath *fp)
{
    (void)f;
    set = fp;
    left = false;
}

void fwd_leave_fastpath(struct forwarding *f)
{
    (void)f;
    left = true;
}

struct fastpath *fwd_fastpath(const struct forwarding *f)
{
    (void)f;
    return left ? NULL : set;
}

bool fwd_set_port(struct forwarding *f, dp_port_id port, const struct fastpath_port *state)
{
    struct fastpath_port *p = &told[port];
    bool other =
        p->ifindex != state->ifindex || p->target != state->target || p->scattered != state->scattered;

    (void)f;
    *p = *state;
    return other;
}

void gateway_topology_changed(struct gateway *gw)
{
    (void)gw;
    fake.published++;
}

/* ---- a gateway with two ports */

static void setup(void)
{
    memset(&fake, 0, sizeof(fake));
    memset(&g, 0, sizeof(g));
    memset(&priv, 0, sizeof(priv));
    memset(told, 0, sizeof(told));
    set = NULL;
    left = false;
    fake.remove_rc = -ENOENT;
    fake.pinned = fake.up = fake.scattered = true;
    fake.target_rc = 1;
    fake.device = "lo";
    fake.redirected = 5000;
    g.priv = &priv;
    g.n_networks = g.max_networks = 2;
    g.n_ports = 2;
    for (unsigned i = 0; i < 2; i++)
        g.ports[i] = (struct gateway_port){.id = i ? TRUNK : 0, .name = "port"};
}

static void configure(const char *access, const char *more)
{
    struct conf_errors errors = {0};
    char yaml[1024];

    snprintf(yaml, sizeof(yaml),
             "site: s\ngateway: g\nunderlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
             "access: [ { name: t, %s } ]\nnetworks: [ { name: web, vlan: 1, vni: 1 } ]\n%s",
             access, more);
    g.conf = conf_load_string("test", yaml, strlen(yaml), &errors);
    ck_assert_msg(g.conf != NULL, "%s", errors.n ? errors.text[0] : "?");
    conf_errors_free(&errors);
}

static void teardown(void)
{
    gateway_fastpath_close(&g);
    ck_assert_ptr_null(set);
    conf_free((struct conf *)g.conf);
}

static int attach(unsigned i)
{
    const struct xdp_config config = {.ifname = "lo", .port = g.ports[i].id};
    unsigned queues = 0;

    return gateway_fastpath_attach(&g, &config, &g.ports[i], &queues, err, sizeof(err));
}

static void open_all(const char *more)
{
    configure("interface: lan0", more);
    ck_assert_int_eq(gateway_fastpath_open(&g, err, sizeof(err)), 0);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(attach(i), 0);
}

/* ---- tests */

static void poll_for_a_second(void)
{
    for (unsigned i = 0; i < FASTPATH_PARTS; i++)
        gateway_fastpath_poll(&g);
}

START_TEST(test_used_where_it_can_be_had)
{
    open_all("dataplane: { max_macs: 2000 }\n");
    ck_assert_ptr_null(gateway_fastpath_why_not(&g));
    ck_assert_ptr_nonnull(gateway_fastpath(&g));
    ck_assert_uint_eq(fake.max_macs, 2002); /* the gateway's own in each network */
    ck_assert_uint_eq(fake.punt_limit, 250000);
    ck_assert_uint_eq(fake.fast_attached, 2);
    ck_assert(gateway_fastpath_port(&g, TRUNK)->served);
    ck_assert_uint_eq(fake.removed, 0);
}
END_TEST

START_TEST(test_no_limit)
{
    open_all("fastpath: { punt_limit: unlimited }\n");
    ck_assert_uint_eq(fake.punt_limit, 0);
}
END_TEST

/* What an earlier process has left must not stay. */
START_TEST(test_off_takes_away_what_is_there)
{
    fake.remove_rc = _i == 0 ? 0 : _i == 1 ? -EBUSY : -ENOENT;
    open_all("fastpath: off\n");
    ck_assert_uint_eq(fake.removed, 1);
    ck_assert_uint_eq(fake.opened, 0);
    ck_assert_uint_eq(fake.plain_attached, 2);
    ck_assert_ptr_nonnull(strstr(gateway_fastpath_why_not(&g), "off in the configuration"));
    ck_assert(!gateway_fastpath_port(&g, TRUNK)->served && !gateway_fastpath_look(&g));
    ck_assert_int_eq(gateway_fastpath_detach(&g, err, sizeof(err)), -ENOENT);
}
END_TEST

START_TEST(test_one_port_is_no_path)
{
    configure("dpdk: net_null0", "");
    ck_assert_int_eq(gateway_fastpath_open(&g, err, sizeof(err)), 0);
    ck_assert_uint_eq(fake.removed, 1);
    ck_assert_ptr_nonnull(strstr(gateway_fastpath_why_not(&g), "not two of them"));
}
END_TEST

START_TEST(test_cannot_be_had)
{
    fake.open_rc = -EPERM;
    open_all("");
    ck_assert_uint_eq(fake.plain_attached, 2);
    ck_assert_str_eq(gateway_fastpath_why_not(&g), "no rights");
    ck_assert_ptr_null(gateway_fastpath(&g));
}
END_TEST

START_TEST(test_cannot_be_had_but_must)
{
    fake.open_rc = -EPERM;
    configure("interface: lan0", "fastpath: on\n");
    ck_assert_int_eq(gateway_fastpath_open(&g, err, sizeof(err)), -EPERM);
    ck_assert_str_eq(err, "fastpath is on, but cannot be had: no rights");
}
END_TEST

START_TEST(test_a_port_that_cannot)
{
    fake.attach_rc = -EINVAL;
    open_all("");
    ck_assert_uint_eq(fake.plain_attached, 2);
    ck_assert(!gateway_fastpath_port(&g, TRUNK)->served);
    gateway_fastpath_look(&g);
    ck_assert_uint_eq(told[TRUNK].ifindex, 0);
}
END_TEST

START_TEST(test_a_port_that_cannot_but_must)
{
    configure("interface: lan0", "fastpath: on\n");
    ck_assert_int_eq(gateway_fastpath_open(&g, err, sizeof(err)), 0);
    fake.attach_rc = -EINVAL;
    ck_assert_int_eq(attach(1), -EINVAL);
    ck_assert_uint_eq(fake.plain_attached, 0);
}
END_TEST

START_TEST(test_targets)
{
    open_all("");
    ck_assert(gateway_fastpath_look(&g));
    ck_assert(told[TRUNK].target && told[TRUNK].scattered && told[TRUNK].ifindex == 1);
    ck_assert(!gateway_fastpath_look(&g)); /* nothing new */
    fake.scattered = false;
    poll_for_a_second();
    ck_assert(told[TRUNK].target && !told[TRUNK].scattered && fake.published == g.n_ports);
    fake.target_rc = 0;
    poll_for_a_second();
    ck_assert(!told[TRUNK].target && fake.published == 2 * g.n_ports);
    ck_assert_ptr_nonnull(strstr(gateway_fastpath_port(&g, TRUNK)->refuse, "takes no redirected frames"));
    fake.target_rc = -ENOTSUP; /* an old kernel does not tell: as the mode of the program says */
    poll_for_a_second();
    ck_assert(told[TRUNK].target && !told[TRUNK].scattered);
    fake.generic = true;
    poll_for_a_second();
    ck_assert(!told[TRUNK].target);
    fake.generic = false;
    fake.target_rc = 1;
    fake.up = false;
    poll_for_a_second();
    ck_assert_str_eq(gateway_fastpath_port(&g, TRUNK)->refuse, "link down");
    fake.up = true;
    fake.device = "none-by-this-name"; /* it was deleted */
    poll_for_a_second();
    ck_assert(!told[TRUNK].target && told[TRUNK].ifindex == 1);
}
END_TEST

/* Each once a second, and not all at once. */
START_TEST(test_each_port_in_its_turn)
{
    unsigned most = 0;

    open_all("");
    ck_assert(gateway_fastpath_look(&g));
    fake.looks = 0;
    for (unsigned i = 0; i < 3 * FASTPATH_PARTS; i++) {
        unsigned before = fake.looks;

        gateway_fastpath_poll(&g);
        most = fake.looks - before > most ? fake.looks - before : most;
    }
    ck_assert_uint_eq(fake.looks, 3 * g.n_ports);
    ck_assert_uint_eq(most, 1);
}
END_TEST

static const struct gateway_fast_port *look_again(uint64_t redirected)
{
    fake.redirected += redirected;
    poll_for_a_second();
    return gateway_fastpath_port(&g, TRUNK);
}

/* Whoever sees them: tracepoints, driver, or the interface where the others are blind. */
START_TEST(test_lost_frames)
{
    uint64_t *witness = _i == 0 ? &fake.trouble : _i == 1 ? &fake.traced : &fake.dropped;
    struct gateway_fast_port *f;

    open_all("");
    fake.blind = _i == 2;
    fake.generic = _i == 3;
    *witness = 1000; /* of before: nobody knows when */
    look_again(0);
    ck_assert(told[TRUNK].target);
    *witness = 1007;
    f = (struct gateway_fast_port *)look_again(100);
    ck_assert(!told[TRUNK].target && f->lost == 7 && f->shunned == 1);
    look_again(100);
    ck_assert(!told[TRUNK].target && f->lost == 7);
    *witness = 1009; /* those that were under way */
    look_again(0);
    ck_assert(f->lost == 9 && f->shunned == 1);
    f->until.ns = mono_now().ns - 1;
    look_again(100);
    ck_assert(told[TRUNK].target);
    *witness = 1010;
    look_again(100);
    ck_assert(!told[TRUNK].target && f->shunned == 2);
    *witness = 0; /* it began anew */
    f->until.ns = 0;
    look_again(100);
    ck_assert(told[TRUNK].target && f->lost == 10);
    fake.traced = fake.trouble = 4; /* the same ones */
    look_again(100);
    ck_assert(f->lost == 14);
}
END_TEST

/* What others lose at the interface is none of ours, nor what an interface of the same number elsewhere does.
 */
START_TEST(test_lost_by_others)
{
    const struct gateway_fast_port *f;

    open_all("");
    look_again(0);
    look_again(0);
    fake.dropped = 10; /* of the worker's frames: the tracepoints say nothing */
    f = look_again(100);
    ck_assert(told[TRUNK].target && f->lost == 0);
    fake.traced = 10;
    f = look_again(0);
    ck_assert_uint_eq(f->lost, 10);
    look_again(0);
    fake.traced = 20; /* nothing was redirected for two looks */
    f = look_again(0);
    ck_assert_uint_eq(f->lost, 10);
}
END_TEST

START_TEST(test_detach)
{
    open_all("");
    fake.fast_off_rc = -ENOMEM;
    ck_assert_int_eq(gateway_fastpath_detach(&g, err, sizeof(err)), -ENOMEM);
    ck_assert(fwd_fastpath(g.fwd) && gateway_fastpath_port(&g, TRUNK)->served && fake.unpinned == 0);
    fake.fast_off_rc = 0;
    ck_assert_int_eq(gateway_fastpath_detach(&g, err, sizeof(err)), 0);
    ck_assert_uint_eq(fake.fast_offs, 2);
    ck_assert(!fwd_fastpath(g.fwd) && fake.unpinned == 1);
    ck_assert(gateway_fastpath(&g) && gateway_fastpath_why_not(&g)); /* its counters can still be read */
    ck_assert(!gateway_fastpath_look(&g) && !gateway_fastpath_stays(&g));
    ck_assert_int_eq(gateway_fastpath_detach(&g, err, sizeof(err)), -ENOENT);
}
END_TEST

START_TEST(test_what_stays)
{
    static const struct {
        const char *conf;
        bool running, pinned, taken_over, forwards, stays;
    } cases[] = {
        {"", true, true, true, true, false},
        {"fastpath: { persist: on }\n", true, true, false, true, true},
        {"fastpath: { persist: on }\n", true, false, false, true, false}, /* it cannot */
        {"", false, true, true, true, true}, /* a start that fails leaves what it found */
        {"", false, true, false, true, false},
        {"", false, true, true, false, false}, /* but not when that waits for another topology */
        {"fastpath: { persist: on }\n", true, true, false, false, false},
    };

    open_all(cases[_i].conf);
    priv.running = cases[_i].running;
    fake.pinned = cases[_i].pinned;
    fake.taken_over = cases[_i].taken_over;
    fake.idle = !cases[_i].forwards;
    ck_assert_int_eq(gateway_fastpath_stays(&g), cases[_i].stays);
    gateway_fastpath_close(&g);
    ck_assert_uint_eq(fake.unpinned, !cases[_i].stays);
    ck_assert_uint_eq(fake.closed, 1);
}
END_TEST

static const struct fastpath_capture *const some_capture = (const struct fastpath_capture *)&fake;

START_TEST(test_capture_on_all_ports_and_later_ones)
{
    configure("interface: lan0", "");
    ck_assert_int_eq(gateway_fastpath_open(&g, err, sizeof(err)), 0);
    ck_assert_int_eq(attach(0), 0);
    ck_assert_int_eq(gateway_fastpath_capture(&g, some_capture, err, sizeof(err)), 0);
    ck_assert_uint_eq(fake.looking, 1);
    ck_assert_int_eq(attach(1), 0);
    ck_assert_uint_eq(fake.looking, 2);
    ck_assert_int_eq(gateway_fastpath_capture(&g, NULL, err, sizeof(err)), 0);
    ck_assert_uint_eq(fake.looking, 0);
    ck_assert_int_eq(attach(1), 0);
    ck_assert_uint_eq(fake.looking, 0);
}
END_TEST

START_TEST(test_capture_on_all_ports_or_none)
{
    open_all("");
    fake.looking_fails_at = 2;
    ck_assert_int_eq(gateway_fastpath_capture(&g, some_capture, err, sizeof(err)), -ENOMEM);
    ck_assert_str_eq(err, "no memory for it");
    ck_assert_uint_eq(fake.looking, 0);
    ck_assert_int_eq(attach(1), 0);
    ck_assert_uint_eq(fake.looking, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_fastpath");
    TCase *c = tcase_create("the fast path of a gateway");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_used_where_it_can_be_had);
    tcase_add_test(c, test_no_limit);
    tcase_add_loop_test(c, test_off_takes_away_what_is_there, 0, 3);
    tcase_add_test(c, test_one_port_is_no_path);
    tcase_add_test(c, test_cannot_be_had);
    tcase_add_test(c, test_cannot_be_had_but_must);
    tcase_add_test(c, test_a_port_that_cannot);
    tcase_add_test(c, test_a_port_that_cannot_but_must);
    tcase_add_test(c, test_targets);
    tcase_add_test(c, test_each_port_in_its_turn);
    tcase_add_loop_test(c, test_lost_frames, 0, 4);
    tcase_add_test(c, test_lost_by_others);
    tcase_add_test(c, test_detach);
    tcase_add_test(c, test_capture_on_all_ports_and_later_ones);
    tcase_add_test(c, test_capture_on_all_ports_or_none);
    tcase_add_loop_test(c, test_what_stays, 0, 7);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
