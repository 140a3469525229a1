/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The bytes of one BGP connection over a socket pair: framing of what comes in pieces, bounds and order of
 * what goes out when the other end is slow, and that a NOTIFICATION passes what waits without tearing a
 * message apart.
 */
#include "controlplane/bgp_conn.h"
#include "controlplane/bgp_notify.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct event_base *base;
static struct bgp_conn conn;
static int other;
static struct bgp_traffic sent;
static struct bgp_error err;
static uint8_t stream[1 << 20];
static size_t stream_len;

static void never(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void setup(void)
{
    int pair[2], small = 1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    base = event_base_new();
    ck_assert_int_eq(bgp_conn_open(&conn, base, pair[0], false, never, NULL), 0);
    other = pair[1];
    stream_len = 0;
}

static void teardown(void)
{
    bgp_conn_close(&conn);
    bgp_conn_reap(&conn);
    close(other);
    event_base_free(base);
}

/* An UPDATE of n bytes whose body is `fill`. */
static void queue_update(size_t n, uint8_t fill)
{
    uint8_t *at = bgp_conn_room(&conn, n, false);
    struct buf_out out;

    ck_assert_ptr_nonnull(at);
    bgp_msg_begin(&out, at, n, BGP_UPDATE);
    while (out.len < n)
        buf_put_u8(&out, fill);
    ck_assert_int_eq(bgp_msg_end(&out), (int)n);
    bgp_conn_put(&conn, n);
}

static bool drain(void)
{
    ssize_t n = recv(other, stream + stream_len, sizeof(stream) - stream_len, 0);

    if (n > 0)
        stream_len += (size_t)n;
    return n > 0;
}

START_TEST(test_messages_in_pieces)
{
    uint8_t msg[128], *at = stream;
    struct bgp_frame f;
    struct buf_out out;
    unsigned n = 0, seed = 1;
    int e;

    for (unsigned i = 0; i < 5000; i++) { /* more than the buffer holds */
        size_t body = i % 80 + 4;

        bgp_msg_begin(&out, msg, sizeof(msg), BGP_UPDATE);
        for (size_t k = 0; k < body; k++)
            buf_put_u8(&out, (uint8_t)i);
        memcpy(at, msg, (size_t)bgp_msg_end(&out));
        at += out.len;
    }
    for (const uint8_t *p = stream; p < at;) {
        size_t len = (seed = seed * 1103515245 + 12345) >> 16;
        ssize_t put = send(other, p, len % 7000 < (size_t)(at - p) ? len % 7000 : (size_t)(at - p), 0);

        ck_assert_int_ge(put, 0);
        p += put;
        while (bgp_conn_read(&conn, &e) == BGP_READ_BYTES)
            while (bgp_conn_next(&conn, BGP_MSG_MAX, &f, &err) > 0) {
                ck_assert_uint_eq(f.body_len, n % 80 + 4);
                ck_assert_uint_eq(f.body[0], n % 256);
                ck_assert_uint_eq(f.body[f.body_len - 1], n % 256);
                n++;
            }
    }
    ck_assert_uint_eq(n, 5000);
    ck_assert_uint_eq(bgp_conn_unfinished(&conn), 0);
    send(other, stream, 30, 0);
    ck_assert_int_eq(bgp_conn_read(&conn, &e), BGP_READ_BYTES);
    ck_assert_int_eq(bgp_conn_next(&conn, BGP_MSG_MAX, &f, &err), 23);
    ck_assert_uint_eq(bgp_conn_unfinished(&conn), 7);
    shutdown(other, SHUT_WR);
    ck_assert_int_eq(bgp_conn_read(&conn, &e), BGP_READ_END);
    ck_assert_int_eq(e, 0);
}
END_TEST

START_TEST(test_one_read_is_bounded)
{
    struct bgp_conn fed = {.fd = -1};
    size_t n = bgp_conn_open(&fed, base, -1, false, never, NULL) == 0
                   ? bgp_conn_feed(&fed, stream, sizeof(stream))
                   : 0;

    ck_assert_uint_eq(n, BGP_CONN_IN);
    ck_assert_uint_eq(bgp_conn_feed(&fed, stream, 1), 0);
    bgp_conn_close(&fed);
    bgp_conn_reap(&fed);
}
END_TEST

START_TEST(test_bounds_of_what_waits)
{
    unsigned n = 0;

    for (; bgp_conn_room(&conn, BGP_MSG_MAX, false); n++)
        queue_update(BGP_MSG_MAX, 0);
    ck_assert_uint_eq(n, BGP_CONN_BULK / BGP_MSG_MAX);
    ck_assert_uint_le(bgp_conn_queued(&conn), BGP_CONN_BULK);
    for (n = 0; bgp_conn_room(&conn, BGP_MSG_MAX, true); n++)
        bgp_conn_put(&conn,
                     (size_t)bgp_keepalive_encode(bgp_conn_room(&conn, BGP_MSG_MAX, true), BGP_MSG_MAX));
    ck_assert_uint_gt(n, 100);
    ck_assert_uint_le(bgp_conn_queued(&conn), BGP_CONN_OUT);
    ck_assert_ptr_null(bgp_conn_room(&conn, 1, false));
}
END_TEST

/* Everything arrives, in order, whatever the socket takes at a time, and is counted when it is gone as a
 * whole. */
START_TEST(test_slow_reader)
{
    struct bgp_traffic total = {0};
    struct bgp_frame f;
    unsigned queued = 0, got = 0;
    size_t at = 0;
    int n;

    while (total.messages[BGP_UPDATE] < 300) {
        while (queued < 300 && bgp_conn_room(&conn, 3000, false)) {
            queue_update(1000 + queued % 7 * 300, (uint8_t)queued);
            queued++;
        }
        if (bgp_conn_flush(&conn, &sent)) {
            total.messages[BGP_UPDATE] += sent.messages[BGP_UPDATE];
            total.bytes += sent.bytes;
        }
        drain();
    }
    while (drain())
        ;
    ck_assert_uint_eq(total.bytes, stream_len);
    ck_assert_uint_eq(bgp_conn_queued(&conn), 0);
    for (; (n = bgp_frame_next(stream + at, stream_len - at, BGP_MSG_MAX, &f, &err)) > 0;
         at += (size_t)n, got++) {
        ck_assert_int_eq(n, (int)(1000 + got % 7 * 300));
        ck_assert_uint_eq(f.body[f.body_len - 1], got % 256);
    }
    ck_assert_uint_eq(got, 300);
    ck_assert_uint_eq(at, stream_len);
}
END_TEST

START_TEST(test_notification_passes_what_waits)
{
    const struct bgp_notification cease = {BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN, NULL, 0};
    unsigned updates = 0;
    struct bgp_frame f;
    uint8_t *room;
    size_t at = 0;
    int n;

    for (unsigned i = 0; i < 40; i++)
        queue_update(4001, (uint8_t)i);
    while (bgp_conn_flush(&conn, &sent) || sent.bytes)
        ;
    ck_assert_uint_gt(bgp_conn_queued(&conn), 50000);
    bgp_conn_drop_unsent(&conn);
    ck_assert_uint_lt(bgp_conn_queued(&conn), 4001); /* no more than the rest of one */
    room = bgp_conn_room(&conn, BGP_MSG_MAX, true);
    ck_assert_ptr_nonnull(room);
    bgp_conn_put(&conn, (size_t)bgp_notification_encode(&cease, room, BGP_MSG_MAX));
    drain();
    while (bgp_conn_queued(&conn) > 0)
        bgp_conn_flush(&conn, &sent);
    while (drain())
        ;
    for (f.type = 0; (n = bgp_frame_next(stream + at, stream_len - at, BGP_MSG_MAX, &f, &err)) > 0;
         at += (size_t)n)
        updates += f.type == BGP_UPDATE;
    ck_assert_uint_eq(at, stream_len);
    ck_assert_int_eq(f.type, BGP_NOTIFICATION);
    ck_assert_uint_gt(updates, 0);
    ck_assert_uint_lt(updates, 35);
}
END_TEST

START_TEST(test_write_error_is_left_to_the_reader)
{
    uint8_t msg[BGP_HEADER_LEN];
    struct bgp_frame f;
    int e;

    bgp_keepalive_encode(msg, sizeof(msg));
    ck_assert_int_eq(send(other, msg, sizeof(msg), 0), sizeof(msg));
    close(other);
    queue_update(100, 0);
    ck_assert(!bgp_conn_flush(&conn, &sent));
    ck_assert_int_ne(conn.write_err, 0);
    ck_assert_int_eq(bgp_conn_read(&conn, &e), BGP_READ_BYTES); /* a NOTIFICATION could be there */
    ck_assert_int_eq(bgp_conn_next(&conn, BGP_MSG_MAX, &f, &err), BGP_HEADER_LEN);
    ck_assert_int_eq(bgp_conn_read(&conn, &e), BGP_READ_END);
    other = dup(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bgp_conn");
    TCase *tc = tcase_create("bytes");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_messages_in_pieces);
    tcase_add_test(tc, test_one_read_is_bounded);
    tcase_add_test(tc, test_bounds_of_what_waits);
    tcase_add_test(tc, test_slow_reader);
    tcase_add_test(tc, test_notification_passes_what_waits);
    tcase_add_test(tc, test_write_error_is_left_to_the_reader);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
