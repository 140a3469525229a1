/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_doctor.h. The configuration of a running gateway is the one that it prints, with something else in
 * the place of its passwords. One thread.
 */
#include "controlplane/ctl_doctor.h"

#include "controlplane/ctl_client.h"
#include "controlplane/ctl_pages.h"
#include "controlplane/ctl_text.h"
#include "controlplane/doctor_gateway.h"
#include "controlplane/doctor_host.h"
#include "controlplane/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_NS   UINT64_C(1000000000) /* between the two looks at the drops, at least */
#define TEXT_MAX  (16u << 20)
#define INDENT    26u
#define UNPRINTED "xhiddenx" /* as long as CONF_MASK */

/* ---- asking */

typedef void (*page_fn)(void *arg, const char *command, const cJSON *page);

/* All pages of an answer. False with a sentence in err. */
static bool ask(struct ctl_client *client, const struct doctor_question *q, page_fn take, void *arg,
                char err[CTL_ERR_LEN])
{
    cJSON *request = cJSON_CreateObject();
    bool more = true;

    cJSON_AddStringToObject(request, "cmd", q->command);
    if (q->type)
        cJSON_AddNumberToObject(request, "type", q->type);
    if (q->all)
        cJSON_AddTrueToObject(request, "all");
    err[0] = '\0';
    while (more) {
        cJSON *page = ctl_client_call(client, request, err);

        if (page)
            take(arg, q->command, page);
        more = page && ctl_pages_turn(page, request, err);
        cJSON_Delete(page);
    }
    cJSON_Delete(request);
    return err[0] == '\0';
}

struct text {
    char *text; /* NULL: nothing so far, or too much of it */
    size_t len;
};

static void take_config(void *arg, const char *command, const cJSON *page)
{
    const cJSON *yaml = cJSON_GetObjectItemCaseSensitive(page, "yaml");
    struct text *t = arg;
    size_t n = cJSON_IsString(yaml) ? strlen(yaml->valuestring) : 0;
    char *grown;

    (void)command;
    if (n == 0 || t->len >= TEXT_MAX)
        return;
    grown = n < TEXT_MAX - t->len ? realloc(t->text, t->len + n + 1) : NULL;
    if (grown) {
        memcpy(grown + t->len, yaml->valuestring, n + 1);
        t->len += n;
    } else {
        free(t->text);
        t->len = TEXT_MAX; /* for good: part of a configuration would be another one */
    }
    t->text = grown;
}

static struct conf *parse(struct text *t)
{
    struct conf_errors errors;
    char *at = t->text;
    struct conf *conf;

    while (at) {
        at = strstr(at, CONF_MASK);
        if (at)
            memcpy(at, UNPRINTED, strlen(CONF_MASK));
    }
    _Static_assert(sizeof(CONF_MASK) == sizeof(UNPRINTED), "one for the other");
    conf = t->text ? conf_load_string("show config", t->text, t->len, &errors) : NULL;
    if (t->text)
        conf_errors_free(&errors);
    return conf;
}

static void take_told(void *arg, const char *command, const cJSON *page)
{
    doctor_told_page(arg, command, page);
}

static void wait_until(mono_t at)
{
    mono_t now = mono_now();
    struct timespec ts = {0};

    if (now.ns >= at.ns)
        return;
    ts.tv_sec = (time_t)((at.ns - now.ns) / 1000000000u);
    ts.tv_nsec = (long)((at.ns - now.ns) % 1000000000u);
    nanosleep(&ts, NULL);
}

/* What the gateway says; the rest of what it was asked counts although it refuses some of it: a gateway
 * without BGP has no peers. */
static void ask_all(struct ctl_client *client, struct doctor_facts *f)
{
    struct doctor_told *told = doctor_told_new(f);
    mono_t first = mono_now();
    char err[CTL_ERR_LEN];
    bool looked = false;

    for (const struct doctor_question *q = doctor_questions; told && q->command; q++) {
        bool drops = strcmp(q->command, "show drops") == 0;
        bool bgp = strcmp(q->command, "show bgp peers") == 0 || strcmp(q->command, "show routes") == 0;

        if (bgp && f->conf && !f->conf->bgp.on)
            continue;
        if (drops && looked)
            wait_until((mono_t){first.ns + LOOK_NS});
        if (!ask(client, q, take_told, told, err))
            snprintf(f->gateway_error, sizeof(f->gateway_error), "%s: %s", q->command, err);
        if (drops)
            f->looked_s = (double)(mono_now().ns - first.ns) / 1e9;
        looked = looked || drops;
    }
    if (told)
        doctor_told_end(told);
}

/* ---- the answer */

static void print_json(const struct doctor_report *r)
{
    cJSON *o = cJSON_CreateObject(), *rows = json_array(o, "findings");
    char *text;

    for (size_t i = 0; i < r->n; i++) {
        cJSON *row = json_row(rows);

        json_text(row, "check", r->findings[i].check);
        json_text(row, "verdict", doctor_verdict_text(r->findings[i].verdict));
        json_text(row, "text", r->findings[i].text);
        if (r->findings[i].todo[0])
            json_text(row, "todo", r->findings[i].todo);
    }
    json_u64(o, "problems", r->count[DOCTOR_PROBLEM]);
    json_u64(o, "warnings", r->count[DOCTOR_WARNING]);
    json_u64(o, "cannot_tell", r->count[DOCTOR_CANNOT_TELL]);
    text = cJSON_Print(o);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static void put(const char *what, unsigned width)
{
    char *safe = ctl_safe(what, false);

    ctl_put_wrapped(stdout, safe, width > INDENT + 20 ? width - INDENT : SIZE_MAX, INDENT);
    putchar('\n');
    free(safe);
}

static void print_text(const struct doctor_report *r, unsigned width)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct doctor_finding *f = &r->findings[i];
        char todo[DOCTOR_TEXT + 8];

        printf("%-12s%-*s", doctor_verdict_text(f->verdict), (int)INDENT - 12, f->check);
        put(f->text, width);
        if (!f->todo[0] || f->verdict == DOCTOR_OK)
            continue;
        snprintf(todo, sizeof(todo), "do: %s", f->todo);
        printf("%*s", (int)INDENT, "");
        put(todo, width);
    }
    printf("\n%u problem%s, %u warning%s, %u cannot be told\n", r->count[DOCTOR_PROBLEM],
           r->count[DOCTOR_PROBLEM] == 1 ? "" : "s", r->count[DOCTOR_WARNING],
           r->count[DOCTOR_WARNING] == 1 ? "" : "s", r->count[DOCTOR_CANNOT_TELL]);
}

static struct conf *load(const char *path)
{
    struct conf_errors errors;
    struct conf *conf = conf_load(path, &errors);

    for (size_t i = 0; !conf && i < errors.n; i++) {
        ctl_put(stderr, errors.text[i], false);
        fputc('\n', stderr);
    }
    conf_errors_free(&errors);
    return conf;
}

int ctl_doctor(const char *socket, const char *config, bool json, unsigned width)
{
    static const struct doctor_question config_question = {"show config", 0, false};
    struct doctor_facts facts = {.gateway = DOCTOR_NOT_ASKED};
    struct ctl_client *client = NULL;
    struct conf *conf = config ? load(config) : NULL;
    struct text text = {0};
    struct doctor_report report;
    int status = 2;

    if (config && !conf)
        return status;
    if (!config) {
        client = ctl_client_open(socket, facts.gateway_error);
        if (client && ask(client, &config_question, take_config, &text, facts.gateway_error))
            conf = parse(&text);
        if (client && !conf && !facts.gateway_error[0])
            snprintf(facts.gateway_error, sizeof(facts.gateway_error), "show config: it cannot be read here");
        facts.gateway = client ? DOCTOR_RUNS : DOCTOR_NO_GATEWAY;
    }
    if (!doctor_facts_init(&facts, conf))
        ctl_no_memory();
    doctor_host_read(&facts, client ? ctl_client_pid(client) : 0);
    if (client)
        ask_all(client, &facts);
    doctor_run(&facts, &report);
    if (json)
        print_json(&report);
    else
        print_text(&report, width);
    status = fflush(stdout) == 0 && !ferror(stdout) ? doctor_status(&report) : 2;
    doctor_report_free(&report);
    doctor_facts_free(&facts);
    ctl_client_close(client);
    conf_free(conf);
    free(text.text);
    return status;
}
