/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The view of show site. One thread.
 */
#include "controlplane/ctl_view.h"

static void site_ends(struct ctl_show *s, const cJSON *r)
{
    bool own = view_true(r, "own");
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], c[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];
    const cJSON *end;

    cJSON_ArrayForEach(end, view_member(r, own ? "ports" : "vteps"))
    {
        const char *name = view_text(end, own ? "port" : "vtep");

        snprintf(buf, sizeof(buf), "%s MACs, frames from there %s, to there %s",
                 ctl_grouped(view_number(end, "macs"), a),
                 ctl_grouped(view_number(view_member(end, "from_site"), "frames"), b),
                 ctl_grouped(view_number(view_member(end, "to_site"), "frames"), c));
        view_line(s, name ? name : "?", buf);
    }
}

static void cell_ips(struct ctl_table *t, const cJSON *m)
{
    char buf[VIEW_CELL_LEN] = "";
    const cJSON *ip;
    size_t n = 0;

    cJSON_ArrayForEach(ip, view_member(m, "ips"))
    {
        if (cJSON_IsString(ip) && n < sizeof(buf))
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s", n ? " " : "", ip->valuestring);
    }
    ctl_table_cell(t, n ? buf : NULL);
}

void view_site(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {
        {"MAC", false, 0, 0}, {"NETWORK", false, 0, 12}, {"BEHIND         ", false, 2, 15},
        {"SEEN", true, 0, 0}, {"THERE FOR", true, 1, 0}, {"IPS", false, 0, 15}};
    char a[CTL_NUMBER_LEN];
    const cJSON *m;

    if (!s->table) {
        s->table = ctl_table_new(VIEW_COLUMNS(columns), s->width);
        view_line(s, "site",
                  view_text(r, "site") && view_text(r, "site")[0] ? view_text(r, "site") : "(no name)");
        site_ends(s, r);
        fputc('\n', s->out);
    }
    cJSON_ArrayForEach(m, view_member(r, "macs"))
    {
        view_cell(s->table, m, "mac");
        view_cell(s->table, m, "network");
        ctl_table_cell(s->table, view_text(m, "port") ? view_text(m, "port") : view_text(m, "vtep"));
        view_cell_age(s->table, m, "seen_s");
        view_cell_age(s->table, m, "since_s");
        cell_ips(s->table, m);
        s->shown++;
    }
    if (s->shown)
        ctl_table_print(s->table, s->out);
    if (last)
        fprintf(s->out, "%s%s MAC address%s\n", s->shown ? "\n" : "", ctl_grouped((double)s->shown, a),
                s->shown == 1 ? "" : "es");
}
