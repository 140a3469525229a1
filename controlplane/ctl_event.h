/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One event of the daemon as a line for a person. Any member may be missing or of the wrong type. One thread.
 */
#ifndef CONTROLPLANE_CTL_EVENT_H
#define CONTROLPLANE_CTL_EVENT_H

#include <cjson/cJSON.h>
#include <stdio.h>

void ctl_event_print(FILE *out, const cJSON *event);

#endif
