/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the control plane tells both data planes, DPDK's worker (dataplane/) and the XDP programs (ebpf/): who
 * carries which network, which VTEPs there are, where a MAC is; and the shape of the counters that both give
 * back. Types only. The functions that take them are in dataplane/dp.h and ebpf/fastpath.h.
 */
#ifndef CONF_FORWARDING_H
#define CONF_FORWARDING_H

#include "conf/drop.h"
#include "conf/types.h"

#define DP_MAX_PORTS    17 /* real ones have ids 0..15 */
#define DP_OWN_PORT     16 /* the gateway itself, as if it were a host on an access port of every network */
#define DP_NO_PORT      0xffff
#define DP_MAX_NETWORKS 4095 /* ids 1..4095; 0 means none */
#define DP_MAX_VTEPS    1024 /* ids 1..1023; 0 means none */

typedef uint16_t dp_port_id;
typedef uint16_t dp_net_id;
typedef uint16_t dp_vtep_id;

/* ---- topology
 * ------------------------------------------------------------------------------------------------ */

#define DP_DSCP_INHERIT 0xff
#define DP_NO_LIMIT     UINT32_MAX

/* One access port that carries a network. vlan 0: untagged. */
struct dp_member {
    dp_port_id port;
    uint16_t vlan;
};

struct dp_net_vtep {
    dp_vtep_id vtep;
    bool flood;    /* on the network's flood list (R8.1) */
    bool learning; /* learn source MACs from it (R1.10) */
};

struct dp_network {
    dp_net_id id;
    uint32_t vni;
    bool flood_unknown; /* R8.2 */
    bool qinq;          /* R1.6 */
    bool proxy;         /* R7.2: ARP and NS for what dp_neigh_set() told are answered here */
    uint8_t dscp;       /* 0..63 or DP_DSCP_INHERIT */
    uint32_t limit_broadcast, limit_multicast,
        limit_unknown_unicast; /* frames/s per access port, DP_NO_LIMIT: none */
    const struct dp_member *members;
    size_t n_members;
    const struct dp_net_vtep *vteps; /* who may send for this VNI (R1.9) */
    size_t n_vteps;
};

struct dp_vtep {
    dp_vtep_id id;
    struct ipaddr address;
    bool resolved; /* next_hop and source MAC are valid */
    struct mac next_hop;
    struct mac source; /* our MAC on the underlay */
    uint16_t mtu;      /* IP MTU of the path */
};

struct dp_topology {
    dp_port_id underlay;
    struct ipaddr address; /* our VTEP */
    struct mac underlay_mac;
    uint16_t vxlan_port;
    uint8_t ttl;
    bool udp6_zero_csum_tx, udp6_zero_csum_rx;
    const struct dp_network *networks;
    size_t n_networks;
    const struct dp_vtep *vteps;
    size_t n_vteps;
};

/* ---- where a MAC is
 * ------------------------------------------------------------------------------------------ */

enum dp_where {
    DP_WHERE_PORT = 1,  /* target: access port id */
    DP_WHERE_VTEP = 2,  /* target: VTEP id */
    DP_WHERE_FLOOD = 3, /* flooded to ports and VTEPs although unknown (R8.2) */
};

struct dp_dest {
    enum dp_where where;
    uint16_t target;
    bool is_static; /* frames with this source from elsewhere are dropped, not learned */
    bool bounce; /* R6.5: it left this site for that VTEP: what still comes for it by the WAN is sent on there
                  */
    bool watch;  /* the first frame for it from now on is told once (DP_EVENT_FIRST) */
};

/* ---- counters
 * ------------------------------------------------------------------------------------------------ */

struct dp_count {
    uint64_t frames, bytes;
};

struct dp_port_counters {
    struct dp_count rx, tx;
    uint64_t drops; /* frames that came in by this port and were dropped before any copy was sent */
    uint64_t
        missed; /* lost before the worker saw them: receive queue full, or longer than a buffer; not in rx */
};

struct dp_net_counters {
    struct dp_count access_in[2], access_out[2], wan_in[2], wan_out[2]; /* [0] known unicast, [1] flooded */
    uint64_t proxy_arp, proxy_nd;                                       /* requests answered here (R7.2) */
    uint64_t bounced;                                                   /* R6.5 */
    uint64_t bicast; /* second copies while moves are prepared */
};

struct dp_vtep_counters {
    struct dp_count rx, tx;
};

struct dp_totals {
    uint64_t drops[DROP_N];
    uint64_t replicas;   /* copies beyond the first of a flooded frame, bi-cast included */
    uint64_t originated; /* frames of our own: dp_send_*(), proxy answers; in no port's rx */
    uint64_t taken; /* frames for the gateway itself: dp_own_pop() gave them, or a proxy answered; in no tx */
    uint64_t events_lost;       /* learn events that found the ring full; the next frame repeats them */
    uint64_t polls, idle_polls; /* worker loop */
    uint64_t frames;            /* taken by the rounds that were not idle ... */
    uint64_t busy_cycles;       /* ... and the processor cycles of these (dp_cycles_hz()) */
};

#endif
