/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Announcements after a move (R6.3, R6.4): which frames go out by which access ports, at once and repeated,
 * and never more than the limits let pass. Pure: it takes `now`, and sends through an op; the frames are
 * built by announce_frame.h.
 *
 * Where the MAC is behind a VTEP, all access ports of the network get them, so that the site's switches turn
 * towards us. Where it is behind one of our ports, all ports but that one: a frame with its source MAC out of
 * that port would turn the switch away from it. Each burst looks again where the MAC is now, and which IPs it
 * has.
 *
 * R6.4: a MAC that arrived here is told the site's own gateways out of its port, by ARP and NA whose Ethernet
 * source is ours, not the router's: no switch may learn the router here.
 *
 * The limit is per network and in frames, one for all ports that it goes out by. A second's worth may go at
 * once, of repeats half of it; what is over waits for its turn, first bursts before repeats, in the order in
 * which the MACs moved.
 * Networks take turns. A burst may be cut by the limit and goes on where it was. What waits is bounded:
 * beyond that the oldest repeats are given up, so that those who have not been heard at all are.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_ANNOUNCE_H
#define CONTROLPLANE_ANNOUNCE_H

#include "conf/conf.h"
#include "controlplane/mactable.h"

struct announce;

enum announce_kind {
    ANNOUNCE_GARP_REQUEST,
    ANNOUNCE_GARP_REPLY,
    ANNOUNCE_NA,
    ANNOUNCE_RARP,    /* when no IP is known */
    ANNOUNCE_GATEWAY, /* R6.4 */
    ANNOUNCE_KINDS
};

#define ANNOUNCE_MAX_IPS (2 * MAC_MAX_IPS) /* ours and the peers' */

/* What announce asks of the world. */
struct announce_ops {
    /* Where the MAC is now, and up to n of its IPs; *n_ips is set. False: unknown now, nothing is announced.
     */
    bool (*look)(void *arg, dp_net_id net, struct mac mac, struct mac_place *place, struct ipaddr *ips,
                 unsigned n, unsigned *n_ips);
    /* Sends (dp_send_access()): 0 or -errno. */
    int (*send)(void *arg, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame, size_t len);
    /* Whether the network has an access port beside `except`. NULL: always. Where there is none, nobody needs
     * to hear, and nothing is sent, counted or limited. */
    bool (*reaches)(void *arg, dp_net_id net, dp_port_id except);
    /* Whether the host with this IPv6 address is a router (R7.4): its NA says so. NULL: none is. */
    bool (*is_router)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip);
    /* After announce_mac(): announce_next() may say something else now. May be NULL. */
    void (*wake)(void *arg);
};

struct announce_counts {
    uint64_t sent[ANNOUNCE_KINDS];
    uint64_t limited; /* bursts held back by the limit: put off, or given up when the queue was full */
    uint64_t failed;  /* the data plane did not take it; when it only had no room it gets it again */
    uint32_t waiting; /* now: MACs with bursts still to go */
};

/* own: Ethernet source of ANNOUNCE_GATEWAY. NULL without memory. */
struct announce *announce_new(const struct conf_moves *settings, struct mac own,
                              const struct announce_ops *ops, void *arg);
void announce_free(struct announce *a);
/* Other settings from now on; what waits for its next burst does so for as long as it was to. */
void announce_configure(struct announce *a, const struct conf_moves *settings);
/* The site's routers of a network (R6.4); copied. 0, -EINVAL or -ENOMEM. */
int announce_set_network(struct announce *a, dp_net_id net, const struct conf_router *routers, size_t n);
/* The network is no more: what it counted is forgotten. MACs that wait find no place, so nothing is sent. */
void announce_remove_network(struct announce *a, dp_net_id net);

#define ANNOUNCE_MAX_MACS 131072 /* that are announced or remembered */
#define ANNOUNCE_MAX_DUE  16384  /* MACs of one network that wait for their turn */
/* A MAC arrived or moved: first burst now, repeats later. A MAC that is being announced starts again.
 * arrived: it is behind a port of ours now, and came from elsewhere (R6.4). Returns how many frames went out
 * at once. */
unsigned announce_mac(struct announce *a, dp_net_id net, struct mac mac, bool arrived, mono_t now);
/* A route said so. The routes that say its IPs come with that one, but after it: while none is known the
 * first burst is due in the next turn of the loop, so that no RARP goes out for a MAC that has IPs (R6.3). */
void announce_routed(struct announce *a, dp_net_id net, struct mac mac, mono_t now);
/* Whether a MAC was announced just now, so that an IP that becomes known is still part of it. */
bool announce_is_fresh(const struct announce *a, dp_net_id net, struct mac mac, mono_t now);
/* Such a MAC has an IP that was not known when it was announced (R6.3): this IP is announced now, and by the
 * repeats that are still to come. When it is not its turn, or the limit holds it back, the MAC is announced
 * from the beginning as soon as it may. Nothing for other MACs. */
void announce_ip(struct announce *a, dp_net_id net, struct mac mac, const struct ipaddr *ip, mono_t now);
/* Sends what is due, a bounded number of frames at a time; look at announce_next() again. */
void announce_run(struct announce *a, mono_t now);
/* When announce_run() is due next; false: nothing waits. */
bool announce_next(const struct announce *a, mono_t *at);
/* In all, or of one network. */
struct announce_counts announce_counts(const struct announce *a, dp_net_id net);
/* Frames sent for one MAC since its last move, while it is remembered (ANNOUNCE_REMEMBER_S). */
#define ANNOUNCE_REMEMBER_S 300
unsigned announce_sent_for(const struct announce *a, dp_net_id net, struct mac mac);

#endif
