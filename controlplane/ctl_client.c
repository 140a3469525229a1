/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_client.h. One thread, blocking.
 */
#include "controlplane/ctl_client.h"

#include "conf/types.h"
#include "controlplane/ctl_text.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX (64u << 20) /* far above a page; a guard against an endless line */

struct ctl_client {
    int fd;
    char *buf;
    size_t first, len, cap; /* what was received and not taken yet is from first to len */
};

static int unreachable(const char *path, const char *reason, char err[CTL_ERR_LEN])
{
    snprintf(err, CTL_ERR_LEN, "cannot reach causewayd at %s: %s; is it running, and is -s right?", path,
             reason);
    return -1;
}

static int forbidden(const char *path, char err[CTL_ERR_LEN])
{
    snprintf(
        err, CTL_ERR_LEN,
        "no right to use %s: be root, or of the group that it belongs to (\"causeway\" where systemd starts "
        "causewayd)",
        path);
    return -1;
}

static int open_socket(const char *path, char err[CTL_ERR_LEN])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof(addr.sun_path))
        return unreachable(path, "the path is too long for a socket", err);
    strcpy(addr.sun_path, path);
    /* Non-blocking connect to a UNIX socket succeeds or fails at once; EAGAIN is a full backlog. */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return unreachable(path, strerror(errno), err);
    rc = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
    if (rc != 0) {
        if (errno == EACCES)
            forbidden(path, err);
        else
            unreachable(path, errno == EAGAIN ? "it is too busy to answer" : strerror(errno), err);
        close(fd);
        return -1;
    }
    return fd;
}

struct ctl_client *ctl_client_open(const char *path, char err[CTL_ERR_LEN])
{
    int fd = open_socket(path, err);
    struct ctl_client *c;

    if (fd < 0)
        return NULL;
    c = ctl_alloc(sizeof(*c));
    c->fd = fd;
    return c;
}

void ctl_client_close(struct ctl_client *c)
{
    if (!c)
        return;
    close(c->fd);
    free(c->buf);
    free(c);
}

pid_t ctl_client_pid(const struct ctl_client *c)
{
    struct ucred who = {0};
    socklen_t len = sizeof(who);

    return getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.pid : 0;
}

#define NO_DEADLINE ((mono_t){UINT64_MAX})

/* False when the deadline passed or poll() failed. */
static bool wait_for(const struct ctl_client *c, short events, mono_t deadline, char err[CTL_ERR_LEN])
{
    struct pollfd p = {.fd = c->fd, .events = events};
    bool for_ever = deadline.ns == UINT64_MAX;

    for (;;) {
        mono_t now = mono_now();
        int n;

        if (now.ns >= deadline.ns) {
            snprintf(err, CTL_ERR_LEN, "causewayd did not answer within %d s", CTL_TIMEOUT_MS / 1000);
            return false;
        }
        n = poll(&p, 1, for_ever ? -1 : (int)((deadline.ns - now.ns) / 1000000u) + 1);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR) {
            snprintf(err, CTL_ERR_LEN, "poll: %s", strerror(errno));
            return false;
        }
    }
}

static bool send_line(struct ctl_client *c, const cJSON *request, mono_t deadline, char err[CTL_ERR_LEN])
{
    char *text = cJSON_PrintUnformatted(request);
    size_t n = text ? strlen(text) : 0, done = 0;
    bool ok = text;

    if (!text) {
        snprintf(err, CTL_ERR_LEN, "not enough memory");
        return false;
    }
    text[n++] = '\n'; /* in the place of the end */
    while (ok && done < n) {
        ssize_t sent = send(c->fd, text + done, n - done, MSG_NOSIGNAL);

        if (sent > 0) {
            done += (size_t)sent;
        } else if (errno == EAGAIN) {
            ok = wait_for(c, POLLOUT, deadline, err);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            break; /* it may have said why: read on */
        } else if (errno != EINTR) {
            snprintf(err, CTL_ERR_LEN, "cannot write to causewayd: %s", strerror(errno));
            ok = false;
        }
    }
    cJSON_free(text);
    return ok;
}

static bool grow(struct ctl_client *c, char err[CTL_ERR_LEN])
{
    size_t cap = c->cap ? c->cap * 2 : 65536;
    char *buf;

    if (cap > REPLY_MAX) {
        snprintf(err, CTL_ERR_LEN, "the answer is too long");
        return false;
    }
    buf = ctl_alloc(cap);
    if (c->len)
        memcpy(buf, c->buf, c->len);
    free(c->buf);
    c->buf = buf;
    c->cap = cap;
    return true;
}

/* The next line, however much came with it, without its newline: valid until the next call. NULL with a
 * sentence in err. */
static const char *receive_line(struct ctl_client *c, mono_t deadline, size_t *len, char err[CTL_ERR_LEN])
{
    size_t seen = c->first;

    for (;;) {
        char *end = c->len > seen ? memchr(c->buf + seen, '\n', c->len - seen) : NULL;
        ssize_t n;

        if (end) {
            const char *line = c->buf + c->first;

            *len = (size_t)(end - line);
            c->first = (size_t)(end + 1 - c->buf);
            return line;
        }
        if (c->first > 0) {
            memmove(c->buf, c->buf + c->first, c->len - c->first);
            c->len -= c->first;
            c->first = 0;
        }
        seen = c->len;
        if (c->len == c->cap && !grow(c, err))
            return NULL;
        n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
        if (n > 0) {
            c->len += (size_t)n;
        } else if (n == 0 || errno == ECONNRESET) {
            snprintf(err, CTL_ERR_LEN, "causewayd closed the connection%s",
                     deadline.ns == UINT64_MAX ? "" : " without an answer");
            return NULL;
        } else if (errno == EAGAIN) {
            if (!wait_for(c, POLLIN, deadline, err))
                return NULL;
        } else if (errno != EINTR) {
            snprintf(err, CTL_ERR_LEN, "cannot read from causewayd: %s", strerror(errno));
            return NULL;
        }
    }
}

/* Takes reply. */
static cJSON *unwrap(cJSON *reply, char err[CTL_ERR_LEN])
{
    const cJSON *ok = cJSON_GetObjectItemCaseSensitive(reply, "ok");
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
    cJSON *result = NULL;

    if (cJSON_IsTrue(ok)) {
        result = cJSON_DetachItemFromObjectCaseSensitive(reply, "result");
    } else if (cJSON_IsFalse(ok) && cJSON_IsString(error)) {
        snprintf(err, CTL_ERR_LEN, "%s", error->valuestring);
        cJSON_Delete(reply);
        return NULL;
    }
    if (!cJSON_IsObject(result)) {
        cJSON_Delete(result);
        result = NULL;
        snprintf(err, CTL_ERR_LEN, "the answer is not one of causewayd's; is -s right?");
    }
    cJSON_Delete(reply);
    return result;
}

cJSON *ctl_client_call(struct ctl_client *c, const cJSON *request, char err[CTL_ERR_LEN])
{
    mono_t deadline = {mono_now().ns + CTL_TIMEOUT_MS * 1000000ull};
    const char *line;
    size_t len;

    if (!send_line(c, request, deadline, err))
        return NULL;
    line = receive_line(c, deadline, &len, err);
    return line ? unwrap(cJSON_ParseWithLength(line, len), err) : NULL;
}

cJSON *ctl_client_event(struct ctl_client *c, char err[CTL_ERR_LEN])
{
    size_t len;
    const char *line = receive_line(c, NO_DEADLINE, &len, err);
    cJSON *event = line ? cJSON_ParseWithLength(line, len) : NULL;

    if (line && !cJSON_IsObject(event)) {
        cJSON_Delete(event);
        event = NULL;
        snprintf(err, CTL_ERR_LEN, "what came is no event of causewayd's; is -s right?");
    }
    return event;
}
