/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The exporter with a source made up here, on the loopback of a network namespace of its own, and clients
 * that are polite, broken, slow, and many. The test turns the loop.
 */
#include "controlplane/exporter.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 20
#define PARTS      5
#define GET        "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

static struct event_base *base;
static struct exporter *e;
static unsigned begun;  /* texts */
static size_t part_len; /* of help text */
static unsigned part_us;
static const char *not_ready;

/* ---- the source */

static void burn(unsigned us)
{
    mono_t until = {mono_now().ns + us * UINT64_C(1000)};

    while (mono_now().ns < until.ns)
        ;
}

static bool part(void *arg, struct metrics_cursor *at, struct metric_text *t)
{
    static char help[1 << 20];

    ck_assert_ptr_eq(arg, &begun);
    memset(help, 'h', part_len);
    help[part_len] = '\0';
    begun += at->part == 0;
    burn(part_us);
    metric_gauge(t, "causeway_test", at->part, help);
    if (++at->part < PARTS)
        return true;
    metric_text_end(t);
    return false;
}

static bool ready(void *arg, char reasons[METRICS_REASONS_LEN])
{
    (void)arg;
    snprintf(reasons, METRICS_REASONS_LEN, "%s", not_ready ? not_ready : "");
    return !not_ready;
}

static const struct exporter_source source = {.part = part, .ready = ready, .arg = &begun};

static void setup(void)
{
    static const struct ipaddr loopback = {4, {127, 0, 0, 1}};
    char err[256] = "";

    signal(SIGPIPE, SIG_IGN); /* as causewayd does */
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    ck_assert_int_eq(system("ip link set lo up"), 0);
    begun = 0;
    part_len = 100;
    part_us = 0;
    not_ready = NULL;
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    e = exporter_open(base, &loopback, 0, &source, err, sizeof(err));
    ck_assert_msg(e != NULL, "%s", err);
}

static void teardown(void)
{
    exporter_close(e);
    event_base_free(base);
}

/* ---- clients */

static void turn(void)
{
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static bool in_time(mono_t from)
{
    return mono_now().ns - from.ns < DEADLINE_S * UINT64_C(1000000000);
}

/* Connecting, or connected; non-blocking. */
static int client(void)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(exporter_port(e)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EINPROGRESS);
    return fd;
}

/* Turns the loop until all is sent; false: the other end does not want it any more. */
static bool say(int fd, const char *bytes, size_t len)
{
    mono_t from = mono_now();

    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
            return false;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        turn();
        ck_assert(in_time(from));
    }
    return true;
}

/* Turns the loop until the other end closes; what it said, which the caller frees. */
static char *hear(int fd)
{
    size_t len = 0, size = 65536;
    char *text = malloc(size);
    mono_t from = mono_now();

    for (;;) {
        ssize_t n = recv(fd, text + len, size - len - 1, 0);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN))
            break;
        if (n > 0)
            len += (size_t)n;
        if (len == size - 1)
            text = realloc(text, size *= 2);
        turn();
        ck_assert_msg(in_time(from), "heard only %zu bytes: %.200s", len, text);
    }
    text[len] = '\0';
    close(fd);
    return text;
}

static char *ask_bytes(const char *request, size_t len)
{
    int fd = client();

    (void)say(fd, request, len);
    return hear(fd);
}

static char *ask(const char *request)
{
    return ask_bytes(request, strlen(request));
}

/* wanted: how the reply begins, and what else is in it. */
static void answers(const char *request, const char *const *wanted)
{
    char *text = ask(request);

    ck_assert_msg(strncmp(text, wanted[0], strlen(wanted[0])) == 0, "%s: %s", request, text);
    for (wanted++; *wanted; wanted++)
        ck_assert_msg(strstr(text, *wanted) != NULL, "%s: no %s in %s", request, *wanted, text);
    free(text);
}

#define ck_answers(request, ...) answers(request, (const char *const[]){__VA_ARGS__, NULL})

static unsigned open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* ---- tests */

START_TEST(test_metrics)
{
    ck_answers(GET, "HTTP/1.1 200 OK\r\n", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
               "Connection: close\r\n", "Content-Length: ", "\n# TYPE causeway_test gauge\n",
               "\ncauseway_test 0\n", "\ncauseway_test 4\n", "\ncauseway_exporter_scrapes_total 1\n");
    ck_answers("GET /metrics?x=y HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n", "\ncauseway_test 4\n");
    ck_answers("GET http://host:1/metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n");
}
END_TEST

START_TEST(test_openmetrics)
{
    ck_answers(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n",
        "HTTP/1.1 200 OK\r\n", "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n",
        "\n# TYPE causeway_exporter_scrapes counter\n", "\ncauseway_exporter_scrapes_total 1\n", "\n# EOF\n");
}
END_TEST

START_TEST(test_head)
{
    char *text = ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");

    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 200 OK\r\n"), text);
    ck_assert_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(text, "Content-Length: "));
    ck_assert_ptr_null(strstr(text, "Content-Length: 0\r\n"));
    free(text);
}
END_TEST

START_TEST(test_health)
{
    ck_answers("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nalive\n");
    ck_answers("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\nready\n");
    not_ready = "port trunk is down\nno BGP session is established (2 configured)\n";
    ck_answers("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 503 ",
               "\r\n\r\nport trunk is down\nno BGP session is established (2 configured)\n");
    ck_answers("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n");
    ck_assert_uint_eq(begun, 0);
}
END_TEST

START_TEST(test_other_requests)
{
    ck_answers("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "/metrics");
    ck_answers("GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ");
    ck_answers("GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ");
    ck_answers("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 ",
               "Allow: GET, HEAD\r\n");
    ck_answers("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 ");
    ck_answers("TRACE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ");
    ck_answers("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", "HTTP/1.1 413 ");
    ck_assert_uint_eq(begun, 0);
}
END_TEST

/* One reply for each connection: what else is said in it is not heard. */
START_TEST(test_pipelined)
{
    char *text = ask(GET GET GET "GET /healthz HTTP/1.1\r\n\r\n");

    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 200 OK\r\n"), text);
    ck_assert_ptr_null(strstr(text + 1, "HTTP/1.1"));
    ck_assert_uint_eq(begun, 1);
    free(text);
}
END_TEST

/* ---- bad input */

static const char *const garbage[] = {
    "\r\n\r\n",
    "\n",
    "GET\r\n\r\n",
    "GET /metrics\r\n\r\n",
    "GET /metrics HTTP/9.9\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
    "GET /metrics HTTP/1.1\r\n: empty\r\n\r\n",
    "GET /metrics HTTP/1.1\r\n folded\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "GET /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "GET \xff\xfe\x80 HTTP/1.1\r\n\r\n",
    "GET /%zz%00%ff HTTP/1.1\r\n\r\n",
    "GET //////////metrics HTTP/1.1\r\n\r\n",
    "GET :::: HTTP/1.1\r\n\r\n",
    "GET http://[::1/metrics HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "CONNECT x:80 HTTP/1.1\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n\r\n",
};

/* Says it and goes, as far as that end is concerned; then somebody is served. */
static void bad(const char *bytes, size_t len)
{
    int fd = client();

    (void)say(fd, bytes, len);
    shutdown(fd, SHUT_WR);
    free(hear(fd));
}

START_TEST(test_garbage)
{
    bad(garbage[_i], strlen(garbage[_i]));
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
}
END_TEST

START_TEST(test_random_garbage)
{
    static const char pieces[] = "GET /metrics HTTP/1.1\r\n\r\nHost: :x,;=%\0\xff\x80"
                                 "Content-Length: 7";
    unsigned seed = 7;
    char bytes[300];

    for (unsigned i = 0; i < 300; i++) {
        size_t len = (size_t)rand_r(&seed) % sizeof(bytes), at = (size_t)rand_r(&seed) % 24;

        for (size_t j = 0; j < len; j++)
            bytes[j] = j < at ? pieces[j] : pieces[(size_t)rand_r(&seed) % (sizeof(pieces) - 1)];
        bad(bytes, len);
    }
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
}
END_TEST

START_TEST(test_endless_header)
{
    char *long_line = malloc(1 << 20);
    int fd;

    memset(long_line, 'x', 1 << 20);
    memcpy(long_line, "GET /", 5);
    bad(long_line, 1 << 20);
    fd = client();
    ck_assert(say(fd, "GET /metrics HTTP/1.1\r\nX: ", 26));
    (void)say(fd, long_line, 1 << 20);
    free(hear(fd));
    free(long_line);
    ck_assert_uint_eq(begun, 0);
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
}
END_TEST

/* ---- many, and slow ones */

/* Hundreds of half requests: a whole one among them is served at once, and they cost a bounded number of
 * descriptors. */
START_TEST(test_half_requests)
{
    enum { N = 400 };
    int fds[N];
    unsigned before = open_fds(), most = 0;

    for (unsigned i = 0; i < N; i++) {
        fds[i] = client();
        turn();
        (void)send(fds[i], "GET /metrics HT", 15, MSG_NOSIGNAL);
        turn();
        if (i % 50 == 49) {
            unsigned now = open_fds() - before - (i + 1);

            most = now > most ? now : most;
            ck_answers(GET, "HTTP/1.1 200 OK\r\n");
        }
    }
    ck_assert_uint_gt(most, EXPORTER_CONNECTIONS / 2);
    ck_assert_uint_le(most, EXPORTER_CONNECTIONS + 32);
    for (unsigned i = 0; i < N; i++)
        close(fds[i]);
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
}
END_TEST

/* All at once: the kernel's queue is full, and still who asks is heard. */
START_TEST(test_flood)
{
    enum { N = 3000 };
    struct rlimit limit = {N + 1000, N + 1000};
    int *fds = calloc(N, sizeof(*fds));
    unsigned before, i;

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    before = open_fds();
    for (i = 0; i < N; i++)
        fds[i] = client();
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
    ck_assert_uint_le(open_fds() - before, N + EXPORTER_CONNECTIONS + 32);
    for (i = 0; i < N; i++)
        close(fds[i]);
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
    free(fds);
}
END_TEST

/* They ask for large texts and read nothing; each text is another one. The texts that are kept for them are
 * few: those who have the oldest are closed. */
START_TEST(test_slow_readers)
{
    enum { N = 60, TEXTS = 12 };
    int fds[N];
    unsigned n = 0;
    char *text;

    part_len = (1 << 20) - 1;
    while (begun < TEXTS) {
        ck_assert_uint_lt(n, N);
        fds[n] = client();
        ck_assert(say(fds[n++], GET, strlen(GET)));
        for (unsigned i = 0; i < 20; i++) {
            burn(2000);
            turn();
        }
    }
    text = hear(fds[0]);
    ck_assert_uint_lt(strlen(text), PARTS * part_len);
    free(text);
    text = hear(fds[n - 1]);
    ck_assert_uint_gt(strlen(text), PARTS * part_len);
    free(text);
    for (unsigned i = 1; i < n - 1; i++)
        close(fds[i]);
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
}
END_TEST

/* Who asks all the time gets the same text again: a tenth of the thread's time at most goes to it. */
START_TEST(test_same_text_again)
{
    int a = client(), b = client();
    char *first, *second;

    part_us = 2000;
    ck_assert(say(a, GET, strlen(GET)) && say(b, GET, strlen(GET)));
    first = hear(a);
    second = hear(b);
    ck_assert_uint_eq(begun, 1);
    ck_assert_str_eq(strstr(first, "\r\n\r\n"), strstr(second, "\r\n\r\n"));
    free(first);
    free(second);
    ck_answers(GET, "HTTP/1.1 200 OK\r\n", "causeway_exporter_scrapes_total 1\n");
    ck_answers("GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n",
               "HTTP/1.1 200 OK\r\n", "# EOF\n"); /* another text */
    ck_assert_uint_eq(begun, 2);
    for (mono_t from = mono_now(); begun < 3 && in_time(from);)
        ck_answers(GET, "HTTP/1.1 200 OK\r\n");
    ck_assert_uint_eq(begun, 3);
}
END_TEST

/* Both formats are asked for while neither is there. */
START_TEST(test_both_formats_wait)
{
    static const char om[] = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n";
    int fds[6];

    part_us = 1000;
    for (unsigned i = 0; i < 6; i++) {
        fds[i] = client();
        ck_assert(send(fds[i], i % 2 ? om : GET, i % 2 ? strlen(om) : strlen(GET), MSG_NOSIGNAL) > 0);
    }
    for (unsigned i = 0; i < 6; i++) {
        char *text = hear(fds[i]);

        ck_assert_int_eq(strstr(text, "# EOF\n") != NULL, i % 2);
        free(text);
    }
    ck_assert_uint_eq(begun, 2);
}
END_TEST

/* They go while their text is being written, or is on its way. */
START_TEST(test_clients_go)
{
    struct linger hard = {1, 0};

    part_us = 600;
    part_len = 100000;
    for (unsigned i = 0; i < 60; i++) {
        int fd = client();

        if (i % 3 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        ck_assert(say(fd, GET, strlen(GET)));
        for (unsigned j = 0; j < i % 12; j++)
            turn();
        close(fd);
        turn();
    }
    ck_answers(GET, "HTTP/1.1 200 OK\r\n");
}
END_TEST

/* Closed with everything under way: nothing is left (under ASan). */
START_TEST(test_close_in_the_middle)
{
    int fds[12];

    part_us = 600;
    part_len = (1 << 20) - 1;
    for (unsigned i = 0; i < 12; i++) {
        fds[i] = client();
        ck_assert(say(fds[i], GET, i % 4 ? strlen(GET) : 9));
        for (unsigned j = 0; j < i; j++)
            turn();
        if (i % 5 == 2)
            close(fds[i]);
    }
    for (unsigned i = 0; i < 12; i++)
        if (i % 5 != 2)
            close(fds[i]);
}
END_TEST

/* No descriptor is left for a connection: it waits, and the loop does not turn for nothing meanwhile. */
START_TEST(test_out_of_descriptors)
{
    struct rlimit old, limit;
    mono_t from = mono_now();
    unsigned turns = 0;
    int fd = client();
    char *text;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    limit = (struct rlimit){3, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (turns < 3) {
        event_base_loop(base, EVLOOP_ONCE); /* at rest, it comes back once a second */
        turns++;
    }
    ck_assert_uint_ge(mono_now().ns - from.ns, 900000000);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert(say(fd, GET, strlen(GET)));
    text = hear(fd);
    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 200 OK\r\n"), text);
    free(text);
}
END_TEST

/* ---- listening */

START_TEST(test_listen)
{
    static const struct ipaddr loopback = {4, {127, 0, 0, 1}}, six = {6, {[15] = 1}},
                               foreign = {4, {198, 18, 77, 77}};
    char err[256] = "", expected[256];
    struct exporter *other = exporter_open(base, &loopback, exporter_port(e), &source, err, sizeof(err));

    ck_assert_ptr_null(other);
    snprintf(expected, sizeof(expected),
             "metrics.listen: cannot listen on 127.0.0.1, port %u: Address already in use", exporter_port(e));
    ck_assert_str_eq(err, expected);
    ck_assert_ptr_null(exporter_open(base, &foreign, 9469, &source, err, sizeof(err)));
    ck_assert_ptr_nonnull(strstr(err, "198.18.77.77, port 9469: Cannot assign requested address"));
    other = exporter_open(base, &six, 0, &source, err, sizeof(err));
    ck_assert_msg(other != NULL, "%s", err);
    exporter_close(other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exporter");
    TCase *c = tcase_create("exporter");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_metrics);
    tcase_add_test(c, test_openmetrics);
    tcase_add_test(c, test_head);
    tcase_add_test(c, test_health);
    tcase_add_test(c, test_other_requests);
    tcase_add_test(c, test_pipelined);
    tcase_add_loop_test(c, test_garbage, 0, sizeof(garbage) / sizeof(garbage[0]));
    tcase_add_test(c, test_random_garbage);
    tcase_add_test(c, test_endless_header);
    tcase_add_test(c, test_half_requests);
    tcase_add_test(c, test_flood);
    tcase_add_test(c, test_slow_readers);
    tcase_add_test(c, test_same_text_again);
    tcase_add_test(c, test_both_formats_wait);
    tcase_add_test(c, test_clients_go);
    tcase_add_test(c, test_close_in_the_middle);
    tcase_add_test(c, test_out_of_descriptors);
    tcase_add_test(c, test_listen);
    suite_add_tcase(s, c);
    return run_suite(s);
}
