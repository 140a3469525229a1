/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path on interfaces: processes are killed and come back, and find the world as it was, or another.
 */
#include "ebpf/xdp_link.h"
#include "tests/bpf/child.h"
#include "tests/bpf/fastpath_gateway.h"

#include "ebpf/fastpath_capture.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define KILLS 5

/* ---- a port's life
 * ---------------------------------------------------------------------------------------------- */

START_TEST(test_forwards_and_counts)
{
    struct dp_port_counters lan, wan;
    struct dp_net_counters net;
    struct dp_vtep_counters vteps;
    struct xdp_status status;
    struct gateway g;
    mono_t seen;

    start(&g);
    expect_forwarding();
    fastpath_port_counters(g.fp, PORT_LAN, &lan);
    fastpath_port_counters(g.fp, PORT_WAN, &wan);
    fastpath_net_counters(g.fp, 7, &net);
    fastpath_vtep_counters(g.fp, 2, &vteps);
    ck_assert_uint_eq(lan.rx.frames, 3);
    ck_assert_uint_eq(lan.tx.frames, 3);
    ck_assert_uint_eq(wan.rx.frames, 3);
    ck_assert_uint_eq(wan.tx.frames, 3);
    ck_assert_uint_eq(wan.tx.bytes, 3 * (OUTER + FRAME_LEN));
    ck_assert_uint_eq(net.access_in[0].frames, 3);
    ck_assert_uint_eq(net.wan_in[0].frames, 3);
    ck_assert_uint_eq(vteps.tx.frames, 3);
    ck_assert_uint_eq(vteps.rx.frames, 3);
    ck_assert(fastpath_fdb_seen(g.fp, 7, host_here, &seen));
    ck_assert_uint_lt(mono_now().ns - seen.ns, 60 * 1000000000ull);
    ck_assert(fastpath_fdb_seen(g.fp, 7, host_there, &seen));

    xdp_status(g.lan, &status);
    ck_assert_str_eq(status.program, "fp_access");
    ck_assert_uint_eq(status.program_id, program_on(LAN));
    ck_assert(status.fast && status.pinned && !status.taken_over);
    xdp_status(g.wan, &status);
    ck_assert_str_eq(status.program, "fp_wan");

    ck_assert(nic_is_promiscuous(LAN));
    ck_assert(!nic_is_promiscuous(WAN));
    ck_assert(!nic_rxvlan(LAN));
    stop(&g, false);
    expect_untouched(LAN);
    expect_untouched(WAN);
    world_remove(0);
    world_remove(-ENOENT);
}
END_TEST

START_TEST(test_goes_on_when_killed)
{
    pid_t pid = child_start(be_gateway);
    uint32_t lan_id, wan_id;
    struct xdp_status status;
    struct gateway g;

    expect_forwarding();
    lan_id = program_on(LAN);
    wan_id = program_on(WAN);
    child_kill(pid);
    expect_forwarding();
    ck_assert_uint_eq(program_on(LAN), lan_id);
    ck_assert(nic_is_promiscuous(LAN));

    attach_both(&g);
    ck_assert(fastpath_taken_over(g.fp));
    ck_assert_uint_ne(program_on(LAN), lan_id);
    ck_assert_uint_ne(program_on(WAN), wan_id);
    xdp_status(g.lan, &status);
    ck_assert(status.taken_over && status.pinned);
    expect_forwarding();
    publish(&g);
    expect_forwarding();
    stop(&g, true);
    expect_forwarding();
    attach_both(&g);
    stop(&g, false);
    expect_untouched(LAN);
    expect_untouched(WAN);
    world_remove(0);
}
END_TEST

START_TEST(test_removed_without_a_process)
{
    child_kill(child_start(be_gateway));
    expect_forwarding();
    world_remove(0);
    expect_untouched(LAN);
    expect_untouched(WAN);
    ck_assert_int_ne(access(world_dir, F_OK), 0);
}
END_TEST

/* Frames one after the other, until told to stop; exits with 0 if none was lost. */
static pid_t start_stream(volatile unsigned *exchanged, volatile bool *over)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int lan = packet_socket(LAN_FAR), wan = packet_socket(WAN_FAR);

        while (!*over) {
            if (!exchange(lan, wan))
                _exit(1);
            (*exchanged)++;
        }
        _exit(0);
    }
    return pid;
}

START_TEST(test_killed_and_replaced_under_a_stream)
{
    struct {
        volatile unsigned exchanged;
        volatile bool over;
    } *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t gateway = child_start(be_gateway), stream;
    int status;

    stream = start_stream(&shared->exchanged, &shared->over);
    for (unsigned i = 0; i < KILLS; i++) {
        mono_t begin = mono_now();
        unsigned before;

        child_kill(gateway);
        before = shared->exchanged;
        while (shared->exchanged < before + 3 && waitpid(stream, &status, WNOHANG) == 0 &&
               !dpdk_is_over(begin))
            usleep(100);
        gateway = child_start(be_gateway);
    }
    shared->over = true;
    ck_assert_int_eq(waitpid(stream, &status, 0), stream);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(shared->exchanged, 3 * KILLS);
    child_kill(gateway);
}
END_TEST

/* So many copies come into it. */
static void look_for(struct fastpath_capture *c, unsigned n)
{
    static struct capture_frame frame;
    mono_t begin = mono_now();

    while (n > 0) {
        ck_assert(!dpdk_is_over(begin));
        fastpath_capture_go_on(c);
        n -= fastpath_capture_pop(c, &frame);
    }
}

/* Captures come and go without a frame lost, and leave the programs that were there. */
START_TEST(test_captures_under_a_stream)
{
    static const struct capture_filter all = {.reason = DROP_N, .port = DP_NO_PORT, .snap = CAPTURE_SNAP};
    struct {
        volatile unsigned exchanged;
        volatile bool over;
    } *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint32_t lan_id, wan_id;
    struct gateway g;
    pid_t stream;
    int status;

    start(&g);
    lan_id = program_on(LAN);
    wan_id = program_on(WAN);
    stream = start_stream(&shared->exchanged, &shared->over);
    for (unsigned i = 0; i < KILLS; i++) {
        struct fastpath_capture *c;

        ck_assert_int_eq(fastpath_capture_open(&all, &c, world_err, sizeof(world_err)), 0);
        ck_assert_int_eq(xdp_capture(g.lan, c, world_err, sizeof(world_err)), 0);
        ck_assert_int_eq(xdp_capture(g.wan, c, world_err, sizeof(world_err)), 0);
        ck_assert(program_on(LAN) != lan_id && program_on(WAN) != wan_id);
        look_for(c, 20);
        ck_assert_int_eq(xdp_capture(g.lan, NULL, world_err, sizeof(world_err)), 0);
        ck_assert_int_eq(xdp_capture(g.wan, NULL, world_err, sizeof(world_err)), 0);
        ck_assert(program_on(LAN) == lan_id && program_on(WAN) == wan_id);
        fastpath_capture_close(c);
    }
    shared->over = true;
    ck_assert_int_eq(waitpid(stream, &status, 0), stream);
    ck_assert_int_eq(status, 0);
    stop(&g, false);
    expect_untouched(LAN);
}
END_TEST

static void be_unpinned_gateway(void)
{
    world_config.dir = "/tmp";
    start(&child_gateway);
}

START_TEST(test_unpinned_ends_with_the_process)
{
    pid_t pid = child_start(be_unpinned_gateway);

    expect_forwarding();
    child_kill(pid);
    ck_assert_uint_eq(program_on(LAN), 0);
    ck_assert_uint_eq(program_on(WAN), 0);
    ck_assert(!nic_is_promiscuous(LAN));
}
END_TEST

/* What an operator had set stays as it was. */
START_TEST(test_settings_of_the_operator)
{
    struct gateway g;

    world_sh("ip link set " LAN " promisc on && ethtool -K " LAN " rx-vlan-offload off");
    start(&g);
    stop(&g, false);
    ck_assert(nic_is_promiscuous(LAN));
    ck_assert(!nic_rxvlan(LAN));
    child_kill(child_start(be_gateway));
    world_remove(0);
    ck_assert(nic_is_promiscuous(LAN));
    ck_assert(!nic_rxvlan(LAN));
    ck_assert(nic_rxvlan(WAN));
}
END_TEST

/* A process was killed after it had changed the interface, and before its program was pinned there. */
START_TEST(test_changes_of_a_process_that_never_pinned)
{
    const unsigned both = XDP_UNDO_PROMISC | XDP_UNDO_RXVLAN;
    struct fastpath *fp = world_open();

    ck_assert_int_eq(xdp_link_set_undo(&fp->dir, if_nametoindex(LAN), both), 0);
    ck_assert_int_eq(xdp_link_set_undo(&fp->dir, if_nametoindex(WAN), 0), 0);
    /* An interface of that number, but elsewhere. */
    ck_assert_int_eq(fastpath_dir_note(&fp->dir, "undo_1", "promisc rxvlan in 1"), 0);
    ck_assert_int_eq(nic_set_promiscuous("lo", true), 0);
    ck_assert_int_eq(nic_set_promiscuous(LAN, true), 0);
    ck_assert_int_eq(nic_set_promiscuous(WAN, true), 0);
    ck_assert_int_eq(nic_set_rxvlan(LAN, false), 0);
    fastpath_close(fp);
    fastpath_close(world_open());
    expect_untouched(LAN);
    ck_assert_int_eq(nic_is_promiscuous("lo"), 1);
    ck_assert_int_eq(nic_is_promiscuous(WAN), 1);
}
END_TEST

/* ---- another world when it comes back
 * --------------------------------------------------------------------------- */

START_TEST(test_interface_is_gone)
{
    struct gateway g;

    child_kill(child_start(be_gateway));
    world_sh("ip link del " LAN);
    g.fp = world_open();
    ck_assert(fastpath_taken_over(g.fp));
    fastpath_close(g.fp);
    make_link(LAN, LAN_FAR);
    attach_both(&g);
    publish(&g);
    expect_forwarding();
    stop(&g, false);
    world_remove(0);
}
END_TEST

START_TEST(test_interface_is_renamed)
{
    struct xdp_status status;
    struct gateway g;

    child_kill(child_start(be_gateway));
    world_sh("ip link set " LAN " name cwother");
    make_link(LAN, "cwfar3");
    lan_config.ifname = "cwother";
    attach_both(&g);
    xdp_status(g.lan, &status);
    ck_assert(status.taken_over);
    publish(&g);
    expect_forwarding();
    ck_assert_uint_eq(program_on(LAN), 0);
    stop(&g, true);
    world_sh("ip link set cwother name cwthird");
    world_remove(0);
    expect_untouched("cwthird");
}
END_TEST

START_TEST(test_port_is_no_more)
{
    struct gateway g;

    child_kill(child_start(be_gateway));
    g.fp = world_open();
    g.wan = attach(&wan_config, g.fp);
    ck_assert_uint_ne(program_on(LAN), 0);
    publish(&g);
    expect_untouched(LAN);
    ck_assert_uint_ne(program_on(WAN), 0);
    xdp_close(g.wan, true);
    fastpath_close(g.fp);
    world_remove(0);

    /* Also when it ends before it had anything to publish. */
    child_kill(child_start(be_gateway));
    g.fp = world_open();
    g.wan = attach(&wan_config, g.fp);
    xdp_close(g.wan, false);
    ck_assert_msg(fastpath_unpin(g.fp, world_err, sizeof(world_err)) == 0, "%s", world_err);
    fastpath_close(g.fp);
    expect_untouched(LAN);
    world_remove(-ENOENT);
}
END_TEST

/* Maps of another version are made anew while the old programs go on with theirs, until they are replaced. */
START_TEST(test_another_version)
{
    struct gateway g;
    struct xdp_status status;

    start(&g);
    g.fp->maps.control->version++;
    stop(&g, true);
    expect_forwarding();
    g.fp = world_open();
    ck_assert(!fastpath_taken_over(g.fp));
    expect_forwarding();
    g.wan = attach(&wan_config, g.fp);
    g.lan = attach(&lan_config, g.fp);
    xdp_status(g.lan, &status);
    ck_assert(status.taken_over);
    publish(&g);
    learn(&g);
    expect_forwarding();
    stop(&g, false);
    expect_untouched(LAN);
    world_remove(0);
}
END_TEST

/* More MACs, and fewer: forwarded all the time, by whichever program is there. */
START_TEST(test_another_number_of_macs)
{
    static const uint32_t numbers[] = {65536, 100};
    struct gateway g;

    child_kill(child_start(be_gateway));
    for (int i = 0; i < 2; i++) {
        world_config.max_macs = numbers[i];
        g.fp = world_open();
        ck_assert(fastpath_taken_over(g.fp));
        expect_forwarding();
        g.wan = attach(&wan_config, g.fp);
        expect_forwarding();
        g.lan = attach(&lan_config, g.fp);
        expect_forwarding();
        publish(&g);
        expect_forwarding();
        stop(&g, true);
        expect_forwarding();
    }
    world_remove(0);
}
END_TEST

/* Until the new topology is there nothing is forwarded by the old one. */
START_TEST(test_configured_otherwise)
{
    struct gateway g;

    for (int i = 0; i < 3; i++) {
        child_kill(child_start(be_gateway));
        if (i == 0)
            lan_config.port = 2;
        else if (i == 1)
            wan_config.address.b[3] = 9;
        else
            wan_config.vxlan_port = 8472;
        attach_both(&g);
        ck_assert_ptr_null(fastpath_topology(g.fp));
        lan_config.port = PORT_LAN;
        wan_config.address.b[3] = 1;
        wan_config.vxlan_port = 4789;
        stop(&g, false);
        world_remove(0);
    }
}
END_TEST

static void expect_foreign_namespace(void)
{
    struct fastpath *fp = NULL;

    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    /* The same numbers, but other interfaces. */
    make_link(WAN, WAN_FAR);
    make_link(LAN, LAN_FAR);
    ck_assert_int_eq(fastpath_open(&world_config, &fp, world_err, sizeof(world_err)), -EBUSY);
    ck_assert_ptr_nonnull(strstr(world_err, "of the same name in another network namespace"));
    world_remove(-EBUSY);
}

START_TEST(test_another_namespace)
{
    child_kill(child_start(be_gateway));
    child_kill(child_start(expect_foreign_namespace));
    expect_forwarding();
    world_remove(0);
    expect_untouched(LAN);
}
END_TEST

START_TEST(test_interface_of_another_gateway)
{
    struct xdp *x = NULL;
    struct fastpath *fp;
    unsigned queues;

    child_kill(child_start(be_gateway));
    world_config.gateway = "paris-2";
    fp = world_open();
    ck_assert_int_eq(xdp_attach(&lan_config, fp, &x, &queues, world_err, sizeof(world_err)), -EBUSY);
    ck_assert_ptr_nonnull(strstr(world_err, "causewayctl fastpath detach"));
    ck_assert_int_eq(xdp_attach(&lan_config, NULL, &x, &queues, world_err, sizeof(world_err)), -EBUSY);
    fastpath_close(fp);
    expect_forwarding();
}
END_TEST

START_TEST(test_too_many_ports)
{
    struct fastpath *fp = world_open();
    struct xdp *x = NULL;
    unsigned queues;

    lan_config.port = DP_OWN_PORT;
    ck_assert_int_eq(xdp_attach(&lan_config, fp, &x, &queues, world_err, sizeof(world_err)), -EINVAL);
    ck_assert_ptr_nonnull(strstr(world_err, "one too many"));
    expect_untouched(LAN);
    fastpath_close(fp);
}
END_TEST

/* A bridge has no native XDP; what was taken over in generic mode goes on in it. */
START_TEST(test_generic_mode)
{
    struct xdp_status status;
    struct dpdk_part d;
    struct fastpath *fp;
    struct xdp *x;

    world_sh("ip link add cwbridge type bridge && ip link set cwbridge up");
    wan_config.ifname = "cwbridge";
    for (int i = 0; i < 2; i++) {
        fp = world_open();
        x = attach(&wan_config, fp);
        dpdk_open(&d, "cwbridge", 0);
        ck_assert_msg(xdp_verify(x, world_err, sizeof(world_err)) == 0, "%s", world_err);
        xdp_status(x, &status);
        ck_assert_str_eq(status.mode, "generic");
        ck_assert(status.taken_over == (i == 1));
        dpdk_close(&d);
        xdp_close(x, i == 0);
        fastpath_close(fp);
    }
    ck_assert_uint_eq(program_on("cwbridge"), 0);
    world_remove(0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fastpath ports");
    TCase *t = tcase_create("interfaces");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, test_forwards_and_counts);
    tcase_add_test(t, test_goes_on_when_killed);
    tcase_add_test(t, test_removed_without_a_process);
    tcase_add_test(t, test_killed_and_replaced_under_a_stream);
    tcase_add_test(t, test_captures_under_a_stream);
    tcase_add_test(t, test_unpinned_ends_with_the_process);
    tcase_add_test(t, test_settings_of_the_operator);
    tcase_add_test(t, test_changes_of_a_process_that_never_pinned);
    tcase_add_test(t, test_interface_is_gone);
    tcase_add_test(t, test_interface_is_renamed);
    tcase_add_test(t, test_port_is_no_more);
    tcase_add_test(t, test_another_version);
    tcase_add_test(t, test_another_number_of_macs);
    tcase_add_test(t, test_configured_otherwise);
    tcase_add_test(t, test_another_namespace);
    tcase_add_test(t, test_interface_of_another_gateway);
    tcase_add_test(t, test_too_many_ports);
    tcase_add_test(t, test_generic_mode);
    suite_add_tcase(s, t);
    return world_run(s);
}
