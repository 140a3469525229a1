/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See service.h. The watchdog is fed by a timer of the event loop, and only when each worker has polled its
 * ports since the last time: it does so every 100 us at least. A gateway whose worker hangs loses all frames
 * while BGP goes on calling it alive: it is better started anew.
 */
#include "controlplane/service.h"

#include "conf/log.h"
#include "controlplane/cmd.h"
#include "controlplane/overlay.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define STATUS_LEN 200

struct service {
    const struct gateway *g;
    struct event *status_timer, *watchdog_timer;
    uint64_t polls[DP_MAX_WORKERS]; /* of each worker, when the watchdog was fed last */
    bool stuck;                     /* and said so */
    char status[STATUS_LEN];
};

static unsigned count_up(const struct gateway *g)
{
    unsigned up = 0;

    for (unsigned i = 0; i < g->n_ports; i++) {
        struct dp_port_status status;

        dp_port_status(g->dp, g->ports[i].id, &status);
        up += status.up;
    }
    return up;
}

static void status_text(const struct gateway *g, char text[STATUS_LEN])
{
    unsigned states[BGP_N_STATES], peers;
    char bgp[64] = "";

    if (g->overlay) {
        peers = cmd_count_peers(overlay_bgp(g->overlay), states);
        snprintf(bgp, sizeof(bgp), ", %u of %u BGP sessions up", states[BGP_ESTABLISHED], peers);
    }
    snprintf(text, STATUS_LEN, "Forwarding: %u of %u ports up, %u network%s%s", count_up(g), g->n_ports,
             g->n_networks, g->n_networks == 1 ? "" : "s", bgp);
}

static void on_status(evutil_socket_t fd, short what, void *arg)
{
    struct service *s = arg;
    char text[STATUS_LEN];

    (void)fd, (void)what;
    status_text(s->g, text);
    if (strcmp(text, s->status) == 0)
        return;
    memcpy(s->status, text, sizeof(text));
    sd_notifyf(0, "STATUS=%s", text);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
    struct service *s = arg;
    bool stuck = false;

    (void)fd, (void)what;
    for (unsigned i = 0; i < dp_worker_number(s->g->dp); i++) {
        struct dp_totals totals;

        dp_worker_totals(s->g->dp, i, &totals);
        stuck |= totals.polls == s->polls[i];
        s->polls[i] = totals.polls;
    }
    if (!stuck)
        sd_notify(0, "WATCHDOG=1");
    else if (!s->stuck)
        log_error("causewayd", "the worker does not poll its ports any more: the watchdog is not fed");
    s->stuck = stuck;
}

static struct event *add_timer(struct event_base *base, event_callback_fn fn, void *arg, uint64_t usec)
{
    const struct timeval every = {.tv_sec = (time_t)(usec / 1000000),
                                  .tv_usec = (suseconds_t)(usec % 1000000)};
    struct event *timer = event_new(base, -1, EV_PERSIST, fn, arg);

    if (timer && event_add(timer, &every) < 0) {
        event_free(timer);
        timer = NULL;
    }
    return timer;
}

struct service *service_start(struct event_base *base, const struct gateway *g)
{
    struct service *s = calloc(1, sizeof(*s));
    uint64_t watchdog = 0;

    if (!s)
        return NULL;
    s->g = g;
    s->status_timer = add_timer(base, on_status, s, 1000000);
    if (sd_watchdog_enabled(0, &watchdog) > 0) /* twice in the time, as sd_watchdog_enabled(3) advises */
        s->watchdog_timer = add_timer(base, on_watchdog, s, watchdog / 2);
    if (!s->status_timer || (watchdog && !s->watchdog_timer)) {
        service_stop(s);
        return NULL;
    }
    status_text(g, s->status);
    sd_notifyf(0, "READY=1\nSTATUS=%s", s->status);
    return s;
}

void service_stop(struct service *s)
{
    if (!s)
        return;
    sd_notify(0, "STOPPING=1");
    if (s->status_timer)
        event_free(s->status_timer);
    if (s->watchdog_timer)
        event_free(s->watchdog_timer);
    free(s);
}
