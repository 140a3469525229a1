/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An aligned table for a terminal. When it would be wider than allowed, columns that may shrink do so down to
 * a comfortable width; before they would get narrower, the least wanted columns are left out. What does not
 * fit its column is cut (".." marks it), in the last column it goes on below. Can be printed in parts: widths
 * then only grow. One thread.
 */
#ifndef CONTROLPLANE_CTL_TABLE_H
#define CONTROLPLANE_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CTL_MAX_COLUMNS 16

struct ctl_column {
    const char *title;
    bool right;         /* numbers */
    unsigned expend;    /* 0: always shown; else the highest is left out first when there is no room */
    unsigned shrink_to; /* 0: never cut; else the least comfortable width */
};

struct ctl_table;

/* max_width 0: as wide as it gets. columns must outlive the table; at most CTL_MAX_COLUMNS. */
struct ctl_table *ctl_table_new(const struct ctl_column *columns, size_t n_columns, unsigned max_width);
void ctl_table_free(struct ctl_table *t);
/* The next cell, row by row from the left; any text at all, NULL is "-". */
void ctl_table_cell(struct ctl_table *t, const char *text);
/* Prints and forgets the rows there are; the titles come with the first part. The columns that the first part
 * had are kept. */
void ctl_table_print(struct ctl_table *t, FILE *out);

#endif
