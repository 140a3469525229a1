/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A BGP peer that is but a socket in the hands of a test.
 */
#ifndef TESTS_UNIT_BGP_RAW_SOCKET_H
#define TESTS_UNIT_BGP_RAW_SOCKET_H

#include "controlplane/sockaddr.h"
#include "tests/unit/bgp_world.h"

struct raw {
    int fd;
    uint8_t in[1 << 17];
    size_t len;
};

/* Connects from one address of ours to another; the loop has to accept it. */
static inline void raw_dial(struct raw *r, const char *from, const char *to)
{
    struct sockaddr_storage sa;
    const struct ipaddr f = ip(from), t = ip(to);
    socklen_t len = sockaddr_make(&f, 0, &sa);

    r->len = 0;
    r->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(r->fd, 0);
    ck_assert_int_eq(bind(r->fd, (struct sockaddr *)&sa, len), 0);
    len = sockaddr_make(&t, PORT, &sa);
    ck_assert(connect(r->fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS);
}

static inline void raw_send(struct raw *r, const void *data, size_t len)
{
    const uint8_t *p = data;
    mono_t start = mono_now();

    while (len > 0) {
        ssize_t n = send(r->fd, p, len, MSG_NOSIGNAL);

        ck_assert_msg(n >= 0 || errno == EAGAIN, "send: %s", strerror(errno));
        ck_assert_msg(!late(start, 10), "nobody reads");
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
        turn();
    }
}

/* What a plain peer of this AS says first. */
static inline struct bgp_fsm_open raw_open(uint32_t asn, uint32_t id)
{
    struct bgp_fsm_config c;

    bgp_fsm_config_default(&c, asn, id, 65000);
    c.local.hold_s = 3;
    c.local.caps.gr = c.local.caps.gr_evpn = c.local.caps.gr_notification = false;
    return c.local;
}

static inline void raw_send_open(struct raw *r, const struct bgp_fsm_open *o)
{
    uint8_t msg[BGP_MSG_MAX];
    struct bgp_open open;
    int n;

    bgp_peer_open_encode(o, &open);
    n = bgp_open_encode(&open, msg, sizeof(msg));
    ck_assert_int_gt(n, 0);
    raw_send(r, msg, (size_t)n);
}

static inline void raw_send_keepalive(struct raw *r)
{
    uint8_t msg[BGP_HEADER_LEN];

    ck_assert_int_eq(bgp_keepalive_encode(msg, sizeof(msg)), BGP_HEADER_LEN);
    raw_send(r, msg, sizeof(msg));
}

/* Reads what is there. False at the end of the stream. */
static inline bool raw_read(struct raw *r)
{
    ssize_t n = recv(r->fd, r->in + r->len, sizeof(r->in) - r->len, MSG_DONTWAIT);

    if (n > 0)
        r->len += (size_t)n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Waits for a message of this type, throwing away those before it; its body goes to `body`. Returns the
 * length. */
static inline size_t raw_expect(struct raw *r, enum bgp_type type, uint8_t body[BGP_MSG_EXT_MAX])
{
    mono_t start = mono_now();
    struct bgp_error err;
    struct bgp_frame f;
    bool open = true;

    for (;;) {
        int n = bgp_frame_next(r->in, r->len, BGP_MSG_EXT_MAX, &f, &err);

        ck_assert_msg(n >= 0, "%s", err.text);
        if (n > 0) {
            bool found = f.type == type;
            size_t len = f.body_len;

            if (found)
                memcpy(body, f.body, len);
            r->len -= (size_t)n;
            memmove(r->in, r->in + n, r->len);
            if (found)
                return len;
            continue;
        }
        ck_assert_msg(open, "the connection ended without %s", bgp_type_name(type));
        ck_assert_msg(!late(start, 12), "no %s came", bgp_type_name(type));
        turn();
        open = raw_read(r);
    }
}

static inline void raw_expect_notification(struct raw *r, uint8_t code, uint8_t subcode)
{
    static uint8_t body[BGP_MSG_EXT_MAX];
    size_t n = raw_expect(r, BGP_NOTIFICATION, body);

    ck_assert_uint_ge(n, 2);
    ck_assert_msg(body[0] == code && body[1] == subcode, "NOTIFICATION %u/%u instead of %u/%u", body[0],
                  body[1], code, subcode);
}

static inline bool raw_ended(struct raw *r)
{
    r->len = 0;
    return !raw_read(r);
}

/* Dials, and is Established when this returns. */
static inline void raw_up(struct raw *r, const char *from, const char *to, const struct bgp_fsm_open *o)
{
    static uint8_t body[BGP_MSG_EXT_MAX];

    raw_dial(r, from, to);
    raw_send_open(r, o);
    raw_expect(r, BGP_OPEN, body);
    raw_expect(r, BGP_KEEPALIVE, body);
    raw_send_keepalive(r);
}

static inline void raw_reset(struct raw *r)
{
    bgp_socket_abort(r->fd);
}

#endif
