/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl's end of the API socket: one request, one reply, with a deadline; and events for who watches.
 * The daemon's words are not trusted to be short, complete or well-formed. One thread, blocking.
 */
#ifndef CONTROLPLANE_CTL_CLIENT_H
#define CONTROLPLANE_CTL_CLIENT_H

#include <cjson/cJSON.h>
#include <sys/types.h>

#define CTL_ERR_LEN    512
#define CTL_TIMEOUT_MS 10000

struct ctl_client;

/* NULL with a sentence in err. */
struct ctl_client *ctl_client_open(const char *path, char err[CTL_ERR_LEN]);
void ctl_client_close(struct ctl_client *c);
/* The daemon's process; 0: not known. */
pid_t ctl_client_pid(const struct ctl_client *c);
/* Sends the request and returns the "result" object of the reply, to be deleted; NULL with a sentence in err:
 * the daemon's own when it refused. */
cJSON *ctl_client_call(struct ctl_client *c, const cJSON *request, char err[CTL_ERR_LEN]);
/* The next event, to be deleted, however long that takes. NULL with a sentence in err. */
cJSON *ctl_client_event(struct ctl_client *c, char err[CTL_ERR_LEN]);

#endif
