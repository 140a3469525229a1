/* SPDX-License-Identifier: BSD-3-Clause
 *
 * R8.3: says when frames begin to be dropped over a flooding limit, and when that is over: a line each,
 * however long the storm. The counters of drops are the whole gateway's; the port is the one that dropped
 * most meanwhile.
 *
 * Control thread only, once a second.
 */
#include "controlplane/gateway_private.h"

#include "conf/log.h"

#define QUIET_SECONDS 10 /* without a drop: it is over */

static const struct {
    enum drop_reason reason;
    const char *name;
} kinds[GATEWAY_STORMS] = {
    {DROP_limit_broadcast, "broadcast"},
    {DROP_limit_multicast, "multicast"},
    {DROP_limit_unknown_unicast, "unknown unicast"},
};

/* The access port whose drops grew most since the last call; "?": none did. */
static const char *worst_port(struct gateway *g)
{
    const char *name = "?";
    uint64_t most = 0;

    for (unsigned i = 0; i < g->n_ports && i < DP_MAX_PORTS; i++) {
        struct dp_port_counters c;
        uint64_t grown;

        fwd_port_counters(g->fwd, g->ports[i].id, &c);
        grown = c.drops - g->priv->port_drops[g->ports[i].id];
        g->priv->port_drops[g->ports[i].id] = c.drops;
        if (g->ports[i].access && grown > most) {
            most = grown;
            name = g->ports[i].name;
        }
    }
    return name;
}

static void report_begin(const char *kind, const char *port)
{
    struct log_fields f = {0};

    log_field(&f, "event", "storm");
    log_field(&f, "traffic", "%s", kind);
    log_field(&f, "port", "%s", port);
    log_event(
        LOG_LEVEL_WARNING, "limits", &f,
        "storm: more %s frames than a network's limit, most of them from port %s: what is over is dropped "
        "(R8.3)",
        kind, port);
}

static void report_end(const char *kind, uint64_t dropped)
{
    struct log_fields f = {0};

    log_field(&f, "event", "storm-end");
    log_field(&f, "traffic", "%s", kind);
    log_field(&f, "dropped", "%llu", (unsigned long long)dropped);
    log_event(LOG_LEVEL_INFO, "limits", &f, "storm over: %llu %s frames were dropped",
              (unsigned long long)dropped, kind);
}

void gateway_report_storms(struct gateway *g)
{
    struct dp_totals totals;
    const char *port = worst_port(g);

    fwd_totals(g->fwd, &totals);
    for (unsigned i = 0; i < GATEWAY_STORMS; i++) {
        struct gateway_storm *s = &g->priv->storms[i];
        uint64_t now = totals.drops[kinds[i].reason];

        if (now != s->seen) {
            if (!s->quiet) {
                s->began_at = s->seen;
                report_begin(kinds[i].name, port);
            }
            s->quiet = QUIET_SECONDS;
            s->seen = now;
        } else if (s->quiet && --s->quiet == 0) {
            report_end(kinds[i].name, now - s->began_at);
        }
    }
}
