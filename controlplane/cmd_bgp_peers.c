/* SPDX-License-Identifier: BSD-3-Clause
 *
 * show bgp peers: the list, and one peer with everything that is known of it. A password is never shown, only
 * that there is one. Control thread only.
 */
#include "controlplane/cmd.h"

#include "controlplane/overlay.h"

#include <errno.h>
#include <stdio.h>

#define PEERS_PAGE 250

static uint64_t sum_messages(const struct bgp_traffic *t)
{
    uint64_t sum = 0;

    for (int i = 0; i < BGP_TYPES; i++)
        sum += t->messages[i];
    return sum;
}

/* "up_s" of the session, or "down_s" since its end; neither when there was none yet. */
static void peer_since(const struct bgp_session_status *st, cJSON *row)
{
    if (st->since.ns)
        json_u64(row, st->state == BGP_ESTABLISHED ? "up_s" : "down_s", cmd_seconds_since(st->since));
}

static const struct evpn_rib_counts *peer_counts(const struct gateway *g, const struct bgp_session *s)
{
    rib_peer_id id = overlay_rib_peer(g->overlay, s);

    return id ? evpn_rib_counts(overlay_rib(g->overlay), id) : NULL;
}

/* What the list has, and the details begin with. */
static void peer_row(const struct gateway *g, const struct bgp_session *s,
                     const struct bgp_session_status *st, cJSON *row)
{
    const struct bgp_peer_config *c = bgp_session_config(s);
    const struct evpn_rib_counts *counts = peer_counts(g, s);
    const char *name = conf_bgp_peer_name(&g->conf->bgp, &c->address);
    char words[BGP_ERROR_WORDS];

    json_address(row, "address", &c->address);
    if (*name)
        json_text(row, "name", name);
    json_u64(row, "asn", c->asn);
    json_bool(row, "ebgp", st->ebgp);
    json_text(row, "state", bgp_state_name(st->state));
    peer_since(st, row);
    json_bool(row, "stale", st->stale);
    json_u64(row, "routes", counts ? counts->macs + counts->vteps : 0);
    json_u64(row, "messages_in", sum_messages(&st->counters->in));
    json_u64(row, "messages_out", sum_messages(&st->counters->out));
    if (*bgp_session_last_error(s, words))
        json_text(row, "last_error", words);
}

/* ---- one peer */

static void peer_connection(const struct bgp_session_status *st, cJSON *row)
{
    cJSON *o;

    if (st->local.family == 0)
        return;
    o = json_object(row, "connection");
    json_address(o, "local", &st->local);
    json_u64(o, "local_port", st->local_port);
    json_address(o, "remote", &st->remote);
    json_u64(o, "remote_port", st->remote_port);
    json_u64(o, "queued_bytes", st->queued);
}

static void peer_settings(const struct bgp_peer_config *c, cJSON *row)
{
    cJSON *o = json_object(row, "settings");

    json_address(o, "source", &c->source);
    json_u64(o, "port", c->port);
    json_bool(o, "passive", c->passive);
    json_bool(o, "password", c->password[0] != '\0');
    json_u64(o, "ttl_security_hops", c->ttl_security);
    json_u64(o, "multihop", c->multihop);
    json_u64(o, "hold_s", c->hold_s);
    json_u64(o, "keepalive_s", c->keepalive_s);
    json_u64(o, "connect_retry_s", c->connect_retry_s);
    json_u64(o, "graceful_restart_s", c->graceful_restart_s);
    json_u64(o, "stale_path_s", c->stale_path_s);
    json_limit(o, "max_prefixes", c->max_prefixes ? c->max_prefixes : UINT32_MAX);
    json_u64(o, "max_prefixes_warning_percent", c->warning_percent);
    json_limit(o, "max_prefixes_restart_s", c->max_prefix_restart_s ? c->max_prefix_restart_s : UINT32_MAX);
    json_bool(o, "encapsulation_required", c->require_encap);
}

static void peer_negotiated(const struct bgp_fsm_session *n, cJSON *row)
{
    cJSON *o;

    if (!n)
        return;
    o = json_object(row, "negotiated");
    json_id(o, "router_id", n->peer.router_id);
    json_bool(o, "incoming", n->incoming);
    json_u64(o, "hold_s", n->hold_s);
    json_u64(o, "keepalive_s", n->keepalive_s);
    json_bool(o, "route_refresh", n->refresh);
    json_bool(o, "four_octet_as", n->as4);
    json_bool(o, "extended_message", n->extended_message);
    o = json_object(o, "graceful_restart");
    json_bool(o, "helper", n->helper);
    json_bool(o, "after_notification", n->graceful_notification);
    json_bool(o, "we_restarted", n->local.caps.gr_restarting);
    json_bool(o, "we_kept_forwarding", n->local.caps.gr_forwarding);
    json_u64(o, "peer_time_s", n->peer.caps.gr_time_s);
    json_bool(o, "peer_restarted", n->peer.caps.gr_restarting);
    json_bool(o, "peer_kept_forwarding", n->peer.caps.gr_forwarding);
}

static void json_traffic(cJSON *o, const char *name, const struct bgp_traffic *t)
{
    static const char *const types[BGP_TYPES] = {[BGP_OPEN] = "open",
                                                 [BGP_UPDATE] = "update",
                                                 [BGP_NOTIFICATION] = "notification",
                                                 [BGP_KEEPALIVE] = "keepalive",
                                                 [BGP_ROUTE_REFRESH] = "route_refresh"};
    cJSON *row = json_object(o, name);

    for (int i = 0; i < BGP_TYPES; i++)
        if (types[i])
            json_u64(row, types[i], t->messages[i]);
    json_u64(row, "bytes", t->bytes);
}

static void peer_counters(const struct bgp_session_status *st, cJSON *row)
{
    const struct bgp_session_counters *c = st->counters;
    cJSON *o = json_object(row, "messages");

    json_traffic(o, "in", &c->in);
    json_traffic(o, "out", &c->out);
    o = json_object(row, "errors");
    json_u64(o, "message_errors", c->msg_errors);
    json_u64(o, "updates_withdrawn", c->withdrawn_updates);
    json_u64(o, "attributes_discarded", c->discarded_attrs);
    json_u64(o, "unknown_route_types", c->unknown_routes);
    json_u64(o, "bad_routes", c->bad_routes);
    json_u64(o, "other_families", c->other_families);
    json_u64(o, "ttl_refused", c->refused_ttl);
    json_u64(o, "md5_drops", c->md5_errors);
    json_u64(o, "dial_errors", c->dial_errors);
    json_u64(o, "unfinished_messages", c->unfinished);
    o = json_object(row, "sessions");
    json_u64(o, "established", st->fsm->established);
    json_u64(o, "dropped", st->fsm->dropped);
    json_u64(o, "dials", st->fsm->dials);
    json_u64(o, "accepted", st->fsm->accepted);
    json_u64(o, "rejected", st->fsm->rejected);
    json_u64(o, "collisions", st->fsm->collisions);
    json_u64(o, "ends_of_rib", c->ends_of_rib);
    json_u64(o, "stale_expired", c->stale_expired);
}

static void peer_routes(const struct evpn_rib_counts *c, cJSON *row)
{
    cJSON *o, *by;

    if (!c)
        return;
    o = json_object(row, "received");
    json_u64(o, "macs", c->macs);
    json_u64(o, "vteps", c->vteps);
    json_u64(o, "stale", c->stale);
    json_u64(o, "imported", c->imported);
    json_u64(o, "updates", c->updates);
    json_u64(o, "withdrawn", c->withdrawn);
    by = json_object(o, "announced");
    for (int i = 0; i < EVPN_RIB_TYPES; i++) {
        char name[16] = "other";

        if (i > 0)
            snprintf(name, sizeof(name), "type_%d", i);
        json_u64(by, name, c->announced[i]);
    }
    cmd_json_ignored(o, c->ignored);
    o = json_object(row, "sent");
    json_u64(o, "updates", c->sent_updates);
    json_u64(o, "routes", c->sent_routes);
    json_u64(o, "withdrawn", c->sent_withdrawn);
}

static void peer_details(const struct gateway *g, const struct bgp_session *s,
                         const struct bgp_session_status *st, cJSON *row)
{
    char caps[BGP_CAPS_TEXT];

    json_bool(row, "all_told", !st->pending && st->state == BGP_ESTABLISHED);
    peer_connection(st, row);
    peer_negotiated(st->negotiated, row);
    if (st->capabilities)
        json_text(row, "capabilities", bgp_caps_format(st->capabilities, caps));
    peer_settings(bgp_session_config(s), row);
    peer_routes(peer_counts(g, s), row);
    peer_counters(st, row);
}

/* ---- the list */

int cmd_show_bgp_peers(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    uint32_t first = cmd_page_start(args), i = 0;
    struct bgp_session *one = NULL, *s;
    struct bgp_session_status st;
    int rc = cmd_need_bgp(g, err);
    cJSON *rows;

    if (rc == 0)
        rc = cmd_find_peer(g, args, &one, err);
    if (rc != 0)
        return rc;
    rows = json_array(result, "peers");
    if (one) {
        cJSON *row = json_row(rows);

        bgp_session_status(one, &st);
        peer_row(g, one, &st, row);
        peer_details(g, one, &st, row);
        return 0;
    }
    for (s = bgp_peer_next(overlay_bgp(g->overlay), NULL); s; s = bgp_peer_next(overlay_bgp(g->overlay), s)) {
        if (i >= first && i - first == PEERS_PAGE) {
            json_u64(result, "next", i);
            break;
        }
        if (i++ < first)
            continue;
        bgp_session_status(s, &st);
        peer_row(g, s, &st, json_row(rows));
    }
    return 0;
}
