/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The listening UNIX socket of the API as a thing in the file system: made, told apart from a dead daemon's,
 * removed. Control thread only.
 */
#ifndef CONTROLPLANE_API_SOCKET_H
#define CONTROLPLANE_API_SOCKET_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

struct api_socket {
    int fd; /* bound, not listening yet; close-on-exec, non-blocking */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    dev_t dev;
    ino_t ino;
};

/* 0, or -errno with a sentence in err. */
int api_socket_bind(struct api_socket *s, const char *path, char *err, size_t err_len);
/* Removes the file if it is still the one that api_socket_bind() made. Does not close fd. */
void api_socket_unlink(const struct api_socket *s);

#endif
