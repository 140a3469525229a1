/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The view of show neighbors. One thread.
 */
#include "controlplane/ctl_view.h"

/* R, O and I of RFC 9047; "-" without any. */
static void cell_flags(struct ctl_table *t, const cJSON *n)
{
    char buf[4];

    snprintf(buf, sizeof(buf), "%s%s%s", view_true(n, "router") ? "R" : "",
             view_true(n, "override") ? "O" : "", view_true(n, "immutable") ? "I" : "");
    ctl_table_cell(t, buf[0] ? buf : NULL);
}

static const char *state_text(const cJSON *n)
{
    if (view_true(n, "frozen"))
        return "FROZEN";
    if (!view_true(n, "used"))
        return "not used";
    return view_true(n, "answered") ? "answered" : "known";
}

static const char *where_text(const cJSON *n)
{
    return view_text(n, "port") ? view_text(n, "port") : view_text(n, "vtep");
}

void view_neighbors(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {{"IP             ", false, 0, 39},
                                                {"MAC", false, 0, 0},
                                                {"NETWORK", false, 0, 12},
                                                {"WHERE          ", false, 0, 15},
                                                {"ORIGIN", false, 0, 0},
                                                {"FLAGS", false, 1, 0},
                                                {"AGE", true, 2, 0},
                                                {"HERE FOR", true, 3, 0},
                                                {"STATE", false, 0, 0}};
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], c[CTL_NUMBER_LEN];
    const cJSON *n;

    if (!s->table)
        s->table = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(n, view_member(r, "neighbors"))
    {
        view_cell(s->table, n, "ip");
        view_cell(s->table, n, "mac");
        view_cell(s->table, n, "network");
        ctl_table_cell(s->table, where_text(n));
        view_cell(s->table, n, "origin");
        cell_flags(s->table, n);
        view_cell_age(s->table, n, "age_s");
        view_cell_age(s->table, n, "since_s");
        ctl_table_cell(s->table, state_text(n));
        s->shown++;
    }
    if (s->shown || last)
        ctl_table_print(s->table, s->out);
    if (last)
        fprintf(s->out, "\n%s of %s IP addresses, %s frozen\n", ctl_grouped((double)s->shown, a),
                ctl_grouped(view_number(r, "total"), b), ctl_grouped(view_number(r, "frozen"), c));
}
