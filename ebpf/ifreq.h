/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the kernel answers of a network interface by ioctl(2). Any thread.
 */
#ifndef EBPF_IFREQ_H
#define EBPF_IFREQ_H

#include <stdint.h>

struct ethtool_gstrings;
struct ifreq;

/* SIOC...: with the interface's name, and what the caller put beside it. 0 or -errno. */
int ifreq_ask(const char *ifname, unsigned long request, struct ifreq *ifr);
/* SIOCETHTOOL: a struct of linux/ethtool.h, which says in cmd what it is. Likewise. */
int ifreq_ethtool(const char *ifname, void *command);
/* A set of strings (ETH_SS_...), to be freed. NULL: there is none, or it has more than max of them. */
struct ethtool_gstrings *ifreq_strings(const char *ifname, uint32_t set, uint32_t max);

#endif
