/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_table.h. One thread.
 */
#include "controlplane/ctl_table.h"

#include "controlplane/ctl_text.h"

#include <stdlib.h>
#include <string.h>

#define GAP          2 /* between columns */
#define SHRINK_LEAST 4

struct ctl_table {
    const struct ctl_column *columns;
    size_t n_columns;
    unsigned max_width;
    char **cells; /* safe texts, row by row */
    size_t n_cells, cap_cells;
    size_t width[CTL_MAX_COLUMNS];
    bool hidden[CTL_MAX_COLUMNS];
    bool started; /* the titles are printed */
};

struct ctl_table *ctl_table_new(const struct ctl_column *columns, size_t n_columns, unsigned max_width)
{
    struct ctl_table *t = ctl_alloc(sizeof(*t));

    t->columns = columns;
    t->n_columns = n_columns < CTL_MAX_COLUMNS ? n_columns : CTL_MAX_COLUMNS;
    t->max_width = max_width;
    for (size_t i = 0; i < t->n_columns; i++)
        t->width[i] = strlen(columns[i].title);
    return t;
}

static void clear(struct ctl_table *t)
{
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i]);
    t->n_cells = 0;
}

void ctl_table_free(struct ctl_table *t)
{
    if (!t)
        return;
    clear(t);
    free(t->cells);
    free(t);
}

void ctl_table_cell(struct ctl_table *t, const char *text)
{
    size_t column = t->n_cells % t->n_columns, width;

    if (t->n_cells == t->cap_cells) {
        size_t cap = t->cap_cells ? t->cap_cells * 2 : 64;
        char **cells = ctl_alloc(cap * sizeof(*cells));

        if (t->n_cells)
            memcpy(cells, t->cells, t->n_cells * sizeof(*cells));
        free(t->cells);
        t->cells = cells;
        t->cap_cells = cap;
    }
    t->cells[t->n_cells] = ctl_safe(text && *text ? text : "-", false);
    width = ctl_width(t->cells[t->n_cells]);
    if (width > t->width[column])
        t->width[column] = width;
    t->n_cells++;
}

/* With every column that may shrink at its least comfortable width. */
static size_t total_width(const struct ctl_table *t, bool shrunk)
{
    size_t sum = 0;

    for (size_t i = 0; i < t->n_columns; i++) {
        size_t width = t->width[i], least = t->columns[i].shrink_to;

        if (!t->hidden[i])
            sum += (shrunk && least && least < width ? least : width) + (sum ? GAP : 0);
    }
    return sum;
}

/* Hides the shown column that can best be spared; false when there is none. */
static bool hide_one(struct ctl_table *t)
{
    size_t best = t->n_columns;

    for (size_t i = 0; i < t->n_columns; i++)
        if (!t->hidden[i] && t->columns[i].expend &&
            (best == t->n_columns || t->columns[i].expend > t->columns[best].expend))
            best = i;
    if (best == t->n_columns)
        return false;
    t->hidden[best] = true;
    return true;
}

/* Takes one character from the widest column that may shrink; false when there is none. */
static bool shrink_one(struct ctl_table *t, bool comfortably)
{
    size_t best = t->n_columns;

    for (size_t i = 0; i < t->n_columns; i++) {
        size_t least = comfortably ? t->columns[i].shrink_to : SHRINK_LEAST;

        if (!t->hidden[i] && t->columns[i].shrink_to && t->width[i] > least &&
            t->width[i] > strlen(t->columns[i].title) &&
            (best == t->n_columns || t->width[i] > t->width[best]))
            best = i;
    }
    if (best == t->n_columns)
        return false;
    t->width[best]--;
    return true;
}

/* Columns are chosen once: a later part must stand under the same titles. */
static void fit(struct ctl_table *t)
{
    if (t->max_width == 0)
        return;
    while (!t->started && total_width(t, true) > t->max_width && hide_one(t))
        ;
    while (total_width(t, false) > t->max_width && shrink_one(t, true))
        ;
    while (total_width(t, false) > t->max_width && shrink_one(t, false))
        ;
}

static void put_cell(const struct ctl_table *t, size_t column, const char *text, FILE *out)
{
    size_t width = ctl_width(text), room = t->width[column];
    size_t cut = width <= room ? strlen(text) : ctl_bytes(text, room > 2 ? room - 2 : 0);
    size_t spaces = width < room ? room - width : 0;

    if (t->columns[column].right)
        ctl_put_spaces(out, spaces);
    fprintf(out, "%.*s%s", (int)cut, text, width > room ? ".." : "");
    if (!t->columns[column].right)
        ctl_put_spaces(out, spaces);
}

static void put_row(const struct ctl_table *t, char *const *cells, FILE *out)
{
    size_t last = t->n_columns, at = 0;

    while (last > 0 && t->hidden[last - 1])
        last--;
    for (size_t i = 0; i < last; i++) {
        const char *text = cells ? cells[i] : t->columns[i].title;

        if (t->hidden[i])
            continue;
        if (at)
            ctl_put_spaces(out, GAP);
        at += at ? GAP : 0;
        if (i + 1 == last && !t->columns[i].right) {
            /* the last column, when it is of texts, goes on below itself */
            ctl_put_wrapped(out, text, t->width[i], at);
        } else {
            put_cell(t, i, text, out);
        }
        at += t->width[i];
    }
    fputc('\n', out);
}

void ctl_table_print(struct ctl_table *t, FILE *out)
{
    fit(t);
    if (!t->started)
        put_row(t, NULL, out);
    t->started = true;
    for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
        put_row(t, t->cells + i, out);
    clear(t);
}
