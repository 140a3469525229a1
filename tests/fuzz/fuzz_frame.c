/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as frames on an access port, the underlay (IPv4 and IPv6) and the TAP, and as frames of our own,
 * through the whole worker. Each must be accounted for: sent on, copied, taken, answered, or dropped by name;
 * and no buffer may be lost.
 *
 * Input: a byte, then the frame. Of the byte: 0x03 chooses the port, 0x04 the family of the underlay, 0x08
 * makes it a frame of our own, 0x10 marks the MACs behind VTEPs (bounce, watch), 0x20 adds bi-cast. With 0x80
 * the rest is an inner frame, which gets a sound outer header (0x40: network web), so that the fuzzer does
 * not have to find our addresses first.
 *
 * A sanitizer cannot see the end of a frame inside a packet buffer; so the parsers are also run on a copy in
 * memory of exactly its size.
 */
#include "dataplane/capture.h"
#include "dataplane/snoop.h"
#include "dataplane/trace.h"
#include "dataplane/vxlan_usual.h"
#include "tests/flow/arpnd.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MACS 5

static struct flow *flows[2];

static struct flow *open_one(bool ipv6)
{
    struct flow *f = flow_open(ipv6);

    f->topology.udp6_zero_csum_rx = true;
    f->nets[1].qinq = true;
    f->nets[0].proxy = f->nets[1].proxy = true;
    flow_publish(f);
    f->w.capture = capture_new();
    if (!f->w.capture)
        abort();
    for (uint8_t i = 0; i < MACS; i++) {
        struct ipaddr ip4 = arpnd_ip4(i + 1), ip6 = arpnd_ip6(i + 1);
        struct neigh_entry e = {flow_mac(i), i & 3};

        if (neigh_set(&f->neigh, NET_WEB, &ip4, e) < 0 || neigh_set(&f->neigh, NET_WEB, &ip6, e) < 0)
            abort();
    }
    return f;
}

/* Anew for each input: what a worker clears, or a bi-cast leaves, must not change the next one. */
static void program(struct flow *f, bool marked, bool bicast)
{
    static const uint16_t web[MACS][2] = {{DP_WHERE_VTEP, VTEP_1},
                                          {DP_WHERE_PORT, PORT_A},
                                          {DP_WHERE_VTEP, VTEP_2},
                                          {DP_WHERE_PORT, PORT_B},
                                          {DP_WHERE_PORT, DP_OWN_PORT}};

    for (unsigned i = 0; i < MACS; i++) {
        uint64_t key = fdb_key(NET_WEB, flow_mac(i).b);
        uint32_t where = FDB_WHERE(web[i][0], web[i][1], i == 3);

        if (marked && i != 4)
            where |= FDB_BOUNCE | FDB_WATCH;
        if (fdb_set(&f->fdb, key, where, mono_now()) < 0)
            abort();
        flow_fdb(f, NET_DB, flow_mac(i), i & 1 ? DP_WHERE_VTEP : DP_WHERE_PORT, (uint16_t)(i & 1), false);
        if (i > 0 && i < 3 && bicast)
            bicast_set(&f->bicast, &f->fdb, key,
                       i == 1 ? FDB_WHERE(DP_WHERE_VTEP, VTEP_2, 0) : FDB_WHERE(DP_WHERE_FLOOD, 0, 0));
        else
            bicast_del(&f->bicast, &f->fdb, key);
    }
}

/* What the trace says of it, from a port and from a VTEP. */
static void try_trace(const struct flow *f, unsigned source, const uint8_t *frame, size_t size)
{
    struct trace_frame t = {
        .from = DP_WHERE_PORT, .source = source & 1, .frame = frame, .len = (uint16_t)size};
    struct trace out;

    if (size > TRACE_FRAME_MAX)
        return;
    trace_frame(&f->w, f->snapshot, &t, &out);
    t.from = DP_WHERE_VTEP;
    t.source = 1 + (source & 1);
    t.net = NET_WEB;
    trace_frame(&f->w, f->snapshot, &t, &out);
}

/* Frames in and out, or drops; of all, or of one MAC and network. */
static void begin_capture(struct flow *f, uint8_t how)
{
    struct capture_filter filter = {.drops = how & 1,
                                    .reason = DROP_N,
                                    .port = DP_NO_PORT,
                                    .net = how & 2 ? NET_WEB : 0,
                                    .by_mac = how & 4,
                                    .mac = flow_mac(1),
                                    .snap = how & 8 ? 14 : CAPTURE_SNAP_MAX};

    capture_reset(f->w.capture, &filter);
}

/* In n more buffers than one. */
static void put(struct flow *f, unsigned port, bool own, const uint8_t *frame, size_t size, unsigned n)
{
    static const struct own_order orders[] = {{.kind = OWN_TO_PORT, .net = NET_WEB, .target = PORT_A},
                                              {.kind = OWN_TO_PORT, .net = NET_DB, .target = DP_ALL_PORTS},
                                              {.kind = OWN_TO_VTEP, .net = NET_WEB, .target = VTEP_2},
                                              {.kind = OWN_FROM_OWN, .net = NET_WEB}};
    const uint16_t part[] = {size ? frame[size / 2] : 0, size ? frame[size - 1] : 0};

    if (own)
        (void)own_send(&f->w.own, f->ports[PORT_WAN].pool, f->ports[PORT_WAN].longest, orders[port], frame,
                       size);
    else
        flow_put_parts(f, port, frame, size, part, n);
    flow_poll(f);
    if (f->w.park.n > 0) { /* a first question waits for its answerer to be known */
        flow_wait(f, PARK_US + 1000);
    }
    flow_discard(f);
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* The parsers alone, on memory that ends where the frame ends. */
static void parse_exactly(const struct flow *f, const uint8_t *frame, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct rte_mbuf m = {
        .buf_addr = copy, .data_len = (uint16_t)size, .pkt_len = (uint32_t)size, .nb_segs = 1};
    struct vxlan_expect expect = vxlan_expect(&f->snapshot->local);
    struct vxlan_usual usual;
    struct vxlan_packet p;
    struct snoop sn;

    require(copy != NULL);
    memcpy(copy, frame, size);
    if (vxlan_parse(&m, &f->snapshot->local, &p) == VXLAN_FOR_US)
        require((size_t)p.inner_offset + p.inner_len <= size);
    if (vxlan_parse_usual(&m, &expect, f->ipv6, &usual)) {
        struct ipaddr source = vxlan_tunnel_source(&usual.tunnel, f->ipv6);

        require(vxlan_parse(&m, &f->snapshot->local, &p) == VXLAN_FOR_US && ipaddr_eq(&source, &p.source) &&
                p.vni == vxlan_tunnel_vni(&usual.tunnel) && p.inner_len == usual.inner_len &&
                p.tos == usual.tos && p.ttl == usual.ttl &&
                p.inner_offset == (f->ipv6 ? VXLAN_OUTER_IPV6 : VXLAN_OUTER_IPV4));
    }
    if (size >= 14) {
        (void)inner_parse(copy, (uint32_t)size);
        snoop_look(copy, (uint32_t)size, &sn);
        require(sn.ip.family == 0 || sn.ip.family == 4 || sn.ip.family == 6);
        require(sn.target.family == sn.asker.family);
        for (uint8_t ecn = 0; ecn < 4; ecn++)
            (void)vxlan_ecn_restore(copy, (uint32_t)size, ecn);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned ports[] = {PORT_A, PORT_B, PORT_WAN, PORT_TAP};
    struct dp_own_frame up;
    uint8_t frame[2048];
    struct dp_event e;
    struct flow *f;
    unsigned port;

    if (!flows[0]) {
        flow_start_eal();
        flows[0] = open_one(false);
        flows[1] = open_one(true);
    }
    if (size < 1 || size > 1600)
        return 0;
    f = flows[data[0] >> 2 & 1];
    port = ports[data[0] & 3];
    if (data[0] & 0x80) {
        struct flow_outer o = {.vtep = VTEP_1,
                               .vni = data[0] & 0x40 ? VNI_WEB : VNI_DB,
                               .flags = 0x08,
                               .checksum = f->ipv6 && size % 4 != 0};

        size = flow_wrap(f, frame, o, data + 1, size - 1);
        port = PORT_WAN;
    } else {
        memcpy(frame, data + 1, --size);
    }
    parse_exactly(f, frame, size);
    program(f, data[0] & 0x10, data[0] & 0x20);
    try_trace(f, port, frame, size);
    begin_capture(f, size ? frame[0] : 0);
    put(f, port, data[0] & 0x08, frame, size, 0);
    put(f, port, false, frame, size, 2); /* and cut somewhere */
    while (flow_event(f, &e))
        require((e.net == NET_WEB || e.net == NET_DB) && !mac_is_group(e.mac) && e.at.ns != 0);
    while (own_pop(&f->w.own, &up))
        require(up.len >= 14 && (up.net == NET_WEB || up.net == NET_DB));
    for (unsigned i = 0; i < N_PORTS; i++)
        require(rte_mempool_avail_count(f->ports[i].pool) == f->ports[i].pool->size);
    flow_require_balance(f);
    return 0;
}
