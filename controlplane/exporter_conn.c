/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See exporter_conn.h.
 *
 * Tricky: evhttp asks for a bufferevent for each connection that it accepts, and does not say when it is done
 * with it. So we hold a reference of our own to each, and look for those that evhttp has freed (they have no
 * callbacks any more) before each new one, and from time to time. To end one, its socket is shut down, and
 * evhttp sees an end of file or an error in the next turn of the loop. The socket is closed with the last
 * reference.
 */
#include "controlplane/exporter_conn.h"

#include "conf/log.h"
#include "controlplane/exporter.h"
#include "controlplane/quiet.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define NS_PER_S  1000000000u
#define BATCH     16          /* accepted in one go ... */
#define PAUSE_US  10000       /* ... and then none for so long */
#define DYING     (2 * BATCH) /* that are shut down and not gone yet, beside EXPORTER_CONNECTIONS */
#define SWEEP_US  50000       /* while somebody is connected */
#define INPUT_MAX 65536       /* bytes that wait for evhttp */
#define WRITE_MAX 262144      /* given to the kernel in one turn, some 50 us */
#define ERROR_S   1           /* no socket could be made: tried again after that */
#define ERROR_LOG 60

struct conn {
    TAILQ_ENTRY(conn) link; /* the oldest first */
    struct bufferevent *bev;
    mono_t deadline;
    uint64_t text; /* being sent; 0: none yet */
    bool dying;
};
TAILQ_HEAD(conn_list, conn);

struct exporter_conns {
    LIST_ENTRY(exporter_conns) link;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *resume, *sweep;
    struct conn_list list;
    unsigned n, n_dying;
    unsigned batch;
    struct exporter_conn_counts counts;
    struct quiet errors;
};

/* All there are: the listener's callbacks have evhttp's argument, not ours. */
LIST_HEAD(exporter_conns_list, exporter_conns);
static struct exporter_conns_list all_conns = LIST_HEAD_INITIALIZER(all_conns);

static void end(struct exporter_conns *c, struct conn *conn)
{
    if (conn->dying)
        return;
    conn->dying = true;
    c->n_dying++;
    c->counts.closed++;
    shutdown(bufferevent_getfd(conn->bev), SHUT_RDWR);
}

static void forget(struct exporter_conns *c, struct conn *conn)
{
    TAILQ_REMOVE(&c->list, conn, link);
    c->n--;
    c->n_dying -= conn->dying;
    bufferevent_decref(conn->bev);
    free(conn);
}

static bool is_gone(const struct conn *conn)
{
    bufferevent_data_cb read_cb, write_cb;
    bufferevent_event_cb event_cb;
    void *arg;

    bufferevent_getcb(conn->bev, &read_cb, &write_cb, &event_cb, &arg);
    return !event_cb;
}

/* Lets go of those that evhttp is done with. */
static void sweep(struct exporter_conns *c)
{
    struct conn *conn, *next;

    for (conn = TAILQ_FIRST(&c->list); conn; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (is_gone(conn))
            forget(c, conn);
    }
}

static void arm_sweep(struct exporter_conns *c)
{
    static const struct timeval time = {.tv_usec = SWEEP_US};

    if (c->n > 0 && !event_pending(c->sweep, EV_TIMEOUT, NULL))
        event_add(c->sweep, &time);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
    struct exporter_conns *c = arg;
    mono_t now = mono_now();
    struct conn *conn;

    (void)fd, (void)what;
    sweep(c);
    for (conn = TAILQ_FIRST(&c->list); conn; conn = TAILQ_NEXT(conn, link))
        if (now.ns > conn->deadline.ns)
            end(c, conn);
    arm_sweep(c);
}

/* ---- accepting */

/* The oldest that nothing is sent to, else the oldest of all. */
static void make_room(struct exporter_conns *c)
{
    struct conn *conn, *oldest = NULL;

    for (conn = TAILQ_FIRST(&c->list); conn; conn = TAILQ_NEXT(conn, link)) {
        if (conn->dying)
            continue;
        if (!oldest)
            oldest = conn;
        if (!conn->text) {
            oldest = conn;
            break;
        }
    }
    if (oldest)
        end(c, oldest);
}

static void pause_accepting(struct exporter_conns *c, const struct timeval *time)
{
    evconnlistener_disable(c->listener);
    event_add(c->resume, time);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval time = {.tv_usec = PAUSE_US};
    struct exporter_conns *c = arg;

    (void)fd, (void)what;
    c->batch = 0;
    sweep(c);
    if (c->n >= EXPORTER_CONNECTIONS + DYING)
        event_add(c->resume, &time);
    else
        evconnlistener_enable(c->listener);
}

static void on_accepted(struct exporter_conns *c)
{
    static const struct timeval time = {.tv_usec = PAUSE_US};

    c->counts.accepted++;
    if (c->n - c->n_dying > EXPORTER_CONNECTIONS)
        make_room(c);
    if (++c->batch >= BATCH || c->n >= EXPORTER_CONNECTIONS + DYING)
        pause_accepting(c, &time);
}

/* Out of descriptors or memory: the connection stays where it is, so without a rest we would be called for
 * ever. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    static const struct timeval time = {.tv_sec = ERROR_S};
    int error = EVUTIL_SOCKET_ERROR();
    struct exporter_conns *c;
    char more[QUIET_TEXT];
    uint64_t held;

    (void)arg;
    for (c = LIST_FIRST(&all_conns); c && c->listener != listener; c = LIST_NEXT(c, link))
        ;
    if (!c)
        return;
    if (quiet_over(&c->errors, mono_now(), ERROR_LOG, &held))
        log_warning("metrics", "a connection cannot be accepted: %s%s", strerror(error),
                    quiet_more(held, more));
    pause_accepting(c, &time);
}

/* evhttp asks for it once for each connection, and sets its callbacks when we return. NULL (no memory): it
 * makes one of its own, which is not counted, but ends when it is idle. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
    struct exporter_conns *c = arg;
    struct conn *conn = calloc(1, sizeof(*conn));

    (void)base;
    sweep(c); /* before the new one is in the list: it looks like one that is gone */
    if (!conn)
        return NULL;
    conn->deadline.ns = mono_now().ns + EXPORTER_SECONDS * (uint64_t)NS_PER_S;
    conn->bev = bufferevent_socket_new(c->base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!conn->bev) {
        free(conn);
        return NULL;
    }
    bufferevent_incref(conn->bev);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, INPUT_MAX);
    (void)bufferevent_set_max_single_write(conn->bev, WRITE_MAX);
    TAILQ_INSERT_TAIL(&c->list, conn, link);
    c->n++;
    on_accepted(c);
    arm_sweep(c);
    return conn->bev;
}

/* ---- life */

struct exporter_conns *exporter_conns_new(struct event_base *base, struct evhttp *http,
                                          struct evconnlistener *listener)
{
    struct exporter_conns *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->base = base;
    c->listener = listener;
    TAILQ_INIT(&c->list);
    LIST_INSERT_HEAD(&all_conns, c, link);
    c->resume = evtimer_new(base, on_resume, c);
    c->sweep = evtimer_new(base, on_sweep, c);
    if (!c->resume || !c->sweep) {
        exporter_conns_free(c);
        return NULL;
    }
    evconnlistener_set_error_cb(listener, on_accept_error);
    evhttp_set_bevcb(http, on_connection, c);
    return c;
}

void exporter_conns_free(struct exporter_conns *c)
{
    struct conn *conn;

    if (!c)
        return;
    LIST_REMOVE(c, link);
    while ((conn = TAILQ_FIRST(&c->list)) != NULL)
        forget(c, conn);
    if (c->resume)
        event_free(c->resume);
    if (c->sweep)
        event_free(c->sweep);
    free(c);
}

void exporter_conn_answered(struct exporter_conns *c, struct evhttp_connection *of, uint64_t text)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(of);
    struct conn *conn;

    for (conn = TAILQ_FIRST(&c->list); conn; conn = TAILQ_NEXT(conn, link))
        if (conn->bev == bev)
            conn->text = text;
}

void exporter_conns_close_readers(struct exporter_conns *c, uint64_t text)
{
    struct conn *conn;

    for (conn = TAILQ_FIRST(&c->list); conn; conn = TAILQ_NEXT(conn, link))
        if (conn->text && conn->text <= text)
            end(c, conn);
}

struct exporter_conn_counts exporter_conns_counts(const struct exporter_conns *c)
{
    return c->counts;
}
