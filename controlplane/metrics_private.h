/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the metrics_*.c files share and nobody else sees. Control thread only.
 *
 *   metrics.c           which parts there are; the gateway itself, MACs, moves, neighbours, announcements
 *   metrics_dp.c        ports, VTEPs, drops, the worker
 *   metrics_fastpath.c  what the XDP programs carried, and what not
 *   metrics_networks.c  networks: thousands of them, so in rows
 *   metrics_bgp.c       sessions and routes
 *   metrics_ready.c     metrics_ready()
 */
#ifndef CONTROLPLANE_METRICS_PRIVATE_H
#define CONTROLPLANE_METRICS_PRIVATE_H

#include "controlplane/metrics.h"

typedef void metrics_part_fn(const struct gateway *g, struct metric_text *t);
/* One family with rows for `n` networks from the one with this index on; the family begins with index 0. */
typedef void metrics_rows_fn(const struct gateway *g, struct metric_text *t, uint32_t first, uint32_t n);

/* ---- metrics_dp.c */
metrics_part_fn metrics_ports, metrics_vteps, metrics_drops, metrics_worker;
/* ---- metrics_fastpath.c; little without one */
metrics_part_fn metrics_fastpath;
/* ---- metrics_bgp.c; nothing without BGP */
metrics_part_fn metrics_bgp_sessions, metrics_bgp_routes;

/* ---- metrics_networks.c */
#define METRICS_NETWORK_FAMILIES 9
extern metrics_rows_fn *const metrics_networks[METRICS_NETWORK_FAMILIES];

/* Decimal digits of a number; it lives in buf. */
#define METRICS_NUMBER_LEN 24
const char *metrics_number(uint64_t n, char buf[METRICS_NUMBER_LEN]);

#endif
