/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The views about moves: show moves, move prepare, commit and cancel; and the lines of watch. One thread.
 */
#include "controlplane/ctl_event.h"
#include "controlplane/ctl_view.h"

#include <string.h>

#define MS_LEN 24

/* "paris/trunk" for a port, "london" for a VTEP, its address where its site has no name. */
static const char *place_text(const cJSON *p, char buf[VIEW_CELL_LEN])
{
    const char *site = view_text(p, "site"), *port = view_text(p, "port"), *vtep = view_text(p, "vtep");

    if (port)
        snprintf(buf, VIEW_CELL_LEN, "%s%s%s", site ? site : "", site ? "/" : "", port);
    else
        snprintf(buf, VIEW_CELL_LEN, "%s", site ? site : vtep ? vtep : "?");
    return buf;
}

/* "230.371"; "-" for what is not known. */
static const char *ms_text(const cJSON *o, const char *name, char buf[MS_LEN])
{
    if (!cJSON_IsNumber(view_member(o, name)))
        return "-";
    snprintf(buf, MS_LEN, "%.3f", view_number(o, name) / 1e6);
    return buf;
}

/* More than that, when not all stages are known; "-" when none is that says anything. */
static const char *dark_text(const cJSON *m, char buf[MS_LEN])
{
    const cJSON *stages = view_member(m, "stages");
    bool complete = view_true(m, "dark_complete");

    if (!cJSON_IsNumber(view_member(stages, "silent_ns")) && !cJSON_IsNumber(view_member(stages, "first_ns")))
        return "-";
    snprintf(buf, MS_LEN, "%s%.3f", complete ? "" : ">", view_number(m, "dark_ns") / 1e6);
    return buf;
}

/* "10.0.0.1 2001:db8::1 +3" */
static const char *ips_text(const cJSON *m, char buf[VIEW_CELL_LEN])
{
    double more = view_number(m, "ip_count") - cJSON_GetArraySize(view_member(m, "ips"));
    const cJSON *ip;
    size_t n = 0;

    buf[0] = '\0';
    cJSON_ArrayForEach(ip, view_member(m, "ips"))
    {
        if (cJSON_IsString(ip) && n < VIEW_CELL_LEN)
            n += (size_t)snprintf(buf + n, VIEW_CELL_LEN - n, "%s%s", n ? " " : "", ip->valuestring);
    }
    if (more > 0 && n < VIEW_CELL_LEN)
        snprintf(buf + n, VIEW_CELL_LEN - n, " +%.0f", more);
    return buf;
}

/* "05-01 12:00:00.123" of "2026-05-01T12:00:00.123456789Z"; without the date. */
static const char *time_text(const cJSON *o, bool date, char buf[VIEW_CELL_LEN])
{
    const char *t = view_text(o, "time");

    if (!t || strlen(t) != 30)
        return "-";
    snprintf(buf, VIEW_CELL_LEN, "%.5s %.12s", t + 5, t + 11);
    return date ? buf : buf + 6;
}

/* ---- show moves */

static void detail_line(struct ctl_show *s, const cJSON *m)
{
    const cJSON *stages = view_member(m, "stages");
    char buf[VIEW_LINE_LEN], a[MS_LEN], b[MS_LEN], c[MS_LEN], d[MS_LEN], e[MS_LEN];

    fputc('\n', s->out);
    snprintf(buf, sizeof(buf), "%.0f, %s", view_number(m, "id"),
             view_text(m, "time") ? view_text(m, "time") : "?");
    view_line(s, "move", buf);
    if (view_text(view_member(m, "from"), "vtep"))
        view_line(s, "from VTEP", view_text(view_member(m, "from"), "vtep"));
    if (view_text(view_member(m, "to"), "vtep"))
        view_line(s, "to VTEP", view_text(view_member(m, "to"), "vtep"));
    snprintf(buf, sizeof(buf), "%s ms = silent %s + FDB %s + first frame %s; BGP after %s", dark_text(m, a),
             ms_text(stages, "silent_ns", b), ms_text(stages, "fdb_ns", c), ms_text(stages, "first_ns", d),
             ms_text(stages, "bgp_ns", e));
    view_line(s, "dark", buf);
    view_line_number(s, "announced", view_number(m, "announcements"), " frames");
    if (cJSON_IsNumber(view_member(m, "bounced")))
        view_line_number(s, "bounced", view_number(m, "bounced"), " frames");
    if (cJSON_IsNumber(view_member(m, "bicast")))
        view_line_number(s, "sent twice", view_number(m, "bicast"), " frames while it was prepared");
    if (view_number(m, "left_out") > 0)
        view_line_number(s, "left out", view_number(m, "left_out"), " moves that followed too fast");
    if (view_true(m, "expected"))
        view_line(s, "expected", "yes: not counted for a duplicate");
    if (view_true(m, "open"))
        view_line(s, "open", "more may become known");
}

static void prepared_table(struct ctl_show *s, const cJSON *rows)
{
    static const struct ctl_column columns[] = {{"MAC", false, 0, 0},    {"NETWORK", false, 0, 12},
                                                {"MOVES", false, 0, 0},  {"OTHER SITE", false, 0, 12},
                                                {"VTEP", false, 1, 15},  {"STATE", false, 0, 0},
                                                {"SECONDS", true, 0, 0}, {"NOTES", false, 0, 20}};
    struct ctl_table *t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    const cJSON *p;

    cJSON_ArrayForEach(p, rows)
    {
        view_cell(t, p, "mac");
        view_cell(t, p, "network");
        view_cell(t, p, "direction");
        view_cell(t, p, "site");
        view_cell(t, p, "vtep");
        view_cell(t, p, "state");
        view_cell_plain(t, p, "seconds_left");
        ctl_table_cell(t, view_text(p, "warning") ? view_text(p, "warning") : "");
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
}

static void move_cells(struct ctl_table *t, const cJSON *m)
{
    const cJSON *stages = view_member(m, "stages");
    char buf[VIEW_CELL_LEN], ms[MS_LEN];

    ctl_table_cell(t, time_text(m, true, buf));
    view_cell(t, m, "network");
    view_cell(t, m, "mac");
    ctl_table_cell(t, place_text(view_member(m, "from"), buf));
    ctl_table_cell(t, place_text(view_member(m, "to"), buf));
    view_cell(t, m, "detected");
    view_cell_plain(t, m, "sequence");
    ctl_table_cell(t, dark_text(m, ms));
    ctl_table_cell(t, ms_text(stages, "silent_ns", ms));
    ctl_table_cell(t, ms_text(stages, "fdb_ns", ms));
    ctl_table_cell(t, ms_text(stages, "first_ns", ms));
    ctl_table_cell(t, ms_text(stages, "bgp_ns", ms));
    ctl_table_cell(t, ips_text(m, buf));
}

void view_moves(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {{"WHEN (UTC)", false, 0, 0},
                                                {"NETWORK", false, 2, 12},
                                                {"MAC", false, 0, 0},
                                                {"FROM        ", false, 0, 12},
                                                {"TO          ", false, 0, 12},
                                                {"BY   ", false, 3, 0},
                                                {"SEQ", true, 6, 0},
                                                {"DARK ms", true, 0, 0},
                                                {"SILENT", true, 7, 0},
                                                {"FDB", true, 8, 0},
                                                {"FIRST", true, 9, 0},
                                                {"BGP", true, 10, 0},
                                                {"IPS", false, 4, 12}};
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN];
    const cJSON *m;

    if (!view_member(r, "moves")) {
        prepared_table(s, view_member(r, "prepared"));
        return;
    }
    if (!s->table)
        s->table = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(m, view_member(r, "moves"))
    {
        move_cells(s->table, m);
        s->shown++;
    }
    if (s->shown || last)
        ctl_table_print(s->table, s->out);
    if (view_true(r, "details"))
        cJSON_ArrayForEach(m, view_member(r, "moves"))
        {
            detail_line(s, m);
        }
    if (!last)
        return;
    fprintf(s->out, "\n%s of %s moves in the journal", ctl_grouped((double)s->shown, a),
            ctl_grouped(view_number(r, "total"), b));
    if (view_number(r, "prepared") > 0)
        fprintf(s->out, "; %.0f prepared (--prepared)", view_number(r, "prepared"));
    if (view_number(r, "left_out") > 0)
        fprintf(s->out, "; %s came too fast for it and were left out",
                ctl_grouped(view_number(r, "left_out"), a));
    fputc('\n', s->out);
}

/* ---- move prepare, commit, cancel */

void view_prepared(struct ctl_show *s, const cJSON *r, bool last)
{
    char buf[VIEW_LINE_LEN];

    (void)last;
    view_line(s, "MAC", view_text(r, "mac"));
    view_line(s, "network", view_text(r, "network"));
    if (view_text(r, "direction")) {
        snprintf(buf, sizeof(buf), "%s %s (VTEP %s)",
                 strcmp(view_text(r, "direction"), "away") == 0 ? "to" : "from",
                 view_text(r, "site") && *view_text(r, "site") ? view_text(r, "site") : "another site",
                 view_text(r, "vtep") ? view_text(r, "vtep") : "?");
        view_line(s, "moves", buf);
    }
    view_line(s, "state", view_text(r, "state"));
    if (cJSON_IsNumber(view_member(r, "seconds_left")))
        view_line_number(s, "ends by itself", view_number(r, "seconds_left"), " s from now");
    if (view_text(r, "warning"))
        view_line(s, "WARNING", view_text(r, "warning"));
}

/* ---- watch */

void view_watching(struct ctl_show *s, const cJSON *r, bool last)
{
    (void)last;
    fprintf(s->out, "watching ");
    ctl_put(s->out, view_text(r, "gateway") ? view_text(r, "gateway") : "?", false);
    fputs(" (times in UTC); Ctrl-C ends it\n", s->out);
}

static void move_event(const cJSON *m, bool done, char *buf, size_t size)
{
    const cJSON *stages = view_member(m, "stages");
    char from[VIEW_CELL_LEN], to[VIEW_CELL_LEN], ips[VIEW_CELL_LEN], a[MS_LEN], b[MS_LEN], c[MS_LEN],
        d[MS_LEN];
    const char *mac = view_text(m, "mac"), *net = view_text(m, "network"), *by = view_text(m, "detected");

    ips_text(m, ips);
    if (done)
        snprintf(buf, size, "%s in %s: dark %s ms (silent %s, FDB %s, first frame %s)", mac ? mac : "?",
                 net ? net : "?", dark_text(m, a), ms_text(stages, "silent_ns", b),
                 ms_text(stages, "fdb_ns", c), ms_text(stages, "first_ns", d));
    else
        snprintf(buf, size, "%s%s%s%s in %s: %s -> %s, by %s, sequence %.0f%s", mac ? mac : "?",
                 *ips ? " (" : "", ips, *ips ? ")" : "", net ? net : "?",
                 place_text(view_member(m, "from"), from), place_text(view_member(m, "to"), to),
                 by ? by : "?", view_number(m, "sequence"), view_true(m, "expected") ? ", expected" : "");
}

static void prepared_event(const cJSON *p, char *buf, size_t size)
{
    const char *site = view_text(p, "site"), *vtep = view_text(p, "vtep"), *state = view_text(p, "state"),
               *mac = view_text(p, "mac"), *net = view_text(p, "network"), *warning = view_text(p, "warning");
    bool away = view_text(p, "direction") && strcmp(view_text(p, "direction"), "away") == 0;

    snprintf(buf, size, "%s in %s, %s %s/%s: %s%s%s", mac ? mac : "?", net ? net : "?", away ? "to" : "from",
             site ? site : "", vtep ? vtep : "?", state ? state : "?", warning ? "; " : "",
             warning ? warning : "");
}

void ctl_event_print(FILE *out, const cJSON *event)
{
    const char *name = view_text(event, "event");
    char time[VIEW_CELL_LEN], buf[4 * VIEW_CELL_LEN];

    if (!name)
        return;
    if (strcmp(name, "move") == 0 || strcmp(name, "move-done") == 0) {
        move_event(view_member(event, "move"), strcmp(name, "move-done") == 0, buf, sizeof(buf));
    } else if (strcmp(name, "prepared") == 0) {
        prepared_event(view_member(event, "prepared"), buf, sizeof(buf));
    } else if (strcmp(name, "alert") == 0) {
        snprintf(buf, sizeof(buf), "%s", view_text(event, "text") ? view_text(event, "text") : "?");
    } else if (strcmp(name, "peer") == 0 || strcmp(name, "vtep") == 0) {
        const char *which = view_text(event, name), *state = view_text(event, "state");

        snprintf(buf, sizeof(buf), "%s: %s", which ? which : "?", state ? state : "?");
    } else if (strcmp(name, "lost") == 0) {
        snprintf(buf, sizeof(buf), "%.0f events are missing here: this terminal was too slow",
                 view_number(event, "count"));
    } else {
        buf[0] = '\0';
    }
    ctl_put(out, time_text(event, false, time), false);
    fputs("  ", out);
    ctl_put(out, name, false);
    ctl_put_spaces(out, strlen(name) < 10 ? 10 - strlen(name) : 1);
    ctl_put(out, buf, false);
    fputc('\n', out);
}
