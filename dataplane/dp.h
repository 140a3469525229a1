/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane's contract with the control plane: commands down, events up, counters. Nothing else of this
 * folder needs to be known above it, and no DPDK type appears here.
 *
 * Threads: every function is called by the control thread only. It is the one writer of the FDB and of the
 * topology; the worker reads both without locks and writes only its counters, the "seen" time of a MAC and
 * its event ring.
 *
 * The topology (networks, VTEPs, flood lists, which port carries what) is given whole with dp_publish(); the
 * worker sees the old one or the new one, never a mixture. MACs are set one by one; replacing where a MAC
 * points is one atomic store (R4.10).
 *
 * Identifiers are small numbers chosen by the control plane (networks, VTEPs) or given by dp_port_add()
 * (ports). They index the counters: keep them for as long as the thing lives.
 */
#ifndef DATAPLANE_DP_H
#define DATAPLANE_DP_H

#include "conf/types.h"
#include "dataplane/drop.h"

#define DP_MAX_PORTS    16
#define DP_MAX_NETWORKS 4095 /* ids 1..4095; 0 means none */
#define DP_MAX_VTEPS    1024 /* ids 1..1023; 0 means none */
#define DP_DEVARGS_LEN  640
#define DP_ERR_LEN      256

typedef uint16_t dp_port_id;
typedef uint16_t dp_net_id;
typedef uint16_t dp_vtep_id;

struct dp;

/* ---- life
 * ---------------------------------------------------------------------------------------------------- */

struct dp_config {
    uint32_t max_macs; /* the FDB holds at least that many */
    int cpu;           /* CPU of the worker; -1: any */
    bool busy_poll;    /* false: an idle worker sleeps progressively */
    enum { DP_HUGEPAGES_AUTO, DP_HUGEPAGES_ON, DP_HUGEPAGES_OFF } hugepages;
    bool pci; /* probe the PCI devices listed in pci_devices */
    const char *const *pci_devices;
    size_t n_pci_devices;
    uint16_t max_mtu;             /* largest IP MTU any port will have: sizes the packet buffers */
    uint32_t packet_buffers;      /* per port; 0: enough for its queues */
    unsigned n_ports, n_queues;   /* ports to come and receive queues of all of them, for sizing */
    unsigned n_networks, n_vteps; /* highest ids to come, for sizing the counters */
};

/* Starts DPDK. 0 or -errno with a sentence in err. Can be done once in a process. */
int dp_start(const struct dp_config *config, struct dp **out, char err[DP_ERR_LEN]);
/* Stops the worker, closes ports, frees all. NULL is fine. */
void dp_stop(struct dp *dp);

enum dp_port_role {
    DP_PORT_ACCESS,
    DP_PORT_UNDERLAY,
    DP_PORT_KERNEL, /* the TAP beside a pci/dpdk underlay: what is not VXLAN for us */
};

enum dp_port_owner {
    DP_OWNER_INTERFACE, /* AF_XDP on a kernel interface */
    DP_OWNER_PCI,
    DP_OWNER_VDEV,
};

struct dp_port_spec {
    char name[32];
    enum dp_port_role role;
    enum dp_port_owner owner;
    char device[DP_DEVARGS_LEN]; /* interface name, PCI address, or vdev with arguments; DP_PORT_KERNEL: TAP
                                    name */
    unsigned queues;             /* DP_OWNER_INTERFACE: receive queues to serve, from 0 */
    uint16_t mtu;     /* IP MTU: set on pci, vdev and TAP (0: leave); what the kernel has on an interface */
    bool promiscuous; /* DPDK sets it; false where the caller does (it may outlive a killed process) */
    struct mac mac;   /* DP_PORT_KERNEL: the MAC the TAP gets; else ignored */
};

/* Before dp_run(). Returns the port's id, or -errno with a sentence in err that names the device. */
int dp_port_add(struct dp *dp, const struct dp_port_spec *spec, char err[DP_ERR_LEN]);

struct dp_port_status {
    char name[32];
    enum dp_port_role role;
    bool up;
    struct mac mac;
    uint16_t mtu;    /* IP MTU */
    char driver[32]; /* "net_af_xdp" */
    char device[DP_DEVARGS_LEN];
};
void dp_port_status(struct dp *dp, dp_port_id port, struct dp_port_status *out);
/* What the kernel says of an `interface:` port, at first and when it changes: DPDK's driver does not know. */
void dp_port_set_link(struct dp *dp, dp_port_id port, bool up, uint16_t mtu);
/* Whether packet buffers are in hugepages. */
bool dp_hugepages(const struct dp *dp);

/* Starts the worker. 0 or -errno. */
int dp_run(struct dp *dp, char err[DP_ERR_LEN]);

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

/* Replaces the topology; everything is copied. -EINVAL when ids, ports or VLANs contradict each other,
 * -ENOMEM. */
int dp_publish(struct dp *dp, const struct dp_topology *t);

/* ---- FDB
 * ----------------------------------------------------------------------------------------------------- */

enum dp_where {
    DP_WHERE_PORT = 1,  /* target: access port id */
    DP_WHERE_VTEP = 2,  /* target: VTEP id */
    DP_WHERE_FLOOD = 3, /* flooded to ports and VTEPs although unknown (R8.2) */
};

struct dp_dest {
    enum dp_where where;
    uint16_t target;
    bool is_static; /* frames with this source from elsewhere are dropped, not learned */
};

/* Adds or replaces. 0, or -ENOSPC. */
int dp_fdb_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest dest);
/* 0 or -ENOENT. */
int dp_fdb_del(struct dp *dp, dp_net_id net, struct mac mac);
/* When a frame with this source was last seen at the place the entry points to, in whole seconds of
 * dp_now_s(); false when there is no such entry. Set to now by dp_fdb_set(). */
bool dp_fdb_seen(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *seen_s);
void dp_fdb_usage(const struct dp *dp, uint32_t *used, uint32_t *capacity);

/* ---- events
 * -------------------------------------------------------------------------------------------------- */

enum dp_event_type {
    DP_EVENT_SOURCE = 1, /* source MAC seen where the FDB does not have it */
    DP_EVENT_NEIGHBOUR,  /* an ARP packet or NA on an access port shows that the MAC has this IP (R3.6) */
};

struct dp_event {
    enum dp_event_type type;
    dp_net_id net;
    struct mac mac;
    enum dp_where where; /* DP_WHERE_PORT or DP_WHERE_VTEP */
    uint16_t target;
    struct ipaddr ip; /* DP_EVENT_NEIGHBOUR */
};

/* Becomes readable when events wait (an eventfd; reading it is dp_events_pop()'s business). */
int dp_events_fd(const struct dp *dp);
/* Takes up to n events; returns how many. Fewer than n: drained, the fd is re-armed. */
size_t dp_events_pop(struct dp *dp, struct dp_event *events, size_t n);

/* The TAP's file descriptor, readable when the kernel has a frame for the WAN; -1 without a TAP. */
int dp_kernel_fd(const struct dp *dp);
/* The TAP's link follows the underlay port's. 0 or -errno; nothing without a TAP. */
int dp_kernel_set_carrier(struct dp *dp, bool up);
/* Carries frames between the TAP and the worker, both ways, up to a burst each. To be called when either
 * descriptor is readable, after dp_events_pop() has drained. 1: there may be more; 0: all done, or no TAP;
 * -errno: the TAP is gone, and its descriptor must not be watched any more. */
int dp_kernel_service(struct dp *dp);

/* ---- counters
 * ------------------------------------------------------------------------------------------------ */
/* They add up: sum of port rx + replicas = sum of port tx + sum of drops, the TAP included, once the worker
 * is idle. */

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
};

struct dp_vtep_counters {
    struct dp_count rx, tx;
};

struct dp_totals {
    uint64_t drops[DROP_N];
    uint64_t replicas;          /* copies beyond the first of a flooded frame */
    uint64_t events_lost;       /* learn events that found the ring full; the next frame repeats them */
    uint64_t polls, idle_polls; /* worker loop */
};

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out);
void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out);
void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out);
void dp_totals(const struct dp *dp, struct dp_totals *out);

#endif
