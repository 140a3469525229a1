/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A gateway without a daemon, for tests of the fast path on interfaces: an access port and the underlay, each
 * one end of a veth pair; frames that are put in at the far ends show whether it forwards.
 */
#ifndef TESTS_BPF_FASTPATH_GATEWAY_H
#define TESTS_BPF_FASTPATH_GATEWAY_H

#include "ebpf/nic.h"
#include "ebpf/xdp.h"
#include "tests/bpf/dpdk_part.h"
#include "tests/bpf/fastpath_world.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define LAN       "cwlan" /* ours */
#define WAN       "cwwan"
#define LAN_FAR   "cwlanfar" /* where frames come from and go to */
#define WAN_FAR   "cwwanfar"
#define FRAME_LEN 100
#define OUTER     50

enum { PORT_WAN, PORT_LAN };

static inline void make_link(const char *near, const char *far)
{
    char command[512];

    snprintf(command, sizeof(command),
             "ip link add %s type veth peer name %s && ethtool -K %s gro on && ip link set %s up && "
             "ip link set %s up",
             near, far, far, near, far);
    world_sh(command);
}

static inline void setup(void)
{
    world_setup();
    make_link(WAN, WAN_FAR);
    make_link(LAN, LAN_FAR);
}

/* ---- looking at an interface
 * ----------------------------------------------------------------------------------- */

static inline uint32_t program_on(const char *ifname)
{
    uint32_t id = 0;

    ck_assert_int_eq(bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id), 0);
    return id;
}

static inline void expect_untouched(const char *ifname)
{
    ck_assert_msg(program_on(ifname) == 0, "%s", ifname);
    ck_assert_msg(nic_is_promiscuous(ifname) == 0, "%s", ifname);
    ck_assert_msg(nic_rxvlan(ifname) == 1, "%s", ifname);
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

static inline struct xdp *attach(const struct xdp_config *c, struct fastpath *fp)
{
    struct xdp *x = NULL;
    unsigned queues = 0;
    int rc = xdp_attach(c, fp, &x, &queues, world_err, sizeof(world_err));

    ck_assert_msg(rc == 0, "%d: %s", rc, world_err);
    return x;
}

static inline void attach_both(struct gateway *g)
{
    g->fp = world_open();
    g->wan = attach(&wan_config, g->fp);
    g->lan = attach(&lan_config, g->fp);
}

static inline void publish(struct gateway *g)
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

static inline void learn(struct gateway *g)
{
    const struct dp_dest here = {.where = DP_WHERE_PORT, .target = PORT_LAN};
    const struct dp_dest there = {.where = DP_WHERE_VTEP, .target = 2};

    ck_assert_int_eq(fastpath_fdb_set(g->fp, 7, host_here, here, false), 0);
    ck_assert_int_eq(fastpath_fdb_set(g->fp, 7, host_there, there, false), 0);
}

static inline void start(struct gateway *g)
{
    attach_both(g);
    publish(g);
    learn(g);
}

static inline void stop(struct gateway *g, bool keep)
{
    xdp_close(g->lan, keep);
    xdp_close(g->wan, keep);
    fastpath_close(g->fp);
}

static struct gateway child_gateway;

static inline void be_gateway(void)
{
    start(&child_gateway);
}

/* ---- frames
 * ---------------------------------------------------------------------------------------------------- */

static inline int packet_socket(const char *ifname)
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
static inline size_t build_inner(uint8_t *frame, struct mac dst, struct mac src, bool tagged, uint32_t number)
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

static inline uint16_t header_sum(const uint8_t *ip)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The same from the other site. */
static inline size_t build_outer(uint8_t *frame, uint32_t number)
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
static inline size_t receive_number(int fd, uint32_t number, uint8_t *frame, size_t size)
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
static inline bool exchange(int lan, int wan)
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

static inline void expect_forwarding(void)
{
    int lan = packet_socket(LAN_FAR), wan = packet_socket(WAN_FAR);

    for (unsigned i = 0; i < 3; i++)
        ck_assert(exchange(lan, wan));
    close(lan);
    close(wan);
}

#endif
