/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See metrics.h. Here: the list of the parts, and the control plane's own tables.
 */
#include "controlplane/metrics_private.h"

#include "conf/version.h"
#include "controlplane/announce.h"
#include "controlplane/moves.h"

#include <stdio.h>

#define ROWS 500 /* networks of one part */

const char *metrics_number(uint64_t n, char buf[METRICS_NUMBER_LEN])
{
    snprintf(buf, METRICS_NUMBER_LEN, "%llu", (unsigned long long)n);
    return buf;
}

static void gateway_itself(const struct gateway *g, struct metric_text *t)
{
    char vtep[IPADDR_STRLEN], reasons[METRICS_REASONS_LEN];

    metric_family(t, "causeway_build_info", METRIC_INFO, "Which causewayd this is.");
    metric_u64(t, 1, {"version", CAUSEWAY_VERSION}, {"build", version_build()}, {"dpdk", dp_version()});
    metric_family(t, "causeway_gateway_info", METRIC_INFO, "Which gateway this is, and its VTEP address.");
    metric_u64(t, 1, {"site", g->conf->site}, {"gateway", g->conf->gateway},
               {"vtep", ipaddr_format(&g->conf->underlay.address, vtep)});
    metric_family(t, "causeway_start_time_seconds", METRIC_GAUGE, "When causewayd started, in Unix time.");
    metric_labels_ns(t, NULL, 0, g->started_unix_ns);
    metric_gauge(t, "causeway_config_generation", g->generation,
                 "Grows by one each time that a configuration takes effect.");
    metric_gauge(t, "causeway_ready", metrics_ready(g, reasons),
                 "1 when /readyz says so: ports and underlay are up, and a peer or VTEP is.");
}

/* ---- MACs and IPs */

static void macs(const struct gateway *g, struct metric_text *t)
{
    static const char *const by[MAC_CAUSES] = {
        [MAC_BY_FRAME] = "frame", [MAC_BY_ROUTE] = "route", [MAC_BY_US] = "configuration"};
    const struct mactable_stats s = mactable_stats(g->macs);

    metric_gauge(t, "causeway_macs", mactable_count(g->macs), "MACs in the MAC table.");
    metric_gauge(t, "causeway_macs_max", g->conf->dataplane.max_macs,
                 "MACs that the MAC table has room for.");
    metric_family(t, "causeway_macs_added_total", METRIC_COUNTER, "New MACs, by what brought them.");
    for (unsigned i = 0; i < MAC_CAUSES; i++)
        metric_u64(t, s.added[i], {"by", by[i]});
    metric_counter(t, "causeway_macs_aged_total", s.aged, "MACs that were silent for too long.");
    metric_counter(t, "causeway_macs_refused_total", s.refused,
                   "Frames and routes of new MACs that found a limit reached or the table full.");
    metric_counter(t, "causeway_mac_routes_missed_total", s.routes_missed,
                   "Routes of peers that found the MAC table full.");
    metric_counter(t, "causeway_mac_moves_total", s.moves, "Changes of place of MACs.");
    metric_gauge(t, "causeway_macs_frozen", s.frozen, "MACs that are frozen now as duplicates.");
    metric_counter(t, "causeway_duplicate_macs_total", s.duplicates, "MACs that were frozen as duplicates.");
    metric_counter(t, "causeway_sticky_moves_total", s.sticky_moves,
                   "Frames and routes that show a sticky or configured MAC elsewhere.");
}

static void neighbours(const struct gateway *g, struct metric_text *t)
{
    const struct neighbor_stats s = neighbor_stats(g->neighbors);

    metric_gauge(t, "causeway_neighbors", s.bindings, "Pairs of IP and MAC that are known.");
    metric_gauge(t, "causeway_neighbors_max", g->conf->dataplane.max_macs * UINT64_C(2),
                 "Pairs of IP and MAC that there is room for.");
    metric_gauge(t, "causeway_neighbors_local", s.local, "Pairs of IP and MAC of hosts at this site.");
    metric_counter(t, "causeway_neighbor_changes_total", s.changes, "Times that an IP went to another MAC.");
    metric_gauge(t, "causeway_ips_frozen", s.frozen, "IPs that are frozen now as duplicates.");
    metric_counter(t, "causeway_duplicate_ips_total", s.duplicates, "IPs that were frozen as duplicates.");
    metric_family(t, "causeway_neighbors_refused_total", METRIC_COUNTER,
                  "Frames and routes that would have given an IP to another MAC or found no room.");
    metric_u64(t, s.refused_frozen, {"reason", "frozen"});
    metric_u64(t, s.immutable, {"reason", "immutable"});
    metric_u64(t, s.refused_full, {"reason", "full"});
    metric_counter(t, "causeway_neighbor_probes_total", s.probes,
                   "Hosts asked whether they still have an IP.");
    metric_counter(t, "causeway_neighbor_probes_limited_total", s.probes_limited,
                   "Probes that the limit held back.");
}

/* ---- moves */

static void stage(struct metric_text *t, const char *name, const struct histogram *h)
{
    const struct metric_label label = {"stage", name};

    metric_labels_histogram(t, &label, 1, h);
}

static void moves(const struct gateway *g, struct metric_text *t)
{
    const struct move_times *times = moves_times(g->moves);

    metric_family(t, "causeway_move_dark_seconds", METRIC_HISTOGRAM,
                  "How long MACs that moved were dark, as far as seen here: all stages added up.");
    metric_labels_histogram(t, NULL, 0, &times->dark);
    metric_family(t, "causeway_move_stage_seconds", METRIC_HISTOGRAM,
                  "Stages of moves: silent until the new place showed, until the FDB had it (fdb), "
                  "until the first frame left for it (first), until the peers had our route (bgp).");
    stage(t, "silent", &times->silent);
    stage(t, "fdb", &times->fdb);
    stage(t, "first", &times->first);
    stage(t, "bgp", &times->bgp);
    metric_counter(t, "causeway_moves_dark_unknown_total", times->unknown,
                   "Moves of which some stage could not be seen here, so that they are not in "
                   "causeway_move_dark_seconds.");
    metric_counter(t, "causeway_moves_unrecorded_total", journal_left_out(moves_journal(g->moves)),
                   "Moves that the journal left out, for they came too fast.");
    metric_gauge(t, "causeway_moves_prepared", move_prepare_count(moves_prepared(g->moves)),
                 "Moves that are prepared and have not happened.");
    metric_gauge(t, "causeway_moves_bouncing", moves_bouncing(g->moves),
                 "MACs that left this site and whose frames are sent on.");
}

static void announcements(const struct gateway *g, struct metric_text *t)
{
    static const char *const kinds[ANNOUNCE_KINDS] = {
        [ANNOUNCE_GARP_REQUEST] = "garp_request",
        [ANNOUNCE_GARP_REPLY] = "garp_reply",
        [ANNOUNCE_NA] = "na",
        [ANNOUNCE_RARP] = "rarp",
        [ANNOUNCE_GATEWAY] = "gateway",
    };
    const struct announce_counts c = announce_counts(g->announce, 0);

    metric_family(t, "causeway_announcements_total", METRIC_COUNTER, "Frames sent to announce a move.");
    for (unsigned i = 0; i < ANNOUNCE_KINDS; i++)
        metric_u64(t, c.sent[i], {"kind", kinds[i]});
    metric_gauge(t, "causeway_announcements_waiting", c.waiting, "MACs that are still to be announced.");
    metric_counter(t, "causeway_announcements_limited_total", c.limited,
                   "Announcements that the limit put off or gave up.");
    metric_counter(t, "causeway_announcements_failed_total", c.failed,
                   "Announcements that the data plane did not take.");
}

/* ---- all of it */

static metrics_part_fn *const parts[] = {
    gateway_itself, metrics_ports, metrics_drops, metrics_worker, metrics_fastpath,     macs,
    neighbours,     moves,         announcements, metrics_vteps,  metrics_bgp_sessions, metrics_bgp_routes,
};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

bool metrics_part(const struct gateway *g, struct metrics_cursor *at, struct metric_text *t)
{
    if (at->part < N_PARTS) {
        parts[at->part++](g, t);
        return true;
    }
    metrics_networks[at->part - N_PARTS](g, t, at->row, ROWS);
    at->row += ROWS;
    if (at->row < g->n_networks)
        return true;
    at->row = 0;
    at->part++;
    if (at->part < N_PARTS + METRICS_NETWORK_FAMILIES)
        return true;
    metric_text_end(t);
    return false;
}
