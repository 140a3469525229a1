/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See api_socket.h. Tricky: whether a socket file belongs to a living daemon only connect() tells.
 */
#include "controlplane/api_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_MODE    0660
#define DIRECTORY_MODE 0755

static int make_directory(const char *path, char *err, size_t err_len)
{
    char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return 0;
    memcpy(dir, path, (size_t)(slash - path));
    dir[slash - path] = '\0';
    if (mkdir(dir, DIRECTORY_MODE) == 0)
        return chmod(dir, DIRECTORY_MODE) == 0 ? 0 : -errno;
    if (errno != EEXIST) {
        int rc = -errno;

        snprintf(err, err_len, "api.socket: cannot make the directory %s: %s", dir, strerror(errno));
        return rc;
    }
    return 0;
}

/* Makes sure that nothing is at the path. */
static int clear_stale(const struct sockaddr_un *addr, char *err, size_t err_len)
{
    struct stat st;
    int fd, rc;

    if (lstat(addr->sun_path, &st) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(err, err_len, "api.socket: %s exists and is not a socket; remove it or choose another path",
                 addr->sun_path);
        return -EEXIST;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : -errno;
    close(fd);
    /* EAGAIN: its backlog is full, so somebody listens. */
    if (rc == 0 || rc == -EAGAIN) {
        snprintf(err, err_len, "api.socket: another causewayd answers on %s; stop it or choose another path",
                 addr->sun_path);
        return -EADDRINUSE;
    }
    if (rc == -ENOENT)
        return 0;
    if (rc != -ECONNREFUSED)
        return rc;
    return unlink(addr->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int bind_at(struct api_socket *s, const struct sockaddr_un *addr)
{
    struct stat st;
    int rc;

    /* The inode of the file takes its mode from the socket, less the umask: never wider than SOCKET_MODE. */
    if (fchmod(s->fd, SOCKET_MODE) != 0)
        return -errno;
    if (bind(s->fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0)
        return -errno;
    if (chmod(s->path, SOCKET_MODE) != 0 || lstat(s->path, &st) != 0) {
        rc = -errno;
        unlink(s->path);
        return rc;
    }
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    return 0;
}

int api_socket_bind(struct api_socket *s, const char *path, char *err, size_t err_len)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int rc;

    err[0] = '\0';
    if (n == 0 || n >= sizeof(addr.sun_path)) {
        snprintf(err, err_len, "api.socket: a path of 1 to %zu characters is needed",
                 sizeof(addr.sun_path) - 1);
        return -ENAMETOOLONG;
    }
    memcpy(addr.sun_path, path, n + 1);
    memcpy(s->path, path, n + 1);
    rc = make_directory(path, err, err_len);
    if (rc == 0)
        rc = clear_stale(&addr, err, err_len);
    if (rc == 0) {
        s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        rc = s->fd < 0 ? -errno : bind_at(s, &addr);
        if (rc != 0 && s->fd >= 0)
            close(s->fd);
    }
    if (rc != 0 && err[0] == '\0')
        snprintf(err, err_len, "api.socket: cannot listen on %s: %s", path, strerror(-rc));
    return rc;
}

void api_socket_unlink(const struct api_socket *s)
{
    struct stat st;

    if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        unlink(s->path);
}
