/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Interface settings through ioctl() and an AF_PACKET membership. Promiscuity is asked for with a socket and
 * not with IFF_PROMISC: the kernel takes it back when the process is gone, and it does not mix with what an
 * operator has set. Control thread only.
 */
#include "ebpf/nic.h"

#include "ebpf/ifreq.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#define MAX_STATISTICS 65536

int nic_is_ethernet(const char *ifname)
{
    struct ifreq ifr = {0};
    int rc = ifreq_ask(ifname, SIOCGIFHWADDR, &ifr);

    return rc ? rc : ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

/* DPDK 22.11 counts combined channels only; a driver without any is one queue to it. */
int nic_queues(const char *ifname, unsigned *served, unsigned *total)
{
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    int rc = ifreq_ethtool(ifname, &channels);

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

int nic_rxvlan(const char *ifname)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
    int rc = ifreq_ethtool(ifname, &value);

    if (rc == -EOPNOTSUPP)
        return 0;
    return rc ? rc : !!(value.data & ETH_FLAG_RXVLAN);
}

int nic_set_rxvlan(const char *ifname, bool on)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
    int rc = ifreq_ethtool(ifname, &value);

    if (rc)
        return rc;
    value.cmd = ETHTOOL_SFLAGS;
    value.data = on ? value.data | ETH_FLAG_RXVLAN : value.data & ~(uint32_t)ETH_FLAG_RXVLAN;
    rc = ifreq_ethtool(ifname, &value);
    if (rc)
        return rc;
    /* A driver may take the request and not follow it. */
    rc = nic_rxvlan(ifname);
    if (rc < 0)
        return rc;
    return rc == on ? 0 : -EOPNOTSUPP;
}

int nic_is_promiscuous(const char *ifname)
{
    struct ifreq ifr = {0};
    int rc = ifreq_ask(ifname, SIOCGIFFLAGS, &ifr);

    return rc ? rc : !!(ifr.ifr_flags & IFF_PROMISC);
}

int nic_set_promiscuous(const char *ifname, bool on)
{
    struct ifreq ifr = {0};
    int rc = ifreq_ask(ifname, SIOCGIFFLAGS, &ifr);

    if (rc)
        return rc;
    ifr.ifr_flags = (short)(on ? ifr.ifr_flags | IFF_PROMISC : ifr.ifr_flags & ~IFF_PROMISC);
    return ifreq_ask(ifname, SIOCSIFFLAGS, &ifr);
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

/* ---- XDP
 * ----------------------------------------------------------------------------------------------------- */

/* The netdev family's, in <linux/netdev.h> of kernels from 6.3 on. */
#define NETDEV_CMD_DEV_GET         1
#define NETDEV_A_DEV_IFINDEX       1
#define NETDEV_A_DEV_XDP_FEATURES  3
#define NETDEV_XDP_ACT_NDO_XMIT    0x04
#define NETDEV_XDP_ACT_NDO_XMIT_SG 0x40

struct features {
    bool known;
    uint64_t bits;
};

static int on_features(struct nl_msg *msg, void *arg)
{
    struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(msg));
    struct nlattr *attr =
        nla_find(genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0), NETDEV_A_DEV_XDP_FEATURES);
    struct features *f = arg;

    if (attr && nla_len(attr) == (int)sizeof(f->bits)) {
        f->bits = nla_get_u64(attr);
        f->known = true;
    }
    return NL_OK;
}

static struct features ask_features(struct nl_sock *sock, int family, unsigned ifindex)
{
    struct nl_msg *msg = nlmsg_alloc();
    struct features f = {0};

    if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, NETDEV_CMD_DEV_GET, 1) &&
        nla_put_u32(msg, NETDEV_A_DEV_IFINDEX, ifindex) == 0) {
        nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_features, &f);
        if (nl_send_auto(sock, msg) >= 0)
            (void)nl_recvmsgs_default(sock);
    }
    nlmsg_free(msg);
    return f;
}

int nic_redirect_target(const char *ifname, bool *scattered)
{
    unsigned ifindex = if_nametoindex(ifname);
    struct nl_sock *sock = nl_socket_alloc();
    struct features f = {0};
    static int family; /* the kernel's, for as long as it runs */

    *scattered = false;
    if (sock && genl_connect(sock) == 0) {
        if (family <= 0)
            family = genl_ctrl_resolve(sock, "netdev");
        if (family > 0 && ifindex != 0)
            f = ask_features(sock, family, ifindex);
    }
    nl_socket_free(sock);
    if (ifindex == 0)
        return -ENODEV;
    if (!f.known)
        return -ENOTSUP;
    *scattered = f.bits & NETDEV_XDP_ACT_NDO_XMIT_SG;
    return !!(f.bits & NETDEV_XDP_ACT_NDO_XMIT);
}

/* Names of drivers' statistics are free text. What a driver could not send on is "xdp" with an error, a drop
 * or a full queue, and it is of transmission: what our programs dropped is counted at reception. */
static bool is_trouble(const char *name)
{
    return strstr(name, "xdp") && !strstr(name, "rx") &&
           (strstr(name, "err") || strstr(name, "drop") || strstr(name, "full"));
}

uint64_t nic_xdp_trouble(const char *ifname)
{
    struct ethtool_gstrings *names = ifreq_strings(ifname, ETH_SS_STATS, MAX_STATISTICS);
    struct ethtool_stats *values =
        names ? calloc(1, sizeof(*values) + (size_t)names->len * sizeof(values->data[0])) : NULL;
    uint64_t sum = 0;

    if (values) {
        *values = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = names->len};
        if (ifreq_ethtool(ifname, values) != 0)
            values->n_stats = 0;
    }
    for (unsigned i = 0; values && i < names->len && i < values->n_stats; i++) {
        char name[ETH_GSTRING_LEN + 1];

        snprintf(name, sizeof(name), "%.*s", ETH_GSTRING_LEN,
                 (char *)names->data + (size_t)i * ETH_GSTRING_LEN);
        sum += is_trouble(name) ? values->data[i] : 0;
    }
    free(names);
    free(values);
    return sum;
}

/* ---- statistics of any interface ---- */

static int on_statistics(struct nl_msg *msg, void *arg)
{
    struct nlattr *attr = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct if_stats_msg), IFLA_STATS_LINK_64);

    if (attr)
        nla_memcpy(arg, attr, sizeof(struct rtnl_link_stats64)); /* kernels differ in its length */
    return NL_OK;
}

uint64_t nic_tx_dropped(const char *ifname)
{
    struct if_stats_msg ask = {
        .ifindex = if_nametoindex(ifname),
        .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64),
    };
    struct nl_sock *sock = ask.ifindex ? nl_socket_alloc() : NULL;
    struct rtnl_link_stats64 stats = {0};

    if (sock && nl_connect(sock, NETLINK_ROUTE) == 0) {
        nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_statistics, &stats);
        if (nl_send_simple(sock, RTM_GETSTATS, NLM_F_REQUEST, &ask, sizeof(ask)) >= 0)
            (void)nl_recvmsgs_default(sock);
    }
    nl_socket_free(sock);
    return stats.tx_dropped;
}
