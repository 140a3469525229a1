/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of BGP EVPN (metrics_private.h): sessions and routes. A peer's label is its address; reasons why
 * routes are ignored are counted for all peers together, for there may be hundreds of them.
 */
#include "controlplane/metrics_private.h"

#include "controlplane/overlay.h"

#include <stdlib.h>

struct session {
    const struct bgp_session *s;
    char peer[IPADDR_STRLEN];
    struct bgp_session_status st;
    struct evpn_rib_counts counts;
};

static bool has_bgp(const struct gateway *g)
{
    return g->overlay && overlay_bgp(g->overlay);
}

static void look(const struct gateway *g, const struct bgp_session *s, struct session *out)
{
    static const struct evpn_rib_counts none;
    rib_peer_id id = overlay_rib_peer(g->overlay, s);

    out->s = s;
    ipaddr_format(&bgp_session_config(s)->address, out->peer);
    bgp_session_status(s, &out->st);
    out->counts = id ? *evpn_rib_counts(overlay_rib(g->overlay), id) : none;
}

static void states(const struct gateway *g, const struct session *p, unsigned n, struct metric_text *t)
{
    char asn[METRICS_NUMBER_LEN];

    metric_family(t, "causeway_bgp_peer_info", METRIC_INFO, "Configured name and AS number of a BGP peer.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, 1, {"peer", p[i].peer},
                   {"name", conf_bgp_peer_name(&g->conf->bgp, &bgp_session_config(p[i].s)->address)},
                   {"asn", metrics_number(bgp_session_config(p[i].s)->asn, asn)});
    metric_family(t, "causeway_bgp_session_up", METRIC_GAUGE, "1 when the session is Established.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, p[i].st.state == BGP_ESTABLISHED, {"peer", p[i].peer});
    metric_family(t, "causeway_bgp_sessions_established_total", METRIC_COUNTER,
                  "Times that the session became Established.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, p[i].st.fsm->established, {"peer", p[i].peer});
    metric_family(t, "causeway_bgp_sessions_dropped_total", METRIC_COUNTER,
                  "Times that an Established session ended.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, p[i].st.fsm->dropped, {"peer", p[i].peer});
}

static uint64_t sum_messages(const struct bgp_traffic *traffic)
{
    uint64_t sum = 0;

    for (int i = 0; i < BGP_TYPES; i++)
        sum += traffic->messages[i];
    return sum;
}

static void traffic(const struct session *p, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_bgp_messages_total", METRIC_COUNTER, "BGP messages.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, sum_messages(&p[i].st.counters->in), {"peer", p[i].peer}, {"direction", "in"});
        metric_u64(t, sum_messages(&p[i].st.counters->out), {"peer", p[i].peer}, {"direction", "out"});
    }
    metric_family(t, "causeway_bgp_bytes_total", METRIC_COUNTER, "Bytes of BGP messages.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, p[i].st.counters->in.bytes, {"peer", p[i].peer}, {"direction", "in"});
        metric_u64(t, p[i].st.counters->out.bytes, {"peer", p[i].peer}, {"direction", "out"});
    }
    metric_family(t, "causeway_bgp_errors_total", METRIC_COUNTER,
                  "What a peer sent that ended the session (message), withdrew the routes of an UPDATE "
                  "(update), or was stepped over (attribute, route).");
    for (unsigned i = 0; i < n; i++) {
        const struct bgp_session_counters *c = p[i].st.counters;

        metric_u64(t, c->msg_errors, {"peer", p[i].peer}, {"what", "message"});
        metric_u64(t, c->withdrawn_updates, {"peer", p[i].peer}, {"what", "update"});
        metric_u64(t, c->discarded_attrs, {"peer", p[i].peer}, {"what", "attribute"});
        metric_u64(t, c->bad_routes, {"peer", p[i].peer}, {"what", "route"});
    }
}

static void routes(const struct session *p, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_bgp_routes", METRIC_GAUGE, "Routes of a peer that are held.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, p[i].counts.macs, {"peer", p[i].peer}, {"type", "mac"});
        metric_u64(t, p[i].counts.vteps, {"peer", p[i].peer}, {"type", "vtep"});
    }
    metric_family(t, "causeway_bgp_routes_stale", METRIC_GAUGE,
                  "Routes of these that are kept while the peer restarts.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, p[i].counts.stale, {"peer", p[i].peer});
    metric_family(t, "causeway_bgp_updates_total", METRIC_COUNTER, "UPDATE messages with EVPN routes.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, p[i].counts.updates, {"peer", p[i].peer}, {"direction", "in"});
        metric_u64(t, p[i].counts.sent_updates, {"peer", p[i].peer}, {"direction", "out"});
    }
}

void metrics_bgp_sessions(const struct gateway *g, struct metric_text *t)
{
    const struct bgp *bgp = has_bgp(g) ? overlay_bgp(g->overlay) : NULL;
    struct session *list;
    unsigned n = 0;

    if (!bgp)
        return;
    for (const struct bgp_session *s = bgp_peer_next(bgp, NULL); s; s = bgp_peer_next(bgp, s))
        n++;
    list = calloc(n + 1u, sizeof(*list));
    if (!list) {
        t->failed = true;
        return;
    }
    n = 0;
    for (const struct bgp_session *s = bgp_peer_next(bgp, NULL); s; s = bgp_peer_next(bgp, s))
        look(g, s, &list[n++]);
    states(g, list, n, t);
    traffic(list, n, t);
    routes(list, n, t);
    free(list);
}

/* "too many of one MAC" -> "too_many_of_one_mac": what queries are written with. */
static const char *as_word(const char *text, char *word, size_t size)
{
    size_t n = 0;

    for (; *text && n < size - 1; text++)
        word[n++] = (char)(*text == ' ' ? '_' : *text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    word[n] = '\0';
    return word;
}

void metrics_bgp_routes(const struct gateway *g, struct metric_text *t)
{
    uint64_t ignored[EVPN_RIB_IGNORED_N] = {0};
    struct evpn_rib_totals totals;
    const struct bgp *bgp;
    char word[32];

    if (!has_bgp(g))
        return;
    bgp = overlay_bgp(g->overlay);
    for (const struct bgp_session *s = bgp_peer_next(bgp, NULL); s; s = bgp_peer_next(bgp, s)) {
        rib_peer_id id = overlay_rib_peer(g->overlay, s);

        for (int i = 0; id && i < EVPN_RIB_IGNORED_N; i++)
            ignored[i] += evpn_rib_counts(overlay_rib(g->overlay), id)->ignored[i];
    }
    metric_family(t, "causeway_bgp_routes_ignored_total", METRIC_COUNTER,
                  "Routes received that are not used, by reason.");
    for (int i = 0; i < EVPN_RIB_IGNORED_N; i++)
        metric_u64(t, ignored[i],
                   {"reason", as_word(evpn_rib_ignored_name((enum evpn_rib_ignored)i), word, sizeof(word))});
    evpn_rib_totals(overlay_rib(g->overlay), &totals);
    metric_gauge(t, "causeway_bgp_own_routes", totals.own, "Routes that this gateway announces.");
    metric_gauge(t, "causeway_bgp_rib_bytes", totals.bytes, "Memory of all routes.");
}
