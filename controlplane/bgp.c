/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bgp.h. TCP MD5 keys live on the listeners, one for each peer that has a password.
 */
#include "controlplane/bgp.h"

#include "conf/log.h"
#include "controlplane/bgp_session_private.h"
#include "controlplane/bgp_socket.h"
#include "controlplane/sockaddr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ACCEPT_TURN    16 /* connections taken before others have their turn */
#define LOG_AGAIN_S    60
#define MD5_LOOK_S     2
#define ACCEPT_AGAIN_S 1

struct listener {
    int fd;
    struct ipaddr address;
    uint16_t port;
    struct event *event;
};

struct bgp {
    struct bgp_env env;
    struct listener listeners[2 * BGP_MAX_LISTEN]; /* those of before, until the new ones are there */
    size_t n_listeners;
    struct bgp_session *peers;
    struct event *md5_timer, *accept_timer;
    struct bgp_md5_counts md5_seen;
    struct bgp_counters counters;
    struct quiet_sources quiet_unknown;
    struct quiet quiet_accept, quiet_md5;
};

/* ---- incoming connections */

static void refuse_unknown(struct bgp *b, const struct ipaddr *from, int fd)
{
    char text[IPADDR_STRLEN], more[QUIET_TEXT];
    uint64_t held;

    b->counters.unknown++;
    if (quiet_source_over(&b->quiet_unknown, from, mono_now(), LOG_AGAIN_S, &held))
        log_warning("bgp", "connection from %s refused: it is no peer's address%s", ipaddr_format(from, text),
                    quiet_more(held, more));
    bgp_socket_abort(fd);
}

/* Out of descriptors or memory: the listener would be ready for ever. */
static void rest(struct bgp *b, int err)
{
    const struct timeval tv = {.tv_sec = ACCEPT_AGAIN_S};
    uint64_t held;

    b->counters.accept_errors++;
    if (quiet_over(&b->quiet_accept, mono_now(), LOG_AGAIN_S, &held))
        log_error("bgp", "cannot accept connections: %s", strerror(err));
    for (size_t i = 0; i < b->n_listeners; i++)
        event_del(b->listeners[i].event);
    evtimer_add(b->accept_timer, &tv);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
    struct bgp *b = arg;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < b->n_listeners; i++)
        event_add(b->listeners[i].event, NULL);
}

static void accepted(struct bgp *b, int fd, const struct sockaddr_storage *sa)
{
    struct bgp_session *s;
    struct ipaddr from;
    uint16_t port;

    b->counters.accepted++;
    s = sockaddr_read(sa, &from, &port) ? bgp_peer_find(b, &from) : NULL;
    if (s)
        bgp_session_incoming(s, fd);
    else
        refuse_unknown(b, &from, fd);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct bgp *b = arg;

    (void)what;
    for (int i = 0; i < ACCEPT_TURN; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof(sa);
        int conn = accept4(fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (conn >= 0) {
            accepted(b, conn, &sa);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            rest(b, errno);
            return;
        } /* else the connection is gone already: accept(2), "Error handling" */
    }
}

/* ---- passwords */

static int set_password(struct bgp *b, const struct ipaddr *peer, const char *password)
{
    for (size_t i = 0; i < b->n_listeners; i++) {
        int rc = b->listeners[i].address.family == peer->family
                     ? bgp_socket_password(b->listeners[i].fd, peer, password)
                     : 0;

        if (rc)
            return rc;
    }
    return 0;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* A peer is a suspect when it had no session for a while, and has a password where the error needs one. */
static bool is_suspect(const struct bgp_session *s, const struct bgp_md5_counts *more)
{
    if (!s->was_down || s->up || s->shown_state == BGP_IDLE)
        return false;
    return s->cfg.password[0] ? more->missing + more->wrong > 0 : more->unexpected > 0;
}

static bool accuse(struct bgp_session *s, const struct bgp_md5_counts *more)
{
    uint64_t held;

    if (!is_suspect(s, more))
        return false;
    s->counters.md5_errors += s->cfg.password[0] ? more->missing + more->wrong : more->unexpected;
    if (quiet_over(&s->quiet_md5, mono_now(), LOG_AGAIN_S, &held))
        log_warning("bgp",
                    "%s: no session, and TCP MD5 drops packets (%llu with a wrong signature, %llu with none, "
                    "%llu that should have none): is the password the same at both ends?",
                    s->name, (unsigned long long)more->wrong, (unsigned long long)more->missing,
                    (unsigned long long)more->unexpected);
    return true;
}

static void look_for_md5_errors(struct bgp *b)
{
    struct bgp_md5_counts now, more;
    bool found = false;
    uint64_t held;

    if (!bgp_md5_read(&now))
        return;
    more.missing = grown(now.missing, b->md5_seen.missing);
    more.unexpected = grown(now.unexpected, b->md5_seen.unexpected);
    more.wrong = grown(now.wrong, b->md5_seen.wrong);
    b->md5_seen = now;
    b->counters.md5.missing += more.missing;
    b->counters.md5.unexpected += more.unexpected;
    b->counters.md5.wrong += more.wrong;
    if (more.missing + more.unexpected + more.wrong == 0)
        return;
    for (struct bgp_session *s = b->peers; s; s = s->next)
        found |= accuse(s, &more);
    if (!found && quiet_over(&b->quiet_md5, mono_now(), LOG_AGAIN_S, &held))
        log_warning(
            "bgp",
            "TCP MD5 drops packets (%llu with a wrong signature, %llu with none, %llu that should have "
            "none), of no peer that lacks its session",
            (unsigned long long)more.wrong, (unsigned long long)more.missing,
            (unsigned long long)more.unexpected);
}

static void on_md5_timer(evutil_socket_t fd, short what, void *arg)
{
    struct bgp *b = arg;

    (void)fd;
    (void)what;
    look_for_md5_errors(b);
    for (struct bgp_session *s = b->peers; s; s = s->next)
        s->was_down = !s->up;
}

/* ---- peers */

static int fail(char err[BGP_ERR_LEN], int rc, const char *what, const struct ipaddr *address)
{
    char text[IPADDR_STRLEN];

    snprintf(err, BGP_ERR_LEN, "BGP: %s%s%s%s%s", address ? ipaddr_format(address, text) : "",
             address ? ": " : "", what, rc ? ": " : "", rc ? strerror(-rc) : "");
    return rc ? rc : -EINVAL;
}

struct bgp_session *bgp_peer_add(struct bgp *b, const struct bgp_peer_config *config, char err[BGP_ERR_LEN])
{
    const char *wrong = bgp_peer_config_check(config, &b->env.local);
    struct bgp_session *s, **end = &b->peers;
    int rc;

    if (!wrong && bgp_peer_find(b, &config->address))
        wrong = "there is such a peer already";
    if (wrong) {
        fail(err, 0, wrong, &config->address);
        return NULL;
    }
    s = bgp_session_new(&b->env, config);
    if (!s) {
        fail(err, -ENOMEM, "cannot be added", &config->address);
        return NULL;
    }
    rc = set_password(b, &config->address, config->password);
    if (rc) {
        fail(err, rc, "its password cannot be set", &config->address);
        bgp_session_free(s);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = s;
    return s;
}

void bgp_peer_remove(struct bgp *b, struct bgp_session *s)
{
    struct bgp_session **at = &b->peers;

    bgp_session_admin(s, BGP_EV_STOP, BGP_CEASE_DECONFIGURED, NULL, false);
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at)
        *at = s->next;
    set_password(b, &s->cfg.address, "");
    bgp_session_free(s);
}

int bgp_peer_change(struct bgp *b, struct bgp_session *s, const struct bgp_peer_config *config,
                    char err[BGP_ERR_LEN])
{
    const char *wrong = bgp_peer_config_check(config, &b->env.local);
    bool reset = bgp_peer_config_resets(&s->cfg, config);
    int rc;

    if (!wrong && !ipaddr_eq(&s->cfg.address, &config->address))
        wrong = "a peer's address cannot change";
    if (wrong)
        return fail(err, 0, wrong, &config->address);
    if (reset) /* before the key changes, so that the NOTIFICATION arrives */
        bgp_session_admin(s, BGP_EV_RESET, BGP_CEASE_CONFIG_CHANGE, NULL, false);
    rc = set_password(b, &config->address, config->password);
    if (rc)
        return fail(err, rc, "its password cannot be set", &config->address);
    bgp_session_configure(s, config);
    return 0;
}

struct bgp_session *bgp_peer_find(const struct bgp *b, const struct ipaddr *address)
{
    struct bgp_session *s = b->peers;

    while (s && !ipaddr_eq(&s->cfg.address, address))
        s = s->next;
    return s;
}

struct bgp_session *bgp_peer_next(const struct bgp *b, const struct bgp_session *s)
{
    return s ? s->next : b->peers;
}

const struct bgp_counters *bgp_counters(const struct bgp *b)
{
    return &b->counters;
}

const struct bgp_local *bgp_local(const struct bgp *b)
{
    return &b->env.local;
}

/* ---- life */

static void stop_listening(struct listener *l)
{
    if (l->event)
        event_free(l->event);
    evutil_closesocket(l->fd);
}

/* The keys of all peers on a listener that is new. */
static int set_passwords(const struct bgp *b, const struct listener *l)
{
    int rc = 0;

    for (const struct bgp_session *s = b->peers; s && rc == 0; s = s->next)
        if (s->cfg.password[0] && s->cfg.address.family == l->address.family)
            rc = bgp_socket_password(l->fd, &s->cfg.address, s->cfg.password);
    return rc;
}

static int listen_on(struct bgp *b, const struct ipaddr *address, uint16_t port)
{
    struct listener *l = &b->listeners[b->n_listeners];
    int rc;

    l->fd = bgp_socket_listen(address, port);
    if (l->fd < 0)
        return l->fd;
    l->address = *address;
    l->port = port;
    l->event = event_new(b->env.base, l->fd, EV_READ | EV_PERSIST, on_accept, b);
    rc = l->event ? set_passwords(b, l) : -ENOMEM;
    if (rc == 0 && event_add(l->event, NULL) < 0)
        rc = -ENOMEM;
    if (rc)
        stop_listening(l);
    else
        b->n_listeners++;
    return rc;
}

static bool is_among(const struct ipaddr *address, const struct ipaddr *list, size_t n)
{
    while (n > 0 && !ipaddr_eq(&list[n - 1], address))
        n--;
    return n > 0;
}

static bool listens_on(const struct bgp *b, const struct ipaddr *address, uint16_t port)
{
    size_t i = 0;

    while (i < b->n_listeners &&
           (b->listeners[i].port != port || !ipaddr_eq(&b->listeners[i].address, address)))
        i++;
    return i < b->n_listeners;
}

int bgp_listen(struct bgp *b, const struct ipaddr *addresses, size_t n, uint16_t port, char err[BGP_ERR_LEN])
{
    size_t before = b->n_listeners;

    for (size_t i = 0; i < n; i++) {
        uint8_t family = addresses[i].family;
        int rc = family == 4 || family == 6 ? 0 : -EINVAL;

        if (rc == 0 && listens_on(b, &addresses[i], port))
            continue;
        if (rc == 0)
            rc = b->n_listeners < 2 * BGP_MAX_LISTEN ? listen_on(b, &addresses[i], port) : -EINVAL;
        if (rc) {
            while (b->n_listeners > before)
                stop_listening(&b->listeners[--b->n_listeners]);
            return fail(err, rc, "cannot listen", &addresses[i]);
        }
    }
    for (size_t i = before; i > 0; i--) {
        if (b->listeners[i - 1].port == port && is_among(&b->listeners[i - 1].address, addresses, n))
            continue;
        stop_listening(&b->listeners[i - 1]);
        b->listeners[i - 1] = b->listeners[--b->n_listeners];
    }
    return 0;
}

struct bgp *bgp_new(struct event_base *base, const struct bgp_config *config, const struct bgp_ops *ops,
                    void *arg, char err[BGP_ERR_LEN])
{
    const struct timeval tv = {.tv_sec = MD5_LOOK_S};
    struct bgp *b = calloc(1, sizeof(*b));

    if (!b) {
        fail(err, -ENOMEM, "cannot start", NULL);
        return NULL;
    }
    b->env.base = base;
    b->env.ops = ops;
    b->env.arg = arg;
    b->env.local = config->local;
    if (bgp_listen(b, config->listen, config->n_listen, config->port ? config->port : BGP_PORT, err) < 0) {
        bgp_free(b);
        return NULL;
    }
    b->md5_timer = event_new(base, -1, EV_PERSIST, on_md5_timer, b);
    b->accept_timer = evtimer_new(base, on_accept_again, b);
    if (!b->md5_timer || !b->accept_timer) {
        fail(err, -ENOMEM, "cannot start", NULL);
        bgp_free(b);
        return NULL;
    }
    if (bgp_md5_read(&b->md5_seen))
        evtimer_add(b->md5_timer, &tv);
    return b;
}

void bgp_shutdown(struct bgp *b, const char *text)
{
    for (struct bgp_session *s = b->peers; s; s = s->next)
        bgp_session_stop(s, text);
}

void bgp_free(struct bgp *b)
{
    if (!b)
        return;
    while (b->peers) {
        struct bgp_session *s = b->peers;

        b->peers = s->next;
        bgp_session_free(s);
    }
    while (b->n_listeners > 0)
        stop_listening(&b->listeners[--b->n_listeners]);
    if (b->md5_timer)
        event_free(b->md5_timer);
    if (b->accept_timer)
        event_free(b->accept_timer);
    free(b);
}
