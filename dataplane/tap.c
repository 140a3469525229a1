/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tap.h. Control thread only; the rings' other ends are the worker's.
 */
#include "dataplane/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#define RING_SIZE 1024
#define BURST     64

static int set_mac(int fd, struct ifreq *ifr, struct mac *mac)
{
    if (mac_is_zero(*mac)) {
        if (ioctl(fd, SIOCGIFHWADDR, ifr) != 0)
            return -1;
        memcpy(mac->b, ifr->ifr_hwaddr.sa_data, 6);
        return 0;
    }
    ifr->ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(ifr->ifr_hwaddr.sa_data, mac->b, 6);
    return ioctl(fd, SIOCSIFHWADDR, ifr);
}

static int open_interface(struct tap *t, const char *ifname, struct mac *mac, char *err, size_t err_len)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int rc;

    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->fd < 0) {
        rc = -errno;
        snprintf(err, err_len, "TAP %s: /dev/net/tun: %s", ifname, strerror(-rc));
        return rc;
    }
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
    if (ioctl(t->fd, TUNSETIFF, &ifr) == 0 && set_mac(t->fd, &ifr, mac) == 0)
        return 0;
    rc = -errno;
    snprintf(err, err_len, "TAP %s: cannot be made: %s", ifname, strerror(-rc));
    return rc;
}

int tap_open(struct tap *t, const char *ifname, struct mac *mac, char *err, size_t err_len)
{
    char name[RTE_RING_NAMESIZE];
    int rc = open_interface(t, ifname, mac, err, err_len);

    if (rc < 0)
        return rc;
    snprintf(name, sizeof(name), "cw_down_%.15s", ifname);
    t->down = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    snprintf(name, sizeof(name), "cw_up_%.15s", ifname);
    t->up = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (t->down && t->up) {
        snprintf(name, sizeof(name), "cw_%.15s", ifname);
        rc = rte_eth_from_rings(name, &t->up, 1, &t->down, 1, 0);
        if (rc >= 0)
            return rc;
    }
    snprintf(err, err_len, "TAP %s: no memory for its rings", ifname);
    return -ENOMEM;
}

static void ring_free(struct rte_ring *r)
{
    struct rte_mbuf *m;

    while (r && rte_ring_dequeue(r, (void **)&m) == 0)
        rte_pktmbuf_free(m);
    rte_ring_free(r);
}

void tap_close(struct tap *t)
{
    ring_free(t->down);
    ring_free(t->up);
    if (t->fd >= 0)
        close(t->fd);
    *t = (struct tap){.fd = -1};
}

int tap_set_carrier(const struct tap *t, bool up)
{
    int carrier = up;

    return ioctl(t->fd, TUNSETCARRIER, &carrier) == 0 ? 0 : -errno;
}

static unsigned to_kernel(struct tap *t)
{
    struct rte_mbuf *m[BURST];
    unsigned n = rte_ring_dequeue_burst(t->down, (void **)m, BURST, NULL);

    for (unsigned i = 0; i < n; i++) {
        uint32_t len = rte_pktmbuf_pkt_len(m[i]);

        /* Buffers are sized so that a frame is one segment. A TAP that is down says EIO. */
        if (rte_pktmbuf_data_len(m[i]) != len ||
            write(t->fd, rte_pktmbuf_mtod(m[i], void *), len) != (ssize_t)len) {
            t->lost++;
            t->lost_bytes += len;
        }
        rte_pktmbuf_free(m[i]);
    }
    return n;
}

static unsigned from_kernel(struct tap *t, struct rte_mempool *buffers)
{
    unsigned n = 0;

    /* What finds no room stays with the kernel, whose queue has a bound of its own. */
    while (n < BURST && rte_ring_free_count(t->up) > 0) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(buffers);
        ssize_t len;

        if (!m)
            break;
        len = read(t->fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
        if (len < 0 && errno != EAGAIN && errno != EINTR)
            t->error = -errno;
        if (len <= 0 || rte_pktmbuf_append(m, (uint16_t)len) == NULL || rte_ring_enqueue(t->up, m) != 0) {
            rte_pktmbuf_free(m);
            break;
        }
        n++;
    }
    return n;
}

int tap_service(struct tap *t, struct rte_mempool *buffers)
{
    unsigned down = to_kernel(t), up = t->error ? 0 : from_kernel(t, buffers);

    return t->error ? t->error : down == BURST || up == BURST;
}
