/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_show.h. One thread. The MAC table and the configuration are shown page by page; everything else is
 * small enough to be collected first.
 */
#include "controlplane/ctl_show.h"

#include "controlplane/ctl_view.h"

#include <stdlib.h>
#include <string.h>

#define PATH_LEN  512
#define MAX_DEPTH 8

/* ---- show status */

static void status_head(struct ctl_show *s, const cJSON *r)
{
    const cJSON *underlay = view_member(r, "underlay");
    char age[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    view_line(s, "site", view_text(r, "site"));
    view_line(s, "gateway", view_text(r, "gateway"));
    snprintf(buf, sizeof(buf), "%s, up %s", view_text(r, "version") ? view_text(r, "version") : "?",
             ctl_duration(view_number(r, "uptime_s"), age));
    view_line(s, "causewayd", buf);
    snprintf(buf, sizeof(buf), "%s, link %s, MTU %.0f",
             view_text(underlay, "address") ? view_text(underlay, "address") : "?",
             view_true(underlay, "up") ? "up" : "DOWN", view_number(underlay, "mtu"));
    view_line(s, "underlay", buf);
    snprintf(buf, sizeof(buf), "UDP port %.0f, our MAC %s", view_number(underlay, "vxlan_port"),
             view_text(underlay, "mac") ? view_text(underlay, "mac") : "?");
    view_line(s, "VXLAN", buf);
}

static void status_macs(struct ctl_show *s, const cJSON *r)
{
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    view_line_of(s, "MACs", view_number(r, "macs"), view_number(r, "macs_max"), "used");
    snprintf(buf, sizeof(buf), "%s at our ports, %s at other VTEPs",
             ctl_grouped(view_number(r, "macs_at_ports"), a),
             ctl_grouped(view_number(r, "macs_at_vteps"), b));
    view_line(s, "", buf);
    snprintf(buf, sizeof(buf), "%s%s", ctl_grouped(view_number(r, "duplicates_frozen"), a),
             view_number(r, "duplicates_frozen") > 0 ? " frozen (show macs --duplicates)" : " frozen");
    view_line(s, "duplicates", buf);
    if (view_number(r, "sticky_moves") > 0)
        view_line_number(s, "sticky", view_number(r, "sticky_moves"),
                         " frames or routes of a static or sticky MAC elsewhere: ignored");
}

static void status_bgp(struct ctl_show *s, const cJSON *r)
{
    const cJSON *bgp = view_member(r, "bgp");
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], buf[VIEW_CELL_LEN];

    if (!bgp)
        return;
    snprintf(buf, sizeof(buf), "AS %.0f, %s of %s peers Established", view_number(bgp, "asn"),
             ctl_grouped(view_number(bgp, "peers_established"), a),
             ctl_grouped(view_number(bgp, "peers"), b));
    view_line(s, "BGP", buf);
    snprintf(buf, sizeof(buf), "%s received, %s own", ctl_grouped(view_number(bgp, "routes"), a),
             ctl_grouped(view_number(bgp, "own_routes"), b));
    view_line(s, "routes", buf);
}

static void status_fastpath(struct ctl_show *s, const cJSON *fast)
{
    const char *state = view_text(fast, "state");
    char buf[VIEW_CELL_LEN];

    if (view_member(fast, "share_percent"))
        snprintf(buf, sizeof(buf), "%s, carried %.1f %% of the frames (show fastpath)", state ? state : "?",
                 view_number(fast, "share_percent"));
    else
        snprintf(buf, sizeof(buf), "%s", state ? state : "?");
    view_line(s, "fast path", buf);
}

static void print_workers(struct ctl_show *s, const cJSON *worker)
{
    double polls = view_number(worker, "polls"), n = view_number(worker, "workers");
    const char *poll = view_text(worker, "poll") ? view_text(worker, "poll") : "?";
    double idle = polls > 0 ? 100 * view_number(worker, "idle_polls") / polls : 0.0;
    char buf[VIEW_CELL_LEN];

    if (n > 1)
        snprintf(buf, sizeof(buf), "%.0f, %s, %.1f %% of their polls found nothing", n, poll, idle);
    else
        snprintf(buf, sizeof(buf), "%s, %.1f %% of its polls found nothing", poll, idle);
    view_line(s, n > 1 ? "workers" : "worker", buf);
}

static void print_status(struct ctl_show *s, const cJSON *r, bool last)
{
    (void)last;
    status_head(s, r);
    view_line_of(s, "ports", view_number(r, "ports_up"), view_number(r, "ports"), "up");
    view_line_of(s, "VTEPs", view_number(r, "vteps_resolved"), view_number(r, "vteps"), "resolved");
    view_line_number(s, "networks", view_number(r, "networks"), "");
    view_line_number(s, "configuration", view_number(r, "generation"), " (1: that of the start)");
    if (view_number(r, "reload_macs_left") > 0)
        view_line_number(s, "", view_number(r, "reload_macs_left"),
                         " of its configured MACs are still to come");
    status_macs(s, r);
    status_bgp(s, r);
    view_line(s, "hugepages", view_true(r, "hugepages") ? "yes" : "no");
    print_workers(s, view_member(r, "worker"));
    if (view_member(r, "fastpath"))
        status_fastpath(s, view_member(r, "fastpath"));
    view_line_number(s, "learn events", view_number(r, "events_lost"), " lost");
    view_line_number(s, "dropped", view_number(r, "drops"),
                     view_number(r, "drops") > 0 ? " frames (show drops)" : " frames");
}

/* ---- show drops */

static void print_drops(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {
        {"REASON", false, 0, 0}, {"FRAMES", true, 0, 0}, {"WHAT IT MEANS", false, 0, 20}};
    struct ctl_table *t;
    const cJSON *d;

    (void)last;
    if (view_number(r, "missed") > 0)
        view_line_number(s, "missed", view_number(r, "missed"),
                         " frames lost before the worker saw them (show ports)");
    if (cJSON_GetArraySize(view_member(r, "drops")) == 0) {
        fputs("nothing was dropped\n", s->out);
        return;
    }
    t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(d, view_member(r, "drops"))
    {
        view_cell(t, d, "reason");
        view_cell_number(t, d, "count");
        view_cell(t, d, "text");
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
    fputc('\n', s->out);
    view_line_number(s, "total", view_number(r, "total"), "");
}

/* ---- show config, clear macs, clear duplicate */

static void print_config(struct ctl_show *s, const cJSON *r, bool last)
{
    (void)last;
    ctl_put(s->out, view_text(r, "yaml") ? view_text(r, "yaml") : "", true);
}

static void print_cleared(struct ctl_show *s, const cJSON *r, bool last)
{
    char buf[CTL_NUMBER_LEN];

    (void)last;
    fprintf(s->out, "%s MAC address%s forgotten\n", ctl_grouped(view_number(r, "cleared"), buf),
            view_number(r, "cleared") == 1 ? "" : "es");
}

static void print_unfrozen(struct ctl_show *s, const cJSON *r, bool last)
{
    double macs = view_number(r, "cleared"), ips = view_number(r, "cleared_ips");
    char buf[CTL_NUMBER_LEN];

    (void)last;
    if (macs > 0 || ips == 0)
        fprintf(s->out, "%s MAC address%s unfrozen\n", ctl_grouped(macs, buf), macs == 1 ? "" : "es");
    if (ips > 0)
        fprintf(s->out, "%s IP address%s unfrozen\n", ctl_grouped(ips, buf), ips == 1 ? "" : "es");
}

/* ---- anything else */

static void put_number(FILE *out, double v)
{
    bool whole = v >= 0 && v < 1e19 && v == (double)(uint64_t)v;

    fprintf(out, whole ? "%.0f" : "%g", v);
}

/* A row of a list goes by its first member: "ports.trunk.rx.frames 12". */
static void print_lines(struct ctl_show *s, const cJSON *item, const char *path, bool in_list, int depth)
{
    const cJSON *child;
    int i = 0;

    cJSON_ArrayForEach(child, item)
    {
        const cJSON *key = cJSON_IsArray(item) && cJSON_IsObject(child) ? child->child : NULL;
        bool named = child == item->child && in_list && cJSON_IsString(child);
        char below[PATH_LEN], index[CTL_NUMBER_LEN];
        const char *name = child->string;

        if (named)
            continue; /* it is in the path */
        if (!name) {
            snprintf(index, sizeof(index), "%d", i++);
            name = cJSON_IsString(key) ? key->valuestring : index;
        }
        snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", name);
        if (cJSON_IsObject(child) || cJSON_IsArray(child)) {
            if (depth < MAX_DEPTH)
                print_lines(s, child, below, cJSON_IsArray(item), depth + 1);
            continue;
        }
        ctl_put(s->out, below, false);
        fputc(' ', s->out);
        if (cJSON_IsString(child)) {
            ctl_put(s->out, child->valuestring, false);
        } else if (cJSON_IsNumber(child)) {
            put_number(s->out, child->valuedouble);
        } else {
            fputs(cJSON_IsTrue(child) ? "true" : cJSON_IsFalse(child) ? "false" : "none", s->out);
        }
        fputc('\n', s->out);
    }
}

static void print_any(struct ctl_show *s, const cJSON *r, bool last)
{
    (void)last;
    print_lines(s, r, "", false, 0);
}

/* ---- choosing */

static const struct view views[] = {
    {"show status", false, print_status},
    {"show ports", false, view_ports},
    {"show networks", false, view_networks},
    {"show macs", true, view_macs},
    {"show neighbors", true, view_neighbors},
    {"show moves", true, view_moves},
    {"move prepare", false, view_prepared},
    {"move commit", false, view_prepared},
    {"move cancel", false, view_prepared},
    {"watch", false, view_watching},
    {"show vteps", false, view_vteps},
    {"show site", true, view_site},
    {"show rehearsal", false, view_rehearsal},
    {"move rehearse", false, view_rehearsal},
    {"trace", false, view_trace},
    {"show fastpath", false, view_fastpath},
    {"fastpath detach", false, view_fastpath_detached},
    {"diff", false, view_reload},
    {"reload", false, view_reload},
    {"show drops", false, print_drops},
    {"show config", true, print_config},
    {"clear macs", false, print_cleared},
    {"show bgp", false, view_bgp},
    {"show bgp peers", false, view_bgp_peers},
    {"show routes", true, view_routes},
    {"clear bgp", false, view_bgp_cleared},
    {"clear duplicate", false, print_unfrozen},
    {"show announcements", false, view_announcements},
    {"announce", false, view_announced},
};
static const struct view any_view = {"", false, print_any};

struct ctl_show *ctl_show_new(const char *command, unsigned width, FILE *out)
{
    struct ctl_show *s = ctl_alloc(sizeof(*s));

    s->out = out;
    s->width = width;
    s->view = &any_view;
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
        if (strcmp(views[i].command, command) == 0)
            s->view = &views[i];
    return s;
}

void ctl_show_free(struct ctl_show *s)
{
    if (!s)
        return;
    ctl_table_free(s->table);
    cJSON_Delete(s->all);
    free(s);
}

/* Moves the rows of the page's arrays to the end of those there are. Takes page. */
static void collect(struct ctl_show *s, cJSON *page)
{
    cJSON *item;

    if (!s->all) {
        s->all = page;
        return;
    }
    cJSON_ArrayForEach(item, page)
    {
        cJSON *rows = cJSON_GetObjectItemCaseSensitive(s->all, item->string), *row;

        if (!cJSON_IsArray(rows) || !cJSON_IsArray(item))
            continue;
        while ((row = cJSON_DetachItemFromArray(item, 0)) != NULL)
            cJSON_AddItemToArray(rows, row);
    }
    cJSON_Delete(page);
}

void ctl_show_page(struct ctl_show *s, cJSON *page, bool last)
{
    if (s->view->by_page) {
        s->view->print(s, page, last);
        cJSON_Delete(page);
        return;
    }
    collect(s, page);
    if (last)
        s->view->print(s, s->all, true);
}
