/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See log.h. With systemd in front (JOURNAL_STREAM is set) each line starts with its syslog priority.
 */
#include "conf/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum log_level threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    threshold = level;
}

void log_write(enum log_level level, const char *subsystem, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    static const int priority[] = {3, 4, 6, 7};
    char text[1024];
    char prefix[8] = "";
    va_list ap;

    if (level > threshold)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (getenv("JOURNAL_STREAM"))
        snprintf(prefix, sizeof(prefix), "<%d>", priority[level]);
    fprintf(stderr, "%s%s: %s: %s\n", prefix, names[level], subsystem, text);
}
