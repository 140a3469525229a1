/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reloads that are asked for: the loop goes on while a file is read, each gets its answer, in order. The
 * thread and the loop are real; the gateway and the API are made up here.
 */
#include "controlplane/api.h"
#include "controlplane/exporter.h"
#include "controlplane/gateway.h"
#include "controlplane/reload.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define HEAD                                                                                                 \
    "site: paris\ngateway: paris-1\nunderlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"          \
    "access: [ { name: trunk, interface: lan0 } ]\nnetworks:\n"
#define WEB "  - { name: web, vlan: 100, vni: 10100 }\n"
#define DB  "  - { name: db, vlan: 200, vni: 10200 }\n"

static struct event_base *base;
static struct gateway g;
static struct conf *at_start;
static struct reload *reload;
static struct exporter *exporter;
static char file[] = "/tmp/reload-XXXXXX";
static unsigned applied, answers;
static unsigned parts, part; /* of each reload, how many, and those done of this one */
static unsigned between;     /* turns that others had in it */
static uint64_t calls[RELOAD_WAITING];
static cJSON *answer[RELOAD_WAITING];

int gateway_reload(struct gateway *gw, const struct conf *conf, const struct conf_diff *diff,
                   char warnings[GATEWAY_WARNINGS_LEN], char *err, size_t err_len)
{
    (void)diff, (void)err, (void)err_len;
    warnings[0] = '\0';
    gw->conf = conf;
    gw->generation++;
    applied++;
    part = 0;
    return 0;
}

bool gateway_reload_more(struct gateway *gw, char warnings[GATEWAY_WARNINGS_LEN])
{
    ck_assert_ptr_eq(gw, &g);
    ck_assert_uint_lt(part, parts);
    part++;
    sprintf(warnings + strlen(warnings), "part %u\n", part);
    return part < parts;
}

int exporter_start(struct event_base *b, struct gateway *gw, struct exporter **out, char *err, size_t err_len)
{
    (void)b, (void)gw, (void)out, (void)err, (void)err_len;
    return 0;
}

void exporter_close(struct exporter *e)
{
    (void)e;
}

void api_reply(struct api *api, uint64_t call, cJSON *result, const char *error)
{
    (void)api;
    ck_assert_ptr_null(error);
    ck_assert_uint_lt(answers, RELOAD_WAITING);
    calls[answers] = call;
    answer[answers++] = result;
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");

    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void setup(void)
{
    struct conf_errors errors = {0};
    int fd;

    strcpy(file + sizeof(file) - 7, "XXXXXX");
    fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(HEAD WEB);
    at_start = conf_load(file, &errors);
    ck_assert_ptr_nonnull(at_start);
    base = event_base_new();
    g = (struct gateway){.conf = at_start, .generation = 1};
    applied = answers = between = 0;
    parts = 1;
    reload = reload_start(base, &g, file, false, &exporter);
    ck_assert_ptr_nonnull(reload);
}

static void teardown(void)
{
    reload_stop(reload);
    reload_free(reload);
    conf_free(at_start);
    event_base_free(base);
    unlink(file);
    for (unsigned i = 0; i < answers; i++)
        cJSON_Delete(answer[i]);
}

static void turn_until(unsigned n)
{
    while (answers < n)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

static bool is_true(unsigned i, const char *member)
{
    return cJSON_IsTrue(cJSON_GetObjectItem(answer[i], member));
}

static int length(unsigned i, const char *member)
{
    return cJSON_GetArraySize(cJSON_GetObjectItem(answer[i], member));
}

START_TEST(test_applied_from_the_loop)
{
    write_file(HEAD WEB DB);
    ck_assert_int_eq(reload_run(reload, 7), 0);
    ck_assert(answers == 0 && applied == 0); /* not here: others have their turn first */
    turn_until(1);
    ck_assert(calls[0] == 7 && is_true(0, "applied") && applied == 1);
    ck_assert_int_eq(length(0, "changes"), 1);
    ck_assert_uint_eq(g.generation, 2);
    ck_assert_uint_eq(g.conf->n_networks, 2);
}
END_TEST

START_TEST(test_who_asks_meanwhile_waits)
{
    ck_assert_int_eq(reload_run(reload, 1), 0);
    ck_assert_int_eq(reload_compare(reload, 2, HEAD WEB DB, strlen(HEAD WEB DB)), 0);
    ck_assert_int_eq(reload_run(reload, 3), 0);
    ck_assert_int_eq(reload_compare(reload, 4, "site: [", 7), 0);
    turn_until(4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(calls[i], i + 1);
    ck_assert(is_true(0, "applied") && is_true(2, "applied") && applied == 0); /* no difference */
    ck_assert(length(1, "changes") == 1 && length(1, "errors") == 0);
    ck_assert(!cJSON_GetObjectItem(answer[1], "applied"));
    ck_assert_int_gt(length(3, "errors"), 0);
}
END_TEST

/* Also of those who are gone by now. */
START_TEST(test_only_so_many_wait)
{
    for (unsigned i = 0; i < RELOAD_WAITING; i++)
        ck_assert_int_eq(reload_compare(reload, i, HEAD WEB DB, strlen(HEAD WEB DB)), 0);
    ck_assert_int_eq(reload_compare(reload, 100, HEAD WEB, strlen(HEAD WEB)), -EBUSY);
    ck_assert_int_eq(reload_run(reload, 101), -EBUSY);
    turn_until(1);
    ck_assert_int_eq(reload_run(reload, 102), 0);
}
END_TEST

START_TEST(test_refused)
{
    write_file(_i == 0 ? HEAD "  - { name: web }\n" : HEAD WEB "dataplane: { workers: 3 }\n");
    ck_assert_int_eq(reload_run(reload, 1), 0);
    turn_until(1);
    ck_assert(!is_true(0, "applied") && length(0, "errors") > 0 && applied == 0);
    ck_assert_uint_eq(g.conf->n_networks, 1);
}
END_TEST

/* Nobody waits for its answer; and what it asks for may be on its way already. */
START_TEST(test_sighup)
{
    write_file(HEAD WEB DB);
    ck_assert_int_eq(reload_run(reload, 1), 0);
    ck_assert_int_eq(reload_run(reload, 2), 0);
    ck_assert_int_eq(raise(SIGHUP), 0);
    turn_until(2);
    ck_assert(calls[0] == 1 && calls[1] == 2 && applied == 1);
    ck_assert_int_eq(raise(SIGHUP), 0);
    turn_until(3);
    ck_assert(calls[2] == 0 && is_true(2, "applied"));
}
END_TEST

static const struct timeval at_once;

/* Somebody else, who has something to do in each turn. */
static void on_other(evutil_socket_t fd, short what, void *arg)
{
    struct event **other = arg;

    (void)fd, (void)what;
    between += part > 0 && part < parts;
    event_add(*other, &at_once);
}

/* A part at a time: others have their turns, who wants another reload waits, the answer comes at the end. */
START_TEST(test_in_parts)
{
    struct event *other = evtimer_new(base, on_other, &other);

    ck_assert_ptr_nonnull(other);
    event_add(other, &at_once);
    parts = 5;
    write_file(HEAD WEB DB);
    ck_assert_int_eq(reload_run(reload, 7), 0);
    ck_assert_int_eq(reload_run(reload, 8), 0);
    while (part < 2)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert(answers == 0 && applied == 1);
    turn_until(1);
    ck_assert(part == 5 && calls[0] == 7 && is_true(0, "applied") && length(0, "warnings") == 5);
    ck_assert_uint_ge(between, 3);
    turn_until(2);
    ck_assert(calls[1] == 8 && is_true(1, "applied") && length(1, "changes") == 0);
    ck_assert(applied == 1 && part == 5);
    event_free(other);
}
END_TEST

/* Neither configuration is lost or used any more. */
START_TEST(test_stopped_between_parts)
{
    parts = 1000000;
    write_file(HEAD WEB DB);
    ck_assert_int_eq(reload_run(reload, 1), 0);
    while (part < 3)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    reload_stop(reload);
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert(part == 3 && answers == 0);
    ck_assert_uint_eq(g.conf->n_networks, 2);
    reload_free(reload);
    reload = NULL;
}
END_TEST

START_TEST(test_stopped_meanwhile)
{
    write_file(HEAD WEB DB);
    ck_assert_int_eq(reload_run(reload, 1), 0);
    ck_assert_int_eq(reload_compare(reload, 2, HEAD WEB DB, strlen(HEAD WEB DB)), 0);
    reload_stop(reload);
    reload_free(reload);
    reload = NULL;
    event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert(answers == 0 && applied == 0 && !g.reload);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reload");
    TCase *c = tcase_create("reload");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_applied_from_the_loop);
    tcase_add_test(c, test_who_asks_meanwhile_waits);
    tcase_add_test(c, test_only_so_many_wait);
    tcase_add_loop_test(c, test_refused, 0, 2);
    tcase_add_test(c, test_sighup);
    tcase_add_test(c, test_in_parts);
    tcase_add_test(c, test_stopped_between_parts);
    tcase_add_test(c, test_stopped_meanwhile);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
