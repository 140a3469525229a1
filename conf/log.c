/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See log.h: the state, the clock and the output; what a line looks like is log_line.c's business.
 */
#include "conf/log.h"

#include "conf/log_line.h"
#include "conf/log_repeat.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const names[LOG_LEVELS] = {"error", "warning", "info", "debug"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static enum log_level threshold = LOG_LEVEL_INFO;
static enum log_format format = LOG_FORMAT_TEXT;
static struct log_repeat repeat;

void log_set_level(enum log_level level)
{
    __atomic_store_n(&threshold, level, __ATOMIC_RELAXED);
}

enum log_level log_get_level(void)
{
    return __atomic_load_n(&threshold, __ATOMIC_RELAXED);
}

void log_set_format(enum log_format f)
{
    __atomic_store_n(&format, f, __ATOMIC_RELAXED);
}

enum log_format log_get_format(void)
{
    return __atomic_load_n(&format, __ATOMIC_RELAXED);
}

const char *log_level_name(enum log_level level)
{
    return names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (unsigned i = 0; i < LOG_LEVELS; i++) {
        if (strcmp(name, names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_field(struct log_fields *f, const char *key, const char *fmt, ...)
{
    size_t room = sizeof(f->text) - f->used;
    va_list ap;
    int n;

    if (f->n == LOG_MAX_FIELDS)
        return;
    va_start(ap, fmt);
    n = vsnprintf(f->text + f->used, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= room)
        return;
    f->field[f->n].key = key;
    f->field[f->n++].at = f->used;
    f->used += (unsigned)n + 1;
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* sd-daemon(3): JOURNAL_STREAM is DEVICE:INODE of the stream that leads to the journal. It is inherited by
 * children whose stderr was turned elsewhere, hence the comparison. */
static bool to_journal(void)
{
    const char *env = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return env && sscanf(env, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

/* One write(2) a line, so that lines of several processes do not mix. */
static void print(void *arg, const struct log_line *line)
{
    static char buf[LOG_LINE_SIZE];
    struct log_line now = *line;

    (void)arg;
    now.time_ns = clock_ns(CLOCK_REALTIME);
    fwrite(buf, 1, log_line_format(&now, log_get_format(), to_journal(), buf, sizeof(buf)), stderr);
}

__attribute__((format(printf, 4, 0))) static void write_line(enum log_level level, const char *subsystem,
                                                             const struct log_fields *f, const char *fmt,
                                                             va_list ap)
{
    char text[LOG_REPEAT_MESSAGE];
    const struct log_line line = {.level = level, .subsystem = subsystem, .message = text, .fields = f};

    vsnprintf(text, sizeof(text), fmt, ap);
    pthread_mutex_lock(&lock);
    if (log_repeat_pass(&repeat, &line, clock_ns(CLOCK_MONOTONIC), print, NULL))
        print(NULL, &line);
    pthread_mutex_unlock(&lock);
}

void log_write(enum log_level level, const char *subsystem, const char *fmt, ...)
{
    va_list ap;

    if (level > log_get_level())
        return;
    va_start(ap, fmt);
    write_line(level, subsystem, NULL, fmt, ap);
    va_end(ap);
}

void log_event(enum log_level level, const char *subsystem, const struct log_fields *f, const char *fmt, ...)
{
    va_list ap;

    if (level > log_get_level())
        return;
    va_start(ap, fmt);
    write_line(level, subsystem, f, fmt, ap);
    va_end(ap);
}

void log_flush(bool all)
{
    pthread_mutex_lock(&lock);
    log_repeat_flush(&repeat, clock_ns(CLOCK_MONOTONIC), all, print, NULL);
    pthread_mutex_unlock(&lock);
}
