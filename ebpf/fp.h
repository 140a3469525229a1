/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only)
 *
 * The fast path's maps: what the XDP programs (fp_*.bpf.c) and the control plane (fastpath.c) share. Plain
 * integers only: this is compiled for two machines, and both must see the same bytes; each side asserts the
 * sizes.
 *
 * Who writes what: the control thread writes fp_fdb (`where`), fp_topology, fp_control and fp_tx. The
 * programs write `seen` and `bounced` of MACs, and their own CPU's counters.
 *
 * The topology is one flat struct, in FP_TOPOLOGIES copies: the control thread fills one that no program can
 * still be reading, then stores its number in fp_control.active. So a program sees the old one or the new
 * one, never a mixture, as DPDK's worker does with its snapshot. A move is one update of fp_fdb.
 *
 * All maps are pinned by these names under DIR/GATEWAY/ and outlive the process; FP_VERSION is what a later
 * one looks at before it takes them over. Change it with any struct in here (tests/unit/test_fp_layout.c).
 */
#ifndef EBPF_FP_H
#define EBPF_FP_H

#include <linux/types.h>

#define FP_VERSION    3
#define FP_TOPOLOGIES 4
#define FP_PORTS      17 /* DP_MAX_PORTS; the last one is the gateway itself: always punted to */
#define FP_NETS       4096
#define FP_VTEPS      1024
#define FP_VLANS      4096
#define FP_VNI_SLOTS  8192 /* open addressing, at most FP_PROBES looks; the builder picks a seed that fits */
#define FP_ADDR_SLOTS 4096
#define FP_PROBES     8
#define FP_VTEP_WORDS (FP_VTEPS / 64)
#define FP_HEADER     72 /* outer Ethernet, IP, UDP, VXLAN: 50 or 70 bytes of it */

/* Map fp_fdb: an array of buckets, a cache line each; fp_control says how many and the seed. An entry is in
 * one of the two buckets of its key, in any slot. fp_table.h writes it, through mmap. The key as fdb_key() in
 * dataplane/fdb.h: network << 48 | MAC (its 6 bytes as a little-endian number); 0: free. */
struct fp_fdb_entry {
    __u64 key;
    __u32 where; /* as FDB_WHERE(): target in bits 0-15, kind (enum dp_where) in 16-19, marks above */
    __u32 seen;  /* FP_SEEN() of the last frame with this source from this place; 0: never */
};

#define FP_FDB_WAYS 4

struct fp_fdb_bucket {
    struct fp_fdb_entry entry[FP_FDB_WAYS];
};

/* CLOCK_MONOTONIC (coarse is enough) in units of 1.05 ms, for 52 days; never 0, so every other one is not
 * used. */
#define FP_SEEN_SHIFT 20
#define FP_SEEN(ns)   ((__u32)((ns) >> FP_SEEN_SHIFT) | 1u)

/* Map fp_bounced: array of __u64, frames sent on after a move (R6.5), by bucket * FP_FDB_WAYS + slot. */

struct fp_fdb_home {
    __u32 bucket; /* where a key is looked for first */
    __u32 other;  /* bucket ^ other: where else; never 0 */
};

static inline struct fp_fdb_home fp_fdb_home(__u64 seed, __u32 mask, __u64 key)
{
    __u64 h = (key ^ seed) * 0x9e3779b97f4a7c15ull;
    struct fp_fdb_home home;

    h = (h ^ h >> 32) * 0xd6e8feb86659fd93ull;
    home.bucket = (__u32)(h >> 32) & mask;
    home.other = ((__u32)h >> 11 & mask) | 1;
    return home;
}

#define FP_PLACE_MASK 0x000fffffu
#define FP_BOUNCE     0x00100000u
#define FP_SLOW                                                                                              \
    0x00200000u /* the worker's: watched, bi-cast, the gateway itself, flooded although unknown              \
                 */
#define FP_STATIC 0x01000000u

#define FP_KIND(where)   (((where) >> 16) & 0xf)
#define FP_TARGET(where) ((where)&0xffff)

#define FP_WHERE(kind, target) ((__u32)(kind) << 16 | (target))
#define FP_WHERE_PORT          1 /* enum dp_where */
#define FP_WHERE_VTEP          2
#define FP_WHERE_FLOOD         3

/* Frames between gateways: DP_OAM_MAC as fp_fdb's keys have it, and their EtherType. */
#define FP_OAM_MAC       0x4d414f574303ull
#define FP_OAM_ETHERTYPE 0x88b6

#define FP_PORT_PRESENT 0x01 /* the fast path serves it: a program of ours is on it */
#define FP_PORT_TARGET                                                                                       \
    0x02 /* frames can be redirected to it: link up, its driver takes them, no trouble lately */
#define FP_PORT_SCATTERED 0x04 /* also frames in several buffers */

struct fp_port {
    __u32 ifindex;
    __u16 max_frame; /* longest frame without VLAN tag and FCS that may leave by it */
    __u16 flags;
};

#define FP_NET_VALID 0x01
#define FP_NET_QINQ  0x02 /* R1.6 */

#define FP_NOT_A_MEMBER 0xffff
#define FP_DSCP_INHERIT 0xff

struct fp_net {
    __u32 vni;
    __u16 flags;
    __u8 dscp; /* 0..63, or 0xff: the inner packet's */
    __u8 pad;
    __u16 vlan_of_port[20];        /* [FP_PORTS]; 0: untagged; FP_NOT_A_MEMBER */
    __u64 known[FP_VTEP_WORDS];    /* R1.9: who may send for this VNI */
    __u64 learning[FP_VTEP_WORDS]; /* R1.10 */
};

struct fp_vtep {
    __u8 family;     /* 0: this id is not in use */
    __u8 resolved;   /* the header's MACs are valid */
    __u8 header_len; /* 50 or 70 */
    __u8 zero_csum;  /* no UDP checksum (R1.3) */
    __u16 max_frame; /* longest inner frame that fits the path MTU (R1.5) */
    __u16 pad;
    __u32 ip_sum; /* IPv4 header's sum without traffic class and length */
    __u32 pad2;
    __u8 address[16];
    __u8 header[FP_HEADER];
};

struct fp_topology {
    __u64 generation;
    __u32 underlay;    /* port id */
    __u32 vxlan_port;  /* host order */
    __u8 family;       /* of our VTEP */
    __u8 zero_csum_rx; /* R1.3: accept none over IPv6 */
    __u8 mac[6];       /* ours on the underlay */
    __u8 address[16];  /* our VTEP */
    __u32 vni_seed, addr_seed;
    __u32 bounced_ttl; /* R6.5: what is sent on leaves with it at most, and what comes with it is not */
    __u32 pad;
    __u64 punt_interval_ns; /* R: one frame a CPU and port each so many ns to the worker, in the long run; 0:
                               no limit */
    __u64 punt_burst_ns;    /* how far that may be overdrawn */
    struct fp_port ports[FP_PORTS];
    __u16 vlans[FP_PORTS]
               [FP_VLANS]; /* network by VLAN of an access port; 0: none; [0]: untagged, priority-tagged */
    struct fp_net nets[FP_NETS];
    struct fp_vtep vteps[FP_VTEPS];
    __u16 vni_table[FP_VNI_SLOTS];   /* network ids, slot fp_vni_slot(); 0: empty */
    __u16 addr_table[FP_ADDR_SLOTS]; /* VTEP ids */
    __u32 device[20]; /* [FP_PORTS]; for the process after this one: a hash of what such a port opens that is
                         not present; 0: none */
};

/* Map fp_control: array of one. */
struct fp_control {
    __u32 version; /* FP_VERSION */
    __u32 active;  /* which of fp_topology, or FP_TOPOLOGIES: none yet, everything goes to the worker */
    __u64 fdb_seed;
    __u32 fdb_mask; /* buckets - 1 */
    __u32 pad;
    __u32 struct_sizes[4]; /* fdb bucket, topology, net counters, port counters: a second look at what is
                              taken over */
};

/* The slot is the low bits: before the product, as it carries upwards only, the upper half has to come down.
 */
static inline __u32 fp_mix(__u32 x)
{
    x ^= x >> 16;
    x *= 0x9e3779b1u;
    return x ^ x >> 15;
}

/* i: 0 .. FP_PROBES - 1 */
static inline __u32 fp_vni_slot(__u32 seed, __u32 vni, __u32 i)
{
    return (fp_mix(vni ^ seed) + i) & (FP_VNI_SLOTS - 1);
}

/* words: the address, 16 bytes */
static inline __u32 fp_addr_slot(__u32 seed, const __u32 words[4], __u32 i)
{
    return (fp_mix(words[0] ^ fp_mix(words[1] ^ fp_mix(words[2] ^ fp_mix(words[3] ^ seed)))) + i) &
           (FP_ADDR_SLOTS - 1);
}

/* ---- counters: per-CPU arrays ---- */

struct fp_count {
    __u64 frames, bytes;
};

struct fp_net_counters { /* map fp_net_count, by network id; bytes as in dataplane/dp.h */
    struct fp_count access_in, access_out, wan_in, wan_out;
    __u64 bounced;
};

struct fp_vtep_counters { /* map fp_vtep_count, by VTEP id */
    struct fp_count rx, tx;
};

/* Why a frame went to the worker. */
#define FP_PUNTS(X)                                                                                          \
    X(no_topology, "the control plane has not said yet what to forward")                                     \
    X(source, "source MAC is not known at this place: to be learned, or it moved")                           \
    X(unknown, "destination MAC is not known")                                                               \
    X(group, "broadcast or multicast")                                                                       \
    X(neighbour, "ARP, RARP or neighbour discovery")                                                         \
    X(syn, "TCP connection being opened")                                                                    \
    X(marked, "the worker watches or doubles frames for this MAC, or they are for the gateway")              \
    X(too_big, "does not fit the path or the port")                                                          \
    X(no_redirect, "the port it should leave by cannot be redirected to")                                    \
    X(odd, "not a plain frame: outer checksum, fragments, options, lengths, scattered buffers")              \
    X(off, "the fast path is switched off")

enum fp_punt {
#define X(name, text) FP_PUNT_##name,
    FP_PUNTS(X)
#undef X
        FP_PUNT_N
};

struct fp_port_counters { /* map fp_port_count, by port id */
    struct fp_count rx;   /* came in by it and were carried or dropped here; not what the worker or the kernel
                             got */
    struct fp_count tx;   /* carried, out by it */
    __u64 drops;          /* came in by it and were dropped before anything was known of where to */
    __u64 punts[FP_PUNT_N]; /* to the worker */
    __u64 passed;           /* to the kernel: not for the gateway */
    __u64 unserved;         /* for the worker, but there is no socket: the kernel got it */
    __u64 punt_at;          /* token bucket: when the next punt is due, ns; not a counter */
};

/* map fp_drop_count: __u64 by enum drop_reason */

/* Map fp_tx: devmap by port id. Map xsks_map, one for each port: AF_XDP sockets by receive queue; its name,
 * and the program's, are libxdp's (see xdp_port.bpf.c). */

/* Read-only for a program once it is loaded. */
struct fp_program_config {
    __u32 port; /* its id */
    __u32 fast; /* 0: the fast path is off, frames only go where xdp_port.bpf.c would send them */
    __u32 family;
    __be32 vtep[4];
    __be16 vxlan_port;
    __u16 pad;
};

#endif
