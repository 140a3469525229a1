/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace. One thread.
 */
#include "controlplane/ctl_view.h"

#include <string.h>

#define WORDS_LEN 512

static void steps(struct ctl_show *s, const cJSON *rows, const char *before)
{
    char buf[VIEW_CELL_LEN];
    unsigned n = 0;
    const cJSON *step;

    cJSON_ArrayForEach(step, rows)
    {
        const char *name = view_text(step, "step");

        snprintf(buf, sizeof(buf), "%s%u %s", before, ++n, name ? name : "?");
        view_line(s, buf, view_text(step, "text"));
    }
}

/* The fast path comes first: what it carries or drops the worker does not see. */
static void fast(struct ctl_show *s, const cJSON *f)
{
    const char *state = view_text(f, "state"), *why = view_text(f, "why"), *verdict = view_text(f, "verdict");
    char buf[WORDS_LEN];

    steps(s, view_member(f, "steps"), "f");
    if (verdict && !why)
        snprintf(buf, sizeof(buf), "%s%s", verdict,
                 strcmp(verdict, "worker") == 0 ? ": it goes on as below"
                                                : ", and what is below does not happen");
    else
        snprintf(buf, sizeof(buf), "%s%s%s",
                 verdict ? verdict
                 : state ? state
                         : "?",
                 why ? ": " : "", why ? why : "");
    view_line(s, "fast path", buf);
}

void view_trace(struct ctl_show *s, const cJSON *r, bool last)
{
    char buf[VIEW_CELL_LEN];

    (void)last;
    if (view_member(r, "fastpath"))
        fast(s, view_member(r, "fastpath"));
    steps(s, view_member(r, "steps"), " ");
    if (view_number(r, "steps_more") > 0)
        view_line_number(s, "", view_number(r, "steps_more"), " more steps");
    snprintf(buf, sizeof(buf), "%s: %.0f out, %.0f dropped",
             view_text(r, "verdict") ? view_text(r, "verdict") : "?", view_number(r, "copies"),
             view_number(r, "copies_dropped"));
    view_line(s, "verdict", buf);
    if (view_text(r, "note"))
        view_line(s, "note", view_text(r, "note"));
}
