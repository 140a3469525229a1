/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl capture: the frames that the daemon sends, as pcapng. One thread.
 */
#ifndef CONTROLPLANE_CTL_CAPTURE_H
#define CONTROLPLANE_CTL_CAPTURE_H

#include "controlplane/ctl_client.h"

#include <stdbool.h>

/* request: the command; path: the file, "-" is standard output. Until the capture ends, says on stderr how it
 * did. False with a sentence in err. */
bool ctl_capture(struct ctl_client *client, const cJSON *request, const char *path, char err[CTL_ERR_LEN]);

#endif
