/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The loader of the XDP program, on a veth pair in a network namespace of each test's own (it ends with the
 * test's process, whatever happens). libxdp's AF_XDP sockets play DPDK's part: its driver opens them by the
 * same calls.
 */
#include "ebpf/xdp.h"

#include "conf/log.h"
#include "tests/bpf/child.h"
#include "tests/bpf/dpdk_part.h"
#include "tests/unit/suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define NEAR      "cwnear" /* ours */
#define FAR       "cwfar"  /* where the frames come from */
#define PORT      4789
#define FRAME_LEN 100

static char err[256];

static void sh(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void setup(void)
{
    log_set_level(LOG_LEVEL_WARNING);
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    sh("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && ip link add " NEAR " type veth peer name " FAR
       " && ip link set " NEAR " up && ip link set " FAR " up");
}

/* ---- looking at the interface
 * -------------------------------------------------------------------------------- */

static uint32_t program_on(const char *ifname)
{
    uint32_t id = 0;

    ck_assert_int_eq(bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id), 0);
    return id;
}

static int promiscuity(void)
{
    FILE *f = popen("ip -d -o link show " NEAR, "r");
    char line[2048];
    const char *at;

    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    pclose(f);
    at = strstr(line, "promiscuity ");
    ck_assert_ptr_nonnull(at);
    return atoi(at + strlen("promiscuity "));
}

static bool rxvlan(void)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
    struct ifreq ifr = {.ifr_name = NEAR, .ifr_data = (void *)&value};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    ck_assert_int_eq(ioctl(fd, SIOCETHTOOL, &ifr), 0);
    close(fd);
    return value.data & ETH_FLAG_RXVLAN;
}

/* ---- frames
 * -------------------------------------------------------------------------------------------------- */

static int packet_socket(const char *ifname, bool receive)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = receive ? htons(ETH_P_ALL) : 0,
        .sll_ifindex = (int)if_nametoindex(ifname),
    };

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* What a frame carries for the checks to recognise it by: its last byte. */
static void build(uint8_t frame[FRAME_LEN], uint16_t dport, uint8_t mark)
{
    static const uint8_t start[] = {
        2,   0,  0, 0,  0, 1,  2, 0, 0,  0,  0, 2, 8,   0,                       /* Ethernet */
        69,  0,  0, 86, 0, 0,  0, 0, 64, 17, 0, 0, 198, 18, 0, 2, 198, 18, 0, 1, /* IPv4 */
        195, 80, 0, 0,  0, 66, 0, 0,                                             /* UDP */
    };

    memset(frame, 0, FRAME_LEN);
    memcpy(frame, start, sizeof(start));
    frame[36] = (uint8_t)(dport >> 8);
    frame[37] = (uint8_t)dport;
    frame[FRAME_LEN - 1] = mark;
}

static void send_frame(int fd, const uint8_t frame[FRAME_LEN])
{
    ck_assert_int_eq(send(fd, frame, FRAME_LEN, 0), FRAME_LEN);
}

/* The next test frame that the kernel itself gets from the interface; false at the deadline. */
static bool kernel_receive(int fd, uint8_t frame[FRAME_LEN])
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    mono_t start = mono_now();

    while (!dpdk_is_over(start)) {
        if (poll(&p, 1, 100) == 1 && recv(fd, frame, FRAME_LEN, 0) == FRAME_LEN && frame[0] == 2 &&
            frame[11] == 2)
            return true;
    }
    return false;
}

/* ---- helpers of the tests
 * ------------------------------------------------------------------------------------ */

static struct xdp_config access_port = {.ifname = NEAR, .take = XDP_TAKE_ALL};
static struct xdp_config underlay = {
    .ifname = NEAR,
    .take = XDP_TAKE_VXLAN,
    .address = {.family = 4, .b = {198, 18, 0, 1}},
    .vxlan_port = PORT,
};

static struct xdp *prepare(const struct xdp_config *config)
{
    struct xdp *x = NULL;
    unsigned queues = 0;
    int rc = xdp_attach(config, NULL, &x, &queues, err, sizeof(err));

    ck_assert_msg(rc == 0, "%s", err);
    ck_assert_uint_eq(queues, 1);
    return x;
}

static void expect_refusal(const struct xdp_config *config, int want, const char *text)
{
    struct xdp *x = NULL;
    unsigned queues = 0;
    int rc;

    err[0] = '\0';
    rc = xdp_attach(config, NULL, &x, &queues, err, sizeof(err));
    ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, err);
    ck_assert_msg(strstr(err, text) != NULL, "'%s' is not in '%s'", text, err);
    ck_assert_ptr_null(x);
}

static int foreign_program(const char *name)
{
    struct bpf_insn insns[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", insns, 2, NULL);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* ---- refusals
 * ------------------------------------------------------------------------------------------------ */

START_TEST(test_interface_names)
{
    struct xdp_config c = access_port;

    c.ifname = "nosuch0";
    expect_refusal(&c, -ENODEV, "interface nosuch0 does not exist in this network namespace");
    c.ifname = "sixteen-letters-";
    expect_refusal(&c, -ENAMETOOLONG, "'sixteen-letters-' is longer than 15 characters");
    c.ifname = "";
    expect_refusal(&c, -EINVAL, "no name");
    c.ifname = "lo";
    expect_refusal(&c, -EINVAL, "lo is not an Ethernet interface");
    c = underlay;
    c.address.family = 0;
    expect_refusal(&c, -EINVAL, "VTEP address");
}
END_TEST

START_TEST(test_no_rights)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
        expect_refusal(&access_port, -EPERM, "run as root, or with CAP_NET_ADMIN");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(test_queues_that_dpdk_cannot_serve)
{
    sh("ip link add cwtwo numrxqueues 2 numtxqueues 2 type veth peer name cwthree && ethtool -L cwtwo rx 2 "
       "tx 2");
    access_port.ifname = "cwtwo";
    expect_refusal(&access_port, -ENOTSUP, "2 receive queues that are not combined channels, DPDK serves 1");
    sh("ethtool -L cwtwo rx 1 && ethtool -L cwthree tx 1");
    xdp_close(prepare(&access_port), false);
}
END_TEST

START_TEST(test_foreign_program_is_left_alone)
{
    int ifindex = (int)if_nametoindex(NEAR);
    int fd = foreign_program("somebody");
    uint32_t id;

    ck_assert_int_eq(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
    id = program_on(NEAR);
    ck_assert_uint_ne(id, 0);
    expect_refusal(&access_port, -EBUSY, "another XDP program, somebody (id ");
    ck_assert_uint_eq(program_on(NEAR), id);
    ck_assert_int_eq(promiscuity(), 0);
    ck_assert(rxvlan());

    ck_assert_int_eq(bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);
    ck_assert_int_eq(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
    expect_refusal(&access_port, -EBUSY, "somebody");
}
END_TEST

START_TEST(test_link_of_nobody_else)
{
    LIBBPF_OPTS(bpf_link_create_opts, opts);
    int fd = foreign_program("xsk_def_prog");

    opts.flags = XDP_FLAGS_DRV_MODE;
    ck_assert_int_ge(bpf_link_create(fd, (int)if_nametoindex(NEAR), BPF_XDP, &opts), 0);
    expect_refusal(&access_port, -EBUSY, "attached through a link");
    ck_assert_uint_ne(program_on(NEAR), 0);
}
END_TEST

static void hold_access_port(void)
{
    static struct dpdk_part d;
    struct xdp *x = prepare(&access_port);

    dpdk_open(&d, NEAR, 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
}

START_TEST(test_another_causewayd)
{
    pid_t pid = child_start(hold_access_port);
    char text[64];

    snprintf(text, sizeof(text), "belongs to process %d (test_xdp)", pid);
    expect_refusal(&access_port, -EBUSY, text);
    expect_refusal(&underlay, -EBUSY, "is another causewayd running");
    child_kill(pid);
    xdp_close(prepare(&access_port), false);
}
END_TEST

static void hold_default_program(void)
{
    static struct dpdk_part d;

    dpdk_open(&d, NEAR, 0);
}

START_TEST(test_left_over_of_dpdk)
{
    pid_t pid = child_start(hold_default_program);
    uint32_t id = program_on(NEAR);
    struct xdp *x;

    ck_assert_uint_ne(id, 0);
    expect_refusal(&access_port, -EBUSY, "XDP program xsk_def_prog (id ");
    ck_assert_uint_eq(program_on(NEAR), id);
    child_kill(pid);
    ck_assert_uint_eq(program_on(NEAR), id);
    x = prepare(&access_port);
    ck_assert_uint_ne(program_on(NEAR), id);
    xdp_close(x, false);
    ck_assert_uint_eq(program_on(NEAR), 0);
}
END_TEST

/* ---- what is changed, and put back
 * --------------------------------------------------------------------------- */

START_TEST(test_close_puts_back)
{
    struct dpdk_part d;
    struct xdp *x;

    ck_assert(rxvlan());
    for (int dpdk_first = 0; dpdk_first < 2; dpdk_first++) {
        x = prepare(&access_port);
        ck_assert_int_eq(promiscuity(), 1);
        ck_assert(!rxvlan());
        dpdk_open(&d, NEAR, 0);
        if (dpdk_first)
            dpdk_close(&d);
        xdp_close(x, false);
        if (!dpdk_first)
            dpdk_close(&d);
        ck_assert_int_eq(promiscuity(), 0);
        ck_assert(rxvlan());
        ck_assert_uint_eq(program_on(NEAR), 0);
    }

    x = prepare(&underlay);
    ck_assert_int_eq(promiscuity(), 0);
    ck_assert(!rxvlan());
    xdp_close(x, false);
    ck_assert(rxvlan());

    sh("ethtool -K " NEAR " rx-vlan-offload off");
    xdp_close(prepare(&underlay), false);
    ck_assert(!rxvlan());
    xdp_close(NULL, false);
}
END_TEST

START_TEST(test_kill_leaves_nothing)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = child_start(hold_access_port);

        ck_assert_uint_ne(program_on(NEAR), 0);
        ck_assert_int_eq(promiscuity(), 1);
        child_kill(pid);
        ck_assert_uint_eq(program_on(NEAR), 0);
        ck_assert_int_eq(promiscuity(), 0);
    }
}
END_TEST

START_TEST(test_interface_vanishes)
{
    struct xdp *x = prepare(&access_port);

    sh("ip link del " NEAR);
    ck_assert_int_ne(xdp_verify(x, err, sizeof(err)), 0);
    ck_assert_str_ne(err, "");
    xdp_close(x, false);
}
END_TEST

START_TEST(test_interface_renamed)
{
    struct xdp *x = prepare(&access_port);

    sh("ip link set " NEAR " name cwother");
    xdp_close(x, false);
    sh("ip link set cwother name " NEAR);
    ck_assert(rxvlan());
    ck_assert_uint_eq(program_on(NEAR), 0);
}
END_TEST

/* ---- with sockets
 * -------------------------------------------------------------------------------------------- */

START_TEST(test_attach_needs_sockets)
{
    struct xdp *x = prepare(&access_port);
    struct dpdk_part d;

    ck_assert_str_eq(xdp_mode(x), "");
    ck_assert_int_eq(xdp_verify(x, err, sizeof(err)), -ENOTCONN);
    ck_assert_ptr_nonnull(strstr(err, "no AF_XDP socket on receive queue 0"));
    dpdk_open(&d, NEAR, 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    ck_assert_str_eq(xdp_mode(x), "native");
    sh("ip link set " NEAR " down");
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    dpdk_close(&d);
    xdp_close(x, false);
}
END_TEST

/* As 'bpftool link detach' does it. */
static void detach_link_of(uint32_t program)
{
    struct bpf_link_info info;
    uint32_t id = 0, len;

    while (bpf_link_get_next_id(id, &id) == 0) {
        int fd = bpf_link_get_fd_by_id(id);

        len = sizeof(info);
        memset(&info, 0, sizeof(info));
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.prog_id == program)
            ck_assert_int_eq(bpf_link_detach(fd), 0);
        close(fd);
    }
}

START_TEST(test_detached_by_somebody)
{
    struct xdp *x = prepare(&access_port);
    struct dpdk_part d;

    dpdk_open(&d, NEAR, 0);
    detach_link_of(program_on(NEAR));
    ck_assert_uint_eq(program_on(NEAR), 0);
    ck_assert_int_eq(xdp_verify(x, err, sizeof(err)), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err, "our XDP program is no longer on it"));
    dpdk_close(&d);
    xdp_close(x, false);
}
END_TEST

START_TEST(test_underlay_takes_vxlan_only)
{
    uint8_t vxlan[FRAME_LEN], other[FRAME_LEN], got[FRAME_LEN];
    int from = packet_socket(FAR, false), kernel = packet_socket(NEAR, true);
    struct xdp *x = prepare(&underlay);
    struct xdp_counters counters;
    struct dpdk_part d;
    size_t len;

    dpdk_open(&d, NEAR, 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    for (uint8_t i = 1; i <= 20; i++) {
        build(vxlan, PORT, i);
        build(other, PORT + 1, i);
        send_frame(from, other);
        send_frame(from, vxlan);
        ck_assert(dpdk_receive(&d, got, &len));
        ck_assert_uint_eq(len, FRAME_LEN);
        ck_assert_mem_eq(got, vxlan, FRAME_LEN);
        ck_assert(kernel_receive(kernel, got));
        ck_assert_mem_eq(got, other, FRAME_LEN);
    }
    ck_assert(!dpdk_has_frame(&d));
    ck_assert_int_eq(xdp_counters(x, &counters), 0);
    ck_assert_uint_eq(counters.taken, 20);
    ck_assert_uint_ge(counters.passed, 20);
    ck_assert_uint_eq(counters.unserved, 0);

    /* Without its socket the port does not swallow frames. */
    dpdk_close(&d);
    send_frame(from, vxlan);
    ck_assert(kernel_receive(kernel, got));
    ck_assert_mem_eq(got, vxlan, FRAME_LEN);
    ck_assert_int_eq(xdp_counters(x, &counters), 0);
    ck_assert_uint_eq(counters.unserved, 1);
    xdp_close(x, false);
}
END_TEST

START_TEST(test_access_takes_tagged_frames_for_others)
{
    uint8_t tagged[FRAME_LEN], got[FRAME_LEN];
    int from = packet_socket(FAR, false);
    struct xdp *x = prepare(&access_port);
    struct dpdk_part d;
    size_t len;

    dpdk_open(&d, NEAR, 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    build(tagged, PORT, 1);
    memcpy(tagged + 12, "\x81\0\0\x64\x08\x06", 6);
    send_frame(from, tagged);
    ck_assert(dpdk_receive(&d, got, &len));
    ck_assert_uint_eq(len, FRAME_LEN);
    ck_assert_mem_eq(got, tagged, FRAME_LEN);
    dpdk_close(&d);
    xdp_close(x, false);
}
END_TEST

START_TEST(test_link_down_and_up)
{
    int from = packet_socket(FAR, false);
    uint8_t frame[FRAME_LEN], got[FRAME_LEN];
    struct xdp *x = prepare(&access_port);
    struct dpdk_part d;
    size_t len;

    dpdk_open(&d, NEAR, 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    for (uint8_t i = 1; i <= 3; i++) {
        sh("ip link set " NEAR " down && ip link set " NEAR " up && ip link set " FAR
           " down && ip link set " FAR " up");
        ck_assert_int_eq(promiscuity(), 1);
        build(frame, PORT, i);
        send_frame(from, frame);
        ck_assert(dpdk_receive(&d, got, &len));
        ck_assert_mem_eq(got, frame, FRAME_LEN);
    }
    dpdk_close(&d);
    xdp_close(x, false);
}
END_TEST

/* libxdp's own program is refused at this MTU. */
START_TEST(test_jumbo_mtu)
{
    struct dpdk_part d;
    struct xdp *x;

    sh("ip link set " NEAR " mtu 9000 && ip link set " FAR " mtu 9000");
    x = prepare(&underlay);
    dpdk_open(&d, NEAR, 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    ck_assert_str_eq(xdp_mode(x), "native");
    dpdk_close(&d);
    xdp_close(x, false);
}
END_TEST

/* A bridge has no native XDP. */
START_TEST(test_generic_mode)
{
    struct dpdk_part d;
    struct xdp *x;

    log_set_level(LOG_LEVEL_ERROR);
    sh("ip link add cwbridge type bridge && ip link set cwbridge up");
    underlay.ifname = "cwbridge";
    x = prepare(&underlay);
    dpdk_open(&d, "cwbridge", 0);
    ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
    ck_assert_str_eq(xdp_mode(x), "generic");
    dpdk_close(&d);
    xdp_close(x, false);
    ck_assert_uint_eq(program_on("cwbridge"), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xdp");
    TCase *t = tcase_create("interface");

    if (geteuid() != 0) {
        printf("skipped: network namespaces and XDP need root\n");
        return 0;
    }
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, test_interface_names);
    tcase_add_test(t, test_no_rights);
    tcase_add_test(t, test_queues_that_dpdk_cannot_serve);
    tcase_add_test(t, test_foreign_program_is_left_alone);
    tcase_add_test(t, test_link_of_nobody_else);
    tcase_add_test(t, test_another_causewayd);
    tcase_add_test(t, test_left_over_of_dpdk);
    tcase_add_test(t, test_close_puts_back);
    tcase_add_test(t, test_kill_leaves_nothing);
    tcase_add_test(t, test_interface_vanishes);
    tcase_add_test(t, test_interface_renamed);
    tcase_add_test(t, test_attach_needs_sockets);
    tcase_add_test(t, test_detached_by_somebody);
    tcase_add_test(t, test_underlay_takes_vxlan_only);
    tcase_add_test(t, test_access_takes_tagged_frames_for_others);
    tcase_add_test(t, test_link_down_and_up);
    tcase_add_test(t, test_jumbo_mtu);
    tcase_add_test(t, test_generic_mode);
    suite_add_tcase(s, t);
    return run_suite(s);
}
