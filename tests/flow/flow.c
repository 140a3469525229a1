/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See flow.h.
 */
#include "tests/flow/flow.h"

#include "conf/log.h"
#include "dataplane/segments.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring_elem.h>

#define RING_SIZE 1024
#define FRAME_MAX 9216

const struct mac flow_mac_wan = {{0x02, 0xaa, 0, 0, 0, 0x01}};
const struct mac flow_mac_hop = {{0x02, 0xaa, 0, 0, 0, 0x02}};

#define REQUIRE(x)                                                                                           \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                                          \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

void flow_start_eal_mb(unsigned mb)
{
    static char memory[16];
    static char *argv[] = {"flow", "--no-huge",      "--no-shconf",    "--no-pci", "-m",
                           memory, "--iova-mode=va", "--no-telemetry", "-l0",      "--log-level=*:error",
                           NULL};
    int argc = (int)(sizeof(argv) / sizeof(argv[0])) - 1;

    snprintf(memory, sizeof(memory), "%u", mb);
    REQUIRE(rte_eal_init(argc, argv) >= 0);
    log_set_level(LOG_LEVEL_WARNING);
}

void flow_start_eal(void)
{
    flow_start_eal_mb(512);
}

struct ipaddr flow_vtep_address(const struct flow *f, unsigned id)
{
    char text[32];
    struct ipaddr a;

    snprintf(text, sizeof(text), f->ipv6 ? "fd00::%x" : "198.18.0.%u", id + 1);
    REQUIRE(ipaddr_parse(text, &a));
    return a;
}

void flow_must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

struct mac flow_mac(unsigned n)
{
    return (struct mac){{0x02, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}

static void open_port(struct flow *f, unsigned i, enum dp_port_role role)
{
    uint16_t mtu = f->buffers == FLOW_ORDINARY ? 1500 : 9000;
    const struct dp_config config = {.max_mtu = mtu,
                                     .packet_buffers = f->buffers == FLOW_ORDINARY ? 0 : 4095};
    static unsigned serial;
    struct port *p = &f->ports[i];
    char name[32], err[DP_ERR_LEN];
    int ethdev;

    snprintf(name, sizeof(name), "flow%u", serial++);
    f->in[i] = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    snprintf(name, sizeof(name), "flow%u", serial++);
    f->out[i] = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    REQUIRE(f->in[i] && f->out[i]);
    snprintf(name, sizeof(name), "flow%u", serial++);
    ethdev = rte_eth_from_rings(name, &f->in[i], 1, &f->out[i], 1, 0);
    REQUIRE(ethdev >= 0);
    snprintf(p->spec.name, sizeof(p->spec.name), "port%u", i);
    p->spec.role = role;
    p->spec.owner = DP_OWNER_VDEV;
    p->spec.nic_segments = f->buffers == FLOW_CHAINS;
    p->ethdev = (uint16_t)ethdev;
    if (port_start(p, serial, &config, err) != 0) {
        fprintf(stderr, "%s\n", err);
        abort();
    }
    f->w.ports[i] = (struct worker_port){.ethdev = p->ethdev,
                                         .rx_queues = 1,
                                         .role = role,
                                         .max_frame = (uint16_t)(mtu + 14),
                                         .longest = p->longest,
                                         .gathers = p->segments,
                                         .pool = p->pool};
}

void flow_topology(const struct flow *f, struct dp_network nets[2], struct dp_vtep vteps[2],
                   struct dp_topology *t)
{
    static const struct dp_member web[] = {{PORT_A, 100}, {PORT_B, 100}}, db[] = {{PORT_A, 200}, {PORT_B, 0}};
    static const struct dp_net_vtep web_vteps[] = {{VTEP_1, true, false}, {VTEP_2, true, true}},
                                    db_vteps[] = {{VTEP_1, true, false}};

    nets[0] = (struct dp_network){.id = NET_WEB,
                                  .vni = VNI_WEB,
                                  .dscp = DP_DSCP_INHERIT,
                                  .limit_broadcast = DP_NO_LIMIT,
                                  .limit_multicast = DP_NO_LIMIT,
                                  .limit_unknown_unicast = DP_NO_LIMIT,
                                  .members = web,
                                  .n_members = 2,
                                  .vteps = web_vteps,
                                  .n_vteps = 2};
    nets[1] = nets[0];
    nets[1].id = NET_DB;
    nets[1].vni = VNI_DB;
    nets[1].members = db;
    nets[1].vteps = db_vteps;
    nets[1].n_vteps = 1;
    for (unsigned i = 0; i < 2; i++)
        vteps[i] = (struct dp_vtep){.id = (dp_vtep_id)(i + 1),
                                    .address = flow_vtep_address(f, i + 1),
                                    .resolved = true,
                                    .next_hop = flow_mac_hop,
                                    .source = flow_mac_wan,
                                    .mtu = f->buffers == FLOW_ORDINARY ? 1600 : 9100};
    *t = (struct dp_topology){.underlay = PORT_WAN,
                              .address = flow_vtep_address(f, 0),
                              .underlay_mac = flow_mac_wan,
                              .vxlan_port = 4789,
                              .ttl = 64,
                              .networks = nets,
                              .n_networks = 2,
                              .vteps = vteps,
                              .n_vteps = 2};
}

void flow_publish(struct flow *f)
{
    struct snapshot *s;

    REQUIRE(snapshot_build(&f->topology, N_PORTS, 16, 1023, &s) == 0);
    f->w.snapshot = s;
    snapshot_free(f->snapshot);
    f->snapshot = s;
}

struct flow *flow_open(bool ipv6)
{
    return flow_open_with(ipv6, FLOW_ORDINARY);
}

struct flow *flow_open_with(bool ipv6, enum flow_buffers buffers)
{
    struct flow *f = aligned_alloc(64, (sizeof(*f) + 63) & ~(size_t)63);
    size_t size = rte_rcu_qsbr_get_memsize(1);

    REQUIRE(f);
    memset(f, 0, sizeof(*f));
    f->ipv6 = ipv6;
    f->buffers = buffers;
    f->qsbr = aligned_alloc(64, (size + 63) & ~(size_t)63);
    REQUIRE(f->qsbr && rte_rcu_qsbr_init(f->qsbr, 1) == 0);
    REQUIRE(fdb_init(&f->fdb, 4096, f->qsbr) == 0);
    REQUIRE(neigh_init(&f->neigh, 4096, f->qsbr) == 0);
    REQUIRE(bicast_init(&f->bicast, f->qsbr) == 0);
    REQUIRE(worker_init(&f->w, 16, 1023) == 0);
    f->w.fdb = &f->fdb;
    f->w.neigh = &f->neigh;
    f->w.bicast = &f->bicast;
    f->w.qsbr = f->qsbr;
    open_port(f, PORT_A, DP_PORT_ACCESS);
    open_port(f, PORT_B, DP_PORT_ACCESS);
    open_port(f, PORT_WAN, DP_PORT_UNDERLAY);
    open_port(f, PORT_TAP, DP_PORT_KERNEL);
    f->w.n_ports = N_PORTS;
    f->w.kernel_port = PORT_TAP;
    flow_topology(f, f->nets, f->vteps, &f->topology);
    flow_publish(f);
    return f;
}

/* What a NIC does with a frame that has a whole tag, and nothing with one that has not. */
static uint16_t strip_tags(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n, uint16_t room,
                           void *arg)
{
    (void)port, (void)queue, (void)room, (void)arg;
    for (uint16_t i = 0; i < n; i++)
        if (rte_pktmbuf_data_len(m[i]) >= 18)
            (void)rte_vlan_strip(m[i]);
    return n;
}

static uint16_t insert_tags(uint16_t port, uint16_t queue, struct rte_mbuf **m, uint16_t n, void *arg)
{
    (void)port, (void)queue, (void)arg;
    for (uint16_t i = 0; i < n; i++)
        if (m[i]->ol_flags & RTE_MBUF_F_TX_VLAN)
            REQUIRE(rte_vlan_insert(&m[i]) == 0);
    return n;
}

/* No memory of DPDK's may stay taken: the next test shares its pages, and has a copy of its lists. */
void flow_nic(struct flow *f, unsigned port, bool strips, bool inserts)
{
    uint16_t ethdev = f->ports[port].ethdev;

    if (f->strips[port])
        REQUIRE(rte_eth_remove_rx_callback(ethdev, 0, f->strips[port]) == 0);
    if (f->inserts[port])
        REQUIRE(rte_eth_remove_tx_callback(ethdev, 0, f->inserts[port]) == 0);
    rte_free((void *)(uintptr_t)f->strips[port]);
    rte_free((void *)(uintptr_t)f->inserts[port]);
    f->strips[port] = strips ? rte_eth_add_rx_callback(ethdev, 0, strip_tags, NULL) : NULL;
    f->inserts[port] = inserts ? rte_eth_add_tx_callback(ethdev, 0, insert_tags, NULL) : NULL;
    REQUIRE(!strips == !f->strips[port] && !inserts == !f->inserts[port]);
    f->w.ports[port].strips = strips;
    f->w.ports[port].inserts = inserts;
}

void flow_close(struct flow *f)
{
    for (unsigned i = 0; i < N_PORTS; i++)
        flow_nic(f, i, false, false);
    flow_discard(f);
    worker_fini(&f->w);
    for (unsigned i = 0; i < N_PORTS; i++) {
        rte_eth_dev_stop(f->ports[i].ethdev);
        rte_eth_dev_close(f->ports[i].ethdev);
        rte_ring_free(f->in[i]);
        rte_ring_free(f->out[i]);
    }
    for (unsigned i = 0; i < N_PORTS; i++) {
        REQUIRE(rte_mempool_full(f->ports[i].pool));
        rte_mempool_free(f->ports[i].pool);
    }
    snapshot_free(f->snapshot);
    bicast_fini(&f->bicast);
    neigh_fini(&f->neigh);
    fdb_fini(&f->fdb);
    free(f->qsbr);
    free(f);
}

void flow_end(struct flow *f)
{
    flow_discard(f);
    flow_require_balance(f);
    flow_close(f);
}

void flow_put(struct flow *f, unsigned port, const void *frame, size_t len)
{
    flow_put_parts(f, port, frame, len, NULL, 0);
}

void flow_put_parts(struct flow *f, unsigned port, const void *frame, size_t len, const uint16_t *part,
                    unsigned n)
{
    struct rte_mbuf *m = NULL;
    const uint8_t *from = frame;

    for (unsigned i = 0; i <= n; i++) {
        struct rte_mbuf *next = rte_pktmbuf_alloc(f->ports[port].pool);
        size_t bytes = i < n ? RTE_MIN(part[i], len) : len;

        REQUIRE(next && segments_append(next, from, (uint32_t)bytes));
        if (m)
            REQUIRE(rte_pktmbuf_chain(m, next) == 0);
        else
            m = next;
        from += bytes;
        len -= bytes;
    }
    REQUIRE(f->buffers == FLOW_CHAINS || n > 0 || m->nb_segs == 1);
    REQUIRE(rte_ring_enqueue(f->in[port], m) == 0);
}

void flow_poll(struct flow *f)
{
    while (worker_poll(&f->w) > 0)
        ;
}

void flow_wait(struct flow *f, unsigned us)
{
    f->w.clock_ahead += f->w.hz / 1000000 * us;
    flow_poll(f);
}

int flow_take(struct flow *f, unsigned port, uint8_t *buf)
{
    struct rte_mbuf *m;
    unsigned n = 0;
    int len = 0;

    if (rte_ring_dequeue(f->out[port], (void **)&m) != 0)
        return -1;
    REQUIRE(m->nb_segs == 1 || (f->w.ports[port].gathers && m->nb_segs <= SEGMENTS_MAX));
    for (const struct rte_mbuf *seg = m; seg; len += rte_pktmbuf_data_len(seg), seg = seg->next, n++) {
        REQUIRE(rte_pktmbuf_data_len(seg) > 0 || m->nb_segs == 1);
        REQUIRE(len + rte_pktmbuf_data_len(seg) <= FRAME_MAX);
        memcpy(buf + len, rte_pktmbuf_mtod(seg, void *), rte_pktmbuf_data_len(seg));
    }
    REQUIRE(n == m->nb_segs && (uint32_t)len == rte_pktmbuf_pkt_len(m));
    rte_pktmbuf_free(m);
    return len;
}

unsigned flow_waiting(const struct flow *f, unsigned port)
{
    return rte_ring_count(f->out[port]);
}

void flow_discard(struct flow *f)
{
    static uint8_t buf[FRAME_MAX];

    for (unsigned i = 0; i < N_PORTS; i++)
        while (flow_take(f, i, buf) >= 0)
            ;
}

uint64_t flow_drops(const struct flow *f, enum drop_reason reason)
{
    return f->w.counters.totals.drops[reason];
}

uint64_t flow_all_drops(const struct flow *f)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < DROP_N; i++)
        sum += f->w.counters.totals.drops[i];
    return sum;
}

void flow_require_balance(const struct flow *f)
{
    const struct dp_totals *t = &f->w.counters.totals;
    uint64_t in = t->replicas + t->originated, out = flow_all_drops(f) + t->taken;

    for (unsigned i = 0; i < f->w.park.n; i++)
        out += !f->w.park.frames[i].copy; /* it waits */

    for (unsigned i = 0; i < N_PORTS; i++) {
        in += f->w.counters.ports[i].rx.frames;
        out += f->w.counters.ports[i].tx.frames;
    }
    REQUIRE(in == out);
}

bool flow_event(struct flow *f, struct dp_event *e)
{
    return rte_ring_sc_dequeue_elem(f->w.report.events, e, sizeof(*e)) == 0;
}

void flow_hosts(struct flow *f)
{
    flow_fdb(f, NET_WEB, flow_mac(1), DP_WHERE_PORT, PORT_A, false);
    flow_fdb(f, NET_WEB, flow_mac(2), DP_WHERE_PORT, PORT_B, false);
    flow_fdb(f, NET_WEB, flow_mac(3), DP_WHERE_VTEP, VTEP_1, false);
}

void flow_fdb(struct flow *f, dp_net_id net, struct mac mac, enum dp_where where, uint16_t target,
              bool is_static)
{
    REQUIRE(fdb_set(&f->fdb, fdb_key(net, mac.b), FDB_WHERE(where, target, is_static), mono_now()) == 0);
}

/* ---- frames ---- */

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

uint16_t flow_checksum(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (len & 1)
        sum += (uint32_t)(p[len - 1] << 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

size_t flow_eth(uint8_t *buf, struct mac dst, struct mac src, uint16_t vlan, uint16_t type,
                const void *payload, size_t len)
{
    size_t n = 12;

    memcpy(buf, dst.b, 6);
    memcpy(buf + 6, src.b, 6);
    if (vlan != FLOW_UNTAGGED) {
        put16(buf + n, 0x8100);
        put16(buf + n + 2, vlan);
        n += 4;
    }
    put16(buf + n, type);
    if (len)
        memcpy(buf + n + 2, payload, len);
    return n + 2 + len;
}

static size_t udp(uint8_t *p, uint16_t sport, uint16_t dport, size_t payload)
{
    put16(p, sport);
    put16(p + 2, dport);
    put16(p + 4, (unsigned)(8 + payload));
    put16(p + 6, 0);
    for (size_t i = 0; i < payload; i++)
        p[8 + i] = (uint8_t)i;
    return 8 + payload;
}

size_t flow_ipv4(uint8_t *buf, struct mac dst, struct mac src, uint16_t vlan, uint8_t tos, uint16_t sport,
                 size_t payload)
{
    static const uint8_t addrs[8] = {10, 0, 0, 1, 10, 0, 0, 2};
    uint8_t ip[FRAME_MAX] = {0x45, tos};
    size_t len = 20 + udp(ip + 20, sport, 7, payload);

    put16(ip + 2, (unsigned)len);
    ip[8] = 64;
    ip[9] = 17;
    memcpy(ip + 12, addrs, 8);
    put16(ip + 10, flow_checksum(ip, 20, 0));
    return flow_eth(buf, dst, src, vlan, 0x0800, ip, len);
}

size_t flow_ipv6(uint8_t *buf, struct mac dst, struct mac src, uint16_t vlan, uint8_t tos, uint16_t sport,
                 size_t payload)
{
    uint8_t ip[FRAME_MAX] = {(uint8_t)(0x60 | tos >> 4), (uint8_t)(tos << 4)};
    size_t len = udp(ip + 40, sport, 7, payload);

    put16(ip + 4, (unsigned)len);
    ip[6] = 17;
    ip[7] = 64;
    ip[8] = ip[24] = 0xfd;
    ip[23] = 1;
    ip[39] = 2;
    return flow_eth(buf, dst, src, vlan, 0x86dd, ip, 40 + len);
}

void flow_fix(const struct flow *f, uint8_t *packet, bool with_udp)
{
    uint8_t *ip = packet + 14, *u = ip + (f->ipv6 ? 40 : (ip[0] & 0xf) * 4);
    unsigned len = (unsigned)(u[4] << 8 | u[5]);
    uint32_t pseudo = 17 + len;
    uint16_t sum;

    if (!f->ipv6) {
        put16(ip + 10, 0);
        put16(ip + 10, flow_checksum(ip, (size_t)(ip[0] & 0xf) * 4, 0));
    }
    put16(u + 6, 0);
    if (!with_udp)
        return;
    pseudo += (uint16_t)~flow_checksum(ip + (f->ipv6 ? 8 : 12), f->ipv6 ? 32 : 8, 0);
    sum = flow_checksum(u, len, pseudo);
    put16(u + 6, sum ? sum : 0xffff);
}

size_t flow_wrap(const struct flow *f, uint8_t *buf, struct flow_outer o, const uint8_t *inner, size_t len)
{
    struct ipaddr src = flow_vtep_address(f, o.vtep), dst = flow_vtep_address(f, 0);
    uint8_t *ip = buf + 14, *u;
    size_t udp_len = 16 + len;

    memset(buf, 0, 14 + 40 + 16);
    memcpy(buf, flow_mac_wan.b, 6);
    memcpy(buf + 6, flow_mac_hop.b, 6);
    if (f->ipv6) {
        put16(buf + 12, 0x86dd);
        ip[0] = (uint8_t)(0x60 | o.tos >> 4);
        ip[1] = (uint8_t)(o.tos << 4);
        put16(ip + 4, (unsigned)udp_len);
        ip[6] = 17;
        ip[7] = 64;
        memcpy(ip + 8, src.b, 16);
        memcpy(ip + 24, dst.b, 16);
        u = ip + 40;
    } else {
        put16(buf + 12, 0x0800);
        ip[0] = 0x45;
        ip[1] = o.tos;
        put16(ip + 2, (unsigned)(20 + udp_len));
        ip[8] = 64;
        ip[9] = 17;
        memcpy(ip + 12, src.b, 4);
        memcpy(ip + 16, dst.b, 4);
        u = ip + 20;
    }
    put16(u, 50000);
    put16(u + 2, 4789);
    put16(u + 4, (unsigned)udp_len);
    u[8] = o.flags;
    u[12] = (uint8_t)(o.vni >> 16);
    put16(u + 13, o.vni & 0xffff);
    memcpy(u + 16, inner, len);
    flow_fix(f, buf, o.checksum);
    return (size_t)(u + 16 + len - buf);
}
