/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data plane's contract with the control plane: commands down, events up, counters. Nothing else of this
 * folder needs to be known above it, and no DPDK type appears here.
 *
 * Threads: every function is called by the control thread only. It is the one writer of the FDB and of the
 * topology; the workers read both without locks and write only their counters, the "seen" time of a MAC, the
 * state of limits, and each its event ring. One worker is the default; what is said of "the worker" below
 * goes for each.
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

#include "conf/drop.h"
#include "conf/forwarding.h"
#include "conf/types.h"

#define DP_DEVARGS_LEN 640
#define DP_ERR_LEN     256
#define DP_MAX_WORKERS 16

struct dp;

/* ---- life
 * ---------------------------------------------------------------------------------------------------- */

struct dp_config {
    uint32_t max_macs; /* the FDB holds at least that many */
    unsigned workers;  /* 1..DP_MAX_WORKERS; 0: one */
    bool spread;       /* ports with fewer receive queues than workers are dealt out to all (spread.h) */
    int cpu;           /* CPU of the first worker, the others have the next ones; -1: any */
    bool busy_poll;    /* false: an idle worker sleeps progressively */
    enum { DP_HUGEPAGES_AUTO, DP_HUGEPAGES_ON, DP_HUGEPAGES_OFF } hugepages;
    bool pci; /* probe the PCI devices listed in pci_devices, and no others before they are added */
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

static inline const char *dp_port_role_name(enum dp_port_role role)
{
    return role == DP_PORT_ACCESS ? "access" : role == DP_PORT_UNDERLAY ? "underlay" : "kernel";
}

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
    bool nic_csum; /* DP_PORT_UNDERLAY: a NIC that can fills in UDP checksums (R1.3); the rest is done here */
    bool nic_vlan; /* DP_PORT_ACCESS: a NIC that can takes VLAN tags off and puts them in */
    bool nic_segments; /* a NIC that can (and the TAP) gives and takes frames that are longer than an ordinary
                          packet buffer in several of these, so that all of its buffers are ordinary ones */
    uint16_t vxlan_port; /* DP_PORT_UNDERLAY: for NICs that look into tunnels; 0: they need not */
    unsigned wish;       /* the id that it is to have, + 1; 0: any */
};

/* Also while the worker runs (no DP_PORT_KERNEL then): it polls the port from now on. Ids count up from 0; a
 * port gets the one that it is to have if no port ever had it; those of ports that were removed come again,
 * after a while. Returns the port's id, or -errno with a sentence in err that names the device. */
int dp_port_add(struct dp *dp, const struct dp_port_spec *spec, char err[DP_ERR_LEN]);
/* The id that one with this dp_port_spec.wish would get, or -ENOSPC. */
int dp_port_next(const struct dp *dp, unsigned wish);
/* Closes a port that the topology does not name (any more); its id and its counters stay what they are until
 * another port gets the id. Frames that came by it may still be on their way. 0; -EBUSY: the topology names
 * it, or too much of earlier ports is still in use; -EINVAL: there is none, or it is DP_PORT_KERNEL. */
int dp_port_remove(struct dp *dp, dp_port_id port);

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
/* "DPDK 22.11.11": the library that this runs with. */
const char *dp_version(void);
/* Which build of the frame path this processor gets: "x86-64-v3"; "base": the oldest that DPDK runs on. */
const char *dp_isa(void);
/* Whether packet buffers are in hugepages. */
bool dp_hugepages(const struct dp *dp);

/* Starts the workers. 0 or -errno. */
int dp_run(struct dp *dp, char err[DP_ERR_LEN]);

/* ---- topology
 * ------------------------------------------------------------------------------------------------ */

/* Replaces the topology; everything is copied. -EINVAL when ids, ports or VLANs contradict each other,
 * -ENOMEM. */
int dp_publish(struct dp *dp, const struct dp_topology *t);

/* ---- FDB
 * ----------------------------------------------------------------------------------------------------- */

/* Adds or replaces. 0, or -ENOSPC. */
int dp_fdb_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest dest);
/* 0 or -ENOENT. */
int dp_fdb_del(struct dp *dp, dp_net_id net, struct mac mac);
/* What the entry says; false: there is none. */
bool dp_fdb_get(const struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest *out);
/* When a frame with this source was last seen at the place the entry points to, to the millisecond; false
 * when there is no such entry. Set to now by dp_fdb_set() when the entry is new or its place changes. */
bool dp_fdb_seen(const struct dp *dp, dp_net_id net, struct mac mac, mono_t *seen);
/* It was seen at another time, where the worker does not see all frames; its next frame corrects it. Nothing
 * if there is no such entry. */
void dp_fdb_set_seen(struct dp *dp, dp_net_id net, struct mac mac, mono_t seen);
void dp_fdb_usage(const struct dp *dp, uint32_t *used, uint32_t *capacity);

/* R6.5: frames that were bounced are counted by MAC, as far as it has one of these counters to itself. */
#define DP_BOUNCE_COUNTERS 65536
/* Which counter is a MAC's, and what it says (modulo 2^32). */
uint32_t dp_bounce_counter(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *frames);

/* ---- while a move is prepared
 * ---------------------------------------------------------------------------------- */

#define DP_MAX_BICASTS 1024

/* Frames for this MAC go, besides where the FDB says, also to `also`: at the site where it is, a VTEP; at the
 * site where it will be, DP_WHERE_FLOOD: frames for it from the VTEP that has it (and from no other) go to
 * all access ports of the network, where R1.11 would drop them, and those from an access port to the other
 * ones. Before or after dp_fdb_set(), which keeps it. 0, -ENOSPC, -EINVAL: `also` is a port. */
int dp_bicast_set(struct dp *dp, dp_net_id net, struct mac mac, struct dp_dest also);
/* 0 or -ENOENT. */
int dp_bicast_del(struct dp *dp, dp_net_id net, struct mac mac);
/* Frames sent twice for it so far. False: there is none. */
bool dp_bicast_count(const struct dp *dp, dp_net_id net, struct mac mac, uint64_t *frames);

/* ---- neighbours (section 7)
 * ------------------------------------------------------------------------------------ */

#define DP_NEIGH_ROUTER   0x01 /* R7.4: the flags of the community, and of the NA that answers */
#define DP_NEIGH_OVERRIDE 0x02
#define DP_NEIGH_UNSAID   0x80 /* events: the NA has no link-layer address, so its O says nothing */

/* The proxy answers requests for this IP with this MAC (R7.2). Adds, or replaces in one store. Room for twice
 * max_macs. 0, -ENOSPC. */
int dp_neigh_set(struct dp *dp, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags);
/* 0 or -ENOENT. */
int dp_neigh_del(struct dp *dp, dp_net_id net, const struct ipaddr *ip);

/* ---- frames of our own
 * ----------------------------------------------------------------------------------------- */

#define DP_ALL_PORTS 0xffff

/* Sends a frame without VLAN tag and FCS (60 bytes are made of less) out by one access port of the network,
 * or by all of them but `except`. Nothing is learned from it. 0; -ENOBUFS: the worker does not keep up;
 * -EINVAL. */
int dp_send_access(struct dp *dp, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame,
                   size_t len);
/* To one VTEP, in the network's VNI. */
int dp_send_vtep(struct dp *dp, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len);
/* As a host on DP_OWN_PORT would: the FDB says where it goes; R8.2 and R8.3 hold. */
int dp_send_own(struct dp *dp, dp_net_id net, const void *frame, size_t len);

/* Frames between gateways, in any network's VNI: EtherType 0x88b6 (IEEE local experimental 2) to this group
 * MAC. From a VTEP of the network they come by dp_own_pop(); at an access port they are dropped
 * (gateway_frame). */
#define DP_OAM_MAC       ((struct mac){{0x03, 0x43, 0x57, 0x4f, 0x41, 0x4d}})
#define DP_OAM_ETHERTYPE 0x88b6

#define DP_OWN_SNAP 512
/* A frame for the gateway itself: of the kind above, or for a MAC that the FDB has at DP_OWN_PORT. */
struct dp_own_frame {
    dp_net_id net;
    enum dp_where from; /* DP_WHERE_PORT or DP_WHERE_VTEP */
    uint16_t source;    /* port or VTEP */
    mono_t at;
    uint16_t len; /* all of it; the first DP_OWN_SNAP bytes are in data */
    uint8_t data[DP_OWN_SNAP];
};
/* Takes one; false: none is left. dp_events_fd() wakes for these, too; call after dp_events_pop() drained.
 * Messages of other gateways come first. Bounded: what comes faster is dropped (own_full, own_limit,
 * oam_full). */
bool dp_own_pop(struct dp *dp, struct dp_own_frame *out);

/* ---- events
 * -------------------------------------------------------------------------------------------------- */

enum dp_event_type {
    DP_EVENT_SOURCE = 1, /* source MAC seen where the FDB does not have it */
    DP_EVENT_NEIGHBOUR,  /* an ARP packet or NA on an access port shows that the MAC has this IP (R3.6, R7.1)
                          */
    DP_EVENT_FIRST, /* the first frame for a watched MAC has left for where it is: where, target say that */
};

/* What kind of frame showed it (R6.1). */
enum dp_evidence {
    DP_EVIDENCE_DATA,
    DP_EVIDENCE_RARP,
    DP_EVIDENCE_ARP,
    DP_EVIDENCE_GARP, /* sender IP = target IP, or an ARP announcement (RFC 5227) */
    DP_EVIDENCE_NA,   /* answers */
    DP_EVIDENCE_UNSOLICITED_NA,
    DP_EVIDENCE_API, /* no frame: somebody said so. Never from here, but it goes the same way */
};

struct dp_event {
    enum dp_event_type type;
    dp_net_id net;
    struct mac mac;
    enum dp_where where; /* DP_WHERE_PORT or DP_WHERE_VTEP */
    uint16_t target;
    struct ipaddr ip; /* DP_EVENT_NEIGHBOUR */
    uint8_t evidence; /* enum dp_evidence */
    uint8_t flags;    /* DP_EVENT_NEIGHBOUR from an NA: DP_NEIGH_* */
    mono_t at;        /* when the worker had the frame */
};

/* Becomes readable when events wait (an eventfd; reading it is dp_events_pop()'s business). */
int dp_events_fd(const struct dp *dp);
/* Takes up to n events; returns how many. Fewer than n: drained, the fd is re-armed (what dp_own_pop() gives
 * must be taken after that). */
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
/* They add up: sum of port rx + replicas + originated = sum of port tx + sum of drops + taken, the TAP
 * included, once the worker is idle and no frame waits for its destination (20 ms at most). */

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out);
void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out);
void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out);
void dp_totals(const struct dp *dp, struct dp_totals *out);
/* How many workers there are, and what one of them counted (dp_totals() has the sum of all). A frame that one
 * worker received for another (spread.h) is in the rounds of both. */
unsigned dp_worker_number(const struct dp *dp);
void dp_worker_totals(const struct dp *dp, unsigned worker, struct dp_totals *out);
/* Cycles in a second. */
uint64_t dp_cycles_hz(const struct dp *dp);

#endif
