/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path on interfaces while it runs: topologies and MACs that change under frames, the worker's
 * sockets beside it, and what the interfaces themselves say.
 */
#include "tests/bpf/child.h"
#include "tests/bpf/fastpath_gateway.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* ---- changes while frames flow
 * --------------------------------------------------------------------------------- */

#define CHANGES 60
#define MOVES   30000

/* A frame from here to there, run by the program on the access port. The VTEP it goes to (the last byte of
 * its address), or 0: to the worker. Its next hop and VNI must be that VTEP's. */
static unsigned run_frame(int program)
{
    uint8_t frame[FRAME_LEN + 4], out[512];
    LIBBPF_OPTS(bpf_test_run_opts, opts);

    opts.data_in = frame;
    opts.data_size_in = (uint32_t)build_inner(frame, host_there, host_here, true, 0);
    opts.data_out = out;
    opts.data_size_out = sizeof(out);
    ck_assert_int_eq(bpf_prog_test_run_opts(program, &opts), 0);
    if (opts.retval == XDP_PASS)
        return 0;
    ck_assert_uint_eq(opts.retval, XDP_REDIRECT);
    ck_assert_uint_eq(opts.data_size_out, OUTER + FRAME_LEN);
    ck_assert_uint_eq(out[5], out[33]);
    return out[33] | (unsigned)out[48] << 8;
}

struct changes {
    volatile unsigned long runs[2], to_worker;
    volatile bool over;
};

/* seen: which of the two it goes to: address, and last byte of the VNI. */
static pid_t start_runs(struct changes *c, const unsigned seen[2])
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int program = bpf_prog_get_fd_by_id(program_on(LAN));

        while (!c->over) {
            unsigned to = run_frame(program);

            if (to == 0)
                c->to_worker++;
            else if (to == seen[0])
                c->runs[0]++;
            else if (to == seen[1])
                c->runs[1]++;
            else
                _exit(1);
        }
        _exit(0);
    }
    return pid;
}

static struct changes *shared_changes(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    return p;
}

static bool is_running(pid_t pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* Until a frame went to that one after now. */
static void wait_for_run(const struct changes *c, unsigned which, pid_t pid)
{
    unsigned long before = c->runs[which];
    mono_t begin = mono_now();

    while (c->runs[which] == before && is_running(pid) && !dpdk_is_over(begin))
        sched_yield();
    ck_assert_uint_ne(c->runs[which], before);
}

static void end_runs(struct changes *c, pid_t pid)
{
    int status = 0;

    c->over = true;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

/* The old topology or the new one, never a mixture. */
START_TEST(test_topology_changes)
{
    static const unsigned seen[2] = {2 | 7 << 8, 3 | 8 << 8};
    struct changes *c = shared_changes();
    struct gateway g;
    pid_t pid;

    network.vni = 0x2707;
    start(&g);
    pid = start_runs(c, seen);
    for (unsigned i = 1; i <= CHANGES; i++) {
        unsigned next = i % 2;

        network.vni = 0x2707 + next;
        vtep.address.b[3] = hop_mac.b[5] = (uint8_t)(2 + next);
        publish(&g);
        wait_for_run(c, next, pid);
    }
    end_runs(c, pid);
    ck_assert_uint_eq(c->to_worker, 0);
    stop(&g, false);
}
END_TEST

/* A MAC moves, leaves and comes, and another one gets its place in the table: no frame goes where that one
 * is. */
START_TEST(test_R4_10_macs_change)
{
    static const struct dp_dest at[] = {{.where = DP_WHERE_VTEP, .target = 2},
                                        {.where = DP_WHERE_VTEP, .target = 3},
                                        {.where = DP_WHERE_VTEP, .target = 4}};
    static const struct dp_net_vtep net_vteps[] = {{.vtep = 2}, {.vtep = 3}, {.vtep = 4}};
    static const unsigned seen[2] = {2 | 0x17 << 8, 3 | 0x17 << 8};
    static struct dp_vtep vteps[3];
    struct changes *c = shared_changes();
    struct gateway g;
    pid_t pid;

    vtep.source = our_mac;
    for (unsigned i = 0; i < 3; i++) {
        vteps[i] = vtep;
        vteps[i].id = (dp_vtep_id)(2 + i);
        vteps[i].address.b[3] = vteps[i].next_hop.b[5] = (uint8_t)(2 + i);
    }
    network.vteps = net_vteps;
    topology.vteps = vteps;
    network.n_vteps = topology.n_vteps = 3;
    start(&g);
    pid = start_runs(c, seen);
    /* It is somewhere all the time (R4.10). */
    for (unsigned i = 0; i < MOVES; i++)
        ck_assert_int_eq(fastpath_fdb_set(g.fp, 7, host_there, at[i % 2], false), 0);
    ck_assert_uint_eq(c->to_worker, 0);
    for (unsigned i = 0; i < MOVES; i++) {
        struct mac other = {{2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i}};

        ck_assert_int_eq(fastpath_fdb_set(g.fp, 7, host_there, at[i % 2], false), 0);
        ck_assert_int_eq(fastpath_fdb_del(g.fp, 7, host_there), 0);
        ck_assert_int_eq(fastpath_fdb_set(g.fp, 7, other, at[2], false), 0);
        ck_assert_int_eq(fastpath_fdb_del(g.fp, 7, other), 0);
    }
    ck_assert_int_eq(fastpath_fdb_set(g.fp, 7, host_there, at[0], false), 0);
    wait_for_run(c, 0, pid);
    ck_assert_int_eq(fastpath_fdb_set(g.fp, 7, host_there, at[1], false), 0);
    wait_for_run(c, 1, pid);
    end_runs(c, pid);
    stop(&g, false);
}
END_TEST

/* ---- with the worker's sockets
 * --------------------------------------------------------------------------------- */

static void expect_in_socket(struct dpdk_part *d, int lan)
{
    uint8_t frame[DPDK_FRAME_LEN], got[DPDK_FRAME_LEN];
    size_t len = build_inner(frame, host_there, host_here, true, next_number), got_len;

    ck_assert_int_eq(send(lan, frame, len, 0), (ssize_t)len);
    ck_assert(dpdk_receive(d, got, &got_len));
    ck_assert_uint_eq(got_len, len);
    ck_assert_mem_eq(got, frame, len);
    next_number++;
}

START_TEST(test_switched_off)
{
    int far = packet_socket(LAN_FAR);
    struct fastpath_port_work work;
    struct xdp_counters counters;
    struct xdp_status status;
    struct dpdk_part lan, wan;
    const char *why_not;
    struct gateway g;

    start(&g);
    dpdk_open(&wan, WAN, 0);
    dpdk_open(&lan, LAN, 0);
    ck_assert_msg(xdp_verify(g.wan, world_err, sizeof(world_err)) == 0, "%s", world_err);
    ck_assert_msg(xdp_verify(g.lan, world_err, sizeof(world_err)) == 0, "%s", world_err);
    expect_forwarding();
    ck_assert(!dpdk_has_frame(&lan));

    ck_assert_int_eq(fastpath_unpin(g.fp, world_err, sizeof(world_err)), -EBUSY);
    ck_assert_msg(xdp_fast_off(g.lan, world_err, sizeof(world_err)) == 0, "%s", world_err);
    ck_assert_msg(xdp_fast_off(g.wan, world_err, sizeof(world_err)) == 0, "%s", world_err);
    ck_assert_int_eq(xdp_fast_off(g.wan, world_err, sizeof(world_err)), 0);
    ck_assert_int_eq(fastpath_unpin(g.fp, world_err, sizeof(world_err)), 0);
    ck_assert_int_eq(fastpath_unpin(g.fp, world_err, sizeof(world_err)), 0);
    ck_assert(!fastpath_pinned(g.fp, &why_not));
    ck_assert_ptr_nonnull(strstr(why_not, "detached"));
    world_remove(-ENOENT);
    ck_assert(!nic_is_promiscuous(LAN));
    ck_assert_msg(xdp_verify(g.lan, world_err, sizeof(world_err)) == 0, "%s", world_err);
    xdp_status(g.lan, &status);
    ck_assert(!status.fast && !status.pinned);
    expect_in_socket(&lan, far);
    fastpath_port_work(g.fp, PORT_LAN, &work);
    ck_assert_uint_ge(work.punts[fastpath_punt_reasons() - 1], 1);
    ck_assert_int_eq(xdp_counters(g.lan, &counters), 0);
    ck_assert_uint_ge(counters.taken, 1);
    publish(&g);

    stop(&g, true); /* nothing is pinned */
    dpdk_close(&lan);
    dpdk_close(&wan);
    expect_untouched(LAN);
    expect_untouched(WAN);
    close(far);
}
END_TEST

static struct dpdk_part child_lan, child_wan;

static void be_gateway_with_sockets(void)
{
    start(&child_gateway);
    dpdk_open(&child_wan, WAN, 0);
    dpdk_open(&child_lan, LAN, 0);
    ck_assert_msg(xdp_verify(child_gateway.wan, world_err, sizeof(world_err)) == 0, "%s", world_err);
    ck_assert_msg(xdp_verify(child_gateway.lan, world_err, sizeof(world_err)) == 0, "%s", world_err);
}

/* libxdp finds the program that has replaced the other, and puts the new sockets into its map. */
START_TEST(test_sockets_after_take_over)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = child_start(be_gateway_with_sockets);

        expect_forwarding();
        child_kill(pid);
        expect_forwarding();
    }
    world_remove(0);
}
END_TEST

/* ---- the interface itself
 * -------------------------------------------------------------------------------------- */

START_TEST(test_redirect_target)
{
    bool scattered = false;
    int rc = nic_redirect_target(WAN, &scattered);

    ck_assert_int_eq(nic_redirect_target("nosuch0", &scattered), -ENODEV);
    if (rc == -ENOTSUP)
        return; /* a kernel before 6.3 */
    ck_assert_int_eq(rc, 1);
    world_sh("ethtool -K " WAN_FAR " gro off");
    ck_assert_int_eq(nic_redirect_target(WAN, &scattered), 0);
    ck_assert_int_eq(nic_redirect_target("lo", &scattered), 0);
}
END_TEST

/* The far end takes no frames of that length, and the driver says so. What our program drops is no trouble.
 */
START_TEST(test_trouble)
{
    int far = packet_socket(LAN_FAR);
    mono_t begin = mono_now();
    uint8_t frame[512];
    struct gateway g;
    size_t len;

    ck_assert_uint_eq(nic_xdp_trouble("nosuch0"), 0);
    ck_assert_uint_eq(nic_xdp_trouble("lo"), 0);
    start(&g);
    expect_forwarding();
    len = build_inner(frame, host_there, host_here, true, 0);
    frame[15] = 99; /* no network has this VLAN */
    ck_assert_int_eq(send(far, frame, len, 0), (ssize_t)len);
    expect_forwarding();
    ck_assert_uint_eq(nic_xdp_trouble(WAN), 0);
    ck_assert_uint_eq(nic_xdp_trouble(LAN), 0);

    world_sh("ip link set " WAN_FAR " mtu 100");
    frame[15] = 100;
    ck_assert_int_eq(send(far, frame, len, 0), (ssize_t)len);
    while (nic_xdp_trouble(WAN) == 0 && !dpdk_is_over(begin))
        usleep(1000);
    ck_assert_uint_eq(nic_xdp_trouble(WAN), 1);
    ck_assert_uint_eq(nic_xdp_trouble(LAN), 0);
    stop(&g, false);
    close(far);
}
END_TEST

static uint64_t wait_for_lost(const struct fastpath *fp, unsigned port, uint64_t before)
{
    mono_t begin = mono_now();

    while (fastpath_lost(fp, (dp_port_id)port) == before && !dpdk_is_over(begin))
        usleep(1000);
    return fastpath_lost(fp, (dp_port_id)port) - before;
}

static void lose_one(struct gateway *g, int lan_far)
{
    uint8_t frame[512];
    size_t len = build_inner(frame, host_there, host_here, true, 0);
    uint64_t lan = fastpath_lost(g->fp, PORT_LAN), wan = fastpath_lost(g->fp, PORT_WAN);

    ck_assert_int_eq(send(lan_far, frame, len, 0), (ssize_t)len);
    ck_assert_uint_eq(wait_for_lost(g->fp, PORT_WAN, wan), 1);
    ck_assert_uint_eq(fastpath_lost(g->fp, PORT_LAN), lan);
}

/* A receiver without a queue for redirected frames, and a port that takes no such length. */
START_TEST(test_lost_frames_that_no_driver_counts)
{
    int far = packet_socket(LAN_FAR);
    const char *why_not = NULL;
    struct gateway g;

    start(&g);
    ck_assert_msg(fastpath_sees_lost(g.fp, &why_not), "%s", why_not);
    expect_forwarding();
    ck_assert_uint_eq(fastpath_lost(g.fp, PORT_WAN) + fastpath_lost(g.fp, PORT_LAN), 0);
    world_sh("ethtool -K " WAN_FAR " gro off");
    lose_one(&g, far);
    ck_assert_uint_eq(nic_xdp_trouble(WAN), 0);
    world_sh("ethtool -K " WAN_FAR " gro on && ip link set " WAN " mtu 100");
    lose_one(&g, far);
    world_sh("ip link set " WAN " mtu 1500");
    expect_forwarding();
    stop(&g, false);
    close(far);
}
END_TEST

/* A veth runs no native program when its far end sends from more queues than it has itself. The driver's own
 * losses are in the interface's statistics then. */
START_TEST(test_lost_frames_in_generic_mode)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    uint8_t frame[512], got[512];
    struct gateway g;
    uint64_t dropped;
    mono_t begin;
    size_t len;
    int far, wan;

    world_sh("ip link del " LAN " && ip link add " LAN " numrxqueues 1 type veth peer name " LAN_FAR
             " numtxqueues 2 && ethtool -L " LAN_FAR " tx 2 && ethtool -K " LAN_FAR
             " gro on && ip link set " LAN " up && ip link set " LAN_FAR " up");
    start(&g);
    ck_assert_int_eq(bpf_xdp_query((int)if_nametoindex(LAN), 0, &query), 0);
    ck_assert_uint_ne(query.skb_prog_id, 0);
    far = packet_socket(LAN_FAR);
    wan = packet_socket(WAN_FAR);
    len = build_inner(frame, host_there, host_here, true, next_number);
    ck_assert_int_eq(send(far, frame, len, 0), (ssize_t)len);
    ck_assert_uint_ne(receive_number(wan, next_number, got, sizeof(got)), 0);
    world_sh("ip link set " WAN " mtu 100");
    lose_one(&g, far);
    world_sh("ip link set " WAN " mtu 1500 && ip link set " WAN_FAR " mtu 100");
    dropped = nic_tx_dropped(WAN);
    ck_assert_int_eq(send(far, frame, len, 0), (ssize_t)len);
    for (begin = mono_now(); nic_tx_dropped(WAN) == dropped && !dpdk_is_over(begin);)
        usleep(1000);
    ck_assert_uint_eq(nic_tx_dropped(WAN), dropped + 1);
    ck_assert_uint_eq(nic_tx_dropped("nosuch0"), 0);
    stop(&g, false);
    close(far);
    close(wan);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fastpath changes");
    TCase *t = tcase_create("interfaces");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, test_topology_changes);
    tcase_add_test(t, test_R4_10_macs_change);
    tcase_add_test(t, test_switched_off);
    tcase_add_test(t, test_sockets_after_take_over);
    tcase_add_test(t, test_redirect_target);
    tcase_add_test(t, test_trouble);
    tcase_add_test(t, test_lost_frames_that_no_driver_counts);
    tcase_add_test(t, test_lost_frames_in_generic_mode);
    suite_add_tcase(s, t);
    return world_run(s);
}
