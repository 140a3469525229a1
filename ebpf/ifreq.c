/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ifreq.h. Any thread.
 */
#include "ebpf/ifreq.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int ifreq_ask(const char *ifname, unsigned long request, struct ifreq *ifr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return -errno;
    snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", ifname);
    rc = ioctl(fd, request, ifr) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int ifreq_ethtool(const char *ifname, void *command)
{
    struct ifreq ifr = {.ifr_data = command};

    return ifreq_ask(ifname, SIOCETHTOOL, &ifr);
}

struct ethtool_gstrings *ifreq_strings(const char *ifname, uint32_t set, uint32_t max)
{
    union {
        struct ethtool_sset_info info;
        uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)]; /* for info.data[0] */
    } size = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << set}};
    struct ethtool_gstrings *s;
    uint32_t n;

    if (ifreq_ethtool(ifname, &size) != 0 || size.info.sset_mask == 0)
        return NULL;
    n = size.info.data[0];
    if (n == 0 || n > max)
        return NULL;
    s = calloc(1, sizeof(*s) + (size_t)n * ETH_GSTRING_LEN);
    if (!s)
        return NULL;
    *s = (struct ethtool_gstrings){.cmd = ETHTOOL_GSTRINGS, .string_set = set, .len = n};
    if (ifreq_ethtool(ifname, s) == 0 && s->len <= n)
        return s;
    free(s);
    return NULL;
}
