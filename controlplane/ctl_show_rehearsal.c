/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The view of a rehearsal. One thread.
 */
#include "controlplane/ctl_view.h"

#include <string.h>

static void line_ns(struct ctl_show *s, const char *label, const cJSON *o, const char *name, const char *what)
{
    char buf[VIEW_CELL_LEN];

    if (cJSON_IsNumber(view_member(o, name))) {
        snprintf(buf, sizeof(buf), "%.1f ms%s", view_number(o, name) / 1e6, what);
    } else {
        snprintf(buf, sizeof(buf), "not known%s", what);
    }
    view_line(s, label, buf);
}

static void line_seen(struct ctl_show *s, const char *label, const cJSON *o)
{
    char buf[VIEW_CELL_LEN];

    snprintf(buf, sizeof(buf), "%.0f of %.0f probes answered, %.0f lost; %.0f announcements sent",
             view_number(o, "answered"), view_number(o, "probes"), view_number(o, "lost"),
             view_number(o, "announcements_sent"));
    view_line(s, label, buf);
}

void view_rehearsal(struct ctl_show *s, const cJSON *r, bool last)
{
    const cJSON *path = view_member(r, "path"), *here = view_member(r, "here"),
                *there = view_member(r, "there");
    bool short_path = view_number(path, "mtu") < view_number(path, "mtu_wanted");
    char buf[VIEW_CELL_LEN];

    (void)last;
    snprintf(buf, sizeof(buf), "%s%s%s", view_text(r, "stage") ? view_text(r, "stage") : "?",
             view_text(r, "error") ? ": " : "", view_text(r, "error") ? view_text(r, "error") : "");
    view_line(s, "rehearsal", buf);
    snprintf(buf, sizeof(buf), "%s (%s)",
             view_text(r, "site") && view_text(r, "site")[0] ? view_text(r, "site") : "?",
             view_text(r, "vtep") ? view_text(r, "vtep") : "?");
    view_line(s, "to", buf);
    view_line(s, "network", view_text(r, "network"));
    snprintf(buf, sizeof(buf), "%s, %s", view_text(r, "mac") ? view_text(r, "mac") : "?",
             view_text(r, "ip") ? view_text(r, "ip") : "?");
    view_line(s, "synthetic VM", buf);
    line_ns(s, "round trip", path, "round_trip_ns", "");
    snprintf(buf, sizeof(buf), "%s%.0f of the %.0f that the network may need%s", short_path ? "ONLY " : "",
             view_number(path, "mtu"), view_number(path, "mtu_wanted"),
             short_path ? ": full packets will be lost" : "");
    view_line(s, "path MTU", buf);
    line_ns(s, "there: dark", here, "dark_there_ns", " seen from here, an answer's round trip included");
    line_ns(s, "", there, "dark_there_ns", " from its arrival to the first frame from here");
    line_ns(s, "back: dark", here, "dark_back_ns", " from its return to the first answer here");
    line_ns(s, "", there, "dark_back_ns", " seen from there, an answer's round trip included");
    line_seen(s, "here", here);
    line_seen(s, "there", there);
}
