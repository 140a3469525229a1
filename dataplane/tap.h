/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The TAP beside a pci/dpdk underlay: the kernel's way to and from the WAN for everything that is not VXLAN
 * for us.
 *
 * To the worker it is an Ethernet device like the others, made of two rings; so the worker makes no system
 * call for it. The control thread carries frames between the rings and the TAP's file descriptor:
 * tap_service(). The interface is gone when the descriptor is closed, however the process ends.
 *
 * (DPDK's net_tap is not used: it carries no frames over 1,522 bytes, and the WAN's MTU is larger than the
 * VLANs'.)
 */
#ifndef DATAPLANE_TAP_H
#define DATAPLANE_TAP_H

#include "conf/types.h"

struct rte_mempool;
struct rte_ring;

struct tap {
    int fd;                /* -1: not open */
    struct rte_ring *down; /* worker to kernel */
    struct rte_ring *up;   /* kernel to worker */
    uint64_t lost;         /* frames that the kernel did not take */
    uint64_t lost_bytes;
    int error; /* -errno once the interface is gone */
};

/* Creates the interface with this MAC (zero, as some vdevs have: the kernel chooses one and it is put into
 * *mac) and the Ethernet device over its rings. Returns the ethdev's number, or -errno with a sentence in
 * err. */
int tap_open(struct tap *t, const char *ifname, struct mac *mac, char *err, size_t err_len);
void tap_close(struct tap *t);

/* The kernel's interface follows the cable of the port it stands for. 0 or -errno. */
int tap_set_carrier(const struct tap *t, bool up);

/* Moves up to a burst of frames each way. pool: where frames from the kernel go, of up to `longest` bytes; in
 * several buffers where one is too short. 1: there may be more, 0: all done, -errno: the interface is gone.
 * Control thread. */
int tap_service(struct tap *t, struct rte_mempool *pool, uint16_t longest);

#endif
