/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace. One thread.
 */
#include "controlplane/ctl_view.h"

void view_trace(struct ctl_show *s, const cJSON *r, bool last)
{
    char buf[VIEW_CELL_LEN];
    unsigned n = 0;
    const cJSON *step;

    (void)last;
    cJSON_ArrayForEach(step, view_member(r, "steps"))
    {
        const char *name = view_text(step, "step");

        snprintf(buf, sizeof(buf), "%2u %s", ++n, name ? name : "?");
        view_line(s, buf, view_text(step, "text"));
    }
    if (view_number(r, "steps_more") > 0)
        view_line_number(s, "", view_number(r, "steps_more"), " more steps");
    snprintf(buf, sizeof(buf), "%s: %.0f out, %.0f dropped",
             view_text(r, "verdict") ? view_text(r, "verdict") : "?", view_number(r, "copies"),
             view_number(r, "copies_dropped"));
    view_line(s, "verdict", buf);
    if (view_text(r, "fastpath"))
        view_line(s, "fast path", view_text(r, "fastpath"));
    if (view_text(r, "note"))
        view_line(s, "note", view_text(r, "note"));
}
