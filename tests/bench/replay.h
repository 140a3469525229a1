/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The traffic and the gateway that the benchmarks of the data plane have in common: one variant, the frames
 * of it as a pcap file, and a data plane with the networks, the VTEPs and the MACs that these frames need.
 *
 * Half of the MACs are at this site, half at the other; every frame has a source and a destination of its own
 * among them, in random order, so that both look-ups range over the whole table. Nothing that costs time in
 * production is off: source check, ageing stamps, limits, counters.
 */
#ifndef TESTS_BENCH_REPLAY_H
#define TESTS_BENCH_REPLAY_H

#include "dataplane/dp.h"

#define REPLAY_MAX_VTEPS    64
#define REPLAY_NETWORKS     16 /* of a translated variant */
#define REPLAY_FIRST_REMOTE 1  /* id of the first VTEP */

/* What is replayed; as text, "encap,64,1000,uniform,tagged,ipv4". */
struct replay {
    /* flood: broadcasts from an access port, to that many VTEPs instead of MACs */
    enum { REPLAY_ENCAP, REPLAY_DECAP, REPLAY_FLOOD } direction;
    bool imix;     /* 7:4:1 of 64, 594 and 1518 bytes; else 64. FCS included, VLAN tag not */
    uint32_t macs; /* of all networks and both sites */
    bool zipf;     /* sources and destinations by Zipf's law (1/rank) instead of each as often */
    /* translated: REPLAY_NETWORKS networks in turn, each with a VLAN here that is not the VLAN there */
    enum { REPLAY_UNTAGGED, REPLAY_TAGGED, REPLAY_TRANSLATED } tags;
    uint8_t underlay;   /* 4 or 6 */
    uint32_t more_macs; /* room for these in the tables besides; not of the text */
};

bool replay_parse(const char *text, struct replay *out);
/* Ends the program when the file cannot be written. */
void replay_write(const struct replay *r, const char *path);

/* The i-th MAC at this site, or at the other. */
struct mac replay_mac(bool local, uint32_t i);
/* How many of them each site has. */
uint32_t replay_half(const struct replay *r);
/* An inner frame of `len` bytes without FCS and tag, IPv4 and UDP; returns the bytes written. vlan 0: no tag.
 */
unsigned replay_frame(uint8_t *p, unsigned len, uint16_t vlan, struct mac dst, struct mac src, uint32_t flow);

/* Starts DPDK for so many ports. The worker is pinned to CPU BENCH_CPU, and the caller kept off it. These
 * three end the program when they fail. */
struct dp *replay_start(const struct replay *r, unsigned ports);
/* Port 0 is `in`, port 1 `out`: vdevs, or Ethernet devices that exist (existing). out NULL: a sink. */
void replay_ports(const struct replay *r, struct dp *dp, const char *in, const char *out, bool existing);
/* Networks, VTEPs and MACs. ports: access ports that carry the networks besides, ids 2 and up. */
void replay_program(const struct replay *r, struct dp *dp, unsigned ports);

__attribute__((noreturn)) void replay_die(const char *what);

#endif
