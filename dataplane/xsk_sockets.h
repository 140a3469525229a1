/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The AF_XDP sockets of a port. DPDK 22.11's driver leaves them open when it closes one (it counts the users
 * of a UMEM only where ports share it), and an interface whose socket is open cannot be opened again: so who
 * opens a port remembers which sockets came with it, and closes what is left of them. Control thread only.
 */
#ifndef DATAPLANE_XSK_SOCKETS_H
#define DATAPLANE_XSK_SOCKETS_H

#include <sys/types.h>

#define XSK_SOCKETS_MAX 16 /* a port has one for each receive queue */

struct xsk_sockets {
    unsigned n;
    struct {
        int fd;
        ino_t inode; /* the number alone may be another file by now */
    } at[XSK_SOCKETS_MAX];
};

/* Descriptors that are open: to tell later which are new. NULL without memory or /proc. */
struct xsk_open *xsk_open_list(void);
/* Sockets that were opened since the list was made, and are open still: the driver keeps no others. Frees the
 * list; NULL is fine. */
void xsk_sockets_since(struct xsk_open *list, struct xsk_sockets *out);
/* Closes those that are still there. */
void xsk_sockets_close(struct xsk_sockets *s);

#endif
