/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rights of the process: what it needs is checked before anything is started, and everything else is
 * given up for good, also by root. So whoever should take the daemon over by a malformed packet cannot load
 * modules, read other processes' memory, or pass over file permissions.
 *
 * What remains is what a running gateway goes on needing (netlink, XDP, the TAP, BGP on port 179), so it can
 * be given up before the first thread is there, and all threads inherit that. The same list is in
 * conf/systemd/causewayd.service; a test compares them. Main thread, once; privilege_has() any thread.
 */
#ifndef CONTROLPLANE_PRIVILEGE_H
#define CONTROLPLANE_PRIVILEGE_H

#include <stdbool.h>

struct conf;

/* What causewayd needs: capability, and what for. CAP_SYS_ADMIN is only for interfaces and PCI devices
 * (conf_needs_sys_admin()). Without it the kernel gives nobody the maps of a loaded XDP program
 * (BPF_MAP_GET_FD_BY_ID), not even who loaded it, and libxdp asks for them; and DPDK cannot learn physical
 * addresses (/proc/self/pagemap), which it wants where the IOMMU does not do with virtual ones. It implies
 * CAP_BPF, which is here for the day when it can go. */
#define PRIVILEGES(X)                                                                                        \
    X(CAP_NET_ADMIN, "attach XDP, create the TAP, ask for neighbours")                                       \
    X(CAP_NET_RAW, "AF_XDP sockets")                                                                         \
    X(CAP_BPF, "load the XDP program")                                                                       \
    X(CAP_SYS_ADMIN, "find the XDP program's maps, and physical addresses")                                  \
    X(CAP_IPC_LOCK, "lock packet buffers in memory")

/* What it uses when it is there. */
#define PRIVILEGES_WISHED(X) X(CAP_NET_BIND_SERVICE, "listen on BGP's port 179")

/* False when one that this configuration needs is missing; the log says which. */
bool privilege_check(const struct conf *conf);
/* Whether this thread may still do what a capability (CAP_...) allows; true as well when nobody can tell. */
bool privilege_has(int cap);
/* Gives up all others, in this thread and in all that it starts, for ever (no new privileges by execve(),
 * either). 0 or -errno. */
int privilege_drop(const struct conf *conf);

#endif
