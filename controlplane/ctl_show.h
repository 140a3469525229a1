/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a person sees: the pages of one command's result as tables. A command without a view of its own is
 * shown as "path value" lines. Any member may be missing or of the wrong type: shown as "-" or left out. One
 * thread.
 */
#ifndef CONTROLPLANE_CTL_SHOW_H
#define CONTROLPLANE_CTL_SHOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

struct ctl_show;

/* width: of the terminal, 0 for none. */
struct ctl_show *ctl_show_new(const char *command, unsigned width, FILE *out);
void ctl_show_free(struct ctl_show *s);
/* Takes page. */
void ctl_show_page(struct ctl_show *s, cJSON *page, bool last);

#endif
