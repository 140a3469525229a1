/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See journal_file.h.
 */
#include "controlplane/journal_file.h"

#include "conf/log.h"
#include "controlplane/journal_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN (CONF_PATH_LEN + 4)
#define QUIET_NS 60000000000ull

struct journal_file {
    char path[PATH_LEN], old[PATH_LEN];
    uint32_t max_lines, lines; /* of the file that is written */
    int fd;                    /* -1: none */
    bool cut;                  /* it ends within a line */
    mono_t complained;
    struct journal_file_stats stats;
};

static void complain(struct journal_file *f, const char *what, int error)
{
    mono_t now = mono_now();

    if (f->complained.ns && now.ns - f->complained.ns < QUIET_NS)
        return;
    f->complained = now;
    log_error("moves", "the journal: cannot %s %s: %s", what, f->path, strerror(error));
}

/* ---- reading */

/* Reads up to size bytes from offset on; less: the file is shorter, or cannot be read. */
static size_t read_at(int fd, char *buf, size_t size, off_t offset)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pread(fd, buf + done, size - done, offset + (off_t)done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

static void take_line(struct journal_file *f, const char *line, size_t len, struct journal *j)
{
    struct journal_entry e;

    if (journal_parse(line, len, &e)) {
        if (j)
            journal_restore(j, &e);
        f->stats.read++;
    } else if (len) {
        f->stats.garbage++;
    }
}

/* Cuts what is in buf into lines; returns how many bytes are left over, moved to the front. A line that is
 * too long for the buffer is garbage, in pieces. */
static size_t take_lines(struct journal_file *f, char *buf, size_t len, struct journal *j)
{
    char *line = buf, *end;

    while ((end = memchr(line, '\n', len - (size_t)(line - buf))) != NULL) {
        take_line(f, line, (size_t)(end - line), j);
        f->lines++;
        line = end + 1;
    }
    len -= (size_t)(line - buf);
    if (len >= JOURNAL_LINE_MAX) {
        f->stats.garbage++;
        return 0;
    }
    memmove(buf, line, len);
    return len;
}

#define READ_SIZE (32 * JOURNAL_LINE_MAX)

/* Reads the end of the file: as much as max_lines of the longest lines would take. */
static void read_file(struct journal_file *f, int fd, struct journal *j)
{
    off_t size = lseek(fd, 0, SEEK_END), most = (off_t)f->max_lines * JOURNAL_LINE_MAX, at;
    char *buf = malloc(READ_SIZE);
    size_t kept = 0, n;

    f->lines = 0;
    f->cut = false;
    for (at = size > most ? size - most : 0; buf && at < size; at += (off_t)n) {
        n = read_at(fd, buf + kept, READ_SIZE - kept, at);
        if (n == 0)
            break;
        f->cut = buf[kept + n - 1] != '\n';
        kept = take_lines(f, buf, kept + n, j);
    }
    if (kept)
        take_line(f, buf, kept, j); /* all but its newline may be there */
    free(buf);
}

/* A regular file, or -1. */
static int open_regular(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    struct stat st;

    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

static void read_old(struct journal_file *f, struct journal *j)
{
    int fd = open_regular(f->old, O_RDONLY);

    if (fd < 0)
        return;
    read_file(f, fd, j);
    close(fd);
}

/* ---- writing */

static bool writable(struct journal_file *f)
{
    if (f->fd < 0)
        f->fd = open_regular(f->path, O_RDWR | O_APPEND | O_CREAT);
    if (f->fd < 0)
        complain(f, "open", errno);
    return f->fd >= 0;
}

/* Where it cannot be renamed it grows until it is as long as both may be, and is begun anew then: new moves
 * are worth more than old ones. */
static void rotate(struct journal_file *f)
{
    if (rename(f->path, f->old) < 0) {
        complain(f, "rename", errno);
        if (f->lines < 2 * (uint64_t)f->max_lines)
            return; /* the next line tries again */
        if (ftruncate(f->fd, 0) < 0) {
            complain(f, "empty", errno);
            return;
        }
    }
    close(f->fd);
    f->fd = -1;
    f->lines = 0;
    f->cut = false;
}

static bool put(struct journal_file *f, const char *text, size_t len)
{
    ssize_t n = write(f->fd, text, len);

    if (n == (ssize_t)len)
        return true;
    f->cut = f->cut || n > 0;
    complain(f, "write", n < 0 ? errno : ENOSPC);
    return false;
}

void journal_file_add(struct journal_file *f, const struct journal_entry *e)
{
    char *line = journal_line(e);

    if (f->fd >= 0 && f->lines >= f->max_lines)
        rotate(f);
    if (line && f->lines < 2 * (uint64_t)f->max_lines && writable(f) && (!f->cut || put(f, "\n", 1))) {
        f->cut = false;
        if (put(f, line, strlen(line))) {
            f->stats.written++;
            f->lines++;
            cJSON_free(line);
            return;
        }
    }
    f->stats.failed++;
    cJSON_free(line);
}

/* ---- life */

static struct journal_file *new_file(const char *path, uint32_t max_lines)
{
    struct journal_file *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    snprintf(f->path, sizeof(f->path), "%s", path);
    snprintf(f->old, sizeof(f->old), "%s.1", path);
    f->max_lines = max_lines;
    f->fd = -1;
    return f;
}

struct journal_file *journal_file_append(const char *path, uint32_t max_lines)
{
    struct journal_file *f = new_file(path, max_lines);

    if (f && writable(f))
        read_file(f, f->fd, NULL); /* how many lines it has */
    return f;
}

const char *journal_file_path(const struct journal_file *f)
{
    return f->path;
}

struct journal_file *journal_file_open(const char *path, uint32_t max_lines, struct journal *j)
{
    struct journal_file *f = new_file(path, max_lines);

    if (!f)
        return NULL;
    read_old(f, j);
    f->lines = 0; /* those were the other file's */
    f->cut = false;
    if (writable(f))
        read_file(f, f->fd, j);
    journal_restored(j);
    if (f->stats.garbage)
        log_warning("moves", "the journal %s: %llu lines were not understood and are left out", path,
                    (unsigned long long)f->stats.garbage);
    return f;
}

void journal_file_close(struct journal_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

struct journal_file_stats journal_file_stats(const struct journal_file *f)
{
    return f->stats;
}
