/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about the gateway as a whole: show status, drops, counters, config. Control thread only.
 */
#include "conf/version.h"
#include "controlplane/api.h"
#include "controlplane/cmd.h"
#include "controlplane/oam.h"
#include "controlplane/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNTERS_PAGE 1000
#define CONFIG_PAGE   (256 * 1024)

static uint64_t sum_drops(const struct dp_totals *totals)
{
    uint64_t sum = 0;

    for (int i = 0; i < DROP_N; i++)
        sum += totals->drops[i];
    return sum;
}

static void status_underlay(const struct gateway *g, cJSON *result)
{
    const struct underlay_link *link = underlay_link(g->underlay);
    cJSON *o = json_object(result, "underlay");

    json_address(o, "address", &g->conf->underlay.address);
    json_u64(o, "vxlan_port", g->conf->underlay.vxlan_port);
    json_bool(o, "up", link->up);
    json_mac(o, "mac", link->mac);
    json_u64(o, "mtu", link->mtu);
}

static void status_counts(const struct gateway *g, cJSON *result)
{
    unsigned ports_up = 0, resolved = 0, vteps = 0;
    uint32_t used, capacity;

    for (unsigned i = 0; i < g->n_ports; i++) {
        struct dp_port_status status;

        dp_port_status(g->dp, g->ports[i].id, &status);
        ports_up += status.up;
    }
    for (unsigned i = 0; i < g->n_vteps; i++) {
        const struct underlay_hop *hop;

        if (g->vteps[i].address.family == 0)
            continue;
        vteps++;
        hop = underlay_hop(g->underlay, &g->vteps[i].address);
        resolved += hop && hop->state == UNDERLAY_RESOLVED;
    }
    fwd_fdb_usage(g->fwd, &used, &capacity);
    json_u64(result, "ports", g->n_ports);
    json_u64(result, "ports_up", ports_up);
    json_u64(result, "networks", g->n_networks);
    json_u64(result, "vteps", vteps);
    json_u64(result, "vteps_resolved", resolved);
    json_u64(result, "macs", mactable_count(g->macs));
    json_u64(result, "macs_max", g->conf->dataplane.max_macs);
    json_u64(result, "fdb_used", used);
    json_u64(result, "fdb_capacity", capacity);
}

/* Where the MACs are, and what their moves came to (R5.1, R4.8). */
static void status_macs(const struct gateway *g, cJSON *result)
{
    struct mactable_stats stats = mactable_stats(g->macs);
    uint64_t ports = 0, vteps = 0;

    for (unsigned i = 0; i < g->n_ports; i++)
        ports += mactable_count_at(g->macs, DP_WHERE_PORT, g->ports[i].id);
    for (unsigned i = 0; i < g->n_vteps; i++)
        vteps += mactable_count_at(g->macs, DP_WHERE_VTEP, g->vteps[i].id);
    json_u64(result, "macs_at_ports", ports);
    json_u64(result, "macs_at_vteps", vteps);
    json_u64(result, "mac_moves", stats.moves);
    json_u64(result, "duplicates", stats.duplicates);
    json_u64(result, "duplicates_frozen", stats.frozen);
    json_u64(result, "sticky_moves", stats.sticky_moves);
    json_u64(result, "mac_routes_missed", stats.routes_missed);
}

/* Not there without BGP. */
static void status_bgp(const struct gateway *g, cJSON *result)
{
    char none[API_ERR_LEN];
    const struct bgp *bgp;
    struct evpn_rib_totals totals;
    unsigned n[BGP_N_STATES];
    cJSON *o;

    if (cmd_need_bgp(g, none) != 0)
        return;
    bgp = overlay_bgp(g->overlay);
    evpn_rib_totals(overlay_rib(g->overlay), &totals);
    o = json_object(result, "bgp");
    json_u64(o, "asn", bgp_local(bgp)->asn);
    json_u64(o, "peers", cmd_count_peers(bgp, n));
    json_u64(o, "peers_established", n[BGP_ESTABLISHED]);
    json_u64(o, "routes", totals.routes);
    json_u64(o, "own_routes", totals.own);
    json_u64(o, "memory_bytes", totals.bytes);
}

int cmd_show_status(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    struct dp_totals totals;
    cJSON *worker, *fast;

    (void)args;
    (void)err;
    fwd_totals(g->fwd, &totals);
    json_text(result, "site", g->conf->site);
    json_text(result, "gateway", g->conf->gateway);
    json_text(result, "version", CAUSEWAY_VERSION);
    json_u64(result, "generation", g->generation);
    json_u64(result, "reload_macs_left", g->macs_left);
    json_u64(result, "uptime_s", (mono_now().ns - g->started.ns) / 1000000000u);
    status_underlay(g, result);
    status_counts(g, result);
    status_macs(g, result);
    status_bgp(g, result);
    json_bool(result, "hugepages", g->hugepages);
    fast = json_object(result, "fastpath");
    json_text(fast, "state", cmd_fastpath_state(g));
    cmd_json_share(g, fast);
    worker = json_object(result, "worker");
    json_text(worker, "poll", g->conf->dataplane.busy_poll ? "busy" : "adaptive");
    json_u64(worker, "workers", dp_worker_number(g->dp));
    json_u64(worker, "polls", totals.polls);
    json_u64(worker, "idle_polls", totals.idle_polls);
    json_u64(result, "events_lost", totals.events_lost);
    json_u64(result, "drops", sum_drops(&totals));
    json_u64(result, "watchers", api_watchers(g->api));
    return 0;
}

static uint64_t sum_missed(const struct gateway *g)
{
    struct dp_port_counters c;
    uint64_t sum = 0;

    for (unsigned i = 0; i < g->n_ports; i++) {
        fwd_port_counters(g->fwd, g->ports[i].id, &c);
        sum += c.missed;
    }
    return sum;
}

int cmd_show_drops(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    struct dp_totals totals;
    cJSON *rows;

    (void)err;
    fwd_totals(g->fwd, &totals);
    json_u64(result, "total", sum_drops(&totals));
    json_u64(result, "missed", sum_missed(g));
    rows = json_array(result, "drops");
    for (int i = 0; i < DROP_N; i++) {
        cJSON *row;

        if (totals.drops[i] == 0 && !api_flag(args, ALL))
            continue;
        row = json_row(rows);
        json_text(row, "reason", drop_name((enum drop_reason)i));
        json_u64(row, "count", totals.drops[i]);
        json_text(row, "text", drop_text((enum drop_reason)i));
    }
    return 0;
}

static void counters_totals(const struct gateway *g, cJSON *result)
{
    struct dp_totals totals;
    cJSON *o;

    fwd_totals(g->fwd, &totals);
    o = json_object(result, "totals");
    json_u64(o, "replicas", totals.replicas);
    json_u64(o, "originated", totals.originated);
    json_u64(o, "taken", totals.taken);
    json_u64(o, "events_lost", totals.events_lost);
    json_u64(o, "polls", totals.polls);
    json_u64(o, "idle_polls", totals.idle_polls);
    json_u64(o, "drops", sum_drops(&totals));
    o = json_object(result, "drops");
    for (int i = 0; i < DROP_N; i++)
        json_u64(o, drop_name((enum drop_reason)i), totals.drops[i]);
}

/* Messages between gateways. */
static void counters_oam(const struct gateway *g, cJSON *result)
{
    struct oam_counts c = oam_counts(g->oam);
    cJSON *o = json_object(result, "messages");

    json_u64(o, "sent", c.sent);
    json_u64(o, "requests", c.requests);
    json_u64(o, "answers", c.answers);
    json_u64(o, "timeouts", c.timeouts);
    json_u64(o, "stray", c.stray);
    json_u64(o, "malformed", c.malformed);
    json_u64(o, "strangers", c.strangers);
    json_u64(o, "limited", c.limited);
}

static void counters_port(const struct gateway *g, const struct gateway_port *port, cJSON *row)
{
    struct dp_port_counters c;

    fwd_port_counters(g->fwd, port->id, &c);
    json_text(row, "port", port->name);
    json_count(row, "rx", c.rx);
    json_count(row, "tx", c.tx);
    json_u64(row, "drops", c.drops);
}

static void counters_network(const struct gateway *g, const struct gateway_network *net, cJSON *row)
{
    struct dp_net_counters c;

    fwd_net_counters(g->fwd, net->id, &c);
    json_text(row, "network", net->conf->name);
    json_count(row, "access_in_unicast", c.access_in[0]);
    json_count(row, "access_in_flooded", c.access_in[1]);
    json_count(row, "access_out_unicast", c.access_out[0]);
    json_count(row, "access_out_flooded", c.access_out[1]);
    json_count(row, "wan_in_unicast", c.wan_in[0]);
    json_count(row, "wan_in_flooded", c.wan_in[1]);
    json_count(row, "wan_out_unicast", c.wan_out[0]);
    json_count(row, "wan_out_flooded", c.wan_out[1]);
    json_u64(row, "proxy_arp", c.proxy_arp);
    json_u64(row, "proxy_nd", c.proxy_nd);
    json_u64(row, "bounced", c.bounced);
    json_u64(row, "bicast", c.bicast);
}

static void counters_vtep(const struct gateway *g, const struct gateway_vtep *vtep, cJSON *row)
{
    struct dp_vtep_counters c;

    fwd_vtep_counters(g->fwd, vtep->id, &c);
    json_address(row, "vtep", &vtep->address);
    json_count(row, "rx", c.rx);
    json_count(row, "tx", c.tx);
}

/* The cursor counts through ports, then networks, then VTEPs. */
int cmd_show_counters(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    uint32_t first = cmd_page_start(args), all = g->n_ports + g->n_networks + g->n_vteps, i;
    cJSON *ports = json_array(result, "ports"), *networks = json_array(result, "networks");
    cJSON *vteps = json_array(result, "vteps");

    (void)err;
    if (first == 0) {
        counters_totals(g, result);
        if (g->oam)
            counters_oam(g, result);
    }
    for (i = first; i < all && i - first < COUNTERS_PAGE; i++) {
        if (i < g->n_ports) {
            counters_port(g, &g->ports[i], json_row(ports));
        } else if (i - g->n_ports < g->n_networks) {
            counters_network(g, &g->networks[i - g->n_ports], json_row(networks));
        } else if (g->vteps[i - g->n_ports - g->n_networks].address.family) {
            counters_vtep(g, &g->vteps[i - g->n_ports - g->n_networks], json_row(vteps));
        }
    }
    if (i < all)
        json_u64(result, "next", i);
    return 0;
}

/* The cursor is the offset in the text. The pages fit together unless there is a reload between them. */
int cmd_show_config(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    size_t len = 0, first = cmd_page_start(args), end;
    char *text = NULL;
    FILE *f = open_memstream(&text, &len);

    if (f) {
        conf_print_masked(g->conf, f);
        if (fclose(f) != 0) {
            free(text);
            text = NULL;
        }
    }
    if (!text) {
        snprintf(err, API_ERR_LEN, "not enough memory to print the configuration");
        return -ENOMEM;
    }
    if (first > len)
        first = len;
    end = len;
    if (len - first > CONFIG_PAGE) {
        /* Whole lines, so that no character is cut in two. */
        end = first + CONFIG_PAGE;
        while (end > first && text[end - 1] != '\n')
            end--;
        if (end == first)
            end = first + CONFIG_PAGE;
        json_u64(result, "next", end);
        text[end] = '\0';
    }
    json_text(result, "yaml", text + first);
    free(text);
    return 0;
}
