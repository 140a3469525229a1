/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of the fast path (metrics_private.h). Frames of a port, VTEP or network are counted there, whoever
 * carried them; here is what the fast path did of it, and why not more.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/metrics_private.h"
#include "ebpf/fastpath.h"

struct fast_state {
    const struct gateway_port *port;
    const struct gateway_fast_port *fast;
    struct dp_port_counters counters;
    struct fastpath_port_work work;
};

static void look(const struct gateway *g, unsigned index, struct fast_state *s)
{
    s->port = &g->ports[index];
    s->fast = gateway_fastpath_port(g, s->port->id);
    fwd_port_fast(g->fwd, s->port->id, &s->counters, &s->work);
}

static void traffic(const struct fast_state *s, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_fastpath_frames_total", METRIC_COUNTER,
                  "Frames of a port that the fast path carried.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, s[i].counters.rx.frames, {"port", s[i].port->name}, {"direction", "in"});
        metric_u64(t, s[i].counters.tx.frames, {"port", s[i].port->name}, {"direction", "out"});
    }
    metric_family(t, "causeway_fastpath_punts_total", METRIC_COUNTER,
                  "Frames that the fast path gave to the worker, by why.");
    for (unsigned i = 0; i < n; i++)
        for (unsigned reason = 0; reason < fastpath_punt_reasons(); reason++)
            metric_u64(t, s[i].work.punts[reason], {"port", s[i].port->name},
                       {"reason", fastpath_punt_name(reason)});
    metric_family(t, "causeway_fastpath_unserved_frames_total", METRIC_COUNTER,
                  "Frames for the worker that found none: the kernel got them.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, s[i].work.unserved, {"port", s[i].port->name});
}

static void targets(const struct fast_state *s, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_fastpath_port_target", METRIC_GAUGE,
                  "1 when frames are redirected to a port; else the worker sends what leaves by it.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, s[i].fast->served && !s[i].fast->refuse, {"port", s[i].port->name});
    metric_family(t, "causeway_fastpath_lost_frames_total", METRIC_COUNTER,
                  "Frames redirected to a port and lost there.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, s[i].fast->lost, {"port", s[i].port->name});
}

void metrics_fastpath(const struct gateway *g, struct metric_text *t)
{
    struct fast_state states[DP_MAX_PORTS];
    uint32_t used, capacity;
    unsigned n = 0;

    metric_gauge(t, "causeway_fastpath_up", !gateway_fastpath_why_not(g),
                 "1 when XDP programs carry known unicast.");
    if (!gateway_fastpath(g))
        return;
    metric_gauge(t, "causeway_fastpath_pinned", fastpath_pinned(gateway_fastpath(g), NULL),
                 "1 when the fast path goes on if causewayd dies.");
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].xdp)
            look(g, i, &states[n++]);
    traffic(states, n, t);
    targets(states, n, t);
    fastpath_fdb_usage(gateway_fastpath(g), &used, &capacity);
    metric_gauge(t, "causeway_fastpath_macs", used, "MACs in the fast path's table.");
    metric_gauge(t, "causeway_fastpath_macs_max", capacity, "MACs that the fast path's table has room for.");
    metric_counter(t, "causeway_fastpath_macs_refused_total", fwd_refused(g->fwd),
                   "MACs that the fast path did not take: the worker carries their frames.");
}
