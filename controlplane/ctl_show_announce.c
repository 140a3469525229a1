/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The views of causewayctl about announcements. One thread.
 */
#include "controlplane/ctl_view.h"

static void cell(struct ctl_table *t, double v)
{
    char buf[CTL_NUMBER_LEN];

    ctl_table_cell(t, ctl_grouped(v, buf));
}

static void settings(struct ctl_show *s, const cJSON *r)
{
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    if (view_number(r, "repeats") > 0)
        snprintf(buf, sizeof(buf), "at once and %s time%s more, every %s ms",
                 ctl_grouped(view_number(r, "repeats"), a), view_number(r, "repeats") > 1 ? "s" : "",
                 ctl_grouped(view_number(r, "interval_ms"), b));
    else
        snprintf(buf, sizeof(buf), "at once");
    view_line(s, "announced", buf);
    if (cJSON_IsNumber(view_member(r, "limit")))
        view_line_number(s, "limit", view_number(r, "limit"), " frames/s per network");
    else
        view_line(s, "limit", "none");
}

void view_announcements(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {
        {"NETWORK", false, 0, 12}, {"GARP", true, 0, 0},    {"NA", true, 0, 0},      {"RARP", true, 0, 0},
        {"GATEWAY", true, 1, 0},   {"WAITING", true, 0, 0}, {"PUT OFF", true, 0, 0}, {"FAILED", true, 0, 0}};
    struct ctl_table *t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    const cJSON *n;

    (void)last;
    cJSON_ArrayForEach(n, view_member(r, "networks"))
    {
        const cJSON *sent = view_member(n, "sent");

        view_cell(t, n, "network");
        cell(t, view_number(sent, "garp_request") + view_number(sent, "garp_reply"));
        cell(t, view_number(sent, "na"));
        cell(t, view_number(sent, "rarp"));
        cell(t, view_number(sent, "gateway"));
        cell(t, view_number(n, "waiting"));
        cell(t, view_number(n, "limited"));
        cell(t, view_number(n, "failed"));
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
    fputc('\n', s->out);
    settings(s, r);
}

void view_announced(struct ctl_show *s, const cJSON *r, bool last)
{
    const cJSON *n;

    (void)last;
    cJSON_ArrayForEach(n, view_member(r, "networks"))
    {
        double sent = view_number(n, "sent");
        char buf[CTL_NUMBER_LEN];

        ctl_put(s->out, view_text(n, "network") ? view_text(n, "network") : "?", false);
        if (sent > 0)
            fprintf(s->out, ": %s frame%s sent\n", ctl_grouped(sent, buf), sent > 1 ? "s" : "");
        else
            fputs(": none now (the limit, or no port to send by)\n", s->out);
    }
}
