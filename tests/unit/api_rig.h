/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the API server share: the server without a gateway, real sockets in a directory of our
 * own, and the loop turned by the test, so that no test waits longer than it must. One program includes it
 * once.
 */
#ifndef TESTS_UNIT_API_RIG_H
#define TESTS_UNIT_API_RIG_H

#include "controlplane/api.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_MS 5000
#define BIG         (900 * 1024)

static char dir[] = "/tmp/cw-api-XXXXXX";
static char path[108];
static struct event_base *base;
static struct api *api;
static unsigned calls;

/* ---- commands to serve */

static int cmd_echo(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    char text[64];

    (void)err;
    ++*(unsigned *)ctx;
    cJSON_AddNumberToObject(result, "given", args->given);
    if (api_arg(args, NETWORK))
        cJSON_AddStringToObject(result, "network", api_arg(args, NETWORK)->text);
    if (api_arg(args, MAC))
        cJSON_AddStringToObject(result, "mac", mac_format(api_arg(args, MAC)->mac, text));
    if (api_arg(args, VTEP))
        cJSON_AddStringToObject(result, "vtep", ipaddr_format(&api_arg(args, VTEP)->address, text));
    if (api_arg(args, AFTER))
        cJSON_AddNumberToObject(result, "after", api_arg(args, AFTER)->number);
    if (api_arg(args, ALL))
        cJSON_AddBoolToObject(result, "all", api_arg(args, ALL)->flag);
    return 0;
}

static int cmd_fail(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    (void)ctx;
    (void)args;
    cJSON_AddStringToObject(result, "half", "done");
    snprintf(err, API_ERR_LEN, "it did not work");
    return -ENOENT;
}

static int cmd_big(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    char *text = malloc(BIG + 1);

    (void)args;
    (void)err;
    ++*(unsigned *)ctx;
    memset(text, 'x', BIG);
    text[BIG] = '\0';
    cJSON_AddStringToObject(result, "text", text);
    free(text);
    return 0;
}

static uint64_t later_call;

static int cmd_later(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    (void)ctx;
    (void)result;
    (void)err;
    later_call = args->call;
    return API_LATER;
}

static int cmd_watch(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    (void)ctx;
    (void)err;
    cJSON_AddBoolToObject(result, "watching", api_watch(api, args->call) == 0);
    return 0;
}

#define ALL_ARGS ((UINT64_C(1) << API_ARG_IDS) - 1)

static const struct api_command commands[] = {
    {"echo", ALL_ARGS, "", cmd_echo, 0}, {"only mac", API_TAKES(MAC), "", cmd_echo, 0},
    {"fail", 0, "", cmd_fail, 0},        {"big", 0, "", cmd_big, 0},
    {"later", 0, "", cmd_later, 0},      {"watch", 0, "", cmd_watch, 0},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static struct api_config config = {
    .commands = commands,
    .n_commands = N_COMMANDS,
    .ctx = &calls,
    .max_clients = 64,
    .idle_ms = 60000,
    .write_ms = 60000,
};

/* ---- helpers */

static void setup(void)
{
    char err[256] = "";

    base = event_base_new();
    calls = 0;
    api = api_open(base, &config, path, err, sizeof(err));
    ck_assert_msg(api != NULL, "%s", err);
}

static void teardown(void)
{
    api_stop(api);
    event_base_free(base);
}

/* Before the first and after the last test, in the process that no failing test ends. */
static bool make_dir(void)
{
    if (!mkdtemp(dir))
        return false;
    snprintf(path, sizeof(path), "%s/api.sock", dir);
    return true;
}

static void remove_dir(void)
{
    static const char *const names[] = {"api.sock", "file", "sub/api.sock"};
    char name[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(name, sizeof(name), "%s/%s", dir, names[i]);
        unlink(name);
    }
    snprintf(name, sizeof(name), "%s/sub", dir);
    rmdir(name);
    if (rmdir(dir) != 0)
        perror(dir);
}

static int dial(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(addr.sun_path, path);
    for (int i = 0; connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0; i++) {
        ck_assert_msg(errno == EAGAIN && i < 100, "connect: %s", strerror(errno));
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    return fd;
}

static bool past(mono_t deadline)
{
    return mono_now().ns >= deadline.ns;
}

static mono_t soon(void)
{
    return (mono_t){mono_now().ns + DEADLINE_MS * 1000000ull};
}

/* Turns the loop until a line came; returns it without newline (static), or NULL when the server closed. */
static const char *read_line(int fd)
{
    static char buf[2 * BIG];
    mono_t deadline = soon();
    size_t n = 0;

    while (!past(deadline)) {
        const char *end;
        ssize_t got;

        event_base_loop(base, EVLOOP_NONBLOCK);
        ck_assert_uint_lt(n, sizeof(buf));
        got = recv(fd, buf + n, sizeof(buf) - n, MSG_PEEK | MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return NULL;
        if (got < 0)
            continue;
        end = memchr(buf + n, '\n', (size_t)got);
        n += (size_t)recv(fd, buf + n, end ? (size_t)(end - buf) - n + 1 : (size_t)got, MSG_DONTWAIT);
        if (end) {
            buf[n - 1] = '\0';
            return buf;
        }
    }
    ck_abort_msg("no answer in time");
    return NULL;
}

static void write_all(int fd, const char *text, size_t len)
{
    mono_t deadline = soon();

    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            text += n;
            len -= (size_t)n;
        } else {
            ck_assert_msg(errno == EAGAIN && !past(deadline), "send: %s", strerror(errno));
            event_base_loop(base, EVLOOP_NONBLOCK);
        }
    }
}

static inline const char *ask(int fd, const char *line)
{
    write_all(fd, line, strlen(line));
    write_all(fd, "\n", 1);
    return read_line(fd);
}

static inline void turn(void)
{
    for (int i = 0; i < 50; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
}

static inline const char *answer(const char *line)
{
    static char buf[2048];
    char *reply = api_answer(commands, N_COMMANDS, &calls, line, strlen(line));

    ck_assert_ptr_nonnull(reply);
    snprintf(buf, sizeof(buf), "%s", reply);
    cJSON_free(reply);
    return buf;
}

#define ck_error(line, sentence) ck_assert_str_eq(answer(line), "{\"ok\":false,\"error\":\"" sentence "\"}")

#endif
