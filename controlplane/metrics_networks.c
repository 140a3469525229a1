/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of the networks (metrics_private.h): a family at a time, and of each some hundred rows at a time.
 */
#include "controlplane/metrics_private.h"

#include <stdio.h>

typedef void row_fn(const struct gateway *g, const struct gateway_network *net, struct metric_text *t);

static void rows(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n, row_fn *row)
{
    for (uint32_t i = first; i < g->n_networks && i - first < n; i++)
        row(g, &g->networks[i], t);
}

/* ---- what they are */

static void info_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    char vni[METRICS_NUMBER_LEN], vlan[METRICS_NUMBER_LEN];

    (void)g;
    metric_u64(t, 1, {"network", net->conf->name}, {"vni", metrics_number(net->conf->vni, vni)},
               {"vlan", net->conf->vlan ? metrics_number(net->conf->vlan, vlan) : "untagged"});
}

static void info(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_info", METRIC_INFO, "VNI and VLAN of a network.");
    rows(g, t, first, n, info_row);
}

static void macs_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    metric_u64(t, mactable_count_network(g->macs, net->id), {"network", net->conf->name});
}

static void macs(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_macs", METRIC_GAUGE, "MACs of a network.");
    rows(g, t, first, n, macs_row);
}

static void limit_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    (void)g;
    if (net->conf->mac_limit != CONF_NO_LIMIT)
        metric_u64(t, net->conf->mac_limit, {"network", net->conf->name});
}

static void limit(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_macs_max", METRIC_GAUGE,
                      "MACs that a network may have, where it has a limit.");
    rows(g, t, first, n, limit_row);
}

static void vteps_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    size_t n;

    (void)gateway_peers(g, net->id, &n);
    metric_u64(t, n, {"network", net->conf->name});
}

static void vteps(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_vteps", METRIC_GAUGE, "VTEPs that a network is stretched to.");
    rows(g, t, first, n, vteps_row);
}

/* ---- what they carry */

static const char *const kinds[2] = {"unicast", "flooded"};

static void traffic_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t,
                        bool bytes)
{
    static const char *const directions[] = {"access_in", "access_out", "wan_in", "wan_out"};
    struct dp_net_counters c;
    const struct dp_count *counts[] = {c.access_in, c.access_out, c.wan_in, c.wan_out};

    fwd_net_counters(g->fwd, net->id, &c);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned kind = 0; kind < 2; kind++)
            metric_u64(t, bytes ? counts[i][kind].bytes : counts[i][kind].frames,
                       {"network", net->conf->name}, {"direction", directions[i]}, {"kind", kinds[kind]});
}

static void frames_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    traffic_row(g, net, t, false);
}

static void frames(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_frames_total", METRIC_COUNTER,
                      "Frames of a network: known unicast, and flooded.");
    rows(g, t, first, n, frames_row);
}

static void bytes_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    traffic_row(g, net, t, true);
}

static void bytes(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_bytes_total", METRIC_COUNTER,
                      "Bytes of a network's inner frames: known unicast, and flooded.");
    rows(g, t, first, n, bytes_row);
}

static void proxy_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    struct dp_net_counters c;

    fwd_net_counters(g->fwd, net->id, &c);
    metric_u64(t, c.proxy_arp, {"network", net->conf->name}, {"protocol", "arp"});
    metric_u64(t, c.proxy_nd, {"network", net->conf->name}, {"protocol", "nd"});
}

static void proxy(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_proxy_replies_total", METRIC_COUNTER,
                      "ARP requests and neighbour solicitations that were answered here.");
    rows(g, t, first, n, proxy_row);
}

static void bounced_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    struct dp_net_counters c;

    fwd_net_counters(g->fwd, net->id, &c);
    metric_u64(t, c.bounced, {"network", net->conf->name});
}

static void bounced(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_bounced_frames_total", METRIC_COUNTER,
                      "Frames from the WAN that were sent on to where their MAC had moved.");
    rows(g, t, first, n, bounced_row);
}

static void bicast_row(const struct gateway *g, const struct gateway_network *net, struct metric_text *t)
{
    struct dp_net_counters c;

    fwd_net_counters(g->fwd, net->id, &c);
    metric_u64(t, c.bicast, {"network", net->conf->name});
}

static void bicast(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n)
{
    if (first == 0)
        metric_family(t, "causeway_network_bicast_frames_total", METRIC_COUNTER,
                      "Second copies that were sent while moves were prepared.");
    rows(g, t, first, n, bicast_row);
}

metrics_rows_fn *const metrics_networks[METRICS_NETWORK_FAMILIES] = {info,  macs,  limit,   vteps, frames,
                                                                     bytes, proxy, bounced, bicast};
