/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a gateway shows to Prometheus: each metric's name, help and value, from where causewayctl's show
 * commands have theirs. Names are causeway_*, in base units (seconds, bytes), counters end in _total. Labels
 * are bounded by the configuration and by DP_MAX_VTEPS: there is none with a MAC or IP of a host.
 *
 * It is written in parts, each some hundred microseconds long, so that MACs move between two of them.
 *
 * A new metric: its lines in the metrics_*.c that its subject has (metrics_private.h). Metrics of the XDP
 * fast path have their place in metrics_fastpath().
 *
 * Reads struct gateway, changes nothing. Control thread only.
 */
#ifndef CONTROLPLANE_METRICS_H
#define CONTROLPLANE_METRICS_H

#include "controlplane/gateway.h"
#include "controlplane/metric_text.h"

/* All zero at the beginning. */
struct metrics_cursor {
    unsigned part;
    uint32_t row; /* within the part */
};

/* Writes the next part. True: there is more. What comes and goes between two parts is there or not. */
bool metrics_part(const struct gateway *g, struct metrics_cursor *at, struct metric_text *t);

/* Ready to carry frames: all ports are up, the underlay is, and there is somebody to carry them to: a VTEP
 * whose next hop is resolved, or, while no VTEP is known, a BGP session. Else false, and a line of text for
 * each reason. */
#define METRICS_REASONS_LEN 2048
bool metrics_ready(const struct gateway *g, char reasons[METRICS_REASONS_LEN]);

#endif
