/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random operations on the EVPN RIB against a model that is a flat list of routes and looks at all of them
 * for every question. After each step the best route of each MAC, the bindings and the flood lists are those
 * of the model; and whoever has pulled to the end has heard exactly our own routes. The seed is printed;
 * EVPN_RIB_SEED=N repeats a run, EVPN_RIB_STEPS=N makes it longer.
 */
#include "tests/unit/evpn_rib_world.h"
#include "tests/unit/suite.h"

#include <time.h>
#include <unistd.h>

#define PEERS 5
#define NETS  4
#define MACS  6
#define IPS   3 /* 0: MAC-only */
#define RDS   2
#define VTEPS 4 /* 2..5 */
#define NONE  UINT32_MAX

/* ---- the model */

struct attrs {
    unsigned vtep;
    bool target[NETS + 1], imported[NETS + 1];
    uint32_t label;
    uint32_t sequence, med, originator;
    bool sticky;
    uint32_t local_pref;
    unsigned path, clusters, origin;
    uint8_t esi;
    int nd; /* -1: without the community */
};

struct entry {
    bool present, stale;
    struct attrs a;
};

static struct model {
    struct entry macs[PEERS + 1][RDS][MACS][IPS], imets[PEERS + 1][RDS];
    bool up[PEERS + 1], network[NETS + 1], lost[VTEPS + 2];
    struct {
        bool present;
        uint32_t sequence;
        bool sticky;
        int nd; /* as it must be carried */
    } own[NETS + 1][MACS][IPS];
} m;

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) % n);
}

static struct ipaddr host_n(unsigned mac, unsigned i)
{
    return i == 1 ? (struct ipaddr){4, {10, 0, 0, (uint8_t)mac}}
                  : (struct ipaddr){6, {0xfd, [15] = (uint8_t)mac}};
}

static struct evpn_nlri nlri_for(unsigned rd, unsigned mac, unsigned i)
{
    struct evpn_nlri n = macip(rd, mac_n(mac + 1), NULL);

    if (i)
        n.ip = host_n(mac, i);
    return n;
}

/* Two networks each share one. */
static uint32_t vni_of(unsigned net)
{
    return 10001 + (net - 1) / 2;
}

static struct attrs random_attrs(void)
{
    static const uint32_t sequences[] = {0, 0, 0, 1, 1, 2, 0x7fffffff, 0x80000000, 0xc0000000, 0xffffffff};
    struct attrs a = {.vtep = 2 + rnd(VTEPS),
                      .sequence = sequences[rnd(10)],
                      .sticky = rnd(12) == 0,
                      .med = rnd(3),
                      .local_pref = 99 + rnd(3),
                      .path = rnd(3),
                      .origin = rnd(4) ? 0 : rnd(3),
                      .originator = rnd(3) ? 0 : 1 + rnd(2),
                      .clusters = rnd(2),
                      .esi = (uint8_t)(rnd(8) == 0),
                      .nd = rnd(3) ? -1 : (int)rnd(16)};

    for (unsigned i = rnd(10) ? 1 + rnd(8) / 7 : 0; i > 0; i--)
        a.target[1 + rnd(NETS)] = true;
    a.label = vni_of(1 + rnd(NETS));
    for (unsigned net = 1; net <= NETS; net++) {
        if (a.target[net] && rnd(10))
            a.label = vni_of(net);
    }
    for (unsigned net = 1; net <= NETS; net++)
        a.imported[net] = a.target[net] && a.label == vni_of(net);
    return a;
}

static void send(rib_peer_id p, const struct attrs *a, struct evpn_nlri n)
{
    struct bgp_attrs b = attrs_for(vtep_n(a->vtep), 0);

    for (unsigned net = 1; net <= NETS; net++)
        if (a->target[net])
            bgp_attrs_add_extcom(&b, bgp_extcom_rt_vni(1 + rnd(2), 10000 + net));
    if (a->sequence || a->sticky)
        mobility(&b, a->sticky, a->sequence);
    if (a->nd >= 0)
        bgp_attrs_add_extcom(&b, bgp_extcom_arp_nd((uint8_t)a->nd));
    b.local_pref = a->local_pref;
    b.origin = (uint8_t)a->origin;
    if (a->med) {
        b.med = a->med;
        bgp_attrs_set(&b, BGP_MED);
    }
    for (unsigned i = 0; i < a->path; i++)
        bgp_as_path_prepend(&b.as_path, 65100);
    if (a->originator) {
        b.originator_id = a->originator;
        bgp_attrs_set(&b, BGP_ORIGINATOR_ID);
    }
    for (unsigned i = 0; i < a->clusters; i++)
        b.clusters[b.n_clusters++] = 1;
    if (a->clusters)
        bgp_attrs_set(&b, BGP_CLUSTER_LIST);
    if (n.type == EVPN_IMET) {
        struct ipaddr end = vtep_n(a->vtep);

        bgp_attrs_set_ingress_replication(&b, a->label, &end);
    }
    n.label = a->label;
    n.esi.b[0] = a->esi;
    announce(p, &b, n);
}

/* ---- the model's best: throw out, criterion after criterion, all that are not as good as the best of them
 */

struct candidate {
    rib_peer_id p;
    unsigned rd, i;
    const struct attrs *a;
    bool out;
};

static struct candidate cand[PEERS * RDS * IPS];
static unsigned n_cand;

static void keep_lowest(int64_t (*value)(const struct candidate *))
{
    int64_t low = INT64_MAX;

    for (unsigned i = 0; i < n_cand; i++)
        if (!cand[i].out && value(&cand[i]) < low)
            low = value(&cand[i]);
    for (unsigned i = 0; i < n_cand; i++)
        if (value(&cand[i]) != low)
            cand[i].out = true;
}

static uint32_t newest;

static int64_t v_sticky(const struct candidate *c)
{
    return !c->a->sticky;
}
static int64_t v_numerically(const struct candidate *c)
{
    return -(int64_t)c->a->sequence;
}
static int64_t v_sequence(const struct candidate *c)
{
    return -(int64_t)(int32_t)(c->a->sequence - newest);
}
static int64_t v_vtep(const struct candidate *c)
{
    return c->a->vtep;
}
static int64_t v_local_pref(const struct candidate *c)
{
    return w.ebgp[c->p] ? -100 : -(int64_t)c->a->local_pref;
}
static int64_t v_path(const struct candidate *c)
{
    return c->a->path;
}
static int64_t v_origin(const struct candidate *c)
{
    return c->a->origin;
}
static int64_t v_med(const struct candidate *c)
{
    return c->a->med;
}
static int64_t v_ebgp(const struct candidate *c)
{
    return !w.ebgp[c->p];
}
static int64_t v_id(const struct candidate *c)
{
    return !w.ebgp[c->p] && c->a->originator ? c->a->originator : OUR_ID + c->p;
}
static int64_t v_clusters(const struct candidate *c)
{
    return w.ebgp[c->p] ? 0 : c->a->clusters;
}
static int64_t v_peer(const struct candidate *c)
{
    return c->p;
}
static int64_t v_rd(const struct candidate *c)
{
    return c->rd;
}
static int64_t v_ip(const struct candidate *c)
{
    return c->i;
}

static const struct candidate *model_best(dp_net_id net, unsigned mac)
{
    static int64_t (*const order[])(const struct candidate *) = {v_sequence, v_vtep, v_local_pref, v_path,
                                                                 v_origin,   v_med,  v_ebgp,       v_id,
                                                                 v_clusters, v_peer, v_rd,         v_ip};
    struct candidate all[PEERS * RDS * IPS];

    n_cand = 0;
    for (unsigned p = 1; p <= PEERS; p++)
        for (unsigned rd = 0; rd < RDS; rd++)
            for (unsigned i = 0; i < IPS; i++) {
                const struct entry *e = &m.macs[p][rd][mac][i];

                if (e->present && m.network[net] && e->a.imported[net] && !m.lost[e->a.vtep])
                    cand[n_cand++] = (struct candidate){(rib_peer_id)p, rd, i, &e->a, false};
            }
    if (n_cand == 0)
        return NULL;
    keep_lowest(v_sticky);
    memcpy(all, cand, sizeof(all));
    keep_lowest(v_numerically);
    for (unsigned i = 0; i < n_cand; i++)
        if (!cand[i].out)
            newest = cand[i].a->sequence;
    memcpy(cand, all, sizeof(all));
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        keep_lowest(order[i]);
    for (unsigned i = 0; i < n_cand; i++)
        if (!cand[i].out)
            return &cand[i];
    return NULL;
}

/* ---- comparing */

static void check_mac(dp_net_id net, unsigned mac)
{
    const struct candidate *c = model_best(net, mac);
    struct told_mac *t = told_mac(net, mac_n(mac + 1));
    struct evpn_rib_filter f = {.net = net, .by_mac = true, .mac = mac_n(mac + 1), .type = EVPN_MACIP};
    struct evpn_rib_route r;
    struct evpn_rib_best best;
    struct ipaddr vtep;
    uint64_t cursor = 0;
    unsigned n_best = 0;

    ck_assert_msg(!c == !t, "net %u mac %u: model %d, told %d", net, mac, c != NULL, t != NULL);
    ck_assert(evpn_rib_best(w.rib, net, mac_n(mac + 1), &best) == (c != NULL));
    if (!c)
        return;
    vtep = vtep_n(c->a->vtep);
    ck_assert(ipaddr_eq(&t->best.vtep, &vtep) && ipaddr_eq(&best.vtep, &vtep));
    ck_assert((best.es != 0) == (c->a->esi != 0) && t->best.es == best.es);
    ck_assert(t->best.sequence == c->a->sequence && t->best.sticky == c->a->sticky &&
              t->best.esi.b[0] == c->a->esi);
    ck_assert_msg(best.peer == c->p, "net %u mac %u: peer %u, model %u", net, mac, best.peer, c->p);
    while (evpn_rib_next(w.rib, &f, &cursor, &r, NULL, NULL)) {
        struct evpn_nlri n = nlri_for(c->rd, mac, c->i);

        n_best += r.best;
        if (r.best)
            ck_assert(evpn_key_cmp(&r.nlri, &n) == 0 && r.peer == c->p && !r.own);
        if (!r.own) {
            unsigned i = r.nlri.ip.family == 6 ? 2 : r.nlri.ip.family == 4;

            ck_assert(r.stale == m.macs[r.peer][r.nlri.rd.b[7]][mac][i].stale);
        }
    }
    ck_assert_uint_eq(n_best, 1);
}

/* R7.4: what an IP may be told with, as bits 1 << flags: one of its routes speaks for all. 0: it has none. */
static unsigned model_nd(unsigned net, unsigned mac, unsigned i)
{
    const unsigned mask = i == 1 ? BGP_ND_IMMUTABLE : BGP_ND_ROUTER | BGP_ND_OVERRIDE | BGP_ND_IMMUTABLE;
    unsigned may = 0;

    for (unsigned p = 1; p <= PEERS; p++)
        for (unsigned rd = 0; rd < RDS; rd++) {
            const struct entry *e = &m.macs[p][rd][mac][i];

            if (e->present && e->a.imported[net])
                may |= 1u << ((e->a.nd < 0 ? BGP_ND_OVERRIDE : (unsigned)e->a.nd) & mask);
        }
    return may;
}

static void check_bindings(void)
{
    unsigned n = 0;

    for (unsigned net = 1; net <= NETS; net++)
        for (unsigned mac = 0; mac < MACS; mac++)
            for (unsigned i = 1; i < IPS; i++) {
                struct ipaddr host = host_n(mac, i);
                const struct told_ip *told = told_in(w.ips, w.n_ips, (dp_net_id)net, mac_n(mac + 1), &host);
                unsigned may = m.network[net] && model_best((dp_net_id)net, mac) ? model_nd(net, mac, i) : 0;

                n += may != 0;
                ck_assert(told ? may & 1u << told->nd : may == 0);
            }
    ck_assert_uint_eq(n, w.n_ips);
}

static void check_floods(void)
{
    unsigned n = 0;

    for (unsigned net = 1; net <= NETS; net++)
        for (unsigned v = 2; v < VTEPS + 2; v++) {
            struct ipaddr vtep = vtep_n(v);
            bool want = false;

            for (unsigned p = 1; p <= PEERS; p++)
                for (unsigned rd = 0; rd < RDS; rd++)
                    want |= m.imets[p][rd].present && m.imets[p][rd].a.vtep == v &&
                            m.imets[p][rd].a.imported[net];
            want &= m.network[net] && !m.lost[v];
            n += want;
            ck_assert(want ==
                      (told_in(w.floods, w.n_floods, (dp_net_id)net, (struct mac){{0}}, &vtep) != NULL));
        }
    ck_assert_uint_eq(n, w.n_floods);
}

static void check_counts(void)
{
    for (unsigned p = 1; p <= PEERS; p++) {
        const struct evpn_rib_counts *c = evpn_rib_counts(w.rib, (rib_peer_id)p);
        unsigned macs = 0, imets = 0, stale = 0;

        for (unsigned rd = 0; rd < RDS; rd++) {
            imets += m.imets[p][rd].present;
            stale += m.imets[p][rd].present && m.imets[p][rd].stale;
            for (unsigned mac = 0; mac < MACS; mac++)
                for (unsigned i = 0; i < IPS; i++) {
                    macs += m.macs[p][rd][mac][i].present;
                    stale += m.macs[p][rd][mac][i].present && m.macs[p][rd][mac][i].stale;
                }
        }
        ck_assert_uint_eq(c->macs, macs);
        ck_assert_uint_eq(c->vteps, imets);
        ck_assert_uint_eq(!c->stale, !stale);
        ck_assert_uint_ge(c->stale, stale); /* in several networks: several */
    }
}

/* Whoever has pulled to the end knows our routes, all of them, as they are. */
static void check_ear(rib_peer_id p)
{
    unsigned n = 0;

    for (unsigned net = 1; net <= NETS; net++) {
        n += m.network[net];
        for (unsigned mac = 0; mac < MACS; mac++)
            for (unsigned i = 0; i < IPS; i++) {
                struct evpn_nlri key = {
                    .type = EVPN_MACIP, .mac = mac_n(mac + 1), .rd = evpn_rd_make(OUR_ID, (uint16_t)net)};
                struct heard *h;

                if (i)
                    key.ip = host_n(mac, i);
                h = heard(&w.ears[p], &key);
                ck_assert(!h == !m.own[net][mac][i].present);
                if (!h)
                    continue;
                n++;
                ck_assert_uint_eq(h->sequence, m.own[net][mac][i].sequence);
                ck_assert(h->sticky == m.own[net][mac][i].sticky);
                ck_assert(h->mobility == (h->sequence || h->sticky));
                ck_assert_int_eq(h->nd, m.own[net][mac][i].nd);
            }
    }
    ck_assert_uint_eq(n, w.ears[p].n);
}

/* ---- steps */

static void forget(rib_peer_id p, bool stale_only)
{
    for (unsigned rd = 0; rd < RDS; rd++) {
        m.imets[p][rd].present &= stale_only && !m.imets[p][rd].stale;
        for (unsigned mac = 0; mac < MACS; mac++)
            for (unsigned i = 0; i < IPS; i++)
                m.macs[p][rd][mac][i].present &= stale_only && !m.macs[p][rd][mac][i].stale;
    }
}

static void mark_stale(rib_peer_id p)
{
    for (unsigned rd = 0; rd < RDS; rd++) {
        m.imets[p][rd].stale = true;
        for (unsigned mac = 0; mac < MACS; mac++)
            for (unsigned i = 0; i < IPS; i++)
                m.macs[p][rd][mac][i].stale = true;
    }
}

static void step_receive(rib_peer_id p)
{
    unsigned rd = rnd(RDS), mac = rnd(MACS), i = rnd(IPS);
    bool type3 = rnd(6) == 0, comes = rnd(10) < 6;
    struct entry *e = type3 ? &m.imets[p][rd] : &m.macs[p][rd][mac][i];
    struct evpn_nlri n = type3 ? imet(rd, vtep_n(2)) : nlri_for(rd, mac, i);

    if (!m.up[p])
        return;
    if (comes) {
        *e = (struct entry){true, false, random_attrs()};
        send(p, &e->a, n);
    } else {
        e->present = false;
        withdraw(p, n);
    }
}

static void step_peer(rib_peer_id p)
{
    bool graceful = rnd(2);

    if (!m.up[p]) {
        m.up[p] = true;
        peer_up(p);
    } else if (rnd(2)) {
        evpn_rib_sweep(w.rib, p);
        forget(p, true);
    } else {
        m.up[p] = false;
        forget(p, graceful);
        mark_stale(p);
        peer_down(p, graceful);
    }
}

static void step_vtep(void)
{
    for (unsigned n = 1 + rnd(3); n > 0; n--) {
        unsigned v = 2 + rnd(VTEPS);
        struct ipaddr a = vtep_n(v);

        m.lost[v] = rnd(3) == 0;
        if (m.lost[v])
            ck_assert_int_eq(evpn_rib_vtep_lost(w.rib, &a), 0);
        else
            evpn_rib_vtep_found(w.rib, &a);
    }
    evpn_rib_vteps_apply(w.rib);
}

static void step_network(void)
{
    dp_net_id net = (dp_net_id)(1 + rnd(NETS));

    m.network[net] = rnd(4) != 0;
    if (m.network[net]) {
        add_network_vni(net, vni_of(net));
    } else {
        evpn_rib_network_remove(w.rib, net);
        memset(m.own[net], 0, sizeof(m.own[net]));
    }
    evpn_rib_apply(w.rib);
}

static void step_own(void)
{
    dp_net_id net = (dp_net_id)(1 + rnd(NETS));
    unsigned mac = rnd(MACS), i = rnd(IPS);
    struct ipaddr host = i ? host_n(mac, i) : (struct ipaddr){0};
    uint32_t sequence = rnd(2) ? 0 : rnd(4);
    bool sticky = rnd(8) == 0, comes = rnd(3) != 0;
    unsigned nd = rnd(2) ? BGP_ND_OVERRIDE : rnd(16);
    int rc;

    if (comes)
        rc = evpn_rib_announce(w.rib, net, mac_n(mac + 1), i ? &host : NULL, sequence, sticky, (uint8_t)nd);
    else
        rc = evpn_rib_withdraw(w.rib, net, mac_n(mac + 1), i ? &host : NULL);
    if (!m.network[net] || (!comes && !m.own[net][mac][i].present)) {
        ck_assert_int_eq(rc, -ENOENT);
        return;
    }
    ck_assert_int_eq(rc, 0);
    m.own[net][mac][i].present = comes;
    m.own[net][mac][i].sequence = sequence;
    m.own[net][mac][i].sticky = sticky;
    m.own[net][mac][i].nd = i == 2 ? (int)(nd & 11) : i == 1 && nd & BGP_ND_IMMUTABLE ? BGP_ND_IMMUTABLE : -1;
}

static void step_pull(rib_peer_id p)
{
    static const size_t sizes[] = {200, 300, BGP_MSG_MAX, BGP_MSG_EXT_MAX};
    unsigned n = rnd(3) ? 1 + rnd(3) : NONE;

    if (rnd(10) == 0)
        evpn_rib_refresh(w.rib, p);
    while (n-- > 0)
        if (!pull(p, sizes[rnd(4)])) {
            if (m.up[p])
                check_ear(p);
            return;
        }
}

static void one_step(void)
{
    rib_peer_id p = (rib_peer_id)(1 + rnd(PEERS));
    uint32_t what = rnd(100);

    if (what < 55)
        step_receive(p);
    else if (what < 60)
        step_peer(p);
    else if (what < 63)
        step_vtep();
    else if (what < 65)
        step_network();
    else if (what < 85)
        step_own();
    else
        step_pull(p);
}

static void check_nothing_is_left(void)
{
    struct evpn_rib_totals t;

    for (unsigned p = 1; p <= PEERS; p++)
        peer_down((rib_peer_id)p, false);
    for (unsigned net = 1; net <= NETS; net++)
        evpn_rib_network_remove(w.rib, (dp_net_id)net);
    for (unsigned v = 2; v < VTEPS + 2; v++) {
        struct ipaddr a = vtep_n(v);

        evpn_rib_vtep_found(w.rib, &a);
    }
    evpn_rib_vteps_apply(w.rib);
    evpn_rib_totals(w.rib, &t);
    ck_assert_uint_eq(w.n_macs + w.n_ips + w.n_floods, 0);
    ck_assert_uint_eq(
        t.routes + t.dests + t.attrs + t.vteps + t.segments + t.rds + t.own + t.groups + t.withdrawn, 0);
}

START_TEST(test_random_operations_against_a_model)
{
    const char *given = getenv("EVPN_RIB_SEED"), *longer = getenv("EVPN_RIB_STEPS");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    unsigned long steps = longer ? strtoul(longer, NULL, 0) : SCALE * 4000;
    struct evpn_rib_config c = default_config();

    printf("EVPN_RIB_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    state = seed;
    memset(&m, 0, sizeof(m));
    world_start(&c);
    for (unsigned net = 1; net <= NETS; net++) {
        add_network_vni((dp_net_id)net, vni_of(net));
        m.network[net] = true;
    }
    for (unsigned p = 1; p <= PEERS; p++) {
        add_peer(p, p % 2);
        m.up[p] = true;
    }
    for (unsigned long i = 0; i < steps; i++) {
        one_step();
        for (unsigned net = 1; net <= NETS; net++)
            for (unsigned mac = 0; mac < MACS; mac++)
                check_mac((dp_net_id)net, mac);
        check_bindings();
        check_floods();
        check_counts();
    }
    for (unsigned p = 1; p <= PEERS; p++) {
        if (!m.up[p])
            continue;
        pull_all((rib_peer_id)p);
        check_ear((rib_peer_id)p);
    }
    check_nothing_is_left();
    world_stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evpn_rib_random");
    TCase *tc = tcase_create("model");

    tcase_set_timeout(tc, 3600);
    tcase_add_test(tc, test_random_operations_against_a_model);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
