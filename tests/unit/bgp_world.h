/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of BGP sessions stand on: a network namespace with addresses on its loopback, a loop, and
 * what was logged. One process, no sleeping: UNTIL() turns the loop until a condition holds.
 */
#ifndef TESTS_UNIT_BGP_WORLD_H
#define TESTS_UNIT_BGP_WORLD_H

#include "conf/log.h"
#include "controlplane/bgp.h"
#include "controlplane/bgp_notify.h"
#include "controlplane/bgp_session_private.h"
#include "controlplane/bgp_socket.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PORT 1790

static struct event_base *base;
static int log_fd;

static bool late(mono_t start, unsigned seconds)
{
    return mono_now().ns - start.ns > seconds * UINT64_C(1000000000);
}

static void turn(void)
{
    ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

#define UNTIL(seconds, condition)                                                                            \
    do {                                                                                                     \
        mono_t start_ = mono_now();                                                                          \
        while (!(condition)) {                                                                               \
            ck_assert_msg(!late(start_, seconds), "in vain: %s", #condition);                                \
            turn();                                                                                          \
        }                                                                                                    \
    } while (0)

/* ---- the log */

static char log_text[1 << 20];

static const char *logged(void)
{
    ssize_t n = pread(log_fd, log_text, sizeof(log_text) - 1, 0);

    ck_assert_int_ge(n, 0);
    log_text[n] = '\0';
    return log_text;
}

/* Lines that hold both texts. */
static unsigned lines_with(const char *a, const char *b)
{
    unsigned n = 0;

    logged();
    for (char *at, *line = strtok_r(log_text, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
        n += strstr(line, a) && strstr(line, b);
    return n;
}

/* ---- the world */

static void tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static struct event *ticker;

static void world_make(void)
{
    const struct timeval tv = {.tv_usec = 5000};

    ck_assert_msg(unshare(CLONE_NEWNET) == 0, "unshare: %s", strerror(errno));
    ck_assert_int_eq(
        system("ip link set lo up && for i in 1 2 3 4 5; do ip addr add 198.18.0.$i/32 dev lo && "
               "ip addr add fd00:18::$i/128 dev lo nodad || exit 1; done"),
        0);
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    ticker = event_new(base, -1, EV_PERSIST, tick, NULL);
    ck_assert_int_eq(event_add(ticker, &tv), 0);
    log_fd = memfd_create("log", 0);
    ck_assert_int_ge(log_fd, 0);
    fflush(stderr);
    ck_assert_int_eq(dup2(log_fd, 2), 2);
}

static void world_end(void)
{
    event_free(ticker);
    event_base_free(base);
    close(log_fd);
}

static struct ipaddr ip(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

/* ---- peers */

/* From `source` to `address`, quick about everything; hold time 3 s. */
static struct bgp_peer_config peer_config(uint32_t asn, const char *source, const char *address)
{
    struct bgp_peer_config c;

    bgp_peer_config_default(&c);
    c.asn = asn;
    c.address = ip(address);
    c.source = ip(source);
    c.port = PORT;
    c.hold_s = 3;
    c.connect_retry_s = 1;
    return c;
}

static bool is_up(const struct bgp_session *s)
{
    struct bgp_session_status st;

    bgp_session_status(s, &st);
    return st.state == BGP_ESTABLISHED;
}

static bool last_error_has(const struct bgp_session *s, const char *text)
{
    char words[BGP_ERROR_WORDS];

    return strstr(bgp_session_last_error(s, words), text) != NULL;
}

#endif
