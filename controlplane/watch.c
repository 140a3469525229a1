/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See watch.h.
 */
#include "controlplane/watch.h"

#include "controlplane/api.h"
#include "controlplane/journal_text.h"
#include "controlplane/json.h"
#include "controlplane/site.h"

#include <time.h>

/* NULL: nobody watches, or no memory. */
static cJSON *begin(const struct gateway *g, const char *event)
{
    cJSON *o = api_watchers(g->api) ? cJSON_CreateObject() : NULL;
    struct timespec now;
    char text[JOURNAL_TIME_LEN];

    if (!o)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    json_text(o, "event", event);
    json_text(o, "time", journal_time((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, text));
    return o;
}

static void network_name(const struct gateway *g, dp_net_id id, cJSON *o)
{
    const struct gateway_network *n = gateway_network(g, id);

    json_text(o, "network", n ? n->conf->name : "unknown");
}

static void place(const struct gateway *g, struct mac_place p, cJSON *o)
{
    const struct gateway_port *port = p.where == DP_WHERE_PORT ? gateway_port(g, p.target) : NULL;
    const struct gateway_vtep *vtep = p.where == DP_WHERE_VTEP ? gateway_vtep(g, p.target) : NULL;

    if (port)
        json_text(o, "port", port->name);
    if (vtep)
        json_address(o, "vtep", &vtep->address);
}

void watch_move(const struct gateway *g, const struct journal_entry *e, bool done)
{
    cJSON *o = begin(g, done ? "move-done" : "move");

    if (!o)
        return;
    journal_json(json_object(o, "move"), e);
    api_publish(g->api, o);
}

const char *watch_prepared_warning(const struct prepared *p)
{
    if (p->state != PREPARED_ALONE)
        return NULL;
    if (!p->answered)
        return "the other gateway did not answer: frames are sent to both places from here only";
    switch (p->status) {
    case OAM_UNKNOWN_MAC:
        return "the other gateway does not know this MAC: frames are sent to both places from here only";
    case OAM_BUSY:
        return "the other gateway has no room for another one: frames are sent to both places from here only";
    default:
        return "the other gateway cannot do this: frames are sent to both places from here only";
    }
}

void watch_prepared_json(const struct gateway *g, const struct prepared *p, cJSON *o)
{
    const struct gateway_vtep *peer = gateway_vtep(g, p->peer);
    mono_t now = mono_now();

    json_u64(o, "id", p->id);
    network_name(g, p->net, o);
    json_mac(o, "mac", p->mac);
    json_text(o, "direction", p->role == PREPARED_OLD ? "away" : "here");
    json_text(o, "state", prepared_state_text(p));
    if (peer) {
        json_text(o, "site", site_name(g->conf, &peer->address));
        json_address(o, "vtep", &peer->address);
    }
    json_text(o, "asked", p->by_us ? "here" : "by the other gateway");
    if (p->state == PREPARED_ENDED)
        json_u64(o, "bicast", p->bicast);
    else
        json_u64(o, "seconds_left",
                 p->until.ns > now.ns ? (p->until.ns - now.ns + 999999999) / 1000000000 : 0);
    if (watch_prepared_warning(p))
        json_text(o, "warning", watch_prepared_warning(p));
}

void watch_prepared(const struct gateway *g, const struct prepared *p)
{
    cJSON *o = begin(g, "prepared");

    if (!o)
        return;
    watch_prepared_json(g, p, json_object(o, "prepared"));
    api_publish(g->api, o);
}

const char *watch_alert_name(enum mac_alert what)
{
    static const char *const names[MAC_ALERT_N] = {[MAC_ALERT_NET_LIMIT] = "network-limit",
                                                   [MAC_ALERT_PORT_LIMIT] = "port-limit",
                                                   [MAC_ALERT_FDB_FULL] = "table-full",
                                                   [MAC_ALERT_DUPLICATE] = "duplicate",
                                                   [MAC_ALERT_DUPLICATE_END] = "duplicate-end",
                                                   [MAC_ALERT_STICKY_MOVED] = "sticky-moved",
                                                   [MAC_ALERT_IP_LIMIT] = "ip-limit"};

    return names[what];
}

void watch_alert(const struct gateway *g, const struct mac_alert_info *a, const char *text)
{
    cJSON *o = begin(g, "alert");

    if (!o)
        return;
    json_text(o, "alert", watch_alert_name(a->what));
    network_name(g, a->net, o);
    if (!mac_is_zero(a->mac)) {
        json_mac(o, "mac", a->mac);
        place(g, a->held, json_object(o, "held"));
        place(g, a->seen, json_object(o, "seen"));
        if (a->moves)
            json_u64(o, "moves", a->moves);
    }
    json_text(o, "text", text);
    api_publish(g->api, o);
}

const char *watch_neighbor_name(enum neighbor_alert what)
{
    static const char *const names[] = {[NEIGHBOR_ALERT_DUPLICATE] = "duplicate-ip",
                                        [NEIGHBOR_ALERT_DUPLICATE_END] = "duplicate-ip-end",
                                        [NEIGHBOR_ALERT_IMMUTABLE] = "immutable-ip",
                                        [NEIGHBOR_ALERT_FULL] = "neighbors-full"};

    return names[what];
}

void watch_neighbor(const struct gateway *g, const struct neighbor_alert_info *a, const char *text)
{
    cJSON *o = begin(g, "alert");

    if (!o)
        return;
    json_text(o, "alert", watch_neighbor_name(a->what));
    network_name(g, a->net, o);
    json_address(o, "ip", &a->ip);
    json_text(o, "text", text);
    api_publish(g->api, o);
}

void watch_peer(const struct gateway *g, const struct ipaddr *peer, bool up)
{
    cJSON *o = begin(g, "peer");

    if (!o)
        return;
    json_address(o, "peer", peer);
    json_text(o, "state", up ? "up" : "down");
    api_publish(g->api, o);
}

void watch_vtep(const struct gateway *g, const struct underlay_hop *hop)
{
    cJSON *o = begin(g, "vtep");

    if (!o)
        return;
    json_address(o, "vtep", &hop->vtep);
    json_text(o, "site", site_name(g->conf, &hop->vtep));
    json_text(o, "state", underlay_state_text(hop->state));
    api_publish(g->api, o);
}
