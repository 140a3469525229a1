/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Follows the state of the ports of a gateway: link, MTU, and the MACs behind one that is down. DPDK's AF_XDP
 * driver knows nothing of its interface, so the kernel is asked, once a second.
 *
 * Control thread only.
 */
#include "controlplane/gateway_private.h"

#include "conf/log.h"
#include "ebpf/ifreq.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define DOWN_HOLD_NS UINT64_C(1000000000)
#define CLEAR_SLOTS  4096 /* of the MAC table, in one turn of the loop */

/* ---- what the kernel says */

uint16_t gateway_kernel_mtu(const char *ifname)
{
    struct ifreq ifr = {0};

    if (ifreq_ask(ifname, SIOCGIFMTU, &ifr) < 0 || ifr.ifr_mtu < 0)
        return 0;
    return ifr.ifr_mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)ifr.ifr_mtu;
}

bool gateway_kernel_up(const char *ifname)
{
    struct ifreq ifr = {0};

    return ifreq_ask(ifname, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) &&
           (ifr.ifr_flags & IFF_RUNNING);
}

uint16_t gateway_interface_mtu(const struct conf_port *port, uint16_t configured)
{
    uint16_t kernel = gateway_kernel_mtu(port->device);

    return configured && (configured < kernel || kernel == 0) ? configured : kernel;
}

/* ---- ports that come while the gateway runs */

void gateway_port_begins(struct gateway *g, const struct gateway_port *p)
{
    struct dp_port_status status;

    dp_port_status(g->dp, p->id, &status);
    memset(&g->priv->port_seen[p->id], 0, sizeof(g->priv->port_seen[p->id]));
    g->priv->port_seen[p->id].up = status.up;
    g->priv->port_seen[p->id].mtu = status.mtu;
    if (p->access->port.kind == CONF_PORT_INTERFACE)
        g->priv->port_seen[p->id].opened = g->priv->port_seen[p->id].ifindex =
            if_nametoindex(p->access->port.device);
}

/* ---- looking at them */

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
static void poll_interface(struct gateway *g, const struct gateway_port *p, const struct conf_port *port,
                           uint16_t configured_mtu, bool first)
{
    unsigned ifindex = if_nametoindex(port->device);
    uint16_t mtu = gateway_interface_mtu(port, configured_mtu);
    bool up;

    if (first)
        g->priv->port_seen[p->id].opened = ifindex;
    up = gateway_kernel_up(port->device) && ifindex == g->priv->port_seen[p->id].opened;
    if (!first && ifindex != g->priv->port_seen[p->id].ifindex)
        log_error("port", "%s: the interface %s %s", p->name, port->device,
                  ifindex ? "was made anew: restart causewayd to use it" : "is gone");
    g->priv->port_seen[p->id].ifindex = ifindex;
    if (ifindex == 0 || mtu == 0)
        mtu = g->priv->port_seen[p->id].mtu; /* while it is gone, what it was */
    dp_port_set_link(g->dp, p->id, up, mtu);
    if (!first && mtu != g->priv->port_seen[p->id].mtu)
        log_info("port", "%s: MTU is now %u", p->name, mtu);
    g->priv->port_seen[p->id].mtu = mtu;
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
            poll_interface(g, p, port, mtu, first);
        dp_port_status(g->dp, p->id, &now);
        if (p->id == g->priv->underlay_port && (first || now.up != g->priv->port_seen[p->id].up))
            (void)dp_kernel_set_carrier(g->dp, now.up);
        if (first ? !now.up : now.up != g->priv->port_seen[p->id].up)
            gateway_report_link("port", p->name, now.up);
        if (now.up)
            g->priv->port_seen[p->id].down = (mono_t){0};
        else if (g->priv->port_seen[p->id].up || (first && port)) /* MACs may have been taken over */
            g->priv->port_seen[p->id].down = mono_now();
        g->priv->port_seen[p->id].up = now.up;
    }
}

/* ---- MACs at a port that is down */

/* Not at once: who is behind it is not reached either way, and where it turns up next its frames take it
 * there without any withdrawal. But a cable that is moved, or a VM whose port is plugged anew, costs nobody a
 * withdrawal and an advertisement for each MAC then, and a VM that resumes at another site with a RARP still
 * finds its IPs known (R6.2). What the worker had reported before the link went may be learned after that, so
 * it is looked for for as long as the port is down. A port whose driver never says that it is up is not
 * judged. */
static bool is_due(const struct gateway *g, const struct gateway_port *p, mono_t now)
{
    mono_t down = g->priv->port_seen[p->id].down;

    return p->access && down.ns && now.ns - down.ns >= DOWN_HOLD_NS &&
           mactable_learned_at_port(g->macs, p->id) > 0;
}

/* True: there is more at this port. */
static bool clear_port(struct gateway *g, const struct gateway_port *p, mono_t now)
{
    bool *clearing = &g->priv->port_seen[p->id].clearing;
    uint32_t *cursor = &g->priv->port_seen[p->id].cursor;

    if (!is_due(g, p, now)) {
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
        more |= clear_port(g, &g->ports[i], now);
    return more;
}
