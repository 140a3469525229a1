/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interface settings through ioctl() and an AF_PACKET membership. Promiscuity is asked for with a socket and
 * not with IFF_PROMISC: the kernel takes it back when the process is gone, and it does not mix with what an
 * operator has set. Control thread only.
 */
#include "ebpf/nic.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int nic_ioctl(const char *ifname, unsigned long request, struct ifreq *ifr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return -errno;
    snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", ifname);
    rc = ioctl(fd, request, ifr) ? -errno : 0;
    close(fd);
    return rc;
}

static int nic_ethtool(const char *ifname, void *command)
{
    struct ifreq ifr = {.ifr_data = command};

    return nic_ioctl(ifname, SIOCETHTOOL, &ifr);
}

int nic_is_ethernet(const char *ifname)
{
    struct ifreq ifr = {0};
    int rc = nic_ioctl(ifname, SIOCGIFHWADDR, &ifr);

    return rc ? rc : ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

/* DPDK 22.11 counts combined channels only; a driver without any is one queue to it. */
int nic_queues(const char *ifname, unsigned *served, unsigned *total)
{
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    int rc = nic_ethtool(ifname, &channels);

    *served = *total = 1;
    if (rc == -EOPNOTSUPP)
        return 0;
    if (rc)
        return rc;
    *total = channels.combined_count + channels.rx_count;
    if (*total == 0)
        *total = 1;
    if (channels.max_combined)
        *served = channels.combined_count;
    return 0;
}

int nic_set_rxvlan(const char *ifname, bool on)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
    int rc = nic_ethtool(ifname, &value);

    if (rc == -EOPNOTSUPP)
        return 0;
    if (rc)
        return rc;
    if (!!(value.data & ETH_FLAG_RXVLAN) == on)
        return 0;
    value.cmd = ETHTOOL_SFLAGS;
    value.data ^= ETH_FLAG_RXVLAN;
    rc = nic_ethtool(ifname, &value);
    if (rc)
        return rc;
    /* A driver may take the request and not follow it. */
    value.cmd = ETHTOOL_GFLAGS;
    rc = nic_ethtool(ifname, &value);
    if (rc)
        return rc;
    return !!(value.data & ETH_FLAG_RXVLAN) == on ? 1 : -EOPNOTSUPP;
}

int nic_promiscuous(int ifindex)
{
    struct packet_mreq mreq = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: receives nothing */

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq))) {
        int rc = -errno;

        close(fd);
        return rc;
    }
    return fd;
}
