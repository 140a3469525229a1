/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Building, asking and encoding sets of path attributes; the decoding half is bgp_attr.c. Any thread.
 */
#include "controlplane/bgp_attr.h"

/* ---- asking and building */

bool bgp_attrs_has(const struct bgp_attrs *a, enum bgp_attr_type type)
{
    return a->present >> type & 1;
}

void bgp_attrs_set(struct bgp_attrs *a, enum bgp_attr_type type)
{
    a->present |= UINT64_C(1) << type;
}

const struct bgp_extcom *bgp_attrs_extcom(const struct bgp_attrs *a, enum bgp_extcom_kind kind)
{
    const struct bgp_extcom *found = NULL;

    for (unsigned i = 0; i < a->n_extcoms; i++) {
        const struct bgp_extcom *c = &a->extcoms[i];

        if (bgp_extcom_kind(c) != kind)
            continue;
        if (!found || (kind == BGP_EXTCOM_MOBILITY &&
                       (int32_t)(bgp_extcom_sequence(c) - bgp_extcom_sequence(found)) > 0))
            found = c;
    }
    return found;
}

bool bgp_attrs_has_extcom(const struct bgp_attrs *a, const struct bgp_extcom *c)
{
    for (unsigned i = 0; i < a->n_extcoms; i++) {
        if (bgp_extcom_eq(&a->extcoms[i], c))
            return true;
    }
    return false;
}

int bgp_attrs_is_vxlan(const struct bgp_attrs *a)
{
    int answer = -1;

    for (unsigned i = 0; i < a->n_extcoms; i++) {
        if (bgp_extcom_kind(&a->extcoms[i]) != BGP_EXTCOM_ENCAPSULATION)
            continue;
        if (bgp_extcom_tunnel(&a->extcoms[i]) == BGP_TUNNEL_VXLAN)
            return 1;
        answer = 0;
    }
    return answer;
}

bool bgp_attrs_add_extcom(struct bgp_attrs *a, struct bgp_extcom c)
{
    if (a->n_extcoms == BGP_EXTCOMS)
        return false;
    a->extcoms[a->n_extcoms++] = c;
    bgp_attrs_set(a, BGP_EXT_COMMUNITY);
    return true;
}

void bgp_attrs_set_ingress_replication(struct bgp_attrs *a, uint32_t vni, const struct ipaddr *vtep)
{
    a->pmsi = (struct bgp_pmsi){
        .type = BGP_PMSI_INGRESS_REPLICATION, .label = vni & VNI_MAX, .id_len = vtep->family == 6 ? 16 : 4};
    memcpy(a->pmsi.id, vtep->b, a->pmsi.id_len);
    bgp_attrs_set(a, BGP_PMSI_TUNNEL);
}

struct ipaddr bgp_pmsi_endpoint(const struct bgp_pmsi *p)
{
    struct ipaddr ip = {0};

    if (p->type == BGP_PMSI_INGRESS_REPLICATION && (p->id_len == 4 || p->id_len == 16)) {
        ip.family = p->id_len == 4 ? 4 : 6;
        memcpy(ip.b, p->id, p->id_len);
    }
    return ip;
}

const char *bgp_attrs_loop(const struct bgp_attrs *a, uint32_t our_as, uint32_t our_id, uint32_t our_cluster)
{
    if (bgp_attrs_has(a, BGP_AS_PATH) && bgp_as_path_contains(&a->as_path, our_as))
        return "our AS is in the path";
    if (bgp_attrs_has(a, BGP_ORIGINATOR_ID) && a->originator_id == our_id)
        return "we are the originator";
    for (unsigned i = 0; our_cluster && bgp_attrs_has(a, BGP_CLUSTER_LIST) && i < a->n_clusters; i++) {
        if (a->clusters[i] == our_cluster)
            return "our cluster is in the cluster list";
    }
    return NULL;
}

const char *bgp_verdict_name(enum bgp_verdict v)
{
    static const char *const names[] = {"fine", "attribute-discard", "treat-as-withdraw", "session-reset"};

    return names[v];
}

/* ---- encoding */

/* Flags as the type wants them, the length in one byte where that is enough. */
static void put_head(struct buf_out *out, uint8_t type, size_t len)
{
    uint8_t flags = (uint8_t)bgp_attr_flags(type);

    buf_put_u8(out, len > 0xff ? flags | BGP_FLAG_EXTENDED : flags);
    buf_put_u8(out, type);
    if (len > 0xff)
        buf_put_u16(out, (uint16_t)len);
    else
        buf_put_u8(out, (uint8_t)len);
}

static void put_u32(struct buf_out *out, uint8_t type, uint32_t v)
{
    put_head(out, type, 4);
    buf_put_u32(out, v);
}

static void put_u32_list(struct buf_out *out, uint8_t type, const uint32_t *v, size_t n)
{
    put_head(out, type, 4 * n);
    for (size_t i = 0; i < n; i++)
        buf_put_u32(out, v[i]);
}

static void put_aggregator(struct buf_out *out, const struct bgp_attrs *a, const struct bgp_rules *rules)
{
    put_head(out, BGP_AGGREGATOR, rules->as4 ? 8 : 6);
    if (rules->as4)
        buf_put_u32(out, a->aggregator_as);
    else
        buf_put_u16(out, a->aggregator_as > 0xffff ? BGP_AS_TRANS : (uint16_t)a->aggregator_as);
    buf_put_u32(out, a->aggregator_id);
}

static void put_extcoms(struct buf_out *out, const struct bgp_attrs *a, const struct bgp_rules *rules)
{
    size_t n = 0;

    for (unsigned i = 0; i < a->n_extcoms; i++)
        n += !rules->ebgp || bgp_extcom_is_transitive(&a->extcoms[i]);
    if (n == 0)
        return;
    put_head(out, BGP_EXT_COMMUNITY, 8 * n);
    for (unsigned i = 0; i < a->n_extcoms; i++) {
        if (!rules->ebgp || bgp_extcom_is_transitive(&a->extcoms[i]))
            buf_put(out, a->extcoms[i].b, 8);
    }
}

/* RFC 6793 section 4.2.2. */
static void put_as4(struct buf_out *out, const struct bgp_attrs *a)
{
    if (bgp_attrs_has(a, BGP_AS_PATH) && bgp_as_path_needs_as4(&a->as_path)) {
        put_head(out, BGP_AS4_PATH, bgp_as_path_size(&a->as_path, true));
        bgp_as_path_encode(&a->as_path, true, out);
    }
    if (bgp_attrs_has(a, BGP_AGGREGATOR) && a->aggregator_as > 0xffff) {
        put_head(out, BGP_AS4_AGGREGATOR, 8);
        buf_put_u32(out, a->aggregator_as);
        buf_put_u32(out, a->aggregator_id);
    }
}

static void put_pmsi(struct buf_out *out, const struct bgp_pmsi *p)
{
    put_head(out, BGP_PMSI_TUNNEL, 5u + p->id_len);
    buf_put_u8(out, p->flags);
    buf_put_u8(out, p->type);
    buf_put_u24(out, p->label);
    buf_put(out, p->id, p->id_len);
}

static void put_large(struct buf_out *out, const struct bgp_attrs *a)
{
    put_head(out, BGP_LARGE_COMMUNITY, 12u * a->n_large);
    for (unsigned i = 0; i < a->n_large; i++) {
        for (int j = 0; j < 3; j++)
            buf_put_u32(out, a->large[i].part[j]);
    }
}

/* Types 1 to 10. */
static void put_classic(struct buf_out *out, const struct bgp_attrs *a, const struct bgp_rules *rules)
{
    if (bgp_attrs_has(a, BGP_ORIGIN)) {
        put_head(out, BGP_ORIGIN, 1);
        buf_put_u8(out, a->origin);
    }
    if (bgp_attrs_has(a, BGP_AS_PATH)) {
        put_head(out, BGP_AS_PATH, bgp_as_path_size(&a->as_path, rules->as4));
        bgp_as_path_encode(&a->as_path, rules->as4, out);
    }
    if (bgp_attrs_has(a, BGP_NEXT_HOP))
        put_u32(out, BGP_NEXT_HOP, a->ipv4_next_hop);
    if (bgp_attrs_has(a, BGP_MED))
        put_u32(out, BGP_MED, a->med);
    if (bgp_attrs_has(a, BGP_LOCAL_PREF) && !rules->ebgp)
        put_u32(out, BGP_LOCAL_PREF, a->local_pref);
    if (bgp_attrs_has(a, BGP_ATOMIC_AGGREGATE))
        put_head(out, BGP_ATOMIC_AGGREGATE, 0);
    if (bgp_attrs_has(a, BGP_AGGREGATOR))
        put_aggregator(out, a, rules);
    if (bgp_attrs_has(a, BGP_COMMUNITY))
        put_u32_list(out, BGP_COMMUNITY, a->communities, a->n_communities);
    if (bgp_attrs_has(a, BGP_ORIGINATOR_ID) && !rules->ebgp)
        put_u32(out, BGP_ORIGINATOR_ID, a->originator_id);
    if (bgp_attrs_has(a, BGP_CLUSTER_LIST) && !rules->ebgp)
        put_u32_list(out, BGP_CLUSTER_LIST, a->clusters, a->n_clusters);
}

void bgp_attrs_encode(const struct bgp_attrs *a, const struct bgp_rules *rules, struct buf_out *out)
{
    put_classic(out, a, rules);
    if (bgp_attrs_has(a, BGP_EXT_COMMUNITY))
        put_extcoms(out, a, rules);
    if (!rules->as4)
        put_as4(out, a);
    if (bgp_attrs_has(a, BGP_PMSI_TUNNEL))
        put_pmsi(out, &a->pmsi);
    if (bgp_attrs_has(a, BGP_LARGE_COMMUNITY))
        put_large(out, a);
    buf_put(out, a->unknown, a->unknown_len);
}
