/* SPDX-License-Identifier: BSD-3-Clause
 *
 * UPDATEs of three peers into a real RIB and a real MAC table, joined as the overlay joins them. The input is
 * a list of records: one byte that says what happens and at which peer, then what that needs (see step()).
 * After each record the tables must agree; at the end all peers go, and nothing may be left.
 */
#include "controlplane/bgp_pack.h"
#include "controlplane/evpn_rib.h"
#include "controlplane/mactable.h"

#include <stdlib.h>

#define PEERS      3
#define VTEPS      8 /* ids for them: fewer than there may be */
#define FLOODS     128
#define MAX_MACS   256
#define MAX_ROUTES 60
#define VNI        10100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct flood {
    dp_net_id net;
    struct ipaddr vtep;
};

static struct world {
    struct evpn_rib *rib;
    struct mactable *macs;
    struct ipaddr vteps[VTEPS + 1]; /* by id */
    struct flood floods[FLOODS];
    unsigned n_floods;
    bool up[PEERS + 1], exceeded[PEERS + 1];
    uint32_t vni;
    mono_t now;
} w;

static void require(bool ok)
{
    if (!ok)
        abort();
}

static const struct bgp_rules rules[PEERS + 1] = {
    [1] = {.as4 = true}, [2] = {.ebgp = true, .as4 = true}, [3] = {.ebgp = false}};

/* ---- between the two tables */

static dp_vtep_id vtep_id(const struct ipaddr *address, bool add)
{
    for (dp_vtep_id id = 1; id <= VTEPS; id++) {
        if (ipaddr_eq(&w.vteps[id], address))
            return id;
        if (w.vteps[id].family == 0 && add) {
            w.vteps[id] = *address;
            return id;
        }
    }
    return 0;
}

static void on_mac(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    struct mac_route route;

    (void)arg;
    if (best) {
        route = (struct mac_route){.vtep = vtep_id(&best->vtep, true),
                                   .es = best->es,
                                   .address = best->vtep,
                                   .seq = best->sequence,
                                   .sticky = best->sticky};
        if (route.vtep == 0)
            best = NULL;
    }
    mactable_remote(w.macs, net, mac, best ? &route : NULL, w.now);
}

static void on_binding(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                       uint8_t nd_flags)
{
    (void)arg, (void)nd_flags;
    mactable_remote_ip(w.macs, net, mac, ip, present);
}

/* On and off by turns. */
static void on_flood(void *arg, dp_net_id net, const struct ipaddr *vtep, rib_peer_id peer)
{
    unsigned i = 0;

    (void)arg;
    while (i < w.n_floods && !(w.floods[i].net == net && ipaddr_eq(&w.floods[i].vtep, vtep)))
        i++;
    require((i == w.n_floods) == (peer != 0));
    if (peer) {
        require(i < FLOODS);
        w.floods[w.n_floods++] = (struct flood){net, *vtep};
    } else {
        w.floods[i] = w.floods[--w.n_floods];
    }
}

static void on_writable(void *arg, rib_peer_id peer)
{
    (void)arg;
    require(peer >= 1 && peer <= PEERS && w.up[peer]);
}

static void on_alert(void *arg, rib_peer_id peer, enum evpn_rib_alert alert)
{
    (void)arg;
    w.exceeded[peer] |= alert == EVPN_RIB_EXCEEDED;
}

static const struct evpn_rib_ops rib_ops = {on_mac, on_binding, on_flood, on_writable, on_alert};

static int program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)arg, (void)net, (void)mac, (void)dest;
    return 0;
}

static void unprogram(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net, (void)mac;
}

static bool last_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)arg, (void)net, (void)mac, (void)seen;
    return false;
}

static void alert(void *arg, const struct mac_alert_info *info)
{
    (void)arg, (void)info;
}

static void advertise(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, uint32_t seq,
                      bool sticky)
{
    (void)arg;
    require(evpn_rib_announce(w.rib, net, mac, ip, seq, sticky, 0) == 0);
}

static void withdraw(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg;
    require(evpn_rib_withdraw(w.rib, net, mac, ip) == 0);
}

static bool lost_seq(void *arg, dp_net_id net, struct mac mac, uint32_t *seq)
{
    (void)arg;
    return evpn_rib_lost_sequence(w.rib, net, mac, seq);
}

static const struct mactable_ops mac_ops = {.program = program,
                                            .remove = unprogram,
                                            .seen = last_seen,
                                            .alert = alert,
                                            .advertise = advertise,
                                            .withdraw = withdraw,
                                            .lost_seq = lost_seq};

/* ---- life */

static void set_network(dp_net_id id, uint32_t vni)
{
    const struct evpn_rib_rt rt = {.rt = bgp_extcom_rt_vni(65000, VNI + id - 1), .any_as = true};
    const struct evpn_rib_network n = {.id = id,
                                       .vni = vni,
                                       .rd = evpn_rd_make(1, id),
                                       .import_rts = &rt,
                                       .n_import = 1,
                                       .export_rts = &rt,
                                       .n_export = 1};

    require(evpn_rib_network_set(w.rib, &n) == 0);
}

static void peer_up(rib_peer_id p)
{
    const struct evpn_rib_session s = {.router_id = p, .as4 = rules[p].as4};

    w.up[p] = true;
    require(evpn_rib_peer_up(w.rib, p, &s) == 0);
}

static void peer_down(rib_peer_id p, bool stale)
{
    w.up[p] = w.exceeded[p] = false;
    evpn_rib_peer_down(w.rib, p, stale);
}

/* Small bounds, so that they are met. */
static void start(void)
{
    const struct ipaddr own = {4, {198, 18, 0, 1}};
    const struct evpn_rib_config config = {.asn = 65000,
                                           .router_id = 1,
                                           .vtep = own,
                                           .max_peers = PEERS,
                                           .max_routes = MAX_ROUTES,
                                           .max_attr_bytes = 1 << 12,
                                           .max_withdrawn = 1000};

    w = (struct world){.now = {1000000000}, .vni = VNI + 1};
    w.rib = evpn_rib_new(&config, &rib_ops, NULL);
    w.macs = mactable_new(MAX_MACS, &mac_ops, NULL);
    require(w.rib && w.macs);
    mactable_set_own_vtep(w.macs, &own);
    for (dp_net_id net = 1; net <= 2; net++) {
        mactable_set_network(w.macs, net, 300, 1000);
        set_network(net, VNI + net - 1u);
    }
    for (dp_port_id port = 1; port <= 3; port++)
        mactable_set_port(w.macs, port, UINT32_MAX);
    mactable_set_port_sticky(w.macs, 3, true);
    for (rib_peer_id p = 1; p <= PEERS; p++) {
        const struct evpn_rib_peer c = {.address = {4, {198, 18, 0, (uint8_t)(p + 1)}},
                                        .ebgp = rules[p].ebgp,
                                        .require_encap = p == 2,
                                        .max_routes = p == 3 ? 10 : 0,
                                        .warning_percent = 80};

        require(evpn_rib_peer_add(w.rib, &c) == p);
        peer_up(p);
    }
}

/* ---- what must hold */

/* The MAC table's idea of each best route is the RIB's. */
static void check_macs(void)
{
    const struct evpn_rib_filter type2 = {.type = EVPN_MACIP};
    const struct mac_entry *e;
    struct evpn_rib_route r;
    struct evpn_rib_best best;
    uint64_t cursor = 0;
    uint32_t at = 0;

    while (evpn_rib_next(w.rib, &type2, &cursor, &r, NULL, NULL)) {
        if (r.own || !r.best)
            continue;
        require(evpn_rib_best(w.rib, r.net, r.nlri.mac, &best) && ipaddr_eq(&best.vtep, &r.vtep));
        e = mactable_find(w.macs, r.net, r.nlri.mac);
        if (vtep_id(&best.vtep, false))
            require(e && e->route_vtep == vtep_id(&best.vtep, false) && e->route_seq == best.sequence &&
                    e->route_sticky == best.sticky);
    }
    while ((e = mactable_next(w.macs, &at)) != NULL) {
        require(e->route_vtep == 0 || evpn_rib_best(w.rib, e->net, e->mac, &best));
        require(e->origin != MAC_EVPN || e->route_vtep != 0 || e->duplicate);
    }
}

static void check_counts(void)
{
    struct evpn_rib_totals t;
    uint32_t held = 0;

    evpn_rib_totals(w.rib, &t);
    for (rib_peer_id p = 1; p <= PEERS; p++)
        held += evpn_rib_counts(w.rib, p)->macs + evpn_rib_counts(w.rib, p)->vteps;
    require(held <= t.routes && t.routes <= MAX_ROUTES);
}

static void pull(rib_peer_id p)
{
    static struct bgp_update u;
    static struct bgp_error err;
    uint8_t msg[BGP_MSG_MAX];
    struct bgp_frame f;
    int n;

    while ((n = evpn_rib_pull(w.rib, p, msg, sizeof(msg))) > 0) {
        require(bgp_frame_next(msg, (size_t)n, BGP_MSG_MAX, &f, &err) == n && f.type == BGP_UPDATE);
        require(bgp_update_decode(f.body, f.body_len, &rules[p], &u, &err) == 0 && u.verdict == BGP_FINE);
    }
    require(n == 0);
}

static void finish(void)
{
    struct evpn_rib_totals t;
    uint32_t at = 0;
    const struct mac_entry *e;

    for (rib_peer_id p = 1; p <= PEERS; p++)
        peer_down(p, false);
    for (uint8_t i = 0; i < 128; i++) {
        const struct ipaddr a = {4, {198, 18, 0, i}};

        evpn_rib_vtep_found(w.rib, &a);
    }
    evpn_rib_vteps_apply(w.rib);
    while ((e = mactable_next(w.macs, &at)) != NULL)
        require(e->route_vtep == 0);
    mactable_free(w.macs);
    evpn_rib_network_remove(w.rib, 1);
    evpn_rib_network_remove(w.rib, 2);
    evpn_rib_totals(w.rib, &t);
    require(w.n_floods == 0 && t.routes + t.dests + t.attrs + t.vteps + t.segments + t.rds == 0);
    require(t.own + t.groups + t.withdrawn == 0);
    evpn_rib_free(w.rib);
}

/* ---- records */

static void receive(rib_peer_id p, struct buf_in *in)
{
    static struct bgp_update u;
    static struct bgp_error err;
    size_t len = buf_get_u16(in);
    struct buf_in body;

    if (len > buf_left(in))
        len = buf_left(in);
    if (!buf_get_sub(in, len, &body) || !w.up[p])
        return;
    if (bgp_update_decode(body.at, len, &rules[p], &u, &err) < 0)
        peer_down(p, false);
    else if (u.end_of_rib)
        evpn_rib_sweep(w.rib, p);
    else
        evpn_rib_update(w.rib, p, &u);
    if (w.exceeded[p])
        peer_down(p, false);
}

static void frame(struct buf_in *in)
{
    struct dp_event e = {.type = DP_EVENT_SOURCE, .net = 1, .where = DP_WHERE_PORT};
    struct ipaddr ip = {4, {10, 0, 0}};
    uint8_t what = buf_get_u8(in);

    e.mac = (struct mac){{2, 0, 0, 0, 0, what & 15}};
    e.target = 1 + (what >> 4 & 3) % 3;
    mactable_source_seen(w.macs, &e, w.now);
    ip.b[3] = what & 15;
    if (what & 64)
        mactable_local_ip(w.macs, 1, e.mac, &ip);
}

static void session(rib_peer_id p, struct buf_in *in)
{
    uint8_t what = buf_get_u8(in);

    if (what & 1 && w.up[p])
        peer_down(p, what & 2);
    if (what & 4)
        evpn_rib_sweep(w.rib, p);
    if (what & 8)
        peer_up(p);
    if (what & 16 && w.up[p])
        evpn_rib_refresh(w.rib, p);
    evpn_rib_room_again(w.rib, p);
}

static void reach(struct buf_in *in)
{
    uint8_t what = buf_get_u8(in);
    const struct ipaddr a = {4, {198, 18, 0, what & 127}};
    dp_vtep_id id = vtep_id(&a, false);

    if (what & 128)
        require(evpn_rib_vtep_lost(w.rib, &a) == 0);
    else
        evpn_rib_vtep_found(w.rib, &a);
    evpn_rib_vteps_apply(w.rib);
    if (what & 128 && id && mactable_count_at(w.macs, DP_WHERE_VTEP, id) > 0)
        mactable_clear_at(w.macs, DP_WHERE_VTEP, id, w.now);
}

static void settings(struct buf_in *in)
{
    uint8_t what = buf_get_u8(in);

    w.now.ns += (what & 15) * UINT64_C(10000000000);
    mactable_age(w.macs, w.now, MAX_MACS);
    if (what & 16)
        mactable_clear_duplicate(w.macs, 0, NULL, w.now);
    if (what & 32) {
        w.vni = w.vni == VNI + 1 ? VNI : VNI + 1;
        set_network(2, w.vni);
        evpn_rib_apply(w.rib);
    }
}

static void step(struct buf_in *in)
{
    uint8_t op = buf_get_u8(in);
    rib_peer_id p = (rib_peer_id)(1 + (op & 3) % PEERS);

    switch (op >> 2 & 7) {
    default:
        receive(p, in);
        break;
    case 4:
        frame(in);
        break;
    case 5:
        session(p, in);
        break;
    case 6:
        reach(in);
        break;
    case 7:
        settings(in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf_in in;

    start();
    buf_in_init(&in, data, size);
    while (buf_left(&in) > 0) {
        step(&in);
        check_macs();
        check_counts();
        for (rib_peer_id p = 1; p <= PEERS; p++)
            if (w.up[p])
                pull(p);
    }
    finish();
    return 0;
}
