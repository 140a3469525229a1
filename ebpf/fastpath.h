/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path: XDP programs on the kernel-owned ports (`interface:`) that carry known unicast between them
 * inside of the driver; everything else goes on to DPDK's worker. This is the control plane's side of its
 * maps: the same topology, MACs and counters as dataplane/dp.h has, in the same types, so that both are
 * programmed alike. ebpf/xdp.h puts the programs on the interfaces.
 *
 * Maps, programs and links are pinned under DIR/GATEWAY in a bpffs, if there is one: they go on while this
 * process is away, and the next fastpath_open() takes them over. Without a bpffs it works, but ends with the
 * process.
 *
 * Control thread only.
 */
#ifndef EBPF_FASTPATH_H
#define EBPF_FASTPATH_H

#include "conf/forwarding.h"

#define FASTPATH_ERR_LEN 512

struct fastpath;

struct fastpath_config {
    const char *gateway; /* names the directory */
    const char *dir;     /* "/sys/fs/bpf/causeway"; in a bpffs */
    uint32_t max_macs;
    uint32_t punt_limit; /* frames/s to the worker, for each port and CPU; 0: none */
};

/* Creates the maps or takes over those that are pinned (same FP_VERSION and sizes; else those are removed,
 * and that is said in the log). Locks the directory. 0; -EBUSY: another process has it; -errno with a
 * sentence in err. */
int fastpath_open(const struct fastpath_config *config, struct fastpath **out, char *err, size_t err_len);
/* Lets go of everything; what is pinned stays. NULL is fine. */
void fastpath_close(struct fastpath *fp);
/* Removes all pins of a gateway, programs included, and puts back what was changed on their interfaces. After
 * fastpath_close(). 0; -ENOENT: there were none; -EBUSY: another process has them, or they are on interfaces
 * of another network namespace; or another -errno; always with a sentence in err. */
int fastpath_remove(const char *dir, const char *gateway, char *err, size_t err_len);

/* Takes the pins of an open one away: it ends with the process; what was counted can still be read. After
 * xdp_fast_off() or xdp_close() of all ports: -EBUSY with a sentence in err when one is still pinned. */
int fastpath_unpin(struct fastpath *fp, char *err, size_t err_len);

/* Whether it is pinned, and why not. */
bool fastpath_pinned(const struct fastpath *fp, const char **why_not);
/* Whether there is a topology: without one everything goes to the worker. */
bool fastpath_forwards(const struct fastpath *fp);
/* Whether fastpath_open() found maps with a topology in them. */
bool fastpath_taken_over(const struct fastpath *fp);
/* What the maps said when they were taken over, for the control plane to begin with. */
struct fastpath_kept {
    unsigned n_ports, n_nets, n_vteps; /* highest ids + 1 */
    uint32_t ifindex[DP_MAX_PORTS];    /* 0: none */
    uint32_t device[DP_MAX_PORTS];     /* as fastpath_port's */
    uint32_t vni[DP_MAX_NETWORKS + 1]; /* 0: none */
    struct ipaddr vtep[DP_MAX_VTEPS];  /* family 0: none */
    struct mac next_hop[DP_MAX_VTEPS]; /* all zero: not resolved */
};
void fastpath_kept(const struct fastpath *fp, struct fastpath_kept *out);
/* Whether frames of the network were taken from this VTEP (R1.9). Until the first fastpath_publish(). */
bool fastpath_kept_member(const struct fastpath *fp, dp_net_id net, dp_vtep_id vtep);
/* Ids mean something else now: forgets all MACs. */
void fastpath_flush(struct fastpath *fp);

/* ---- programming: as dp_publish(), dp_fdb_*() */

struct fastpath_port {
    unsigned ifindex; /* 0: not a port of the fast path */
    uint32_t device;  /* then this says which one it is to the process after this one; 0: unknown */
    bool target;      /* can be redirected to */
    bool scattered;   /* also frames in several buffers (netdev's NDO_XMIT_SG) */
    uint16_t mtu;     /* IP MTU */
};

/* ports: by id, DP_MAX_PORTS of them. The first one also takes away the pinned programs of ports that are no
 * more, so all ports are open by then. 0 or -errno: then everything goes to the worker, which may have
 * another topology than the one before, until the next one that is taken. */
int fastpath_publish(struct fastpath *fp, const struct dp_topology *t, const struct fastpath_port *ports);
/* slow: the worker's business whatever dest says (bi-cast). 0, -ENOSPC or another -errno. */
int fastpath_fdb_set(struct fastpath *fp, dp_net_id net, struct mac mac, struct dp_dest dest, bool slow);
int fastpath_fdb_del(struct fastpath *fp, dp_net_id net, struct mac mac);
/* When the fast path last saw a frame with this source at its place; false: it has no such entry, or never
 * did. */
bool fastpath_fdb_seen(const struct fastpath *fp, dp_net_id net, struct mac mac, mono_t *seen);
/* Frames bounced for a MAC, modulo 2^32 (R6.5). */
uint32_t fastpath_fdb_bounced(const struct fastpath *fp, dp_net_id net, struct mac mac);
/* Walks the MACs, up to n at a time; begins with a cursor of zeroes. Fewer than n: that was the last. Any may
 * be changed or deleted meanwhile; what is added may come or not. */
#define FASTPATH_FDB_BATCH 256
struct fastpath_mac {
    dp_net_id net;
    struct mac mac;
    struct dp_dest dest; /* its watch is in slow */
    bool slow;
    mono_t seen; /* ns 0: never; else to two milliseconds, right for 25 days back */
};
struct fastpath_cursor {
    uint64_t at;
};
size_t fastpath_fdb_next(const struct fastpath *fp, struct fastpath_cursor *cursor, struct fastpath_mac *out,
                         size_t n);
void fastpath_fdb_usage(const struct fastpath *fp, uint32_t *used, uint32_t *capacity);

/* ---- counters: what the fast path did, to be added to dp_*_counters() */

void fastpath_port_counters(const struct fastpath *fp, dp_port_id port, struct dp_port_counters *out);
void fastpath_net_counters(const struct fastpath *fp, dp_net_id net, struct dp_net_counters *out);
void fastpath_vtep_counters(const struct fastpath *fp, dp_vtep_id vtep, struct dp_vtep_counters *out);
void fastpath_totals(const struct fastpath *fp, struct dp_totals *out); /* drops */

/* Frames that were redirected to a port and lost then, as the kernel tells, whatever its driver says: a
 * number to be compared with the one before. They are in the port's tx. */
uint64_t fastpath_lost(const struct fastpath *fp, dp_port_id port);
/* Whether the kernel tells of them, and why not. */
bool fastpath_sees_lost(const struct fastpath *fp, const char **why_not);

#define FASTPATH_PUNTS 16
struct fastpath_port_work {
    uint64_t punts[FASTPATH_PUNTS]; /* by enum fp_punt */
    uint64_t passed, unserved;
};
void fastpath_port_work(const struct fastpath *fp, dp_port_id port, struct fastpath_port_work *out);
unsigned fastpath_punt_reasons(void);
const char *fastpath_punt_name(unsigned reason); /* "source" */
const char *fastpath_punt_text(unsigned reason);

#endif
