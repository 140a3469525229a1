/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Our own routes as UPDATE messages, one group of equal attributes after the other; see rib_out.c.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

#include <errno.h>

void rib_own_nlri(const struct evpn_rib *rib, const struct rib_own *o, struct evpn_nlri *out)
{
    const struct rib_network *n = network_at(rib, o->network);

    *out = (struct evpn_nlri){.type = o->type, .rd = n->rd, .mac = o->mac, .ip = {.family = o->ip_family}};
    memcpy(out->ip.b, o->ip, sizeof(out->ip.b));
    if (o->type == EVPN_MACIP) {
        out->label = n->vni;
        out->n_labels = 1;
    }
}

/* R2.4, R2.5, R3.4, R3.5, R4.2, R7.4. LOCAL_PREF does not leave for eBGP peers: bgp_attrs_encode() sees to
 * it. */
void rib_own_attrs(const struct evpn_rib *rib, const struct rib_group *g, bool ebgp, struct bgp_attrs *a)
{
    const struct rib_network *n = network_at(rib, g->network);

    bgp_attrs_init(a);
    a->origin = BGP_ORIGIN_IGP;
    bgp_attrs_set(a, BGP_ORIGIN);
    if (ebgp)
        bgp_as_path_prepend(&a->as_path, rib->config.asn);
    bgp_attrs_set(a, BGP_AS_PATH);
    a->local_pref = RIB_LOCAL_PREF;
    bgp_attrs_set(a, BGP_LOCAL_PREF);
    a->next_hop = rib->config.vtep;
    bgp_attrs_set(a, BGP_MP_REACH);
    for (size_t i = 0; i < n->n_export; i++)
        bgp_attrs_add_extcom(a, n->export_rts[i].rt);
    bgp_attrs_add_extcom(a, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN));
    if (g->sequence || g->sticky)
        bgp_attrs_add_extcom(a, bgp_extcom_mobility(g->sticky, g->sequence));
    if (g->nd)
        bgp_attrs_add_extcom(a, bgp_extcom_arp_nd((uint8_t)(g->nd & ~RIB_ND_CARRIED))); /* R7.4 */
    if (g->type == EVPN_IMET)
        bgp_attrs_set_ingress_replication(a, n->vni, &rib->config.vtep);
}

/* The group to serve: what was withdrawn, else from where it last stopped, so that none waits for ever. */
static uint32_t next_group(const struct rib_peer *p)
{
    uint32_t word = p->turn >> 6;
    uint64_t bits;

    if (p->dirty[0] & 1ull << RIB_GROUP_GONE)
        return RIB_GROUP_GONE;
    if (word >= p->dirty_words)
        word = 0;
    bits = p->dirty[word] & ~0ull << (p->turn & 63);
    for (uint32_t n = 0; n <= p->dirty_words; n++) {
        if (bits)
            return word << 6 | (uint32_t)__builtin_ctzll(bits);
        word = word + 1 < p->dirty_words ? word + 1 : 0;
        bits = p->dirty[word];
    }
    return RIB_NONE;
}

static int pack_begin(struct evpn_rib *rib, const struct rib_peer *p, uint32_t group, struct bgp_pack *pack,
                      uint8_t *msg, size_t size)
{
    struct bgp_rules rules = {.ebgp = p->config.ebgp, .as4 = p->session.as4};
    struct bgp_attrs attrs;

    if (group == RIB_GROUP_GONE)
        return bgp_pack_unreach(pack, msg, size);
    rib_own_attrs(rib, group_at(rib, group), p->config.ebgp, &attrs);
    return bgp_pack_reach(pack, msg, size, &attrs, &rules);
}

static int pull_group(struct evpn_rib *rib, rib_peer_id peer, uint32_t group, uint8_t *msg, size_t size)
{
    struct rib_peer *p = peer_at(rib, peer);
    uint32_t i = group_at(rib, group)->cursor[peer];
    struct bgp_pack pack;
    size_t len;

    if (pack_begin(rib, p, group, &pack, msg, size) < 0)
        return -ENOSPC;
    for (; i != RIB_NONE; i = own_at(rib, i)->after) {
        struct evpn_nlri n;

        rib_own_nlri(rib, own_at(rib, i), &n);
        if (!bgp_pack_add(&pack, &n))
            break;
    }
    len = bgp_pack_end(&pack);
    if (len == 0)
        return -ENOSPC;
    rib_out_cursor_set(rib, group, peer, i);
    p->turn = i == RIB_NONE ? group + 1 : group;
    p->counts.sent_updates++;
    if (group == RIB_GROUP_GONE) {
        p->counts.sent_withdrawn += pack.n;
        rib_out_forget_withdrawn(rib);
    } else {
        p->counts.sent_routes += pack.n;
    }
    return (int)len;
}

int evpn_rib_pull(struct evpn_rib *rib, rib_peer_id peer, uint8_t *msg, size_t size)
{
    struct rib_peer *p = peer_at(rib, peer);

    if (p->up && p->n_dirty > 0)
        return pull_group(rib, peer, next_group(p), msg, size);
    if (p->up && p->eor_due) {
        p->eor_due = false;
        p->counts.sent_updates++;
        return bgp_end_of_rib_encode((struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN}, msg, size);
    }
    p->notified = false;
    return 0;
}

bool evpn_rib_pending(const struct evpn_rib *rib, rib_peer_id peer)
{
    return peer_at(rib, peer)->n_dirty > 0 || peer_at(rib, peer)->eor_due;
}
