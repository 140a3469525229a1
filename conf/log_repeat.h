/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The same line again and again: a few are written, the rest of them in that time is counted, and then said
 * once. "The same" is the same level, subsystem, message and fields. Pure: no clock, no output of its own.
 */
#ifndef CONF_LOG_REPEAT_H
#define CONF_LOG_REPEAT_H

#include "conf/log_line.h"

#define LOG_REPEAT_LINES   10                    /* of one kind that are written ... */
#define LOG_REPEAT_NS      UINT64_C(10000000000) /* ... in that time after the first */
#define LOG_REPEAT_KINDS   64                    /* that are watched at once; the oldest goes for a new one */
#define LOG_REPEAT_MESSAGE 1024

struct log_repeat_kind {
    bool used;
    enum log_level level;
    unsigned lines;
    uint64_t since_ns, held;
    char subsystem[16];
    char message[LOG_REPEAT_MESSAGE];
    struct log_fields fields;
};

struct log_repeat {
    struct log_repeat_kind kinds[LOG_REPEAT_KINDS];
};

/* A line that says how often one was held: valid until the next call. */
typedef void log_repeat_say_fn(void *arg, const struct log_line *line);

/* True: write the line. now_ns is monotonic. A kind that has to go for this one is said before. */
bool log_repeat_pass(struct log_repeat *r, const struct log_line *line, uint64_t now_ns,
                     log_repeat_say_fn *say, void *arg);
/* Says and forgets the kinds whose time is over, or all. */
void log_repeat_flush(struct log_repeat *r, uint64_t now_ns, bool all, log_repeat_say_fn *say, void *arg);

#endif
