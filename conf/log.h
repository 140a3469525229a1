/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One line per event on stderr: level, subsystem, text. Control thread only: workers never log (DESIGN.md).
 */
#ifndef CONF_LOG_H
#define CONF_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/* subsystem: a short lower-case word ("conf", "underlay"). The text ends without newline or full stop. */
void log_write(enum log_level level, const char *subsystem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(subsystem, ...)   log_write(LOG_LEVEL_ERROR, subsystem, __VA_ARGS__)
#define log_warning(subsystem, ...) log_write(LOG_LEVEL_WARNING, subsystem, __VA_ARGS__)
#define log_info(subsystem, ...)    log_write(LOG_LEVEL_INFO, subsystem, __VA_ARGS__)
#define log_debug(subsystem, ...)   log_write(LOG_LEVEL_DEBUG, subsystem, __VA_ARGS__)

#endif
