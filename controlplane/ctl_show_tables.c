/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The views of what the gateway is made of: show ports, networks, macs, vteps. One thread.
 */
#include "controlplane/ctl_view.h"

#include <string.h>

/* ---- show ports */

void view_ports(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column what[] = {
        {"PORT", false, 0, 12}, {"ROLE", false, 3, 0},   {"LINK", false, 0, 0}, {"MTU", true, 0, 0},
        {"MAC", false, 0, 0},   {"DRIVER", false, 1, 0}, {"XDP", false, 2, 0},  {"DEVICE", false, 0, 10}};
    static const struct ctl_column traffic[] = {{"PORT", false, 0, 12},   {"RX FRAMES", true, 0, 0},
                                                {"RX BYTES", true, 0, 0}, {"TX FRAMES", true, 0, 0},
                                                {"TX BYTES", true, 0, 0}, {"DROPPED", true, 0, 0},
                                                {"MISSED", true, 0, 0},   {"MACS", true, 1, 0}};
    struct ctl_table *a = ctl_table_new(VIEW_COLUMNS(what), s->width),
                     *b = ctl_table_new(VIEW_COLUMNS(traffic), s->width);
    const cJSON *p;

    (void)last;
    cJSON_ArrayForEach(p, view_member(r, "ports"))
    {
        view_cell(a, p, "name");
        view_cell(a, p, "role");
        ctl_table_cell(a, view_true(p, "up") ? "up" : "DOWN");
        view_cell_plain(a, p, "mtu");
        view_cell(a, p, "mac");
        view_cell(a, p, "driver");
        view_cell(a, p, "xdp");
        view_cell(a, p, "device");
        view_cell(b, p, "name");
        view_cell_count(b, p, "rx");
        view_cell_count(b, p, "tx");
        view_cell_units(b, view_number(p, "drops"));
        view_cell_units(b, view_number(p, "missed"));
        view_cell_macs(b, p);
    }
    ctl_table_print(a, s->out);
    fputc('\n', s->out);
    ctl_table_print(b, s->out);
    ctl_table_free(a);
    ctl_table_free(b);
}

/* ---- show networks */

/* "trunk lab:200": with the tag where it is not the network's own. */
static void cell_net_ports(struct ctl_table *t, const cJSON *net)
{
    const cJSON *vlan = view_member(net, "vlan"), *p;
    char buf[VIEW_CELL_LEN] = "";
    size_t n = 0;

    cJSON_ArrayForEach(p, view_member(net, "ports"))
    {
        const char *name = view_text(p, "port") ? view_text(p, "port") : "?";
        const cJSON *tag = view_member(p, "vlan");
        char suffix[CTL_NUMBER_LEN] = "";

        if (!cJSON_Compare(vlan, tag, true)) {
            snprintf(suffix, sizeof(suffix), ":%.0f", view_number(p, "vlan"));
            if (cJSON_IsNull(tag))
                snprintf(suffix, sizeof(suffix), ":untagged");
        }
        if (n < sizeof(buf))
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s%s", n ? " " : "", name, suffix);
    }
    ctl_table_cell(t, buf);
}

static double network_bytes(const cJSON *net, const char *direction)
{
    const cJSON *d = view_member(view_member(net, "counters"), direction);

    return view_number(view_member(d, "unicast"), "bytes") + view_number(view_member(d, "flooded"), "bytes");
}

static void line_limit(struct ctl_show *s, const char *label, const cJSON *o, const char *name,
                       const char *unit)
{
    if (cJSON_IsNumber(view_member(o, name))) {
        view_line_number(s, label, view_number(o, name), unit);
    } else {
        view_line(s, label, "none");
    }
}

static void line_targets(struct ctl_show *s, const char *label, const cJSON *net, const char *name)
{
    char buf[VIEW_LINE_LEN] = "";
    const cJSON *t;
    size_t n = 0;

    cJSON_ArrayForEach(t, view_member(net, name))
    {
        if (cJSON_IsString(t) && n < sizeof(buf))
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s", n ? " " : "", t->valuestring);
    }
    view_line(s, label, buf);
}

static void network_settings(struct ctl_show *s, const cJSON *net)
{
    const cJSON *limits = view_member(net, "limits");
    char buf[VIEW_CELL_LEN];

    fputc('\n', s->out);
    snprintf(buf, sizeof(buf), "%s",
             view_text(net, "unknown_unicast") ? view_text(net, "unknown_unicast") : "?");
    if (view_number(net, "flood_macs") > 0)
        snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf), "; MAC addresses flooded all the same: %.0f",
                 view_number(net, "flood_macs"));
    view_line(s, "unknown", buf);
    line_limit(s, "broadcast", limits, "broadcast", " frames/s per port at most");
    line_limit(s, "multicast", limits, "multicast", " frames/s per port at most");
    line_limit(s, "unknown limit", limits, "unknown_unicast", " frames/s per port at most");
    line_limit(s, "MAC limit", net, "mac_limit", "");
    if (view_number(net, "ageing_s") > 0) {
        view_line_number(s, "ageing", view_number(net, "ageing_s"), " s");
    } else {
        view_line(s, "ageing", "never");
    }
    view_line(s, "proxy", view_true(net, "proxy") ? "answers ARP and ND for known hosts" : "off");
    view_line(s, "inner tags", view_true(net, "qinq") ? "allowed (qinq)" : "dropped");
    if (view_text(net, "rd")) {
        view_line(s, "RD", view_text(net, "rd"));
        line_targets(s, "import RT", net, "import_targets");
        line_targets(s, "export RT", net, "export_targets");
    }
}

static void network_traffic(struct ctl_show *s, const cJSON *net)
{
    static const struct ctl_column columns[] = {{"DIRECTION", false, 0, 0},
                                                {"UNICAST FRAMES", true, 0, 0},
                                                {"BYTES", true, 0, 0},
                                                {"FLOODED FRAMES", true, 0, 0},
                                                {"BYTES", true, 0, 0}};
    static const char *const rows[][2] = {{"access_in", "access in"},
                                          {"access_out", "access out"},
                                          {"wan_in", "WAN in"},
                                          {"wan_out", "WAN out"}};
    static const char *const lines[][3] = {{"proxy_arp", "proxy ARP", " requests answered here"},
                                           {"proxy_nd", "proxy ND", " requests answered here"},
                                           {"bounced", "bounced", " frames sent on after a move"},
                                           {"bicast", "bi-cast", " frames sent twice before a move"}};
    struct ctl_table *t = ctl_table_new(VIEW_COLUMNS(columns), s->width);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const cJSON *d = view_member(view_member(net, "counters"), rows[i][0]);

        ctl_table_cell(t, rows[i][1]);
        view_cell_count(t, d, "unicast");
        view_cell_count(t, d, "flooded");
    }
    fputc('\n', s->out);
    ctl_table_print(t, s->out);
    ctl_table_free(t);
    fputc('\n', s->out);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        view_line_number(s, lines[i][1], view_number(view_member(net, "counters"), lines[i][0]), lines[i][2]);
}

static void network_peers(struct ctl_show *s, const cJSON *net)
{
    static const struct ctl_column columns[] = {
        {"VTEP", false, 0, 39}, {"KNOWN BY", false, 0, 0}, {"LEARNING", false, 1, 0}, {"STATE", false, 0, 8}};
    struct ctl_table *t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    const cJSON *p;

    cJSON_ArrayForEach(p, view_member(net, "peers"))
    {
        view_cell(t, p, "vtep");
        view_cell(t, p, "known_by");
        ctl_table_cell(t, view_true(p, "learning") ? "on" : "off");
        view_cell(t, p, "state");
    }
    fputc('\n', s->out);
    ctl_table_print(t, s->out);
    ctl_table_free(t);
}

void view_networks(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {
        {"NETWORK", false, 0, 12}, {"VLAN", true, 0, 0},     {"VNI", true, 0, 0},
        {"MACS", true, 0, 0},      {"VTEPS", true, 0, 0},    {"UNKNOWN", false, 1, 0},
        {"TO WAN", true, 0, 0},    {"FROM WAN", true, 0, 0}, {"PORTS", false, 2, 10}};
    struct ctl_table *t = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    const cJSON *net;

    (void)last;
    cJSON_ArrayForEach(net, view_member(r, "networks"))
    {
        view_cell(t, net, "name");
        view_cell_vlan(t, net);
        view_cell_plain(t, net, "vni");
        view_cell_macs(t, net);
        view_cell_number(t, net, "vteps");
        view_cell(t, net, "unknown_unicast");
        view_cell_units(t, network_bytes(net, "wan_out"));
        view_cell_units(t, network_bytes(net, "wan_in"));
        cell_net_ports(t, net);
    }
    ctl_table_print(t, s->out);
    ctl_table_free(t);
    cJSON_ArrayForEach(net, view_member(r, "networks"))
    {
        if (!view_member(net, "peers"))
            continue;
        network_settings(s, net);
        network_traffic(s, net);
        network_peers(s, net);
    }
}

/* ---- show macs */

static const char *mac_where(const cJSON *m)
{
    return view_text(m, "port") ? view_text(m, "port") : view_text(m, "vtep") ? view_text(m, "vtep") : NULL;
}

/* "DUPLICATE sticky 10.0.0.1 10.0.0.2" */
static void cell_mac_notes(struct ctl_table *t, const cJSON *m)
{
    char buf[VIEW_LINE_LEN] = "";
    const cJSON *ip;
    size_t n;

    snprintf(buf, sizeof(buf), "%s%s", view_true(m, "duplicate") ? " DUPLICATE" : "",
             view_true(m, "sticky") ? " sticky" : "");
    n = strlen(buf);
    cJSON_ArrayForEach(ip, view_member(m, "ips"))
    {
        if (cJSON_IsString(ip) && n < sizeof(buf))
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, " %s", ip->valuestring);
    }
    ctl_table_cell(t, n ? buf + 1 : NULL);
}

/* Of a MAC that was asked for. */
static void mac_details(struct ctl_show *s, const cJSON *m)
{
    const cJSON *route = view_member(m, "route"), *elsewhere = view_member(m, "seen_elsewhere"), *move;
    char buf[VIEW_CELL_LEN], age[CTL_NUMBER_LEN];

    if (route) {
        snprintf(buf, sizeof(buf), "%s, sequence %.0f%s",
                 view_text(route, "vtep") ? view_text(route, "vtep") : "?", view_number(route, "sequence"),
                 view_true(route, "sticky") ? ", sticky" : "");
        view_line(s, "best route", buf);
    }
    if (elsewhere) {
        snprintf(buf, sizeof(buf), "%.0f times; the last %s ago at %s: ignored",
                 view_number(elsewhere, "count"), ctl_duration(view_number(elsewhere, "ago_s"), age),
                 mac_where(elsewhere) ? mac_where(elsewhere) : "?");
        view_line(s, "seen elsewhere", buf);
    }
    cJSON_ArrayForEach(move, view_member(m, "recent_moves"))
    {
        const char *from = mac_where(view_member(move, "from")), *to = mac_where(view_member(move, "to"));

        snprintf(buf, sizeof(buf), "%s ago from %s to %s", ctl_duration(view_number(move, "ago_s"), age),
                 from ? from : "?", to ? to : "?");
        view_line(s, "moved", buf);
    }
}

void view_macs(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column columns[] = {
        /* WHERE: wide enough for IPv4 from the first page on */
        {"MAC", false, 0, 0},     {"NETWORK", false, 0, 12}, {"WHERE          ", false, 0, 15},
        {"OWNER", false, 0, 0},   {"SEQ", true, 2, 0},       {"SEEN", true, 3, 0},
        {"HERE FOR", true, 5, 0}, {"MOVES", true, 4, 0},     {"NOTES", false, 0, 9}};
    char a[CTL_NUMBER_LEN], b[CTL_NUMBER_LEN];
    const cJSON *m;

    if (!s->table)
        s->table = ctl_table_new(VIEW_COLUMNS(columns), s->width);
    cJSON_ArrayForEach(m, view_member(r, "macs"))
    {
        view_cell(s->table, m, "mac");
        view_cell(s->table, m, "network");
        ctl_table_cell(s->table, mac_where(m) ? mac_where(m) : "everywhere");
        view_cell(s->table, m, "origin");
        view_cell_plain(s->table, m, "sequence");
        view_cell_age(s->table, m, "age_s");
        view_cell_age(s->table, m, "since_s");
        view_cell_number(s->table, m, "moves");
        cell_mac_notes(s->table, m);
        s->shown++;
    }
    if (s->shown || last)
        ctl_table_print(s->table, s->out);
    cJSON_ArrayForEach(m, view_member(r, "macs"))
    {
        mac_details(s, m);
    }
    if (last)
        fprintf(s->out, "\n%s of %s MAC addresses\n", ctl_grouped((double)s->shown, a),
                ctl_grouped(view_number(r, "total"), b));
    if (last && view_number(r, "sticky_moves") > 0)
        fprintf(s->out, "%s frames or routes of a static or sticky MAC from elsewhere were ignored\n",
                ctl_grouped(view_number(r, "sticky_moves"), a));
}

/* ---- show vteps */

/* R9.5: lost is more than not resolved: nothing that BGP says of it is followed. */
static void cell_vtep_state(struct ctl_table *t, const cJSON *v)
{
    char text[80];

    if (view_true(v, "lost") && view_text(v, "state")) {
        snprintf(text, sizeof(text), "lost: %s", view_text(v, "state"));
        ctl_table_cell(t, text);
    } else {
        view_cell(t, v, "state");
    }
}

void view_vteps(struct ctl_show *s, const cJSON *r, bool last)
{
    static const struct ctl_column way[] = {{"VTEP", false, 0, 39},
                                            {"STATE", false, 0, 10},
                                            {"MTU", true, 0, 0},
                                            {"NEXT HOP", false, 0, 39},
                                            {"NEXT HOP'S MAC", false, 1, 0}};
    static const struct ctl_column traffic[] = {{"VTEP", false, 0, 39},    {"KNOWN BY", false, 2, 0},
                                                {"NETWORKS", true, 1, 0},  {"MACS", true, 0, 0},
                                                {"RX FRAMES", true, 0, 0}, {"RX BYTES", true, 0, 0},
                                                {"TX FRAMES", true, 0, 0}, {"TX BYTES", true, 0, 0}};
    struct ctl_table *a = ctl_table_new(VIEW_COLUMNS(way), s->width),
                     *b = ctl_table_new(VIEW_COLUMNS(traffic), s->width);
    const cJSON *v, *name;

    (void)last;
    cJSON_ArrayForEach(v, view_member(r, "vteps"))
    {
        view_cell(a, v, "address");
        cell_vtep_state(a, v);
        view_cell_plain(a, v, "mtu");
        view_cell(a, v, "next_hop");
        view_cell(a, v, "next_hop_mac");
        view_cell(b, v, "address");
        view_cell(b, v, "known_by");
        view_cell_number(b, v, "networks");
        view_cell_number(b, v, "macs");
        view_cell_count(b, v, "rx");
        view_cell_count(b, v, "tx");
    }
    ctl_table_print(a, s->out);
    fputc('\n', s->out);
    ctl_table_print(b, s->out);
    ctl_table_free(a);
    ctl_table_free(b);
    cJSON_ArrayForEach(v, view_member(r, "vteps"))
    {
        if (!view_member(v, "network_names"))
            continue;
        fputs("\nnetworks:", s->out);
        cJSON_ArrayForEach(name, view_member(v, "network_names"))
        {
            fputc(' ', s->out);
            ctl_put(s->out, cJSON_IsString(name) ? name->valuestring : "?", false);
        }
        fputc('\n', s->out);
    }
}
