/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bgp_conn.h. The write buffer holds whole messages one after the other; a message leaves it only when
 * all of it was sent, so that its header is there for counting.
 */
#include "controlplane/bgp_conn.h"

#include "controlplane/bgp_socket.h"
#include "controlplane/sockaddr.h"

#include <errno.h>
#include <stdlib.h>

/* ---- life */

static void learn_ends(struct bgp_conn *c)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    if (c->fd >= 0 && getsockname(c->fd, (struct sockaddr *)&sa, &len) == 0)
        sockaddr_read(&sa, &c->local, &c->local_port);
    len = sizeof(sa);
    if (c->fd >= 0 && getpeername(c->fd, (struct sockaddr *)&sa, &len) == 0)
        sockaddr_read(&sa, &c->remote, &c->remote_port);
}

static void free_events(struct bgp_conn *c)
{
    if (c->on_read)
        event_free(c->on_read);
    if (c->on_write)
        event_free(c->on_write);
    c->on_read = c->on_write = NULL;
}

int bgp_conn_open(struct bgp_conn *c, struct event_base *base, int fd, bool connecting, event_callback_fn cb,
                  void *arg)
{
    uint8_t *in = c->in ? c->in : malloc(BGP_CONN_IN), *out = c->out ? c->out : malloc(BGP_CONN_OUT);

    *c = (struct bgp_conn){.fd = fd, .serial = c->serial + 1, .in = in, .out = out};
    if (!in || !out)
        goto fail;
    if (fd >= 0) {
        c->on_read = event_new(base, fd, EV_READ | EV_PERSIST, cb, arg);
        c->on_write = event_new(base, fd, EV_WRITE | EV_PERSIST, cb, arg);
        if (!c->on_read || !c->on_write || event_add(connecting ? c->on_write : c->on_read, NULL) < 0)
            goto fail;
    }
    c->open = true;
    c->connecting = connecting;
    if (!connecting)
        learn_ends(c);
    return 0;
fail:
    free_events(c);
    if (fd >= 0)
        bgp_socket_abort(fd);
    c->fd = -1;
    return -ENOMEM;
}

int bgp_conn_finish_connect(struct bgp_conn *c)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return errno;
    if (err)
        return err;
    c->connecting = false;
    event_del(c->on_write);
    learn_ends(c);
    return event_add(c->on_read, NULL) < 0 ? ENOMEM : 0;
}

void bgp_conn_close(struct bgp_conn *c)
{
    struct bgp_traffic ignored;

    if (!c->open)
        return;
    if (!c->connecting)
        bgp_conn_flush(c, &ignored);
    free_events(c);
    if (c->fd >= 0 && !c->connecting && bgp_conn_queued(c) == 0 && !c->write_err)
        bgp_socket_finish(c->fd);
    else if (c->fd >= 0)
        bgp_socket_abort(c->fd);
    c->open = c->connecting = false;
    c->fd = -1;
}

void bgp_conn_reap(struct bgp_conn *c)
{
    if (c->open)
        return;
    free(c->in);
    free(c->out);
    c->in = c->out = NULL;
    c->in_at = c->in_len = c->out_at = c->out_sent = c->out_len = 0;
}

/* ---- in */

/* The rest of a message that began goes to the front: then there is room for all of it. */
static size_t make_room(struct bgp_conn *c)
{
    if (c->in_at > 0)
        memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
    c->in_len -= c->in_at;
    c->in_at = 0;
    return BGP_CONN_IN - c->in_len;
}

enum bgp_read bgp_conn_read(struct bgp_conn *c, int *err)
{
    size_t room = make_room(c);
    ssize_t n;

    *err = 0;
    if (c->fd < 0)
        return BGP_READ_NOTHING;
    n = recv(c->fd, c->in + c->in_len, room < BGP_CONN_TURN ? room : BGP_CONN_TURN, MSG_DONTWAIT);
    if (n > 0) {
        c->in_len += (size_t)n;
        return BGP_READ_BYTES;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return BGP_READ_NOTHING;
    *err = n < 0 ? errno : c->write_err == EPIPE ? 0 : c->write_err;
    return BGP_READ_END;
}

size_t bgp_conn_feed(struct bgp_conn *c, const void *data, size_t len)
{
    size_t room = make_room(c);

    len = len < room ? len : room;
    if (len > 0)
        memcpy(c->in + c->in_len, data, len);
    c->in_len += len;
    return len;
}

int bgp_conn_next(struct bgp_conn *c, size_t max, struct bgp_frame *frame, struct bgp_error *err)
{
    int n = bgp_frame_next(c->in + c->in_at, c->in_len - c->in_at, max, frame, err);

    if (n > 0)
        c->in_at += (size_t)n;
    return n;
}

size_t bgp_conn_unfinished(const struct bgp_conn *c)
{
    return c->in_len - c->in_at;
}

/* ---- out */

uint8_t *bgp_conn_room(struct bgp_conn *c, size_t size, bool control)
{
    size_t limit = control ? BGP_CONN_OUT : BGP_CONN_BULK;

    if (!c->open)
        return NULL;
    if (c->out_len + size > limit && c->out_at > 0) {
        memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
        c->out_len -= c->out_at;
        c->out_sent -= c->out_at;
        c->out_at = 0;
    }
    return c->out_len + size <= limit ? c->out + c->out_len : NULL;
}

void bgp_conn_put(struct bgp_conn *c, size_t n)
{
    c->out_len += n;
}

static size_t message_len(const uint8_t *msg)
{
    return (size_t)msg[16] << 8 | msg[17];
}

void bgp_conn_drop_unsent(struct bgp_conn *c)
{
    c->out_len = c->out_sent == c->out_at ? c->out_at : c->out_at + message_len(c->out + c->out_at);
}

/* Steps over the messages that were sent as a whole. */
static bool count_sent(struct bgp_conn *c, struct bgp_traffic *sent)
{
    bool any = false;

    while (c->out_at < c->out_sent) {
        const uint8_t *msg = c->out + c->out_at;
        size_t n = message_len(msg);

        if (c->out_at + n > c->out_sent)
            break;
        sent->messages[msg[18] < BGP_TYPES ? msg[18] : 0]++;
        sent->bytes += n;
        c->out_at += n;
        any = true;
    }
    if (c->out_at == c->out_len)
        c->out_at = c->out_sent = c->out_len = 0;
    return any;
}

bool bgp_conn_flush(struct bgp_conn *c, struct bgp_traffic *sent)
{
    size_t n = bgp_conn_queued(c);
    ssize_t took;

    *sent = (struct bgp_traffic){0};
    if (!c->open || c->connecting || c->write_err || n == 0)
        return false;
    took = c->fd < 0 ? (ssize_t)n : send(c->fd, c->out + c->out_sent, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (took < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ENOBUFS)
            c->write_err = errno;
        return false;
    }
    c->out_sent += (size_t)took;
    return count_sent(c, sent);
}

size_t bgp_conn_queued(const struct bgp_conn *c)
{
    return c->out_len - c->out_sent;
}

void bgp_conn_want_write(struct bgp_conn *c, bool want)
{
    if (!c->on_write || c->connecting)
        return;
    want = want && !c->write_err;
    if (want != !!event_pending(c->on_write, EV_WRITE, NULL)) {
        if (want)
            event_add(c->on_write, NULL);
        else
            event_del(c->on_write);
    }
}
