/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the views of causewayctl are written with: reading members of a result, filling cells, "label  value"
 * lines. A missing member, or one of the wrong type, reads as NULL, 0 or false, and shows as "-". One thread.
 */
#ifndef CONTROLPLANE_CTL_VIEW_H
#define CONTROLPLANE_CTL_VIEW_H

#include "controlplane/ctl_table.h"
#include "controlplane/ctl_text.h"

#include <cjson/cJSON.h>

#define VIEW_COLUMNS(a) (a), sizeof(a) / sizeof((a)[0])
#define VIEW_CELL_LEN   256
#define VIEW_LINE_LEN   1024

struct view;

struct ctl_show {
    FILE *out;
    unsigned width;
    const struct view *view;
    cJSON *all;              /* collected pages */
    struct ctl_table *table; /* of a view that goes page by page */
    uint64_t shown;          /* its rows so far */
};

/* last: no page follows. A view that is not by_page gets all rows at once. */
struct view {
    const char *command;
    bool by_page;
    void (*print)(struct ctl_show *s, const cJSON *result, bool last);
};

const cJSON *view_member(const cJSON *o, const char *name);
const char *view_text(const cJSON *o, const char *name);
double view_number(const cJSON *o, const char *name);
bool view_true(const cJSON *o, const char *name);
void view_cell(struct ctl_table *t, const cJSON *o, const char *name);
void view_cell_number(struct ctl_table *t, const cJSON *o, const char *name);
void view_cell_plain(struct ctl_table *t, const cJSON *o, const char *name);
void view_cell_units(struct ctl_table *t, double v);
void view_cell_count(struct ctl_table *t, const cJSON *o, const char *name);
void view_cell_age(struct ctl_table *t, const cJSON *o, const char *name);
void view_cell_vlan(struct ctl_table *t, const cJSON *o);
void view_cell_macs(struct ctl_table *t, const cJSON *o);
/* "label  value"; what does not fit goes on below. */
void view_line(struct ctl_show *s, const char *label, const char *value);
void view_line_of(struct ctl_show *s, const char *label, double n, double of, const char *what);
void view_line_number(struct ctl_show *s, const char *label, double n, const char *what);

/* ctl_show_tables.c */
void view_ports(struct ctl_show *s, const cJSON *r, bool last);
void view_networks(struct ctl_show *s, const cJSON *r, bool last);
void view_macs(struct ctl_show *s, const cJSON *r, bool last);
void view_vteps(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_announce.c */
void view_announcements(struct ctl_show *s, const cJSON *r, bool last);
void view_announced(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_neighbors.c */
void view_neighbors(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_fastpath.c */
void view_fastpath(struct ctl_show *s, const cJSON *r, bool last);
void view_fastpath_detached(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_reload.c */
void view_reload(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_site.c */
void view_site(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_rehearsal.c */
void view_rehearsal(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_trace.c */
void view_trace(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_bgp.c */
void view_bgp(struct ctl_show *s, const cJSON *r, bool last);
void view_bgp_peers(struct ctl_show *s, const cJSON *r, bool last);
void view_bgp_cleared(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_moves.c */
void view_moves(struct ctl_show *s, const cJSON *r, bool last);
void view_prepared(struct ctl_show *s, const cJSON *r, bool last);
void view_watching(struct ctl_show *s, const cJSON *r, bool last);

/* ctl_show_routes.c */
void view_routes(struct ctl_show *s, const cJSON *r, bool last);

#endif
