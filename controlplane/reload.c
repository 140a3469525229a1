/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reload.h. Control thread only.
 */
#include "controlplane/reload.h"

#include "conf/conf.h"
#include "conf/conf_diff.h"
#include "conf/log.h"
#include "controlplane/exporter.h"
#include "controlplane/gateway.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SUBSYSTEM "reload"
#define LISTED    1000 /* changes in an answer */
#define LOGGED    20

struct reload {
    struct gateway *g;
    struct event_base *base;
    struct event *hup;
    const char *file;
    bool verbose;
    struct exporter **exporter;
    struct conf *conf; /* what g runs with; NULL: what it was started with */
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

static void apply(struct reload *r, struct conf *conf, const struct conf_diff *d, cJSON *answer,
                  cJSON *errors)
{
    const struct conf *was = r->g->conf;
    cJSON *warnings = json_array(answer, "warnings");
    char lines[GATEWAY_WARNINGS_LEN], err[512] = "";
    int rc = gateway_reload(r->g, conf, d, lines, err, sizeof(err));

    if (rc < 0) {
        refuse(errors, err[0] ? err : strerror(-rc));
        conf_free(conf);
        return;
    }
    list_lines(warnings, lines);
    if (!r->verbose && was->log_level != conf->log_level)
        log_set_level(conf->log_level);
    log_set_format(conf->log_format);
    follow_metrics(r, was, warnings);
    conf_free(r->conf);
    r->conf = conf;
    log_applied(r->g, d);
}

/* Takes conf. */
static void consider(struct reload *r, struct conf *conf, cJSON *answer, cJSON *errors)
{
    struct conf_diff d;
    char err[160];

    if (conf_diff(r->g->conf, conf, &d) < 0) {
        refuse(errors, "out of memory");
        conf_free(conf);
        return;
    }
    list_changes(answer, &d);
    for (size_t i = 0; i < d.n && i < LOGGED; i++)
        if (d.changes[i].restart)
            log_warning(SUBSYSTEM, "%s needs a restart: %s", d.changes[i].path, d.changes[i].restart);
    if (d.n_restart) {
        snprintf(err, sizeof(err), "nothing is changed: %zu of the %zu changes need%s a restart", d.n_restart,
                 d.n, d.n_restart == 1 ? "s" : "");
        refuse(errors, err);
        conf_free(conf);
    } else if (d.n == 0) {
        log_info(SUBSYSTEM, "the file says what is in force already");
        conf_free(conf);
    } else {
        apply(r, conf, &d, answer, errors);
    }
    conf_diff_free(&d);
}

static void finish(const struct reload *r, cJSON *answer, const cJSON *errors)
{
    json_bool(answer, "applied", cJSON_GetArraySize(errors) == 0);
    json_u64(answer, "generation", r->g->generation);
}

void reload_run(struct reload *r, cJSON *answer)
{
    cJSON *errors = json_array(answer, "errors");
    struct conf_errors found = {0};
    struct conf *conf = conf_load(r->file, &found);

    for (size_t i = 0; i < found.n && i < LOGGED; i++)
        log_warning(SUBSYSTEM, "%s", found.text[i]);
    list_errors(errors, &found);
    if (conf)
        consider(r, conf, answer, errors);
    else
        log_warning(SUBSYSTEM, "nothing is changed: %zu mistake%s in %s", found.n, found.n == 1 ? "" : "s",
                    r->file);
    conf_errors_free(&found);
    finish(r, answer, errors);
}

void reload_compare(const struct reload *r, const char *text, size_t len, cJSON *answer)
{
    cJSON *errors = json_array(answer, "errors");
    struct conf_errors found = {0};
    struct conf *conf = conf_load_string("file", text, len, &found);
    struct conf_diff d;

    list_errors(errors, &found);
    conf_errors_free(&found);
    if (conf && conf_diff(r->g->conf, conf, &d) == 0) {
        list_changes(answer, &d);
        conf_diff_free(&d);
    } else if (conf) {
        json_add_text(errors, "out of memory");
    }
    conf_free(conf);
    json_u64(answer, "generation", r->g->generation);
}

/* ---- life */

static void on_hup(evutil_socket_t sig, short what, void *arg)
{
    cJSON *answer = cJSON_CreateObject();

    (void)sig, (void)what;
    if (answer)
        reload_run(arg, answer); /* the log says it all */
    cJSON_Delete(answer);
}

struct reload *reload_start(struct event_base *base, struct gateway *g, const char *file, bool verbose,
                            struct exporter **exporter)
{
    struct reload *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    *r = (struct reload){.g = g, .base = base, .file = file, .verbose = verbose, .exporter = exporter};
    r->hup = evsignal_new(base, SIGHUP, on_hup, r);
    if (!r->hup || event_add(r->hup, NULL) < 0) {
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
    r->g->reload = NULL;
}

void reload_free(struct reload *r)
{
    if (!r)
        return;
    conf_free(r->conf);
    free(r);
}
