/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is connected to the exporter: counts, bounds and ends the connections of its evhttp (exporter.h says
 * by which rules). evhttp has no bounds of its own, nor does it tell when a connection ends.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_EXPORTER_CONN_H
#define CONTROLPLANE_EXPORTER_CONN_H

#include <stdint.h>

struct event_base;
struct evconnlistener;
struct evhttp;
struct evhttp_connection;
struct exporter_conns;

/* For an evhttp that listener was bound to. NULL without memory. */
struct exporter_conns *exporter_conns_new(struct event_base *base, struct evhttp *http,
                                          struct evconnlistener *listener);
/* After evhttp_free(). NULL is fine. */
void exporter_conns_free(struct exporter_conns *c);

/* This connection is being sent the text with this number (growing, from 1). */
void exporter_conn_answered(struct exporter_conns *c, struct evhttp_connection *conn, uint64_t text);
/* Ends the connections that still read a text with this number or an older one. */
void exporter_conns_close_readers(struct exporter_conns *c, uint64_t text);

struct exporter_conn_counts {
    uint64_t accepted;
    uint64_t closed; /* by us, before their end */
};
struct exporter_conn_counts exporter_conns_counts(const struct exporter_conns *c);

#endif
