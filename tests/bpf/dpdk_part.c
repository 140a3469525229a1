/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AF_XDP sockets for tests; see dpdk_part.h.
 */
#include "tests/bpf/dpdk_part.h"

#include <check.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define UMEM_SIZE  (512 * 4096)
#define DEADLINE_S 10

bool dpdk_is_over(mono_t start)
{
    return mono_now().ns - start.ns > DEADLINE_S * 1000000000ull;
}

int dpdk_try_open(struct dpdk_part *d, const char *ifname, unsigned queue)
{
    struct xsk_socket_config config = {
        .rx_size = 256,
        .tx_size = 256,
        .xdp_flags = XDP_FLAGS_UPDATE_IF_NOEXIST,
        .bind_flags = XDP_USE_NEED_WAKEUP,
    };
    uint32_t at;
    int rc;

    d->memory = mmap(NULL, UMEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(d->memory, MAP_FAILED);
    ck_assert_int_eq(xsk_umem__create(&d->umem, d->memory, UMEM_SIZE, &d->fill, &d->done, NULL), 0);
    rc = xsk_socket__create(&d->socket, ifname, queue, d->umem, &d->rx, &d->tx, &config);
    if (rc) {
        xsk_umem__delete(d->umem);
        munmap(d->memory, UMEM_SIZE);
        return rc;
    }
    ck_assert_uint_eq(xsk_ring_prod__reserve(&d->fill, 256, &at), 256);
    for (uint32_t i = 0; i < 256; i++)
        *xsk_ring_prod__fill_addr(&d->fill, at + i) = i * 4096;
    xsk_ring_prod__submit(&d->fill, 256);
    return 0;
}

/* A socket that has just been closed keeps its queue for some milliseconds. */
void dpdk_open(struct dpdk_part *d, const char *ifname, unsigned queue)
{
    mono_t start = mono_now();
    int rc;

    setenv("LIBXDP_SKIP_DISPATCHER", "1", 1);
    while ((rc = dpdk_try_open(d, ifname, queue)) == -EBUSY && !dpdk_is_over(start))
        usleep(1000);
    ck_assert_msg(rc == 0, "AF_XDP socket on %s: %s", ifname, strerror(-rc));
}

void dpdk_close(struct dpdk_part *d)
{
    xsk_socket__delete(d->socket);
    xsk_umem__delete(d->umem);
    munmap(d->memory, UMEM_SIZE);
}

bool dpdk_receive(struct dpdk_part *d, uint8_t *frame, size_t *len)
{
    struct pollfd p = {.fd = xsk_socket__fd(d->socket), .events = POLLIN};
    const struct xdp_desc *desc;
    mono_t start = mono_now();
    uint32_t at;

    while (!xsk_ring_cons__peek(&d->rx, 1, &at)) {
        if (dpdk_is_over(start))
            return false;
        poll(&p, 1, 100);
    }
    desc = xsk_ring_cons__rx_desc(&d->rx, at);
    ck_assert_uint_le(desc->len, DPDK_FRAME_LEN);
    *len = desc->len;
    memcpy(frame, d->memory + desc->addr, desc->len);
    xsk_ring_cons__release(&d->rx, 1);
    return true;
}

bool dpdk_has_frame(struct dpdk_part *d)
{
    uint32_t at;

    if (!xsk_ring_cons__peek(&d->rx, 1, &at))
        return false;
    xsk_ring_cons__cancel(&d->rx, 1);
    return true;
}
