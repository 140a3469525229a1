/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path of a running gateway: whether there is one, on which ports, where it can send frames to, and
 * what of an earlier process it goes on with (gateway_takeover.c). The programs and maps themselves are
 * ebpf/fastpath.h's and ebpf/xdp.h's, what is in the maps controlplane/forwarding.h's.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_GATEWAY_FASTPATH_H
#define CONTROLPLANE_GATEWAY_FASTPATH_H

#include "controlplane/gateway.h"
#include "ebpf/xdp.h"

struct network_ids;

/* Before the ports are open. 0; or, where the configuration insists (fastpath: on), -errno with a sentence in
 * err. */
int gateway_fastpath_open(struct gateway *g, char *err, size_t err_len);
/* An `interface:` port's program, with or without the fast path. 0 or -errno with a sentence in err. */
int gateway_fastpath_attach(struct gateway *g, const struct xdp_config *config, struct gateway_port *p,
                            unsigned *queues, char *err, size_t err_len);
/* There is no port of this id any more, from the next fwd_publish() on. */
void gateway_fastpath_forget(struct gateway *g, dp_port_id id);
/* The ports as they are now, for the next fwd_publish(). True: something is different. */
bool gateway_fastpath_look(struct gateway *g);
/* So many times a second: looks at a part of the ports each time. One takes a dozen system calls, and a move
 * may be waiting. */
#define FASTPATH_PARTS 10
void gateway_fastpath_poll(struct gateway *g);
/* Whether traffic goes on when this process stops now. */
bool gateway_fastpath_stays(const struct gateway *g);
/* After the ports' programs were closed. */
void gateway_fastpath_close(struct gateway *g);

/* For good: the programs give everything to the worker, and nothing is pinned any more. 0 or -errno with a
 * sentence in err. */
int gateway_fastpath_detach(struct gateway *g, char *err, size_t err_len);

/* What the fast path carries and drops is copied into c from now on, ports that come later included; NULL: no
 * more. 0 or -errno with a sentence in err: then nothing is. */
int gateway_fastpath_capture(struct gateway *g, const struct fastpath_capture *c, char *err, size_t err_len);

/* Why there is none; NULL: there is one. */
const char *gateway_fastpath_why_not(const struct gateway *g);
/* NULL: none, and none was detached. For reading. */
const struct fastpath *gateway_fastpath(const struct gateway *g);

struct gateway_fast_port {
    bool served;        /* its program forwards */
    const char *refuse; /* why no frame is redirected to it; NULL: it is a target */
    uint64_t lost;      /* frames redirected to it that were lost there */
    uint32_t shunned;   /* how often it was no target for a while because of that */
    /* between two looks */
    unsigned ifindex;
    uint64_t traced, driver, dropped; /* what each witness had said */
    uint64_t redirected[2];           /* at the last two looks */
    mono_t until;
    bool looked;
};
const struct gateway_fast_port *gateway_fastpath_port(const struct gateway *g, dp_port_id id);

/* ---- gateway_takeover.c: what an earlier process left in the maps goes on. In this order: */

/* Reads what the maps say; once they are open. 0 or -errno with a sentence in err. */
int gateway_takeover_look(struct gateway *g, char *err, size_t err_len);
/* While the gateway starts: the id that a port is to have, which is the one that it had, or for a port that
 * is not the kernel's (ifindex 0) and new one that no port had. -ENOENT: any. */
int gateway_takeover_port(const struct gateway *g, unsigned ifindex, const char *device);
/* What the maps say of a port that the fast path does not serve, by which the next process knows it. */
uint32_t gateway_takeover_device(const char *device);
/* Likewise: the ids that VNIs had. */
void gateway_takeover_networks(const struct gateway *g, struct network_ids *ids);
/* Likewise: the one that a VTEP had, or one that none had. 0: any. */
dp_vtep_id gateway_takeover_vtep(const struct gateway *g, const struct ipaddr *address);
/* The VTEPs keep their ids. Ports and underlay are there, networks numbered. 0 or -errno with a sentence. */
int gateway_takeover_begin(struct gateway *g, char *err, size_t err_len);
/* hops: by VTEP id - 1, as underlay_hop() has them. What was kept of a VTEP's next hop gives way to the
 * kernel's word. */
void gateway_takeover_hops(struct gateway *g, const struct underlay_hop *const *hops);
/* They may send for the networks that they sent for. 0 or -errno. */
int gateway_takeover_lists(struct gateway *g);
/* MACs go where they went; after those that are configured, before the worker runs. */
void gateway_takeover_macs(struct gateway *g);
/* When the peers have said all they have to say: what nobody confirmed is dropped. Once a second. */
void gateway_takeover_poll(struct gateway *g);
void gateway_takeover_end(struct gateway *g);

struct gateway_takeover_info {
    bool happened; /* maps were taken over, and are of use */
    bool waiting;  /* the peers have not said all yet */
    unsigned vteps, macs_here, macs_there;
    unsigned dropped;
};
struct gateway_takeover_info gateway_takeover_info(const struct gateway *g);

#endif
