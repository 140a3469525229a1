/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whole BGP sides for tests: sessions and a RIB joined by the glue, as a gateway has them.
 */
#ifndef TESTS_UNIT_BGP_SIDE_H
#define TESTS_UNIT_BGP_SIDE_H

#include "controlplane/bgp_rib_glue.h"
#include "tests/unit/bgp_world.h"

struct side {
    struct evpn_rib *rib;
    struct bgp_rib_glue *glue;
    struct bgp *bgp;
    unsigned macs, gone, floods, warnings;
    struct evpn_rib_best best;
};

static inline void on_mac(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    struct side *s = arg;

    (void)mac;
    ck_assert_uint_eq(net, 1);
    if (best)
        s->best = *best;
    s->macs += best != NULL;
    s->gone += best == NULL;
}

static inline void on_binding(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *address,
                              bool present, uint8_t nd_flags)
{
    (void)arg;
    (void)net;
    (void)mac;
    (void)address;
    (void)present;
    (void)nd_flags;
}

static inline void on_flood(void *arg, dp_net_id net, const struct ipaddr *vtep, rib_peer_id by)
{
    struct side *s = arg;

    (void)net;
    (void)vtep;
    s->floods += by ? 1u : UINT32_MAX;
}

static inline void on_writable(void *arg, rib_peer_id peer)
{
    bgp_rib_glue_writable(((struct side *)arg)->glue, peer);
}

static inline void on_alert(void *arg, rib_peer_id peer, enum evpn_rib_alert alert)
{
    struct side *s = arg;

    s->warnings += alert == EVPN_RIB_WARNING;
    bgp_rib_glue_alert(s->glue, peer, alert);
}

static const struct evpn_rib_ops rib_ops = {
    .mac = on_mac, .binding = on_binding, .flood = on_flood, .writable = on_writable, .alert = on_alert};

static bool came_back; /* sides that are made from now on restarted, and kept their forwarding state */

static inline void side_make(struct side *s, uint32_t asn, const char *address)
{
    const struct ipaddr a = ip(address);
    const struct evpn_rib_config rib = {.asn = asn,
                                        .router_id = 0x0a000000u + a.b[3],
                                        .vtep = a,
                                        .max_peers = 4,
                                        .max_routes = 200000,
                                        .max_attr_bytes = 1 << 20};
    const struct bgp_config config = {
        .local = {.asn = asn, .router_id = rib.router_id, .restarting = came_back, .forwarding = came_back},
        .listen = &a,
        .n_listen = 1,
        .port = PORT};
    const struct evpn_rib_rt rt = {.rt = bgp_extcom_rt_vni(65000, 10100)};
    const struct evpn_rib_network network = {.id = 1,
                                             .vni = 10100,
                                             .rd = evpn_rd_make(0xc6120001, 1),
                                             .import_rts = &rt,
                                             .n_import = 1,
                                             .export_rts = &rt,
                                             .n_export = 1};
    char err[BGP_ERR_LEN];

    memset(s, 0, sizeof(*s));
    s->rib = evpn_rib_new(&rib, &rib_ops, s);
    s->glue = bgp_rib_glue_new(s->rib, rib.max_peers);
    ck_assert(s->rib && s->glue);
    s->bgp = bgp_new(base, &config, &bgp_rib_glue_ops, s->glue, err);
    ck_assert_msg(s->bgp != NULL, "%s", err);
    ck_assert_int_eq(evpn_rib_network_set(s->rib, &network), 0);
}

static inline void side_end(struct side *s)
{
    bgp_free(s->bgp);
    bgp_rib_glue_free(s->glue);
    evpn_rib_free(s->rib);
}

static inline struct bgp_session *side_peer(struct side *s, const struct bgp_peer_config *c)
{
    char err[BGP_ERR_LEN];
    struct bgp_session *peer = bgp_rib_glue_peer_add(s->glue, s->bgp, c, err);

    ck_assert_msg(peer != NULL, "%s", err);
    return peer;
}

static inline struct mac mac_of(unsigned i)
{
    return (struct mac){{2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static inline void announce(struct side *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(evpn_rib_announce(s->rib, 1, mac_of(i), NULL, 0, false, 0), 0);
}

static struct side a, b;
static struct bgp_session *ab, *ba;
static struct bgp_peer_config ca, cb;

static inline void both_up(uint32_t asn_b)
{
    side_make(&a, 65000, "198.18.0.1");
    side_make(&b, asn_b, "198.18.0.2");
    ca = peer_config(asn_b, "198.18.0.1", "198.18.0.2");
    cb = peer_config(65000, "198.18.0.2", "198.18.0.1");
    cb.passive = true;
    ab = side_peer(&a, &ca);
    ba = side_peer(&b, &cb);
    UNTIL(10, is_up(ab) && is_up(ba) && a.floods == 1 && b.floods == 1);
}

static inline void both_end(void)
{
    side_end(&a);
    side_end(&b);
}

#endif
