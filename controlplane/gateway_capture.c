/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gateway_capture.h. Control thread only.
 */
#include "controlplane/gateway_capture.h"

#include "conf/log.h"
#include "controlplane/api.h"
#include "controlplane/gateway_fastpath.h"
#include "controlplane/json.h"
#include "ebpf/fastpath.h"
#include "ebpf/fastpath_capture.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#define EVERY_MS 10
#define LATE_MAX (8 * CAPTURE_SLOTS) /* when the time is over: what the rings may have had by then */
#define BATCH    256                 /* frames in one turn of the loop */

struct gateway_capture {
    struct gateway_capture_config config;
    struct event *timer;
    mono_t end;
    uint64_t frames;
    unsigned late;                             /* of them, taken from the rings when the time was over */
    char *waiting;                             /* a line that the client had no room for */
    bool over;                                 /* the last line is on its way */
    struct fastpath_capture *fast;             /* NULL: none */
    struct capture_frame worker_has, fast_has; /* the oldest of each ... */
    bool worker_waits, fast_waits;             /* ... if it was fetched */
};

static const char *what_text(enum capture_what what)
{
    return what == CAPTURE_IN ? "in" : what == CAPTURE_OUT ? "out" : "drop";
}

static char *frame_line(const struct gateway *g, const struct capture_frame *f)
{
    static const char digits[] = "0123456789abcdef";
    const struct gateway_network *net = f->net ? gateway_network(g, f->net) : NULL;
    cJSON *o = cJSON_CreateObject();
    char hex[2 * CAPTURE_SNAP_MAX + 1], *line;

    for (unsigned i = 0; i < f->snapped; i++) {
        hex[2 * i] = digits[f->data[i] >> 4];
        hex[2 * i + 1] = digits[f->data[i] & 15];
    }
    hex[2 * f->snapped] = '\0';
    json_text(o, "event", "frame");
    json_u64(o, "s", f->unix_ns / UINT64_C(1000000000));
    json_u64(o, "ns", f->unix_ns % UINT64_C(1000000000));
    json_text(o, "what", what_text(f->what));
    if (f->port != DP_NO_PORT)
        json_u64(o, "port", f->port);
    if (net)
        json_text(o, "network", net->conf->name);
    if (f->what == CAPTURE_DROP)
        json_text(o, "reason", drop_name(f->reason));
    json_u64(o, "len", f->len);
    json_text(o, "data", hex);
    line = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return line;
}

static char *end_line(uint64_t frames, uint64_t lost)
{
    cJSON *o = cJSON_CreateObject();
    char *line;

    json_text(o, "event", "captured");
    json_u64(o, "frames", frames);
    json_u64(o, "lost", lost);
    line = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return line;
}

static uint64_t lost(struct gateway *g, const struct gateway_capture *c)
{
    return dp_capture_lost(g->dp) + (c->fast ? fastpath_capture_lost(c->fast) : 0);
}

/* The oldest of what both have; NULL: neither has any. Until the next call. */
static const struct capture_frame *next_frame(struct gateway *g, struct gateway_capture *c)
{
    struct capture_frame *worker = &c->worker_has, *fast = &c->fast_has, *oldest;

    if (!c->worker_waits)
        c->worker_waits = dp_capture_pop(g->dp, worker);
    if (!c->fast_waits)
        c->fast_waits = c->fast && fastpath_capture_pop(c->fast, fast);
    if (!c->worker_waits && !c->fast_waits)
        return NULL;
    oldest = !c->fast_waits || (c->worker_waits && worker->unix_ns <= fast->unix_ns) ? worker : fast;
    if (oldest == worker)
        c->worker_waits = false;
    else
        c->fast_waits = false;
    return oldest;
}

static bool has_all(const struct gateway_capture *c)
{
    return c->config.count && c->frames >= c->config.count;
}

static bool time_is_over(const struct gateway_capture *c)
{
    return c->end.ns && mono_now().ns >= c->end.ns;
}

/* The next line, or NULL. When the time is over, what is in the rings is still sent, but not what goes on
 * coming in: with many frames a second they would never be empty. */
static char *next_line(struct gateway *g, struct gateway_capture *c)
{
    const struct capture_frame *f = NULL;
    bool late = time_is_over(c);

    if (c->over)
        return NULL;
    if (!has_all(c) && c->late < LATE_MAX)
        f = next_frame(g, c);
    if (f) {
        c->frames++;
        c->late += late;
        return frame_line(g, f);
    }
    if (!has_all(c) && !late)
        return NULL;
    c->over = true;
    return end_line(c->frames, lost(g, c));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;
    struct gateway_capture *c = g->capture;
    int rc = api_stream_send(g->api, c->config.call, NULL); /* is it still there? */

    (void)fd, (void)what;
    if (c->fast)
        fastpath_capture_go_on(c->fast);
    for (unsigned n = 0; n < BATCH && rc == 0; n++) {
        if (!c->waiting)
            c->waiting = next_line(g, c);
        if (!c->waiting)
            break;
        rc = api_stream_send(g->api, c->config.call, c->waiting);
        if (rc == -EAGAIN)
            return;
        cJSON_free(c->waiting);
        c->waiting = NULL;
    }
    if (rc == -ENOENT || (c->over && !c->waiting))
        gateway_capture_stop(g);
}

/* What the fast path carries cannot be had: the capture goes without. */
static void start_fast(struct gateway *g, struct gateway_capture *c, char *without, size_t len)
{
    int rc = 0;

    without[0] = '\0';
    if (!fwd_fastpath(g->fwd))
        return;
    rc = fastpath_capture_open(&c->config.filter, &c->fast, without, len);
    if (rc == 0)
        rc = gateway_fastpath_capture(g, c->fast, without, len);
    if (rc == 0)
        return;
    fastpath_capture_close(c->fast);
    c->fast = NULL;
}

static void stop_fast(struct gateway *g, struct gateway_capture *c)
{
    char err[FASTPATH_ERR_LEN];

    if (!c->fast)
        return;
    if (gateway_fastpath_capture(g, NULL, err, sizeof(err)) < 0)
        log_warning("fastpath", "%s", err);
    fastpath_capture_close(c->fast);
}

int gateway_capture_start(struct gateway *g, const struct gateway_capture_config *config, char *without_fast,
                          size_t len)
{
    static const struct timeval every = {.tv_usec = EVERY_MS * 1000};
    struct gateway_capture *c;
    int rc;

    /* One whose client has gone need not be found out by its timer first. */
    if (g->capture && api_stream_send(g->api, g->capture->config.call, NULL) == -ENOENT)
        gateway_capture_stop(g);
    if (g->capture)
        return -EBUSY;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->config = *config;
    if (config->seconds)
        c->end.ns = mono_now().ns + config->seconds * UINT64_C(1000000000);
    c->timer = event_new(g->base, -1, EV_PERSIST, on_timer, g);
    rc = c->timer ? api_stream(g->api, config->call) : -ENOMEM;
    if (rc == 0)
        rc = dp_capture_start(g->dp, &config->filter);
    if (rc < 0) {
        if (c->timer)
            event_free(c->timer);
        free(c);
        return rc;
    }
    start_fast(g, c, without_fast, len);
    g->capture = c;
    event_add(c->timer, &every);
    return 0;
}

void gateway_capture_stop(struct gateway *g)
{
    struct gateway_capture *c = g->capture;

    if (!c)
        return;
    g->capture = NULL;
    stop_fast(g, c);
    dp_capture_stop(g->dp);
    event_free(c->timer);
    cJSON_free(c->waiting);
    free(c);
}
