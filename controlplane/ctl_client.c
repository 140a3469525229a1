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
    size_t len, cap;
};

static int unreachable(const char *path, const char *reason, char err[CTL_ERR_LEN])
{
    snprintf(err, CTL_ERR_LEN, "cannot reach causewayd at %s: %s; is it running, and is -s right?", path,
             reason);
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

/* False when the deadline passed or poll() failed. */
static bool wait_for(const struct ctl_client *c, short events, mono_t deadline, char err[CTL_ERR_LEN])
{
    struct pollfd p = {.fd = c->fd, .events = events};

    for (;;) {
        mono_t now = mono_now();
        int n;

        if (now.ns >= deadline.ns) {
            snprintf(err, CTL_ERR_LEN, "causewayd did not answer within %d s", CTL_TIMEOUT_MS / 1000);
            return false;
        }
        n = poll(&p, 1, (int)((deadline.ns - now.ns) / 1000000u) + 1);
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

/* Reads one line into buf, which then holds nothing else: one reply at a time is under way. */
static bool receive_line(struct ctl_client *c, mono_t deadline, char err[CTL_ERR_LEN])
{
    c->len = 0;
    for (;;) {
        ssize_t n;

        if (c->len == c->cap && !grow(c, err))
            return false;
        n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
        if (n > 0) {
            c->len += (size_t)n;
            if (c->buf[c->len - 1] == '\n')
                return true;
        } else if (n == 0 || errno == ECONNRESET) {
            snprintf(err, CTL_ERR_LEN, "causewayd closed the connection without an answer");
            return false;
        } else if (errno == EAGAIN) {
            if (!wait_for(c, POLLIN, deadline, err))
                return false;
        } else if (errno != EINTR) {
            snprintf(err, CTL_ERR_LEN, "cannot read from causewayd: %s", strerror(errno));
            return false;
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

    if (!send_line(c, request, deadline, err) || !receive_line(c, deadline, err))
        return NULL;
    return unwrap(cJSON_ParseWithLength(c->buf, c->len), err);
}
