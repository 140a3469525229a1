/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl from the command line to its requests, and from page to page: the daemon is made up here. The
 * sources are included: they belong to the program, not to the library.
 */
int causewayctl_main(int argc, char **argv);

#define main causewayctl_main
#include "controlplane/causewayctl.c"
#undef main
#include "controlplane/ctl_fastpath.c"
#include "controlplane/ctl_json.c"
#include "controlplane/ctl_pages.c"
#include "controlplane/ctl_rehearse.c"
#include "controlplane/ctl_reload.c"
#include "controlplane/ctl_show.c"
#include "controlplane/ctl_show_announce.c"
#include "controlplane/ctl_show_bgp.c"
#include "controlplane/ctl_show_fastpath.c"
#include "controlplane/ctl_show_moves.c"
#include "controlplane/ctl_show_neighbors.c"
#include "controlplane/ctl_show_rehearsal.c"
#include "controlplane/ctl_show_routes.c"
#include "controlplane/ctl_show_site.c"
#include "controlplane/ctl_show_tables.c"
#include "controlplane/ctl_show_trace.c"
#include "controlplane/ctl_table.c"
#include "controlplane/ctl_text.c"
#include "controlplane/ctl_view.c"

#include <check.h>

#define MAX_REQUESTS 8

/* ---- the made-up daemon */

static char *requests[MAX_REQUESTS];
static unsigned n_requests;
static unsigned n_events;
static const char *const *answers; /* one for each request */

struct ctl_client *ctl_client_open(const char *path, char err[CTL_ERR_LEN])
{
    (void)path, (void)err;
    return (struct ctl_client *)requests;
}

bool ctl_capture(struct ctl_client *client, const cJSON *request, const char *path, char err[CTL_ERR_LEN])
{
    (void)client, (void)request, (void)path, (void)err;
    return true;
}

int ctl_doctor(const char *socket, const char *config, bool json, unsigned width)
{
    (void)socket, (void)width;
    return config && json ? 1 : 0;
}

void ctl_client_close(struct ctl_client *c)
{
    (void)c;
}

cJSON *ctl_client_call(struct ctl_client *c, const cJSON *request, char err[CTL_ERR_LEN])
{
    const char *answer = answers[n_requests];

    (void)c;
    ck_assert_uint_lt(n_requests, MAX_REQUESTS);
    requests[n_requests++] = cJSON_PrintUnformatted(request);
    if (!answer)
        snprintf(err, CTL_ERR_LEN, "no more answers");
    return answer ? cJSON_Parse(answer) : NULL;
}

/* One event, then the daemon ends. */
cJSON *ctl_client_event(struct ctl_client *c, char err[CTL_ERR_LEN])
{
    (void)c;
    snprintf(err, CTL_ERR_LEN, "causewayd closed the connection");
    return n_events++ ? NULL : cJSON_Parse("{\"event\":\"peer\"}");
}

/* ---- running it */

/* The words of the command line, split at blanks. */
static int command(const char *text, const char *const *given)
{
    static char copy[256], name[] = "causewayctl";
    char *argv[16] = {name}, *save = NULL;
    int argc = 1;

    for (unsigned i = 0; i < n_requests; i++)
        cJSON_free(requests[i]);
    n_requests = 0;
    answers = given;
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    return causewayctl_main(argc, argv);
}

/* Whatever is printed goes nowhere; this is about requests. */
static void setup(void)
{
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

static void teardown(void)
{
    for (unsigned i = 0; i < n_requests; i++)
        cJSON_free(requests[i]);
}

START_TEST(test_words_and_options)
{
    static const char *const once[] = {"{}", NULL};
    static const char *const cases[][2] = {
        {"show bgp", "{\"cmd\":\"show bgp\"}"},
        {"show bgp peers", "{\"cmd\":\"show bgp peers\"}"},
        {"show bgp peers 198.18.0.2", "{\"cmd\":\"show bgp peers\",\"peer\":\"198.18.0.2\"}"},
        {"show bgp peers --peer rr-1", "{\"cmd\":\"show bgp peers\",\"peer\":\"rr-1\"}"},
        {"clear bgp rr-1", "{\"cmd\":\"clear bgp\",\"peer\":\"rr-1\"}"},
        {"clear bgp rr-1 soft", "{\"cmd\":\"clear bgp\",\"peer\":\"rr-1\",\"soft\":true}"},
        {"clear bgp soft rr-1", "{\"cmd\":\"clear bgp\",\"peer\":\"rr-1\",\"soft\":true}"},
        {"clear bgp all soft", "{\"cmd\":\"clear bgp\",\"all\":true,\"soft\":true}"},
        {"clear bgp --all --soft", "{\"cmd\":\"clear bgp\",\"all\":true,\"soft\":true}"},
        {"clear bgp rr-1 --reason cable", "{\"cmd\":\"clear bgp\",\"peer\":\"rr-1\",\"reason\":\"cable\"}"},
        {"clear duplicate 02:00:5e:00:00:01 --network web",
         "{\"cmd\":\"clear duplicate\",\"network\":\"web\",\"mac\":\"02:00:5e:00:00:01\"}"},
        {"clear duplicate all", "{\"cmd\":\"clear duplicate\",\"all\":true}"},
        {"show routes --type 2 --json", "{\"cmd\":\"show routes\",\"type\":2}"},
        {"-j show routes --type=3 --peer 198.18.0.2",
         "{\"cmd\":\"show routes\",\"peer\":\"198.18.0.2\",\"type\":3}"},
        {"show macs --duplicates", "{\"cmd\":\"show macs\",\"duplicates\":true}"},
        {"show moves --mac 02:00:5e:00:00:01 --last 3",
         "{\"cmd\":\"show moves\",\"mac\":\"02:00:5e:00:00:01\",\"last\":3}"},
        {"show moves --prepared", "{\"cmd\":\"show moves\",\"prepared\":true}"},
        {"move prepare --mac 02:00:5e:00:00:01 --to london --timeout 5m",
         "{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:01\",\"to\":\"london\",\"timeout\":300}"},
        {"move cancel --mac=02:00:5e:00:00:01 --network web",
         "{\"cmd\":\"move cancel\",\"network\":\"web\",\"mac\":\"02:00:5e:00:00:01\"}"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_int_eq(command(cases[i][0], once), EXIT_SUCCESS);
        ck_assert_uint_eq(n_requests, 1);
        ck_assert_str_eq(requests[0], cases[i][1]);
    }
}
END_TEST

/* Until the daemon ends, or the user. */
START_TEST(test_watch)
{
    static const char *const once[] = {"{}", NULL};

    n_events = 0;
    ck_assert_int_eq(command(_i ? "watch" : "watch -j", once), EXIT_FAILURE);
    ck_assert_uint_eq(n_requests, 1);
    ck_assert_uint_eq(n_events, 2);
}
END_TEST

/* Nothing is asked when the line is wrong. */
START_TEST(test_wrong_lines)
{
    static const char *const once[] = {"{}", NULL};
    static const char *const lines[] = {"show bgp 198.18.0.2",
                                        "show bgp peers a b",
                                        "clear bgp a b",
                                        "clear bgp a soft soft",
                                        "clear duplicate xyz",
                                        "clear duplicate 02:00:5e:00:00:01 soft",
                                        "show status now",
                                        "show routes 2",
                                        "show routes --type",
                                        "show routes --type two",
                                        "show routes --type -2",
                                        "show routes --type 4294967296",
                                        "show routes --type 2x",
                                        "show routes --cursor 1",
                                        "show bgp --peer a",
                                        "show bgpx",
                                        "diff",
                                        "diff -j",
                                        "help show status now",
                                        "show status now --help",
                                        "a b c d e f g h i j k"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(command(lines[i], once) == EXIT_USAGE, "%s", lines[i]);
        ck_assert_uint_eq(n_requests, 0);
    }
}
END_TEST

START_TEST(test_help_asks_nothing)
{
    static const char *const none[] = {NULL};
    static const char *const lines[] = {"help",
                                        "--help",
                                        "clear bgp --help",
                                        "show",
                                        "help clear bgp",
                                        "show bgp --help",
                                        "clear",
                                        "clear bgp rr-1 --help",
                                        "help show bgp peers"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(command(lines[i], none) == EXIT_SUCCESS, "%s", lines[i]);
        ck_assert_uint_eq(n_requests, 0);
    }
}
END_TEST

START_TEST(test_pages)
{
    static const char *const strings[] = {"{\"routes\":[],\"next\":\"000a\"}",
                                          "{\"routes\":[],\"next\":\"000b\"}", "{\"routes\":[]}", NULL};
    static const char *const numbers[] = {"{\"macs\":[],\"next\":7}", "{\"macs\":[],\"next\":1000}",
                                          "{\"macs\":[]}", NULL};

    ck_assert_int_eq(command("show routes --type 2", strings), EXIT_SUCCESS);
    ck_assert_uint_eq(n_requests, 3);
    ck_assert_str_eq(requests[1], "{\"cmd\":\"show routes\",\"type\":2,\"cursor\":\"000a\"}");
    ck_assert_str_eq(requests[2], "{\"cmd\":\"show routes\",\"type\":2,\"cursor\":\"000b\"}");
    ck_assert_int_eq(command("-j show macs", numbers), EXIT_SUCCESS);
    ck_assert_uint_eq(n_requests, 3);
    ck_assert_str_eq(requests[2], "{\"cmd\":\"show macs\",\"after\":1000}");
}
END_TEST

/* A daemon that goes round in circles is left. */
START_TEST(test_pages_that_do_not_get_on)
{
    static const char *const answers_given[][4] = {{"{\"next\":\"000b\"}", "{\"next\":\"000b\"}", NULL, NULL},
                                                   {"{\"next\":\"000b\"}", "{\"next\":\"000a\"}", NULL, NULL},
                                                   {"{\"next\":7}", "{\"next\":7}", NULL, NULL},
                                                   {"{\"next\":7}", "{\"next\":6}", NULL, NULL},
                                                   {"{\"next\":0}", NULL, NULL, NULL}};

    ck_assert_int_eq(command("show routes", answers_given[_i]), EXIT_FAILURE);
    ck_assert_uint_eq(n_requests, _i == 4 ? 1 : 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl_line");
    TCase *c = tcase_create("command line");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_words_and_options);
    tcase_add_loop_test(c, test_watch, 0, 2);
    tcase_add_test(c, test_wrong_lines);
    tcase_add_test(c, test_help_asks_nothing);
    tcase_add_test(c, test_pages);
    tcase_add_loop_test(c, test_pages_that_do_not_get_on, 0, 5);
    suite_add_tcase(suite, c);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
