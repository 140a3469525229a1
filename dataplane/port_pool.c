/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See port_pool.h.
 *
 * Where the 8,191 buffers of an AF_XDP port may be: 2,048 in its fill and receive rings, 2,048 at most in its
 * transmit ring, and as many in its completion ring, which is emptied only when something is sent. So a port
 * that is down has 2,047 left to go on with. Frames from other ports' pools the driver copies, without a look
 * at their length.
 */
#include "dataplane/port_pool.h"

#include "conf/log.h"
#include "dataplane/segments.h"

#include <stdio.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_memzone.h>

#define POOL_MBUFS     8191
#define POOL_CACHE     256
#define POOL_OPS       "ring_mp_mc" /* worker.c looks at the ring */
#define XDP_HEADROOM   256          /* what the kernel leaves free in front of an AF_XDP frame */
#define XDP_FILL_RING  2048 /* packet buffers that net_af_xdp takes for each queue, whatever the ring size */
#define XDP_CHUNK_MAX  4096 /* a UMEM chunk must fit a page */
#define FRAME_OVERHEAD 96   /* outer Ethernet..VXLAN over IPv6 (70), VLAN tag, and some to align */
#define MBUF_MEMORY    (sizeof(struct rte_mbuf) + RTE_CACHE_LINE_SIZE)

static unsigned data_room(uint16_t max_mtu)
{
    unsigned room = RTE_PKTMBUF_HEADROOM + XDP_HEADROOM + max_mtu + FRAME_OVERHEAD;

    return RTE_MAX(RTE_ALIGN_CEIL(room, RTE_CACHE_LINE_SIZE), (unsigned)RTE_MBUF_DEFAULT_BUF_SIZE);
}

bool port_pool_wants_segments(uint16_t mtu)
{
    unsigned ordinary = RTE_MBUF_DEFAULT_BUF_SIZE - RTE_PKTMBUF_HEADROOM, room = data_room(mtu);

    return room > RTE_MBUF_DEFAULT_BUF_SIZE && room <= ordinary * SEGMENTS_MAX;
}

/* A worker beyond the first is like a queue: a cache of its own, a transmit ring that fills, and frames that
 * are on their way from one worker to another. */
static uint32_t pool_size(const struct dp_config *config, unsigned queues)
{
    unsigned more = RTE_MAX(queues, RTE_MAX(config->workers, 1u)) - 1;

    return config->packet_buffers ? config->packet_buffers : POOL_MBUFS + more * 2 * XDP_FILL_RING;
}

unsigned port_pool_memory_mb(const struct dp_config *config)
{
    unsigned more_queues = config->n_queues > config->n_ports ? config->n_queues - config->n_ports : 0;
    /* pool_size() has those of the workers */
    size_t buffers = (size_t)config->n_ports * (pool_size(config, 1) + 1) + more_queues * 2 * XDP_FILL_RING;
    size_t bytes = buffers * RTE_MAX(data_room(config->max_mtu) + MBUF_MEMORY, (size_t)XDP_CHUNK_MAX);

    return (unsigned)(bytes * 5 / 4 / (1024 * 1024)) + 48; /* rings, alignment, DPDK itself */
}

/* AF_XDP: the buffer is a chunk of the UMEM, which must fit a page, and the frame one buffer. */
static unsigned xdp_data_room(const struct dp_port_spec *spec, unsigned room)
{
    unsigned most = RTE_ALIGN_FLOOR(XDP_CHUNK_MAX - (unsigned)MBUF_MEMORY - 1, RTE_CACHE_LINE_SIZE);
    unsigned frame;

    room = RTE_MIN(room, most);
    frame = room - RTE_PKTMBUF_HEADROOM - XDP_HEADROOM;
    if (spec->mtu + 18u > frame)
        log_warning(
            "port",
            "%s: %s has MTU %u, but AF_XDP takes frames of up to %u bytes: longer ones are lost in the "
            "kernel. Use pci: or dpdk: for such a port, or lower its MTU",
            spec->name, spec->device, spec->mtu, frame);
    return room;
}

static void free_xdp_memory(struct rte_mempool_memhdr *piece, void *opaque)
{
    (void)piece;
    rte_memzone_free(opaque);
}

/* One buffer in each page, the first at the beginning of one: net_af_xdp registers buffers times their size,
 * from where DPDK's piece of memory begins, and the kernel keeps every buffer that sticks out of that for
 * good. So no gaps as rte_pktmbuf_pool_create() leaves where a buffer would cross a page, and no piece as
 * rte_mempool_populate_default() gets, which begins somewhere in a page. */
static int populate_xdp_pool(struct rte_mempool *pool)
{
    const struct rte_memzone *mz =
        rte_memzone_reserve_aligned(pool->name, (size_t)pool->size * XDP_CHUNK_MAX, SOCKET_ID_ANY,
                                    RTE_MEMZONE_IOVA_CONTIG, XDP_CHUNK_MAX);
    int rc;

    if (!mz)
        return -rte_errno;
    rc = rte_mempool_populate_iova(pool, mz->addr, mz->iova, mz->len, free_xdp_memory, (void *)(uintptr_t)mz);
    if (rc <= 0)
        rte_memzone_free(mz);
    return rc > 0 ? 0 : rc == 0 ? -ENOMEM : rc;
}

static struct rte_mempool *create_xdp_pool(const char *name, unsigned size, unsigned room)
{
    struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = (uint16_t)room};
    unsigned element = XDP_CHUNK_MAX - RTE_ALIGN_CEIL(sizeof(struct rte_mempool_objhdr), RTE_MEMPOOL_ALIGN);
    struct rte_mempool *pool = rte_mempool_create_empty(name, size, element, POOL_CACHE, sizeof(private),
                                                        SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_SPREAD);
    int rc;

    if (!pool)
        return NULL;
    rte_pktmbuf_pool_init(pool, &private);
    rc = rte_mempool_set_ops_byname(pool, POOL_OPS, NULL);
    if (rc == 0)
        rc = populate_xdp_pool(pool);
    if (rc < 0) {
        rte_mempool_free(pool);
        rte_errno = -rc;
        return NULL;
    }
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return pool;
}

static void check_in_umem(struct rte_mempool *pool, void *arg, void *buffer, unsigned i)
{
    uintptr_t chunk = (uintptr_t)buffer - pool->header_size;
    uintptr_t umem = (uintptr_t)STAILQ_FIRST(&pool->mem_list)->addr & ~(uintptr_t)(XDP_CHUNK_MAX - 1);
    bool *whole = arg;

    (void)i;
    *whole &= chunk % XDP_CHUNK_MAX == 0 && chunk >= umem &&
              chunk + XDP_CHUNK_MAX <= umem + (uintptr_t)pool->populated_size * XDP_CHUNK_MAX;
}

bool port_pool_is_whole(struct rte_mempool *pool)
{
    bool whole = pool->nb_mem_chunks == 1 && pool->populated_size == pool->size &&
                 rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL) == XDP_CHUNK_MAX;

    rte_mempool_obj_iter(pool, check_in_umem, &whole);
    return whole;
}

struct rte_mempool *port_pool_create(const struct dp_port_spec *spec, unsigned index, unsigned queues,
                                     const struct dp_config *config, bool segments, uint16_t *longest,
                                     char err[DP_ERR_LEN])
{
    unsigned room = RTE_MIN(data_room(config->max_mtu), (unsigned)UINT16_MAX),
             size = pool_size(config, queues);
    bool xdp = spec->owner == DP_OWNER_INTERFACE;
    struct rte_mempool *pool;
    char name[32];

    if (xdp)
        room = xdp_data_room(spec, room);
    *longest = (uint16_t)(room - RTE_PKTMBUF_HEADROOM);
    if (segments)
        room = RTE_MBUF_DEFAULT_BUF_SIZE;
    snprintf(name, sizeof(name), "cw_pool%u", index);
    if (xdp)
        pool = create_xdp_pool(name, size, room);
    else
        pool = rte_pktmbuf_pool_create_by_ops(name, size, POOL_CACHE, 0, (uint16_t)room, SOCKET_ID_ANY,
                                              POOL_OPS);
    if (!pool)
        snprintf(err, DP_ERR_LEN, "port %s: no memory for %u packet buffers of %u bytes: %s", spec->name,
                 size, room, rte_strerror(rte_errno));
    else if (xdp && !port_pool_is_whole(pool)) {
        snprintf(err, DP_ERR_LEN,
                 "port %s: AF_XDP needs its packet buffers in one piece: free more hugepages, or "
                 "set dataplane.hugepages: off",
                 spec->name);
        rte_mempool_free(pool);
        pool = NULL;
    }
    return pool;
}
