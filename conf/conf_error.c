/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_error.h. Any thread.
 */
#include "conf/conf_error.h"

#include <stdarg.h>
#include <stdlib.h>

#define EDIT_MAX_LEN 32

struct conf_mistake {
    struct conf_mark at;
    size_t seq; /* keeps the order of finding within one place: qsort is not stable */
    char *text;
};

bool conf_report_full(const struct conf_report *r)
{
    return r->n > CONF_MAX_ERRORS;
}

void conf_report_add(struct conf_report *r, struct conf_mark at, const char *fmt, ...)
{
    char text[1024];
    char *line = NULL;
    va_list ap;

    if (conf_report_full(r))
        return;
    if (r->n == CONF_MAX_ERRORS) {
        snprintf(text, sizeof(text), "more than %d mistakes, correct the ones above first", CONF_MAX_ERRORS);
        at.line = UINT32_MAX; /* sorted last */
    } else {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
    }
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct conf_mistake *grown = reallocarray(r->mistakes, cap, sizeof(*grown));

        if (!grown) {
            r->lost = true;
            return;
        }
        r->mistakes = grown;
        r->cap = cap;
    }
    line = strdup(text);
    if (!line) {
        r->lost = true;
        return;
    }
    r->mistakes[r->n] = (struct conf_mistake){.at = at, .seq = r->n, .text = line};
    r->n++;
}

bool conf_report_empty(const struct conf_report *r)
{
    return r->n == 0 && !r->lost;
}

static int by_place(const void *pa, const void *pb)
{
    const struct conf_mistake *a = pa, *b = pb;

    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    if (a->at.col != b->at.col)
        return a->at.col < b->at.col ? -1 : 1;
    return a->seq < b->seq ? -1 : 1;
}

/* Adds "NAME:LINE:COL: text" to out; what does not fit in memory is left out. */
static void add_line(struct conf_errors *out, const char *name, struct conf_mark at, const char *text)
{
    int n = snprintf(NULL, 0, "%s:%u:%u: %s", name, at.line, at.col, text);
    char *line = n < 0 ? NULL : malloc((size_t)n + 1);

    if (!line)
        return;
    snprintf(line, (size_t)n + 1, "%s:%u:%u: %s", name, at.line, at.col, text);
    out->text[out->n++] = line;
}

void conf_report_finish(struct conf_report *r, struct conf_errors *out)
{
    struct conf_mark last = {1, 1};

    *out = (struct conf_errors){0};
    if (conf_report_empty(r))
        return;
    if (r->n > 0)
        qsort(r->mistakes, r->n, sizeof(*r->mistakes), by_place);
    out->text = calloc(r->n + 1, sizeof(*out->text));
    for (size_t i = 0; i < r->n; i++) {
        struct conf_mistake *m = &r->mistakes[i];

        if (m->at.line != UINT32_MAX)
            last = m->at;
        if (out->text)
            add_line(out, r->name, last, m->text);
        free(m->text);
    }
    if (out->text && r->lost)
        add_line(out, r->name, (struct conf_mark){1, 1}, "not enough memory to list the mistakes, free some");
    free(r->mistakes);
    *r = (struct conf_report){.name = r->name};
}

void conf_errors_free(struct conf_errors *errors)
{
    if (!errors)
        return;
    for (size_t i = 0; i < errors->n; i++)
        free(errors->text[i]);
    free(errors->text);
    *errors = (struct conf_errors){0};
}

const char *conf_quote(const char *text, size_t len, char buf[CONF_QUOTE_LEN])
{
    enum { KEEP = 48 };
    size_t shown = len;
    char *p = buf;

    if (len > KEEP) {
        shown = KEEP;
        while (shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80) /* not inside a UTF-8 character */
            shown--;
    }
    *p++ = '"';
    for (size_t i = 0; i < shown; i++) {
        unsigned char ch = (unsigned char)text[i];
        /* C1 control characters are two bytes in UTF-8, c2 80 to c2 9f; terminals obey them too. */
        bool c1 = ch == 0xc2 && i + 1 < shown && (unsigned char)text[i + 1] < 0xa0;

        if (ch < 0x20 || ch == 0x7f || c1)
            p += sprintf(p, "\\x%02x", c1 ? (unsigned char)text[++i] : ch);
        else
            *p++ = (char)ch;
    }
    strcpy(p, shown < len ? "...\"" : "\"");
    return buf;
}

unsigned conf_edit_distance(const char *a, const char *b)
{
    unsigned row[3][EDIT_MAX_LEN + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > EDIT_MAX_LEN || lb > EDIT_MAX_LEN)
        return 99;
    for (size_t j = 0; j <= lb; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = row[i % 3], *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);

            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[la % 3][lb];
}
