/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Our addresses as the kernel has them, and back. Any thread.
 */
#ifndef CONTROLPLANE_SOCKADDR_H
#define CONTROLPLANE_SOCKADDR_H

#include "conf/types.h"

#include <sys/socket.h>

/* Returns the length of the address. */
socklen_t sockaddr_make(const struct ipaddr *a, uint16_t port, struct sockaddr_storage *out);
/* False when it is neither IPv4 nor IPv6. */
bool sockaddr_read(const struct sockaddr_storage *in, struct ipaddr *a, uint16_t *port);

#endif
