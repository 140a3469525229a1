/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The socket server of the API: accepts, cuts lines, answers (api_request.c), keeps the bounds of api.h.
 *
 * Tricky: a client is worked on when it sent something and when the reply before left our buffer, both by
 * client_work(), which may free it. A request is answered only while no reply waits, and a reply is written
 * in a later turn of the loop: so at most one reply is held per client, and a client with many requests takes
 * turns with the others. Events wait in the same buffer, as many as watch_bytes allows.
 */
#include "controlplane/api.h"

#include "conf/log.h"
#include "controlplane/api_socket.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG         16
#define ACCEPT_PAUSE_MS 1000 /* after accept() failed, most likely without file descriptors left */

struct client {
    LIST_ENTRY(client) link;
    struct api *api;
    struct bufferevent *bev;
    uint64_t call; /* the last one; while `later`, its reply is still to come */
    bool later;
    bool watching;
    uint64_t lost; /* events that it was not told about yet */
    bool eof;      /* it sends no more, but may still read */
    bool closing;  /* close it once the last reply is out */
};

struct api {
    struct event_base *base;
    struct api_config config;
    struct api_socket socket;
    struct evconnlistener *listener;
    struct event *accept_again;
    LIST_HEAD(client_list, client) clients;
    unsigned n_clients, n_watching;
    uint64_t last_call;
};

static struct timeval ms(unsigned n)
{
    return (struct timeval){.tv_sec = n / 1000, .tv_usec = n % 1000 * 1000};
}

static void client_free(struct client *c)
{
    LIST_REMOVE(c, link);
    c->api->n_clients--;
    c->api->n_watching -= c->watching;
    bufferevent_free(c->bev);
    free(c);
}

/* Takes the reply. Without memory for it the client is as good as gone. */
static void client_reply(struct client *c, char *reply)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);

    if (!reply || evbuffer_add(out, reply, strlen(reply)) != 0 || evbuffer_add(out, "\n", 1) != 0)
        c->closing = true;
    cJSON_free(reply);
}

/* Drops what else it sent, tells it why, and closes once it has read that. */
static void client_refuse(struct client *c, const char *sentence)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);

    bufferevent_disable(c->bev, EV_READ);
    evbuffer_drain(in, evbuffer_get_length(in));
    client_reply(c, api_error_reply(sentence));
    c->closing = true;
}

static void client_answer(struct client *c, const char *line, size_t len)
{
    const struct api_config *config = &c->api->config;
    char *reply;

    c->call = ++c->api->last_call;
    reply = api_answer_call(config->commands, config->n_commands, config->ctx, line, len, c->call, &c->later);
    if (!c->later)
        client_reply(c, reply);
}

/* One line of an event. False: no room for it now. */
static bool client_event(struct client *c, const char *text)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    unsigned limit = c->api->config.watch_bytes ? c->api->config.watch_bytes : API_WATCH_BYTES;
    size_t len = strlen(text);

    return evbuffer_get_length(out) + len < limit && evbuffer_add_printf(out, "%s\n", text) >= 0;
}

/* Tells what it missed; false: no room even for that. */
static bool client_lost(struct client *c)
{
    char text[64];

    if (c->lost == 0)
        return true;
    snprintf(text, sizeof(text), "{\"event\":\"lost\",\"count\":%llu}", (unsigned long long)c->lost);
    if (!client_event(c, text))
        return false;
    c->lost = 0;
    return true;
}

static void client_work(struct client *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev), *out = bufferevent_get_output(c->bev);
    size_t len;
    char *line;

    if (c->later || evbuffer_get_length(out) > 0)
        return; /* comes back when the reply is out, or never: write_ms */
    if (c->closing) {
        client_free(c);
        return;
    }
    line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
    if (!line && c->eof) {
        client_free(c);
        return;
    }
    if (line ? len > API_LINE_MAX : evbuffer_get_length(in) > API_LINE_MAX) {
        client_refuse(c, "the request is longer than 2 MiB");
    } else if (line) {
        client_answer(c, line, len);
    }
    free(line);
    if (c->closing && evbuffer_get_length(out) == 0)
        client_free(c); /* no memory for the reply */
}

/* It sent something, or took all of the last reply. */
static void on_progress(struct bufferevent *bev, void *arg)
{
    struct client *c = arg;

    (void)bev;
    client_lost(c);
    client_work(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct client *c = arg;

    (void)bev;
    if ((what & BEV_EVENT_EOF) && !(what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))) {
        c->eof = true;
        client_work(c);
    } else if (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) {
        client_free(c);
    }
}

/* ---- later, and events */

static struct client *find_call(const struct api *api, uint64_t call)
{
    for (struct client *c = LIST_FIRST(&api->clients); c; c = LIST_NEXT(c, link))
        if (call && c->call == call)
            return c;
    return NULL;
}

void api_reply(struct api *api, uint64_t call, cJSON *result, const char *error)
{
    struct client *c = api ? find_call(api, call) : NULL;

    if (!c || !c->later) {
        cJSON_Delete(result);
        return;
    }
    c->later = false;
    if (error)
        cJSON_Delete(result);
    client_reply(c, error ? api_error_reply(error) : api_result_reply(result));
    if (c->closing)
        client_free(c); /* no memory for the reply */
}

int api_watch(struct api *api, uint64_t call)
{
    struct client *c = api ? find_call(api, call) : NULL;
    struct timeval taken;

    if (!c)
        return -ENOENT;
    if (c->watching)
        return 0;
    c->watching = true;
    api->n_watching++;
    /* It has nothing to say for as long as it likes. */
    taken = ms(api->config.write_ms);
    bufferevent_set_timeouts(c->bev, NULL, &taken);
    return 0;
}

int api_stream(struct api *api, uint64_t call)
{
    struct client *c = api ? find_call(api, call) : NULL;
    struct timeval taken;

    if (!c)
        return -ENOENT;
    taken = ms(api->config.write_ms);
    bufferevent_set_timeouts(c->bev, NULL, &taken);
    return 0;
}

int api_stream_send(struct api *api, uint64_t call, const char *line)
{
    struct client *c = api ? find_call(api, call) : NULL;

    if (!c || c->closing || c->eof)
        return -ENOENT;
    return !line || client_event(c, line) ? 0 : -EAGAIN;
}

unsigned api_watchers(const struct api *api)
{
    return api ? api->n_watching : 0;
}

void api_publish(struct api *api, cJSON *event)
{
    char *text = api_watchers(api) ? cJSON_PrintUnformatted(event) : NULL;

    cJSON_Delete(event);
    if (!api_watchers(api))
        return;
    for (struct client *c = LIST_FIRST(&api->clients); c; c = LIST_NEXT(c, link))
        if (c->watching && !c->closing && (!text || !client_lost(c) || !client_event(c, text)))
            c->lost++;
    cJSON_free(text);
}

static struct client *client_new(struct api *api, evutil_socket_t fd)
{
    struct timeval idle = ms(api->config.idle_ms), taken = ms(api->config.write_ms);
    struct client *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->api = api;
    c->bev = bufferevent_socket_new(api->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!c->bev) {
        free(c);
        return NULL;
    }
    LIST_INSERT_HEAD(&api->clients, c, link);
    api->n_clients++;
    bufferevent_setcb(c->bev, on_progress, on_progress, on_event, c);
    /* Room for a longest line, its end and some of the next: then the kernel's buffer fills and the client
     * waits. */
    bufferevent_setwatermark(c->bev, EV_READ, 0, 2 * API_LINE_MAX);
    bufferevent_set_timeouts(c->bev, &idle, &taken);
    if (bufferevent_enable(c->bev, EV_READ | EV_WRITE) != 0) {
        client_free(c);
        return NULL;
    }
    return c;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
                      int addr_len, void *arg)
{
    static const char busy[] = "{\"ok\":false,\"error\":\"too many clients; try again\"}\n";
    struct api *api = arg;

    (void)listener;
    (void)addr;
    (void)addr_len;
    if (api->n_clients >= api->config.max_clients) {
        ssize_t n = send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

        (void)n; /* it is closed either way */
        close(fd);
    } else if (!client_new(api, fd)) {
        log_error("api", "no memory for a client");
    }
}

/* Without this a listener that cannot accept (EMFILE) would turn the loop at full speed. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct api *api = arg;
    struct timeval pause = ms(ACCEPT_PAUSE_MS);

    log_warning("api", "cannot accept a client: %s", strerror(errno));
    evconnlistener_disable(listener);
    event_add(api->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
    struct api *api = arg;

    (void)fd;
    (void)what;
    evconnlistener_enable(api->listener);
}

struct api *api_open(struct event_base *base, const struct api_config *config, const char *socket_path,
                     char *err, size_t err_len)
{
    struct api *api = calloc(1, sizeof(*api));

    if (!api) {
        snprintf(err, err_len, "api: not enough memory");
        return NULL;
    }
    api->base = base;
    api->config = *config;
    LIST_INIT(&api->clients);
    /* libevent writes to clients that may be gone. */
    signal(SIGPIPE, SIG_IGN);
    if (api_socket_bind(&api->socket, socket_path, err, err_len) != 0)
        goto fail_api;
    api->accept_again = evtimer_new(base, on_accept_again, api);
    if (!api->accept_again)
        goto fail_socket;
    api->listener = evconnlistener_new(base, on_accept, api, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                       BACKLOG, api->socket.fd);
    if (!api->listener)
        goto fail_event;
    evconnlistener_set_error_cb(api->listener, on_accept_error);
    return api;

fail_event:
    event_free(api->accept_again);
fail_socket:
    snprintf(err, err_len, "api.socket: cannot listen on %s: %s", socket_path, strerror(errno));
    api_socket_unlink(&api->socket);
    close(api->socket.fd);
fail_api:
    free(api);
    return NULL;
}

void api_stop(struct api *api)
{
    struct client *c;

    if (!api)
        return;
    while ((c = LIST_FIRST(&api->clients)) != NULL)
        client_free(c);
    evconnlistener_free(api->listener);
    event_free(api->accept_again);
    api_socket_unlink(&api->socket);
    free(api);
}
