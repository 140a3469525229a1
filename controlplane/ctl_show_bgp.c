/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The views of BGP: show bgp, show bgp peers, clear bgp. One thread.
 */
#include "controlplane/ctl_view.h"

#include <stdarg.h>
#include <string.h>

/* A "label  value" line, the value made like printf's. */
static void line(struct ctl_show *s, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void line(struct ctl_show *s, const char *label, const char *fmt, ...)
{
    char buf[VIEW_LINE_LEN];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    view_line(s, label, buf);
}

/* "3 Idle, 1 Active": the members of an object that are not zero, but "total". Returns how many there are. */
static int list_counts(const cJSON *o, char *buf, size_t size)
{
    const cJSON *c;
    size_t n = 0;
    int found = 0;

    buf[0] = '\0';
    cJSON_ArrayForEach(c, o)
    {
        char count[CTL_NUMBER_LEN];

        if (!cJSON_IsNumber(c) || c->valuedouble <= 0 || strcmp(c->string, "total") == 0 || n >= size)
            continue;
        n += (size_t)snprintf(buf + n, size - n, "%s%s %s", found++ ? ", " : "",
                              ctl_grouped(c->valuedouble, count), c->string);
    }
    return found;
}

static void put_ignored(struct ctl_show *s, const cJSON *rows)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, rows)
    {
        char count[CTL_NUMBER_LEN];

        line(s, "ignored", "%s: %s", ctl_grouped(view_number(row, "count"), count),
             view_text(row, "reason") ? view_text(row, "reason") : "?");
    }
}

/* ---- show bgp */

static void bgp_routes(struct ctl_show *s, const cJSON *r)
{
    const cJSON *routes = view_member(r, "routes");
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], c[CTL_NUMBER_LEN];

    line(s, "routes", "%s of MACs, %s of VTEPs, %s stale", ctl_grouped(view_number(routes, "macs"), a),
         ctl_grouped(view_number(routes, "vteps"), b), ctl_grouped(view_number(routes, "stale"), c));
    line(s, "own routes", "%s announced", ctl_grouped(view_number(routes, "own"), a));
    line(s, "tables", "%s routes, %s attribute sets, %sB of memory",
         ctl_grouped(view_number(routes, "held"), a), ctl_grouped(view_number(routes, "attribute_sets"), b),
         ctl_units(view_number(routes, "memory_bytes"), c));
    put_ignored(s, view_member(routes, "ignored"));
}

void view_bgp(struct ctl_show *s, const cJSON *r, bool last)
{
    const cJSON *peers = view_member(r, "peers"), *connections = view_member(r, "connections");
    const cJSON *md5 = view_member(r, "md5_drops");
    char buf[VIEW_CELL_LEN];

    (void)last;
    line(s, "AS", "%.0f%s", view_number(r, "asn"), view_true(r, "restarting") ? ", after a restart" : "");
    view_line(s, "router id", view_text(r, "router_id"));
    line(s, "port", "%.0f", view_number(r, "port"));
    line(s, "timers", "hold %.0f s, keepalive %.0f s, graceful restart %.0f s", view_number(r, "hold_s"),
         view_number(r, "keepalive_s"), view_number(r, "graceful_restart_s"));
    if (list_counts(peers, buf, sizeof(buf)) == 0)
        snprintf(buf, sizeof(buf), "none");
    line(s, "peers", "%s", buf);
    bgp_routes(s, r);
    line(s, "connections", "%.0f accepted; %.0f from unknown addresses, %.0f failed",
         view_number(connections, "accepted"), view_number(connections, "unknown"),
         view_number(connections, "accept_errors"));
    line(s, "MD5 drops", "%.0f wrong, %.0f unsigned, %.0f unexpected", view_number(md5, "wrong"),
         view_number(md5, "missing"), view_number(md5, "unexpected"));
}

/* ---- show bgp peers: one in detail */

static const char *yes(const cJSON *o, const char *name)
{
    return view_true(o, name) ? "yes" : "no";
}

static void peer_times(struct ctl_show *s, const cJSON *p)
{
    char age[CTL_NUMBER_LEN];
    const char *state = view_text(p, "state") ? view_text(p, "state") : "?";

    if (cJSON_IsNumber(view_member(p, "up_s"))) {
        line(s, "state", "%s for %s", state, ctl_duration(view_number(p, "up_s"), age));
    } else if (cJSON_IsNumber(view_member(p, "down_s"))) {
        line(s, "state", "%s, down for %s", state, ctl_duration(view_number(p, "down_s"), age));
    } else {
        line(s, "state", "%s, never up so far", state);
    }
}

static void peer_session(struct ctl_show *s, const cJSON *p)
{
    const cJSON *c = view_member(p, "connection"), *n = view_member(p, "negotiated");
    const cJSON *gr = view_member(n, "graceful_restart");

    if (c) {
        line(s, "local end", "%s port %.0f", view_text(c, "local") ? view_text(c, "local") : "?",
             view_number(c, "local_port"));
        line(s, "remote end", "%s port %.0f, %.0f bytes queued",
             view_text(c, "remote") ? view_text(c, "remote") : "?", view_number(c, "remote_port"),
             view_number(c, "queued_bytes"));
    }
    if (n) {
        line(s, "router id", "%s, %s connected", view_text(n, "router_id") ? view_text(n, "router_id") : "?",
             view_true(n, "incoming") ? "it" : "we");
        line(s, "negotiated", "hold %.0f s, keepalive %.0f s", view_number(n, "hold_s"),
             view_number(n, "keepalive_s"));
        line(s, "both can", "route refresh %s, 4-octet AS %s, extended messages %s", yes(n, "route_refresh"),
             yes(n, "four_octet_as"), yes(n, "extended_message"));
        line(s, "restart", "%s; it asks for %.0f s",
             view_true(gr, "helper") ? "its routes are kept when it restarts" : "its routes are not kept",
             view_number(gr, "peer_time_s"));
        line(s, "told", "%s", view_true(p, "all_told") ? "everything" : "not everything yet");
    }
}

static void peer_settings(struct ctl_show *s, const cJSON *p)
{
    const cJSON *c = view_member(p, "settings");
    char most[CTL_NUMBER_LEN];

    line(s, "settings", "hold %.0f s, keepalive %.0f s, dial every %.0f s%s", view_number(c, "hold_s"),
         view_number(c, "keepalive_s"), view_number(c, "connect_retry_s"),
         view_true(c, "passive") ? ", passive" : "");
    line(s, "source", "%s, to port %.0f", view_text(c, "source") ? view_text(c, "source") : "any",
         view_number(c, "port"));
    line(s, "security", "password %s, GTSM %s", yes(c, "password"),
         view_number(c, "ttl_security_hops") > 0 ? "on" : "off");
    if (view_number(c, "ttl_security_hops") > 0)
        line(s, "GTSM", "%.0f hops at most", view_number(c, "ttl_security_hops"));
    if (view_number(c, "multihop") > 0)
        line(s, "multihop", "%.0f hops", view_number(c, "multihop"));
    line(s, "stale routes", "we ask for %.0f s; its are kept %.0f s for its End-of-RIB",
         view_number(c, "graceful_restart_s"), view_number(c, "stale_path_s"));
    if (cJSON_IsNumber(view_member(c, "max_prefixes"))) {
        line(s, "most routes", "%s, warning at %.0f %%", ctl_grouped(view_number(c, "max_prefixes"), most),
             view_number(c, "max_prefixes_warning_percent"));
    } else {
        view_line(s, "most routes", "no limit");
    }
}

static void peer_routes(struct ctl_show *s, const cJSON *p)
{
    const cJSON *in = view_member(p, "received"), *out = view_member(p, "sent");
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN], c[CTL_NUMBER_LEN], d[CTL_NUMBER_LEN];

    line(s, "routes", "%s of MACs, %s of VTEPs, %s stale, %s imported",
         ctl_grouped(view_number(in, "macs"), a), ctl_grouped(view_number(in, "vteps"), b),
         ctl_grouped(view_number(in, "stale"), c), ctl_grouped(view_number(in, "imported"), d));
    line(s, "received", "%s updates, %s withdrawals", ctl_grouped(view_number(in, "updates"), a),
         ctl_grouped(view_number(in, "withdrawn"), b));
    line(s, "sent", "%s updates, %s routes, %s withdrawals", ctl_grouped(view_number(out, "updates"), a),
         ctl_grouped(view_number(out, "routes"), b), ctl_grouped(view_number(out, "withdrawn"), c));
    put_ignored(s, view_member(in, "ignored"));
}

static void peer_messages(struct ctl_show *s, const cJSON *p)
{
    static const struct ctl_column columns[] = {
        {"MESSAGES", false, 0, 0}, {"IN", true, 0, 0}, {"OUT", true, 0, 0}};
    const cJSON *in = view_member(view_member(p, "messages"), "in"), *m;
    const cJSON *out = view_member(view_member(p, "messages"), "out");
    struct ctl_table *t = ctl_table_new(VIEW_COLUMNS(columns), s->width);

    fputc('\n', s->out);
    cJSON_ArrayForEach(m, in)
    {
        if (!m->string)
            continue;
        ctl_table_cell(t, m->string);
        view_cell_number(t, in, m->string);
        view_cell_number(t, out, m->string);
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
}

static void peer_sessions(struct ctl_show *s, const cJSON *p)
{
    const cJSON *o = view_member(p, "sessions"), *e;

    fputc('\n', s->out);
    line(s, "sessions", "%.0f up, %.0f dropped; %.0f dials, %.0f accepted, %.0f rejected",
         view_number(o, "established"), view_number(o, "dropped"), view_number(o, "dials"),
         view_number(o, "accepted"), view_number(o, "rejected"));
    cJSON_ArrayForEach(e, view_member(p, "errors"))
    {
        char name[VIEW_CELL_LEN], count[CTL_NUMBER_LEN];

        if (!cJSON_IsNumber(e) || e->valuedouble <= 0 || !e->string)
            continue;
        snprintf(name, sizeof(name), "%s", e->string);
        for (char *at = name; (at = strchr(at, '_')) != NULL;)
            *at = ' ';
        line(s, "errors", "%s: %s", name, ctl_grouped(e->valuedouble, count));
    }
}

static void peer_detail(struct ctl_show *s, const cJSON *p)
{
    view_line(s, "peer", view_text(p, "address"));
    if (view_text(p, "name"))
        view_line(s, "name", view_text(p, "name"));
    line(s, "AS", "%.0f, %s", view_number(p, "asn"), view_true(p, "ebgp") ? "eBGP" : "iBGP");
    peer_times(s, p);
    if (view_text(p, "last_error"))
        view_line(s, "last error", view_text(p, "last_error"));
    peer_session(s, p);
    if (view_text(p, "capabilities"))
        view_line(s, "capabilities", view_text(p, "capabilities"));
    peer_settings(s, p);
    peer_routes(s, p);
    peer_messages(s, p);
    peer_sessions(s, p);
}

/* ---- show bgp peers: the list */

static void peer_cells(struct ctl_table *t, const cJSON *p)
{
    bool up = cJSON_IsNumber(view_member(p, "up_s"));

    view_cell(t, p, "address");
    view_cell(t, p, "name");
    view_cell_plain(t, p, "asn");
    view_cell(t, p, "state");
    view_cell_age(t, p, up ? "up_s" : "down_s");
    view_cell_number(t, p, "routes");
    view_cell_units(t, view_number(p, "messages_in"));
    view_cell_units(t, view_number(p, "messages_out"));
}

static void peer_errors(struct ctl_show *s, const cJSON *peers)
{
    static const struct ctl_column columns[] = {{"PEER", false, 0, 39}, {"LAST ERROR", false, 0, 20}};
    struct ctl_table *t = NULL;
    const cJSON *p;

    cJSON_ArrayForEach(p, peers)
    {
        if (!view_text(p, "last_error"))
            continue;
        if (!t)
            t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
        view_cell(t, p, "address");
        view_cell(t, p, "last_error");
    }
    if (!t)
        return;
    fputc('\n', s->out);
    ctl_table_print(t, s->out);
    ctl_table_free(t);
}

void view_bgp_peers(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {
        {"PEER", false, 0, 39}, {"NAME", false, 1, 8},  {"AS", true, 0, 0},      {"STATE", false, 0, 0},
        {"FOR", true, 0, 0},    {"ROUTES", true, 0, 0}, {"MSGS IN", true, 2, 0}, {"OUT", true, 3, 0}};
    const cJSON *peers = view_member(r, "peers"), *first = cJSON_GetArrayItem(peers, 0), *p;
    struct ctl_table *t;

    (void)last;
    if (view_member(first, "settings")) {
        peer_detail(s, first);
        return;
    }
    if (!first) {
        fputs("no peers are configured\n", s->out);
        return;
    }
    t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(p, peers)
    {
        peer_cells(t, p);
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
    peer_errors(s, peers);
}

/* ---- clear bgp */

void view_bgp_cleared(struct ctl_show *s, const cJSON *r, bool last)
{
    double n = view_number(r, "cleared"), away = view_number(r, "not_connected");
    double unable = view_number(r, "without_route_refresh");
    char buf[CTL_NUMBER_LEN];

    (void)last;
    if (view_true(r, "soft")) {
        fprintf(s->out, "all routes sent again to %s peer%s, and %s asked for\n", ctl_grouped(n, buf),
                n == 1 ? "" : "s", n == 1 ? "its own" : "theirs");
    } else {
        fprintf(s->out, "session with %s peer%s reset\n", ctl_grouped(n, buf), n == 1 ? "" : "s");
    }
    if (unable > 0)
        fprintf(s->out, "%s cannot be asked: no route refresh there\n", ctl_grouped(unable, buf));
    if (away > 0)
        fprintf(s->out, "%s left alone: no session now\n", ctl_grouped(away, buf));
}
