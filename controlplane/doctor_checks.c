/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of checks, and those of the host. One thread.
 */
#include "controlplane/doctor_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEMLOCK_WANTED (UINT64_C(256) << 20) /* AF_XDP's packet buffers of a few ports, and maps */
#define NOFILE_WANTED  512u                  /* API and exporter clients, sockets of ports and peers */
#define RP_STRICT      1

static bool mentions(const struct doctor_port *p)
{
    return p->xdp && p->exists;
}

/* ---- ports */

static void check_interfaces(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        char todo[DOCTOR_TEXT];

        if (!p->xdp)
            continue;
        snprintf(todo, sizeof(todo), "ip link set %s up; ip link show %s", p->interface, p->interface);
        if (!p->exists)
            doctor_say(c, DOCTOR_PROBLEM, "ip link", "%s: there is no interface %s", p->name, p->interface);
        else if (p->up == DOCTOR_NO)
            doctor_say(c, DOCTOR_PROBLEM, todo, "%s: interface %s is down, or has no link", p->name,
                       p->interface);
    }
}

static void check_driver(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        const char *driver = p->driver[0] ? p->driver : "a driver that does not say its name";

        if (!mentions(p))
            continue;
        if (strcmp(p->mode, "generic") == 0)
            doctor_say(
                c, DOCTOR_WARNING,
                "take a NIC whose driver has XDP, give it to DPDK (underlay.port.pci), or reduce its MTU",
                "%s: %s (%s) runs XDP in generic mode, which is several times slower", p->name, p->interface,
                driver);
        else if (p->mode[0] == '\0')
            doctor_say(c, DOCTOR_CANNOT_TELL, "causewayctl show fastpath, once the gateway runs",
                       "%s: whether %s (%s) has XDP in its driver shows when the gateway runs", p->name,
                       p->interface, driver);
        else
            doctor_say(c, DOCTOR_OK, "", "%s: %s (%s) runs XDP in its driver", p->name, p->interface, driver);
    }
}

static void check_wan_mtu(const struct doctor_facts *f, struct doctor_check *c, const struct doctor_port *p)
{
    unsigned needed = p->wanted + conf_overhead(f->conf), has = p->mtu;
    char todo[DOCTOR_TEXT];

    if (f->conf->underlay.mtu && (has == 0 || f->conf->underlay.mtu < has))
        has = f->conf->underlay.mtu;
    if (has == 0) {
        doctor_say(c, DOCTOR_CANNOT_TELL, "causewayctl show ports", "the underlay's MTU is not known");
    } else if (has < needed) {
        snprintf(todo, sizeof(todo),
                 "ip link set %s mtu %u, and on all routers of the WAN; or mtu: %u for the network",
                 p->interface, needed, has > conf_overhead(f->conf) ? has - conf_overhead(f->conf) : 0);
        doctor_say(c, DOCTOR_PROBLEM, todo,
                   "the underlay has MTU %u, but network %s needs %u: packets of %u and %u bytes of VXLAN",
                   has, p->wanted_for, needed, p->wanted, conf_overhead(f->conf));
    } else {
        doctor_say(c, DOCTOR_OK, "", "the underlay's MTU of %u is enough: %u are needed", has, needed);
    }
}

/* R1.7, here; check_path() looks at the way. */
static void check_mtu(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        char todo[DOCTOR_TEXT];

        if (p->wanted == 0)
            continue;
        if (p->xdp && !p->exists) {
            doctor_say(c, DOCTOR_CANNOT_TELL, "ip link", "%s has no interface, and so no MTU", p->name);
        } else if (p->underlay) {
            check_wan_mtu(f, c, p);
        } else if (p->mtu && p->mtu < p->wanted) {
            snprintf(todo, sizeof(todo), "ip link set %s mtu %u", p->interface, p->wanted);
            doctor_say(c, DOCTOR_PROBLEM, todo, "%s has MTU %u, but network %s needs %u", p->name, p->mtu,
                       p->wanted_for, p->wanted);
        } else if (p->mtu > p->wanted && p->wanted_is_default) {
            doctor_say(
                c, DOCTOR_WARNING, "say how long packets may be: mtu: in the network",
                "%s has MTU %u, and its networks do not say theirs: what is longer than %u bytes may not "
                "fit the WAN",
                p->name, p->mtu, p->wanted);
        }
    }
}

/* A tag that the NIC takes away is one that XDP does not see. */
static void check_rx_vlan(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        char todo[DOCTOR_TEXT];

        if (!mentions(p) || p->underlay)
            continue;
        snprintf(todo, sizeof(todo), "ethtool -K %s rxvlan off", p->interface);
        if (p->rx_vlan == DOCTOR_UNKNOWN)
            doctor_say(c, DOCTOR_CANNOT_TELL, todo, "%s: %s does not say whether it strips VLAN tags",
                       p->name, p->interface);
        else if (p->rx_vlan == DOCTOR_YES && f->gateway == DOCTOR_RUNS)
            doctor_say(c, DOCTOR_PROBLEM, todo,
                       "%s: receive VLAN offload of %s is on (the gateway had it off): tagged frames come in "
                       "without their tags",
                       p->name, p->interface);
        else if (p->rx_vlan == DOCTOR_YES)
            doctor_say(c, DOCTOR_OK, "", "%s: receive VLAN offload of %s is on; the gateway will turn it off",
                       p->name, p->interface);
    }
}

static void check_merging(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        char todo[DOCTOR_TEXT];

        if (!mentions(p))
            continue;
        snprintf(todo, sizeof(todo), "ethtool -K %s lro off rx-gro-hw off", p->interface);
        if (p->lro == DOCTOR_YES || p->gro_hw == DOCTOR_YES)
            doctor_say(c, DOCTOR_PROBLEM, todo,
                       "%s: %s merges packets in hardware (%s): what comes in is longer than any MTU",
                       p->name, p->interface, p->lro == DOCTOR_YES ? "LRO" : "GRO");
        else if (p->lro == DOCTOR_UNKNOWN && p->gro_hw == DOCTOR_UNKNOWN)
            doctor_say(c, DOCTOR_CANNOT_TELL, todo, "%s: %s does not say whether it merges packets", p->name,
                       p->interface);
    }
}

static bool is_virtual(const struct doctor_port *p)
{
    return strcmp(p->driver, "veth") == 0 || strcmp(p->driver, "tun") == 0;
}

/* Who sends by a veth or a tap leaves the checksum to a NIC that is not there. */
static void check_checksum(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        char todo[DOCTOR_TEXT];

        if (!mentions(p) || p->underlay || !is_virtual(p))
            continue;
        if (strcmp(p->driver, "tun") == 0)
            snprintf(todo, sizeof(todo), "in QEMU: -device virtio-net-pci,csum=off,guest_csum=off,...");
        else if (p->checksum_at[0])
            snprintf(todo, sizeof(todo), "ethtool -K %s tx off", p->checksum_at);
        else
            snprintf(todo, sizeof(todo),
                     "in the host or namespace at its other end: ethtool -K DEVICE tx off");
        if (p->checksum == DOCTOR_YES)
            doctor_say(
                c, DOCTOR_WARNING, todo,
                "%s: %s leaves transmit checksums unfinished, and XDP does not finish them: TCP and UDP "
                "through %s may fail while ping works",
                p->name, p->checksum_at, p->interface);
        else if (p->checksum == DOCTOR_UNKNOWN)
            doctor_say(
                c, DOCTOR_CANNOT_TELL, todo,
                "%s: the other end of %s (%s) is out of sight: its transmit checksum offload must be off",
                p->name, p->interface, p->driver);
    }
}

static void check_rp_filter(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct doctor_port *p = &f->ports[i];
        char todo[DOCTOR_TEXT];

        if (!p->underlay)
            continue;
        snprintf(todo, sizeof(todo), "sysctl net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.%s.rp_filter=2",
                 p->interface);
        if (p->rp_filter < 0)
            doctor_say(c, DOCTOR_CANNOT_TELL, todo, "the reverse path filter of %s cannot be read",
                       p->interface);
        else if (p->rp_filter == RP_STRICT && f->conf->underlay.address.family == 4)
            doctor_say(c, DOCTOR_WARNING, todo,
                       "rp_filter of %s is strict: what comes from a peer to whom another interface leads is "
                       "dropped without a word",
                       p->interface);
    }
}

/* ---- the machine */

static void check_hugepages(const struct doctor_facts *f, struct doctor_check *c)
{
    static const char todo[] = "sysctl vm.nr_hugepages=512 (and in /etc/sysctl.d), then restart the gateway";
    enum conf_hugepages wanted = f->conf ? f->conf->dataplane.hugepages : CONF_HUGEPAGES_AUTO;

    if (f->gateway == DOCTOR_RUNS && f->gateway_hugepages == DOCTOR_YES)
        doctor_say(c, DOCTOR_OK, "", "the gateway's packet buffers are in hugepages");
    else if (wanted == CONF_HUGEPAGES_OFF)
        doctor_say(c, DOCTOR_OK, "", "hugepages are switched off in the configuration");
    else if (f->gateway == DOCTOR_RUNS && f->gateway_hugepages == DOCTOR_NO)
        doctor_say(c, DOCTOR_WARNING, todo, "the gateway runs without hugepages, which is slower");
    else if (!f->hugepages_known)
        doctor_say(c, DOCTOR_CANNOT_TELL, "grep Huge /proc/meminfo",
                   "the number of hugepages cannot be read");
    else if (f->hugepages_free == 0)
        doctor_say(c, wanted == CONF_HUGEPAGES_ON ? DOCTOR_PROBLEM : DOCTOR_WARNING, todo,
                   f->hugepages ? "all %" PRIu64 " hugepages are in use"
                                : "there are no hugepages (%" PRIu64 ")",
                   f->hugepages);
}

static void check_clock(const struct doctor_facts *f, struct doctor_check *c)
{
    static const char todo[] = "apt-get install chrony; timedatectl";

    if (f->clock_synchronised == DOCTOR_UNKNOWN)
        doctor_say(c, DOCTOR_CANNOT_TELL, todo, "the kernel does not say whether its clock is synchronised");
    else if (f->clock_synchronised == DOCTOR_NO)
        doctor_say(c, DOCTOR_WARNING, todo,
                   "the clock is not synchronised: the logs of two sites cannot be laid side by side");
}

static void check_limits(const struct doctor_facts *f, struct doctor_check *c)
{
    if (!f->limits_known) {
        doctor_say(c, DOCTOR_CANNOT_TELL, "as root: causewayctl doctor",
                   "the gateway's limits cannot be read");
        return;
    }
    if (f->memlock < MEMLOCK_WANTED)
        doctor_say(c, DOCTOR_WARNING, "LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited",
                   "only %" PRIu64
                   " KiB may be locked in memory; AF_XDP and its maps want more on most kernels",
                   f->memlock >> 10);
    if (f->nofile < NOFILE_WANTED)
        doctor_say(c, DOCTOR_WARNING, "LimitNOFILE=65536 in the unit, or ulimit -n 65536",
                   "only %" PRIu64 " files may be open: ports, peers and clients want more", f->nofile);
}

/* ---- the firewall */

static void firewall(struct doctor_check *c, const struct doctor_firewall *w, enum doctor_verdict blocked,
                     const char *what, const char *todo)
{
    if (w->pass == DOCTOR_BLOCKED)
        doctor_say(c, blocked, todo, "%s is dropped by this host's firewall: %s", what, w->rule);
    else if (w->pass == DOCTOR_PASS_UNKNOWN)
        doctor_say(c, DOCTOR_CANNOT_TELL, todo, "whether %s passes this host's firewall: %s", what,
                   w->rule[0] ? w->rule : "not known");
}

/* Where all sessions are up by connections of our own, it is still how they fail when the peers must connect.
 */
static enum doctor_verdict bgp_blocked(const struct doctor_facts *f)
{
    for (size_t i = 0; i < f->n_peers; i++)
        if (!f->peers[i].established)
            return DOCTOR_PROBLEM;
    return f->n_peers ? DOCTOR_WARNING : DOCTOR_PROBLEM;
}

static void check_firewall(const struct doctor_facts *f, struct doctor_check *c)
{
    char todo[DOCTOR_TEXT], what[64];
    unsigned port = f->conf ? f->conf->underlay.vxlan_port : 4789;

    snprintf(what, sizeof(what), "VXLAN (UDP %u)", port);
    snprintf(todo, sizeof(todo), "nft list ruleset; let UDP %u in, here and at all firewalls on the way",
             port);
    /* What we take from a NIC never gets to the kernel's firewall. A rule of that kind hints at the others.
     */
    firewall(c, &f->vxlan_in, DOCTOR_WARNING, what, todo);
    port = f->conf && f->conf->bgp.on ? f->conf->bgp.port : 179;
    snprintf(what, sizeof(what), "BGP (TCP %u) to this host", port);
    snprintf(todo, sizeof(todo), "nft list ruleset; let TCP %u in and out", port);
    if (f->conf && !f->conf->bgp.on)
        return;
    firewall(c, &f->bgp_in, bgp_blocked(f), what, todo);
    snprintf(what, sizeof(what), "BGP (TCP %u) from this host", port);
    firewall(c, &f->bgp_out, bgp_blocked(f), what, todo);
}

/* ---- all of them */

#define CONF  DOCTOR_NEEDS_CONF
#define RUNS  DOCTOR_NEEDS_GATEWAY
#define PORTS (DOCTOR_NEEDS_CONF | DOCTOR_NEEDS_PORTS)

const struct doctor_rule doctor_rules[] = {
    {"gateway", 0, "the gateway runs, and its ports are up", doctor_check_gateway},
    {"interfaces", CONF, "all interfaces are there and up", check_interfaces},
    {"driver", PORTS, "nothing to say", check_driver},
    {"mtu", CONF, "the ports' MTUs are enough", check_mtu},
    {"rx-vlan", PORTS, "no access port strips VLAN tags", check_rx_vlan},
    {"lro-gro", PORTS, "no port merges packets in hardware", check_merging},
    {"checksum", PORTS, "no access port gets unfinished checksums", check_checksum},
    {"hugepages", 0, "there are free hugepages", check_hugepages},
    {"clock", 0, "the clock is synchronised", check_clock},
    {"limits", 0, "memory to lock and files to open are enough", check_limits},
    {"rp-filter", CONF, "the underlay's reverse path filter is not strict", check_rp_filter},
    {"firewall", 0, "VXLAN and BGP pass this host's firewall", check_firewall},
    {"peers", RUNS, "all BGP sessions are up", doctor_check_peers},
    {"vni", RUNS, "all sites have the same VNIs (VLAN numbers are each site's own)", doctor_check_vnis},
    {"networks", RUNS, "every network has another site", doctor_check_networks},
    {"vteps", RUNS, "the way to every VTEP is resolved", doctor_check_vteps},
    {"path-mtu", RUNS, "no VTEP to measure the way to", doctor_check_path},
    {"duplicates", RUNS, "no MAC is frozen as a duplicate", doctor_check_duplicates},
    {"drops", RUNS, "no drops that mean a fault while the doctor looked", doctor_check_drops},
    {NULL, 0, NULL, NULL},
};
