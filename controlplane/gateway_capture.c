/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gateway_capture.h. Control thread only.
 */
#include "controlplane/gateway_capture.h"

#include "controlplane/api.h"
#include "controlplane/json.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#define EVERY_MS 10
#define BATCH    256 /* frames in one turn of the loop */

struct gateway_capture {
    struct gateway_capture_config config;
    struct event *timer;
    mono_t end;
    uint64_t frames;
    unsigned late; /* of them, taken from the ring when the time was over */
    char *waiting; /* a line that the client had no room for */
    bool over;     /* the last line is on its way */
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
    if (f->port != CAPTURE_NO_PORT)
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

static char *end_line(struct gateway *g, const struct gateway_capture *c)
{
    cJSON *o = cJSON_CreateObject();
    char *line;

    json_text(o, "event", "captured");
    json_u64(o, "frames", c->frames);
    json_u64(o, "lost", dp_capture_lost(g->dp));
    line = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return line;
}

static bool has_all(const struct gateway_capture *c)
{
    return c->config.count && c->frames >= c->config.count;
}

static bool time_is_over(const struct gateway_capture *c)
{
    return c->end.ns && mono_now().ns >= c->end.ns;
}

/* The next line, or NULL. When the time is over, what is in the ring is still sent, but not what goes on
 * coming in: with many frames a second it would never be empty. */
static char *next_line(struct gateway *g, struct gateway_capture *c)
{
    bool late = time_is_over(c);
    struct capture_frame f;

    if (c->over)
        return NULL;
    if (!has_all(c) && c->late < CAPTURE_SLOTS && dp_capture_pop(g->dp, &f)) {
        c->frames++;
        c->late += late;
        return frame_line(g, &f);
    }
    if (!has_all(c) && !late)
        return NULL;
    c->over = true;
    return end_line(g, c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;
    struct gateway_capture *c = g->capture;
    int rc = api_stream_send(g->api, c->config.call, NULL); /* is it still there? */

    (void)fd, (void)what;
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

int gateway_capture_start(struct gateway *g, const struct gateway_capture_config *config)
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
    g->capture = c;
    fwd_capture(g->fwd, &config->filter);
    event_add(c->timer, &every);
    return 0;
}

void gateway_capture_stop(struct gateway *g)
{
    struct gateway_capture *c = g->capture;

    if (!c)
        return;
    g->capture = NULL;
    fwd_capture(g->fwd, NULL);
    dp_capture_stop(g->dp);
    event_free(c->timer);
    cJSON_free(c->waiting);
    free(c);
}
