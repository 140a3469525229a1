/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See port.h. What differs between drivers is here and nowhere else:
 *   net_af_xdp  the packet buffer is the UMEM chunk, so it must fit a page; the driver sets no MTU of its own
 *   net_ring    the worker's side of the TAP beside a pci/dpdk underlay (tap.h)
 */
#include "dataplane/port.h"

#include "conf/log.h"
#include "dataplane/port_pool.h"
#include "dataplane/segments.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#define RX_RING 2048
#define TX_RING 2048

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

/* These drivers make and take chains without being asked, and do not say that they can. But net_pcap does not
 * replay them. */
static bool has_segments_unasked(const struct port *p)
{
    return driver_is(p, "net_memif") || driver_is(p, "net_vhost") ||
           (driver_is(p, "net_pcap") && !strstr(p->spec.device, "infinite_rx=1"));
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

/* UDP checksums over IPv6 go over the whole packet. The outer IPv4 header's is three additions to the
 * template's (vxlan.c), less than it takes to tell a NIC of it. */
static void ask_for_checksums(struct port *p, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
    p->nic_csum = p->spec.role == DP_PORT_UNDERLAY && p->spec.nic_csum &&
                  (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM);
    if (!p->nic_csum)
        return;
    conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
    log_info("port", "%s: %s fills in UDP checksums", p->spec.name, p->spec.device);
}

/* Drivers of virtual devices do with tags in software what the worker does itself, so only NICs are asked,
 * and net_virtio is none: it says that it inserts, and does so nowhere but in rte_eth_tx_prepare()
 * (net_af_packet puts a tag in after it has looked whether the frame fits its ring). But the kernel gives
 * net_af_packet its frames without their tags: it would put each back, for us to take off. */
static void ask_for_vlan(struct port *p, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
    bool wanted = p->spec.role == DP_PORT_ACCESS && p->spec.nic_vlan, nic;

    nic = p->spec.owner == DP_OWNER_PCI && strcmp(info->driver_name, "net_virtio") != 0;
    p->strips = wanted && (nic || driver_is(p, "net_af_packet")) &&
                (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP);
    p->inserts = wanted && nic && (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT);
    if (p->strips)
        conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
    if (p->inserts)
        conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
    if (p->strips || p->inserts)
        log_info("port", "%s: %s %s", p->spec.name, p->spec.device,
                 !p->inserts  ? "takes VLAN tags off"
                 : !p->strips ? "puts VLAN tags in"
                              : "takes VLAN tags off and puts them in");
}

/* Decided before its pool is made. A port that is said to have an ordinary MTU keeps its driver's fast
 * functions, whatever the others have. */
static bool shall_have_segments(const struct port *p, const struct dp_config *config)
{
    uint16_t mtu = p->spec.mtu ? p->spec.mtu : config->max_mtu;
    struct rte_eth_dev_info info;

    if (!p->spec.nic_segments || p->spec.owner == DP_OWNER_INTERFACE || !port_pool_wants_segments(mtu) ||
        !port_pool_wants_segments(config->max_mtu)) /* what others may send to it */
        return false;
    if (has_segments_unasked(p))
        return true;
    return rte_eth_dev_info_get(p->ethdev, &info) == 0 &&
           (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) &&
           (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) &&
           info.tx_desc_lim.nb_mtu_seg_max >= SEGMENTS_MAX;
}

static void ask_for_segments(const struct port *p, struct rte_eth_conf *conf)
{
    if (!p->segments || has_segments_unasked(p))
        return;
    conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    log_info("port", "%s: %s has long frames in several packet buffers", p->spec.name, p->spec.device);
}

/* What the NIC does for us. */
static void ask_for_offloads(struct port *p, struct rte_eth_conf *conf)
{
    struct rte_eth_dev_info info;

    ask_for_segments(p, conf);
    if (rte_eth_dev_info_get(p->ethdev, &info) != 0)
        return;
    ask_for_checksums(p, &info, conf);
    ask_for_vlan(p, &info, conf);
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
    p->segments = shall_have_segments(p, config);
    p->pool = port_pool_create(&p->spec, index, p->queues, config, p->segments, &p->longest, err);
    if (!p->pool)
        return -ENOMEM;
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
    bool copies = p->spec.owner == DP_OWNER_INTERFACE;

    *wp = (struct worker_port){.ethdev = p->ethdev,
                               .rx_queues = p->queues,
                               .tx_queue = tx_queue,
                               .tx_lock = n > p->tx_queues ? &p->tx_lock[tx_queue] : NULL,
                               .strips = p->strips,
                               .inserts = p->inserts,
                               .role = p->spec.role,
                               .max_frame = (uint16_t)RTE_MIN(port_mtu(p) + 14u, UINT16_MAX),
                               .copy_max = copies ? p->longest : 0,
                               .longest = p->longest,
                               .gathers = p->segments || has_segments_unasked(p),
                               .keeps = !copies,
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
