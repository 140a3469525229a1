/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the gateway_*.c files share and nobody else sees. Control thread only.
 *
 *   gateway.c           the ladder of start and stop, events of the data plane, timers
 *   gateway_ports.c     opens and closes the ports
 *   gateway_links.c     follows their link and MTU
 *   gateway_networks.c  a network comes, changes, goes
 *   gateway_statics.c   its configured MACs
 *   gateway_reload.c    all of it, when another configuration is to be applied
 *   gateway_topology.c  struct conf + underlay -> struct dp_topology
 *   gateway_vteps.c     the VTEPs: configured, and told by BGP
 *   gateway_neighbors.c which MAC has an IP: frames, routes, the proxy and probes joined
 *   gateway_oam.c       frames for the gateway itself: other gateways' messages, rehearsals
 *   gateway_announce.c  what announcements ask of the gateway, and their timer
 *   gateway_fastpath.c  the fast path on `interface:` ports; where it can send to
 *   gateway_takeover.c  what an earlier process left in its maps
 *   gateway_report.c    one log line for each change that an operator wants to know
 *   gateway_storm.c     and for each storm
 */
#ifndef CONTROLPLANE_GATEWAY_PRIVATE_H
#define CONTROLPLANE_GATEWAY_PRIVATE_H

#include "controlplane/gateway.h"
#include "controlplane/gateway_topology.h"
#include "controlplane/quiet.h"

struct event;
struct gateway_fast;
struct gateway_statics;
struct gateway_takeover;
struct network_ids;

/* At most `lines` log lines in ten seconds; the rest is counted and said once. */
struct gateway_limit {
    mono_t window;
    unsigned lines;
    unsigned suppressed;
};

#define GATEWAY_ERR_LEN     512
#define GATEWAY_SPARE_PORTS 2 /* memory for ports that a reload adds; more take what is there */

#define GATEWAY_STORMS 3 /* broadcast, multicast, unknown unicast */

/* One of them, as gateway_storm.c saw it last. */
struct gateway_storm {
    uint64_t seen, began_at; /* its counter of drops */
    unsigned quiet;          /* seconds until it is over; 0: there is none */
};

struct gateway_private {
    struct event *events, *tap, *more_events, *age_timer, *poll_timer, *oam_timer;
    struct event *announce_timer;
    struct event *clear_ports; /* the next part of gateway_clear_ports() */
    struct event *publish;     /* active when the topology changed in this turn of the loop */
    struct topology topology;
    struct network_ids *ids;
    dp_port_id underlay_port;
    dp_vtep_id last_vtep;              /* what gateway_vtep_find() found last */
    int promiscuous_fds[DP_MAX_PORTS]; /* by port id; 0: none */
    struct gateway_fast *fast;
    struct gateway_takeover *takeover;
    struct gateway_statics *statics; /* of a reload, while some are left; else NULL */
    bool running;                    /* the start is through */
    mono_t settled;                  /* what the worker tells is of the topology of now if it saw it later */
    bool ageing;                     /* the MAC table is looked through for old ones */
    bool publish_failed;             /* tried again by the poll timer */
    bool vteps_missed, vteps_freed;  /* see gateway_vteps_missed() */
    struct quiet quiet_vteps;

    /* what was logged last */
    struct {
        bool up;
        uint16_t mtu;
        unsigned ifindex; /* `interface:` ports; 0: the interface is gone */
        unsigned opened;  /* the one that DPDK holds on to */
        mono_t down;      /* since then; 0: it is up, or nobody knows */
        bool clearing;
        uint32_t cursor;
    } port_seen[DP_MAX_PORTS];    /* by port id */
    bool port_open[DP_MAX_PORTS]; /* by port id: DPDK has it */
    struct gateway_port leaving[DP_MAX_PORTS];
    unsigned n_leaving;            /* in no configuration any more, not closed yet */
    struct underlay_hop *hop_seen; /* by VTEP id - 1 */
    struct underlay_link link_seen;
    uint16_t wan_mtu_seen;
    bool address_missing;
    struct gateway_limit alerts;
    struct gateway_storm storms[GATEWAY_STORMS];
    uint64_t port_drops[DP_MAX_PORTS]; /* by port id */
};

/* ---- gateway.c */

/* The topology is published again before this turn of the loop ends. */
void gateway_topology_changed(struct gateway *g);

/* As whom the gateway itself speaks in its networks. */
struct mac gateway_own_mac(const struct gateway *g);

/* What g says of networks, ports and VTEPs goes to the worker, now. 0 or -errno, which is said. */
int gateway_publish(struct gateway *g);

/* ---- gateway_networks.c */

/* A network of g->networks, in all tables but the worker's topology and the RIB: it is new, or was there
 * until now. What fails (0 or -errno with a sentence in err) leaves the rest done. */
int gateway_network_set(struct gateway *g, const struct gateway_network *net, bool is_new, char *err,
                        size_t err_len);
/* One that is about to go, in two steps: the peers are told, while it is still there. overlay_apply() after
 * all of them. */
void gateway_network_leave(struct gateway *g, const struct gateway_network *net);
/* It is in no table any more. */
void gateway_network_forget(struct gateway *g, const struct gateway_network *net);
/* Whether a MAC can be learned there: a port that carries the network, or a peer that is learned from. */
bool gateway_network_has_place(const struct gateway *g, dp_net_id net, enum dp_where where, uint16_t target);
/* Forgets what was learned at ports that do not carry the network (any more), and from static peers that are
 * not its peers. */
void gateway_networks_clear(struct gateway *g);

/* ---- gateway_statics.c */

typedef void gateway_warn_fn(void *arg, const char *text);

/* The configured MACs of g->networks, which must stay what they are until the end. before: by id, what each
 * network that lives on was until now, which must be there for as long; taken, to be freed. NULL: all are
 * new. NULL: no memory. */
struct gateway_statics *gateway_statics_begin(struct gateway *g, const struct conf_network **before);
/* So many of them. What can be set is set; of each network the first that cannot is told. False: that was
 * all. */
bool gateway_statics_more(struct gateway_statics *s, unsigned budget, gateway_warn_fn *warn, void *arg);
size_t gateway_statics_left(const struct gateway_statics *s);
/* NULL is fine. */
void gateway_statics_free(struct gateway_statics *s);

/* ---- gateway_vteps.c */

/* The configured peers of conf: each has its id, and those of before that it does not have are static no
 * longer. 0; -ENOSPC: no room, nothing changed; -ENOMEM. */
int gateway_vteps_configure(struct gateway *g, const struct conf *conf);

/* 0: none. */
dp_vtep_id gateway_vtep_find(const struct gateway *g, const struct ipaddr *address);
/* Found or added; 0: of the other family, or no room: said here, and remembered for gateway_vteps_missed().
 * peer: the RIB's peer (rib_peer_id) whose route tells of it. */
dp_vtep_id gateway_vtep_get(struct gateway *g, const struct ipaddr *address, uint16_t peer);
/* R8.1: on a network's flood list by a route of this peer, or off it (0). What has no room is remembered as
 * above. 0 or -errno. */
int gateway_vtep_flood(struct gateway *g, dp_net_id net, const struct ipaddr *address, uint16_t peer);
/* Whether VTEPs were refused, and since the last call some id came free. */
bool gateway_vteps_missed(struct gateway *g);
/* A MAC's best route points to it (+1), or no longer (-1). */
void gateway_vtep_count_mac(struct gateway *g, dp_vtep_id id, int change);
/* R9.5: tells the RIB which of them the underlay lost or found since the last call. Not from inside of its
 * ops. */
void gateway_vteps_judge(struct gateway *g);
/* Lets go of those that nobody refers to. */
void gateway_vteps_sweep(struct gateway *g);

/* ---- gateway_announce.c */

/* Makes g->announce. 0 or -errno with a sentence in err. What was made before a failure is
 * gateway_announce_stop()'s. */
int gateway_announce_start(struct gateway *g, char *err, size_t err_len);
void gateway_announce_stop(struct gateway *g);

/* ---- gateway_ports.c */

/* True when the underlay port is not the kernel's, so that a TAP stands beside it. */
bool gateway_needs_tap(const struct conf *conf);
/* The interface whose routes and neighbours lead to the VTEPs: the underlay's own, or the TAP. */
const char *gateway_underlay_ifname(const struct conf *conf);
/* All interfaces that are named exist, and the TAP does not. 0 or -errno with a sentence in err. */
int gateway_check_interfaces(const struct conf *conf, char *err, size_t err_len);
/* The largest IP MTU that any port has or will have; at least 1600. */
uint16_t gateway_max_mtu(const struct conf *conf);
/* Ports, the TAP included; and the receive queues of all of them. */
unsigned gateway_port_number(const struct conf *conf);
unsigned gateway_queue_number(const struct conf *conf);
/* Opens all ports into g->ports. What was opened before a failure stays for gateway_close_ports(). */
int gateway_open_ports(struct gateway *g, char *err, size_t err_len);
/* Opens the access ports of conf that are not there yet, also while the gateway runs. A port is what it
 * opens: one that has another name by now is the same one. 0, or -errno with a sentence in err: what was
 * opened before that is gateway_drop_ports()'s. */
int gateway_add_ports(struct gateway *g, const struct conf *conf, char *err, size_t err_len);
/* Closes the newest ports, those that no topology named yet, until so many are left. */
void gateway_drop_ports(struct gateway *g, unsigned left);
/* g->ports are those of conf from now on, all of which are open. The others leave: they are closed once no
 * topology names them. */
void gateway_take_ports(struct gateway *g, const struct conf *conf);
/* Closes those that leave, as far as that can be done now. */
void gateway_close_leaving(struct gateway *g);
/* Takes our XDP programs off; dp_stop() closes the ports themselves. */
void gateway_close_ports(struct gateway *g);
/* ---- gateway_links.c */

/* The kernel's IP MTU of an interface; 0: there is none, or none that fits. */
uint16_t gateway_kernel_mtu(const char *ifname);
bool gateway_kernel_up(const char *ifname);
/* What an `interface:` port carries: what the kernel lets through, or less when configured so. */
uint16_t gateway_interface_mtu(const struct conf_port *port, uint16_t configured);
/* Looks at the state of each port, logs what changed, and passes on what the kernel says of `interface:`
 * ports. */
void gateway_poll_ports(struct gateway *g, bool first);
/* Forgets what was learned at ports that are down, a part of it; after each poll, and until it says false:
 * true means that more is to be done, in the next turn of the loop. */
bool gateway_clear_ports(struct gateway *g);
/* While the gateway runs: the next look at a port must not take it for one that came or went. */
void gateway_port_begins(struct gateway *g, const struct gateway_port *p);

/* ---- gateway_neighbors.c */

/* Needs the data plane; before the MAC table has entries. 0 or -errno with a sentence in err. */
int gateway_neighbors_start(struct gateway *g, char *err, size_t err_len);
/* The gateway's own MAC in a network, at itself. */
void gateway_neighbors_take_answers(struct gateway *g, const struct gateway_network *net);
/* Some times a second. */
void gateway_neighbors_age(struct gateway *g, mono_t now);

/* ---- gateway_oam.c */

/* Needs the announcer. 0 or -errno with a sentence in err. */
int gateway_oam_start(struct gateway *g, char *err, size_t err_len);
/* Ends rehearsals; while the MAC table and the data plane still work. Also when start failed, or was not
 * called. */
void gateway_oam_stop(struct gateway *g);
/* Takes frames for the gateway itself; after dp_events_pop() drained. True: there may be more. */
bool gateway_oam_serve(struct gateway *g);

/* ---- gateway_report.c */

/* The IP MTU of the WAN: the interface's, or less when configured so. */
uint16_t gateway_wan_mtu(const struct gateway *g);
/* What changed in the underlay since the last call. */
void gateway_report_underlay(struct gateway *g);
void gateway_report_link(const char *subsystem, const char *port, bool up);
void gateway_report_alert(struct gateway *g, const struct mac_alert_info *alert);
void gateway_report_neighbor(struct gateway *g, const struct neighbor_alert_info *alert);
/* To be called once a second. */
void gateway_report_storms(struct gateway *g);

#endif
