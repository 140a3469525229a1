/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tells when a kernel VXLAN device's FDB gets and loses MACs, from netlink's notifications, so that nothing
 * has to be asked again and again.
 *
 *   fdb_watch DEV
 *
 * Prints "ready", and then "T N MAC" whenever there was a change and then none for a moment (at the latest
 * every 2 ms): the time of the last one (CLOCK_MONOTONIC, ns), how many MACs came less those that went since
 * the start, and the last that changed. Only MACs with a destination count, not those of floods. Ends with an
 * error when the kernel had to leave out notifications.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_BUF (64 << 20)
#define QUIET_MS   1
#define REPORT_NS  2000000u

struct watch {
    unsigned ifindex;
    int64_t n;
    uint64_t changed, reported;
    uint8_t mac[ETH_ALEN];
};

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "fdb_watch: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_netlink(void)
{
    struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1u << (RTNLGRP_NEIGH - 1)};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), size = SOCKET_BUF;

    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
        die("netlink");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        die("SO_RCVBUFFORCE");
    return fd;
}

static void one(struct watch *w, struct nlmsghdr *h)
{
    struct ndmsg *nd = NLMSG_DATA(h);
    int left = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*nd));
    const uint8_t *mac = NULL;
    bool dst = false;
    static const uint8_t none[ETH_ALEN];

    if (h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH)
        return;
    if (left < 0 || nd->ndm_family != AF_BRIDGE || (unsigned)nd->ndm_ifindex != w->ifindex)
        return;
    for (struct rtattr *a = (struct rtattr *)(nd + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == ETH_ALEN)
            mac = RTA_DATA(a);
        dst |= a->rta_type == NDA_DST;
    }
    if (!mac || !dst || memcmp(mac, none, ETH_ALEN) == 0)
        return;
    w->n += h->nlmsg_type == RTM_NEWNEIGH ? 1 : -1;
    memcpy(w->mac, mac, ETH_ALEN);
    w->changed = now_ns();
}

static void report(struct watch *w)
{
    printf("%llu %lld %02x:%02x:%02x:%02x:%02x:%02x\n", (unsigned long long)w->changed, (long long)w->n,
           w->mac[0], w->mac[1], w->mac[2], w->mac[3], w->mac[4], w->mac[5]);
    w->reported = w->changed;
}

int main(int argc, char **argv)
{
    static char buf[1 << 16] __attribute__((aligned(NLMSG_ALIGNTO)));
    static struct watch w;
    struct pollfd p = {.events = POLLIN};

    w.ifindex = argc == 2 ? if_nametoindex(argv[1]) : 0;
    if (w.ifindex == 0)
        die("usage: fdb_watch DEV");
    p.fd = open_netlink();
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (;;) {
        ssize_t n = 0;
        int rc = poll(&p, 1, w.changed != w.reported ? QUIET_MS : -1);

        if (rc < 0 && errno != EINTR)
            die("poll");
        if (rc > 0) {
            n = recv(p.fd, buf, sizeof(buf), 0);
            if (n < 0)
                die("recv");
        }
        for (struct nlmsghdr *h = (struct nlmsghdr *)buf; n > 0 && NLMSG_OK(h, (size_t)n);
             h = NLMSG_NEXT(h, n))
            one(&w, h);
        if (w.changed != w.reported && (rc == 0 || now_ns() - w.reported > REPORT_NS))
            report(&w);
    }
}
