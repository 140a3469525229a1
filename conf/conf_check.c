/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_check.h: all but BGP (conf_check_bgp.c) and what moves need (conf_check_moves.c). Linear in the
 * size of the file. Any thread.
 */
#include "conf/conf_check_private.h"

#define IPV6_MIN_MTU 1280 /* RFC 8200 section 5 */

bool check_beside_own(const struct check *k, const struct conf_node *n, const char *key,
                      const struct ipaddr *a)
{
    char buf[IPADDR_STRLEN];

    if (!k->own)
        return true;
    if (a->family != k->own->family) {
        fault(k, n, "%s: %s is %s but the underlay's address is %s, expected an %s address", key,
              ipaddr_format(a, buf), family_name(a), family_name(k->own), family_name(k->own));
        return false;
    }
    if (ipaddr_eq(a, k->own)) {
        fault(k, n, "%s: %s is this gateway's own address, expected another one's", key,
              ipaddr_format(a, buf));
        return false;
    }
    return true;
}

/* ---- underlay */

static bool in_prefix(const struct ipaddr *a, const struct ipaddr *net, unsigned len)
{
    for (unsigned bit = 0; bit < len; bit++) {
        if ((a->b[bit / 8] ^ net->b[bit / 8]) & (0x80u >> (bit % 8)))
            return false;
    }
    return true;
}

static void check_route(struct check *k, const struct conf_route *route)
{
    const struct conf_underlay *u = &k->c->underlay;
    const struct conf_node *to = given(k, &route->to), *via = given(k, &route->via);
    const struct ipprefix *first;
    bool link_local = route->via.family == 6 && route->via.b[0] == 0xfe && (route->via.b[1] & 0xc0) == 0x80;
    char buf[IPADDR_STRLEN];

    if (to && k->own && route->to.addr.family != k->own->family)
        fault(k, to, "to: the prefix is %s but the underlay's address is %s, expected an %s prefix",
              family_name(&route->to.addr), family_name(k->own), family_name(k->own));
    first =
        to ? conf_seen_add(&k->seen, CONF_SEEN_ROUTE, 0, &route->to, sizeof(route->to), &route->to) : NULL;
    if (first)
        fault(k, to, "to: a second route to %s/%u (first on line %u), keep one",
              ipaddr_format(&route->to.addr, buf), route->to.len, line_of(k, first));
    if (!via || !check_beside_own(k, via, "via", &route->via) || !k->own || u->prefix_len == 0xff ||
        link_local)
        return;
    if (!in_prefix(&route->via, k->own, u->prefix_len))
        fault(k, via, "via: %s is not in the underlay's own prefix (/%u), expected a router on that link",
              ipaddr_format(&route->via, buf), u->prefix_len);
}

static void check_underlay_port(struct check *k)
{
    const struct conf_underlay *u = &k->c->underlay;
    const struct conf_node *address = given(k, &u->address), *tap = given(k, u->tap),
                           *routes = given(k, &u->routes);
    char buf[IPADDR_STRLEN];

    if (!given(k, &u->port))
        return;
    if (u->port.kind != CONF_PORT_INTERFACE) {
        if (address && u->prefix_len == 0xff)
            fault(k, address,
                  "address: %s has no prefix length, expected %s/LENGTH: with %s the TAP carries the address",
                  ipaddr_format(&u->address, buf), buf, u->port.kind == CONF_PORT_PCI ? "pci" : "dpdk");
        return;
    }
    if (address && u->prefix_len != 0xff)
        fault(
            k, address,
            "address: /%u is given with an interface, expected %s alone: the kernel's interface has its own "
            "prefix",
            u->prefix_len, ipaddr_format(&u->address, buf));
    if (tap)
        fault(k, tap, "tap: given with an interface, leave it out: only pci and dpdk ports need a TAP");
    if (routes)
        fault(k, routes, "routes: given with an interface, leave them out: the kernel's own routes are used");
}

static void check_underlay(struct check *k)
{
    const struct conf_underlay *u = &k->c->underlay;

    check_underlay_port(k);
    if (k->own && k->own->family == 6 && given(k, &u->mtu) && u->mtu < IPV6_MIN_MTU)
        fault(k, given(k, &u->mtu), "mtu: %u is too small for IPv6, expected at least %d", u->mtu,
              IPV6_MIN_MTU);
    for (size_t i = 0; i < u->n_routes; i++)
        check_route(k, &u->routes[i]);
}

/* ---- names and devices */

static void check_device(struct check *k, const struct conf_port *port)
{
    const struct conf_node *n = given(k, port);
    const struct conf_port *first;
    /* A vdev is known by its name, whatever its arguments. */
    size_t len = strcspn(port->device, port->kind == CONF_PORT_DPDK ? "," : "");
    char found[CONF_QUOTE_LEN];

    if (!n)
        return;
    first = conf_seen_add(&k->seen, CONF_SEEN_DEVICE, port->kind, port->device, len, port);
    if (first)
        fault(k, n, "device %s is used twice (first on line %u), each port needs its own",
              conf_quote(port->device, len, found), line_of(k, first));
}

/* The TAP is an interface too: no port may have its name. */
static void check_tap(struct check *k)
{
    const struct conf_underlay *u = &k->c->underlay;
    const struct conf_port *first;
    const struct conf_node *at;

    if (!given(k, &u->port) || u->port.kind == CONF_PORT_INTERFACE || bad(k, u->tap))
        return;
    first = conf_seen_find(&k->seen, CONF_SEEN_DEVICE, CONF_PORT_INTERFACE, u->tap, strlen(u->tap));
    if (!first)
        return;
    at = given(k, u->tap);
    fault(k, at ? at : given(k, first),
          "%s is the name of the underlay's TAP and of a port's interface, give tap another name", u->tap);
}

static void check_names(struct check *k)
{
    const struct conf *c = k->c;
    char found[CONF_QUOTE_LEN];

    k->networks_known = given(k, &c->networks) != NULL;
    for (size_t i = 0; i < c->n_networks; i++) {
        const struct conf_network *n = &c->networks[i], *first;

        k->networks_known &= n->name[0] != '\0';
        /* A wrong name is remembered too: who refers to it says nothing new. */
        first = conf_seen_add(&k->seen, CONF_SEEN_NETWORK, 0, n->name, strlen(n->name), n);
        if (first && given(k, n->name) && given(k, first->name))
            fault(k, given(k, n->name),
                  "name: network %s is there twice (first on line %u), each needs its own name",
                  conf_quote(n->name, strlen(n->name), found), line_of(k, first->name));
    }
    k->ports_known = given(k, &c->access) != NULL;
    for (size_t i = 0; i < c->n_access; i++) {
        const struct conf_access *a = &c->access[i], *first;

        k->ports_known &= a->name[0] != '\0';
        first = conf_seen_add(&k->seen, CONF_SEEN_PORT, 0, a->name, strlen(a->name), a);
        if (first && given(k, a->name) && given(k, first->name))
            fault(k, given(k, a->name),
                  "name: access port %s is there twice (first on line %u), each needs its own name",
                  conf_quote(a->name, strlen(a->name), found), line_of(k, first->name));
    }
}

/* ---- access ports */

/* The network that a field of a port names; NULL and perhaps a report when there is none. */
static const struct conf_network *named_network(struct check *k, const char *key, const char *name,
                                                bool *known)
{
    const struct conf_node *n = given(k, name);
    const struct conf_network *net;
    char found[CONF_QUOTE_LEN];

    if (!n) {
        *known = false;
        return NULL;
    }
    net = conf_seen_find(&k->seen, CONF_SEEN_NETWORK, 0, name, strlen(name));
    if (!net) {
        *known = false;
        if (k->networks_known)
            fault(k, n, "%s: there is no network %s, expected a name from the networks section", key,
                  conf_quote(name, strlen(name), found));
    }
    return net;
}

static bool is_untagged(const struct check *k, const struct conf_network *n)
{
    return given(k, &n->vlan) && n->vlan == CONF_VLAN_NONE;
}

/* A tag inside a network without a tag of its own would be taken for the VLAN of another. */
static void check_untagged_qinq(struct check *k, const struct conf_access *a, const struct conf_network *n)
{
    if (n->qinq && given(k, &n->qinq))
        fault(
            k, given(k, a->untagged),
            "untagged: network %s has qinq: true (line %u), so its frames may carry a tag that means another "
            "VLAN on this port; expected a network without qinq, or give it a VLAN tag of its own",
            n->name, line_of(k, &n->qinq));
}

/* A network on a port: does its MTU fit? One complaint for each network. */
static void check_port_mtu(struct check *k, const struct conf_access *a, const struct conf_network *n)
{
    const struct conf_node *at = given(k, &n->mtu);

    if (!at || !given(k, &a->mtu) || n->mtu <= a->mtu)
        return;
    if (!conf_seen_add(&k->seen, CONF_SEEN_MTU, (size_t)(n - k->c->networks), "", 0, n))
        fault(k, at, "mtu: %u is more than the %u of access port %s (line %u), expected at most %u", n->mtu,
              a->mtu, a->name, line_of(k, &a->mtu), a->mtu);
}

/* A port without a list of networks and without untagged carries them all. */
static void check_carries_all(struct check *k, const struct conf_access *a)
{
    const struct conf_network *first = NULL;
    bool told = false;

    for (size_t i = 0; i < k->c->n_networks; i++) {
        const struct conf_network *n = &k->c->networks[i];

        check_port_mtu(k, a, n);
        if (!is_untagged(k, n) || told)
            continue;
        if (first && given(k, a->name)) {
            fault(k, given(k, a->name),
                  "access port %s carries all networks, but %s and %s are both untagged, say which "
                  "it carries with networks: [...]",
                  a->name, first->name, n->name);
            told = true;
        }
        first = n;
    }
}

static void check_access(struct check *k, size_t index)
{
    const struct conf_access *a = &k->c->access[index];
    const struct conf_network *untagged = NULL;
    bool *known = &k->carried_known[index];

    *known = !bad(k, &a->networks) && !bad(k, a->untagged);
    if (a->untagged[0] != '\0')
        untagged = named_network(k, "untagged", a->untagged, known);
    if (untagged) {
        check_port_mtu(k, a, untagged);
        check_untagged_qinq(k, a, untagged);
    }
    if (*known && !untagged && a->n_networks == 0)
        check_carries_all(k, a);
    for (size_t i = 0; i < a->n_networks; i++) {
        const struct conf_network *n = named_network(k, "networks", a->networks[i], known);
        const char(*first)[CONF_NAME_LEN];

        if (!n)
            continue;
        first = conf_seen_add(&k->seen, CONF_SEEN_CARRIED, index, a->networks[i], strlen(a->networks[i]),
                              &a->networks[i]);
        if (first) {
            fault(k, given(k, a->networks[i]), "networks: %s is listed twice (first on line %u), keep one",
                  n->name, line_of(k, first));
            continue;
        }
        check_port_mtu(k, a, n);
        if (!is_untagged(k, n) || n == untagged)
            continue;
        if (untagged)
            fault(k, given(k, a->networks[i]),
                  "networks: %s and %s are both untagged on this port, keep one of them", untagged->name,
                  n->name);
        else
            untagged = n;
    }
}

/* conf_access_carries() by hash: static MACs may be many. */
static bool carries(const struct check *k, const struct conf_access *a, const struct conf_network *n)
{
    if (strcmp(a->untagged, n->name) == 0)
        return true;
    if (a->n_networks == 0)
        return a->untagged[0] == '\0';
    return conf_seen_find(&k->seen, CONF_SEEN_CARRIED, (size_t)(a - k->c->access), n->name, strlen(n->name));
}

/* ---- networks */

static void check_numbers(struct check *k, const struct conf_network *n)
{
    const struct conf_underlay *u = &k->c->underlay;
    const struct conf_node *vlan = given(k, &n->vlan), *vni = given(k, &n->vni), *mtu = given(k, &n->mtu);
    const uint16_t *vlan_first;
    const uint32_t *vni_first;

    if (vlan && n->vlan != CONF_VLAN_NONE) {
        vlan_first = conf_seen_add(&k->seen, CONF_SEEN_VLAN, 0, &n->vlan, sizeof(n->vlan), &n->vlan);
        if (vlan_first)
            fault(k, vlan, "vlan: %u is used twice (first on line %u), each network needs a VLAN of its own",
                  n->vlan, line_of(k, vlan_first));
    }
    if (vni) {
        vni_first = conf_seen_add(&k->seen, CONF_SEEN_VNI, 0, &n->vni, sizeof(n->vni), &n->vni);
        if (vni_first)
            fault(k, vni, "vni: %u is used twice (first on line %u), each network needs a VNI of its own",
                  n->vni, line_of(k, vni_first));
    }
    /* R1.7, R1.5: what does not fit is never fragmented */
    if (mtu && k->own && given(k, &u->mtu) && n->mtu + conf_overhead(k->c) > u->mtu)
        fault(k, mtu,
              "mtu: %u and %u bytes of VXLAN over %s make %u, more than the underlay's mtu of %u (line %u), "
              "expected at most %d here or at least %u there",
              n->mtu, conf_overhead(k->c), family_name(k->own), n->mtu + conf_overhead(k->c), u->mtu,
              line_of(k, &u->mtu), (int)u->mtu - (int)conf_overhead(k->c), n->mtu + conf_overhead(k->c));
}

/* False when it is not certain which peers the network has. */
static bool check_peers(struct check *k, const struct conf_network *n, size_t index)
{
    bool known = !bad(k, &n->peers);
    char buf[IPADDR_STRLEN];

    for (size_t i = 0; i < n->n_peers; i++) {
        const struct ipaddr *a = &n->peers[i].address, *first;
        const struct conf_node *at = given(k, a);

        known &= at != NULL;
        if (!at)
            continue;
        first = conf_seen_add(&k->seen, CONF_SEEN_PEER, index, a, sizeof(*a), a);
        if (first) {
            fault(k, at, "peers: %s is listed twice in this network (first on line %u), keep one",
                  ipaddr_format(a, buf), line_of(k, first));
            continue;
        }
        if (!check_beside_own(k, at, "address", a) ||
            conf_seen_add(&k->seen, CONF_SEEN_VTEP, 0, a, sizeof(*a), a))
            continue;
        if (++k->n_vteps == CONF_MAX_VTEPS + 1)
            fault(k, at,
                  "address: %s is one peer too many, all networks together have at most %d different ones",
                  ipaddr_format(a, buf), CONF_MAX_VTEPS);
    }
    return known;
}

static void check_mac_unique(struct check *k, const struct mac *mac, const char *key, size_t index)
{
    const struct conf_node *at = given(k, mac);
    const struct mac *first =
        at ? conf_seen_add(&k->seen, CONF_SEEN_MAC, index, mac, sizeof(*mac), mac) : NULL;
    char buf[MAC_STRLEN];

    if (first)
        fault(k, at, "%s: %s is there twice in this network (first on line %u), keep one", key,
              mac_format(*mac, buf), line_of(k, first));
}

static void check_static_mac(struct check *k, const struct conf_static_mac *s, size_t index, bool peers_known)
{
    const struct conf_network *n = &k->c->networks[index];
    const struct conf_node *port = given(k, s->port), *vtep = given(k, &s->vtep);
    const struct conf_access *a = NULL;
    char found[CONF_QUOTE_LEN], buf[IPADDR_STRLEN];

    check_mac_unique(k, &s->mac, "mac", index);
    if (port) {
        a = conf_seen_find(&k->seen, CONF_SEEN_PORT, 0, s->port, strlen(s->port));
        if (!a && k->ports_known)
            fault(k, port, "port: there is no access port %s, expected a name from the access section",
                  conf_quote(s->port, strlen(s->port), found));
        else if (a && k->carried_known[a - k->c->access] && given(k, n->name) && !carries(k, a, n))
            fault(k, port, "port: access port %s does not carry network %s, expected one that does", a->name,
                  n->name);
    }
    if (vtep && check_beside_own(k, vtep, "vtep", &s->vtep) && peers_known &&
        !conf_seen_find(&k->seen, CONF_SEEN_PEER, index, &s->vtep, sizeof(s->vtep)))
        fault(k, vtep, "vtep: %s is not a peer of this network, expected one of its peers",
              ipaddr_format(&s->vtep, buf));
}

static void check_network(struct check *k, size_t index)
{
    const struct conf_network *n = &k->c->networks[index];
    bool peers_known = check_peers(k, n, index);

    check_numbers(k, n);
    if (n->qinq && is_untagged(k, n) && given(k, &n->qinq))
        fault(k, given(k, &n->qinq),
              "qinq: an untagged network cannot carry tags, they would mean other VLANs of the site; "
              "expected false, "
              "or a vlan: number");
    for (size_t i = 0; i < n->n_static_macs; i++) {
        const struct conf_static_mac *s = &n->static_macs[i];

        check_static_mac(k, s, index, peers_known);
        if (++k->n_static_macs == (size_t)k->c->dataplane.max_macs + 1 && given(k, &s->mac) &&
            !bad(k, &k->c->dataplane.max_macs))
            fault(k, given(k, &s->mac),
                  "mac: more static MACs than the FDB holds, expected dataplane.max_macs above %u",
                  k->c->dataplane.max_macs);
    }
    for (size_t i = 0; i < n->n_flood_macs; i++)
        check_mac_unique(k, &n->flood_macs[i], "flood_macs", index);
}

/* Frames go from one such port to another. */
static void check_fastpath(struct check *k)
{
    const struct conf_node *mode = given(k, &k->c->fastpath.mode);
    size_t n = k->c->underlay.port.kind == CONF_PORT_INTERFACE;

    if (!mode || k->c->fastpath.mode != CONF_FASTPATH_ON)
        return;
    for (size_t i = 0; i < k->c->n_access; i++)
        n += k->c->access[i].port.kind == CONF_PORT_INTERFACE;
    if (n < 2)
        fault(k, mode, "fastpath: on needs two ports with interface, expected auto or off");
}

void conf_check(const struct conf *c, struct conf_reader *r, size_t n_nodes)
{
    struct check k = {.c = c, .r = r};

    if (!conf_seen_init(&k.seen, n_nodes)) {
        conf_report_add(r->report, (struct conf_mark){1, 1},
                        "not enough memory to check the file, free some");
        return;
    }
    k.own = given(&k, &c->underlay.address) ? &c->underlay.address : NULL;
    check_names(&k);
    check_underlay(&k);
    check_device(&k, &c->underlay.port);
    for (size_t i = 0; i < c->n_access; i++)
        check_device(&k, &c->access[i].port);
    check_tap(&k);
    for (size_t i = 0; i < c->n_access; i++)
        check_access(&k, i);
    for (size_t i = 0; i < c->n_networks; i++)
        check_network(&k, i);
    check_bgp(&k);
    check_fastpath(&k);
    check_moves(&k);
    conf_seen_free(&k.seen);
}
