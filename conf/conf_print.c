/* SPDX-License-Identifier: BSD-3-Clause
 *
 * struct conf to YAML, every key with the value in force. What conf.h calls "not given" (an MTU left to the
 * port, the networks of a port that carries all) is left out, as it has no other form. Quotes stand around
 * all that some YAML reader, 1.1 included, takes for something else: MACs (sexagesimal numbers), names like
 * "on", "1" or "null". Any thread.
 */
#include "conf/conf.h"

#include "conf/conf_rt.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

/* Letters first and then name characters, and none of YAML's words. */
static bool plain_is_safe(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"};

    if (!isalpha((unsigned char)text[0]))
        return false;
    for (const char *p = text; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
            return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0)
            return false;
    }
    return true;
}

static void print_string(FILE *out, const char *text)
{
    if (plain_is_safe(text)) {
        fputs(text, out);
        return;
    }
    fprintf(out, "\"%s\"", text); /* nothing that would need an escape gets past conf_value.c */
}

static void print_key_string(FILE *out, const char *key, const char *text)
{
    fprintf(out, "%s: ", key);
    print_string(out, text);
    putc('\n', out);
}

static void print_address(FILE *out, const struct ipaddr *a)
{
    char buf[IPADDR_STRLEN];

    fprintf(out, "\"%s\"", ipaddr_format(a, buf));
}

static void print_mac(FILE *out, struct mac mac)
{
    char buf[MAC_STRLEN];

    fprintf(out, "\"%s\"", mac_format(mac, buf));
}

static void print_limit(FILE *out, const char *key, uint32_t limit)
{
    if (limit == CONF_NO_LIMIT)
        fprintf(out, "%s: unlimited\n", key);
    else
        fprintf(out, "%s: %" PRIu32 "\n", key, limit);
}

static void print_or_off(FILE *out, const char *key, uint32_t number)
{
    if (number == 0)
        fprintf(out, "%s: off\n", key);
    else
        fprintf(out, "%s: %" PRIu32 "\n", key, number);
}

static void print_mtu(FILE *out, const char *indent, uint16_t mtu)
{
    if (mtu != 0)
        fprintf(out, "%smtu: %u\n", indent, mtu);
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static const char *on_off(bool b)
{
    return b ? "on" : "off";
}

static const char *device_key(enum conf_port_kind kind)
{
    return kind == CONF_PORT_PCI ? "pci" : kind == CONF_PORT_DPDK ? "dpdk" : "interface";
}

static void print_underlay(FILE *out, const struct conf_underlay *u)
{
    char buf[IPADDR_STRLEN];

    fprintf(out, "underlay:\n  address: \"%s", ipaddr_format(&u->address, buf));
    if (u->prefix_len != 0xff)
        fprintf(out, "/%u", u->prefix_len);
    fprintf(out, "\"\n  port:\n    ");
    print_key_string(out, device_key(u->port.kind), u->port.device);
    if (u->port.kind != CONF_PORT_INTERFACE)
        print_key_string(out, "  tap", u->tap);
    print_mtu(out, "  ", u->mtu);
    fprintf(out, "  vxlan_port: %u\n  ttl: %u\n", u->vxlan_port, u->ttl);
    fprintf(out, "  udp6_zero_csum_tx: %s\n  udp6_zero_csum_rx: %s\n", truth(u->udp6_zero_csum_tx),
            truth(u->udp6_zero_csum_rx));
    fprintf(out, "  offloads: %s\n", on_off(u->offloads));
    if (u->n_routes > 0)
        fprintf(out, "  routes:\n");
    for (size_t i = 0; i < u->n_routes; i++) {
        fprintf(out, "    - { to: \"%s/%u\", via: ", ipaddr_format(&u->routes[i].to.addr, buf),
                u->routes[i].to.len);
        print_address(out, &u->routes[i].via);
        fprintf(out, " }\n");
    }
}

static void print_access(FILE *out, const struct conf_access *a)
{
    print_key_string(out, "  - name", a->name);
    fprintf(out, "    ");
    print_key_string(out, device_key(a->port.kind), a->port.device);
    print_mtu(out, "    ", a->mtu);
    fprintf(out, "    offloads: %s\n", on_off(a->offloads));
    print_limit(out, "    mac_limit", a->mac_limit);
    if (a->untagged[0] != '\0')
        print_key_string(out, "    untagged", a->untagged);
    if (a->n_networks > 0)
        fprintf(out, "    networks:\n");
    for (size_t i = 0; i < a->n_networks; i++) {
        fprintf(out, "      - ");
        print_string(out, a->networks[i]);
        putc('\n', out);
    }
}

static void print_static_mac(FILE *out, const struct conf_static_mac *s)
{
    fprintf(out, "      - { mac: ");
    print_mac(out, s->mac);
    if (s->port[0] != '\0') {
        fprintf(out, ", port: ");
        print_string(out, s->port);
    } else {
        fprintf(out, ", vtep: ");
        print_address(out, &s->vtep);
    }
    fprintf(out, " }\n");
}

static void print_targets(FILE *out, const char *key, const struct conf_rt *rt, size_t n)
{
    char buf[CONF_RT_STRLEN];

    fprintf(out, "      %s:\n", key);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "        - \"%s\"\n", conf_rt_format(&rt[i], buf));
}

/* Without a bgp section there is nothing in force unless the file says it. */
static void print_network_bgp(FILE *out, const struct conf_network *n, bool bgp)
{
    char buf[CONF_RT_STRLEN];

    if (!n->rd_auto)
        fprintf(out, "    rd: \"%s\"\n", conf_rd_format(&n->rd, buf));
    else if (bgp)
        fprintf(out, "    rd: auto # %s\n", conf_rd_format(&n->rd, buf));
    if (n->n_rt_import > 0) {
        fprintf(out, "    route_targets:\n");
        print_targets(out, "import", n->rt_import, n->n_rt_import);
        print_targets(out, "export", n->rt_export, n->n_rt_export);
    } else if (bgp) {
        fprintf(out, "    route_targets: auto\n");
    }
}

static void print_routers(FILE *out, const struct conf_network *n)
{
    if (n->n_routers > 0)
        fprintf(out, "    site_gateways:\n");
    for (size_t i = 0; i < n->n_routers; i++) {
        fprintf(out, "      - { address: ");
        print_address(out, &n->routers[i].address);
        fprintf(out, ", mac: ");
        print_mac(out, n->routers[i].mac);
        fprintf(out, " }\n");
    }
}

static void print_network(FILE *out, const struct conf_network *n, bool bgp)
{
    print_key_string(out, "  - name", n->name);
    if (n->vlan == CONF_VLAN_NONE)
        fprintf(out, "    vlan: untagged\n");
    else
        fprintf(out, "    vlan: %u\n", n->vlan);
    fprintf(out, "    vni: %" PRIu32 "\n", n->vni);
    print_mtu(out, "    ", n->mtu);
    fprintf(out, "    qinq: %s\n", truth(n->qinq));
    if (n->dscp == CONF_DSCP_INHERIT)
        fprintf(out, "    dscp: inherit\n");
    else
        fprintf(out, "    dscp: %u\n", n->dscp);
    fprintf(out, "    unknown_unicast: %s\n", n->flood_unknown ? "flood" : "drop");
    if (n->n_flood_macs > 0)
        fprintf(out, "    flood_macs:\n");
    for (size_t i = 0; i < n->n_flood_macs; i++) {
        fprintf(out, "      - ");
        print_mac(out, n->flood_macs[i]);
        putc('\n', out);
    }
    fprintf(out, "    limits:\n");
    print_limit(out, "      broadcast", n->limit_broadcast);
    print_limit(out, "      multicast", n->limit_multicast);
    print_limit(out, "      unknown_unicast", n->limit_unknown_unicast);
    print_limit(out, "    mac_limit", n->mac_limit);
    fprintf(out, "    ageing: %" PRIu32 "\n", n->ageing);
    if (n->n_static_macs > 0)
        fprintf(out, "    static_macs:\n");
    for (size_t i = 0; i < n->n_static_macs; i++)
        print_static_mac(out, &n->static_macs[i]);
    if (n->n_peers > 0)
        fprintf(out, "    peers:\n");
    for (size_t i = 0; i < n->n_peers; i++) {
        fprintf(out, "      - { address: ");
        print_address(out, &n->peers[i].address);
        fprintf(out, ", learning: %s }\n", on_off(n->peers[i].learning));
    }
    fprintf(out, "    proxy: %s\n", on_off(n->proxy));
    print_routers(out, n);
    print_network_bgp(out, n, bgp);
}

/* Any printable text, without escapes, which conf_tree.c does not take in numbers: in the quotes that it has
 * none of, or else as a block, which has none. */
static void print_password(FILE *out, const char *text)
{
    if (!strpbrk(text, "\"\\"))
        fprintf(out, "      password: \"%s\"\n", text);
    else if (!strchr(text, '\''))
        fprintf(out, "      password: '%s'\n", text);
    else
        fprintf(out, "      password: |2-\n        %s\n", text);
}

static void print_bgp_peer(FILE *out, const struct conf_bgp_peer *p, bool masked)
{
    fprintf(out, "    - address: ");
    print_address(out, &p->address);
    fprintf(out, "\n      asn: %" PRIu32 "\n", p->asn);
    if (p->name[0] != '\0')
        print_key_string(out, "      name", p->name);
    fprintf(out, "      source: ");
    print_address(out, &p->source);
    fprintf(out, "\n      port: %u\n      passive: %s\n", p->port, on_off(p->passive));
    if (p->password[0] != '\0')
        print_password(out, masked ? CONF_MASK : p->password);
    print_or_off(out, "      ttl_security", p->ttl_security);
    if (p->multihop != 0)
        fprintf(out, "      multihop: %u\n", p->multihop);
    print_limit(out, "      max_prefixes", p->max_prefixes);
    fprintf(out, "      max_prefixes_warning: %u\n", p->max_prefixes_warning);
    fprintf(out, "      graceful_restart: %s\n", on_off(p->graceful_restart));
    fprintf(out, "      default_encapsulation: %s\n", p->default_vxlan ? "vxlan" : "none");
}

static void print_bgp(FILE *out, const struct conf_bgp *b, bool masked)
{
    const struct ipaddr router_id = {4,
                                     {(uint8_t)(b->router_id >> 24), (uint8_t)(b->router_id >> 16),
                                      (uint8_t)(b->router_id >> 8), (uint8_t)b->router_id}};

    fprintf(out, "bgp:\n  asn: %" PRIu32 "\n  router_id: ", b->asn);
    print_address(out, &router_id);
    fprintf(out, "\n  source: ");
    print_address(out, &b->source);
    fprintf(out, "\n  port: %u\n  hold_time: %u\n", b->port, b->hold_time);
    if (b->hold_time != 0)
        fprintf(out, "  keepalive: %u\n", b->keepalive);
    fprintf(out, "  connect_retry: %u\n", b->connect_retry);
    print_or_off(out, "  graceful_restart", b->graceful_restart);
    fprintf(out, "  route_targets: %s", b->rt_form == CONF_RT_RFC8365 ? "rfc8365" : "auto");
    if (b->asn > UINT16_MAX)
        fprintf(out, " # with AS %" PRIu32 ", the low 16 bits of ours", b->asn & UINT16_MAX);
    fprintf(out, "\n  duplicate:\n");
    print_or_off(out, "    moves", b->duplicate_moves);
    fprintf(out, "    seconds: %" PRIu32 "\n    hold_down: %" PRIu32 "\n", b->duplicate_seconds,
            b->duplicate_hold_down);
    if (b->n_peers > 0)
        fprintf(out, "  peers:\n");
    for (size_t i = 0; i < b->n_peers; i++)
        print_bgp_peer(out, &b->peers[i], masked);
}

static void print_sites(FILE *out, const struct conf *c)
{
    if (c->n_sites > 0)
        fprintf(out, "sites:\n");
    for (size_t i = 0; i < c->n_sites; i++) {
        print_key_string(out, "  - name", c->sites[i].name);
        fprintf(out, "    vteps:\n");
        for (size_t v = 0; v < c->sites[i].n_vteps; v++) {
            fprintf(out, "      - ");
            print_address(out, &c->sites[i].vteps[v]);
            putc('\n', out);
        }
    }
}

static void print_moves(FILE *out, const struct conf_moves *m)
{
    fprintf(out, "moves:\n  announce:\n    repeats: %" PRIu32 "\n    interval: %" PRIu32 "\n", m->repeats,
            m->interval_ms);
    print_limit(out, "    limit", m->limit);
    print_or_off(out, "  bounce", m->bounce);
    if (m->journal[0] != '\0')
        print_key_string(out, "  journal", m->journal);
    fprintf(out, "  journal_size: %" PRIu32 "\n", m->journal_size);
}

static void print_fastpath(FILE *out, const struct conf_fastpath *f)
{
    static const char *const modes[] = {"auto", "on", "off"};

    fprintf(out, "fastpath:\n  mode: %s\n  persist: %s\n", modes[f->mode], f->persist ? "on" : "off");
    print_key_string(out, "  dir", f->dir);
    print_limit(out, "  punt_limit", f->punt_limit);
}

static void print_rest(FILE *out, const struct conf *c, bool masked)
{
    static const char *const hugepages[] = {"auto", "on", "off"};
    char buf[IPADDR_STRLEN];

    fprintf(out, "dataplane:\n  max_macs: %" PRIu32 "\n  workers: %" PRIu32 "\n  spread: %s\n",
            c->dataplane.max_macs, c->dataplane.workers, on_off(c->dataplane.spread));
    if (c->dataplane.cpu < 0)
        fprintf(out, "  cpu: any\n");
    else
        fprintf(out, "  cpu: %d\n", c->dataplane.cpu);
    fprintf(out, "  poll: %s\n  hugepages: %s\n", c->dataplane.busy_poll ? "busy" : "adaptive",
            hugepages[c->dataplane.hugepages]);
    print_fastpath(out, &c->fastpath);
    print_sites(out, c);
    print_moves(out, &c->moves);
    fprintf(out, "api:\n");
    print_key_string(out, "  socket", c->api_socket);
    if (c->bgp.on)
        print_bgp(out, &c->bgp, masked);
    if (c->metrics_address.family == 6)
        fprintf(out, "metrics:\n  listen: \"[%s]:%u\"\n", ipaddr_format(&c->metrics_address, buf),
                c->metrics_port);
    else if (c->metrics_address.family == 4)
        fprintf(out, "metrics:\n  listen: \"%s:%u\"\n", ipaddr_format(&c->metrics_address, buf),
                c->metrics_port);
}

static void print_log(FILE *out, const struct conf *c)
{
    fprintf(out, "log:\n  level: %s\n  format: %s\n", log_level_name(c->log_level),
            c->log_format == LOG_FORMAT_JSON ? "json" : "text");
}

static void print_conf(const struct conf *c, FILE *out, bool masked)
{
    print_key_string(out, "site", c->site);
    print_key_string(out, "gateway", c->gateway);
    print_underlay(out, &c->underlay);
    fprintf(out, "access:\n");
    for (size_t i = 0; i < c->n_access; i++)
        print_access(out, &c->access[i]);
    fprintf(out, "networks:\n");
    for (size_t i = 0; i < c->n_networks; i++)
        print_network(out, &c->networks[i], c->bgp.on);
    print_rest(out, c, masked);
    print_log(out, c);
}

void conf_print(const struct conf *c, FILE *out)
{
    print_conf(c, out, false);
}

void conf_print_masked(const struct conf *c, FILE *out)
{
    print_conf(c, out, true);
}
