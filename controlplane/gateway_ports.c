/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opens the ports of a gateway, whoever owns them, and follows their state. On `interface:` ports the order
 * matters: our XDP program goes on before DPDK opens the interface and is checked after (xdp.h).
 *
 * Control thread only.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"

#include "conf/log.h"
#include "ebpf/nic.h"
#include "ebpf/xdp.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEAST_MAX_MTU 1600 /* a 1500-byte VLAN and its VXLAN header */
#define DOWN_HOLD_NS  UINT64_C(1000000000)
#define CLEAR_SLOTS   4096 /* of the MAC table, in one turn of the loop */

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

static bool kernel_ask(const char *ifname, unsigned long request, struct ifreq *ifr)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return false;
    snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", ifname);
    rc = ioctl(fd, request, ifr);
    close(fd);
    return rc == 0;
}

/* The kernel's IP MTU of an interface; 0: there is none, or none that fits. */
static uint16_t kernel_mtu(const char *ifname)
{
    struct ifreq ifr = {0};

    if (!kernel_ask(ifname, SIOCGIFMTU, &ifr) || ifr.ifr_mtu < 0)
        return 0;
    return ifr.ifr_mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)ifr.ifr_mtu;
}

static bool kernel_up(const char *ifname)
{
    struct ifreq ifr = {0};

    return kernel_ask(ifname, SIOCGIFFLAGS, &ifr) && (ifr.ifr_flags & IFF_UP) &&
           (ifr.ifr_flags & IFF_RUNNING);
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
        keep_larger(&max, kernel_mtu(conf->underlay.port.device));
    for (size_t i = 0; i < conf->n_access; i++) {
        keep_larger(&max, conf->access[i].mtu);
        if (conf->access[i].port.kind == CONF_PORT_INTERFACE)
            keep_larger(&max, kernel_mtu(conf->access[i].port.device));
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

/* What the port carries: what the kernel lets through, or less when configured so. */
static uint16_t interface_mtu(const struct conf_port *port, uint16_t configured)
{
    uint16_t kernel = kernel_mtu(port->device);

    return configured && (configured < kernel || kernel == 0) ? configured : kernel;
}

/* A port of g->ports: its XDP program, then DPDK, then the program again. */
static int open_interface(struct gateway *g, struct gateway_port *p, struct dp_port_spec *spec, char *err,
                          size_t err_len)
{
    const struct xdp_config config = {
        .port = (uint16_t)(p - g->ports),
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
    p->id = (dp_port_id)rc;
    rc = xdp_verify(p->xdp, err, err_len);
    if (rc < 0)
        return rc;
    dp_port_set_link(g->dp, p->id, kernel_up(spec->device), spec->mtu);
    log_info("port", "%s: %s by AF_XDP%s, %s mode, %u receive queue%s", p->name, spec->device,
             gateway_fastpath_port(g, (unsigned)(p - g->ports))->served ? " and the fast path" : "",
             xdp_mode(p->xdp), spec->queues, spec->queues == 1 ? "" : "s");
    return 0;
}

/* Frames for every MAC of the site come in by an access port. An AF_XDP port has its membership from
 * xdp_attach(). With net_af_packet the interface is the kernel's, too: DPDK would leave it promiscuous when
 * the process is killed. */
static void hear_all(struct gateway *g, unsigned index, struct dp_port_spec *spec)
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
        g->priv->promiscuous_fds[index] = fd;
}

static int open_port(struct gateway *g, struct dp_port_spec *spec, const struct conf_access *access,
                     char *err, size_t err_len)
{
    struct gateway_port *p = &g->ports[g->n_ports++];
    char dp_err[DP_ERR_LEN];
    int rc;

    p->access = access;
    snprintf(p->name, sizeof(p->name), "%s", spec->name);
    hear_all(g, g->n_ports - 1, spec);
    if (spec->owner == DP_OWNER_INTERFACE)
        return open_interface(g, p, spec, err, err_len);
    rc = dp_port_add(g->dp, spec, dp_err);
    if (rc < 0) {
        snprintf(err, err_len, "%s", dp_err);
        return rc;
    }
    p->id = (dp_port_id)rc;
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
    spec->mtu = spec->owner == DP_OWNER_INTERFACE ? interface_mtu(port, mtu) : mtu;
}

/* The kernel's side of a pci/dpdk underlay: same MAC, so that what it answers to ARP is where frames come in.
 */
static int open_tap(struct gateway *g, char *err, size_t err_len)
{
    struct dp_port_status underlay;
    struct dp_port_spec spec = {.role = DP_PORT_KERNEL, .owner = DP_OWNER_VDEV, .mtu = g->conf->underlay.mtu};
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

static bool has_port(const struct gateway *g, const char *name)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && strcmp(g->ports[i].name, name) == 0)
            return true;
    return false;
}

/* While it runs, the next look at it must not take it for one that came or went. */
static void port_begins(struct gateway *g, unsigned i)
{
    const struct gateway_port *p = &g->ports[i];
    struct dp_port_status status;

    dp_port_status(g->dp, p->id, &status);
    g->priv->port_seen[i].up = status.up;
    g->priv->port_seen[i].mtu = status.mtu;
    if (p->access->port.kind == CONF_PORT_INTERFACE)
        g->priv->port_seen[i].opened = g->priv->port_seen[i].ifindex = if_nametoindex(p->access->port.device);
}

/* None is opened when another one is not there: the kernel lets go of an AF_XDP socket some time after it was
 * closed, and the interface cannot be opened again before. */
static int check_new_ports(const struct gateway *g, const struct conf *conf, char *err, size_t err_len)
{
    unsigned n = g->n_ports;
    int rc = 0;

    for (size_t i = 0; i < conf->n_access && rc == 0; i++) {
        if (has_port(g, conf->access[i].name))
            continue;
        rc = check_interface(&conf->access[i].port, "access port ", conf->access[i].name, err, err_len);
        n++;
    }
    if (rc == 0 && n > DP_OWN_PORT) {
        snprintf(err, err_len, "there are too many access ports");
        rc = -ENOSPC;
    }
    return rc;
}

int gateway_add_ports(struct gateway *g, const struct conf *conf, char *err, size_t err_len)
{
    struct dp_port_spec spec;
    int rc = check_new_ports(g, conf, err, err_len);

    for (size_t i = 0; i < conf->n_access && rc == 0; i++) {
        const struct conf_access *a = &conf->access[i];

        if (has_port(g, a->name))
            continue;
        spec_from(&spec, DP_PORT_ACCESS, a->name, &a->port, a->mtu);
        rc = open_port(g, &spec, a, err, err_len);
        if (rc == 0)
            port_begins(g, g->n_ports - 1);
    }
    return rc;
}

void gateway_drop_ports(struct gateway *g, unsigned left)
{
    while (g->n_ports > left) {
        unsigned i = --g->n_ports;

        xdp_close(g->ports[i].xdp, false);
        gateway_fastpath_forget(g, i);
        if (dp_port_number(g->dp) > i)
            dp_port_remove_newest(g->dp);
        if (g->priv->promiscuous_fds[i] > 0)
            close(g->priv->promiscuous_fds[i]);
        g->priv->promiscuous_fds[i] = 0;
        memset(&g->priv->port_seen[i], 0, sizeof(g->priv->port_seen[i]));
        memset(&g->ports[i], 0, sizeof(g->ports[i]));
    }
}

void gateway_close_ports(struct gateway *g)
{
    for (unsigned i = g->n_ports; i > 0; i--) {
        xdp_close(g->ports[i - 1].xdp, gateway_fastpath_stays(g));
        g->ports[i - 1].xdp = NULL;
        if (g->priv->promiscuous_fds[i - 1] > 0)
            close(g->priv->promiscuous_fds[i - 1]);
    }
}

/* The configuration of an `interface:` port; NULL for the others. */
static const struct conf_port *interface_of(const struct gateway *g, const struct gateway_port *p,
                                            uint16_t *mtu)
{
    const struct conf_port *port = NULL;

    if (p->access)
        port = &p->access->port;
    else if (p->id == g->priv->underlay_port)
        port = &g->conf->underlay.port;
    *mtu = p->access ? p->access->mtu : g->conf->underlay.mtu;
    return port && port->kind == CONF_PORT_INTERFACE ? port : NULL;
}

/* DPDK holds on to the interface it opened: one that was deleted does not come back to it, even by the same
 * name. */
static void poll_interface(struct gateway *g, unsigned i, const struct conf_port *port,
                           uint16_t configured_mtu, bool first)
{
    const struct gateway_port *p = &g->ports[i];
    unsigned ifindex = if_nametoindex(port->device);
    uint16_t mtu = interface_mtu(port, configured_mtu);
    bool up;

    if (first)
        g->priv->port_seen[i].opened = ifindex;
    up = kernel_up(port->device) && ifindex == g->priv->port_seen[i].opened;
    if (!first && ifindex != g->priv->port_seen[i].ifindex)
        log_error("port", "%s: the interface %s %s", p->name, port->device,
                  ifindex ? "was made anew: restart causewayd to use it" : "is gone");
    g->priv->port_seen[i].ifindex = ifindex;
    if (ifindex == 0 || mtu == 0)
        mtu = g->priv->port_seen[i].mtu; /* while it is gone, what it was */
    dp_port_set_link(g->dp, p->id, up, mtu);
    if (!first && mtu != g->priv->port_seen[i].mtu)
        log_info("port", "%s: MTU is now %u", p->name, mtu);
    g->priv->port_seen[i].mtu = mtu;
}

void gateway_poll_ports(struct gateway *g, bool first)
{
    for (unsigned i = 0; i < g->n_ports; i++) {
        const struct gateway_port *p = &g->ports[i];
        struct dp_port_status now;
        const struct conf_port *port;
        uint16_t mtu;

        port = interface_of(g, p, &mtu);
        if (port)
            poll_interface(g, i, port, mtu, first);
        dp_port_status(g->dp, p->id, &now);
        if (p->id == g->priv->underlay_port && (first || now.up != g->priv->port_seen[i].up))
            (void)dp_kernel_set_carrier(g->dp, now.up);
        if (first ? !now.up : now.up != g->priv->port_seen[i].up)
            gateway_report_link("port", p->name, now.up);
        if (now.up)
            g->priv->port_seen[i].down = (mono_t){0};
        else if (g->priv->port_seen[i].up || (first && port)) /* MACs may have been taken over */
            g->priv->port_seen[i].down = mono_now();
        g->priv->port_seen[i].up = now.up;
    }
}

/* ---- MACs at a port that is down */

/* Not at once: who is behind it is not reached either way, and where it turns up next its frames take it
 * there without any withdrawal. But a cable that is moved, or a VM whose port is plugged anew, costs nobody a
 * withdrawal and an advertisement for each MAC then, and a VM that resumes at another site with a RARP still
 * finds its IPs known (R6.2). What the worker had reported before the link went may be learned after that, so
 * it is looked for for as long as the port is down. A port whose driver never says that it is up is not
 * judged. */
static bool is_due(const struct gateway *g, unsigned i, mono_t now)
{
    const struct gateway_port *p = &g->ports[i];
    mono_t down = g->priv->port_seen[i].down;

    return p->access && down.ns && now.ns - down.ns >= DOWN_HOLD_NS &&
           mactable_learned_at_port(g->macs, p->id) > 0;
}

/* True: there is more at this port. */
static bool clear_port(struct gateway *g, unsigned i, mono_t now)
{
    const struct gateway_port *p = &g->ports[i];
    bool *clearing = &g->priv->port_seen[i].clearing;
    uint32_t *cursor = &g->priv->port_seen[i].cursor;

    if (!is_due(g, i, now)) {
        *clearing = false;
        return false;
    }
    if (!*clearing) {
        *cursor = 0;
        log_warning("port", "%s: no link: its %u learned MACs are forgotten, and withdrawn from the peers",
                    p->name, mactable_learned_at_port(g->macs, p->id));
    }
    *clearing = !mactable_clear_port(g->macs, p->id, cursor, CLEAR_SLOTS, now);
    neighbor_settle(g->neighbors);
    return *clearing;
}

bool gateway_clear_ports(struct gateway *g)
{
    mono_t now = mono_now();
    bool more = false;

    for (unsigned i = 0; i < g->n_ports; i++)
        more |= clear_port(g, i, now);
    return more;
}
