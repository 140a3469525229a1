/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP server that Prometheus and health checks ask (metrics.listen): /metrics, /healthz (the process is
 * alive), /readyz (it can do its work, else 503 and why not). libevent's, on the loop that moves MACs and
 * speaks BGP; so whoever connects, however often and however slowly, must cost that loop little:
 *
 *   time       the text is written in parts of half a millisecond, with the loop turning between them, and
 *              given again to whoever asks before ten times as long as it took has passed
 *   sockets    at most EXPORTER_CONNECTIONS, and no more than some are accepted in a turn. A new one closes
 *              the oldest of those that wait for nothing, so that who asks is heard beside thousands who do
 *              not; the kernel holds the others back, or refuses them
 *   memory     one request for each connection, bounded headers, no body; bounded texts that are still
 *              being sent: who reads slowly loses
 *   lifetime   every connection ends after EXPORTER_SECONDS, and with its first reply
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_EXPORTER_H
#define CONTROLPLANE_EXPORTER_H

#include "controlplane/metrics.h"

#define EXPORTER_CONNECTIONS 64
#define EXPORTER_SECONDS     10

struct event_base;
struct exporter;

/* What it shows; as metrics_part() and metrics_ready(). */
struct exporter_source {
    bool (*part)(void *arg, struct metrics_cursor *at, struct metric_text *t);
    bool (*ready)(void *arg, char reasons[METRICS_REASONS_LEN]);
    void *arg;
};

/* Listens; port 0: any (exporter_port()). NULL with a sentence in err. */
struct exporter *exporter_open(struct event_base *base, const struct ipaddr *address, uint16_t port,
                               const struct exporter_source *source, char *err, size_t err_len);
uint16_t exporter_port(const struct exporter *e);
/* Closes all connections. NULL is fine. */
void exporter_close(struct exporter *e);

/* The one of a gateway, as its configuration wants it; *out is NULL when it wants none. 0 or -errno with a
 * sentence in err. */
int exporter_start(struct event_base *base, struct gateway *g, struct exporter **out, char *err,
                   size_t err_len);

#endif
