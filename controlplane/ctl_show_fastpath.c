/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The views of show fastpath and fastpath detach. One thread.
 */
#include "controlplane/ctl_view.h"

static void fastpath_head(struct ctl_show *s, const cJSON *r)
{
    const char *state = view_text(r, "state"), *why = view_text(r, "why_not");
    char buf[2 * VIEW_CELL_LEN];

    snprintf(buf, sizeof(buf), "%s%s%s", state ? state : "?", why ? ": " : "", why ? why : "");
    view_line(s, "fast path", buf);
    if (!view_member(r, "pinned") || why)
        return;
    if (view_true(r, "pinned"))
        snprintf(buf, sizeof(buf), "in %s; after a stop it %s",
                 view_text(r, "dir") ? view_text(r, "dir") : "?",
                 view_true(r, "persist") ? "goes on" : "is taken away");
    else
        snprintf(buf, sizeof(buf), "no: %s",
                 view_text(r, "why_not_pinned") ? view_text(r, "why_not_pinned") : "?");
    view_line(s, "pinned", buf);
}

static void fastpath_counts(struct ctl_show *s, const cJSON *r)
{
    const cJSON *maps = view_member(r, "maps"), *before = view_member(r, "taken_over");
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], c[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    snprintf(buf, sizeof(buf), "%s frames, %.1f %%; %s by the worker",
             ctl_grouped(view_number(r, "carried"), a), view_number(r, "share_percent"),
             ctl_grouped(view_number(r, "by_worker"), b));
    view_line(s, "carried", buf);
    view_line_of(s, "MACs", view_number(maps, "macs"), view_number(maps, "macs_max"), "used");
    if (view_number(maps, "macs_refused") > 0)
        view_line_number(s, "", view_number(maps, "macs_refused"), " found no room: the worker has them");
    view_line_of(s, "VTEPs", view_number(maps, "vteps"), view_number(maps, "vteps_max"), "used");
    if (view_member(r, "sees_lost") && !view_true(r, "sees_lost")) {
        snprintf(buf, sizeof(buf), "seen only where drivers count it: %s",
                 view_text(r, "why_blind") ? view_text(r, "why_blind") : "?");
        view_line(s, "lost", buf);
    }
    view_line_of(s, "networks", view_number(maps, "networks"), view_number(maps, "networks_max"), "used");
    if (!before)
        return;
    snprintf(buf, sizeof(buf), "%s MACs here, %s at other sites; %s dropped%s",
             ctl_grouped(view_number(before, "macs_here"), a),
             ctl_grouped(view_number(before, "macs_there"), b),
             ctl_grouped(view_number(before, "dropped"), c),
             view_true(before, "waiting") ? "; waiting for the peers to tell all" : "");
    view_line(s, "taken over", buf);
}

static void port_flags(struct ctl_table *t, const cJSON *p)
{
    const char *why = view_text(p, "no_target");

    if (!view_true(p, "fast"))
        why = "off";
    ctl_table_cell(t, why ? why : "yes");
}

static void fastpath_ports(struct ctl_show *s, const cJSON *r)
{
    static const struct ctl_column columns[] = {
        {"PORT", false, 0, 8}, {"PROGRAM", false, 4, 0}, {"MODE", false, 0, 0},     {"PINNED", false, 3, 0},
        {"IN", true, 0, 0},    {"OUT", true, 0, 0},      {"PUNTED", true, 0, 0},    {"DROPPED", true, 1, 0},
        {"LOST", true, 1, 0},  {"PASSED", true, 2, 0},   {"REDIRECT", false, 0, 12}};
    struct ctl_table *t;
    const cJSON *p;

    if (cJSON_GetArraySize(view_member(r, "ports")) == 0)
        return;
    fputc('\n', s->out);
    t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(p, view_member(r, "ports"))
    {
        view_cell(t, p, "port");
        view_cell(t, p, "program");
        view_cell(t, p, "mode");
        ctl_table_cell(t, view_true(p, "pinned") ? "yes" : "no");
        view_cell_units(t, view_number(view_member(p, "carried_in"), "frames"));
        view_cell_units(t, view_number(view_member(p, "carried_out"), "frames"));
        view_cell_units(t, view_number(p, "punted"));
        view_cell_units(t, view_number(p, "drops"));
        view_cell_units(t, view_number(p, "lost"));
        view_cell_units(t, view_number(p, "passed"));
        port_flags(t, p);
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
}

static void fastpath_punts(struct ctl_show *s, const cJSON *r)
{
    static const struct ctl_column columns[] = {
        {"TO THE WORKER", false, 0, 0}, {"FRAMES", true, 0, 0}, {"WHY", false, 0, 20}};
    struct ctl_table *t;
    const cJSON *p;

    if (cJSON_GetArraySize(view_member(r, "punts")) == 0)
        return;
    fputc('\n', s->out);
    t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(p, view_member(r, "punts"))
    {
        view_cell(t, p, "reason");
        view_cell_number(t, p, "count");
        view_cell(t, p, "text");
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
}

void view_fastpath(struct ctl_show *s, const cJSON *r, bool last)
{
    (void)last;
    fastpath_head(s, r);
    if (!view_member(r, "maps"))
        return;
    fastpath_counts(s, r);
    fastpath_ports(s, r);
    fastpath_punts(s, r);
}

void view_fastpath_detached(struct ctl_show *s, const cJSON *r, bool last)
{
    (void)last, (void)r;
    fputs("detached: all frames go by the worker now\n", s->out);
}
