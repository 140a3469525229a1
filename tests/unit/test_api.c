/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The API server without a gateway (api_rig.h): framing, clients that misbehave, the socket. Requests are
 * also tried on api_answer() alone. What comes later, and events, are in test_api_watch.c.
 */
#include "tests/unit/api_rig.h"

/* ---- requests */

START_TEST(test_request_arguments)
{
    ck_assert_str_eq(answer("{\"cmd\":\"echo\"}"), "{\"ok\":true,\"result\":{\"given\":0}}");
    ck_assert_str_eq(
        answer(" {\"network\":\"web\",\"cmd\":\"echo\",\"after\":4294967295,\"all\":true} \r"),
        "{\"ok\":true,\"result\":{\"given\":25,\"network\":\"web\",\"after\":4294967295,\"all\":true}}");
    ck_assert_str_eq(
        answer("{\"cmd\":\"echo\",\"mac\":\"02-00-5E-00-00-01\",\"vtep\":\"2001:DB8::1\"}"),
        "{\"ok\":true,\"result\":{\"given\":6,\"mac\":\"02:00:5e:00:00:01\",\"vtep\":\"2001:db8::1\"}}");
    ck_assert_uint_eq(calls, 3);
}
END_TEST

START_TEST(test_request_wrong_arguments)
{
    ck_error("{\"cmd\":\"only mac\",\"network\":\"web\"}",
             "\\\"only mac\\\" takes no argument \\\"network\\\"");
    ck_error("{\"cmd\":\"echo\",\"frobnicate\":1}", "\\\"echo\\\" takes no argument \\\"frobnicate\\\"");
    ck_error("{\"cmd\":\"echo\",\"mac\":\"02:00\"}",
             "mac must be a MAC address like 02:00:5e:10:00:01, not \\\"02:00\\\"");
    ck_error("{\"cmd\":\"echo\",\"mac\":[]}", "mac must be a string");
    ck_error("{\"cmd\":\"echo\",\"network\":\"\"}", "network must be a name of 1 to 63 characters");
    ck_error(
        "{\"cmd\":\"echo\",\"network\":\"0123456789012345678901234567890123456789012345678901234567890123\"}",
        "network must be a name of 1 to 63 characters");
    ck_error("{\"cmd\":\"echo\",\"vtep\":\"1.2.3.256\"}",
             "vtep must be an IPv4 or IPv6 address, not \\\"1.2.3.256\\\"");
    ck_error("{\"cmd\":\"echo\",\"after\":-1}", "after must be a whole number from 0 to 4294967295");
    ck_error("{\"cmd\":\"echo\",\"after\":1.5}", "after must be a whole number from 0 to 4294967295");
    ck_error("{\"cmd\":\"echo\",\"after\":1e300}", "after must be a whole number from 0 to 4294967295");
    ck_error("{\"cmd\":\"echo\",\"after\":\"1\"}", "after must be a whole number from 0 to 4294967295");
    ck_error("{\"cmd\":\"echo\",\"all\":1}", "all must be true or false");
    ck_error("{\"cmd\":\"echo\",\"all\":true,\"all\":false}", "all is given twice");
    ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(test_request_wrong_command)
{
    ck_error("{\"cmd\":\"reboot\"}", "no command \\\"reboot\\\"");
    ck_error("{\"cmd\":\"ECHO\"}", "no command \\\"ECHO\\\"");
    ck_error("{}", "the request has no \\\"cmd\\\" string, as in {\\\"cmd\\\":\\\"show status\\\"}");
    ck_error("{\"cmd\":1}", "the request has no \\\"cmd\\\" string, as in {\\\"cmd\\\":\\\"show status\\\"}");
    ck_error("{\"cmd\":\"echo\",\"cmd\":\"fail\"}", "cmd is given twice");
    /* What the client wrote comes back short and printable only. */
    ck_error("{\"cmd\":\"\\u001b[2J\xff\xc2\x9b\"}", "no command \\\"?[2J???\\\"");
    ck_error("{\"cmd\":\"01234567890123456789012345678901234567890123456789\"}",
             "no command \\\"012345678901234567890123456789012345...\\\"");
}
END_TEST

START_TEST(test_request_not_an_object)
{
    ck_error("[]", "the request is JSON, but not an object");
    ck_error("\"echo\"", "the request is JSON, but not an object");
    ck_error("null", "the request is JSON, but not an object");
    ck_error("12", "the request is JSON, but not an object");
}
END_TEST

START_TEST(test_request_garbage)
{
    static const char nul[] = "{\"cmd\":\"echo\"\0}";
    char deep[20000], *reply;

    ck_error("", "the request is not one JSON object on one line");
    ck_error("show status", "the request is not one JSON object on one line");
    ck_error("{\"cmd\":\"echo\"", "the request is not one JSON object on one line");
    ck_error("{\"cmd\":\"echo\"}{\"cmd\":\"echo\"}", "the request is not one JSON object on one line");
    ck_error("{\"cmd\":\"echo\"} x", "the request is not one JSON object on one line");
    ck_error("GET / HTTP/1.1", "the request is not one JSON object on one line");
    reply = api_answer(commands, N_COMMANDS, &calls, nul, sizeof(nul) - 1);
    ck_assert_ptr_nonnull(strstr(reply, "not one JSON object"));
    cJSON_free(reply);
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    ck_error(deep, "the request is not one JSON object on one line");
    ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(test_request_failing_handler)
{
    ck_error("{\"cmd\":\"fail\"}", "it did not work");
}
END_TEST

/* ---- framing */

START_TEST(test_framing_in_pieces)
{
    static const char request[] = "{\"cmd\":\"echo\",\"network\":\"web\"}\n";
    int fd = dial();

    for (size_t i = 0; i + 1 < sizeof(request); i++) {
        ck_assert_uint_eq(calls, 0);
        write_all(fd, request + i, 1);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    ck_assert_str_eq(read_line(fd), "{\"ok\":true,\"result\":{\"given\":1,\"network\":\"web\"}}");
    close(fd);
}
END_TEST

START_TEST(test_framing_two_in_one_write)
{
    static const char two[] =
        "{\"cmd\":\"echo\",\"network\":\"a\"}\r\n{\"cmd\":\"echo\",\"network\":\"b\"}\n";
    int fd = dial();

    write_all(fd, two, sizeof(two) - 1);
    ck_assert_str_eq(read_line(fd), "{\"ok\":true,\"result\":{\"given\":1,\"network\":\"a\"}}");
    ck_assert_str_eq(read_line(fd), "{\"ok\":true,\"result\":{\"given\":1,\"network\":\"b\"}}");
    close(fd);
}
END_TEST

/* printf ... | nc -NU: it sends no more, but waits for all answers. */
START_TEST(test_framing_half_closed)
{
    static const char two[] = "{\"cmd\":\"echo\"}\n{\"cmd\":\"big\"}\n{\"cmd\":\"ec";
    int fd = dial();

    write_all(fd, two, sizeof(two) - 1);
    shutdown(fd, SHUT_WR);
    ck_assert_str_eq(read_line(fd), "{\"ok\":true,\"result\":{\"given\":0}}");
    ck_assert_uint_gt(strlen(read_line(fd)), BIG);
    ck_assert_ptr_null(read_line(fd));
    close(fd);
}
END_TEST

START_TEST(test_error_keeps_the_connection)
{
    int fd = dial();

    ck_assert_ptr_nonnull(strstr(ask(fd, "garbage"), "\"ok\":false"));
    ck_assert_ptr_nonnull(strstr(ask(fd, "{\"cmd\":\"nothing\"}"), "\"ok\":false"));
    ck_assert_ptr_nonnull(strstr(ask(fd, "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    close(fd);
}
END_TEST

START_TEST(test_longest_line)
{
    char *line = malloc(API_LINE_MAX + 1);
    int fd = dial();

    memset(line, ' ', API_LINE_MAX);
    memcpy(line, "{\"cmd\":\"echo\"}", 14);
    line[API_LINE_MAX] = '\0';
    ck_assert_str_eq(ask(fd, line), "{\"ok\":true,\"result\":{\"given\":0}}");
    close(fd);
    free(line);
}
END_TEST

/* One byte too long, with and without its newline, and far too long: an error, then the end. */
START_TEST(test_oversize)
{
    static const size_t sizes[] = {API_LINE_MAX + 1, API_LINE_MAX + 1, 10 * API_LINE_MAX};
    size_t size = sizes[_i], done = 0;
    char *line = malloc(size + 1);
    int fd = dial();

    memset(line, 'x', size);
    line[size] = '\n';
    while (done < size + (_i == 1)) {
        ssize_t n = send(fd, line + done, size + (_i == 1) - done, MSG_NOSIGNAL | MSG_DONTWAIT);

        event_base_loop(base, EVLOOP_NONBLOCK);
        if (n < 0 && errno != EAGAIN)
            break; /* it closed already, as it may */
        done += n > 0 ? (size_t)n : 0;
    }
    ck_assert_str_eq(read_line(fd), "{\"ok\":false,\"error\":\"the request is longer than 2 MiB\"}");
    ck_assert_ptr_null(read_line(fd));
    ck_assert_uint_eq(calls, 0);
    close(fd);
    free(line);
}
END_TEST

/* ---- clients that misbehave */

/* Two hundred replies of 900 KB are asked for and none is read: one of them is held, no more is computed, and
 * the client is closed; another client is served all the time. */
START_TEST(test_client_that_never_reads)
{
    mono_t deadline = soon();
    int fd, other;
    char err[256];

    api_stop(api);
    config.write_ms = 200;
    api = api_open(base, &config, path, err, sizeof(err));
    ck_assert_ptr_nonnull(api);
    fd = dial();
    other = dial();
    for (int i = 0; i < 200; i++)
        write_all(fd, "{\"cmd\":\"big\"}\n", 14);
    while (!past(deadline)) {
        ssize_t n;

        ck_assert_ptr_nonnull(strstr(ask(other, "{\"cmd\":\"only mac\"}"), "\"ok\":true"));
        n = send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EPIPE)
            break;
    }
    ck_assert_msg(!past(deadline), "still open");
    close(fd);
    ck_assert_ptr_nonnull(strstr(ask(other, "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    close(other);
}
END_TEST

START_TEST(test_slow_reader_holds_one_reply)
{
    int fd = dial();

    for (int i = 0; i < 20; i++)
        write_all(fd, "{\"cmd\":\"big\"}\n", 14);
    for (int i = 0; i < 200; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(calls, 1);
    for (int i = 0; i < 20; i++)
        ck_assert_uint_gt(strlen(read_line(fd)), BIG);
    ck_assert_uint_eq(calls, 20);
    close(fd);
}
END_TEST

START_TEST(test_requests_of_two_clients_take_turns)
{
    int a = dial(), b = dial();

    event_base_loop(base, EVLOOP_NONBLOCK);
    for (int i = 0; i < 1000; i++)
        write_all(a, "{\"cmd\":\"echo\"}\n", 15);
    write_all(b, "{\"cmd\":\"only mac\"}\n", 19);
    ck_assert_ptr_nonnull(read_line(b));
    ck_assert_uint_lt(calls, 100);
    close(a);
    close(b);
}
END_TEST

START_TEST(test_idle_client_is_closed)
{
    char err[256];
    int fd;

    api_stop(api);
    config.idle_ms = 100;
    api = api_open(base, &config, path, err, sizeof(err));
    fd = dial();
    ck_assert_ptr_nonnull(ask(fd, "{\"cmd\":\"echo\"}"));
    ck_assert_ptr_null(read_line(fd));
    close(fd);
}
END_TEST

START_TEST(test_too_many_clients)
{
    int fd[64], more;

    for (int i = 0; i < 64; i++) {
        fd[i] = dial();
        ck_assert_ptr_nonnull(strstr(ask(fd[i], "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    }
    for (int i = 0; i < 10; i++) {
        more = dial();
        ck_assert_str_eq(read_line(more), "{\"ok\":false,\"error\":\"too many clients; try again\"}");
        ck_assert_ptr_null(read_line(more));
        close(more);
    }
    ck_assert_ptr_nonnull(strstr(ask(fd[63], "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    close(fd[0]);
    event_base_loop(base, EVLOOP_NONBLOCK);
    more = dial();
    ck_assert_ptr_nonnull(strstr(ask(more, "{\"cmd\":\"echo\"}"), "\"ok\":true"));
    close(more);
    for (int i = 1; i < 64; i++)
        close(fd[i]);
}
END_TEST

START_TEST(test_client_gone_in_the_middle)
{
    for (int i = 0; i < 50; i++) {
        int fd = dial();

        write_all(fd, "{\"cmd\":\"big\"}\n{\"cmd\":\"echo\"}\n{\"cm", 14 + 15 + (size_t)(i % 5));
        for (int turn = 0; turn < i % 4; turn++)
            event_base_loop(base, EVLOOP_NONBLOCK);
        close(fd);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    ck_assert_ptr_nonnull(ask(dial(), "{\"cmd\":\"echo\"}"));
}
END_TEST

START_TEST(test_stop_with_clients)
{
    int fd = dial();

    write_all(fd, "{\"cmd\":\"big\"}\n{\"cmd\":\"big\"}\n", 28);
    event_base_loop(base, EVLOOP_NONBLOCK);
    api_stop(api);
    api = NULL;
    ck_assert_int_ne(access(path, F_OK), 0);
    close(fd);
}
END_TEST

/* ---- the socket in the file system */

START_TEST(test_socket_mode)
{
    struct stat st;
    mode_t old;
    char err[256];

    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 07777, 0660);
    api_stop(api);
    old = umask(0077);
    api = api_open(base, &config, path, err, sizeof(err));
    umask(old);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(test_socket_directory_is_made)
{
    char sub[120], sock[140], err[256];
    struct stat st;
    mode_t old = umask(0077);
    struct api *second;

    snprintf(sub, sizeof(sub), "%s/sub", dir);
    snprintf(sock, sizeof(sock), "%s/api.sock", sub);
    second = api_open(base, &config, sock, err, sizeof(err));
    umask(old);
    ck_assert_msg(second != NULL, "%s", err);
    ck_assert_int_eq(lstat(sub, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0755);
    api_stop(second);
    snprintf(sock, sizeof(sock), "%s/no/such/api.sock", dir);
    ck_assert_ptr_null(api_open(base, &config, sock, err, sizeof(err)));
    ck_assert_ptr_nonnull(strstr(err, "cannot make the directory"));
}
END_TEST

START_TEST(test_socket_of_a_living_daemon)
{
    char err[256];

    ck_assert_ptr_null(api_open(base, &config, path, err, sizeof(err)));
    ck_assert_ptr_nonnull(strstr(err, "another causewayd answers on"));
    ck_assert_ptr_nonnull(ask(dial(), "{\"cmd\":\"echo\"}"));
}
END_TEST

START_TEST(test_socket_of_a_dead_daemon)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char err[256];

    api_stop(api);
    strcpy(addr.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    close(fd); /* as a kill -9 leaves it */
    ck_assert_int_eq(access(path, F_OK), 0);
    api = api_open(base, &config, path, err, sizeof(err));
    ck_assert_msg(api != NULL, "%s", err);
    ck_assert_ptr_nonnull(ask(dial(), "{\"cmd\":\"echo\"}"));
}
END_TEST

START_TEST(test_socket_path_is_something_else)
{
    char file[128], err[256];
    int fd;

    snprintf(file, sizeof(file), "%s/file", dir);
    fd = open(file, O_CREAT | O_WRONLY, 0600);
    close(fd);
    ck_assert_ptr_null(api_open(base, &config, file, err, sizeof(err)));
    ck_assert_ptr_nonnull(strstr(err, "is not a socket"));
    ck_assert_int_eq(access(file, F_OK), 0);
    unlink(file);
    ck_assert_ptr_null(api_open(base, &config, "", err, sizeof(err)));
    memset(file, 'x', sizeof(file) - 1);
    file[sizeof(file) - 1] = '\0';
    ck_assert_ptr_null(api_open(base, &config, file, err, sizeof(err)));
    ck_assert_ptr_nonnull(strstr(err, "a path of 1 to"));
}
END_TEST

/* Somebody replaced our file: it is not ours to remove. */
START_TEST(test_socket_of_another_is_left)
{
    int fd;

    unlink(path);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    api_stop(api);
    api = NULL;
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api");
    TCase *request = tcase_create("request"), *server = tcase_create("server");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(request, test_request_arguments);
    tcase_add_test(request, test_request_wrong_arguments);
    tcase_add_test(request, test_request_wrong_command);
    tcase_add_test(request, test_request_not_an_object);
    tcase_add_test(request, test_request_garbage);
    tcase_add_test(request, test_request_failing_handler);
    suite_add_tcase(suite, request);

    tcase_add_checked_fixture(server, setup, teardown);
    tcase_set_timeout(server, 30);
    tcase_add_test(server, test_framing_in_pieces);
    tcase_add_test(server, test_framing_two_in_one_write);
    tcase_add_test(server, test_framing_half_closed);
    tcase_add_test(server, test_error_keeps_the_connection);
    tcase_add_test(server, test_longest_line);
    tcase_add_loop_test(server, test_oversize, 0, 3);
    tcase_add_test(server, test_client_that_never_reads);
    tcase_add_test(server, test_slow_reader_holds_one_reply);
    tcase_add_test(server, test_requests_of_two_clients_take_turns);
    tcase_add_test(server, test_idle_client_is_closed);
    tcase_add_test(server, test_too_many_clients);
    tcase_add_test(server, test_client_gone_in_the_middle);
    tcase_add_test(server, test_stop_with_clients);
    tcase_add_test(server, test_socket_mode);
    tcase_add_test(server, test_socket_directory_is_made);
    tcase_add_test(server, test_socket_of_a_living_daemon);
    tcase_add_test(server, test_socket_of_a_dead_daemon);
    tcase_add_test(server, test_socket_path_is_something_else);
    tcase_add_test(server, test_socket_of_another_is_left);
    suite_add_tcase(suite, server);

    if (!make_dir())
        return 1;
    srunner_run_all(runner, CK_NORMAL);
    remove_dir();
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
