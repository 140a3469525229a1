/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The mistakes found in one file while it is read and checked, in any order; sorted by line at the end.
 * Inside conf/ only; the world sees struct conf_errors. Any thread.
 */
#ifndef CONF_CONF_ERROR_H
#define CONF_CONF_ERROR_H

#include "conf/conf.h"

#define CONF_MAX_ERRORS 100 /* kept; a file with more gets one line that says so */
#define CONF_QUOTE_LEN  208 /* a quoted piece of the file, end included */

/* Line and column, counted from 1; columns are characters, as editors count them. */
struct conf_mark {
    uint32_t line, col;
};

static inline bool conf_mark_before(struct conf_mark a, struct conf_mark b)
{
    return a.line < b.line || (a.line == b.line && a.col < b.col);
}

struct conf_report {
    const char *name; /* stands for FILE */
    struct conf_mistake *mistakes;
    size_t n, cap;
    bool lost; /* a mistake that memory did not suffice to keep */
};

/* "what is wrong, and what would be right". Never fails: see lost. */
void conf_report_add(struct conf_report *r, struct conf_mark at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool conf_report_empty(const struct conf_report *r);
/* There are more mistakes than are kept: nobody reads on. */
bool conf_report_full(const struct conf_report *r);
/* Moves everything, sorted, into out (out's old content is not freed) and empties the report. */
void conf_report_finish(struct conf_report *r, struct conf_errors *out);

/* Text of the file, in quotes, safe on a terminal: control characters escaped, cut when long. */
const char *conf_quote(const char *text, size_t len, char buf[CONF_QUOTE_LEN]);

/* How many single-character edits (swap of neighbours included) turn a into b; 99 when one is long. */
unsigned conf_edit_distance(const char *a, const char *b);

#endif
