/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One line per event on stderr: time, level, subsystem, message, and fields that programs read:
 *
 *   2026-11-22T11:20:14.123Z warning gateway: VTEP 198.18.0.2 is lost (no route): ... event=vtep-lost
 * vtep=198.18.0.2
 *   {"time":"...","level":"warning","subsystem":"gateway","message":"VTEP
 * ...","event":"vtep-lost","vtep":"198.18.0.2"}
 *
 * Where stderr is systemd's journal, a line begins with its syslog priority ("<4>"), and the text form leaves
 * the time to the journal. Whatever a message or field holds, it stays one line: see log_line.h. Lines that
 * come again and again are held back and counted: see log_repeat.h.
 *
 * Any thread may write (DPDK's drivers do), though workers have nothing to say (DESIGN.md); all else is the
 * control thread's.
 */
#ifndef CONF_LOG_H
#define CONF_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG, LOG_LEVELS };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

#define LOG_MAX_FIELDS  16
#define LOG_FIELDS_SIZE 768

/* The fields of one line, in order. Zeroed, it is empty. What does not fit is left out. */
struct log_fields {
    unsigned n, used;
    struct {
        const char *key; /* a word that lives as long as the program */
        unsigned at;     /* of its value in text[] */
    } field[LOG_MAX_FIELDS];
    char text[LOG_FIELDS_SIZE];
};

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_set_format(enum log_format format);
enum log_format log_get_format(void);

/* "error", "warning", "info", "debug". */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);

/* Adds key=value. */
void log_field(struct log_fields *f, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* subsystem: a short lower-case word ("conf", "underlay"). The text ends without newline or full stop. */
void log_write(enum log_level level, const char *subsystem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with fields. */
void log_event(enum log_level level, const char *subsystem, const struct log_fields *f, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Says how often held lines came, once their time is over. To be called about once a second; and with `all`
 * before the end. */
void log_flush(bool all);

#define log_error(subsystem, ...)   log_write(LOG_LEVEL_ERROR, subsystem, __VA_ARGS__)
#define log_warning(subsystem, ...) log_write(LOG_LEVEL_WARNING, subsystem, __VA_ARGS__)
#define log_info(subsystem, ...)    log_write(LOG_LEVEL_INFO, subsystem, __VA_ARGS__)
#define log_debug(subsystem, ...)   log_write(LOG_LEVEL_DEBUG, subsystem, __VA_ARGS__)

#endif
