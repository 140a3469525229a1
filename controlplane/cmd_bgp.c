/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about BGP as a whole, and those that act on sessions: show bgp, clear bgp. What `show bgp
 * peers` says is in cmd_bgp_peers.c. Control thread only.
 */
#include "controlplane/cmd.h"

#include "controlplane/overlay.h"

#include <errno.h>
#include <stdio.h>

/* ---- show bgp */

static void bgp_settings(const struct conf_bgp *b, cJSON *result)
{
    json_u64(result, "port", b->port);
    json_u64(result, "hold_s", b->hold_time);
    json_u64(result, "keepalive_s", b->keepalive);
    json_u64(result, "graceful_restart_s", b->graceful_restart);
}

/* One member for each state: {"total":3,"Idle":0,...,"Established":2}. */
static void bgp_peers_by_state(const struct bgp *bgp, cJSON *result)
{
    unsigned n[BGP_N_STATES], total = cmd_count_peers(bgp, n);
    cJSON *o = json_object(result, "peers");

    json_u64(o, "total", total);
    for (int i = 0; i < BGP_N_STATES; i++)
        json_u64(o, bgp_state_name((enum bgp_state)i), n[i]);
}

void cmd_json_ignored(cJSON *o, const uint64_t *ignored)
{
    cJSON *rows = json_array(o, "ignored");

    for (int i = 0; i < EVPN_RIB_IGNORED_N; i++) {
        cJSON *row;

        if (ignored[i] == 0)
            continue;
        row = json_row(rows);
        json_text(row, "reason", evpn_rib_ignored_name((enum evpn_rib_ignored)i));
        json_u64(row, "count", ignored[i]);
    }
}

static void bgp_routes(const struct overlay *overlay, cJSON *result)
{
    const struct evpn_rib *rib = overlay_rib(overlay);
    const struct bgp *bgp = overlay_bgp(overlay);
    uint64_t macs = 0, vteps = 0, stale = 0, ignored[EVPN_RIB_IGNORED_N] = {0};
    struct evpn_rib_totals totals;
    cJSON *o = json_object(result, "routes");

    for (const struct bgp_session *s = bgp_peer_next(bgp, NULL); s; s = bgp_peer_next(bgp, s)) {
        rib_peer_id id = overlay_rib_peer(overlay, s);
        const struct evpn_rib_counts *c;

        if (id == 0)
            continue;
        c = evpn_rib_counts(rib, id);
        macs += c->macs;
        vteps += c->vteps;
        stale += c->stale;
        for (int i = 0; i < EVPN_RIB_IGNORED_N; i++)
            ignored[i] += c->ignored[i];
    }
    evpn_rib_totals(rib, &totals);
    json_u64(o, "macs", macs);
    json_u64(o, "vteps", vteps);
    json_u64(o, "stale", stale);
    json_u64(o, "held", totals.routes);
    json_u64(o, "destinations", totals.dests);
    json_u64(o, "attribute_sets", totals.attrs);
    json_u64(o, "own", totals.own);
    json_u64(o, "withdrawn_untold", totals.withdrawn);
    json_u64(o, "memory_bytes", totals.bytes);
    cmd_json_ignored(o, ignored);
}

/* R2.7: some peer has still to hear that we did. */
static bool is_restarting(const struct bgp *b)
{
    struct bgp_session_status st;

    for (const struct bgp_session *s = bgp_peer_next(b, NULL); s; s = bgp_peer_next(b, s)) {
        bgp_session_status(s, &st);
        if (st.restarting)
            return true;
    }
    return false;
}

int cmd_show_bgp(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const struct bgp_counters *c;
    const struct bgp_local *local;
    int rc = cmd_need_bgp(g, err);
    cJSON *o;

    (void)args;
    if (rc != 0)
        return rc;
    local = bgp_local(overlay_bgp(g->overlay));
    c = bgp_counters(overlay_bgp(g->overlay));
    json_u64(result, "asn", local->asn);
    json_id(result, "router_id", local->router_id);
    json_bool(result, "restarting", is_restarting(overlay_bgp(g->overlay)));
    bgp_settings(&g->conf->bgp, result);
    bgp_peers_by_state(overlay_bgp(g->overlay), result);
    bgp_routes(g->overlay, result);
    o = json_object(result, "connections");
    json_u64(o, "accepted", c->accepted);
    json_u64(o, "unknown", c->unknown);
    json_u64(o, "accept_errors", c->accept_errors);
    o = json_object(result, "md5_drops");
    json_u64(o, "wrong", c->md5.wrong);
    json_u64(o, "missing", c->md5.missing);
    json_u64(o, "unexpected", c->md5.unexpected);
    return 0;
}

/* ---- clear bgp */

struct cleared {
    unsigned peers, not_connected, not_asked;
};

/* RFC 2918: ours go out again, the peer is asked for its own. */
static void clear_soft(const struct overlay *overlay, struct bgp_session *s, struct cleared *n)
{
    int rc = bgp_session_refresh(s);

    if (rc == -ENOTCONN) {
        n->not_connected++;
        return;
    }
    n->not_asked += rc != 0;
    n->peers++;
    evpn_rib_refresh(overlay_rib(overlay), overlay_rib_peer(overlay, s));
    bgp_session_wake(s);
}

static void clear_one(const struct overlay *overlay, struct bgp_session *s, bool soft, const char *reason,
                      struct cleared *n)
{
    if (soft) {
        clear_soft(overlay, s, n);
    } else {
        bgp_session_reset(s, reason);
        n->peers++;
    }
}

static int check_clear(const struct api_args *args, bool all, bool soft, char err[API_ERR_LEN])
{
    const union api_value *peer = api_arg(args, PEER), *reason = api_arg(args, REASON);

    if (all == (peer != NULL)) {
        snprintf(err, API_ERR_LEN, "%s", all ? "one peer, or all? not both" : "which peer? or all");
        return -EINVAL;
    }
    if (soft && reason) {
        snprintf(err, API_ERR_LEN, "a reason goes with the end of a session; with soft there is none");
        return -EINVAL;
    }
    return 0;
}

int cmd_clear_bgp(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *reason = api_arg(args, REASON);
    bool all = api_flag(args, ALL), soft = api_flag(args, SOFT);
    struct bgp_session *one, *s;
    struct cleared n = {0};
    int rc = cmd_need_bgp(g, err);

    if (rc == 0)
        rc = check_clear(args, all, soft, err);
    if (rc == 0)
        rc = cmd_find_peer(g, args, &one, err);
    if (rc != 0)
        return rc;
    if (one) {
        clear_one(g->overlay, one, soft, reason ? reason->text : NULL, &n);
    } else {
        for (s = bgp_peer_next(overlay_bgp(g->overlay), NULL); s;
             s = bgp_peer_next(overlay_bgp(g->overlay), s))
            clear_one(g->overlay, s, soft, reason ? reason->text : NULL, &n);
    }
    if (one && n.not_connected) {
        snprintf(err, API_ERR_LEN, "no session with %s now: nothing to send or to ask for",
                 bgp_session_name(one));
        return -ENOTCONN;
    }
    json_bool(result, "soft", soft);
    json_u64(result, "cleared", n.peers);
    if (soft) {
        json_u64(result, "not_connected", n.not_connected);
        json_u64(result, "without_route_refresh", n.not_asked);
    }
    return 0;
}
