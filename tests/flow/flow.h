/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A worker without NICs: each port is a pair of rings. A test puts frames in, lets the worker make one round,
 * and takes frames out. Two access ports, an underlay port and a TAP; networks and VTEPs below.
 */
#ifndef TESTS_FLOW_FLOW_H
#define TESTS_FLOW_FLOW_H

#include "dataplane/dp.h"
#include "dataplane/fdb.h"
#include "dataplane/port.h"
#include "dataplane/snapshot.h"
#include "dataplane/worker.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

enum { PORT_A, PORT_B, PORT_WAN, PORT_TAP, N_PORTS };

/* web: VLAN 100, both ports, VTEPs 1 (learning off) and 2 (learning on). db: VLAN 200, port A, untagged on B;
 * VTEP 1. */
enum { NET_WEB = 1, NET_DB = 2, VNI_WEB = 10100, VNI_DB = 10200 };
enum { VTEP_1 = 1, VTEP_2 = 2, VTEP_FOREIGN = 9 };

/* Packet buffers: ordinary ones for MTU 1500; for MTU 9000 large ones, or chains of ordinary ones. */
enum flow_buffers { FLOW_ORDINARY, FLOW_LARGE, FLOW_CHAINS };

struct flow {
    bool ipv6;
    enum flow_buffers buffers;
    struct rte_rcu_qsbr *qsbr;
    struct fdb fdb;
    struct neigh neigh;
    struct bicast bicast;
    struct worker w;
    struct port ports[N_PORTS];
    struct rte_ring *in[N_PORTS], *out[N_PORTS];
    const struct rte_eth_rxtx_callback *strips[N_PORTS], *inserts[N_PORTS];
    struct dp_network nets[2];
    struct dp_vtep vteps[2];
    struct dp_topology topology;
    struct snapshot *snapshot;
};

/* Once in a process, before any flow_open(). Aborts on failure. */
void flow_start_eal(void);
void flow_start_eal_mb(unsigned mb);

struct flow *flow_open(bool ipv6);
struct flow *flow_open_with(bool ipv6, enum flow_buffers buffers);
/* Aborts unless all packet buffers came back. */
void flow_close(struct flow *f);
/* The same, when what waits has been taken out; aborts unless the counters add up, too. */
void flow_end(struct flow *f);
/* A NIC instead of the ring, which takes VLAN tags off, or puts them in; neither: the ring. */
void flow_nic(struct flow *f, unsigned port, bool strips, bool inserts);
/* Publishes f->topology again after the test changed f->nets, f->vteps or f->topology. */
void flow_publish(struct flow *f);

/* Our MAC on the underlay, the next hop's, and the VTEPs' addresses (id 0: ours). */
extern const struct mac flow_mac_wan, flow_mac_hop;
struct ipaddr flow_vtep_address(const struct flow *f, unsigned id);

/* Fills in the topology above, which then points into nets and vteps. f: only whether the underlay is IPv6.
 */
void flow_topology(const struct flow *f, struct dp_network nets[2], struct dp_vtep vteps[2],
                   struct dp_topology *t);

/* Host MACs: 02:00:00:00:NN:NN. */
struct mac flow_mac(unsigned n);
/* Ends the program with what errno says, unless ok: for what a test needs of the machine. */
void flow_must(bool ok, const char *what);

void flow_put(struct flow *f, unsigned port, const void *frame, size_t len);
/* In several buffers: part[i] bytes in each of the first n, the rest as flow_put() does. */
void flow_put_parts(struct flow *f, unsigned port, const void *frame, size_t len, const uint16_t *part,
                    unsigned n);
/* One round of the worker. */
void flow_poll(struct flow *f);
/* That many microseconds later. */
void flow_wait(struct flow *f, unsigned us);
/* Takes a frame that left by a port: its length, or -1 when there is none. buf holds 9216 bytes. Aborts if it
 * is in several buffers and the port's driver takes none like that. */
int flow_take(struct flow *f, unsigned port, uint8_t *buf);
/* Frames waiting on a port's output. */
unsigned flow_waiting(const struct flow *f, unsigned port);
void flow_discard(struct flow *f);
uint64_t flow_drops(const struct flow *f, enum drop_reason reason);
uint64_t flow_all_drops(const struct flow *f);
/* Aborts unless the counters add up (dp.h). */
void flow_require_balance(const struct flow *f);
/* The next learn event; false when there is none. */
bool flow_event(struct flow *f, struct dp_event *e);
/* In web: 1 at port A, 2 at port B, 3 behind VTEP 1. */
void flow_hosts(struct flow *f);
void flow_fdb(struct flow *f, dp_net_id net, struct mac mac, enum dp_where where, uint16_t target,
              bool is_static);

/* ---- frames: each builder returns the length ---- */

#define FLOW_UNTAGGED 0xffff
/* Ethernet, optionally a tag, EtherType, and len bytes of payload. */
size_t flow_eth(uint8_t *buf, struct mac dst, struct mac src, uint16_t vlan, uint16_t type,
                const void *payload, size_t len);
/* The same with an IPv4 UDP packet (10.0.0.1 -> 10.0.0.2) of payload bytes, DF clear, sound checksum. */
size_t flow_ipv4(uint8_t *buf, struct mac dst, struct mac src, uint16_t vlan, uint8_t tos, uint16_t sport,
                 size_t payload);
size_t flow_ipv6(uint8_t *buf, struct mac dst, struct mac src, uint16_t vlan, uint8_t tos, uint16_t sport,
                 size_t payload);

struct flow_outer {
    unsigned vtep; /* outer source */
    uint32_t vni;
    uint8_t flags; /* VXLAN flags, 0x08 */
    uint8_t tos;
    bool checksum; /* fill in the UDP checksum */
};
/* Wraps an inner frame as VTEP o->vtep would. */
size_t flow_wrap(const struct flow *f, uint8_t *buf, struct flow_outer o, const uint8_t *inner, size_t len);
uint16_t flow_checksum(const uint8_t *p, size_t len, uint32_t sum);
/* Fills in IPv4 header checksum and/or UDP checksum of an outer packet after a test changed it. */
void flow_fix(const struct flow *f, uint8_t *packet, bool udp);

#endif
