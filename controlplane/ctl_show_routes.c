/* SPDX-License-Identifier: BSD-3-Clause
 *
 * show routes: each route with all its attributes, "label value" after "label value". On a terminal what does
 * not fit goes on below, indented; else a route is one line, for grep. One thread.
 */
#include "controlplane/ctl_view.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define INDENT 4
#define GAP    2

/* Where on the line the next item of a route goes. */
struct flow {
    FILE *out;
    size_t width, at; /* width 0: one line */
};

static void item(struct flow *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void item(struct flow *f, const char *fmt, ...)
{
    char buf[VIEW_LINE_LEN], *safe;
    size_t n;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    safe = ctl_safe(buf, false);
    n = ctl_width(safe);
    if (f->width && f->at > INDENT && f->at + GAP + n > f->width) {
        fputc('\n', f->out);
        ctl_put_spaces(f->out, INDENT);
        f->at = INDENT;
    } else if (f->at > INDENT) {
        ctl_put_spaces(f->out, GAP);
        f->at += GAP;
    }
    ctl_put_wrapped(f->out, safe, f->width > f->at ? f->width - f->at : n, INDENT);
    f->at += n;
    free(safe);
}

/* The rest of the route begins below. */
static void end_of_head(struct flow *f)
{
    if (f->width)
        f->at = f->width;
}

static void item_text(struct flow *f, const char *label, const cJSON *r, const char *name)
{
    const char *text = view_text(r, name);

    if (text && *text)
        item(f, "%s %s", label, text);
}

static void item_number(struct flow *f, const char *label, const cJSON *r, const char *name)
{
    if (cJSON_IsNumber(view_member(r, name)))
        item(f, "%s %.0f", label, view_number(r, name));
}

/* "label a b c" */
static void item_list(struct flow *f, const char *label, const cJSON *r, const char *name)
{
    char buf[VIEW_LINE_LEN];
    const cJSON *e;
    size_t n = 0;

    cJSON_ArrayForEach(e, view_member(r, name))
    {
        if (cJSON_IsString(e) && n < sizeof(buf))
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, " %s", e->valuestring);
    }
    if (n)
        item(f, "%s%s", label, buf);
}

static void route_head(struct flow *f, const cJSON *r)
{
    const char *mac = view_text(r, "mac"), *originator = view_text(r, "originator");

    item(f, "type %.0f", view_number(r, "type"));
    item(f, "%s", mac ? mac : originator ? originator : "?");
    if (view_text(r, "ip"))
        item(f, "%s", view_text(r, "ip"));
    item(f, "%s", view_text(r, "network") ? view_text(r, "network") : "in no network");
    item_text(f, "ignored:", r, "ignored");
    if (view_true(r, "own"))
        item(f, "own");
    if (view_true(r, "best"))
        item(f, "best");
    if (view_true(r, "stale"))
        item(f, "stale");
    end_of_head(f);
}

static void route_attributes(struct flow *f, const cJSON *r)
{
    const cJSON *pmsi = view_member(r, "pmsi"), *aggregator = view_member(r, "aggregator");

    item_text(f, "RD", r, "rd");
    item_number(f, "VNI", r, "vni");
    item_number(f, "label 2", r, "label2");
    if (view_number(r, "ethernet_tag") > 0)
        item_number(f, "Ethernet tag", r, "ethernet_tag");
    item_text(f, "ESI", r, "esi");
    item_text(f, "next hop", r, "next_hop");
    item_text(f, "from", r, "peer");
    item_list(f, "RT", r, "route_targets");
    item(f, "encapsulation %s", view_text(r, "encapsulation") ? view_text(r, "encapsulation") : "not given");
    item_number(f, "sequence", r, "sequence");
    if (view_true(r, "sticky"))
        item(f, "sticky");
    if (pmsi)
        item(f, "PMSI type %.0f to %s", view_number(pmsi, "tunnel_type"),
             view_text(pmsi, "endpoint") ? view_text(pmsi, "endpoint") : "?");
    item_text(f, "origin", r, "bgp_origin");
    item(f, "AS path %s",
         view_text(r, "as_path") && *view_text(r, "as_path") ? view_text(r, "as_path") : "empty");
    item_number(f, "local pref", r, "local_pref");
    item_number(f, "MED", r, "med");
    item_text(f, "originator", r, "originator_id");
    item_list(f, "clusters", r, "cluster_list");
    item_list(f, "communities", r, "communities");
    item_list(f, "large communities", r, "large_communities");
    item_list(f, "others", r, "ext_communities");
    if (view_true(r, "atomic_aggregate"))
        item(f, "atomic aggregate");
    if (aggregator)
        item(f, "aggregator %.0f %s", view_number(aggregator, "asn"),
             view_text(aggregator, "id") ? view_text(aggregator, "id") : "?");
    item_number(f, "unknown attributes", r, "unknown_attributes");
    item_number(f, "not kept", r, "list_members_cut");
}

void view_routes(struct ctl_show *s, const cJSON *result, bool last)
{
    char buf[CTL_NUMBER_LEN];
    const cJSON *r;

    cJSON_ArrayForEach(r, view_member(result, "routes"))
    {
        struct flow f = {.out = s->out, .width = s->width};

        route_head(&f, r);
        route_attributes(&f, r);
        fputc('\n', s->out);
        s->shown++;
    }
    if (last)
        fprintf(s->out, "%s%s route%s\n", s->shown ? "\n" : "", ctl_grouped((double)s->shown, buf),
                s->shown == 1 ? "" : "s");
}
