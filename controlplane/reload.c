/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reload.h. Control thread only.
 */
#include "controlplane/reload.h"

#include "conf/conf.h"
#include "conf/conf_diff.h"
#include "conf/log.h"
#include "controlplane/api.h"
#include "controlplane/exporter.h"
#include "controlplane/gateway.h"
#include "controlplane/reload_reader.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#define SUBSYSTEM "reload"
#define LISTED    1000 /* changes in an answer */
#define LOGGED    20

/* Who asked, and what for. */
struct request {
    STAILQ_ENTRY(request) link;
    uint64_t call; /* 0: nobody waits for an answer */
    char *text;    /* to be compared; NULL: the file, to be applied */
    size_t len;
};

struct reload {
    struct reload_reader *reader;
    STAILQ_HEAD(request_list, request) requests; /* the first one is being read */
    struct gateway *g;
    struct event_base *base;
    struct event *hup;
    const char *file;
    bool verbose;
    struct exporter **exporter;
    struct conf *conf; /* what g runs with; NULL: what it was started with */

    /* of the first request, while it is applied */
    struct event *more;     /* the next part of it */
    bool applying;          /* g goes over to conf, and has not done all yet */
    const struct conf *was; /* what it goes over from */
    struct conf *was_ours;  /* the same, unless that is of the start */
    struct conf_diff diff;
    cJSON *answer;
    char warnings[GATEWAY_WARNINGS_LEN];
};

/* ---- the answer */

static const char *kind_name(enum conf_change_kind kind)
{
    static const char *const names[] = {"added", "removed", "changed"};

    return names[kind];
}

static void list_change(cJSON *row, const struct conf_change *c)
{
    json_text(row, "change", kind_name(c->kind));
    json_text(row, "path", c->path);
    if (c->from)
        json_text(row, "from", c->from);
    if (c->to)
        json_text(row, "to", c->to);
    if (c->restart)
        json_text(row, "restart", c->restart);
}

static void list_changes(cJSON *answer, const struct conf_diff *d)
{
    cJSON *rows = json_array(answer, "changes");

    for (size_t i = 0; i < d->n && i < LISTED; i++)
        list_change(json_row(rows), &d->changes[i]);
    if (d->n > LISTED)
        json_u64(answer, "more", d->n - LISTED);
    json_u64(answer, "restart", d->n_restart);
}

static void refuse(cJSON *errors, const char *why)
{
    log_warning(SUBSYSTEM, "%s", why);
    json_add_text(errors, why);
}

static void list_errors(cJSON *errors, const struct conf_errors *found)
{
    for (size_t i = 0; i < found->n; i++)
        json_add_text(errors, found->text[i]);
}

/* The lines of text. */
static void list_lines(cJSON *array, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        json_add_text(array, line);
}

/* ---- the log */

static void log_change(const struct conf_change *c)
{
    bool values = c->from || c->to;

    log_info(SUBSYSTEM, "%s %s%s%s%s%s", kind_name(c->kind), c->path, values ? ": " : "",
             c->from ? c->from : "", c->from && c->to ? " -> " : "", c->to ? c->to : "");
}

static void log_applied(const struct gateway *g, const struct conf_diff *d)
{
    struct log_fields f = {0};

    for (size_t i = 0; i < d->n && i < LOGGED; i++)
        log_change(&d->changes[i]);
    log_field(&f, "event", "reload");
    log_field(&f, "generation", "%llu", (unsigned long long)g->generation);
    log_event(LOG_LEVEL_INFO, SUBSYSTEM, &f, "configuration %llu is in force: %zu changes",
              (unsigned long long)g->generation, d->n);
}

/* ---- reloading */

static void follow_metrics(struct reload *r, const struct conf *was, cJSON *warnings)
{
    const struct conf *is = r->g->conf;
    char err[256] = "";

    if (ipaddr_eq(&was->metrics_address, &is->metrics_address) && was->metrics_port == is->metrics_port)
        return;
    exporter_close(*r->exporter);
    *r->exporter = NULL;
    if (exporter_start(r->base, r->g, r->exporter, err, sizeof(err)) < 0)
        refuse(warnings, err);
}

/* All is in. */
static void applied(struct reload *r)
{
    cJSON *warnings = json_array(r->answer, "warnings");

    list_lines(warnings, r->warnings);
    if (!r->verbose && r->was->log_level != r->conf->log_level)
        log_set_level(r->conf->log_level);
    log_set_format(r->conf->log_format);
    follow_metrics(r, r->was, warnings);
    log_applied(r->g, &r->diff);
}

static void forget_applied(struct reload *r)
{
    conf_diff_free(&r->diff);
    conf_free(r->was_ours);
    r->was_ours = NULL;
    r->applying = false;
}

/* Takes the configuration and, when it can be applied, the changes. */
static void apply(struct reload *r, struct conf *conf, struct conf_diff *d, cJSON *errors)
{
    const struct conf *was = r->g->conf;
    char err[512] = "";
    int rc = gateway_reload(r->g, conf, d, r->warnings, err, sizeof(err));

    if (rc < 0) {
        refuse(errors, err[0] ? err : strerror(-rc));
        conf_free(conf);
        return;
    }
    r->was = was;
    r->was_ours = r->conf;
    r->conf = conf;
    r->diff = *d;
    *d = (struct conf_diff){0};
    r->applying = true;
}

/* Takes the configuration. */
static void consider(struct reload *r, struct reload_read *got, cJSON *errors)
{
    struct conf_diff *d = &got->diff;
    struct conf *conf = got->conf;
    char err[160];

    list_changes(r->answer, d);
    for (size_t i = 0; i < d->n && i < LOGGED; i++)
        if (d->changes[i].restart)
            log_warning(SUBSYSTEM, "%s needs a restart: %s", d->changes[i].path, d->changes[i].restart);
    if (d->n_restart) {
        snprintf(err, sizeof(err), "nothing is changed: %zu of the %zu changes need%s a restart",
                 d->n_restart, d->n, d->n_restart == 1 ? "s" : "");
        refuse(errors, err);
    } else if (d->n == 0) {
        log_info(SUBSYSTEM, "the file says what is in force already");
    } else {
        got->conf = NULL;
        apply(r, conf, d, errors);
    }
}

static void on_file(struct reload *r, struct reload_read *got)
{
    cJSON *errors = json_array(r->answer, "errors");

    for (size_t i = 0; i < got->errors.n && i < LOGGED; i++)
        log_warning(SUBSYSTEM, "%s", got->errors.text[i]);
    list_errors(errors, &got->errors);
    if (got->rc < 0)
        refuse(errors, "out of memory");
    else if (got->conf)
        consider(r, got, errors);
    else
        log_warning(SUBSYSTEM, "nothing is changed: %zu mistake%s in %s", got->errors.n,
                    got->errors.n == 1 ? "" : "s", r->file);
    json_bool(r->answer, "applied", cJSON_GetArraySize(errors) == 0);
}

static void on_text(const struct reload_read *got, cJSON *answer)
{
    cJSON *errors = json_array(answer, "errors");

    list_errors(errors, &got->errors);
    if (got->rc < 0)
        json_add_text(errors, "out of memory");
    else if (got->conf)
        list_changes(answer, &got->diff);
}

/* ---- one after the other */

static void drop_first(struct reload *r)
{
    struct request *q = STAILQ_FIRST(&r->requests);

    STAILQ_REMOVE_HEAD(&r->requests, link);
    free(q->text);
    free(q);
}

/* Begins with the first request. */
static void read_next(struct reload *r)
{
    const struct request *q = STAILQ_FIRST(&r->requests);

    if (q)
        reload_reader_start(r->reader, q->text ? NULL : r->file, q->text, q->len, r->g->conf);
}

static void finish(struct reload *r)
{
    json_u64(r->answer, "generation", r->g->generation);
    api_reply(r->g->api, STAILQ_FIRST(&r->requests)->call, r->answer, NULL);
    r->answer = NULL;
    drop_first(r);
    read_next(r);
}

/* Others have their turn, then the rest: a timer of no length comes in the loop's next turn. */
static void on_more(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0};
    struct reload *r = arg;

    (void)fd, (void)what;
    if (gateway_reload_more(r->g, r->warnings)) {
        event_add(r->more, &at_once);
        return;
    }
    applied(r);
    forget_applied(r);
    finish(r);
}

static void on_read(void *arg, struct reload_read *got)
{
    struct reload *r = arg;

    r->answer = cJSON_CreateObject();
    if (STAILQ_FIRST(&r->requests)->text)
        on_text(got, r->answer);
    else
        on_file(r, got);
    if (r->applying)
        on_more(-1, 0, r);
    else
        finish(r);
}

static unsigned waiting(const struct reload *r)
{
    const struct request *q;
    unsigned n = 0;

    STAILQ_FOREACH(q, &r->requests, link)
    n++;
    return n;
}

/* Takes text. */
static int ask(struct reload *r, uint64_t call, char *text, size_t len)
{
    unsigned before = waiting(r);
    struct request *q = before < RELOAD_WAITING ? calloc(1, sizeof(*q)) : NULL;

    if (!q) {
        free(text);
        return before < RELOAD_WAITING ? -ENOMEM : -EBUSY;
    }
    *q = (struct request){.call = call, .text = text, .len = len};
    STAILQ_INSERT_TAIL(&r->requests, q, link);
    if (before == 0)
        read_next(r);
    return 0;
}

int reload_run(struct reload *r, uint64_t call)
{
    return ask(r, call, NULL, 0);
}

int reload_compare(struct reload *r, uint64_t call, const char *text, size_t len)
{
    char *copy = malloc(len + 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, len + 1);
    return ask(r, call, copy, len);
}

/* Whether one that was not begun yet reads the file anyway. */
static bool is_asked(const struct reload *r)
{
    const struct request *q = STAILQ_FIRST(&r->requests);

    for (q = q ? STAILQ_NEXT(q, link) : NULL; q; q = STAILQ_NEXT(q, link))
        if (!q->text)
            return true;
    return false;
}

/* ---- life */

static void on_hup(evutil_socket_t sig, short what, void *arg)
{
    struct reload *r = arg;

    (void)sig, (void)what;
    int rc = is_asked(r) ? 0 : reload_run(r, 0); /* the log says what comes of it */

    if (rc < 0)
        log_error(SUBSYSTEM, "SIGHUP: %s", strerror(-rc));
}

struct reload *reload_start(struct event_base *base, struct gateway *g, const char *file, bool verbose,
                            struct exporter **exporter)
{
    struct reload *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    *r = (struct reload){.g = g, .base = base, .file = file, .verbose = verbose, .exporter = exporter};
    STAILQ_INIT(&r->requests);
    r->hup = evsignal_new(base, SIGHUP, on_hup, r);
    r->more = evtimer_new(base, on_more, r);
    r->reader = reload_reader_new(base, on_read, r);
    if (!r->reader || !r->more || !r->hup || event_add(r->hup, NULL) < 0) {
        reload_stop(r);
        reload_free(r);
        return NULL;
    }
    g->reload = r;
    return r;
}

void reload_stop(struct reload *r)
{
    if (!r)
        return;
    if (r->hup)
        event_free(r->hup);
    r->hup = NULL;
    if (r->more)
        event_free(r->more);
    r->more = NULL;
    reload_reader_free(r->reader);
    r->reader = NULL;
    while (!STAILQ_EMPTY(&r->requests))
        drop_first(r);
    cJSON_Delete(r->answer);
    r->answer = NULL;
    r->g->reload = NULL;
}

void reload_free(struct reload *r)
{
    if (!r)
        return;
    forget_applied(r);
    conf_free(r->conf);
    free(r);
}
