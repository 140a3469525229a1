/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What of an earlier process's maps goes on: ids, VTEPs, MACs of every kind, and what becomes of them when
 * the peers have told all. The MAC table and the topology are real; the maps, the data planes and the
 * underlay are made up here.
 */
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "controlplane/network_ids.h"
#include "controlplane/overlay.h"
#include "ebpf/fastpath.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#define MANY      16
#define NS_PER_S  1000000000ull
#define WEB       1
#define DB        2
#define TRUNK     1
#define LAB       2
#define STATIC_ID 1 /* 198.18.0.8, learned from in web */
#define TOLD_ID   2 /* 198.18.0.3, by BGP */

static const char yaml[] =
    "site: paris\ngateway: paris-1\n"
    "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
    "access: [ { name: trunk, interface: lan0 }, { name: lab, interface: lan1, networks: [web] } ]\n"
    "networks:\n"
    "  - { name: web, vlan: 100, vni: 10100, ageing: 300, mac_limit: 4,\n"
    "      peers: [ { address: 198.18.0.8, learning: on } ] }\n"
    "  - { name: db, vlan: 200, vni: 10200, ageing: 0, peers: [ { address: 198.18.0.8 } ] }\n"
    "bgp: { asn: 65000, peers: [ { address: 198.18.0.3 } ] }\n";

/* ---- the maps, and both FDBs as one */

struct entry {
    bool there;
    dp_net_id net;
    struct mac mac;
    struct dp_dest dest;
    mono_t seen;
};

static struct entry map[MANY];    /* the fast path's */
static struct entry worker[MANY]; /* what was programmed since */
static struct fastpath_kept kept;
static bool was_taken_over, flushed, all_told, detached;
static unsigned changes, tracked;
static int track_rc;
static const char *device_of_lab; /* when it is not the kernel's */
static struct gateway g;
static struct gateway_private priv;
static struct gateway_network networks[2];

static struct entry *find(struct entry *table, dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < MANY; i++)
        if (table[i].there && table[i].net == net && mac_eq(table[i].mac, mac))
            return &table[i];
    return NULL;
}

static void put(struct entry *table, struct entry e)
{
    struct entry *old = find(table, e.net, e.mac);

    for (unsigned i = 0; !old && i < MANY; i++)
        if (!table[i].there)
            old = &table[i];
    ck_assert_ptr_nonnull(old);
    e.there = true;
    *old = e;
}

struct fastpath *fwd_fastpath(const struct forwarding *f)
{
    return detached ? NULL : (struct fastpath *)f;
}

const struct fastpath *gateway_fastpath(const struct gateway *gw)
{
    return (const struct fastpath *)gw->fwd;
}

int fwd_fdb_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)f;
    put(worker, (struct entry){.net = net, .mac = mac, .dest = dest, .seen = mono_now()});
    put(map, (struct entry){.net = net, .mac = mac, .dest = dest});
    return 0;
}

int fwd_fdb_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    struct entry *e = find(worker, net, mac), *m = find(map, net, mac);

    (void)f;
    if (m)
        m->there = false;
    if (e)
        e->there = false;
    return e ? 0 : -ENOENT;
}

void fwd_fdb_set_seen(struct forwarding *f, dp_net_id net, struct mac mac, mono_t seen)
{
    (void)f;
    find(worker, net, mac)->seen = seen;
}

bool fastpath_taken_over(const struct fastpath *fp)
{
    (void)fp;
    return was_taken_over;
}

void fastpath_kept(const struct fastpath *fp, struct fastpath_kept *out)
{
    (void)fp;
    *out = kept;
}

/* All of them sent for web. */
bool fastpath_kept_member(const struct fastpath *fp, dp_net_id net, dp_vtep_id vtep)
{
    (void)fp, (void)vtep;
    return net == WEB;
}

void fastpath_flush(struct fastpath *fp)
{
    (void)fp;
    flushed = true;
    memset(map, 0, sizeof(map));
}

size_t fastpath_fdb_next(const struct fastpath *fp, struct fastpath_cursor *cursor, struct fastpath_mac *out,
                         size_t n)
{
    size_t got = 0;

    (void)fp;
    for (; cursor->at < MANY && got < n; cursor->at++) {
        const struct entry *e = &map[cursor->at];

        if (e->there)
            out[got++] =
                (struct fastpath_mac){.net = e->net, .mac = e->mac, .dest = e->dest, .seen = e->seen};
    }
    return got;
}

/* ---- the gateway */

void dp_port_status(struct dp *dp, dp_port_id port, struct dp_port_status *out)
{
    (void)dp;
    *out = (struct dp_port_status){.device = "lo"};
    if (!gateway_port(&g, port)->xdp)
        snprintf(out->device, sizeof(out->device), "%s", device_of_lab);
}

int underlay_track(struct underlay *u, const struct ipaddr *vtep)
{
    (void)u, (void)vtep;
    tracked++;
    return track_rc;
}

bool overlay_all_told(const struct overlay *o)
{
    (void)o;
    return all_told;
}

void gateway_topology_changed(struct gateway *gw)
{
    (void)gw;
    changes++;
}

struct mac gateway_own_mac(const struct gateway *gw)
{
    (void)gw;
    return (struct mac){{2, 0x43, 0x46, 18, 0, 1}};
}

void neighbor_settle(struct neighbors *n)
{
    (void)n;
}

dp_vtep_id gateway_vtep_find(const struct gateway *gw, const struct ipaddr *address)
{
    for (unsigned i = 0; i < gw->n_vteps; i++)
        if (ipaddr_eq(&gw->vteps[i].address, address))
            return gw->vteps[i].id;
    return 0;
}

const struct gateway_vtep *gateway_vtep(const struct gateway *gw, dp_vtep_id id)
{
    return id >= 1 && id <= gw->n_vteps && gw->vteps[id - 1].address.family ? &gw->vteps[id - 1] : NULL;
}

const struct gateway_network *gateway_network(const struct gateway *gw, dp_net_id id)
{
    for (unsigned i = 0; i < gw->n_networks; i++)
        if (gw->networks[i].id == id)
            return &gw->networks[i];
    return NULL;
}

const struct gateway_port *gateway_port(const struct gateway *gw, dp_port_id id)
{
    for (unsigned i = 0; i < gw->n_ports; i++)
        if (gw->ports[i].id == id)
            return &gw->ports[i];
    return NULL;
}

const struct gateway_peer *gateway_peers(const struct gateway *gw, dp_net_id net, size_t *n)
{
    *n = gw->priv->topology.lists[net - 1].n;
    return gw->priv->topology.lists[net - 1].peers;
}

/* ---- the MAC table's ops */

static int program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)arg;
    return fwd_fdb_set(NULL, net, mac, dest);
}

static void take_out(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg;
    fwd_fdb_del(NULL, net, mac);
}

static bool seen(void *arg, dp_net_id net, struct mac mac, mono_t *at)
{
    const struct entry *e = find(worker, net, mac);

    (void)arg;
    if (e)
        *at = e->seen;
    return e != NULL;
}

static void alert(void *arg, const struct mac_alert_info *info)
{
    (void)arg, (void)info;
}

static const struct mactable_ops ops = {.program = program, .remove = take_out, .seen = seen, .alert = alert};

static struct ipaddr ip(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

static struct mac mac_n(unsigned n)
{
    return (struct mac){{2, 0, 0x5e, 0, 0, (uint8_t)n}};
}

static void setup(void)
{
    struct conf_errors errors = {0};

    memset(&g, 0, sizeof(g));
    memset(&priv, 0, sizeof(priv));
    memset(map, 0, sizeof(map));
    memset(worker, 0, sizeof(worker));
    was_taken_over = true;
    flushed = all_told = false;
    changes = tracked = 0;
    track_rc = 0;
    device_of_lab = "net_ring0";
    g.conf = conf_load_string("test", yaml, strlen(yaml), &errors);
    ck_assert_msg(g.conf != NULL, "%s", errors.n ? errors.text[0] : "?");
    conf_errors_free(&errors);
    g.priv = &priv;
    g.fwd = (struct forwarding *)map;
    g.overlay = (struct overlay *)map; /* nobody looks into it */
    g.networks = networks;
    g.n_networks = 2;
    for (unsigned i = 0; i < 2; i++)
        networks[i] = (struct gateway_network){.id = (dp_net_id)(i + 1), .conf = &g.conf->networks[i]};
    g.n_ports = 3;
    for (unsigned i = 0; i < 3; i++)
        g.ports[i] = (struct gateway_port){
            .id = (dp_port_id)i, .access = i ? &g.conf->access[i - 1] : NULL, .xdp = (struct xdp *)map};
    g.max_vteps = DP_MAX_VTEPS - 1;
    g.vteps = calloc(DP_MAX_VTEPS, sizeof(*g.vteps));
    g.vteps[0] = (struct gateway_vtep){.id = STATIC_ID, .address = ip("198.18.0.8"), .is_static = true};
    g.n_vteps = 1;
    g.max_networks = 2;
    g.started = mono_now();
    g.macs = mactable_new(64, &ops, NULL);
    for (dp_net_id net = WEB; net <= DB; net++)
        mactable_set_network(g.macs, net, g.conf->networks[net - 1].ageing,
                             g.conf->networks[net - 1].mac_limit);
    memset(&kept, 0, sizeof(kept));
    kept.n_ports = 3;
    kept.n_nets = kept.n_vteps = 3;
    for (unsigned i = 0; i < 3; i++)
        kept.ifindex[i] = if_nametoindex("lo");
    kept.vni[WEB] = 10100;
    kept.vni[DB] = 10200;
    kept.vtep[STATIC_ID] = ip("198.18.0.8");
    kept.vtep[TOLD_ID] = ip("198.18.0.3");
}

static void teardown(void)
{
    detached = false;
    gateway_takeover_end(&g);
    free(priv.takeover);
    topology_free(&priv.topology);
    mactable_free(g.macs);
    conf_free((struct conf *)g.conf);
    free(g.vteps);
}

static void expect_hop(unsigned id, bool resolved, unsigned last)
{
    const struct dp_vtep *v = &priv.topology.dp.vteps[id - 1];

    ck_assert_uint_eq(v->id, id);
    ck_assert(v->resolved == resolved);
    ck_assert(!resolved || v->next_hop.b[5] == last);
}

static void begin(void)
{
    char err[256] = "";

    ck_assert_msg(gateway_takeover_look(&g, err, sizeof(err)) == 0, "%s", err);
    ck_assert_msg(gateway_takeover_begin(&g, err, sizeof(err)) == 0, "%s", err);
    ck_assert_int_eq(topology_init(&priv.topology, &g, 0), 0);
    ck_assert_int_eq(gateway_takeover_lists(&g), 0);
}

/* In the map: a MAC at a place, last seen that many seconds ago; 0: never. */
static void had(dp_net_id net, unsigned n, enum dp_where where, uint16_t target, unsigned ago)
{
    put(map, (struct entry){.net = net,
                            .mac = mac_n(n),
                            .dest = {.where = where, .target = target},
                            .seen = {ago ? mono_now().ns - ago * NS_PER_S : 0}});
}

static bool is_in(struct entry *table, dp_net_id net, unsigned n, enum dp_where where, uint16_t target)
{
    const struct entry *e = find(table, net, mac_n(n));

    return e && e->dest.where == where && e->dest.target == target;
}

/* ---- tests */

START_TEST(test_nothing_was_there)
{
    was_taken_over = false;
    begin();
    gateway_takeover_macs(&g);
    gateway_takeover_poll(&g);
    ck_assert(!gateway_takeover_info(&g).happened && !flushed);
    ck_assert_uint_eq(g.n_vteps, 1);
}
END_TEST

START_TEST(test_vteps_keep_their_ids)
{
    size_t n;

    kept.n_vteps = 6;
    kept.vtep[5] = ip("198.18.0.5"); /* 3 and 4 were free */
    begin();
    ck_assert(gateway_takeover_info(&g).happened && gateway_takeover_info(&g).waiting);
    ck_assert_uint_eq(gateway_takeover_info(&g).vteps, 2);
    ck_assert_uint_eq(tracked, 2);
    ck_assert_uint_eq(g.n_vteps, 5);
    ck_assert(g.vteps[TOLD_ID - 1].kept && ipaddr_eq(&g.vteps[TOLD_ID - 1].address, &kept.vtep[TOLD_ID]));
    ck_assert(!gateway_vtep(&g, 3) && !gateway_vtep(&g, 4) && gateway_vtep(&g, 5)->id == 5);
    ck_assert(g.vteps[0].is_static && !g.vteps[0].kept);
    /* They may send where they sent. */
    (void)gateway_peers(&g, WEB, &n);
    ck_assert_uint_eq(n, 3);
    (void)gateway_peers(&g, DB, &n);
    ck_assert_uint_eq(n, 1);
}
END_TEST

/* The kernel need not have the neighbours any more: frames go on to where they went until it says something.
 */
START_TEST(test_next_hops_are_kept_until_the_kernel_speaks)
{
    struct underlay_link link = {.mtu = 1600};
    struct underlay_hop fixed = {.state = UNDERLAY_NO_NEIGHBOUR, .mtu = 1600}, told = fixed;
    const struct underlay_hop *hops[] = {&fixed, &told};

    kept.next_hop[STATIC_ID] = mac_n(8);
    kept.next_hop[TOLD_ID] = mac_n(3);
    begin();
    gateway_takeover_hops(&g, hops);
    ck_assert_int_eq(topology_update(&priv.topology, &g, &link, hops), 0);
    expect_hop(STATIC_ID, true, 8);
    expect_hop(TOLD_ID, true, 3);
    told.state = UNDERLAY_NO_ROUTE;
    fixed.state = UNDERLAY_RESOLVED;
    fixed.mac = mac_n(9);
    gateway_takeover_hops(&g, hops);
    ck_assert_int_eq(topology_update(&priv.topology, &g, &link, hops), 0);
    expect_hop(STATIC_ID, true, 9);
    expect_hop(TOLD_ID, false, 0);
    told.state = fixed.state = UNDERLAY_NO_NEIGHBOUR;
    gateway_takeover_hops(&g, hops);
    ck_assert_int_eq(topology_update(&priv.topology, &g, &link, hops), 0);
    expect_hop(STATIC_ID, false, 0);
    expect_hop(TOLD_ID, false, 0);
}
END_TEST

START_TEST(test_next_hops_are_not_kept_for_ever)
{
    struct underlay_link link = {.mtu = 1600};
    struct underlay_hop hop = {.state = UNDERLAY_NO_NEIGHBOUR, .mtu = 1600};
    const struct underlay_hop *hops[] = {&hop, &hop};

    kept.next_hop[TOLD_ID] = mac_n(3);
    begin();
    gateway_takeover_end(&g);
    ck_assert_int_eq(topology_update(&priv.topology, &g, &link, hops), 0);
    expect_hop(STATIC_ID, false, 0); /* it was not resolved before */
    expect_hop(TOLD_ID, false, 0);
}
END_TEST

START_TEST(test_no_memory_for_a_vtep)
{
    char err[256] = "";

    track_rc = -ENOMEM;
    ck_assert_int_eq(gateway_takeover_look(&g, err, sizeof(err)), 0);
    ck_assert_int_eq(gateway_takeover_begin(&g, err, sizeof(err)), -ENOMEM);
    ck_assert_str_ne(err, "");
}
END_TEST

/* An id that means something else, and all MACs are forgotten. */
START_TEST(test_ids_that_mean_something_else)
{
    static const struct ipaddr none;

    switch (_i) {
    case 0:
        kept.ifindex[TRUNK]++;
        break;
    case 1:
        kept.vni[DB] = 10300;
        break;
    case 2: /* a static peer with an id of another */
        kept.vtep[STATIC_ID] = ip("198.18.0.9");
        break;
    case 3: /* one that became static has another id now */
        kept.vtep[STATIC_ID] = none;
        kept.vtep[TOLD_ID] = ip("198.18.0.8");
        break;
    case 4: /* the programs saw another configuration, and wait */
        memset(&kept, 0, sizeof(kept));
        break;
    default: /* a port that XDP does not have any more */
        g.ports[LAB].xdp = NULL;
    }
    had(WEB, 1, DP_WHERE_PORT, TRUNK, 1);
    begin();
    gateway_takeover_macs(&g);
    ck_assert(flushed && !gateway_takeover_info(&g).happened);
    ck_assert_uint_eq(g.n_vteps, 1);
    ck_assert_uint_eq(mactable_count(g.macs), 0);
}
END_TEST

/* A reload had taken away a port, a network and a static peer, and put in others. */
START_TEST(test_places_have_the_ids_that_they_had)
{
    struct network_ids *ids = network_ids_new(8);
    struct gateway_network *planned;
    const struct ipaddr fixed = ip("198.18.0.8"), told = ip("198.18.0.3"), unknown = ip("198.18.0.7");
    char err[256] = "";

    kept.ifindex[0] = 70;
    kept.ifindex[TRUNK] = 0;
    kept.ifindex[LAB] = 72;
    kept.ifindex[5] = 75;
    kept.device[3] = gateway_takeover_device("net_ring0");
    kept.device[6] = gateway_takeover_device("lan9");
    memset(kept.vni, 0, sizeof(kept.vni));
    kept.vni[4] = 10100;
    kept.n_nets = 5;
    ck_assert_int_eq(gateway_takeover_look(&g, err, sizeof(err)), 0);
    g.n_ports = g.n_vteps = 0;
    ck_assert_int_eq(gateway_takeover_port(&g, 75, "a"), 5);
    ck_assert_int_eq(gateway_takeover_port(&g, 72, "b"), LAB);
    ck_assert_int_eq(gateway_takeover_port(&g, 99, "c"), -ENOENT); /* that ends the fast path of before */
    ck_assert_int_eq(gateway_takeover_port(&g, 0, "net_ring0"), 3);
    ck_assert_int_eq(gateway_takeover_port(&g, 98, "lan9"), 6); /* the fast path did not serve it */
    ck_assert_int_eq(gateway_takeover_port(&g, 0, "net_ring1"), 1);
    g.ports[g.n_ports++].id = 1;
    ck_assert_int_eq(gateway_takeover_port(&g, 0, "net_ring1"), 4);
    ck_assert_uint_eq(gateway_takeover_vtep(&g, &fixed), STATIC_ID);
    ck_assert_uint_eq(gateway_takeover_vtep(&g, &told), TOLD_ID);
    ck_assert_uint_eq(gateway_takeover_vtep(&g, &unknown), 3);
    g.n_vteps = 3;
    ck_assert_uint_eq(gateway_takeover_vtep(&g, &unknown), 0); /* there is none above in use */
    gateway_takeover_networks(&g, ids);
    ck_assert_int_eq(network_ids_plan(ids, NULL, 0, g.conf, mono_now(), &planned), 0);
    ck_assert(planned[0].id == 4 && planned[1].id == 1);
    /* What a reload puts in later has nothing to do with it. */
    priv.running = true;
    ck_assert_int_eq(gateway_takeover_port(&g, 72, "b"), -ENOENT);
    ck_assert_uint_eq(gateway_takeover_vtep(&g, &told), 0);
    free(planned);
    network_ids_free(ids);
}
END_TEST

START_TEST(test_macs_after_a_reload)
{
    /* The trunk was put in later; a port that is not the kernel's has the id of one that is gone. */
    g.ports[TRUNK].id = 4;
    g.ports[LAB].id = 3;
    g.ports[LAB].xdp = NULL;
    memset(kept.ifindex, 0, sizeof(kept.ifindex));
    kept.ifindex[0] = kept.ifindex[4] = if_nametoindex("lo");
    kept.n_ports = 5;
    /* Networks count down here. */
    networks[0].id = DB;
    networks[1].id = WEB;
    kept.vni[DB] = 10100;
    kept.vni[WEB] = 10200;
    had(DB, 1, DP_WHERE_PORT, 4, 1);
    had(DB, 2, DP_WHERE_PORT, 3, 1);
    had(DB, 3, DP_WHERE_PORT, LAB, 1);
    begin();
    gateway_takeover_macs(&g);
    ck_assert(!flushed && gateway_takeover_info(&g).happened);
    ck_assert(is_in(map, DB, 1, DP_WHERE_PORT, 4) && mactable_find(g.macs, DB, mac_n(1)));
    ck_assert_uint_eq(mactable_count(g.macs), 1);
    ck_assert_uint_eq(gateway_takeover_info(&g).dropped, 2);
}
END_TEST

/* One that is not the kernel's is the one that it was (0), another one (1), or nobody knows (2), in which
 * case only its own MACs are not taken. */
START_TEST(test_macs_at_a_port_of_no_interface)
{
    kept.ifindex[LAB] = 0;
    kept.device[LAB] = _i < 2 ? gateway_takeover_device("net_ring0") : 0;
    g.ports[LAB].xdp = NULL;
    device_of_lab = _i == 1 ? "net_ring1" : "net_ring0";
    had(WEB, 1, DP_WHERE_PORT, LAB, 1);
    had(WEB, 2, DP_WHERE_PORT, TRUNK, 1);
    begin();
    gateway_takeover_macs(&g);
    ck_assert_int_eq(flushed, _i == 1);
    ck_assert_int_eq(mactable_find(g.macs, WEB, mac_n(1)) != NULL, _i == 0);
    ck_assert_int_eq(find(map, WEB, mac_n(1)) != NULL, _i == 0);
    ck_assert_int_eq(mactable_find(g.macs, WEB, mac_n(2)) != NULL, _i != 1);
}
END_TEST

/* An id of the kernel's port is one of DPDK's now, and the other way round. */
START_TEST(test_ports_of_the_other_kind)
{
    if (_i == 0) {
        g.ports[LAB].xdp = NULL;
    } else {
        kept.ifindex[LAB] = 0;
        kept.device[LAB] = gateway_takeover_device("net_ring0");
    }
    had(WEB, 2, DP_WHERE_PORT, TRUNK, 1);
    begin();
    ck_assert(flushed && !gateway_takeover_info(&g).happened);
}
END_TEST

START_TEST(test_macs_at_ports)
{
    const struct mac_entry *e;

    had(WEB, 1, DP_WHERE_PORT, TRUNK, 100);
    had(WEB, 2, DP_WHERE_PORT, TRUNK, 0);
    had(WEB, 3, DP_WHERE_PORT, TRUNK, 301); /* too old */
    had(DB, 3, DP_WHERE_PORT, TRUNK, 9000); /* nothing ages here */
    had(DB, 4, DP_WHERE_PORT, LAB, 1);      /* the port does not carry it any more */
    had(WEB, 5, DP_WHERE_PORT, 7, 1);       /* no such port */
    had(3, 6, DP_WHERE_PORT, TRUNK, 1);     /* no such network */
    begin();
    gateway_takeover_macs(&g);
    e = mactable_find(g.macs, WEB, mac_n(1));
    ck_assert(e && e->origin == MAC_LOCAL && e->where == DP_WHERE_PORT && e->target == TRUNK &&
              e->advertised);
    ck_assert_uint_lt(find(worker, WEB, mac_n(1))->seen.ns, mono_now().ns - 99 * NS_PER_S);
    ck_assert_uint_gt(find(worker, WEB, mac_n(2))->seen.ns, mono_now().ns - 5 * NS_PER_S);
    ck_assert(is_in(map, DB, 3, DP_WHERE_PORT, TRUNK));
    ck_assert_uint_eq(mactable_count(g.macs), 3);
    ck_assert(!find(map, WEB, mac_n(3)) && !find(map, DB, mac_n(4)) && !find(map, WEB, mac_n(5)) &&
              !find(map, 3, mac_n(6)));
    ck_assert_uint_eq(gateway_takeover_info(&g).macs_here, 3);
    ck_assert_uint_eq(gateway_takeover_info(&g).dropped, 4);
}
END_TEST

START_TEST(test_macs_at_vteps)
{
    const struct mac_entry *e;

    had(WEB, 1, DP_WHERE_VTEP, STATIC_ID, 5); /* learned from it */
    had(DB, 2, DP_WHERE_VTEP, STATIC_ID, 5);  /* not there: a route of it, perhaps */
    had(WEB, 3, DP_WHERE_VTEP, TOLD_ID, 0);
    had(WEB, 4, DP_WHERE_VTEP, 9, 1); /* no such VTEP */
    map[2].dest.bounce = true;
    begin();
    gateway_takeover_macs(&g);
    e = mactable_find(g.macs, WEB, mac_n(1));
    ck_assert(e && e->origin == MAC_REMOTE && e->target == STATIC_ID && !e->advertised);
    ck_assert_ptr_null(mactable_find(g.macs, DB, mac_n(2)));
    ck_assert(is_in(worker, DB, 2, DP_WHERE_VTEP, STATIC_ID));
    ck_assert(is_in(worker, WEB, 3, DP_WHERE_VTEP, TOLD_ID) && !find(worker, WEB, mac_n(3))->dest.bounce);
    ck_assert(!find(map, WEB, mac_n(4)));
    ck_assert_uint_eq(gateway_takeover_info(&g).macs_there, 3);
    ck_assert_uint_eq(gateway_takeover_info(&g).dropped, 1);
}
END_TEST

/* What is configured now is as it is configured; what was, is not any more. */
START_TEST(test_configured_macs)
{
    struct entry *e;

    had(WEB, 1, DP_WHERE_PORT, TRUNK, 1);
    had(WEB, 2, DP_WHERE_PORT, TRUNK, 1);
    had(WEB, 3, DP_WHERE_FLOOD, 0, 0);
    e = find(map, WEB, mac_n(2));
    e->dest.is_static = true;
    e = find(map, WEB, mac_n(3));
    e->mac = gateway_own_mac(&g);
    e->dest = (struct dp_dest){.where = DP_WHERE_PORT, .target = DP_OWN_PORT};
    had(WEB, 4, DP_WHERE_FLOOD, 0, 0);
    begin();
    ck_assert_int_eq(mactable_add_static(g.macs, WEB, mac_n(1),
                                         (struct dp_dest){.where = DP_WHERE_VTEP, .target = STATIC_ID},
                                         mono_now()),
                     0);
    gateway_takeover_macs(&g);
    ck_assert(is_in(map, WEB, 1, DP_WHERE_VTEP, STATIC_ID));
    ck_assert(!find(map, WEB, mac_n(2)) && !find(map, WEB, mac_n(4)));
    ck_assert_ptr_nonnull(find(map, WEB, gateway_own_mac(&g)));
    ck_assert_uint_eq(gateway_takeover_info(&g).dropped, 2);
}
END_TEST

START_TEST(test_R8_4_more_than_the_limit)
{
    for (unsigned n = 1; n <= 6; n++)
        had(WEB, n, DP_WHERE_PORT, TRUNK, 1);
    begin();
    gateway_takeover_macs(&g);
    ck_assert_uint_eq(mactable_count(g.macs), 4);
    ck_assert_uint_eq(gateway_takeover_info(&g).macs_here, 4);
    for (unsigned n = 1; n <= 6; n++)
        ck_assert((find(map, WEB, mac_n(n)) != NULL) == (mactable_find(g.macs, WEB, mac_n(n)) != NULL));
}
END_TEST

/* Detached meanwhile or not: the worker has them, too. */
START_TEST(test_confirmed_or_dropped)
{
    const struct mac_route route = {.vtep = TOLD_ID, .address = ip("198.18.0.3"), .seq = 3};
    size_t n;

    had(WEB, 1, DP_WHERE_VTEP, TOLD_ID, 1);
    had(WEB, 2, DP_WHERE_VTEP, TOLD_ID, 1);
    had(WEB, 3, DP_WHERE_PORT, TRUNK, 1);
    begin();
    gateway_takeover_macs(&g);
    detached = _i == 1;
    gateway_takeover_poll(&g);
    ck_assert(gateway_takeover_info(&g).waiting && find(map, WEB, mac_n(2)));
    mactable_remote(g.macs, WEB, mac_n(1), &route, mono_now());
    ck_assert_int_eq(topology_flood(&priv.topology, DB, TOLD_ID, true), 1);
    all_told = true;
    gateway_takeover_poll(&g);
    ck_assert(!gateway_takeover_info(&g).waiting && gateway_takeover_info(&g).happened);
    ck_assert(is_in(map, WEB, 1, DP_WHERE_VTEP, TOLD_ID) && is_in(map, WEB, 3, DP_WHERE_PORT, TRUNK));
    ck_assert(!find(map, WEB, mac_n(2)) && !find(worker, WEB, mac_n(2)));
    ck_assert_uint_eq(gateway_takeover_info(&g).dropped, 1);
    ck_assert(!g.vteps[TOLD_ID - 1].kept && changes == 1);
    (void)gateway_peers(&g, WEB, &n);
    ck_assert_uint_eq(n, 1);
    (void)gateway_peers(&g, DB, &n);
    ck_assert_uint_eq(n, 2); /* BGP says so */
}
END_TEST

/* A peer that never comes. */
START_TEST(test_not_for_ever)
{
    had(WEB, 2, DP_WHERE_VTEP, TOLD_ID, 1);
    begin();
    gateway_takeover_macs(&g);
    g.started.ns = mono_now().ns - 119 * NS_PER_S;
    gateway_takeover_poll(&g);
    ck_assert(gateway_takeover_info(&g).waiting);
    g.started.ns -= 2 * NS_PER_S;
    gateway_takeover_poll(&g);
    ck_assert(!gateway_takeover_info(&g).waiting && !find(map, WEB, mac_n(2)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_takeover");
    TCase *c = tcase_create("taking over");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_nothing_was_there);
    tcase_add_test(c, test_vteps_keep_their_ids);
    tcase_add_test(c, test_no_memory_for_a_vtep);
    tcase_add_loop_test(c, test_ids_that_mean_something_else, 0, 6);
    tcase_add_test(c, test_places_have_the_ids_that_they_had);
    tcase_add_test(c, test_macs_after_a_reload);
    tcase_add_loop_test(c, test_macs_at_a_port_of_no_interface, 0, 3);
    tcase_add_loop_test(c, test_ports_of_the_other_kind, 0, 2);
    tcase_add_test(c, test_macs_at_ports);
    tcase_add_test(c, test_macs_at_vteps);
    tcase_add_test(c, test_configured_macs);
    tcase_add_test(c, test_R8_4_more_than_the_limit);
    tcase_add_loop_test(c, test_confirmed_or_dropped, 0, 2);
    tcase_add_test(c, test_not_for_ever);
    tcase_add_test(c, test_next_hops_are_kept_until_the_kernel_speaks);
    tcase_add_test(c, test_next_hops_are_not_kept_for_ever);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
