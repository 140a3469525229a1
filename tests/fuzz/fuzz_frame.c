/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as frames on an access port, the underlay (IPv4 and IPv6) and the TAP, through the whole worker.
 * Each must be accounted for: sent on, copied, or dropped by name; and no buffer may be lost.
 *
 * Input: a byte that chooses port and family, then the frame. With the top bit of that byte set the rest is
 * an inner frame, which gets a sound outer header, so that the fuzzer does not have to find our addresses
 * first.
 *
 * A sanitizer cannot see the end of a frame inside a packet buffer; so the parsers are also run on a copy in
 * memory of exactly its size.
 */
#include "dataplane/snoop.h"
#include "tests/flow/flow.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow *flows[2];

static struct flow *open_one(bool ipv6)
{
    struct flow *f = flow_open(ipv6);

    f->topology.udp6_zero_csum_rx = true;
    f->nets[1].qinq = true;
    flow_publish(f);
    for (unsigned i = 0; i < 4; i++) {
        flow_fdb(f, NET_WEB, flow_mac(i), i & 1 ? DP_WHERE_PORT : DP_WHERE_VTEP, (uint16_t)(i / 2 + !(i & 1)),
                 i == 3);
        flow_fdb(f, NET_DB, flow_mac(i), i & 1 ? DP_WHERE_VTEP : DP_WHERE_PORT, (uint16_t)(i & 1), false);
    }
    return f;
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
    struct vxlan_packet p;
    struct snoop sn;

    require(copy != NULL);
    memcpy(copy, frame, size);
    if (vxlan_parse(&m, &f->snapshot->local, &p) == VXLAN_FOR_US)
        require((size_t)p.inner_offset + p.inner_len <= size);
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
        struct flow_outer o = {.vtep = VTEP_1, .vni = data[0] & 0x40 ? VNI_WEB : VNI_DB, .flags = 0x08};

        size = flow_wrap(f, frame, o, data + 1, size - 1);
        port = PORT_WAN;
    } else {
        memcpy(frame, data + 1, --size);
    }
    parse_exactly(f, frame, size);
    flow_put(f, port, frame, size);
    flow_poll(f);
    flow_discard(f);
    while (flow_event(f, &e))
        require(e.net == NET_WEB || e.net == NET_DB);
    for (unsigned i = 0; i < N_PORTS; i++)
        require(rte_mempool_avail_count(f->ports[i].pool) == f->ports[i].pool->size);
}
require(in + f->w.counters.totals.replicas == out + flow_all_drops(f));
return 0;
}
