/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A long answer comes in pages: how to ask for the next one. One thread.
 */
#ifndef CONTROLPLANE_CTL_PAGES_H
#define CONTROLPLANE_CTL_PAGES_H

#include "controlplane/ctl_client.h"

#include <stdbool.h>

/* Takes the place of the next page from a page into the request. False: there is none, or (with a sentence in
 * err) it is not behind the last one. */
bool ctl_pages_turn(const cJSON *page, cJSON *request, char err[CTL_ERR_LEN]);

#endif
