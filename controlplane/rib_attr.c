/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What many routes share is kept once: attribute sets, VTEP addresses, Ethernet segments, RDs with their
 * Ethernet tag. All of them live as long as something refers to them.
 *
 * An attribute set is the path attributes as bytes (equal sets encode equally), plus next hop, ESI and
 * labels, which stand elsewhere in an UPDATE but are equal for most routes too.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

#include <errno.h>
#include <stdlib.h>

/* ---- hashes */

static uint32_t vtep_hash(const void *owner, const void *elem)
{
    const struct ipaddr *a = &((const struct rib_vtep *)elem)->address;

    return rib_hash_bytes(((const struct evpn_rib *)owner)->key, a, sizeof(*a));
}

static uint32_t es_hash(const void *owner, const void *elem)
{
    const struct evpn_esi *e = &((const struct rib_es *)elem)->esi;

    return rib_hash_bytes(((const struct evpn_rib *)owner)->key, e, sizeof(*e));
}

static uint32_t rd_hash(const void *owner, const void *elem)
{
    const struct rib_rd *d = elem;
    uint64_t w[2] = {0, d->etag};

    memcpy(&w[0], d->rd.b, 8);
    return rib_hash_bytes(((const struct evpn_rib *)owner)->key, w, sizeof(w));
}

static uint32_t attr_hash(const void *owner, const void *elem)
{
    (void)owner;
    return ((const struct rib_attr *)elem)->hash;
}

int rib_attr_init(struct evpn_rib *rib)
{
    int rc = rib_table_init(&rib->vteps, sizeof(struct rib_vtep), vtep_hash, rib);

    if (rc == 0)
        rc = rib_table_init(&rib->segments, sizeof(struct rib_es), es_hash, rib);
    if (rc == 0)
        rc = rib_table_init(&rib->rds, sizeof(struct rib_rd), rd_hash, rib);
    return rc ? rc : rib_table_init(&rib->attrs, sizeof(struct rib_attr), attr_hash, rib);
}

void rib_attr_fini(struct evpn_rib *rib)
{
    for (uint32_t i = 1; i < rib->attrs.high; i++) {
        free(attr_at(rib, i)->bytes);
        free(attr_at(rib, i)->nets);
    }
    rib_table_fini(&rib->attrs);
    rib_table_fini(&rib->rds);
    rib_table_fini(&rib->segments);
    rib_table_fini(&rib->vteps);
}

/* ---- VTEPs */

uint32_t rib_vtep_find(const struct evpn_rib *rib, const struct ipaddr *address)
{
    struct rib_vtep want = {.address = *address};
    uint32_t i = rib_table_first(&rib->vteps, vtep_hash(rib, &want));

    while (i != RIB_NONE && !ipaddr_eq(&vtep_at(rib, i)->address, address))
        i = vtep_at(rib, i)->next;
    return i;
}

uint32_t rib_vtep_ref(struct evpn_rib *rib, const struct ipaddr *address)
{
    uint32_t i = rib_vtep_find(rib, address);

    if (i == RIB_NONE) {
        i = rib_table_alloc(&rib->vteps);
        if (i == RIB_NONE)
            return i;
        vtep_at(rib, i)->address = *address;
        rib_table_link(&rib->vteps, i);
    }
    vtep_at(rib, i)->refs++;
    return i;
}

void rib_vtep_unref(struct evpn_rib *rib, uint32_t vtep)
{
    if (--vtep_at(rib, vtep)->refs > 0)
        return;
    rib_table_unlink(&rib->vteps, vtep);
    rib_table_free(&rib->vteps, vtep);
}

/* ---- RDs */

uint32_t rib_rd_find(const struct evpn_rib *rib, const struct evpn_rd *rd, uint32_t etag)
{
    struct rib_rd want = {.rd = *rd, .etag = etag};
    uint32_t i = rib_table_first(&rib->rds, rd_hash(rib, &want));

    while (i != RIB_NONE &&
           (rd_at(rib, i)->etag != etag || memcmp(rd_at(rib, i)->rd.b, rd->b, sizeof(rd->b)) != 0))
        i = rd_at(rib, i)->next;
    return i;
}

uint32_t rib_rd_ref(struct evpn_rib *rib, const struct evpn_rd *rd, uint32_t etag)
{
    uint32_t i = rib_rd_find(rib, rd, etag);

    if (i == RIB_NONE) {
        i = rib_table_alloc(&rib->rds);
        if (i == RIB_NONE)
            return i;
        rd_at(rib, i)->rd = *rd;
        rd_at(rib, i)->etag = etag;
        rib_table_link(&rib->rds, i);
    }
    rd_at(rib, i)->refs++;
    return i;
}

void rib_rd_unref(struct evpn_rib *rib, uint32_t rd)
{
    if (--rd_at(rib, rd)->refs > 0)
        return;
    rib_table_unlink(&rib->rds, rd);
    rib_table_free(&rib->rds, rd);
}

/* ---- Ethernet segments */

/* RFC 7432 section 5: zero is no segment, and all ones is reserved. */
static bool names_segment(const struct evpn_esi *e)
{
    static const struct evpn_esi reserved = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};

    return !evpn_esi_is_zero(e) && memcmp(e, &reserved, sizeof(reserved)) != 0;
}

static uint32_t es_ref(struct evpn_rib *rib, const struct evpn_esi *esi)
{
    struct rib_es want = {.esi = *esi};
    uint32_t i;

    if (!names_segment(esi))
        return RIB_NONE;
    i = rib_table_first(&rib->segments, es_hash(rib, &want));
    while (i != RIB_NONE && memcmp(&es_at(rib, i)->esi, esi, sizeof(*esi)) != 0)
        i = es_at(rib, i)->next;
    if (i == RIB_NONE) {
        /* Slots are used again, so none is ever beyond this. */
        if (rib->segments.count >= EVPN_RIB_MAX_ES || (i = rib_table_alloc(&rib->segments)) == RIB_NONE)
            return RIB_NONE;
        es_at(rib, i)->esi = *esi;
        rib_table_link(&rib->segments, i);
    }
    es_at(rib, i)->refs++;
    return i;
}

static void es_unref(struct evpn_rib *rib, uint32_t i)
{
    if (i == RIB_NONE || --es_at(rib, i)->refs > 0)
        return;
    rib_table_unlink(&rib->segments, i);
    rib_table_free(&rib->segments, i);
}

/* ---- attribute sets */

/* All path attributes, as for an iBGP peer with 4-octet AS: nothing is left out. */
static const struct bgp_rules keep_all = {.ebgp = false, .as4 = true};

int rib_arrival_init(const struct evpn_rib *rib, rib_peer_id peer, struct rib_arrival *in,
                     const struct bgp_attrs *a)
{
    const struct bgp_extcom *mobility = bgp_attrs_extcom(a, BGP_EXTCOM_MOBILITY);
    const struct bgp_extcom *nd = bgp_attrs_extcom(a, BGP_EXTCOM_ARP_ND); /* the first, as RFC 9047 asks */
    struct rib_attr_fixed *f = &in->fixed;
    struct buf_out out;

    memset(f, 0, sizeof(*f));
    f->peer = peer;
    f->local_pref = bgp_attrs_has(a, BGP_LOCAL_PREF) ? a->local_pref : RIB_LOCAL_PREF;
    f->med = bgp_attrs_has(a, BGP_MED) ? a->med : 0;
    f->has_originator = bgp_attrs_has(a, BGP_ORIGINATOR_ID);
    f->originator = f->has_originator ? a->originator_id : 0;
    f->as_path_len = bgp_as_path_length(&a->as_path);
    f->n_clusters = a->n_clusters;
    f->origin = a->origin;
    f->sequence = mobility ? bgp_extcom_sequence(mobility) : 0;
    f->sticky = mobility && bgp_extcom_is_sticky(mobility);
    f->nd_flags = nd ? bgp_extcom_nd_flags(nd) : BGP_ND_OVERRIDE;
    f->next_hop = a->next_hop;
    in->endpoint = (struct ipaddr){0};
    in->endpoint_label = 0;
    if (bgp_attrs_has(a, BGP_PMSI_TUNNEL)) {
        in->endpoint = bgp_pmsi_endpoint(&a->pmsi);
        in->endpoint_label = a->pmsi.label;
    }
    buf_out_init(&out, in->bytes, sizeof(in->bytes));
    bgp_attrs_encode(a, &keep_all, &out);
    in->len = out.len;
    in->hash = rib_hash_bytes(rib->key, in->bytes, in->len);
    in->last = RIB_NONE;
    return out.failed ? -ENOSPC : 0;
}

void rib_arrival_fini(struct evpn_rib *rib, struct rib_arrival *in)
{
    if (in->last != RIB_NONE)
        rib_attr_unref(rib, in->last);
}

struct ipaddr rib_arrival_vtep(const struct rib_arrival *in, const struct evpn_nlri *n)
{
    return n->type == EVPN_IMET ? in->endpoint : in->fixed.next_hop;
}

static uint32_t attr_find(const struct evpn_rib *rib, const struct rib_arrival *in,
                          const struct rib_attr_fixed *f, uint32_t hash)
{
    uint32_t i = rib_table_first(&rib->attrs, hash);

    for (; i != RIB_NONE; i = attr_at(rib, i)->next) {
        const struct rib_attr *a = attr_at(rib, i);

        if (a->hash == hash && a->len == in->len && memcmp(&a->fixed, f, sizeof(*f)) == 0 &&
            memcmp(a->bytes, in->bytes, in->len) == 0)
            break;
    }
    return i;
}

/* What an attribute set costs, and its peer is charged with. */
static uint64_t attr_bytes(size_t len)
{
    return sizeof(struct rib_attr) + len;
}

static void attr_free(struct evpn_rib *rib, uint32_t i)
{
    struct rib_attr *a = attr_at(rib, i);

    if (a->vtep != RIB_NONE)
        rib_vtep_unref(rib, a->vtep);
    es_unref(rib, a->es);
    rib->attr_bytes -= attr_bytes(a->len);
    peer_at(rib, a->fixed.peer)->attr_bytes -= attr_bytes(a->len);
    free(a->bytes);
    free(a->nets);
    rib_table_free(&rib->attrs, i);
}

static uint32_t attr_new(struct evpn_rib *rib, const struct rib_arrival *in, const struct rib_attr_fixed *f,
                         uint32_t hash)
{
    struct rib_peer *p = peer_at(rib, f->peer);
    uint64_t bytes = attr_bytes(in->len);
    struct rib_attr *a;
    uint32_t i;

    if (!share_allows(p->attr_bytes, rib->attr_bytes, rib->config.max_attr_bytes, bytes) ||
        (i = rib_table_alloc(&rib->attrs)) == RIB_NONE)
        return RIB_NONE;
    a = attr_at(rib, i);
    memcpy(&a->fixed, f, sizeof(*f));
    a->hash = hash;
    a->len = (uint32_t)in->len;
    rib->attr_bytes += bytes;
    p->attr_bytes += bytes;
    a->vtep = rib_vtep_ref(rib, &f->vtep);
    a->es = es_ref(rib, &f->esi);
    a->bytes = malloc(in->len ? in->len : 1);
    if (a->vtep == RIB_NONE || !a->bytes) {
        attr_free(rib, i);
        return RIB_NONE;
    }
    memcpy(a->bytes, in->bytes, in->len);
    if (rib_import_resolve(rib, a) < 0) {
        attr_free(rib, i);
        return RIB_NONE;
    }
    rib_table_link(&rib->attrs, i);
    return i;
}

uint32_t rib_attr_ref(struct evpn_rib *rib, struct rib_arrival *in, const struct evpn_nlri *n)
{
    struct rib_attr_fixed f;
    uint32_t hash, i;

    memcpy(&f, &in->fixed, sizeof(f));
    f.vtep = rib_arrival_vtep(in, n);
    f.esi = n->esi;
    f.label = n->type == EVPN_IMET ? in->endpoint_label : n->label;
    f.label2 = n->label2;
    f.n_labels = n->n_labels;
    /* Nearly always the same as for the route before it. */
    if (in->last != RIB_NONE && memcmp(&attr_at(rib, in->last)->fixed, &f, sizeof(f)) == 0) {
        attr_at(rib, in->last)->refs++;
        return in->last;
    }
    hash = in->hash ^ rib_hash_bytes(rib->key, &f, sizeof(f));
    i = attr_find(rib, in, &f, hash);
    if (i == RIB_NONE)
        i = attr_new(rib, in, &f, hash);
    if (i == RIB_NONE)
        return i;
    rib_arrival_fini(rib, in);
    in->last = i;
    attr_at(rib, i)->refs += 2;
    return i;
}

void rib_attr_unref(struct evpn_rib *rib, uint32_t attr)
{
    if (--attr_at(rib, attr)->refs > 0)
        return;
    rib_table_unlink(&rib->attrs, attr);
    attr_free(rib, attr);
}

void rib_attr_decode(const struct rib_attr *a, struct bgp_attrs *out)
{
    struct bgp_raw_attr raw;
    struct bgp_as4 unused = {.has_path = false};
    struct bgp_attr_error e;
    struct buf_in in;
    const char *why;

    bgp_attrs_init(out);
    buf_in_init(&in, a->bytes, a->len);
    while (bgp_raw_attr_next(&in, &raw, &why))
        bgp_attr_decode(&raw, &keep_all, out, &unused, &e);
    out->next_hop = a->fixed.next_hop;
    bgp_attrs_set(out, BGP_MP_REACH);
}

const uint8_t *rib_attr_communities(const struct rib_attr *a, size_t *n)
{
    struct bgp_raw_attr raw;
    struct buf_in in;
    const char *why;

    *n = 0;
    buf_in_init(&in, a->bytes, a->len);
    while (bgp_raw_attr_next(&in, &raw, &why)) {
        if (raw.type != BGP_EXT_COMMUNITY)
            continue;
        *n = buf_left(&raw.value) / 8;
        return raw.value.at;
    }
    return NULL;
}
