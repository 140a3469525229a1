/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of the data plane (metrics_private.h): ports, VTEPs, drops, the worker.
 */
#include "controlplane/metrics_private.h"

#include <stdlib.h>

#define NS_PER_S 1000000000u

/* ---- ports */

struct port_state {
    const struct gateway_port *port;
    struct dp_port_status status;
    struct dp_port_counters counters;
};

static void port_states(const struct port_state *ports, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_port_info", METRIC_INFO, "Role and driver of a port.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, 1, {"port", ports[i].port->name}, {"role", dp_port_role_name(ports[i].status.role)},
                   {"driver", ports[i].status.driver});
    metric_family(t, "causeway_port_up", METRIC_GAUGE, "1 when the link of a port is up.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, ports[i].status.up, {"port", ports[i].port->name});
    metric_family(t, "causeway_port_mtu_bytes", METRIC_GAUGE, "IP MTU of a port.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, ports[i].status.mtu, {"port", ports[i].port->name});
}

static void port_traffic(const struct port_state *ports, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_port_frames_total", METRIC_COUNTER, "Frames of a port.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, ports[i].counters.rx.frames, {"port", ports[i].port->name}, {"direction", "in"});
        metric_u64(t, ports[i].counters.tx.frames, {"port", ports[i].port->name}, {"direction", "out"});
    }
    metric_family(t, "causeway_port_bytes_total", METRIC_COUNTER, "Bytes of a port's frames, without FCS.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, ports[i].counters.rx.bytes, {"port", ports[i].port->name}, {"direction", "in"});
        metric_u64(t, ports[i].counters.tx.bytes, {"port", ports[i].port->name}, {"direction", "out"});
    }
    metric_family(t, "causeway_port_dropped_frames_total", METRIC_COUNTER,
                  "Frames that came in by a port and were dropped, whatever the reason.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, ports[i].counters.drops, {"port", ports[i].port->name});
    metric_family(t, "causeway_port_missed_frames_total", METRIC_COUNTER,
                  "Frames lost before the worker saw them: the receive ring was full.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, ports[i].counters.missed, {"port", ports[i].port->name});
}

static void port_macs(const struct gateway *g, struct metric_text *t)
{
    metric_family(t, "causeway_port_macs", METRIC_GAUGE, "MACs behind an access port.");
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access)
            metric_u64(t, mactable_count_at(g->macs, DP_WHERE_PORT, g->ports[i].id),
                       {"port", g->ports[i].name});
    metric_family(t, "causeway_port_macs_max", METRIC_GAUGE,
                  "MACs that an access port may have, where it has a limit.");
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && g->ports[i].access->mac_limit != CONF_NO_LIMIT)
            metric_u64(t, g->ports[i].access->mac_limit, {"port", g->ports[i].name});
}

void metrics_ports(const struct gateway *g, struct metric_text *t)
{
    struct port_state ports[DP_MAX_PORTS];

    for (unsigned i = 0; i < g->n_ports; i++) {
        ports[i].port = &g->ports[i];
        dp_port_status(g->dp, g->ports[i].id, &ports[i].status);
        fwd_port_counters(g->fwd, g->ports[i].id, &ports[i].counters);
    }
    port_states(ports, g->n_ports, t);
    port_traffic(ports, g->n_ports, t);
    port_macs(g, t);
}

/* ---- the underlay and VTEPs */

struct vtep_state {
    char address[IPADDR_STRLEN];
    bool resolved;
    uint16_t mtu;
    uint32_t macs;
    struct dp_vtep_counters counters;
};

/* R1.7: the largest packet that some network lets pass, with its outer header. */
static unsigned needed_mtu(const struct gateway *g)
{
    unsigned largest = 0;

    for (unsigned i = 0; i < g->n_networks; i++) {
        unsigned mtu = conf_network_mtu(g->networks[i].conf);

        if (mtu > largest)
            largest = mtu;
    }
    return largest + conf_overhead(g->conf);
}

static void underlay(const struct gateway *g, struct metric_text *t)
{
    const struct underlay_link *link = underlay_link(g->underlay);

    metric_gauge(t, "causeway_underlay_up", link->up, "1 when the interface towards the WAN is up.");
    metric_gauge(t, "causeway_underlay_mtu_bytes", link->mtu, "IP MTU of the interface towards the WAN.");
    metric_gauge(t, "causeway_path_mtu_needed_bytes", needed_mtu(g),
                 "Path MTU that the largest packets of all networks need.");
    metric_counter(t, "causeway_underlay_resyncs_total", underlay_resyncs(g->underlay),
                   "Times that events of the kernel were lost and all was asked for again.");
}

static void vtep_look(const struct gateway *g, const struct gateway_vtep *vtep, struct vtep_state *s)
{
    const struct underlay_hop *hop = underlay_hop(g->underlay, &vtep->address);

    ipaddr_format(&vtep->address, s->address);
    s->resolved = hop && hop->state == UNDERLAY_RESOLVED;
    s->mtu = s->resolved ? hop->mtu : 0;
    s->macs = mactable_count_at(g->macs, DP_WHERE_VTEP, vtep->id);
    fwd_vtep_counters(g->fwd, vtep->id, &s->counters);
}

static void vtep_states(const struct vtep_state *v, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_vtep_up", METRIC_GAUGE,
                  "1 when the way to a VTEP is known: route, next hop and its MAC.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, v[i].resolved, {"vtep", v[i].address});
    metric_family(t, "causeway_vtep_path_mtu_bytes", METRIC_GAUGE, "IP MTU of the way to a VTEP that is up.");
    for (unsigned i = 0; i < n; i++)
        if (v[i].resolved)
            metric_u64(t, v[i].mtu, {"vtep", v[i].address});
    metric_family(t, "causeway_vtep_macs", METRIC_GAUGE, "MACs behind a VTEP.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, v[i].macs, {"vtep", v[i].address});
}

static void vtep_traffic(const struct vtep_state *v, unsigned n, struct metric_text *t)
{
    metric_family(t, "causeway_vtep_frames_total", METRIC_COUNTER, "Frames from and to a VTEP.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, v[i].counters.rx.frames, {"vtep", v[i].address}, {"direction", "in"});
        metric_u64(t, v[i].counters.tx.frames, {"vtep", v[i].address}, {"direction", "out"});
    }
    metric_family(t, "causeway_vtep_bytes_total", METRIC_COUNTER,
                  "Bytes of inner frames from and to a VTEP.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, v[i].counters.rx.bytes, {"vtep", v[i].address}, {"direction", "in"});
        metric_u64(t, v[i].counters.tx.bytes, {"vtep", v[i].address}, {"direction", "out"});
    }
}

void metrics_vteps(const struct gateway *g, struct metric_text *t)
{
    struct vtep_state *v = calloc(g->n_vteps + 1u, sizeof(*v));
    unsigned n = 0;

    underlay(g, t);
    if (!v) {
        t->failed = true;
        return;
    }
    for (unsigned i = 0; i < g->n_vteps; i++)
        if (g->vteps[i].address.family)
            vtep_look(g, &g->vteps[i], &v[n++]);
    vtep_states(v, n, t);
    vtep_traffic(v, n, t);
    free(v);
}

/* ---- drops, the worker */

void metrics_drops(const struct gateway *g, struct metric_text *t)
{
    struct dp_totals totals;

    fwd_totals(g->fwd, &totals);
    metric_family(t, "causeway_drops_total", METRIC_COUNTER,
                  "Frames dropped, by reason (causewayctl show drops explains them).");
    for (int i = 0; i < DROP_N; i++)
        metric_u64(t, totals.drops[i], {"reason", drop_name((enum drop_reason)i)});
    metric_counter(t, "causeway_replicas_total", totals.replicas,
                   "Copies beyond the first of flooded frames.");
    metric_counter(t, "causeway_originated_frames_total", totals.originated, "Frames of the gateway's own.");
    metric_counter(t, "causeway_taken_frames_total", totals.taken, "Frames for the gateway itself.");
    metric_counter(t, "causeway_learn_events_lost_total", totals.events_lost,
                   "Learn events that found the ring to the control plane full.");
}

void metrics_worker(const struct gateway *g, struct metric_text *t)
{
    struct dp_totals totals[DP_MAX_WORKERS];
    unsigned n = dp_worker_number(g->dp);
    uint64_t hz = dp_cycles_hz(g->dp);
    uint32_t used, capacity;
    char name[DP_MAX_WORKERS][8];

    for (unsigned i = 0; i < n; i++) {
        dp_worker_totals(g->dp, i, &totals[i]);
        snprintf(name[i], sizeof(name[i]), "%u", i);
    }
    metric_family(t, "causeway_worker_busy_seconds_total", METRIC_COUNTER,
                  "Time that a worker spent in rounds that had frames.");
    for (unsigned i = 0; i < n; i++) {
        uint64_t busy = totals[i].busy_cycles;

        metric_labels_ns(t, &(struct metric_label){"worker", name[i]}, 1,
                         hz ? busy / hz * NS_PER_S + busy % hz * NS_PER_S / hz : 0);
    }
    metric_family(t, "causeway_worker_busy_cycles_total", METRIC_COUNTER,
                  "The same in cycles of the processor's clock.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, totals[i].busy_cycles, {"worker", name[i]});
    metric_family(t, "causeway_worker_frames_total", METRIC_COUNTER, "Frames that these rounds had.");
    for (unsigned i = 0; i < n; i++)
        metric_u64(t, totals[i].frames, {"worker", name[i]});
    metric_family(t, "causeway_worker_rounds_total", METRIC_COUNTER, "Rounds of a worker over its ports.");
    for (unsigned i = 0; i < n; i++) {
        metric_u64(t, totals[i].polls - totals[i].idle_polls, {"worker", name[i]}, {"state", "busy"});
        metric_u64(t, totals[i].idle_polls, {"worker", name[i]}, {"state", "idle"});
    }
    fwd_fdb_usage(g->fwd, &used, &capacity);
    metric_gauge(t, "causeway_fdb_entries", used, "MACs in the data plane's table.");
    metric_gauge(t, "causeway_fdb_entries_max", capacity, "MACs that the data plane's table has room for.");
}
