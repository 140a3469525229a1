/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See port.h. What differs between drivers is here and nowhere else:
 *   net_af_xdp  the packet buffer is the UMEM chunk, so it must fit a page; the driver sets no MTU of its own
 *   net_ring    the worker's side of the TAP beside a pci/dpdk underlay (tap.h)
 *
 * Where the 8,191 buffers of an AF_XDP port may be: 2,048 in its fill and receive rings, 2,048 at most in its
 * transmit ring, and as many in its completion ring, which is emptied only when something is sent. So a port
 * that is down has 2,047 left to go on with. Frames from other ports' pools the driver copies, without a look
 * at their length.
 */
#include "dataplane/port.h"

#include "conf/log.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#define RX_RING        2048
#define TX_RING        2048
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

/* A worker beyond the first is like a queue: a cache of its own, a transmit ring that fills, and frames that
 * are on their way from one worker to another. */
static uint32_t pool_size(const struct dp_config *config, unsigned queues)
{
    unsigned more = RTE_MAX(queues, RTE_MAX(config->workers, 1u)) - 1;

    return config->packet_buffers ? config->packet_buffers : POOL_MBUFS + more * 2 * XDP_FILL_RING;
}

unsigned port_memory_mb(const struct dp_config *config)
{
    unsigned more_queues = config->n_queues > config->n_ports ? config->n_queues - config->n_ports : 0;
    /* pool_size() has those of the workers */
    size_t buffers = (size_t)config->n_ports * (pool_size(config, 1) + 1) + more_queues * 2 * XDP_FILL_RING;
    size_t bytes = buffers * RTE_MAX(data_room(config->max_mtu) + MBUF_MEMORY, (size_t)XDP_CHUNK_MAX);

    return (unsigned)(bytes * 5 / 4 / (1024 * 1024)) + 48; /* rings, alignment, DPDK itself */
}

/* AF_XDP: the buffer is a chunk of the UMEM, which must fit a page, and the frame one buffer. */
static unsigned xdp_data_room(const struct port *p, unsigned room)
{
    unsigned most = RTE_ALIGN_FLOOR(XDP_CHUNK_MAX - (unsigned)MBUF_MEMORY - 1, RTE_CACHE_LINE_SIZE);
    unsigned frame;

    room = RTE_MIN(room, most);
    frame = room - RTE_PKTMBUF_HEADROOM - XDP_HEADROOM;
    if (p->spec.mtu + 18u > frame)
        log_warning(
            "port",
            "%s: %s has MTU %u, but AF_XDP takes frames of up to %u bytes: longer ones are lost in the "
            "kernel. Use pci: or dpdk: for such a port, or lower its MTU",
            p->spec.name, p->spec.device, p->spec.mtu, frame);
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

/* What net_af_xdp registers holds all buffers, and each is a page. */
bool port_umem_is_whole(struct rte_mempool *pool)
{
    bool whole = pool->nb_mem_chunks == 1 && pool->populated_size == pool->size &&
                 rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL) == XDP_CHUNK_MAX;

    rte_mempool_obj_iter(pool, check_in_umem, &whole);
    return whole;
}

static int create_pool(struct port *p, unsigned index, const struct dp_config *config, char err[DP_ERR_LEN])
{
    unsigned room = data_room(config->max_mtu), size = pool_size(config, p->queues);
    bool xdp = p->spec.owner == DP_OWNER_INTERFACE;
    char name[32];

    if (xdp)
        room = xdp_data_room(p, room);
    p->copy_max = (uint16_t)(xdp ? room - RTE_PKTMBUF_HEADROOM : 0);
    snprintf(name, sizeof(name), "cw_pool%u", index);
    if (xdp)
        p->pool = create_xdp_pool(name, size, room);
    else
        p->pool = rte_pktmbuf_pool_create_by_ops(
            name, size, POOL_CACHE, 0, (uint16_t)RTE_MIN(room, UINT16_MAX), SOCKET_ID_ANY, POOL_OPS);
    if (!p->pool) {
        snprintf(err, DP_ERR_LEN, "port %s: no memory for %u packet buffers of %u bytes: %s", p->spec.name,
                 size, room, rte_strerror(rte_errno));
        return -ENOMEM;
    }
    if (xdp && !port_umem_is_whole(p->pool)) {
        snprintf(err, DP_ERR_LEN,
                 "port %s: AF_XDP needs its packet buffers in one piece: free more hugepages, or "
                 "set dataplane.hugepages: off",
                 p->spec.name);
        return -ENOMEM;
    }
    return 0;
}

/* "net_pcap0,rx_pcap=..." -> name and arguments. */
static int probe_vdev(struct port *p, const char *name, const char *args, char err[DP_ERR_LEN])
{
    int rc;

    errno = 0; /* net_af_xdp looks at a stale one */
    rc = rte_vdev_init(name, args);

    if (rc < 0) {
        snprintf(err, DP_ERR_LEN, "port %s: DPDK cannot open %s%s%s: %s", p->spec.name, name,
                 *args ? "," : "", args,
                 rc == -EEXIST  ? "a device of that name exists already"
                 : rc == -EPERM ? "its driver does not exist or says no (see its own message, if any, above)"
                                : rte_strerror(-rc));
        return rc;
    }
    snprintf(p->vdev_name, sizeof(p->vdev_name), "%s", name);
    p->hotplugged = true;
    rc = rte_eth_dev_get_port_by_name(name, &p->ethdev);
    if (rc < 0)
        snprintf(err, DP_ERR_LEN, "port %s: %s is not an Ethernet device", p->spec.name, name);
    return rc;
}

/* There since the start, or to be probed now. */
static int find_pci(struct port *p, char err[DP_ERR_LEN])
{
    const char *address = p->spec.device;
    int rc = rte_eth_dev_get_port_by_name(address, &p->ethdev);

    if (rc < 0 && rte_eal_hotplug_add("pci", address, "") == 0)
        rc = rte_eth_dev_get_port_by_name(address, &p->ethdev);
    if (rc < 0)
        snprintf(
            err, DP_ERR_LEN,
            "port %s: DPDK drives no device at %s: is it bound to vfio-pci (dpdk-devbind.py --status), and "
            "is the address right?",
            p->spec.name, address);
    return rc;
}

static int create_ethdev(struct port *p, unsigned index, char err[DP_ERR_LEN])
{
    const struct dp_port_spec *spec = &p->spec;
    char name[64], args[DP_DEVARGS_LEN];
    const char *comma;
    int rc;

    if (spec->role == DP_PORT_KERNEL) {
        rc = tap_open(&p->tap, spec->device, &p->spec.mac, err, DP_ERR_LEN);
        if (rc >= 0)
            p->ethdev = (uint16_t)rc;
        return rc < 0 ? rc : 0;
    }
    switch (spec->owner) {
    case DP_OWNER_INTERFACE:
        snprintf(name, sizeof(name), "net_af_xdp_cw%u", index);
        /* busy_budget=0: the worker sleeps when idle, so the kernel must go on interrupting. */
        snprintf(args, sizeof(args), "iface=%.15s,start_queue=0,queue_count=%u,busy_budget=0", spec->device,
                 spec->queues ? spec->queues : 1);
        return probe_vdev(p, name, args, err);
    case DP_OWNER_VDEV:
        comma = strchr(spec->device, ',');
        snprintf(name, sizeof(name), "%.*s", (int)(comma ? comma - spec->device : (long)strlen(spec->device)),
                 spec->device);
        return probe_vdev(p, name, comma ? comma + 1 : "", err);
    default:
        return find_pci(p, err);
    }
}

static bool driver_is(const struct port *p, const char *name)
{
    return p->spec.owner == DP_OWNER_VDEV && strncmp(p->spec.device, name, strlen(name)) == 0;
}

/* How many queues the port is to have. The kernel's interfaces: as many as they have; net_af_xdp wants as
 * many transmit queues. NICs: one each for every worker. net_af_packet and net_pcap have what their arguments
 * say, and frames come by all of these. Other vdevs have one of each: what more would mean depends on who is
 * at the other end. */
static void choose_queues(struct port *p, const struct dp_config *config)
{
    uint16_t workers = (uint16_t)RTE_MAX(config->workers, 1u), most_rx, most_tx;
    struct rte_eth_dev_info info = {0};
    bool known = rte_eth_dev_info_get(p->ethdev, &info) == 0;

    most_rx = known ? RTE_MAX(info.max_rx_queues, 1) : 1;
    most_tx = known ? RTE_MAX(info.max_tx_queues, 1) : 1;
    p->queues = p->tx_queues = 1;
    if (p->spec.owner == DP_OWNER_INTERFACE) {
        p->queues = p->tx_queues = (uint16_t)RTE_MAX(p->spec.queues, 1u);
    } else if (p->spec.owner == DP_OWNER_PCI) {
        p->queues = RTE_MIN(workers, most_rx);
        p->tx_queues = RTE_MIN(workers, most_tx);
    } else if (driver_is(p, "net_af_packet") || driver_is(p, "net_pcap")) {
        p->queues = most_rx;
        p->tx_queues = RTE_MIN(most_tx, DP_MAX_WORKERS);
    } else if (driver_is(p, "net_null")) {
        p->tx_queues = RTE_MIN(workers, most_tx);
    }
}

/* Where a NIC has several receive queues it deals frames out by flow: the hash of addresses and ports, which
 * of a VXLAN packet has the inner flow in the UDP source port (R1.2). */
static void ask_for_rss(const struct port *p, struct rte_eth_conf *conf)
{
    struct rte_eth_dev_info info;
    uint64_t hash;

    if (p->spec.owner != DP_OWNER_PCI || p->queues < 2 || rte_eth_dev_info_get(p->ethdev, &info) != 0)
        return;
    hash = info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
    if (hash == 0) {
        log_warning("port", "%s: %s has several receive queues but no hash: frames come by one of them",
                    p->spec.name, p->spec.device);
        return;
    }
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf->rx_adv_conf.rss_conf.rss_hf = hash;
}

/* What the NIC does for us. UDP checksums over IPv6 go over the whole packet. The outer IPv4 header's is
 * three additions to the template's (vxlan.c), less than it takes to tell a NIC of it. */
static void ask_for_offloads(struct port *p, struct rte_eth_conf *conf)
{
    struct rte_eth_dev_info info;

    p->nic_csum = p->spec.role == DP_PORT_UNDERLAY && p->spec.nic_csum &&
                  rte_eth_dev_info_get(p->ethdev, &info) == 0 &&
                  (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
    if (!p->nic_csum)
        return;
    conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    log_info("port", "%s: %s fills in UDP checksums", p->spec.name, p->spec.device);
}

/* So that its hash is that of the inner flow, also of packets from who has one source port for all. Those
 * that cannot look at addresses and ports of the outer one, which is as good as a rule (R1.2). */
static void tell_of_tunnels(const struct port *p)
{
    struct rte_eth_udp_tunnel tunnel = {.udp_port = p->spec.vxlan_port,
                                        .prot_type = RTE_ETH_TUNNEL_TYPE_VXLAN};

    if (p->spec.owner == DP_OWNER_PCI && p->spec.role == DP_PORT_UNDERLAY && p->spec.vxlan_port != 0 &&
        p->queues > 1)
        (void)rte_eth_dev_udp_tunnel_port_add(p->ethdev, &tunnel);
}

static int setup_queues(struct port *p, char err[DP_ERR_LEN])
{
    uint16_t rx = RX_RING, tx = TX_RING;
    struct rte_eth_conf conf = {0};
    int rc;

    ask_for_rss(p, &conf);
    ask_for_offloads(p, &conf);
    rc = rte_eth_dev_configure(p->ethdev, p->queues, p->tx_queues, &conf);

    if (rc == 0)
        rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->ethdev, &rx, &tx);
    for (uint16_t q = 0; rc == 0 && q < p->queues; q++)
        rc = rte_eth_rx_queue_setup(p->ethdev, q, rx, SOCKET_ID_ANY, NULL, p->pool);
    for (uint16_t q = 0; rc == 0 && q < p->tx_queues; q++)
        rc = rte_eth_tx_queue_setup(p->ethdev, q, tx, SOCKET_ID_ANY, NULL);
    if (rc < 0)
        snprintf(err, DP_ERR_LEN, "port %s (%s): cannot set up its queues: %s", p->spec.name, p->spec.device,
                 rte_strerror(-rc));
    return rc;
}

static int set_mtu(struct port *p, char err[DP_ERR_LEN])
{
    int rc;

    if (p->spec.mtu == 0 || p->spec.owner == DP_OWNER_INTERFACE || p->spec.role == DP_PORT_KERNEL)
        return 0;
    rc = rte_eth_dev_set_mtu(p->ethdev, p->spec.mtu);
    if (rc == -ENOTSUP || rc == 0)
        return 0; /* a driver without an MTU carries what fits its buffers */
    if (p->spec.owner == DP_OWNER_VDEV) {
        /* net_af_packet, for one, says 1518 whatever its framesz is. */
        log_warning("port",
                    "%s: the driver of %s says no to MTU %u (%s): frames as long as its buffers will pass",
                    p->spec.name, p->spec.device, p->spec.mtu, rte_strerror(-rc));
        return 0;
    }
    snprintf(err, DP_ERR_LEN, "port %s (%s): MTU %u refused: %s", p->spec.name, p->spec.device, p->spec.mtu,
             rte_strerror(-rc));
    return rc;
}

int port_start(struct port *p, unsigned index, const struct dp_config *config, char err[DP_ERR_LEN])
{
    int rc;

    choose_queues(p, config);
    if (p->queues > WORKER_MAX_QUEUES) {
        snprintf(err, DP_ERR_LEN,
                 "port %s: %s has %u receive queues, at most %u are served: ethtool -L %s combined %u",
                 p->spec.name, p->spec.device, p->queues, WORKER_MAX_QUEUES, p->spec.device,
                 WORKER_MAX_QUEUES);
        return -EINVAL;
    }
    rc = create_pool(p, index, config, err);
    if (rc == 0)
        rc = setup_queues(p, err);
    if (rc == 0)
        rc = set_mtu(p, err);
    if (rc < 0)
        return rc;
    rc = rte_eth_dev_start(p->ethdev);
    if (rc < 0) {
        snprintf(err, DP_ERR_LEN, "port %s (%s): does not start: %s", p->spec.name, p->spec.device,
                 rte_strerror(-rc));
        return rc;
    }
    if (p->spec.promiscuous)
        (void)rte_eth_promiscuous_enable(p->ethdev);
    tell_of_tunnels(p);
    return 0;
}

int port_open(struct port *p, unsigned index, const struct dp_port_spec *spec, const struct dp_config *config,
              char err[DP_ERR_LEN])
{
    struct xsk_open *before = spec->owner == DP_OWNER_INTERFACE ? xsk_open_list() : NULL;
    int rc;

    memset(p, 0, sizeof(*p));
    p->spec = *spec;
    p->ethdev = RTE_MAX_ETHPORTS;
    p->tap.fd = -1;
    rc = create_ethdev(p, index, err);
    if (rc == 0)
        rc = port_start(p, index, config, err);
    xsk_sockets_since(before, &p->xsk);
    if (rc < 0)
        port_close(p);
    return rc;
}

void port_close(struct port *p)
{
    if (p->ethdev < RTE_MAX_ETHPORTS && rte_eth_dev_is_valid_port(p->ethdev)) {
        if (p->spec.promiscuous)
            (void)rte_eth_promiscuous_disable(p->ethdev);
        (void)rte_eth_dev_stop(p->ethdev);
        if (!p->hotplugged)
            (void)rte_eth_dev_close(p->ethdev);
    }
    if (p->hotplugged)
        (void)rte_vdev_uninit(p->vdev_name);
    else if (p->spec.owner == DP_OWNER_PCI && p->spec.role != DP_PORT_KERNEL)
        (void)rte_eal_hotplug_remove("pci", p->spec.device); /* so that it can be probed again */
    xsk_sockets_close(&p->xsk);
    if (p->spec.role == DP_PORT_KERNEL)
        tap_close(&p->tap);
    rte_mempool_free(p->pool);
    p->pool = NULL;
    p->hotplugged = false;
    p->ethdev = RTE_MAX_ETHPORTS;
}

void port_to_worker(struct port *p, unsigned worker, unsigned n, struct worker_port *wp)
{
    uint16_t tx_queue = (uint16_t)(worker % p->tx_queues);

    *wp = (struct worker_port){.ethdev = p->ethdev,
                               .rx_queues = p->queues,
                               .tx_queue = tx_queue,
                               .tx_lock = n > p->tx_queues ? &p->tx_lock[tx_queue] : NULL,
                               .role = p->spec.role,
                               .max_frame = (uint16_t)RTE_MIN(port_mtu(p) + 14u, UINT16_MAX),
                               .copy_max = p->copy_max,
                               .keeps = p->spec.owner != DP_OWNER_INTERFACE,
                               .pool = p->pool};
}

bool port_is_up(const struct port *p)
{
    struct rte_eth_link link = {0};

    if (p->spec.owner == DP_OWNER_INTERFACE)
        return p->kernel_up;
    return rte_eth_link_get_nowait(p->ethdev, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void port_mac(const struct port *p, struct mac *mac)
{
    struct rte_ether_addr a = {0};

    if (p->spec.role == DP_PORT_KERNEL) {
        *mac = p->spec.mac;
        return;
    }
    (void)rte_eth_macaddr_get(p->ethdev, &a);
    memcpy(mac->b, a.addr_bytes, 6);
}

uint64_t port_missed(const struct port *p)
{
    struct rte_eth_stats stats;

    return rte_eth_stats_get(p->ethdev, &stats) == 0 ? stats.imissed + stats.ierrors + stats.rx_nombuf : 0;
}

uint16_t port_mtu(const struct port *p)
{
    uint16_t mtu = 0;

    /* The AF_XDP driver does not know its interface's MTU: whoever opened the port said it. */
    if (p->spec.mtu != 0 || rte_eth_dev_get_mtu(p->ethdev, &mtu) != 0)
        return p->spec.mtu;
    return mtu;
}

const char *port_driver(const struct port *p)
{
    struct rte_eth_dev_info info;

    return rte_eth_dev_info_get(p->ethdev, &info) == 0 && info.driver_name ? info.driver_name : "unknown";
}
