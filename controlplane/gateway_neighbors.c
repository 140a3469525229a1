/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The neighbour table (neighbor.h) joined with the data plane, the MAC table and BGP. Frames and routes go to
 * both tables; the neighbour table says which IPs the MAC table may announce, and what the proxy answers.
 *
 * Probes come from the gateway's own MAC (R7.3). It is in the FDB of every network at DP_OWN_PORT, so that
 * the answers end here, whatever the network does with unknown unicast; what they show comes as an event,
 * like that of any ARP packet or NA.
 *
 * Control thread only.
 */
#include "controlplane/gateway_private.h"
#include "controlplane/neighbor_probe.h"
#include "controlplane/overlay.h"

#include "conf/log.h"

#include <errno.h>
#include <stdio.h>

#define AGE_TICKS 40 /* of a round: 4 s */

/* ---- what the neighbour table asks for */

static int on_program(void *arg, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    struct gateway *g = arg;

    return dp_neigh_set(g->dp, net, ip, mac, flags & (DP_NEIGH_ROUTER | DP_NEIGH_OVERRIDE));
}

static void on_remove(void *arg, dp_net_id net, const struct ipaddr *ip)
{
    (void)dp_neigh_del(((struct gateway *)arg)->dp, net, ip);
}

static bool on_here(void *arg, dp_net_id net, struct mac mac, const dp_port_id *port)
{
    const struct mac_entry *e = mactable_find(((struct gateway *)arg)->macs, net, mac);

    return e && e->where == DP_WHERE_PORT && (!port || e->target == *port);
}

static unsigned on_ips(void *arg, dp_net_id net, struct mac mac, struct mac_ip_info *out, unsigned n)
{
    return mactable_ips(((struct gateway *)arg)->macs, net, mac, out, n);
}

/* R7.4: once more, for its flags are others. */
static void announce_again(struct gateway *g, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    const struct mac_entry *e = mactable_find(g->macs, net, mac);

    if (g->overlay && e && e->advertised && e->where == DP_WHERE_PORT)
        overlay_advertise(g->overlay, net, mac, ip, e->seq, e->sticky);
}

static int on_learned(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool again)
{
    struct gateway *g = arg;
    int rc = mactable_local_ip(g->macs, net, mac, ip);

    if (rc == 0 && again)
        announce_again(g, net, mac, ip);
    return rc;
}

static void on_gone(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)mactable_local_ip_gone(((struct gateway *)arg)->macs, net, mac, ip);
}

static bool on_probe(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct gateway *g = arg;
    const struct mac_entry *e = mactable_find(g->macs, net, mac);
    uint8_t frame[NEIGHBOR_PROBE_MAX];
    size_t len = neighbor_probe_frame(gateway_own_mac(g), mac, ip, frame);

    return e && e->where == DP_WHERE_PORT && e->target != DP_OWN_PORT &&
           dp_send_access(g->dp, net, e->target, DP_NO_PORT, frame, len) == 0;
}

static void on_alert(void *arg, const struct neighbor_alert_info *info)
{
    gateway_report_neighbor(arg, info);
}

static const struct neighbor_ops ops = {.program = on_program,
                                        .remove = on_remove,
                                        .here = on_here,
                                        .ips = on_ips,
                                        .learned = on_learned,
                                        .gone = on_gone,
                                        .probe = on_probe,
                                        .alert = on_alert};

/* ---- life */

/* Answers to probes end here. A MAC that the FDB has no room for makes them unknown unicast, which is said.
 */
void gateway_neighbors_take_answers(struct gateway *g, const struct gateway_network *net)
{
    const struct dp_dest own = {.where = DP_WHERE_PORT, .target = DP_OWN_PORT, .is_static = true};
    int rc = fwd_fdb_set(g->fwd, net->id, gateway_own_mac(g), own);

    if (rc < 0)
        log_warning("neighbors", "network %s: the gateway's own MAC: %s", net->conf->name, strerror(-rc));
}

int gateway_neighbors_start(struct gateway *g, char *err, size_t err_len)
{
    const struct conf_bgp *b = &g->conf->bgp;

    g->neighbors = neighbor_new(g->conf->dataplane.max_macs * 2, &ops, g);
    if (!g->neighbors) {
        snprintf(err, err_len, "no memory for neighbours");
        return -ENOMEM;
    }
    if (b->on)
        (void)neighbor_set_duplicates(g->neighbors, b->duplicate_moves, b->duplicate_seconds,
                                      b->duplicate_hold_down);
    return 0;
}

void gateway_neighbors_age(struct gateway *g, mono_t now)
{
    neighbor_settle(g->neighbors);
    neighbor_age(g->neighbors, now, g->conf->dataplane.max_macs * 2 / AGE_TICKS + 1);
}
