/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a kernel-owned interface must be set to before XDP can serve it: receive queues, VLAN offload,
 * promiscuity. Control thread only. All return -errno when the kernel says no.
 */
#ifndef EBPF_NIC_H
#define EBPF_NIC_H

#include <stdbool.h>
#include <stdint.h>

/* 1: Ethernet, 0: something else. */
int nic_is_ethernet(const char *ifname);

/* *total: receive queues that the interface has; *served: how many of them DPDK's AF_XDP driver can open. */
int nic_queues(const char *ifname, unsigned *served, unsigned *total);

/* Receive VLAN offload: 1, or 0 (also when there is none). */
int nic_rxvlan(const char *ifname);
int nic_set_rxvlan(const char *ifname, bool on);

/* Promiscuous as long as the returned file descriptor is open. */
int nic_promiscuous(int ifindex);
/* IFF_PROMISC, which stays when this process ends. */
int nic_is_promiscuous(const char *ifname);
int nic_set_promiscuous(const char *ifname, bool on);

/* Whether its driver takes frames that a program in native mode redirects to it: 1 or 0; -ENOTSUP: the kernel
 * (before 6.3) does not tell; -ENODEV. *scattered: also those in several buffers. */
int nic_redirect_target(const char *ifname, bool *scattered);
/* Frames redirected to it that were lost, as far as its driver counts them: a number to be compared with the
 * one before. 0 when it tells nothing. */
uint64_t nic_xdp_trouble(const char *ifname);
/* Frames that the interface dropped instead of sending them, redirected or not. 0 when nobody can say. */
uint64_t nic_tx_dropped(const char *ifname);

#endif
