/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a line of the log looks like. Pure.
 *
 * A message may hold what a peer or a host sent. Nothing of it can end the line or begin another: control
 * characters, separators and invalid UTF-8 become \xNN, and a backslash becomes two. In the text form a value
 * of a field is quoted unless it is a plain word.
 */
#ifndef CONF_LOG_LINE_H
#define CONF_LOG_LINE_H

#include "conf/log.h"

#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_SIZE 4096

struct log_line {
    enum log_level level;
    const char *subsystem, *message;
    const struct log_fields *fields; /* NULL: none */
    uint64_t repeated;               /* it came that many times more since the last line; 0: say nothing */
    uint64_t time_ns;                /* of the wall clock */
};

/* One line with its newline, cut where it would be longer than size. Returns its length.
 * journal: with the priority before it. */
size_t log_line_format(const struct log_line *l, enum log_format format, bool journal, char *buf,
                       size_t size);

#endif
