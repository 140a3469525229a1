/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The survey of paths over made-up ways, each with its own longest frame, on a clock that the test moves.
 */
#include "controlplane/survey.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/suite.h"

#define VTEPS 6

static struct oam *oam;
static struct survey *survey;
static size_t way[VTEPS]; /* longest frame that is answered; 0: nobody there */
static unsigned done, sent;
static mono_t now;

/* Answers what is waiting to be answered, after op_send() has returned. */
static struct {
    struct dp_own_frame f[SURVEY_MAX];
    unsigned n;
} queue;

static int op_send(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    struct oam_message m;
    struct dp_own_frame *f = &queue.f[queue.n];

    (void)arg;
    sent++;
    ck_assert(oam_decode(frame, len, len, &m));
    ck_assert_uint_eq(m.type, OAM_ECHO);
    if (len > way[vtep] || queue.n == SURVEY_MAX)
        return 0;
    m = (struct oam_message){.type = OAM_ECHO | OAM_ANSWER, .id = m.id, .length = (uint16_t)len};
    *f = (struct dp_own_frame){.net = net, .from = DP_WHERE_VTEP, .source = vtep, .at = now};
    f->len = (uint16_t)oam_encode(&m, (struct mac){{2}}, f->data, sizeof(f->data));
    queue.n++;
    return 0;
}

static void on_done(void *arg)
{
    ck_assert_ptr_eq(arg, &done);
    done++;
}

static void setup(void)
{
    static const struct oam_ops ops = {.send = op_send};

    now = (mono_t){UINT64_C(1000000000)};
    oam = oam_new((struct mac){{2, 1}}, 7, &ops, NULL);
    survey = survey_new(oam, on_done, &done);
    done = sent = 0;
    queue.n = 0;
}

static void teardown(void)
{
    survey_free(survey);
    oam_free(oam);
}

/* Until it is done, five seconds at most. */
static void go_on(void)
{
    for (unsigned ms = 0; ms < 5000 && !done; ms++) {
        typeof(queue) got = queue;

        queue.n = 0;
        for (unsigned i = 0; i < got.n; i++)
            oam_receive(oam, &got.f[i], now);
        now.ns += 1000000;
        oam_run(oam, now);
    }
    ck_assert_uint_eq(done, 1);
}

START_TEST(test_R11_1_each_way_has_its_own_length)
{
    static const size_t ways[VTEPS] = {0, 9000, 1514, 0, 60, 1480};
    struct survey_path paths[VTEPS - 1];

    memcpy(way, ways, sizeof(way));
    for (unsigned i = 0; i < VTEPS - 1; i++)
        paths[i] = (struct survey_path){.net = 1, .vtep = (dp_vtep_id)(i + 1), .wanted = 1514};
    ck_assert_int_eq(survey_start(survey, paths, VTEPS - 1, now), VTEPS - 1);
    ck_assert_int_eq(survey_start(survey, paths, 1, now), -EBUSY);
    go_on();
    for (unsigned i = 0; i < VTEPS - 1; i++) {
        const struct survey_path *p = survey_path(survey, i);
        size_t longest = ways[i + 1] < 1514 ? ways[i + 1] : 1514;

        ck_assert_uint_eq(p->answers, longest > 0);
        ck_assert_uint_eq(p->reached, longest);
    }
    ck_assert(!survey_path(survey, VTEPS - 1));
    done = 0;
    ck_assert_int_eq(survey_start(survey, paths, 1, now), 1); /* again */
    go_on();
}
END_TEST

START_TEST(test_a_way_that_is_well_costs_one_frame)
{
    struct survey_path path = {.net = 1, .vtep = 1, .wanted = 1514};

    way[1] = 1514;
    ck_assert_int_eq(survey_start(survey, &path, 1, now), 1);
    go_on();
    ck_assert_uint_eq(sent, 1);
}
END_TEST

START_TEST(test_nothing_to_do)
{
    ck_assert_int_eq(survey_start(survey, NULL, 0, now), 0);
    ck_assert(!survey_path(survey, 0));
}
END_TEST

/* What is under way when the gateway stops calls nobody. */
START_TEST(test_freed_meanwhile)
{
    struct survey_path path = {.net = 1, .vtep = 3, .wanted = 1514};

    way[3] = 0;
    ck_assert_int_eq(survey_start(survey, &path, 1, now), 1);
    survey_free(survey);
    survey = NULL;
    for (unsigned i = 0; i < 100; i++) {
        now.ns += 100000000;
        oam_run(oam, now);
    }
    ck_assert_uint_eq(done, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("survey");
    TCase *t = tcase_create("survey");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_R11_1_each_way_has_its_own_length);
    tcase_add_test(t, test_a_way_that_is_well_costs_one_frame);
    tcase_add_test(t, test_nothing_to_do);
    tcase_add_test(t, test_freed_meanwhile);
    suite_add_tcase(s, t);
    return run_suite(s);
}
