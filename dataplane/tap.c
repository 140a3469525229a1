/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tap.h. Control thread only; the rings' other ends are the worker's.
 */
#include "dataplane/tap.h"

#include "dataplane/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
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

/* A TAP that is down says EIO. */
static bool write_frame(const struct tap *t, const struct rte_mbuf *m)
{
    struct iovec part[SEGMENTS_MAX];
    ssize_t len = rte_pktmbuf_pkt_len(m);
    int n = 0;

    for (; m && n < SEGMENTS_MAX; m = m->next)
        part[n++] = (struct iovec){rte_pktmbuf_mtod(m, void *), rte_pktmbuf_data_len(m)};
    return !m && writev(t->fd, part, n) == len;
}

static unsigned to_kernel(struct tap *t)
{
    struct rte_mbuf *m[BURST];
    unsigned n = rte_ring_dequeue_burst(t->down, (void **)m, BURST, NULL);

    for (unsigned i = 0; i < n; i++) {
        uint32_t len = rte_pktmbuf_pkt_len(m[i]);

        if (!write_frame(t, m[i])) {
            t->lost++;
            t->lost_bytes += len;
        }
        rte_pktmbuf_free(m[i]);
    }
    return n;
}

/* Into n empty buffers, of which it keeps as many as it needs. NULL: there is none. */
static struct rte_mbuf *read_frame(struct tap *t, struct rte_mbuf **m, unsigned n)
{
    struct iovec part[SEGMENTS_MAX];
    ssize_t left;
    unsigned used;

    for (unsigned i = 0; i < n; i++)
        part[i] = (struct iovec){rte_pktmbuf_mtod(m[i], void *), rte_pktmbuf_tailroom(m[i])};
    left = readv(t->fd, part, (int)n);
    if (left < 0 && errno != EAGAIN && errno != EINTR)
        t->error = -errno;
    for (used = 0; used < n && left > 0; used++) {
        uint16_t len = (uint16_t)RTE_MIN((size_t)left, part[used].iov_len);

        (void)rte_pktmbuf_append(m[used], len);
        if (used > 0)
            (void)rte_pktmbuf_chain(m[0], m[used]);
        left -= len;
    }
    if (used < n)
        rte_pktmbuf_free_bulk(m + used, n - used);
    return used > 0 ? m[0] : NULL;
}

/* How many of these buffers hold the longest frame. */
static unsigned buffers_for(struct rte_mempool *pool, uint16_t longest)
{
    unsigned room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM, n = (longest + room - 1) / room;

    return RTE_MIN(n, (unsigned)SEGMENTS_MAX);
}

static unsigned from_kernel(struct tap *t, struct rte_mempool *pool, uint16_t longest)
{
    unsigned n = 0, each = buffers_for(pool, longest);

    /* What finds no room stays with the kernel, whose queue has a bound of its own. */
    while (n < BURST && rte_ring_free_count(t->up) > 0) {
        struct rte_mbuf *m[SEGMENTS_MAX], *frame;

        if (rte_pktmbuf_alloc_bulk(pool, m, each) != 0)
            break;
        frame = read_frame(t, m, each);
        if (!frame)
            break;
        if (rte_ring_enqueue(t->up, frame) != 0) {
            rte_pktmbuf_free(frame);
            break;
        }
        n++;
    }
    return n;
}

int tap_service(struct tap *t, struct rte_mempool *pool, uint16_t longest)
{
    unsigned down = to_kernel(t), up = t->error ? 0 : from_kernel(t, pool, longest);

    return t->error ? t->error : down == BURST || up == BURST;
}
