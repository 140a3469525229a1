/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See exporter.h. Here: the socket, the paths, and the texts. Who is connected is exporter_conn.c's.
 *
 * Tricky: libevent lets us hold a request and answer later; when its connection ends meanwhile, the request
 * is ours alone (evhttp_request_get_connection() is NULL), and a reply to it only frees it.
 */
#include "controlplane/exporter.h"

#include "conf/log.h"
#include "controlplane/exporter_conn.h"
#include "controlplane/sockaddr.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define BACKLOG      128
#define HEADERS_MAX  8192
#define IDLE_SECONDS 5
#define SLICE_NS     500000u
#define REST         10 /* a text is given again for that many times the time that it took */
#define TEXTS        8  /* at once, those included that somebody has not read yet */
#define FORMATS      2  /* plain, OpenMetrics */

/* A finished text. It goes with its last reader, unless it is the newest of its format. */
struct text {
    LIST_ENTRY(text) link;
    struct exporter *e; /* NULL: it is closed, but libevent has still to free what it sent */
    uint64_t number;    /* grows */
    unsigned refs;
    mono_t until; /* given again until then */
    char *bytes;
    size_t len;
};

struct waiter {
    STAILQ_ENTRY(waiter) link;
    struct evhttp_request *req;
    bool openmetrics;
};
STAILQ_HEAD(waiters, waiter);
LIST_HEAD(texts, text);

struct exporter {
    struct event_base *base;
    struct exporter_source source;
    struct evhttp *http;
    struct exporter_conns *conns;
    struct evconnlistener *listener; /* http's */
    uint16_t port;
    struct text *newest[FORMATS];
    struct texts texts;
    unsigned n_texts;
    uint64_t numbers;
    uint64_t scrapes, last_cost_ns;
    /* the text that is being written */
    struct event *go_on;
    bool writing;
    struct metrics_cursor at;
    struct metric_text text;
    uint64_t cost_ns;
    struct waiters waiters;
};

/* ---- replies */

/* libevent sends a body even where nobody wants one (RFC 9110 section 9.3.2). */
static void only_head(struct evkeyvalq *headers, struct evbuffer *body)
{
    char len[24];

    snprintf(len, sizeof(len), "%zu", body ? evbuffer_get_length(body) : 0);
    evhttp_add_header(headers, "Content-Length", len);
    if (body)
        evbuffer_drain(body, evbuffer_get_length(body));
}

static void reply(struct evhttp_request *req, int code, const char *type, struct evbuffer *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

    if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
        only_head(headers, body);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Connection", "close");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_send_reply(req, code, NULL, body);
}

static void reply_text(struct evhttp_request *req, int code, const char *text)
{
    struct evbuffer *body = evbuffer_new();

    if (body)
        evbuffer_add(body, text, strlen(text));
    reply(req, code, "text/plain; charset=utf-8", body);
    if (body)
        evbuffer_free(body);
}

/* ---- texts */

static void text_forget(struct text *x)
{
    LIST_REMOVE(x, link);
    x->e->n_texts--;
    x->e = NULL;
}

static void text_unref(struct text *x)
{
    if (!x || --x->refs > 0)
        return;
    if (x->e)
        text_forget(x);
    free(x->bytes);
    free(x);
}

static void on_text_sent(const void *data, size_t len, void *arg)
{
    (void)data, (void)len;
    text_unref(arg);
}

static void reply_metrics(struct evhttp_request *req, bool openmetrics, struct text *x)
{
    struct evbuffer *body = evbuffer_new();

    if (!body || evbuffer_add_reference(body, x->bytes, x->len, on_text_sent, x) < 0) {
        reply_text(req, HTTP_INTERNAL, "out of memory\n");
    } else {
        x->refs++;
        if (evhttp_request_get_connection(req))
            exporter_conn_answered(x->e->conns, evhttp_request_get_connection(req), x->number);
        reply(req, HTTP_OK, metric_text_content_type(openmetrics), body);
    }
    if (body)
        evbuffer_free(body);
}

/* Takes what was written; NULL without memory. */
static struct text *text_finished(struct exporter *e)
{
    struct text *x = e->text.failed ? NULL : calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    *x = (struct text){.e = e, .number = ++e->numbers, .refs = 1, .bytes = e->text.text, .len = e->text.len};
    x->until.ns = mono_now().ns + REST * e->cost_ns;
    e->text.text = NULL;
    LIST_INSERT_HEAD(&e->texts, x, link);
    e->n_texts++;
    return x;
}

static void begin(struct exporter *e, bool openmetrics)
{
    metric_text_init(&e->text, openmetrics);
    e->at = (struct metrics_cursor){0};
    e->cost_ns = 0;
    e->writing = true;
    event_active(e->go_on, EV_TIMEOUT, 0);
}

/* Answers all who wait for this format, and begins with the other one, if somebody waits for it. */
static void finish(struct exporter *e)
{
    bool openmetrics = e->text.openmetrics;
    struct waiters mine = STAILQ_HEAD_INITIALIZER(mine), others = STAILQ_HEAD_INITIALIZER(others);
    struct text *x = text_finished(e);
    struct waiter *w;

    e->last_cost_ns = e->cost_ns;
    metric_text_free(&e->text);
    e->writing = false;
    text_unref(e->newest[openmetrics]);
    e->newest[openmetrics] = x;
    if (e->n_texts > TEXTS)
        exporter_conns_close_readers(e->conns, e->numbers - TEXTS / 2);
    while ((w = STAILQ_FIRST(&e->waiters)) != NULL) {
        STAILQ_REMOVE_HEAD(&e->waiters, link);
        if (w->openmetrics == openmetrics)
            STAILQ_INSERT_TAIL(&mine, w, link);
        else
            STAILQ_INSERT_TAIL(&others, w, link);
    }
    STAILQ_CONCAT(&e->waiters, &others);
    while ((w = STAILQ_FIRST(&mine)) != NULL) {
        STAILQ_REMOVE_HEAD(&mine, link);
        if (x)
            reply_metrics(w->req, openmetrics, x);
        else
            reply_text(w->req, HTTP_INTERNAL, "out of memory\n");
        free(w);
    }
    if ((w = STAILQ_FIRST(&e->waiters)) != NULL && !e->writing)
        begin(e, w->openmetrics);
}

static void own_metrics(const struct exporter *e, struct metric_text *t)
{
    struct exporter_conn_counts c = exporter_conns_counts(e->conns);

    metric_counter(t, "causeway_exporter_scrapes_total", e->scrapes, "Requests for metrics.");
    metric_counter(t, "causeway_exporter_connections_total", c.accepted, "HTTP connections accepted.");
    metric_counter(t, "causeway_exporter_connections_closed_total", c.closed,
                   "HTTP connections that were closed because they took too long or others came.");
    metric_family(t, "causeway_exporter_last_scrape_seconds", METRIC_GAUGE,
                  "Time of the control thread that the last text of metrics took.");
    metric_labels_ns(t, NULL, 0, e->last_cost_ns);
}

/* Of this thread: that others kept the processor from it is no cost of the text. */
static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_go_on(evutil_socket_t fd, short what, void *arg)
{
    struct exporter *e = arg;
    uint64_t from = cpu_ns(), spent = 0;
    bool more = true;

    (void)fd, (void)what;
    if (e->at.part == 0 && e->text.len == 0)
        own_metrics(e, &e->text);
    while (more && spent < SLICE_NS) {
        more = e->source.part(e->source.arg, &e->at, &e->text) && !e->text.failed;
        spent = cpu_ns() - from;
    }
    e->cost_ns += spent;
    if (more)
        event_active(e->go_on, EV_TIMEOUT, 0);
    else
        finish(e);
}

/* ---- paths */

static void on_metrics(struct evhttp_request *req, struct exporter *e)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(req), "Accept");
    bool openmetrics = metric_text_wants_openmetrics(accept);
    struct text *x = e->newest[openmetrics];
    struct waiter *w;

    e->scrapes++;
    if (x && mono_now().ns < x->until.ns) {
        reply_metrics(req, openmetrics, x);
        return;
    }
    w = malloc(sizeof(*w));
    if (!w) {
        reply_text(req, HTTP_INTERNAL, "out of memory\n");
        return;
    }
    *w = (struct waiter){.req = req, .openmetrics = openmetrics};
    STAILQ_INSERT_TAIL(&e->waiters, w, link);
    if (!e->writing)
        begin(e, openmetrics);
}

static void on_ready(struct evhttp_request *req, const struct exporter *e)
{
    char reasons[METRICS_REASONS_LEN] = "";

    if (e->source.ready(e->source.arg, reasons))
        reply_text(req, HTTP_OK, "ready\n");
    else
        reply_text(req, HTTP_SERVUNAVAIL, reasons);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    enum evhttp_cmd_type how = evhttp_request_get_command(req);
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

    if (how != EVHTTP_REQ_GET && how != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
        reply_text(req, HTTP_BADMETHOD, "only GET and HEAD\n");
    } else if (path && strcmp(path, "/metrics") == 0) {
        on_metrics(req, arg);
    } else if (path && strcmp(path, "/healthz") == 0) {
        reply_text(req, HTTP_OK, "alive\n");
    } else if (path && strcmp(path, "/readyz") == 0) {
        on_ready(req, arg);
    } else {
        reply_text(req, HTTP_NOTFOUND, "there is /metrics, /healthz and /readyz\n");
    }
}

/* ---- life */

static int listen_on(struct exporter *e, const struct ipaddr *address, uint16_t port)
{
    struct sockaddr_storage sa;
    struct ipaddr bound;
    socklen_t len = sockaddr_make(address, port, &sa);

    errno = 0;
    e->listener = evconnlistener_new_bind(e->base, NULL, NULL,
                                          LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                          BACKLOG, (struct sockaddr *)&sa, (int)len);
    if (!e->listener)
        return errno ? -errno : -ENOMEM;
    len = sizeof(sa);
    if (getsockname(evconnlistener_get_fd(e->listener), (struct sockaddr *)&sa, &len) == 0)
        (void)sockaddr_read(&sa, &bound, &e->port);
    if (!evhttp_bind_listener(e->http, e->listener)) {
        evconnlistener_free(e->listener);
        return -ENOMEM;
    }
    e->conns = exporter_conns_new(e->base, e->http, e->listener);
    return e->conns ? 0 : -ENOMEM;
}

static int open_all(struct exporter *e, const struct ipaddr *address, uint16_t port)
{
    e->go_on = event_new(e->base, -1, 0, on_go_on, e);
    e->http = evhttp_new(e->base);
    if (!e->go_on || !e->http)
        return -ENOMEM;
    evhttp_set_max_headers_size(e->http, HEADERS_MAX);
    evhttp_set_max_body_size(e->http, 0);
    evhttp_set_timeout(e->http, IDLE_SECONDS);
    evhttp_set_gencb(e->http, on_request, e);
    return listen_on(e, address, port);
}

struct exporter *exporter_open(struct event_base *base, const struct ipaddr *address, uint16_t port,
                               const struct exporter_source *source, char *err, size_t err_len)
{
    struct exporter *e = calloc(1, sizeof(*e));
    char text[IPADDR_STRLEN];
    int rc = -ENOMEM;

    if (e) {
        e->base = base;
        e->source = *source;
        STAILQ_INIT(&e->waiters);
        LIST_INIT(&e->texts);
        rc = open_all(e, address, port);
    }
    if (rc == 0)
        return e;
    snprintf(err, err_len, "metrics.listen: cannot listen on %s, port %u: %s", ipaddr_format(address, text),
             port, strerror(-rc));
    exporter_close(e);
    return NULL;
}

uint16_t exporter_port(const struct exporter *e)
{
    return e->port;
}

void exporter_close(struct exporter *e)
{
    struct waiter *w;

    if (!e)
        return;
    while ((w = STAILQ_FIRST(&e->waiters)) != NULL) {
        STAILQ_REMOVE_HEAD(&e->waiters, link);
        if (!evhttp_request_get_connection(w->req))
            evhttp_request_free(w->req); /* else it goes with its connection */
        free(w);
    }
    if (e->http)
        evhttp_free(e->http);
    exporter_conns_free(e->conns);
    if (e->go_on)
        event_free(e->go_on);
    metric_text_free(&e->text);
    for (unsigned i = 0; i < FORMATS; i++)
        text_unref(e->newest[i]);
    while (!LIST_EMPTY(&e->texts))
        text_forget(LIST_FIRST(&e->texts));
    free(e);
}

/* ---- of a gateway */

static bool gateway_part(void *arg, struct metrics_cursor *at, struct metric_text *t)
{
    return metrics_part(arg, at, t);
}

static bool gateway_ready(void *arg, char reasons[METRICS_REASONS_LEN])
{
    return metrics_ready(arg, reasons);
}

int exporter_start(struct event_base *base, struct gateway *g, struct exporter **out, char *err,
                   size_t err_len)
{
    const struct exporter_source source = {.part = gateway_part, .ready = gateway_ready, .arg = g};
    const struct ipaddr *address = &g->conf->metrics_address;
    char text[IPADDR_STRLEN];

    *out = NULL;
    if (address->family == 0)
        return 0;
    *out = exporter_open(base, address, g->conf->metrics_port, &source, err, err_len);
    if (!*out)
        return -EADDRNOTAVAIL;
    log_info("metrics", "listening on %s, port %u", ipaddr_format(address, text), g->conf->metrics_port);
    return 0;
}
