/* SPDX-License-Identifier: BSD-3-Clause
 *
 * For tests of what causewayctl prints: its rendering, and one way to show a command's pages. The sources are
 * included: they belong to the program, not to the library.
 */
#ifndef TESTS_UNIT_CTL_RIG_H
#define TESTS_UNIT_CTL_RIG_H

#include "controlplane/ctl_json.c"
#include "controlplane/ctl_reload.c"
#include "controlplane/ctl_show.c"
#include "controlplane/ctl_show_announce.c"
#include "controlplane/ctl_show_bgp.c"
#include "controlplane/ctl_show_fastpath.c"
#include "controlplane/ctl_show_moves.c"
#include "controlplane/ctl_show_neighbors.c"
#include "controlplane/ctl_show_rehearsal.c"
#include "controlplane/ctl_show_routes.c"
#include "controlplane/ctl_show_site.c"
#include "controlplane/ctl_show_tables.c"
#include "controlplane/ctl_show_trace.c"
#include "controlplane/ctl_table.c"
#include "controlplane/ctl_text.c"
#include "controlplane/ctl_view.c"

#include <check.h>

static char *output;
static size_t output_len;

/* A stream into `output`, which is emptied. */
static inline FILE *capture(void)
{
    free(output);
    output = NULL;
    return open_memstream(&output, &output_len);
}

/* Columns of the longest line of the output. */
static inline size_t widest(void)
{
    size_t most = 0;
    char *copy = strdup(output), *save = NULL;

    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        if (ctl_width(l) > most)
            most = ctl_width(l);
    free(copy);
    return most;
}

static inline cJSON *parse(const char *text)
{
    cJSON *json = cJSON_Parse(text);

    ck_assert_msg(json != NULL, "%s", text);
    return json;
}

/* What a person sees of a command that was answered with these pages; width 0: as wide as it is. */
static inline const char *show(const char *command, unsigned width, const char *const *pages, size_t n)
{
    FILE *f = capture();
    struct ctl_show *s = ctl_show_new(command, width, f);

    for (size_t i = 0; i < n; i++)
        ctl_show_page(s, parse(pages[i]), i + 1 == n);
    ctl_show_free(s);
    fclose(f);
    return output;
}

static inline const char *show_one(const char *command, unsigned width, const char *page)
{
    return show(command, width, &page, 1);
}

#endif
