/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl's side of reload and diff: the file that is sent, and what the answer means for the exit
 * status. One thread.
 */
#ifndef CONTROLPLANE_CTL_RELOAD_H
#define CONTROLPLANE_CTL_RELOAD_H

#include <cjson/cJSON.h>

#define CTL_EXIT_RESTART 3 /* a change needs a restart */

/* The text of a configuration file that is good, to be freed; else NULL, and its mistakes are on stderr. */
char *ctl_reload_read(const char *file);
/* EXIT_SUCCESS, also for answers to other commands; EXIT_FAILURE: it was refused, or is wrong;
 * CTL_EXIT_RESTART. */
int ctl_reload_status(const cJSON *answer);

#endif
