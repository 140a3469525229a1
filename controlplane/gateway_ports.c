/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opens and closes the ports of a gateway, whoever owns them. On `interface:` ports the order matters: our
 * XDP program goes on before DPDK opens the interface and is checked after (xdp.h).
 *
 * g->ports has no gaps; what is kept for each port elsewhere goes by its id, which is not its place there.
 *
 * Control thread only.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"

#include "conf/log.h"
#include "ebpf/fastpath.h"
#include "ebpf/nic.h"
#include "ebpf/xdp.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#define LEAST_MAX_MTU 1600 /* a 1500-byte VLAN and its VXLAN header */

bool gateway_needs_tap(const struct conf *conf)
{
    return conf->underlay.port.kind != CONF_PORT_INTERFACE;
}

const char *gateway_underlay_ifname(const struct conf *conf)
{
    return gateway_needs_tap(conf) ? conf->underlay.tap : conf->underlay.port.device;
}

unsigned gateway_port_number(const struct conf *conf)
{
    return (unsigned)conf->n_access + (gateway_needs_tap(conf) ? 2 : 1);
}

static unsigned queues_of(const struct conf_port *port)
{
    unsigned queues = 1;

    if (port->kind == CONF_PORT_INTERFACE)
        (void)xdp_queues(port->device, &queues); /* what is wrong there is said when it is opened */
    return queues;
}

unsigned gateway_queue_number(const struct conf *conf)
{
    unsigned n = queues_of(&conf->underlay.port) + (gateway_needs_tap(conf) ? 1 : 0);

    for (size_t i = 0; i < conf->n_access; i++)
        n += queues_of(&conf->access[i].port);
    return n;
}

static int check_interface(const struct conf_port *port, const char *what, const char *name, char *err,
                           size_t err_len)
{
    if (port->kind != CONF_PORT_INTERFACE || if_nametoindex(port->device) != 0)
        return 0;
    snprintf(err, err_len,
             "%s%s: there is no interface \"%s\" in this network namespace ('ip link' lists them)", what,
             name, port->device);
    return -ENODEV;
}

int gateway_check_interfaces(const struct conf *conf, char *err, size_t err_len)
{
    int rc = check_interface(&conf->underlay.port, "underlay", "", err, err_len);

    for (size_t i = 0; rc == 0 && i < conf->n_access; i++)
        rc = check_interface(&conf->access[i].port, "access port ", conf->access[i].name, err, err_len);
    if (rc == 0 && gateway_needs_tap(conf) && if_nametoindex(conf->underlay.tap) != 0) {
        snprintf(err, err_len,
                 "underlay: an interface \"%s\" exists already, the TAP cannot have that name: is another "
                 "causewayd "
                 "running here? Else choose another with underlay.tap",
                 conf->underlay.tap);
        rc = -EEXIST;
    }
    return rc;
}

static void keep_larger(uint16_t *max, uint16_t mtu)
{
    if (mtu > *max)
        *max = mtu;
}

uint16_t gateway_max_mtu(const struct conf *conf)
{
    uint16_t max = LEAST_MAX_MTU;

    keep_larger(&max, conf->underlay.mtu);
    if (conf->underlay.port.kind == CONF_PORT_INTERFACE)
        keep_larger(&max, gateway_kernel_mtu(conf->underlay.port.device));
    for (size_t i = 0; i < conf->n_access; i++) {
        keep_larger(&max, conf->access[i].mtu);
        if (conf->access[i].port.kind == CONF_PORT_INTERFACE)
            keep_larger(&max, gateway_kernel_mtu(conf->access[i].port.device));
    }
    for (size_t i = 0; i < conf->n_networks; i++)
        keep_larger(&max, conf->networks[i].mtu);
    return max;
}

static enum dp_port_owner owner_of(enum conf_port_kind kind)
{
    switch (kind) {
    case CONF_PORT_INTERFACE:
        return DP_OWNER_INTERFACE;
    case CONF_PORT_PCI:
        return DP_OWNER_PCI;
    default:
        return DP_OWNER_VDEV;
    }
}

/* A port of g->ports: its XDP program, then DPDK, then the program again. */
static int open_interface(struct gateway *g, struct gateway_port *p, struct dp_port_spec *spec, char *err,
                          size_t err_len)
{
    const struct xdp_config config = {
        .port = p->id,
        .ifname = spec->device,
        .take = spec->role == DP_PORT_UNDERLAY ? XDP_TAKE_VXLAN : XDP_TAKE_ALL,
        .address = g->conf->underlay.address,
        .vxlan_port = g->conf->underlay.vxlan_port,
    };
    char dp_err[DP_ERR_LEN];
    int rc = gateway_fastpath_attach(g, &config, p, &spec->queues, err, err_len);

    if (rc < 0)
        return rc;
    rc = dp_port_add(g->dp, spec, dp_err);
    if (rc < 0) {
        snprintf(err, err_len, "%s", dp_err);
        return rc;
    }
    g->priv->port_open[p->id] = true;
    rc = xdp_verify(p->xdp, err, err_len);
    if (rc < 0)
        return rc;
    dp_port_set_link(g->dp, p->id, gateway_kernel_up(spec->device), spec->mtu);
    log_info("port", "%s: %s by AF_XDP%s, %s mode, %u receive queue%s", p->name, spec->device,
             gateway_fastpath_port(g, p->id)->served ? " and the fast path" : "", xdp_mode(p->xdp),
             spec->queues, spec->queues == 1 ? "" : "s");
    return 0;
}

/* Frames for every MAC of the site come in by an access port. An AF_XDP port has its membership from
 * xdp_attach(). With net_af_packet the interface is the kernel's, too: DPDK would leave it promiscuous when
 * the process is killed. */
static void hear_all(struct gateway *g, dp_port_id id, struct dp_port_spec *spec)
{
    const char *iface = strstr(spec->device, ",iface=");
    char name[IFACE_NAMELEN];
    int fd;

    if (spec->role != DP_PORT_ACCESS || spec->owner == DP_OWNER_INTERFACE)
        return;
    spec->promiscuous = strncmp(spec->device, "net_af_packet", 13) != 0;
    if (spec->promiscuous || !iface)
        return;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(iface + 7, ","), iface + 7);
    fd = nic_promiscuous((int)if_nametoindex(name));
    if (fd < 0)
        log_warning("port", "%s: %s cannot be made promiscuous: %s", spec->name, name, strerror(-fd));
    else
        g->priv->promiscuous_fds[id] = fd;
}

/* Before the port is opened, as its program and the topology must know its id. That it will have it is said
 * in spec: while a program is being loaded other ids may have rested. */
static int choose_id(struct gateway *g, struct dp_port_spec *spec)
{
    bool xdp = spec->owner == DP_OWNER_INTERFACE;
    int id = gateway_takeover_port(g, xdp ? if_nametoindex(spec->device) : 0, spec->device);

    id = dp_port_next(g->dp, id >= 0 ? (unsigned)id + 1 : 0);
    if (id >= 0)
        spec->wish = (unsigned)id + 1;
    return id;
}

static int open_port(struct gateway *g, struct dp_port_spec *spec, const struct conf_access *access,
                     char *err, size_t err_len)
{
    char dp_err[DP_ERR_LEN];
    struct gateway_port *p;
    int rc = choose_id(g, spec);

    if (rc < 0) {
        snprintf(
            err, err_len,
            "port %s: there are too many ports, or those that went a moment ago still count: try again in "
            "some seconds",
            spec->name);
        return rc;
    }
    p = &g->ports[g->n_ports++];
    *p = (struct gateway_port){.id = (dp_port_id)rc, .access = access};
    snprintf(p->name, sizeof(p->name), "%s", spec->name);
    (void)fwd_set_port(g->fwd, p->id,
                       &(struct fastpath_port){.device = gateway_takeover_device(spec->device)});
    hear_all(g, p->id, spec);
    if (spec->owner == DP_OWNER_INTERFACE)
        return open_interface(g, p, spec, err, err_len);
    rc = dp_port_add(g->dp, spec, dp_err);
    if (rc < 0) {
        snprintf(err, err_len, "%s", dp_err);
        return rc;
    }
    g->priv->port_open[p->id] = true;
    log_info("port", "%s: %s", p->name, spec->device);
    return 0;
}

static void spec_from(struct dp_port_spec *spec, enum dp_port_role role, const char *name,
                      const struct conf_port *port, uint16_t mtu)
{
    memset(spec, 0, sizeof(*spec));
    snprintf(spec->name, sizeof(spec->name), "%s", name);
    snprintf(spec->device, sizeof(spec->device), "%s", port->device);
    spec->role = role;
    spec->owner = owner_of(port->kind);
    spec->mtu = spec->owner == DP_OWNER_INTERFACE ? gateway_interface_mtu(port, mtu) : mtu;
}

/* The kernel's side of a pci/dpdk underlay: same MAC, so that what it answers to ARP is where frames come in.
 */
static int open_tap(struct gateway *g, char *err, size_t err_len)
{
    struct dp_port_status underlay;
    struct dp_port_spec spec = {.role = DP_PORT_KERNEL,
                                .owner = DP_OWNER_VDEV,
                                .mtu = g->conf->underlay.mtu,
                                .nic_segments = g->conf->underlay.offloads};
    int rc;

    dp_port_status(g->dp, g->priv->underlay_port, &underlay);
    snprintf(spec.name, sizeof(spec.name), "%s", g->conf->underlay.tap);
    snprintf(spec.device, sizeof(spec.device), "%s", g->conf->underlay.tap);
    spec.mac = underlay.mac;
    rc = open_port(g, &spec, NULL, err, err_len);
    return rc < 0 ? rc : underlay_setup_tap(&g->conf->underlay, err, err_len);
}

int gateway_open_ports(struct gateway *g, char *err, size_t err_len)
{
    const struct conf *conf = g->conf;
    struct dp_port_spec spec;
    int rc;

    spec_from(&spec, DP_PORT_UNDERLAY, "underlay", &conf->underlay.port, conf->underlay.mtu);
    /* Over IPv4 there is no UDP checksum to be filled in. */
    spec.nic_csum = conf->underlay.offloads && conf->underlay.address.family == 6;
    spec.nic_segments = conf->underlay.offloads;
    spec.vxlan_port = conf->underlay.offloads ? conf->underlay.vxlan_port : 0;
    rc = open_port(g, &spec, NULL, err, err_len);
    if (rc < 0)
        return rc;
    g->priv->underlay_port = g->ports[0].id;
    if (gateway_needs_tap(conf)) {
        rc = open_tap(g, err, err_len);
        if (rc < 0)
            return rc;
    }
    return gateway_add_ports(g, conf, err, err_len);
}

/* ---- ports that come and go */

/* An access port is what it opens, whatever its name. */
static bool is_same(const struct conf_port *a, const struct conf_port *b)
{
    return a->kind == b->kind && strcmp(a->device, b->device) == 0;
}

static const struct gateway_port *port_of(const struct gateway *g, const struct conf_access *access)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && is_same(&g->ports[i].access->port, &access->port))
            return &g->ports[i];
    return NULL;
}

static bool access_is_of(const struct conf *conf, const struct conf_access *a)
{
    return conf->n_access && a >= conf->access && a < conf->access + conf->n_access;
}

static const struct conf_access *access_of(const struct conf *conf, const struct gateway_port *p)
{
    for (size_t i = 0; i < conf->n_access; i++)
        if (is_same(&conf->access[i].port, &p->access->port))
            return &conf->access[i];
    return NULL;
}

/* "net_pcap0,rx_pcap=..." and "net_pcap0,tx_pcap=..." are one device to DPDK. */
static bool same_vdev(const char *a, const char *b)
{
    size_t n = strcspn(a, ",");

    return n == strcspn(b, ",") && strncmp(a, b, n) == 0;
}

/* One that a reload took away, and that could not be closed yet. Its configuration is gone. */
static int check_leaving(const struct gateway *g, const struct conf_access *a, char *err, size_t err_len)
{
    for (unsigned i = 0; i < g->priv->n_leaving; i++) {
        struct dp_port_status status;

        if (!g->priv->port_open[g->priv->leaving[i].id])
            continue;
        dp_port_status(g->dp, g->priv->leaving[i].id, &status);
        if (!(a->port.kind == CONF_PORT_DPDK ? same_vdev(status.device, a->port.device)
                                             : strcmp(status.device, a->port.device) == 0))
            continue;
        snprintf(err, err_len, "access port %s: %s is still being closed: try again in some seconds", a->name,
                 a->port.device);
        return -EBUSY;
    }
    return 0;
}

static int check_new_port(const struct gateway *g, const struct conf_access *a, char *err, size_t err_len)
{
    int rc;

    for (unsigned i = 0; a->port.kind == CONF_PORT_DPDK && i < g->n_ports; i++) {
        const struct gateway_port *p = &g->ports[i];

        if (!p->access || p->access->port.kind != CONF_PORT_DPDK ||
            !same_vdev(p->access->port.device, a->port.device))
            continue;
        snprintf(
            err, err_len,
            "access port %s: DPDK has a %.*s open for port %s, and no two of that name: give the new one "
            "another number, or restart",
            a->name, (int)strcspn(a->port.device, ","), a->port.device, p->name);
        return -EEXIST;
    }
    rc = check_leaving(g, a, err, err_len);
    return rc == 0 ? check_interface(&a->port, "access port ", a->name, err, err_len) : rc;
}

/* Under another name, so that conf_diff() does not see it. */
static int check_kept_port(const struct gateway_port *p, const struct conf_access *a, char *err,
                           size_t err_len)
{
    bool mtu = a->mtu != p->access->mtu;

    if (a->port.kind == CONF_PORT_INTERFACE || (!mtu && a->offloads == p->access->offloads))
        return 0;
    snprintf(err, err_len, "access port %s: DPDK sets the %s of %s when it opens it: restart causewayd",
             a->name, mtu ? "MTU" : "offloads", a->port.device);
    return -EBUSY;
}

/* None is opened when another one is not there: the kernel lets go of an AF_XDP socket some time after it was
 * closed, and the interface cannot be opened again before. */
static int check_access_ports(const struct gateway *g, const struct conf *conf, char *err, size_t err_len)
{
    int rc = 0;

    for (size_t i = 0; i < conf->n_access && rc == 0; i++) {
        const struct gateway_port *p = port_of(g, &conf->access[i]);

        rc = p ? check_kept_port(p, &conf->access[i], err, err_len)
               : check_new_port(g, &conf->access[i], err, err_len);
    }
    return rc;
}

int gateway_add_ports(struct gateway *g, const struct conf *conf, char *err, size_t err_len)
{
    struct dp_port_spec spec;
    int rc = check_access_ports(g, conf, err, err_len);

    for (size_t i = 0; i < conf->n_access && rc == 0; i++) {
        const struct conf_access *a = &conf->access[i];

        if (port_of(g, a))
            continue;
        spec_from(&spec, DP_PORT_ACCESS, a->name, &a->port, a->mtu);
        spec.nic_vlan = spec.nic_segments = a->offloads;
        rc = open_port(g, &spec, a, err, err_len);
        if (rc == 0)
            gateway_port_begins(g, &g->ports[g->n_ports - 1]);
    }
    return rc;
}

/* 0, or -EBUSY: not yet. */
static int close_port(struct gateway *g, struct gateway_port *p)
{
    int rc;

    xdp_close(p->xdp, false);
    p->xdp = NULL;
    gateway_fastpath_forget(g, p->id);
    rc = g->priv->port_open[p->id] ? dp_port_remove(g->dp, p->id) : 0;
    g->priv->port_open[p->id] = rc < 0;
    if (rc == 0 && g->priv->promiscuous_fds[p->id] > 0) {
        close(g->priv->promiscuous_fds[p->id]);
        g->priv->promiscuous_fds[p->id] = 0;
    }
    return rc;
}

void gateway_drop_ports(struct gateway *g, unsigned left)
{
    while (g->n_ports > left) {
        struct gateway_port *p = &g->ports[--g->n_ports];

        if (close_port(g, p) < 0)
            g->priv->leaving[g->priv->n_leaving++] = *p;
    }
}

/* What a name has counted goes on, so that no counter goes backwards where a name has another port now. */
static void count_on(struct gateway *g, const struct gateway_port *was,
                     const struct dp_port_counters *counted, unsigned n, const struct gateway_port *p)
{
    static const struct dp_port_counters nothing;
    const struct dp_port_counters *before = &nothing;
    struct dp_port_counters c;

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(was[i].name, p->name) != 0)
            continue;
        if (was[i].id == p->id)
            return;
        before = &counted[i];
        break;
    }
    fwd_port_begin(g->fwd, p->id, before);
    fwd_port_counters(g->fwd, p->id, &c);
    g->priv->port_drops[p->id] = c.drops;
}

static void leave(struct gateway *g, const struct gateway_port *p)
{
    gateway_fastpath_forget(g, p->id);
    mactable_set_port(g->macs, p->id, CONF_NO_LIMIT);
    g->priv->leaving[g->priv->n_leaving++] = *p;
}

void gateway_take_ports(struct gateway *g, const struct conf *conf)
{
    struct dp_port_counters counted[DP_MAX_PORTS];
    struct gateway_port was[DP_MAX_PORTS];
    unsigned n_was = 0, n = g->n_ports;

    for (unsigned i = 0; i < n; i++) {
        was[n_was] = g->ports[i];
        fwd_port_counters(g->fwd, g->ports[i].id, &counted[n_was]);
        /* a new one counts nothing yet under the name that an old one may still have */
        n_was += g->ports[i].access && !access_is_of(conf, g->ports[i].access);
    }
    g->n_ports = 0;
    for (unsigned i = 0; i < n; i++) {
        struct gateway_port p = g->ports[i];
        const struct conf_access *a = p.access ? access_of(conf, &p) : NULL;

        if (p.access && !a) {
            leave(g, &p);
            continue;
        }
        if (a) {
            p.access = a;
            snprintf(p.name, sizeof(p.name), "%s", a->name);
            count_on(g, was, counted, n_was, &p);
        }
        g->ports[g->n_ports++] = p;
    }
}

void gateway_close_leaving(struct gateway *g)
{
    unsigned n = g->priv->n_leaving;

    g->priv->n_leaving = 0;
    for (unsigned i = 0; i < n; i++) {
        struct gateway_port p = g->priv->leaving[i];

        if (close_port(g, &p) < 0)
            g->priv->leaving[g->priv->n_leaving++] = p;
        else
            log_info("port", "%s is closed", p.name);
    }
}

void gateway_close_ports(struct gateway *g)
{
    for (unsigned i = 0; i < g->priv->n_leaving; i++)
        xdp_close(g->priv->leaving[i].xdp, false);
    for (unsigned i = g->n_ports; i > 0; i--) {
        xdp_close(g->ports[i - 1].xdp, gateway_fastpath_stays(g));
        g->ports[i - 1].xdp = NULL;
    }
    for (unsigned id = 0; id < DP_MAX_PORTS; id++)
        if (g->priv->promiscuous_fds[id] > 0)
            close(g->priv->promiscuous_fds[id]);
}
