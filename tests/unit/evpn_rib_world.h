/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of the EVPN RIB share: the gateway's glue and the other ends, as flat lists that anyone can
 * check. Everything that goes in or comes out passes the codec as bytes.
 */
#ifndef TESTS_UNIT_EVPN_RIB_WORLD_H
#define TESTS_UNIT_EVPN_RIB_WORLD_H

#include "controlplane/bgp_pack.h"
#include "controlplane/evpn_rib.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define OUR_AS    65000u
#define OUR_ID    0xc6120001u /* 198.18.0.1 */
#define MAX_PEERS 8
#define MAX_LIST  20000

static inline struct evpn_rd world_rd(uint16_t number)
{
    return evpn_rd_make(OUR_ID, number);
}

/* ---- what the RIB told */

struct told_mac {
    dp_net_id net;
    struct mac mac;
    struct evpn_rib_best best;
};

struct told_ip {
    dp_net_id net;
    struct mac mac;
    struct ipaddr ip;
    uint8_t nd;
};

/* ---- what a peer was told by pulled messages */

struct heard {
    struct evpn_nlri nlri;
    uint32_t sequence;
    bool sticky, mobility;
    int nd; /* R7.4; -1: without the community */
};

struct ear {
    struct heard list[MAX_LIST];
    unsigned n;
    unsigned messages, end_of_ribs, withdrawn;
    size_t largest;
    struct bgp_attrs attrs; /* of the last announcement */
};

struct world {
    struct evpn_rib *rib;
    struct told_mac macs[MAX_LIST];
    unsigned n_macs;
    struct told_ip ips[MAX_LIST];
    unsigned n_ips;
    struct told_ip floods[MAX_LIST]; /* ip: the VTEP */
    unsigned n_floods;
    unsigned mac_calls, ip_calls, flood_calls, writable[MAX_PEERS + 1], alerts[EVPN_RIB_ALERT_N];
    rib_peer_id alert_peer;
    bool ebgp[MAX_PEERS + 1];
    struct ear ears[MAX_PEERS + 1];
};

static struct world w;

static inline struct told_mac *told_mac(dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < w.n_macs; i++)
        if (w.macs[i].net == net && mac_eq(w.macs[i].mac, mac))
            return &w.macs[i];
    return NULL;
}

static inline struct told_ip *told_in(struct told_ip *list, unsigned n, dp_net_id net, struct mac mac,
                                      const struct ipaddr *ip)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i].net == net && mac_eq(list[i].mac, mac) && ipaddr_eq(&list[i].ip, ip))
            return &list[i];
    return NULL;
}

static inline void op_mac(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    struct told_mac *m = told_mac(net, mac);

    ck_assert_ptr_eq(arg, &w);
    w.mac_calls++;
    if (!best) {
        ck_assert_ptr_nonnull(m); /* nothing goes that never came */
        *m = w.macs[--w.n_macs];
        return;
    }
    if (!m) {
        ck_assert_uint_lt(w.n_macs, MAX_LIST);
        m = &w.macs[w.n_macs++];
    } else {
        /* never told twice */
        ck_assert(!ipaddr_eq(&m->best.vtep, &best->vtep) || m->best.sequence != best->sequence ||
                  m->best.sticky != best->sticky || memcmp(&m->best.esi, &best->esi, sizeof(best->esi)) != 0);
    }
    *m = (struct told_mac){net, mac, *best};
}

static inline void told_change(struct told_ip *list, unsigned *n, struct told_ip what, bool present)
{
    struct told_ip *e = told_in(list, *n, what.net, what.mac, &what.ip);

    if (present) {
        ck_assert_ptr_null(e);
        ck_assert_uint_lt(*n, MAX_LIST);
        list[(*n)++] = what;
    } else {
        ck_assert_ptr_nonnull(e);
        *e = list[--*n];
    }
}

static inline void op_binding(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                              uint8_t nd_flags)
{
    struct told_ip *e = told_in(w.ips, w.n_ips, net, mac, ip);

    (void)arg;
    w.ip_calls++;
    if (present && e) {
        ck_assert_uint_ne(e->nd, nd_flags); /* never told twice */
        e->nd = nd_flags;
        return;
    }
    told_change(w.ips, &w.n_ips, (struct told_ip){net, mac, *ip, nd_flags}, present);
}

static inline void op_flood(void *arg, dp_net_id net, const struct ipaddr *vtep, rib_peer_id by)
{
    (void)arg;
    w.flood_calls++;
    told_change(w.floods, &w.n_floods, (struct told_ip){.net = net, .ip = *vtep}, by != 0);
}

static inline void op_writable(void *arg, rib_peer_id peer)
{
    (void)arg;
    w.writable[peer]++;
}

static inline void op_alert(void *arg, rib_peer_id peer, enum evpn_rib_alert alert)
{
    (void)arg;
    w.alerts[alert]++;
    w.alert_peer = peer;
}

static inline struct ipaddr ip(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

static inline struct mac mac_n(unsigned n)
{
    return (struct mac){{0x02, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static inline struct ipaddr vtep_n(unsigned n)
{
    return (struct ipaddr){4, {198, 18, (uint8_t)(n >> 8), (uint8_t)n}};
}

static inline struct evpn_rib_config default_config(void)
{
    return (struct evpn_rib_config){.asn = OUR_AS,
                                    .router_id = OUR_ID,
                                    .vtep = ip("198.18.0.1"),
                                    .max_peers = MAX_PEERS,
                                    .max_routes = 1000000,
                                    .max_attr_bytes = 1 << 26};
}

static inline void world_start(const struct evpn_rib_config *config)
{
    static const struct evpn_rib_ops ops = {op_mac, op_binding, op_flood, op_writable, op_alert};

    evpn_rib_free(w.rib);
    memset(&w, 0, sizeof(w));
    w.rib = evpn_rib_new(config, &ops, &w);
    ck_assert_ptr_nonnull(w.rib);
}

static inline void world_stop(void)
{
    evpn_rib_free(w.rib);
    w.rib = NULL;
}

/* Network `id` with this VNI, RD number id; imports AS:(10000 + id) of any AS. */
static inline void add_network_vni(dp_net_id id, uint32_t vni)
{
    struct evpn_rib_rt rt = {.rt = bgp_extcom_rt_vni(OUR_AS, 10000u + id), .any_as = true};
    struct evpn_rib_network n = {.id = id,
                                 .vni = vni,
                                 .rd = world_rd(id),
                                 .import_rts = &rt,
                                 .n_import = 1,
                                 .export_rts = &rt,
                                 .n_export = 1};

    ck_assert_int_eq(evpn_rib_network_set(w.rib, &n), 0);
}

/* With VNI 10000 + id. */
static inline void add_network(dp_net_id id)
{
    add_network_vni(id, 10000u + id);
}

/* Networks 1 and 2, no peers. */
static inline void two_networks(void)
{
    struct evpn_rib_config c = default_config();

    world_start(&c);
    add_network(1);
    add_network(2);
}

static inline rib_peer_id add_peer_with(struct evpn_rib_peer config)
{
    int p = evpn_rib_peer_add(w.rib, &config);

    ck_assert_int_gt(p, 0);
    w.ebgp[p] = config.ebgp;
    return (rib_peer_id)p;
}

static inline void peer_up(rib_peer_id p)
{
    struct evpn_rib_session s = {.router_id = OUR_ID + p, .as4 = true};

    ck_assert_int_eq(evpn_rib_peer_up(w.rib, p, &s), 0);
}

static inline void peer_down(rib_peer_id p, bool keep_stale)
{
    evpn_rib_peer_down(w.rib, p, keep_stale);
    w.ears[p].n = 0;
}

/* A peer at 198.18.1.n that is up. */
static inline rib_peer_id add_peer(unsigned n, bool ebgp)
{
    rib_peer_id p = add_peer_with((struct evpn_rib_peer){.address = vtep_n(256 + n), .ebgp = ebgp});

    peer_up(p);
    return p;
}

/* The best route, the same by question and by what was told; NULL: there is none. */
static inline const struct evpn_rib_best *best_of(dp_net_id net, struct mac mac)
{
    static struct evpn_rib_best best;

    if (!evpn_rib_best(w.rib, net, mac, &best)) {
        ck_assert_ptr_null(told_mac(net, mac));
        return NULL;
    }
    ck_assert_ptr_nonnull(told_mac(net, mac));
    return &best;
}

static inline void assert_at(dp_net_id net, struct mac mac, struct ipaddr vtep)
{
    const struct evpn_rib_best *b = best_of(net, mac);
    char got[IPADDR_STRLEN], want[IPADDR_STRLEN];

    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(ipaddr_format(&b->vtep, got), ipaddr_format(&vtep, want));
    ck_assert(ipaddr_eq(&told_mac(net, mac)->best.vtep, &vtep));
}

/* ---- what the RIB says of itself */

static inline uint64_t ignored(rib_peer_id p, enum evpn_rib_ignored why)
{
    return evpn_rib_counts(w.rib, p)->ignored[why];
}

static inline uint32_t held(rib_peer_id p)
{
    return evpn_rib_counts(w.rib, p)->macs + evpn_rib_counts(w.rib, p)->vteps;
}

static inline void check_totals(uint32_t routes, uint32_t dests, uint32_t attrs)
{
    struct evpn_rib_totals t;

    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(t.routes, routes);
    ck_assert_uint_eq(t.dests, dests);
    ck_assert_uint_eq(t.attrs, attrs);
}

/* ---- messages in; label 0 becomes that of the network whose route target the attributes have */

static inline struct evpn_nlri macip(unsigned rd, struct mac mac, const char *host)
{
    struct evpn_nlri n = {
        .type = EVPN_MACIP, .n_labels = 1, .mac = mac, .rd = evpn_rd_make(0x01020304, (uint16_t)rd)};

    if (host)
        n.ip = ip(host);
    return n;
}

static inline struct evpn_nlri imet(unsigned rd, struct ipaddr originator)
{
    return (struct evpn_nlri){
        .type = EVPN_IMET, .rd = evpn_rd_make(0x01020304, (uint16_t)rd), .ip = originator};
}

/* Attributes as a neighbour of ours would send them for VTEP `next_hop` and network id `net`. */
static inline struct bgp_attrs attrs_for(struct ipaddr next_hop, dp_net_id net)
{
    struct bgp_attrs a;

    bgp_attrs_init(&a);
    bgp_attrs_set(&a, BGP_ORIGIN);
    bgp_attrs_set(&a, BGP_AS_PATH);
    a.local_pref = 100;
    bgp_attrs_set(&a, BGP_LOCAL_PREF);
    a.next_hop = next_hop;
    bgp_attrs_set(&a, BGP_MP_REACH);
    if (net)
        bgp_attrs_add_extcom(&a, bgp_extcom_rt_vni(OUR_AS, 10000u + net));
    bgp_attrs_add_extcom(&a, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN));
    return a;
}

static inline void mobility(struct bgp_attrs *a, bool sticky, uint32_t sequence)
{
    bgp_attrs_add_extcom(a, bgp_extcom_mobility(sticky, sequence));
}

static inline void receive(rib_peer_id p, const uint8_t *msg, size_t len)
{
    static struct bgp_update u;
    static struct bgp_error err;
    struct bgp_rules rules = {.ebgp = w.ebgp[p], .as4 = true};
    struct bgp_frame f;

    ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_EXT_MAX, &f, &err), (int)len);
    ck_assert_int_eq(f.type, BGP_UPDATE);
    ck_assert_msg(bgp_update_decode(f.body, f.body_len, &rules, &u, &err) == 0, "%s", err.text);
    evpn_rib_update(w.rib, p, &u);
}

static inline struct evpn_nlri labelled(const struct bgp_attrs *a, struct evpn_nlri n)
{
    const struct bgp_extcom *rt = bgp_attrs_extcom(a, BGP_EXTCOM_RT);

    if (n.type == EVPN_MACIP && n.label == 0)
        n.label = rt ? (uint32_t)rt->b[4] << 24 | rt->b[5] << 16 | rt->b[6] << 8 | rt->b[7] : 10001;
    return n;
}

static inline void announce_n(rib_peer_id p, const struct bgp_attrs *a, const struct evpn_nlri *n,
                              size_t count)
{
    struct bgp_rules rules = {.ebgp = w.ebgp[p], .as4 = true};
    static struct bgp_pack pack;
    static uint8_t msg[BGP_MSG_EXT_MAX];

    ck_assert_int_eq(bgp_pack_reach(&pack, msg, sizeof(msg), a, &rules), 0);
    for (size_t i = 0; i < count; i++) {
        struct evpn_nlri one = labelled(a, n[i]);

        ck_assert(bgp_pack_add(&pack, &one));
    }
    receive(p, msg, bgp_pack_end(&pack));
}

static inline void announce(rib_peer_id p, const struct bgp_attrs *a, struct evpn_nlri n)
{
    announce_n(p, a, &n, 1);
}

static inline void withdraw_n(rib_peer_id p, const struct evpn_nlri *n, size_t count)
{
    static struct bgp_pack pack;
    static uint8_t msg[BGP_MSG_EXT_MAX];

    ck_assert_int_eq(bgp_pack_unreach(&pack, msg, sizeof(msg)), 0);
    for (size_t i = 0; i < count; i++)
        ck_assert(bgp_pack_add(&pack, &n[i]));
    receive(p, msg, bgp_pack_end(&pack));
}

static inline void withdraw(rib_peer_id p, struct evpn_nlri n)
{
    withdraw_n(p, &n, 1);
}

/* One UPDATE that withdraws and announces; the two lists as they stand on the wire. Returns its length. */
static inline size_t update_make(uint8_t *msg, size_t size, bool ebgp, const struct bgp_attrs *a,
                                 const struct buf_out *gone, const struct buf_out *add)
{
    struct bgp_rules rules = {.ebgp = ebgp, .as4 = true};
    struct buf_out m;
    size_t hole, mp;
    int len;

    bgp_msg_begin(&m, msg, size, BGP_UPDATE);
    buf_put_u16(&m, 0);
    hole = buf_hole_u16(&m);
    buf_put(&m, (uint8_t[]){0x90, BGP_MP_UNREACH}, 2);
    mp = buf_hole_u16(&m);
    buf_put(&m, (uint8_t[]){0, 25, 70}, 3);
    buf_put(&m, gone->start, gone->len);
    buf_fill_u16(&m, mp);
    buf_put(&m, (uint8_t[]){0x90, BGP_MP_REACH}, 2);
    mp = buf_hole_u16(&m);
    buf_put(&m, (uint8_t[]){0, 25, 70, 4}, 4);
    buf_put(&m, a->next_hop.b, 4);
    buf_put_u8(&m, 0);
    buf_put(&m, add->start, add->len);
    buf_fill_u16(&m, mp);
    bgp_attrs_encode(a, &rules, &m);
    buf_fill_u16(&m, hole);
    len = bgp_msg_end(&m);
    ck_assert_int_gt(len, 0);
    return (size_t)len;
}

static inline void exchange(rib_peer_id p, const struct bgp_attrs *a, const struct evpn_nlri *gone,
                            size_t n_gone, const struct evpn_nlri *add, size_t n_new)
{
    static uint8_t msg[BGP_MSG_MAX], lists[2][BGP_MSG_MAX];
    struct buf_out g, n;

    buf_out_init(&g, lists[0], sizeof(lists[0]));
    buf_out_init(&n, lists[1], sizeof(lists[1]));
    while (n_gone-- > 0)
        evpn_encode(gone++, &g);
    for (; n_new > 0; n_new--) {
        struct evpn_nlri one = labelled(a, *add++);

        evpn_encode(&one, &n);
    }
    receive(p, msg, update_make(msg, sizeof(msg), w.ebgp[p], a, &g, &n));
}

/* ---- messages out */

static inline struct heard *heard(struct ear *ear, const struct evpn_nlri *n)
{
    for (unsigned i = 0; i < ear->n; i++)
        if (evpn_key_cmp(&ear->list[i].nlri, n) == 0)
            return &ear->list[i];
    return NULL;
}

static inline void hear(rib_peer_id p, const uint8_t *msg, size_t len)
{
    static struct bgp_update u;
    static struct bgp_error err;
    struct bgp_rules rules = {.ebgp = w.ebgp[p], .as4 = true, .check_first_as = true, .peer_as = OUR_AS};
    struct ear *ear = &w.ears[p];
    const struct bgp_extcom *mm, *nd;
    struct evpn_nlri n;
    struct bgp_frame f;

    ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_EXT_MAX, &f, &err), (int)len);
    ck_assert_int_eq(bgp_update_decode(f.body, f.body_len, &rules, &u, &err), 0);
    ck_assert_int_eq(u.verdict, BGP_FINE);
    ck_assert_uint_eq(u.n_bad + u.n_unknown + u.n_other, 0);
    ear->messages++;
    ear->end_of_ribs += u.end_of_rib;
    ear->largest = len > ear->largest ? len : ear->largest;
    while (bgp_update_next(&u.unreach, &n)) {
        struct heard *h = heard(ear, &n);

        ear->withdrawn++;
        if (h)
            *h = ear->list[--ear->n];
    }
    if (!u.has_reach)
        return;
    ear->attrs = u.attrs;
    mm = bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_MOBILITY);
    nd = bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_ARP_ND);
    while (bgp_update_next(&u.reach, &n)) {
        struct heard *h = heard(ear, &n);

        ck_assert_uint_lt(ear->n, MAX_LIST);
        if (!h)
            h = &ear->list[ear->n++];
        *h = (struct heard){.nlri = n, .mobility = mm != NULL, .nd = nd ? bgp_extcom_nd_flags(nd) : -1};
        if (mm) {
            h->sequence = bgp_extcom_sequence(mm);
            h->sticky = bgp_extcom_is_sticky(mm);
        }
    }
}

/* One message; false: nothing to tell. */
static inline bool pull(rib_peer_id p, size_t size)
{
    uint8_t *msg = malloc(size); /* so that a sanitizer sees what is written behind its end */
    int len = evpn_rib_pull(w.rib, p, msg, size);

    ck_assert_int_ge(len, 0);
    if (len > 0)
        hear(p, msg, (size_t)len);
    free(msg);
    return len > 0;
}

static inline void pull_all(rib_peer_id p)
{
    while (pull(p, BGP_MSG_MAX))
        ;
    ck_assert(!evpn_rib_pending(w.rib, p));
}

/* Our own route as a peer hears it. */
static inline struct heard *heard_own(rib_peer_id p, dp_net_id net, struct mac mac, const char *host)
{
    struct evpn_nlri n = {.type = EVPN_MACIP, .mac = mac, .rd = evpn_rd_make(OUR_ID, net)};

    if (host)
        n.ip = ip(host);
    return heard(&w.ears[p], &n);
}

/* ---- running */

/* Each test begins with two_networks(). Returns what main() does. */
static inline int world_run(const char *name, const TTest *const *tests, size_t n)
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create(name);
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(tc, two_networks, world_stop);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
