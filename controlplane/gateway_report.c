/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an operator reads in the log while a gateway runs: one line for each change, bounded where many change
 * at once.
 *
 * Control thread only.
 */
#include "controlplane/gateway_private.h"
#include "controlplane/watch.h"

#include "conf/log.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>

#define VTEP_LINES   16 /* in one turn; more are summed up */
#define ALERT_LINES  10 /* in ALERT_WINDOW */
#define ALERT_WINDOW 10000000000ull

uint16_t gateway_wan_mtu(const struct gateway *g)
{
    uint16_t link = underlay_link(g->underlay)->mtu, conf = g->conf->underlay.mtu;

    return conf && conf < link ? conf : link;
}

void gateway_report_link(const char *subsystem, const char *port, bool up)
{
    struct log_fields f = {0};

    log_field(&f, "event", up ? "link-up" : "link-down");
    log_field(&f, "port", "%s", port);
    log_event(up ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, subsystem, &f, "%s: link %s", port,
              up ? "up" : "down");
}

static void report_link(struct gateway *g)
{
    const struct underlay_link *now = underlay_link(g->underlay);
    const struct underlay_link *was = &g->priv->link_seen;
    const char *ifname = gateway_underlay_ifname(g->conf);
    char mac[MAC_STRLEN];

    if (now->ifindex != was->ifindex && was->ifindex != 0)
        log_warning("underlay", "%s: %s", ifname,
                    now->ifindex ? "made anew by somebody: restart causewayd to use it" : "is gone");
    if (now->up != was->up)
        gateway_report_link("underlay", ifname, now->up);
    if (!mac_eq(now->mac, was->mac) && now->ifindex)
        log_info("underlay", "%s: MAC is %s, MTU %u", ifname, mac_format(now->mac, mac), now->mtu);
    g->priv->link_seen = *now;
}

static bool is_configured(const struct ipaddr *a)
{
    struct ifaddrs *list, *i;
    bool found = false;

    if (getifaddrs(&list) < 0)
        return true; /* cannot tell: say nothing */
    for (i = list; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr)
            continue;
        if (a->family == 4 && i->ifa_addr->sa_family == AF_INET)
            found = memcmp(&((struct sockaddr_in *)i->ifa_addr)->sin_addr, a->b, 4) == 0;
        else if (a->family == 6 && i->ifa_addr->sa_family == AF_INET6)
            found = memcmp(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, a->b, 16) == 0;
    }
    freeifaddrs(list);
    return found;
}

/* Without the address the kernel neither answers ARP for it nor knows routes from it. */
static void report_address(struct gateway *g)
{
    const char *ifname = gateway_underlay_ifname(g->conf);
    bool missing = !is_configured(&g->conf->underlay.address);
    char text[IPADDR_STRLEN];

    if (missing && !g->priv->address_missing)
        log_warning(
            "underlay",
            "this machine does not have the VTEP address %s: 'ip address add %s/LEN dev %s', or correct "
            "underlay.address",
            ipaddr_format(&g->conf->underlay.address, text), text, ifname);
    g->priv->address_missing = missing;
}

/* R1.5, R1.7: nothing is fragmented, so what does not fit is lost. */
static void report_mtu(struct gateway *g)
{
    uint16_t wan = gateway_wan_mtu(g);
    unsigned overhead = conf_overhead(g->conf), n = 0;
    const struct conf_network *first = NULL;
    char more[32] = "";

    if (wan == 0 || wan == g->priv->wan_mtu_seen)
        return;
    g->priv->wan_mtu_seen = wan;
    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct conf_network *c = g->networks[i].conf;

        if (conf_network_mtu(c) + overhead <= wan)
            continue;
        if (!first)
            first = c;
        n++;
    }
    if (!first)
        return;
    if (n > 1)
        snprintf(more, sizeof(more), " (and %u more)", n - 1);
    log_warning("underlay",
                "the WAN's MTU of %u carries packets of at most %u bytes (VXLAN adds %u), but network %s%s "
                "has an MTU "
                "of %u: larger packets will be dropped; raise the WAN's MTU to %u or lower the hosts'",
                wan, wan > overhead ? wan - overhead : 0, overhead, first->name, more,
                conf_network_mtu(first), conf_network_mtu(first) + overhead);
}

/* A neighbour that is asked for the first time is no news yet; one that stopped answering is. */
static void report_hop(const struct underlay_hop *h, bool first)
{
    bool routine = first && h->state == UNDERLAY_NO_NEIGHBOUR;
    char vtep[IPADDR_STRLEN], via[IPADDR_STRLEN], mac[MAC_STRLEN];
    const char *where = "";
    struct log_fields f = {0};
    char text[80];

    ipaddr_format(&h->vtep, vtep);
    log_field(&f, "event", h->state == UNDERLAY_RESOLVED ? "vtep-resolved" : "vtep-unresolved");
    log_field(&f, "vtep", "%s", vtep);
    if (h->state == UNDERLAY_RESOLVED) {
        log_event(LOG_LEVEL_INFO, "underlay", &f, "VTEP %s: resolved, next hop %s (%s), path MTU %u", vtep,
                  ipaddr_format(&h->next_hop, via), mac_format(h->mac, mac), h->mtu);
        return;
    }
    if (h->state == UNDERLAY_NO_NEIGHBOUR || h->state == UNDERLAY_WRONG_PORT) {
        snprintf(text, sizeof(text), ": %s on %s", ipaddr_format(&h->next_hop, via), h->interface);
        where = text;
    }
    log_event(routine ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "underlay", &f, "VTEP %s: unresolved, %s%s", vtep,
              underlay_state_text(h->state), where);
}

static void report_hops(struct gateway *g)
{
    unsigned changed = 0, resolved = 0;

    for (unsigned i = 0; i < g->n_vteps; i++) {
        const struct underlay_hop *now =
            g->vteps[i].address.family ? underlay_hop(g->underlay, &g->vteps[i].address) : NULL;
        bool first = g->priv->hop_seen[i].vtep.family == 0;

        if (!now)
            continue;
        resolved += now->state == UNDERLAY_RESOLVED;
        if (memcmp(now, &g->priv->hop_seen[i], sizeof(*now)) == 0)
            continue;
        memcpy(&g->priv->hop_seen[i], now, sizeof(*now));
        watch_vtep(g, now);
        if (++changed <= VTEP_LINES)
            report_hop(now, first);
    }
    if (changed > VTEP_LINES)
        log_info("underlay", "%u more VTEPs changed; %u of %u are resolved", changed - VTEP_LINES, resolved,
                 g->n_vteps);
}

void gateway_report_underlay(struct gateway *g)
{
    report_link(g);
    report_address(g);
    report_mtu(g);
    report_hops(g);
}

/* True when another line may be written. */
static bool limit_take(struct gateway_limit *l, mono_t now)
{
    if (l->window.ns == 0 || now.ns - l->window.ns > ALERT_WINDOW) {
        if (l->suppressed)
            log_warning("macs", "%u more alerts were not logged", l->suppressed);
        *l = (struct gateway_limit){.window = now};
    }
    if (l->lines >= ALERT_LINES) {
        l->suppressed++;
        return false;
    }
    l->lines++;
    return true;
}

/* "port trunk", "VTEP 198.18.0.2", "the gateway itself" */
static const char *place_text(const struct gateway *g, struct mac_place place, char *buf, size_t size)
{
    const struct gateway_port *p = place.where == DP_WHERE_PORT ? gateway_port(g, place.target) : NULL;
    const struct gateway_vtep *v = place.where == DP_WHERE_VTEP ? gateway_vtep(g, place.target) : NULL;
    char address[IPADDR_STRLEN];

    if (p)
        snprintf(buf, size, "port %s", p->name);
    else if (v)
        snprintf(buf, size, "VTEP %s", ipaddr_format(&v->address, address));
    else
        snprintf(buf, size,
                 place.where == DP_WHERE_PORT && place.target == DP_OWN_PORT ? "the gateway itself"
                                                                             : "nowhere");
    return buf;
}

/* An alert about one MAC, with the evidence. */
static enum log_level mac_alert_text(const struct gateway *g, const struct mac_alert_info *a,
                                     const char *name, char *text, size_t size)
{
    char mac[MAC_STRLEN], held[64], seen[64];

    mac_format(a->mac, mac);
    place_text(g, a->held, held, sizeof(held));
    place_text(g, a->seen, seen, sizeof(seen));
    switch (a->what) {
    case MAC_ALERT_DUPLICATE:
        snprintf(text, size,
                 "duplicate MAC %s in network %s: %u moves, held at %s for %llu ms, now seen at %s: frozen "
                 "(R5.1); causewayctl clear duplicate %s ends that",
                 mac, name, a->moves, held, (unsigned long long)(a->seen_at.ns - a->held_since.ns) / 1000000,
                 seen, mac);
        return LOG_LEVEL_ERROR;
    case MAC_ALERT_DUPLICATE_END:
        snprintf(text, size, "MAC %s in network %s is no longer frozen", mac, name);
        return LOG_LEVEL_WARNING;
    case MAC_ALERT_STICKY_MOVED:
        snprintf(text, size, "sticky MAC %s in network %s is held at %s and shows up at %s: it %s (R4.8)",
                 mac, name, held, seen, a->goes ? "goes there, for that place calls it sticky" : "stays");
        return LOG_LEVEL_ERROR;
    default:
        snprintf(text, size, "MAC %s in network %s has more IPs than are kept: the others are not advertised",
                 mac, name);
        return LOG_LEVEL_WARNING;
    }
}

static enum log_level alert_text(const struct gateway *g, const struct mac_alert_info *a, char *text,
                                 size_t size)
{
    const struct gateway_network *n = gateway_network(g, a->net);
    const char *name = n ? n->conf->name : "?";
    const struct gateway_port *p;

    switch (a->what) {
    case MAC_ALERT_NET_LIMIT:
        snprintf(text, size, "network %s: its limit of %u MACs is reached, new ones are not learned (R8.4)",
                 name, n ? n->conf->mac_limit : 0);
        return LOG_LEVEL_WARNING;
    case MAC_ALERT_PORT_LIMIT:
        p = gateway_port(g, a->port);
        snprintf(text, size, "port %s: its limit of %u MACs is reached, new ones are not learned (R8.4)",
                 p ? p->name : "?", p && p->access ? p->access->mac_limit : 0);
        return LOG_LEVEL_WARNING;
    case MAC_ALERT_FDB_FULL:
        snprintf(text, size,
                 "the MAC table is full (network %s wanted more): new MACs are not learned; raise "
                 "dataplane.max_macs above %u",
                 name, g->conf->dataplane.max_macs);
        return LOG_LEVEL_WARNING;
    default:
        return mac_alert_text(g, a, name, text, size);
    }
}

/* "port:trunk", "vtep:198.18.0.2", "none" */
static void place_field(const struct gateway *g, const char *key, struct mac_place place,
                        struct log_fields *f)
{
    const struct gateway_port *p = place.where == DP_WHERE_PORT ? gateway_port(g, place.target) : NULL;
    const struct gateway_vtep *v = place.where == DP_WHERE_VTEP ? gateway_vtep(g, place.target) : NULL;
    char address[IPADDR_STRLEN];

    if (p)
        log_field(f, key, "port:%s", p->name);
    else if (v)
        log_field(f, key, "vtep:%s", ipaddr_format(&v->address, address));
    else
        log_field(f, key, "none");
}

static void network_field(const struct gateway *g, dp_net_id net, struct log_fields *f)
{
    const struct gateway_network *n = gateway_network(g, net);

    if (n)
        log_field(f, "network", "%s", n->conf->name);
}

static void alert_fields(const struct gateway *g, const struct mac_alert_info *a, struct log_fields *f)
{
    const struct gateway_port *p = a->what == MAC_ALERT_PORT_LIMIT ? gateway_port(g, a->port) : NULL;
    char mac[MAC_STRLEN];

    log_field(f, "event", "%s", watch_alert_name(a->what));
    network_field(g, a->net, f);
    if (p)
        log_field(f, "port", "%s", p->name);
    if (mac_is_zero(a->mac))
        return;
    log_field(f, "mac", "%s", mac_format(a->mac, mac));
    place_field(g, "held", a->held, f);
    place_field(g, "seen", a->seen, f);
    if (a->moves)
        log_field(f, "moves", "%u", a->moves);
}

void gateway_report_alert(struct gateway *g, const struct mac_alert_info *a)
{
    struct log_fields fields = {0};
    char text[512];
    enum log_level level = alert_text(g, a, text, sizeof(text));

    watch_alert(g, a, text);
    if (!limit_take(&g->priv->alerts, mono_now()))
        return;
    alert_fields(g, a, &fields);
    log_event(level, "macs", &fields, "%s", text);
}

/* "02:00:00:00:00:01 (port trunk)" */
static const char *owner_text(const struct gateway *g, dp_net_id net, struct mac owner, char *buf,
                              size_t size)
{
    const struct mac_entry *e = mactable_find(g->macs, net, owner);
    const struct mac_place place =
        e ? (struct mac_place){e->target, (uint8_t)e->where} : (struct mac_place){0};
    char mac[MAC_STRLEN], where[64];

    snprintf(buf, size, "%s (%s)", mac_format(owner, mac), place_text(g, place, where, sizeof(where)));
    return buf;
}

static enum log_level neighbor_text(const struct gateway *g, const struct neighbor_alert_info *a, char *text,
                                    size_t size)
{
    const struct gateway_network *n = gateway_network(g, a->net);
    const char *name = n ? n->conf->name : "?";
    char ip[IPADDR_STRLEN], held[96], seen[96];

    ipaddr_format(&a->ip, ip);
    owner_text(g, a->net, a->held, held, sizeof(held));
    owner_text(g, a->net, a->seen, seen, sizeof(seen));
    switch (a->what) {
    case NEIGHBOR_ALERT_DUPLICATE:
        snprintf(text, size,
                 "duplicate IP %s in network %s: %u changes of MAC, the last between %s and %s by %s: it "
                 "stays with "
                 "%s, which had it for %llu ms (R7.5); causewayctl clear duplicate --ip %s ends that",
                 ip, name, a->changes, held, seen, a->routed ? "a route" : "a frame here", held,
                 (unsigned long long)(a->seen_at.ns - a->held_since.ns) / 1000000, ip);
        return LOG_LEVEL_ERROR;
    case NEIGHBOR_ALERT_DUPLICATE_END:
        snprintf(text, size, "IP %s in network %s is no longer frozen", ip, name);
        return LOG_LEVEL_WARNING;
    case NEIGHBOR_ALERT_IMMUTABLE:
        snprintf(text, size, "IP %s in network %s is immutable at %s, and %s wants it: it stays (RFC 9047)",
                 ip, name, held, seen);
        return LOG_LEVEL_ERROR;
    default:
        snprintf(
            text, size,
            "no room for more IP addresses (network %s wanted %s): they are neither announced nor answered "
            "for; raise dataplane.max_macs above %u",
            name, ip, g->conf->dataplane.max_macs);
        return LOG_LEVEL_WARNING;
    }
}

void gateway_report_neighbor(struct gateway *g, const struct neighbor_alert_info *a)
{
    struct log_fields fields = {0};
    char text[640], ip[IPADDR_STRLEN], mac[MAC_STRLEN];
    enum log_level level = neighbor_text(g, a, text, sizeof(text));

    watch_neighbor(g, a, text);
    if (!limit_take(&g->priv->alerts, mono_now()))
        return;
    log_field(&fields, "event", "%s", watch_neighbor_name(a->what));
    network_field(g, a->net, &fields);
    log_field(&fields, "ip", "%s", ipaddr_format(&a->ip, ip));
    if (!mac_is_zero(a->held))
        log_field(&fields, "held", "%s", mac_format(a->held, mac));
    if (!mac_is_zero(a->seen))
        log_field(&fields, "seen", "%s", mac_format(a->seen, mac));
    log_event(level, "neighbors", &fields, "%s", text);
}
