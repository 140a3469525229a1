/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a person sees of moves: the views of show moves and move prepare, and the lines of watch.
 */
#include "tests/unit/ctl_rig.h"
#include "tests/unit/suite.h"

static const char *event(const char *text)
{
    cJSON *json = parse(text);
    FILE *f = capture();

    ctl_event_print(f, json);
    fclose(f);
    cJSON_Delete(json);
    return output;
}

#define MOVE                                                                                                 \
    "{\"id\":7,\"time\":\"2026-05-01T12:00:00.123456789Z\",\"network\":\"web\",\"mac\":\"02:00:5e:10:00:"    \
    "01\","                                                                                                  \
    "\"ips\":[\"10.0.0.1\",\"2001:db8::1\"],\"ip_count\":5,\"from\":{\"site\":\"paris\",\"vtep\":\"198.18."  \
    "0.1\"},"                                                                                                \
    "\"to\":{\"site\":\"london\",\"port\":\"trunk\"},\"detected\":\"rarp\",\"sequence\":3,\"expected\":"     \
    "true,"                                                                                                  \
    "\"prepared\":12,\"monotonic_ns\":81230,\"open\":false,\"announcements\":4,\"bounced\":0,\"bicast\":17," \
    "\"stages\":{\"silent_ns\":230000000,\"fdb_ns\":61000,\"bgp_ns\":90000,\"first_ns\":310000},"            \
    "\"dark_ns\":230371000,\"dark_complete\":true}"
#define DARK_IN_PART                                                                                         \
    "{\"time\":\"2026-05-01T12:00:00.123456789Z\",\"network\":\"web\",\"mac\":\"02:00:5e:10:00:02\","        \
    "\"from\":{"                                                                                             \
    "\"port\":\"trunk\"},\"to\":{\"vtep\":\"198.18.0.2\"},\"detected\":\"route\",\"stages\":{\"silent_ns\":" \
    "null,"                                                                                                  \
    "\"fdb_ns\":61000,\"bgp_ns\":null,\"first_ns\":310000},\"dark_ns\":371000,\"dark_complete\":false}"

START_TEST(test_moves)
{
    ck_assert_str_eq(
        show_one("show moves", 0, "{\"total\":1200,\"prepared\":2,\"moves\":[" MOVE "," DARK_IN_PART "]}"),
        "WHEN (UTC)          NETWORK  MAC                FROM          TO            BY     SEQ  DARK ms   "
        "SILENT    "
        "FDB  FIRST    BGP  IPS\n"
        "05-01 12:00:00.123  web      02:00:5e:10:00:01  paris         london/trunk  rarp     3  230.371  "
        "230.000  "
        "0.061  0.310  0.090  10.0.0.1 2001:db8::1 +3\n"
        "05-01 12:00:00.123  web      02:00:5e:10:00:02  trunk         198.18.0.2    route    -   >0.371     "
        "   -  "
        "0.061  0.310      -  -\n\n"
        "2 of 1,200 moves in the journal; 2 prepared (--prepared)\n");
}
END_TEST

START_TEST(test_move_in_detail)
{
    const char *text =
        show_one("show moves", 80, "{\"total\":1,\"details\":true,\"prepared\":0,\"moves\":[" MOVE "]}");
    static const char *const must[] = {
        "230.371 ms = silent 230.000 + FDB 0.061 + first frame 0.310; BGP\n                after 0.090\n",
        "from VTEP       198.18.0.1\n",
        "announced       4 frames\n",
        "bounced         0 frames\n",
        "sent twice      17 frames while it was prepared\n",
        "expected        yes: not counted for a duplicate\n",
    };

    for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
        ck_assert_msg(strstr(text, must[i]) != NULL, "no \"%s\" in\n%s", must[i], text);
}
END_TEST

START_TEST(test_moves_left_out)
{
    show_one("show moves", 80,
             "{\"total\":1,\"left_out\":1234,\"details\":true,\"moves\":[{\"id\":1,\"left_out\":12}]}");
    ck_assert_ptr_nonnull(
        strstr(output, "1 of 1 moves in the journal; 1,234 came too fast for it and were left out\n"));
    ck_assert_ptr_nonnull(strstr(output, "left out        12 moves that followed too fast\n"));
}
END_TEST

START_TEST(test_moves_fit_80_columns)
{
    char *save = NULL;

    show_one("show moves", 80, "{\"total\":1,\"moves\":[" MOVE "," DARK_IN_PART "]}");
    ck_assert_ptr_nonnull(strstr(output, "02:00:5e:10:00:01"));
    ck_assert_ptr_nonnull(strstr(output, "230.371"));
    for (char *l = strtok_r(output, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        ck_assert_uint_le(strlen(l), 80);
}
END_TEST

#define PREPARED                                                                                             \
    "{\"id\":1,\"network\":\"web\",\"mac\":\"02:00:5e:10:00:01\",\"direction\":\"away\",\"state\":"          \
    "\"alone\","                                                                                             \
    "\"site\":\"london\",\"vtep\":\"198.18.0.2\",\"seconds_left\":58,\"warning\":\"nobody answers\"}"

START_TEST(test_prepared)
{
    ck_assert_str_eq(show_one("move prepare", 80, PREPARED), "MAC             02:00:5e:10:00:01\n"
                                                             "network         web\n"
                                                             "moves           to london (VTEP 198.18.0.2)\n"
                                                             "state           alone\n"
                                                             "ends by itself  58 s from now\n"
                                                             "WARNING         nobody answers\n");
    show_one("show moves", 0, "{\"prepared\":[" PREPARED "]}");
    ck_assert_ptr_nonnull(strstr(output,
                                 "02:00:5e:10:00:01  web      away   london      198.18.0.2  alone       58  "
                                 "nobody answers\n"));
}
END_TEST

START_TEST(test_events)
{
    ck_assert_str_eq(
        event("{\"event\":\"move\",\"time\":\"2026-05-01T12:00:00.123456789Z\",\"move\":" MOVE "}"),
        "12:00:00.123  move      02:00:5e:10:00:01 (10.0.0.1 2001:db8::1 +3) in web: paris -> "
        "london/trunk, by rarp, sequence 3, expected\n");
    ck_assert_str_eq(
        event("{\"event\":\"move-done\",\"time\":\"2026-05-01T12:00:00.123456789Z\",\"move\":" DARK_IN_PART
              "}"),
        "12:00:00.123  move-done 02:00:5e:10:00:02 in web: dark >0.371 ms (silent -, FDB 0.061, first frame "
        "0.310)\n");
    ck_assert_str_eq(
        event("{\"event\":\"prepared\",\"time\":\"2026-05-01T12:00:00.123456789Z\",\"prepared\":" PREPARED
              "}"),
        "12:00:00.123  prepared  02:00:5e:10:00:01 in web, to london/198.18.0.2: alone; nobody answers\n");
    ck_assert_str_eq(event("{\"event\":\"alert\",\"text\":\"it is two\"}"), "-  alert     it is two\n");
    ck_assert_str_eq(event("{\"event\":\"peer\",\"peer\":\"198.18.0.2\",\"state\":\"down\"}"),
                     "-  peer      198.18.0.2: down\n");
    ck_assert_str_eq(event("{\"event\":\"lost\",\"count\":12}"),
                     "-  lost      12 events are missing here: this terminal was too slow\n");
    ck_assert_str_eq(event("{\"event\":\"\\u001b[2J\"}"), "-  \\x1b[2J      \n");
    ck_assert_str_eq(event("{}"), "");
}
END_TEST

START_TEST(test_nonsense)
{
    static const char *const pages[] = {"{}", "{\"moves\":7,\"prepared\":\"x\"}",
                                        "{\"moves\":[1,{},{\"time\":7,\"from\":[],\"to\":{\"site\":1},"
                                        "\"ips\":[1,{}],\"ip_count\":-1e308,\"stages\":[]}],"
                                        "\"details\":true}",
                                        "{\"prepared\":[1,{},{\"mac\":1}]}",
                                        "{\"direction\":1,\"seconds_left\":1e308}"};
    static const char *const names[] = {"show moves", "move prepare", "move commit", "move cancel", "watch"};
    static const char *const events[] = {"move", "move-done", "prepared", "alert",
                                         "peer", "vtep",      "lost",     "x"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t k = 0; k < sizeof(pages) / sizeof(pages[0]); k++)
            ck_assert_ptr_nonnull(show_one(names[i], 80, pages[k]));
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "{\"event\":\"%s\",\"move\":[],\"prepared\":3,\"text\":1,\"state\":{}}",
                 events[i]);
        ck_assert_uint_gt(strlen(event(text)), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ctl_moves");
    TCase *c = tcase_create("rendering");

    tcase_add_test(c, test_moves);
    tcase_add_test(c, test_move_in_detail);
    tcase_add_test(c, test_moves_left_out);
    tcase_add_test(c, test_moves_fit_80_columns);
    tcase_add_test(c, test_prepared);
    tcase_add_test(c, test_events);
    tcase_add_test(c, test_nonsense);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
