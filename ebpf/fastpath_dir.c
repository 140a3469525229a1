/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A gateway's directory in a bpffs; see fastpath_dir.h. Control thread only.
 *
 * Tricky: the directory may be taken away by its last user between our open() and our lock, so after the lock
 * it is looked at once more. What is in it may be anybody's: a directory that is not ours is not used.
 */
#include "ebpf/fastpath_dir.h"

#include "ebpf/fail.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define ATTEMPTS 8

/* "paris.1": "paris%2e1". */
static void write_name(char name[FASTPATH_NAME_LEN], const char *text)
{
    int n = 0;

    name[0] = '\0';
    /* One too long is cut: it can only meet another that begins with the same hundred bytes. */
    for (; *text && n < FASTPATH_NAME_LEN - 4; text++) {
        unsigned char c = (unsigned char)*text;

        n += snprintf(name + n, FASTPATH_NAME_LEN - (size_t)n,
                      isascii(c) && (isalnum(c) || c == '_' || c == '-') ? "%c" : "%%%02x", c);
    }
}

/* ---- opening it
 * ---------------------------------------------------------------------------------------------- */

static int check_bpffs(const char *dir, char *err, size_t err_len)
{
    char parent[FASTPATH_DIR_LEN], *slash;
    struct statfs fs;

    snprintf(parent, sizeof(parent), "%s", dir);
    if (statfs(parent, &fs)) {
        slash = strrchr(parent, '/');
        if (errno == ENOENT && slash && slash > parent)
            *slash = '\0';
        if (statfs(parent, &fs))
            return fail(err, err_len, -errno, "%s: %s", parent, strerror(errno));
    }
    if (fs.f_type != BPF_FS_MAGIC)
        return fail(err, err_len, -ENOTSUP, "%s is not in a bpffs ('mount -t bpf bpf /sys/fs/bpf')", parent);
    return 0;
}

static int make(const char *path, char *err, size_t err_len)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return fail(err, err_len, -errno, "%s cannot be made: %s", path, strerror(errno));
    return 0;
}

static int lock(struct fastpath_dir *d, char *err, size_t err_len)
{
    struct stat st;

    d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (d->fd < 0)
        return fail(err, err_len, -errno, "%s cannot be opened: %s", d->path, strerror(errno));
    if (fstat(d->fd, &st))
        return fail(err, err_len, -errno, "%s: %s", d->path, strerror(errno));
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return fail(err, err_len, -EPERM, "%s is not ours alone: others can write there", d->path);
    if (flock(d->fd, LOCK_EX | LOCK_NB))
        return fail(err, err_len, errno == EWOULDBLOCK ? -EBUSY : -errno,
                    "%s is used by another process: is causewayd running for this gateway already?", d->path);
    return 0;
}

static bool is_still_there(const struct fastpath_dir *d)
{
    struct stat mine, now;

    return !fstat(d->fd, &mine) && !lstat(d->path, &now) && mine.st_ino == now.st_ino &&
           mine.st_dev == now.st_dev;
}

int fastpath_dir_open(struct fastpath_dir *d, const char *dir, const char *gateway, bool create, char *err,
                      size_t err_len)
{
    char name[FASTPATH_NAME_LEN];
    int rc;

    d->fd = -1;
    write_name(name, gateway);
    if (strlen(dir) + 1 + strlen(name) + 1 + FASTPATH_NAME_LEN > sizeof(d->path) || name[0] == '\0')
        return fail(err, err_len, -ENAMETOOLONG, "no directory for pins: \"%s/%s\" is too long or empty", dir,
                    gateway);
    snprintf(d->path, sizeof(d->path), "%s/%s", dir, name);
    rc = check_bpffs(dir, err, err_len);
    for (int i = 0; rc == 0 && i < ATTEMPTS; i++) {
        rc = create ? make(dir, err, err_len) : 0;
        if (rc == 0 && create)
            rc = make(d->path, err, err_len);
        if (rc == 0)
            rc = lock(d, err, err_len);
        if (rc == 0 && is_still_there(d))
            return 0;
        fastpath_dir_close(d);
        if (rc == 0 || (rc == -ENOENT && create))
            rc = i + 1 < ATTEMPTS ? 0 : fail(err, err_len, -EAGAIN, "%s comes and goes", d->path);
    }
    return rc;
}

void fastpath_dir_close(struct fastpath_dir *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

int fastpath_dir_remove(struct fastpath_dir *d)
{
    char *slash;

    if (rmdir(d->path))
        return -errno;
    slash = strrchr(d->path, '/');
    *slash = '\0';
    (void)rmdir(d->path); /* other gateways may have theirs in it */
    *slash = '/';
    return 0;
}

/* ---- what is in it
 * ------------------------------------------------------------------------------------------- */

static void path_of(char path[FASTPATH_DIR_LEN], const struct fastpath_dir *d, const char *name)
{
    snprintf(path, FASTPATH_DIR_LEN, "%s/%s", d->path, name);
}

int fastpath_dir_get(const struct fastpath_dir *d, const char *name)
{
    char path[FASTPATH_DIR_LEN];
    int fd;

    path_of(path, d, name);
    fd = bpf_obj_get(path);
    return fd < 0 ? -errno : fd;
}

/* Under another name first, so that there is always one of the two. */
int fastpath_dir_pin(const struct fastpath_dir *d, const char *name, int fd)
{
    static const char *const next = "next";
    char path[FASTPATH_DIR_LEN];

    path_of(path, d, next);
    if (unlink(path) && errno != ENOENT)
        return -errno;
    if (bpf_obj_pin(fd, path))
        return -errno;
    return renameat(d->fd, next, d->fd, name) ? -errno : 0;
}

int fastpath_dir_unpin(const struct fastpath_dir *d, const char *name)
{
    return unlinkat(d->fd, name, 0) ? -errno : 0;
}

int fastpath_dir_note(const struct fastpath_dir *d, const char *name, const char *text)
{
    if (unlinkat(d->fd, name, 0) && errno != ENOENT)
        return -errno;
    return symlinkat(text, d->fd, name) ? -errno : 0;
}

bool fastpath_dir_read_note(const struct fastpath_dir *d, const char *name, char text[FASTPATH_NOTE_LEN])
{
    ssize_t n = readlinkat(d->fd, name, text, FASTPATH_NOTE_LEN - 1);

    text[n < 0 ? 0 : n] = '\0';
    return n >= 0;
}

int fastpath_dir_each(const struct fastpath_dir *d, const char *prefix,
                      int (*fn)(const char *name, void *arg), void *arg)
{
    int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    int rc = 0;

    if (!dir) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (rc == 0 && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strncmp(e->d_name, prefix, strlen(prefix)) == 0)
            rc = fn(e->d_name, arg);
    }
    closedir(dir);
    return rc;
}
