/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path on interfaces: an access port and the underlay, each one end of a veth pair; frames that are
 * put in at the far ends show whether it forwards. Processes are killed and come back. Each test has a
 * network namespace and a bpffs of its own, which end with its process. Needs root.
 */
#include "conf/log.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/nic.h"
#include "ebpf/xdp.h"
#include "tests/bpf/dpdk_part.h"

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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define LAN       "cwlan" /* ours */
#define WAN       "cwwan"
#define LAN_FAR   "cwlanfar" /* where frames come from and go to */
#define WAN_FAR   "cwwanfar"
#define FRAME_LEN 100
#define OUTER     50
#define KILLS     5

enum { PORT_WAN, PORT_LAN };

static char mount_point[] = "/tmp/cwfpXXXXXX";
static char dir[64];
static char err[FASTPATH_ERR_LEN];
static struct fastpath_config config = {.gateway = "paris-1", .dir = dir, .max_macs = 1024};

static void sh(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void make_link(const char *near, const char *far)
{
    char command[512];

    snprintf(command, sizeof(command),
             "ip link add %s type veth peer name %s && ethtool -K %s gro on && ip link set %s up && "
             "ip link set %s up",
             near, far, far, near, far);
    sh(command);
}

static void setup(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
    ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_ptr_nonnull(mkdtemp(mount_point));
    ck_assert_int_eq(mount("bpf", mount_point, "bpf", 0, NULL), 0);
    snprintf(dir, sizeof(dir), "%s/causeway", mount_point);
    sh("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
    make_link(WAN, WAN_FAR);
    make_link(LAN, LAN_FAR);
}

static void teardown(void)
{
    (void)umount2(mount_point, MNT_DETACH);
    (void)rmdir(mount_point);
}

/* ---- looking at an interface
 * ----------------------------------------------------------------------------------- */

static uint32_t program_on(const char *ifname)
{
    uint32_t id = 0;

    ck_assert_int_eq(bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id), 0);
    return id;
}

static bool is_flagged_promiscuous(const char *ifname)
{
    struct ifreq ifr = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
    ck_assert_int_eq(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
    close(fd);
    return ifr.ifr_flags & IFF_PROMISC;
}

static bool rxvlan(const char *ifname)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
    struct ifreq ifr = {.ifr_data = (void *)&value};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
    ck_assert_int_eq(ioctl(fd, SIOCETHTOOL, &ifr), 0);
    close(fd);
    return value.data & ETH_FLAG_RXVLAN;
}

static void expect_untouched(const char *ifname)
{
    ck_assert_msg(program_on(ifname) == 0, "%s", ifname);
    ck_assert_msg(!is_flagged_promiscuous(ifname), "%s", ifname);
    ck_assert_msg(rxvlan(ifname), "%s", ifname);
}

/* ---- a gateway
 * ------------------------------------------------------------------------------------------------- */

static const struct mac host_here = {{2, 0, 0, 0, 0, 0xa}}, host_there = {{2, 0, 0, 0, 0, 0xb}};
static const struct mac our_mac = {{2, 0, 0, 0, 1, 1}};
static struct mac hop_mac = {{2, 0, 0, 0, 1, 2}};

static const struct dp_member member = {.port = PORT_LAN, .vlan = 100};
static const struct dp_net_vtep net_vtep = {.vtep = 2, .flood = true};
static struct dp_network network = {.id = 7,
                                    .vni = 10007,
                                    .dscp = DP_DSCP_INHERIT,
                                    .members = &member,
                                    .n_members = 1,
                                    .vteps = &net_vtep,
                                    .n_vteps = 1};
static struct dp_vtep vtep = {.id = 2, .address = {4, {198, 18, 0, 2}}, .resolved = true, .mtu = 1500};
static struct dp_topology topology = {.underlay = PORT_WAN,
                                      .address = {4, {198, 18, 0, 1}},
                                      .vxlan_port = 4789,
                                      .ttl = 64,
                                      .networks = &network,
                                      .n_networks = 1,
                                      .vteps = &vtep,
                                      .n_vteps = 1};

struct gateway {
    struct fastpath *fp;
    struct xdp *wan, *lan;
};

static struct xdp_config lan_config = {.ifname = LAN, .take = XDP_TAKE_ALL, .port = PORT_LAN};
static struct xdp_config wan_config = {.ifname = WAN,
                                       .take = XDP_TAKE_VXLAN,
                                       .address = {4, {198, 18, 0, 1}},
                                       .vxlan_port = 4789,
                                       .port = PORT_WAN};

static struct fastpath *open_fastpath(void)
{
    struct fastpath *fp = NULL;
    int rc = fastpath_open(&config, &fp, err, sizeof(err));

    ck_assert_msg(rc == 0, "%d: %s", rc, err);
    return fp;
}

static struct xdp *attach(const struct xdp_config *c, struct fastpath *fp)
{
    struct xdp *x = NULL;
    unsigned queues = 0;
    int rc = xdp_attach(c, fp, &x, &queues, err, sizeof(err));

    ck_assert_msg(rc == 0, "%d: %s", rc, err);
    return x;
}

static void attach_both(struct gateway *g)
{
    g->fp = open_fastpath();
    g->wan = attach(&wan_config, g->fp);
    g->lan = attach(&lan_config, g->fp);
}

static void publish(struct gateway *g)
{
    struct fastpath_port ports[DP_MAX_PORTS] = {{0}};

    topology.underlay_mac = vtep.source = our_mac;
    vtep.next_hop = hop_mac;
    ports[PORT_WAN] =
        (struct fastpath_port){.ifindex = if_nametoindex(wan_config.ifname), .target = true, .mtu = 1500};
    ports[PORT_LAN] =
        (struct fastpath_port){.ifindex = if_nametoindex(lan_config.ifname), .target = true, .mtu = 1500};
    ck_assert_int_eq(fastpath_publish(g->fp, &topology, ports), 0);
}

static void learn(struct gateway *g)
{
    const struct dp_dest here = {.where = DP_WHERE_PORT, .target = PORT_LAN};
    const struct dp_dest there = {.where = DP_WHERE_VTEP, .target = 2};

    ck_assert_int_eq(fastpath_fdb_set(g->fp, 7, host_here, here, false), 0);
    ck_assert_int_eq(fastpath_fdb_set(g->fp, 7, host_there, there, false), 0);
}

static void start(struct gateway *g)
{
    attach_both(g);
    publish(g);
    learn(g);
}

static void stop(struct gateway *g, bool keep)
{
    xdp_close(g->lan, keep);
    xdp_close(g->wan, keep);
    fastpath_close(g->fp);
}

static void ck_remove(int want)
{
    int rc = fastpath_remove(dir, config.gateway, err, sizeof(err));

    ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, err);
}

/* A child that runs fn and waits to be killed; returns when fn has returned. */
static pid_t start_child(void (*fn)(void))
{
    int ready[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fn();
        ck_assert_int_eq(write(ready[1], "x", 1), 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_msg(read(ready[0], &c, 1) == 1, "the child ended early");
    close(ready[0]);
    return pid;
}

static void kill_child(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static struct gateway child_gateway;

static void be_gateway(void)
{
    start(&child_gateway);
}

/* ---- frames
 * ---------------------------------------------------------------------------------------------------- */

static int packet_socket(const char *ifname)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(ifname),
    };

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* UDP from one host to the other. number is at its end. */
static size_t build_inner(uint8_t *frame, struct mac dst, struct mac src, bool tagged, uint32_t number)
{
    static const uint8_t packet[] = {69, 0,  0,  86, 0, 0,  0,   0,  64, 17, 0, 0,  10, 0,
                                     0,  10, 10, 0,  0, 11, 195, 80, 0,  9,  0, 66, 0,  0};
    static const uint8_t tag[] = {0x81, 0, 0, 100};
    uint8_t *p = frame;

    memset(frame, 0, FRAME_LEN + 4);
    memcpy(p, dst.b, 6);
    memcpy(p + 6, src.b, 6);
    p += 12;
    if (tagged) {
        memcpy(p, tag, 4);
        p += 4;
    }
    p[0] = 8;
    memcpy(p + 2, packet, sizeof(packet));
    memcpy(frame + FRAME_LEN - 4 + (tagged ? 4 : 0), &number, 4);
    return FRAME_LEN + (tagged ? 4 : 0);
}

static uint16_t header_sum(const uint8_t *ip)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The same from the other site. */
static size_t build_outer(uint8_t *frame, uint32_t number)
{
    static const uint8_t ip[] = {
        69, 0, 0, OUTER - 14 + FRAME_LEN, 0, 0, 64, 0, 64, 17, 0, 0, 198, 18, 0, 2, 198, 18, 0, 1};
    static const uint8_t rest[] = {0xc0, 0, 0x12, 0xb5, 0, OUTER - 34 + FRAME_LEN, 0, 0, 8, 0, 0,
                                   0,    0, 0x27, 0x17, 0};
    uint16_t sum;

    memset(frame, 0, OUTER);
    memcpy(frame, our_mac.b, 6);
    memcpy(frame + 6, hop_mac.b, 6);
    frame[12] = 8;
    memcpy(frame + 14, ip, sizeof(ip));
    sum = header_sum(frame + 14);
    frame[24] = (uint8_t)(sum >> 8);
    frame[25] = (uint8_t)sum;
    memcpy(frame + 34, rest, sizeof(rest));
    return OUTER + build_inner(frame + OUTER, host_here, host_there, false, number);
}

/* Waits for a frame that ends with the number; its length, or 0 at the deadline. */
static size_t receive_number(int fd, uint32_t number, uint8_t *frame, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    mono_t begin = mono_now();

    while (!dpdk_is_over(begin)) {
        struct sockaddr_ll from;
        socklen_t from_len = sizeof(from);
        ssize_t n;

        if (poll(&p, 1, 100) != 1)
            continue;
        n = recvfrom(fd, frame, size, 0, (struct sockaddr *)&from, &from_len);
        if (n > FRAME_LEN - 4 && from.sll_pkttype != PACKET_OUTGOING &&
            memcmp(frame + n - 4, &number, 4) == 0)
            return (size_t)n;
    }
    return 0;
}

static uint32_t next_number = 1;

/* Both ways through the gateway; false: one got lost. */
static bool exchange(int lan, int wan)
{
    uint8_t frame[512], got[512];
    size_t len = build_inner(frame, host_there, host_here, true, next_number);

    ck_assert_int_eq(send(lan, frame, len, 0), (ssize_t)len);
    len = receive_number(wan, next_number++, got, sizeof(got));
    if (len == 0)
        return false;
    ck_assert_uint_eq(len, OUTER + FRAME_LEN);
    ck_assert_mem_eq(got, hop_mac.b, 6);
    ck_assert_mem_eq(got + OUTER, host_there.b, 6);

    len = build_outer(frame, next_number);
    ck_assert_int_eq(send(wan, frame, len, 0), (ssize_t)len);
    len = receive_number(lan, next_number++, got, sizeof(got));
    if (len != 0)
        ck_assert_mem_eq(got, host_here.b, 6);
    return len != 0;
}

static void expect_forwarding(void)
{
    int lan = packet_socket(LAN_FAR), wan = packet_socket(WAN_FAR);

    for (unsigned i = 0; i < 3; i++)
        ck_assert(exchange(lan, wan));
    close(lan);
    close(wan);
}

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

    ck_assert(is_flagged_promiscuous(LAN));
    ck_assert(!is_flagged_promiscuous(WAN));
    ck_assert(!rxvlan(LAN));
    stop(&g, false);
    expect_untouched(LAN);
    expect_untouched(WAN);
    ck_remove(0);
    ck_remove(-ENOENT);
}
END_TEST

START_TEST(test_goes_on_when_killed)
{
    pid_t pid = start_child(be_gateway);
    uint32_t lan_id, wan_id;
    struct xdp_status status;
    struct gateway g;

    expect_forwarding();
    lan_id = program_on(LAN);
    wan_id = program_on(WAN);
    kill_child(pid);
    expect_forwarding();
    ck_assert_uint_eq(program_on(LAN), lan_id);
    ck_assert(is_flagged_promiscuous(LAN));

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
    ck_remove(0);
}
END_TEST

START_TEST(test_removed_without_a_process)
{
    kill_child(start_child(be_gateway));
    expect_forwarding();
    ck_remove(0);
    expect_untouched(LAN);
    expect_untouched(WAN);
    ck_assert_int_ne(access(dir, F_OK), 0);
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
    pid_t gateway = start_child(be_gateway), stream;
    int status;

    stream = start_stream(&shared->exchanged, &shared->over);
    for (unsigned i = 0; i < KILLS; i++) {
        mono_t begin = mono_now();
        unsigned before;

        kill_child(gateway);
        before = shared->exchanged;
        while (shared->exchanged < before + 3 && waitpid(stream, &status, WNOHANG) == 0 &&
               !dpdk_is_over(begin))
            usleep(100);
        gateway = start_child(be_gateway);
    }
    shared->over = true;
    ck_assert_int_eq(waitpid(stream, &status, 0), stream);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(shared->exchanged, 3 * KILLS);
    kill_child(gateway);
}
END_TEST

static void be_unpinned_gateway(void)
{
    config.dir = "/tmp";
    start(&child_gateway);
}

START_TEST(test_unpinned_ends_with_the_process)
{
    pid_t pid = start_child(be_unpinned_gateway);

    expect_forwarding();
    kill_child(pid);
    ck_assert_uint_eq(program_on(LAN), 0);
    ck_assert_uint_eq(program_on(WAN), 0);
    ck_assert(!is_flagged_promiscuous(LAN));
}
END_TEST

/* What an operator had set stays as it was. */
START_TEST(test_settings_of_the_operator)
{
    struct gateway g;

    sh("ip link set " LAN " promisc on && ethtool -K " LAN " rx-vlan-offload off");
    start(&g);
    stop(&g, false);
    ck_assert(is_flagged_promiscuous(LAN));
    ck_assert(!rxvlan(LAN));
    kill_child(start_child(be_gateway));
    ck_remove(0);
    ck_assert(is_flagged_promiscuous(LAN));
    ck_assert(!rxvlan(LAN));
    ck_assert(rxvlan(WAN));
}
END_TEST

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

/* ---- another world when it comes back
 * --------------------------------------------------------------------------- */

START_TEST(test_interface_is_gone)
{
    struct gateway g;

    kill_child(start_child(be_gateway));
    sh("ip link del " LAN);
    g.fp = open_fastpath();
    ck_assert(fastpath_taken_over(g.fp));
    fastpath_close(g.fp);
    make_link(LAN, LAN_FAR);
    attach_both(&g);
    publish(&g);
    expect_forwarding();
    stop(&g, false);
    ck_remove(0);
}
END_TEST

START_TEST(test_interface_is_renamed)
{
    struct xdp_status status;
    struct gateway g;

    kill_child(start_child(be_gateway));
    sh("ip link set " LAN " name cwother");
    make_link(LAN, "cwfar3");
    lan_config.ifname = "cwother";
    attach_both(&g);
    xdp_status(g.lan, &status);
    ck_assert(status.taken_over);
    publish(&g);
    expect_forwarding();
    ck_assert_uint_eq(program_on(LAN), 0);
    stop(&g, true);
    sh("ip link set cwother name cwthird");
    ck_remove(0);
    expect_untouched("cwthird");
}
END_TEST

START_TEST(test_port_is_no_more)
{
    struct gateway g;

    kill_child(start_child(be_gateway));
    g.fp = open_fastpath();
    g.wan = attach(&wan_config, g.fp);
    ck_assert_uint_ne(program_on(LAN), 0);
    publish(&g);
    expect_untouched(LAN);
    ck_assert_uint_ne(program_on(WAN), 0);
    xdp_close(g.wan, true);
    fastpath_close(g.fp);
    ck_remove(0);

    /* Also when it ends before it had anything to publish. */
    kill_child(start_child(be_gateway));
    g.fp = open_fastpath();
    g.wan = attach(&wan_config, g.fp);
    xdp_close(g.wan, false);
    ck_assert_msg(fastpath_unpin(g.fp, err, sizeof(err)) == 0, "%s", err);
    fastpath_close(g.fp);
    expect_untouched(LAN);
    ck_remove(-ENOENT);
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
    g.fp = open_fastpath();
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
    ck_remove(0);
}
END_TEST

/* More MACs, and fewer: forwarded all the time, by whichever program is there. */
START_TEST(test_another_number_of_macs)
{
    static const uint32_t numbers[] = {65536, 100};
    struct gateway g;

    kill_child(start_child(be_gateway));
    for (int i = 0; i < 2; i++) {
        config.max_macs = numbers[i];
        g.fp = open_fastpath();
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
    ck_remove(0);
}
END_TEST

/* Until the new topology is there nothing is forwarded by the old one. */
START_TEST(test_configured_otherwise)
{
    struct gateway g;

    for (int i = 0; i < 3; i++) {
        kill_child(start_child(be_gateway));
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
        ck_remove(0);
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
    ck_assert_int_eq(fastpath_open(&config, &fp, err, sizeof(err)), -EBUSY);
    ck_assert_ptr_nonnull(strstr(err, "of the same name in another network namespace"));
    ck_remove(-EBUSY);
}

START_TEST(test_another_namespace)
{
    kill_child(start_child(be_gateway));
    kill_child(start_child(expect_foreign_namespace));
    expect_forwarding();
    ck_remove(0);
    expect_untouched(LAN);
}
END_TEST

START_TEST(test_interface_of_another_gateway)
{
    struct xdp *x = NULL;
    struct fastpath *fp;
    unsigned queues;

    kill_child(start_child(be_gateway));
    config.gateway = "paris-2";
    fp = open_fastpath();
    ck_assert_int_eq(xdp_attach(&lan_config, fp, &x, &queues, err, sizeof(err)), -EBUSY);
    ck_assert_ptr_nonnull(strstr(err, "causewayctl fastpath detach"));
    ck_assert_int_eq(xdp_attach(&lan_config, NULL, &x, &queues, err, sizeof(err)), -EBUSY);
    fastpath_close(fp);
    expect_forwarding();
}
END_TEST

START_TEST(test_too_many_ports)
{
    struct fastpath *fp = open_fastpath();
    struct xdp *x = NULL;
    unsigned queues;

    lan_config.port = DP_OWN_PORT;
    ck_assert_int_eq(xdp_attach(&lan_config, fp, &x, &queues, err, sizeof(err)), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err, "one too many"));
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

    sh("ip link add cwbridge type bridge && ip link set cwbridge up");
    wan_config.ifname = "cwbridge";
    for (int i = 0; i < 2; i++) {
        fp = open_fastpath();
        x = attach(&wan_config, fp);
        dpdk_open(&d, "cwbridge", 0);
        ck_assert_msg(xdp_verify(x, err, sizeof(err)) == 0, "%s", err);
        xdp_status(x, &status);
        ck_assert_str_eq(status.mode, "generic");
        ck_assert(status.taken_over == (i == 1));
        dpdk_close(&d);
        xdp_close(x, i == 0);
        fastpath_close(fp);
    }
    ck_assert_uint_eq(program_on("cwbridge"), 0);
    ck_remove(0);
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
    ck_assert_msg(xdp_verify(g.wan, err, sizeof(err)) == 0, "%s", err);
    ck_assert_msg(xdp_verify(g.lan, err, sizeof(err)) == 0, "%s", err);
    expect_forwarding();
    ck_assert(!dpdk_has_frame(&lan));

    ck_assert_int_eq(fastpath_unpin(g.fp, err, sizeof(err)), -EBUSY);
    ck_assert_msg(xdp_fast_off(g.lan, err, sizeof(err)) == 0, "%s", err);
    ck_assert_msg(xdp_fast_off(g.wan, err, sizeof(err)) == 0, "%s", err);
    ck_assert_int_eq(xdp_fast_off(g.wan, err, sizeof(err)), 0);
    ck_assert_int_eq(fastpath_unpin(g.fp, err, sizeof(err)), 0);
    ck_assert_int_eq(fastpath_unpin(g.fp, err, sizeof(err)), 0);
    ck_assert(!fastpath_pinned(g.fp, &why_not));
    ck_assert_ptr_nonnull(strstr(why_not, "detached"));
    ck_remove(-ENOENT);
    ck_assert(!is_flagged_promiscuous(LAN));
    ck_assert_msg(xdp_verify(g.lan, err, sizeof(err)) == 0, "%s", err);
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
    ck_assert_msg(xdp_verify(child_gateway.wan, err, sizeof(err)) == 0, "%s", err);
    ck_assert_msg(xdp_verify(child_gateway.lan, err, sizeof(err)) == 0, "%s", err);
}

/* libxdp finds the program that has replaced the other, and puts the new sockets into its map. */
START_TEST(test_sockets_after_take_over)
{
    for (int i = 0; i < 3; i++) {
        pid_t pid = start_child(be_gateway_with_sockets);

        expect_forwarding();
        kill_child(pid);
        expect_forwarding();
    }
    ck_remove(0);
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
    sh("ethtool -K " WAN_FAR " gro off");
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

    sh("ip link set " WAN_FAR " mtu 100");
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

int main(void)
{
    Suite *s = suite_create("fastpath ports");
    TCase *t = tcase_create("interfaces");
    SRunner *r;
    int failed;

    if (geteuid() != 0) {
        printf("skipped: network namespaces and XDP need root\n");
        return 0;
    }
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_forwards_and_counts);
    tcase_add_test(t, test_goes_on_when_killed);
    tcase_add_test(t, test_removed_without_a_process);
    tcase_add_test(t, test_killed_and_replaced_under_a_stream);
    tcase_add_test(t, test_unpinned_ends_with_the_process);
    tcase_add_test(t, test_settings_of_the_operator);
    tcase_add_test(t, test_topology_changes);
    tcase_add_test(t, test_R4_10_macs_change);
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
    tcase_add_test(t, test_switched_off);
    tcase_add_test(t, test_sockets_after_take_over);
    tcase_add_test(t, test_redirect_target);
    tcase_add_test(t, test_trouble);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
