/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Decoding of path attributes with the verdicts of RFC 7606 section 7 (and those of the RFCs of younger
 * attributes), one function per attribute. Every one reads its value into locals or ends before it touches
 * the set. Any thread.
 */
#include "controlplane/bgp_attr.h"

#define WELL_KNOWN     BGP_FLAG_TRANSITIVE
#define OPT_TRANSITIVE (BGP_FLAG_OPTIONAL | BGP_FLAG_TRANSITIVE)
#define OPT_ONLY       BGP_FLAG_OPTIONAL

/* What a decoding function has at hand. */
struct reading {
    struct buf_in v;
    size_t len;
    const struct bgp_rules *rules;
    struct bgp_attrs *a;
    struct bgp_as4 *as4;
    struct bgp_attr_error *e;
};

static enum bgp_verdict fault(struct reading *r, enum bgp_verdict verdict, uint8_t subcode, const char *why)
{
    r->e->verdict = (uint8_t)verdict;
    r->e->subcode = subcode;
    r->e->why = why;
    return verdict;
}

static enum bgp_verdict bad_length(struct reading *r, enum bgp_verdict verdict)
{
    return fault(r, verdict, BGP_UPDATE_LENGTH, "the attribute has a wrong length");
}

/* A number of four bytes. */
static enum bgp_verdict get_u32(struct reading *r, uint32_t *out)
{
    if (r->len != 4)
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    *out = buf_get_u32(&r->v);
    return BGP_FINE;
}

static enum bgp_verdict get_origin(struct reading *r)
{
    uint8_t origin;

    if (r->len != 1)
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    origin = buf_get_u8(&r->v);
    if (origin > BGP_ORIGIN_INCOMPLETE)
        return fault(r, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_ORIGIN, "an undefined origin");
    r->a->origin = origin;
    return BGP_FINE;
}

static enum bgp_verdict get_as_path(struct reading *r)
{
    const char *why;

    if (!bgp_as_path_decode(&r->v, r->rules->as4, false, &r->a->as_path, &why))
        return fault(r, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_AS_PATH, why);
    return BGP_FINE;
}

static enum bgp_verdict get_next_hop(struct reading *r)
{
    return get_u32(r, &r->a->ipv4_next_hop);
}

static enum bgp_verdict get_med(struct reading *r)
{
    return get_u32(r, &r->a->med);
}

static enum bgp_verdict get_local_pref(struct reading *r)
{
    return get_u32(r, &r->a->local_pref);
}

static enum bgp_verdict get_atomic_aggregate(struct reading *r)
{
    return r->len == 0 ? BGP_FINE : bad_length(r, BGP_ATTRIBUTE_DISCARD);
}

/* RFC 7606 section 7.7. AS 0: RFC 7607 says malformed, and malformed here is attribute discard. */
static enum bgp_verdict get_aggregator(struct reading *r)
{
    uint32_t as;

    if (r->len != (r->rules->as4 ? 8 : 6))
        return bad_length(r, BGP_ATTRIBUTE_DISCARD);
    as = r->rules->as4 ? buf_get_u32(&r->v) : buf_get_u16(&r->v);
    if (as == 0)
        return fault(r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL, "AS number 0");
    r->a->aggregator_as = as;
    r->a->aggregator_id = buf_get_u32(&r->v);
    return BGP_FINE;
}

/* Members of `size` bytes: a whole number of them, and at least one. */
static bool is_list(const struct reading *r, size_t size)
{
    return r->len > 0 && r->len % size == 0;
}

static enum bgp_verdict get_communities(struct reading *r)
{
    if (!is_list(r, 4))
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    while (buf_left(&r->v) > 0) {
        uint32_t c = buf_get_u32(&r->v);

        if (r->a->n_communities < BGP_COMMUNITIES)
            r->a->communities[r->a->n_communities++] = c;
        else
            r->a->cut++;
    }
    return BGP_FINE;
}

static enum bgp_verdict get_originator_id(struct reading *r)
{
    return get_u32(r, &r->a->originator_id);
}

static enum bgp_verdict get_cluster_list(struct reading *r)
{
    if (!is_list(r, 4))
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    if (r->len / 4 > BGP_CLUSTERS)
        return fault(r, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_OPTIONAL, "the cluster list is too long to keep");
    while (buf_left(&r->v) > 0)
        r->a->clusters[r->a->n_clusters++] = buf_get_u32(&r->v);
    return BGP_FINE;
}

/* One that is left out might be the sequence number of a MAC, or the target by which a route is ours: no
 * route at all says less that is wrong. */
static enum bgp_verdict get_extcoms(struct reading *r)
{
    if (!is_list(r, 8))
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    if (r->len / 8 > BGP_EXTCOMS)
        return fault(r, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_OPTIONAL,
                     "more extended communities than are kept");
    while (buf_left(&r->v) > 0) {
        struct bgp_extcom c = {{0}};

        buf_get_copy(&r->v, c.b, 8);
        bgp_attrs_add_extcom(r->a, c);
    }
    return BGP_FINE;
}

/* RFC 6793 section 6: from a peer with 4-octet AS numbers it means nothing, and malformed it is discarded. */
static enum bgp_verdict get_as4_path(struct reading *r)
{
    const char *why = "AS4_PATH from a peer with 4-octet AS numbers";

    if (r->rules->as4)
        return fault(r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL, why);
    if (!bgp_as_path_decode(&r->v, true, true, &r->as4->path, &why))
        return fault(r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL, why);
    r->as4->has_path = true;
    return BGP_FINE;
}

static enum bgp_verdict get_as4_aggregator(struct reading *r)
{
    if (r->rules->as4)
        return fault(r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL,
                     "AS4_AGGREGATOR from a peer with 4-octet AS numbers");
    if (r->len != 8)
        return bad_length(r, BGP_ATTRIBUTE_DISCARD);
    r->as4->aggregator_as = buf_get_u32(&r->v);
    r->as4->aggregator_id = buf_get_u32(&r->v);
    if (r->as4->aggregator_as == 0)
        return fault(r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL, "AS number 0");
    r->as4->has_aggregator = true;
    return BGP_FINE;
}

/* RFC 6514 section 5: malformed is treated as withdrawn. Tunnel types other than ours are kept as they are.
 */
static enum bgp_verdict get_pmsi(struct reading *r)
{
    struct bgp_pmsi p = {0};

    p.flags = buf_get_u8(&r->v);
    p.type = buf_get_u8(&r->v);
    p.label = buf_get_u24(&r->v);
    if (r->v.failed)
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    if (p.type == BGP_PMSI_INGRESS_REPLICATION && buf_left(&r->v) != 4 && buf_left(&r->v) != 16)
        return fault(r, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_OPTIONAL,
                     "the tunnel identifier of ingress replication is no address");
    if (buf_left(&r->v) > BGP_PMSI_ID) {
        r->a->cut++;
        return fault(r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL,
                     "the tunnel identifier is too long to keep");
    }
    p.id_len = (uint8_t)buf_left(&r->v);
    buf_get_copy(&r->v, p.id, p.id_len);
    r->a->pmsi = p;
    return BGP_FINE;
}

static enum bgp_verdict get_large(struct reading *r)
{
    if (!is_list(r, 12))
        return bad_length(r, BGP_TREAT_AS_WITHDRAW);
    while (buf_left(&r->v) > 0) {
        struct bgp_large c;

        for (int i = 0; i < 3; i++)
            c.part[i] = buf_get_u32(&r->v);
        if (r->a->n_large < BGP_LARGE)
            r->a->large[r->a->n_large++] = c;
        else
            r->a->cut++;
    }
    return BGP_FINE;
}

/* Kept whole, as RFC 4271 section 5 wants for what goes on to others: with Partial set. */
static void keep_unknown(const struct bgp_raw_attr *raw, struct bgp_attrs *a)
{
    struct buf_in value = raw->value;
    size_t len = buf_left(&value);
    struct buf_out out;

    a->n_unknown++;
    buf_out_init(&out, a->unknown + a->unknown_len, sizeof(a->unknown) - a->unknown_len);
    buf_put_u8(&out, (raw->flags & OPT_TRANSITIVE) | BGP_FLAG_PARTIAL | BGP_FLAG_EXTENDED);
    buf_put_u8(&out, raw->type);
    buf_put_u16(&out, (uint16_t)len);
    buf_put(&out, buf_get(&value, len), len);
    if (out.failed)
        a->cut++;
    else
        a->unknown_len = (uint16_t)(a->unknown_len + out.len);
}

/* RFC 7606 section 7.15; the value is kept like an unknown attribute's. */
static enum bgp_verdict get_ipv6_extcoms(struct reading *r)
{
    return is_list(r, 20) ? BGP_FINE : bad_length(r, BGP_TREAT_AS_WITHDRAW);
}

static const struct attr_spec {
    const char *name;
    uint8_t flags;
    bool internal; /* from an external peer: discarded unread (RFC 7606 sections 7.5, 7.9, 7.10) */
    bool raw;      /* only checked; kept as unknown ones are */
    enum bgp_verdict (*get)(struct reading *r);
} specs[64] = {
    [BGP_ORIGIN] = {"ORIGIN", WELL_KNOWN, false, false, get_origin},
    [BGP_AS_PATH] = {"AS_PATH", WELL_KNOWN, false, false, get_as_path},
    [BGP_NEXT_HOP] = {"NEXT_HOP", WELL_KNOWN, false, false, get_next_hop},
    [BGP_MED] = {"MULTI_EXIT_DISC", OPT_ONLY, false, false, get_med},
    [BGP_LOCAL_PREF] = {"LOCAL_PREF", WELL_KNOWN, true, false, get_local_pref},
    [BGP_ATOMIC_AGGREGATE] = {"ATOMIC_AGGREGATE", WELL_KNOWN, false, false, get_atomic_aggregate},
    [BGP_AGGREGATOR] = {"AGGREGATOR", OPT_TRANSITIVE, false, false, get_aggregator},
    [BGP_COMMUNITY] = {"COMMUNITIES", OPT_TRANSITIVE, false, false, get_communities},
    [BGP_ORIGINATOR_ID] = {"ORIGINATOR_ID", OPT_ONLY, true, false, get_originator_id},
    [BGP_CLUSTER_LIST] = {"CLUSTER_LIST", OPT_ONLY, true, false, get_cluster_list},
    [BGP_MP_REACH] = {"MP_REACH_NLRI", OPT_ONLY, false, false, NULL},
    [BGP_MP_UNREACH] = {"MP_UNREACH_NLRI", OPT_ONLY, false, false, NULL},
    [BGP_EXT_COMMUNITY] = {"EXTENDED_COMMUNITIES", OPT_TRANSITIVE, false, false, get_extcoms},
    [BGP_AS4_PATH] = {"AS4_PATH", OPT_TRANSITIVE, false, false, get_as4_path},
    [BGP_AS4_AGGREGATOR] = {"AS4_AGGREGATOR", OPT_TRANSITIVE, false, false, get_as4_aggregator},
    [BGP_PMSI_TUNNEL] = {"PMSI_TUNNEL", OPT_TRANSITIVE, false, false, get_pmsi},
    [BGP_IPV6_EXT_COMMUNITY] = {"IPV6_EXTENDED_COMMUNITIES", OPT_TRANSITIVE, false, true, get_ipv6_extcoms},
    [BGP_LARGE_COMMUNITY] = {"LARGE_COMMUNITY", OPT_TRANSITIVE, false, false, get_large},
};

static const struct attr_spec *spec_of(uint8_t type)
{
    return type < sizeof(specs) / sizeof(specs[0]) && specs[type].name ? &specs[type] : NULL;
}

int bgp_attr_flags(uint8_t type)
{
    const struct attr_spec *s = spec_of(type);

    return s ? s->flags : -1;
}

const char *bgp_attr_name(uint8_t type)
{
    const struct attr_spec *s = spec_of(type);

    return s ? s->name : NULL;
}

void bgp_attrs_init(struct bgp_attrs *a)
{
    memset(a, 0, offsetof(struct bgp_attrs, communities));
    a->as_path.n_segments = 0;
    a->as_path.n_numbers = 0;
}

bool bgp_raw_attr_next(struct buf_in *list, struct bgp_raw_attr *out, const char **why)
{
    *why = NULL;
    if (buf_left(list) == 0)
        return false;
    out->data = list->at;
    out->flags = buf_get_u8(list);
    out->type = buf_get_u8(list);
    if (!buf_get_sub(list, out->flags & BGP_FLAG_EXTENDED ? buf_get_u16(list) : buf_get_u8(list),
                     &out->value)) {
        *why = "an attribute is longer than what is left of the attributes";
        return false;
    }
    out->data_len = (size_t)(list->at - out->data);
    return true;
}

static enum bgp_verdict decode_unknown(const struct bgp_raw_attr *raw, struct bgp_attrs *a, struct reading *r)
{
    /* RFC 4271 section 6.3, which RFC 7606 leaves as it is. */
    if (!(raw->flags & BGP_FLAG_OPTIONAL))
        return fault(r, BGP_SESSION_RESET, BGP_UPDATE_UNKNOWN_WELL_KNOWN, "an unknown well-known attribute");
    if (raw->flags & BGP_FLAG_TRANSITIVE)
        keep_unknown(raw, a);
    return BGP_FINE;
}

enum bgp_verdict bgp_attr_decode(const struct bgp_raw_attr *raw, const struct bgp_rules *rules,
                                 struct bgp_attrs *a, struct bgp_as4 *as4, struct bgp_attr_error *e)
{
    const struct attr_spec *s = spec_of(raw->type);
    struct reading r = {raw->value, buf_left(&raw->value), rules, a, as4, e};
    enum bgp_verdict v;

    *e = (struct bgp_attr_error){.type = raw->type};
    if (!s || !s->get)
        return decode_unknown(raw, a, &r);
    if (s->internal && rules->ebgp)
        return fault(&r, BGP_ATTRIBUTE_DISCARD, BGP_UPDATE_OPTIONAL,
                     "an attribute of iBGP from an eBGP peer");
    /* RFC 7606 section 3 c: Optional and Transitive alone; Partial is not looked at. */
    if ((raw->flags & OPT_TRANSITIVE) != s->flags)
        return fault(&r, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_FLAGS, "the attribute has wrong flags");
    v = s->get(&r);
    if (v == BGP_FINE && s->raw)
        keep_unknown(raw, a);
    else if (v == BGP_FINE && raw->type != BGP_AS4_PATH && raw->type != BGP_AS4_AGGREGATOR)
        bgp_attrs_set(a, raw->type);
    return v;
}

void bgp_attrs_merge_as4(struct bgp_attrs *a, const struct bgp_as4 *as4)
{
    bool aggregated = bgp_attrs_has(a, BGP_AGGREGATOR);

    /* An AGGREGATOR with a real AS was made by someone who knew not of AS4_*, after them: both are stale. */
    if (as4->has_aggregator && aggregated && a->aggregator_as != BGP_AS_TRANS)
        return;
    if (as4->has_aggregator && aggregated) {
        a->aggregator_as = as4->aggregator_as;
        a->aggregator_id = as4->aggregator_id;
    }
    if (as4->has_path)
        bgp_as_path_merge(&a->as_path, &as4->path);
}
