/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the API server says that is no reply to the line before: replies that come later, and events for those
 * who watch.
 */
#include "tests/unit/api_rig.h"

/* ---- later */

static void reply_later(int n, const char *error)
{
    cJSON *result = cJSON_CreateObject();

    cJSON_AddNumberToObject(result, "n", n);
    api_reply(api, later_call, result, error);
}

/* What the client sends meanwhile waits; others do not. */
START_TEST(test_later)
{
    int fd = dial(), other = dial();

    write_all(fd, "{\"cmd\":\"later\"}\n{\"cmd\":\"echo\"}\n", 31);
    ck_assert_ptr_nonnull(strstr(ask(other, "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    turn();
    ck_assert_uint_eq(calls, 1);
    reply_later(7, NULL);
    ck_assert_str_eq(read_line(fd), "{\"ok\":true,\"result\":{\"n\":7}}");
    ck_assert_ptr_nonnull(strstr(read_line(fd), "\"given\":0"));
    reply_later(8, NULL); /* once is enough */
    write_all(fd, "{\"cmd\":\"later\"}\n", 16);
    turn();
    reply_later(8, "it took too long");
    ck_assert_str_eq(read_line(fd), "{\"ok\":false,\"error\":\"it took too long\"}");
    close(fd);
    close(other);
}
END_TEST

START_TEST(test_later_client_has_gone)
{
    int fd = dial();

    write_all(fd, "{\"cmd\":\"later\"}\n", 16);
    turn();
    close(fd);
    if (_i)
        turn();
    reply_later(7, NULL);
    turn();
    api_reply(NULL, 3, NULL, NULL);
    api_reply(api, 0, NULL, NULL);
    fd = dial();
    ck_assert_ptr_nonnull(strstr(ask(fd, "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    close(fd);
}
END_TEST

/* As `echo ... | nc -U` does. */
START_TEST(test_later_half_closed)
{
    int fd = dial();

    write_all(fd, "{\"cmd\":\"later\"}\n", 16);
    shutdown(fd, SHUT_WR);
    turn();
    reply_later(7, NULL);
    ck_assert_str_eq(read_line(fd), "{\"ok\":true,\"result\":{\"n\":7}}");
    ck_assert_ptr_null(read_line(fd));
    close(fd);
}
END_TEST

START_TEST(test_later_without_a_call)
{
    ck_error("{\"cmd\":\"later\"}", "this command needs a connection to answer on");
}
END_TEST

/* ---- watching */

static void publish(int n, size_t size)
{
    cJSON *event = cJSON_CreateObject();
    char *text = calloc(1, size + 1);

    memset(text, 'x', size);
    cJSON_AddStringToObject(event, "event", "test");
    cJSON_AddNumberToObject(event, "n", n);
    cJSON_AddStringToObject(event, "text", text);
    free(text);
    api_publish(api, event);
}

#define WATCHING "{\"ok\":true,\"result\":{\"watching\":true}}"

START_TEST(test_watch)
{
    int fd = dial(), other = dial();

    ck_assert(!api_watchers(api));
    ck_assert(!api_watchers(NULL));
    publish(0, 1);
    api_publish(NULL, cJSON_CreateObject());
    ck_assert_int_eq(api_watch(NULL, 1), -ENOENT);
    ck_assert_str_eq(ask(fd, "{\"cmd\":\"watch\"}"), WATCHING);
    ck_assert_str_eq(ask(fd, "{\"cmd\":\"watch\"}"), WATCHING);
    ck_assert(api_watchers(api));
    publish(1, 1);
    publish(2, 1);
    ck_assert_str_eq(read_line(fd), "{\"event\":\"test\",\"n\":1,\"text\":\"x\"}");
    ck_assert_str_eq(read_line(fd), "{\"event\":\"test\",\"n\":2,\"text\":\"x\"}");
    /* It may go on asking, and who did not ask to watch hears nothing. */
    ck_assert_ptr_nonnull(strstr(ask(fd, "{\"cmd\":\"echo\"}"), "\"given\":0"));
    publish(3, 1);
    ck_assert_ptr_nonnull(strstr(ask(other, "{\"cmd\":\"echo\"}"), "\"given\":0"));
    ck_assert_str_eq(read_line(fd), "{\"event\":\"test\",\"n\":3,\"text\":\"x\"}");
    close(fd);
    turn();
    ck_assert(!api_watchers(api));
    publish(4, 1);
    close(other);
}
END_TEST

/* A watcher that does not read costs bounded memory, is told how much it missed, and then hears all again. */
START_TEST(test_watch_slow)
{
    unsigned long long lost = 0, told = 0, n = 0, at;
    int fd = dial();

    ask(fd, "{\"cmd\":\"watch\"}");
    for (int i = 1; i <= 5000; i++) {
        publish(i, 1000);
        if (i % 100 == 0)
            event_base_loop(base, EVLOOP_NONBLOCK);
    }
    while (n + lost < 5000) {
        const char *line = read_line(fd);

        ck_assert_ptr_nonnull(line);
        if (sscanf(line, "{\"event\":\"lost\",\"count\":%llu}", &told) == 1) {
            lost += told;
        } else {
            ck_assert_int_eq(sscanf(line, "{\"event\":\"test\",\"n\":%llu", &at), 1);
            n++;
            ck_assert_uint_eq(at, n + lost); /* each is there, or was said to be missing */
        }
    }
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_lt(n * 1000, 2 * API_WATCH_BYTES + (1 << 20)); /* our buffer, and the kernel's */
    publish(5001, 1);
    ck_assert_str_eq(read_line(fd), "{\"event\":\"test\",\"n\":5001,\"text\":\"x\"}");
    close(fd);
}
END_TEST

static void reopen(unsigned idle_ms, unsigned write_ms)
{
    char err[256] = "";

    api_stop(api);
    config.idle_ms = idle_ms;
    config.write_ms = write_ms;
    api = api_open(base, &config, path, err, sizeof(err));
    ck_assert_msg(api != NULL, "%s", err);
}

START_TEST(test_watch_is_never_idle)
{
    mono_t end = {mono_now().ns + 300000000};
    int fd;

    reopen(50, 60000);
    fd = dial();
    ask(fd, "{\"cmd\":\"watch\"}");
    while (!past(end))
        event_base_loop(base, EVLOOP_NONBLOCK);
    publish(1, 1);
    ck_assert_str_eq(read_line(fd), "{\"event\":\"test\",\"n\":1,\"text\":\"x\"}");
    close(fd);
}
END_TEST

START_TEST(test_watch_and_never_read)
{
    mono_t deadline = soon();
    int fd;

    reopen(60000, 200);
    fd = dial();
    ask(fd, "{\"cmd\":\"watch\"}");
    for (int i = 0; i < 1000; i++)
        publish(i, 1000);
    while (api_watchers(api) && !past(deadline))
        event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert(!api_watchers(api));
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_watch");
    TCase *c = tcase_create("server");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, test_later);
    tcase_add_loop_test(c, test_later_client_has_gone, 0, 2);
    tcase_add_test(c, test_later_half_closed);
    tcase_add_test(c, test_later_without_a_call);
    tcase_add_test(c, test_watch);
    tcase_add_test(c, test_watch_slow);
    tcase_add_test(c, test_watch_is_never_idle);
    tcase_add_test(c, test_watch_and_never_read);
    suite_add_tcase(suite, c);
    if (!make_dir())
        return 1;
    srunner_run_all(runner, CK_NORMAL);
    remove_dir();
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
