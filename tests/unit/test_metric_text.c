/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The text formats of Prometheus: names, escaping, histograms, and which of them a client wants.
 */
#include "controlplane/metric_text.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

static struct metric_text t;

static void teardown(void)
{
    metric_text_free(&t);
}

static void is(const char *text)
{
    ck_assert(!t.failed);
    ck_assert_msg(t.len == strlen(text) && memcmp(t.text, text, t.len) == 0, "%.*s", (int)t.len, t.text);
}

static void write_some(bool openmetrics)
{
    metric_text_init(&t, openmetrics);
    metric_gauge(&t, "causeway_macs", 0, "MACs.");
    metric_counter(&t, "causeway_moves_total", UINT64_MAX, "Moves.");
    metric_family(&t, "causeway_build_info", METRIC_INFO, "Which.");
    metric_u64(&t, 1, {"version", "0.1"});
    metric_family(&t, "causeway_frames_total", METRIC_COUNTER, "Frames.");
    metric_u64(&t, 7, {"port", "trunk"}, {"direction", "in"});
    metric_u64(&t, 8, {"port", "trunk"}, {"direction", "out"});
    metric_family(&t, "causeway_start_time_seconds", METRIC_GAUGE, "Start.");
    metric_labels_ns(&t, NULL, 0, 1777636800000000001);
    metric_text_end(&t);
}

#define SAMPLES_END                                                                                          \
    "causeway_frames_total{port=\"trunk\",direction=\"in\"} 7\n"                                             \
    "causeway_frames_total{port=\"trunk\",direction=\"out\"} 8\n"                                            \
    "# HELP causeway_start_time_seconds Start.\n"                                                            \
    "# TYPE causeway_start_time_seconds gauge\n"                                                             \
    "causeway_start_time_seconds 1777636800.000000001\n"

START_TEST(test_plain)
{
    write_some(false);
    is("# HELP causeway_macs MACs.\n"
       "# TYPE causeway_macs gauge\n"
       "causeway_macs 0\n"
       "# HELP causeway_moves_total Moves.\n"
       "# TYPE causeway_moves_total counter\n"
       "causeway_moves_total 18446744073709551615\n"
       "# HELP causeway_build_info Which.\n"
       "# TYPE causeway_build_info gauge\n"
       "causeway_build_info{version=\"0.1\"} 1\n"
       "# HELP causeway_frames_total Frames.\n"
       "# TYPE causeway_frames_total counter\n" SAMPLES_END);
}
END_TEST

/* The samples are the same; families go without the suffix of their type. */
START_TEST(test_openmetrics)
{
    write_some(true);
    is("# HELP causeway_macs MACs.\n"
       "# TYPE causeway_macs gauge\n"
       "causeway_macs 0\n"
       "# HELP causeway_moves Moves.\n"
       "# TYPE causeway_moves counter\n"
       "causeway_moves_total 18446744073709551615\n"
       "# HELP causeway_build Which.\n"
       "# TYPE causeway_build info\n"
       "causeway_build_info{version=\"0.1\"} 1\n"
       "# HELP causeway_frames Frames.\n"
       "# TYPE causeway_frames counter\n" SAMPLES_END "# EOF\n");
}
END_TEST

START_TEST(test_escaping)
{
    metric_text_init(&t, false);
    t.name = "x";
    metric_u64(&t, 1, {"a", "\\\"\n"}, {"b", ""}, {"c", "caf\xc3\xa9, {b=\"2\"} \t#\\n"});
    is("x{a=\"\\\\\\\"\\n\",b=\"\",c=\"caf\xc3\xa9, {b=\\\"2\\\"} \t#\\\\n\"} 1\n");
}
END_TEST

START_TEST(test_histogram)
{
    struct histogram h = {{0}, 0};
    const struct metric_label stage = {"stage", "fdb"};
    char *last;

    histogram_add(&h, 0);
    histogram_add(&h, 1000000); /* a bound belongs to its bucket */
    histogram_add(&h, 1000001);
    histogram_add(&h, 60000000000);
    histogram_add(&h, 60000000001);
    histogram_add(&h, 3600000000000);
    ck_assert_uint_eq(h.counts[0], 2);
    ck_assert_uint_eq(h.counts[1], 1);
    ck_assert_uint_eq(h.counts[HISTOGRAM_BOUNDS], 2);
    metric_text_init(&t, false);
    metric_family(&t, "d_seconds", METRIC_HISTOGRAM, "Dark.");
    metric_labels_histogram(&t, &stage, 1, &h);
    metric_labels_histogram(&t, NULL, 0, &h);
    ck_assert(t.len > 0 && !t.failed);
    t.text[t.len - 1] = '\0';
    ck_assert_ptr_nonnull(strstr(t.text, "# TYPE d_seconds histogram\n"
                                         "d_seconds_bucket{stage=\"fdb\",le=\"0.001\"} 2\n"
                                         "d_seconds_bucket{stage=\"fdb\",le=\"0.0025\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(t.text, "d_seconds_bucket{stage=\"fdb\",le=\"60.0\"} 4\n"
                                         "d_seconds_bucket{stage=\"fdb\",le=\"+Inf\"} 6\n"
                                         "d_seconds_sum{stage=\"fdb\"} 3720.002000002\n"
                                         "d_seconds_count{stage=\"fdb\"} 6\n"
                                         "d_seconds_bucket{le=\"0.001\"} 2\n"));
    last = strstr(t.text, "d_seconds_bucket{le=\"+Inf\"} 6\n");
    ck_assert_ptr_nonnull(last);
    ck_assert_str_eq(strchr(last, '\n') + 1, "d_seconds_sum 3720.002000002\nd_seconds_count 6");
}
END_TEST

/* Bounds grow, and their text says the same. */
START_TEST(test_bounds)
{
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        ck_assert(i == 0 || histogram_bounds[i].ns > histogram_bounds[i - 1].ns);
        ck_assert_uint_eq((uint64_t)(atof(histogram_bounds[i].text) * 1e9 + 0.5), histogram_bounds[i].ns);
        ck_assert_ptr_nonnull(strchr(histogram_bounds[i].text, '.'));
    }
}
END_TEST

START_TEST(test_too_much)
{
    size_t n = METRIC_TEXT_MAX / 4;
    char *label = malloc(n + 1);

    ck_assert_ptr_nonnull(label);
    memset(label, 'x', n);
    label[n] = '\0';
    metric_text_init(&t, true);
    t.name = "x";
    for (unsigned i = 0; i < 5; i++) {
        ck_assert(t.failed == (i == 4));
        metric_u64(&t, 1, {"a", label});
    }
    ck_assert(t.failed && t.len <= METRIC_TEXT_MAX);
    metric_text_end(&t); /* still harmless */
    free(label);
}
END_TEST

static const struct {
    const char *accept;
    bool openmetrics;
} wants[] = {
    {NULL, false},
    {"", false},
    {"*/*", false},
    {"text/plain", false},
    {"application/openmetrics-text", true},
    {"Application/OpenMetrics-Text", true},
    {"application/openmetrics-text; version=1.0.0; charset=utf-8", true},
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     true}, /* Prometheus */
    {"application/openmetrics-text;version=0.0.1", false},
    {"application/openmetrics-text;version=2.0.0,*/*;q=0.1", false},
    {"application/openmetrics-text;q=0", false},
    {"application/openmetrics-text;q=0.2,text/plain;q=0.3", false},
    {"application/openmetrics-text;q=0.301,text/plain;q=0.3", true},
    {"text/plain ; q=0.3 , application/openmetrics-text ; q = 0.4", true},
    {"text/plain,application/openmetrics-text", false},
    {"application/openmetrics-text;q=2", false},
    {"application/openmetrics-text;q=1.001", false},
    {"application/openmetrics-text;q=", false},
    {"application/openmetrics-text;q=0.5000", false},
    {"application/openmetrics-text;q", false},
    {"application/openmetrics-text;;;", true},
    {"application/openmetrics-textual", false},
    {",;=,;==\t ;q=1,,,", false},
    {"application/openmetrics-text application/openmetrics-text", true},
};

START_TEST(test_accept)
{
    ck_assert_msg(metric_text_wants_openmetrics(wants[_i].accept) == wants[_i].openmetrics, "%s",
                  wants[_i].accept);
}
END_TEST

/* Whatever is in there, it ends, and reads no further than its end (under ASan). */
START_TEST(test_accept_of_random_bytes)
{
    static const char bytes[] = ",;= \tq=0.1aapplication/openmetrics-texttext/plain*/*version=1.0.0\xff\x01";
    unsigned seed = 1;

    for (unsigned i = 0; i < 20000; i++) {
        size_t n = (size_t)rand_r(&seed) % 60;
        char *text = malloc(n + 1);

        for (size_t j = 0; j < n; j++)
            text[j] = bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
        text[n] = '\0';
        (void)metric_text_wants_openmetrics(text);
        free(text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metric_text");
    TCase *c = tcase_create("text");

    tcase_add_checked_fixture(c, NULL, teardown);
    tcase_add_test(c, test_plain);
    tcase_add_test(c, test_openmetrics);
    tcase_add_test(c, test_escaping);
    tcase_add_test(c, test_histogram);
    tcase_add_test(c, test_bounds);
    tcase_add_test(c, test_too_much);
    tcase_add_loop_test(c, test_accept, 0, sizeof(wants) / sizeof(wants[0]));
    tcase_add_test(c, test_accept_of_random_bytes);
    suite_add_tcase(s, c);
    return run_suite(s);
}
