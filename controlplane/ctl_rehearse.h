/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl's part of a rehearsal: it takes some seconds, so it is asked about until it is over. One
 * thread.
 */
#ifndef CONTROLPLANE_CTL_REHEARSE_H
#define CONTROLPLANE_CTL_REHEARSE_H

#include "controlplane/ctl_client.h"

/* Asks "show rehearsal" until it has ended; each new stage is a line on stderr. The last answer, to be
 * deleted; NULL with a sentence in err: the connection, or the rehearsal, failed. */
cJSON *ctl_rehearse_follow(struct ctl_client *client, char err[CTL_ERR_LEN]);

#endif
