/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Networks, and which of them a received route goes into: by its route targets (R3.3), and only where its
 * label is the network's VNI. The data plane has one VNI for each network, globally (RFC 8365 section 5.1.3):
 * a VTEP that wants frames with another one would drop ours, or take them for another network's. The import
 * targets of all networks are two sorted lists, exact ones by their eight bytes and "any AS" ones by their
 * number; each attribute set is looked up once and keeps the answer.
 *
 * Control thread only.
 */
#include "controlplane/rib.h"

#include <errno.h>
#include <stdlib.h>

#define RT_SUBTYPE  0x02
#define RT_TYPE_AS2 0x00
#define RT_TYPE_AS4 0x02

static bool is_rt(const uint8_t b[8])
{
    return b[0] <= RT_TYPE_AS4 && b[1] == RT_SUBTYPE;
}

static uint64_t key_exact(const uint8_t b[8])
{
    uint64_t k = 0;

    for (unsigned i = 0; i < 8; i++)
        k = k << 8 | b[i];
    return k;
}

/* All but the AS or address: the type, and the number of four bytes after a 2-octet AS, of two after an
 * address or a 4-octet AS. FRR leaves the type out, but makes automatic targets of the first kind alone, as
 * everybody does: a target of another kind was written by somebody, and does not mean this network because
 * its number happens to be the VNI. */
static uint64_t key_any_as(const uint8_t b[8])
{
    return key_exact(b) & (UINT64_C(0xffff) << 48 | (b[0] == RT_TYPE_AS2 ? 0xffffffffu : 0xffffu));
}

/* ---- the two lists */

static int import_add(struct rib_imports *l, uint64_t key, const struct rib_network *n)
{
    if (l->n == l->size) {
        size_t size = l->size ? l->size * 2 : 64;
        struct rib_import *list = realloc(l->list, size * sizeof(*list));

        if (!list)
            return -ENOMEM;
        l->list = list;
        l->size = size;
    }
    l->list[l->n++] = (struct rib_import){.key = key, .vni = n->vni, .net = n->id};
    return 0;
}

static int cmp_import(const void *pa, const void *pb)
{
    const struct rib_import *a = pa, *b = pb;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->vni != b->vni)
        return a->vni < b->vni ? -1 : 1;
    return a->net < b->net ? -1 : a->net > b->net;
}

static int imports_build(struct evpn_rib *rib)
{
    rib->exact.n = rib->any_as.n = 0;
    for (unsigned id = 1; id <= DP_MAX_NETWORKS; id++) {
        const struct rib_network *n;

        if (rib->network_of[id] == RIB_NONE)
            continue;
        n = network_at(rib, rib->network_of[id]);
        for (size_t i = 0; i < n->n_import; i++) {
            const struct evpn_rib_rt *rt = &n->import_rts[i];
            int rc = rt->any_as ? import_add(&rib->any_as, key_any_as(rt->rt.b), n)
                                : import_add(&rib->exact, key_exact(rt->rt.b), n);

            if (rc < 0)
                return rc;
        }
    }
    if (rib->exact.n)
        qsort(rib->exact.list, rib->exact.n, sizeof(*rib->exact.list), cmp_import);
    if (rib->any_as.n)
        qsort(rib->any_as.list, rib->any_as.n, sizeof(*rib->any_as.list), cmp_import);
    rib->imports_stale = false;
    return 0;
}

/* The networks of one route, ascending, each once. */
struct nets {
    uint32_t vni; /* that they must have */
    dp_net_id list[RIB_MAX_IMPORTS];
    unsigned n;
    bool others; /* a target leads to some with another VNI */
};

/* When there are too many, the lowest ids stay: the same choice whatever the order of the targets. */
static void nets_add(struct nets *s, dp_net_id net)
{
    unsigned at = 0;

    while (at < s->n && s->list[at] < net)
        at++;
    if (at == RIB_MAX_IMPORTS || (at < s->n && s->list[at] == net))
        return;
    if (s->n < RIB_MAX_IMPORTS)
        s->n++;
    memmove(&s->list[at + 1], &s->list[at], (s->n - 1 - at) * sizeof(*s->list));
    s->list[at] = net;
}

static void imports_find(const struct rib_imports *l, uint64_t key, struct nets *out)
{
    const struct rib_import want = {.key = key, .vni = out->vni};
    size_t low = 0, high = l->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (cmp_import(&l->list[mid], &want) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    out->others |= low > 0 && l->list[low - 1].key == key;
    /* Ascending ids: after this many no lower one follows. */
    for (unsigned i = 0; low < l->n && l->list[low].key == key && i < RIB_MAX_IMPORTS; low++, i++) {
        if (l->list[low].vni != out->vni) {
            out->others = true;
            break;
        }
        nets_add(out, l->list[low].net);
    }
}

int rib_import_resolve(struct evpn_rib *rib, struct rib_attr *a)
{
    size_t n;
    const uint8_t *c = rib_attr_communities(a, &n);
    struct nets found = {.vni = a->fixed.label};
    dp_net_id *nets = NULL;

    if (rib->imports_stale && imports_build(rib) < 0)
        return -ENOMEM;
    for (; n > 0; n--, c += 8) {
        if (!is_rt(c))
            continue;
        imports_find(&rib->exact, key_exact(c), &found);
        imports_find(&rib->any_as, key_any_as(c), &found);
    }
    a->wrong_label = found.others && found.n == 0;
    if (found.n == a->n_nets && (found.n == 0 || memcmp(found.list, a->nets, found.n * sizeof(*nets)) == 0))
        return 0;
    if (found.n > 0) {
        nets = malloc(found.n * sizeof(*nets));
        if (!nets)
            return -ENOMEM;
        memcpy(nets, found.list, found.n * sizeof(*nets));
    }
    free(a->nets);
    a->nets = nets;
    a->n_nets = (uint16_t)found.n;
    return 1;
}

void evpn_rib_apply(struct evpn_rib *rib)
{
    bool changed = false;

    for (uint32_t i = 1; i < rib->attrs.high; i++) {
        struct rib_attr *a = attr_at(rib, i);

        a->changed = a->refs > 0 && rib_import_resolve(rib, a) > 0;
        changed |= a->changed;
    }
    if (changed)
        rib_in_reimport(rib);
}

/* ---- networks */

static uint32_t network_hash(const void *owner, const void *elem)
{
    return rib_mix(((const struct evpn_rib *)owner)->key, ((const struct rib_network *)elem)->id);
}

int rib_import_init(struct evpn_rib *rib)
{
    return rib_table_init(&rib->networks, sizeof(struct rib_network), network_hash, rib);
}

void rib_import_fini(struct evpn_rib *rib)
{
    for (uint32_t i = 1; i < rib->networks.high; i++) {
        free(network_at(rib, i)->import_rts);
        free(network_at(rib, i)->export_rts);
    }
    rib_table_fini(&rib->networks);
    free(rib->exact.list);
    free(rib->any_as.list);
}

void rib_network_unref(struct evpn_rib *rib, uint32_t network)
{
    struct rib_network *n = network_at(rib, network);

    if (--n->refs > 0)
        return;
    free(n->import_rts);
    free(n->export_rts);
    rib_table_free(&rib->networks, network);
}

static int rts_copy(const struct evpn_rib_rt *from, size_t n, struct evpn_rib_rt **to, size_t *n_to)
{
    struct evpn_rib_rt *copy = calloc(n ? n : 1, sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    if (n)
        memcpy(copy, from, n * sizeof(*copy));
    free(*to);
    *to = copy;
    *n_to = n;
    return 0;
}

static bool same_exports(const struct rib_network *a, const struct evpn_rib_network *b)
{
    if (a->n_export != b->n_export)
        return false;
    for (size_t i = 0; i < a->n_export; i++)
        if (!bgp_extcom_eq(&a->export_rts[i].rt, &b->export_rts[i].rt))
            return false;
    return true;
}

static bool rts_valid(const struct evpn_rib_rt *rts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_rt(rts[i].rt.b))
            return false;
    return true;
}

/* A network_set() that changes how our routes look: a new rib_network, and all routes move to it. */
static int network_new(struct evpn_rib *rib, const struct evpn_rib_network *c, struct evpn_rd rd)
{
    uint32_t old = rib->network_of[c->id], i = rib_table_alloc(&rib->networks);
    struct rib_network *n;

    if (i == RIB_NONE)
        return -ENOMEM;
    n = network_at(rib, i);
    n->id = c->id;
    n->vni = c->vni;
    n->rd = rd;
    n->refs = 1;
    if (rts_copy(c->import_rts, c->n_import, &n->import_rts, &n->n_import) < 0 ||
        rts_copy(c->export_rts, c->n_export, &n->export_rts, &n->n_export) < 0 ||
        rib_out_add_network(rib, i) < 0) {
        rib_network_unref(rib, i);
        return -ENOMEM;
    }
    rib->network_of[c->id] = i;
    if (old != RIB_NONE)
        rib_out_remove_network(rib, old, i);
    return 0;
}

int evpn_rib_network_set(struct evpn_rib *rib, const struct evpn_rib_network *c)
{
    struct evpn_rd rd = c->rd;
    struct rib_network *n;

    if (c->id == 0 || c->id > DP_MAX_NETWORKS || c->vni == 0 || c->vni > VNI_MAX ||
        c->n_export > EVPN_RIB_MAX_EXPORT || !rts_valid(c->import_rts, c->n_import) ||
        !rts_valid(c->export_rts, c->n_export))
        return -EINVAL;
    rib->imports_stale = true;
    if (rib->network_of[c->id] == RIB_NONE)
        return network_new(rib, c, rd);
    n = network_at(rib, rib->network_of[c->id]);
    if (n->vni != c->vni || memcmp(&n->rd, &rd, sizeof(rd)) != 0 || !same_exports(n, c))
        return network_new(rib, c, rd);
    return rts_copy(c->import_rts, c->n_import, &n->import_rts, &n->n_import);
}

void evpn_rib_network_remove(struct evpn_rib *rib, dp_net_id net)
{
    uint32_t i = net <= DP_MAX_NETWORKS ? rib->network_of[net] : RIB_NONE;

    if (i == RIB_NONE)
        return;
    rib->network_of[net] = RIB_NONE;
    rib->imports_stale = true;
    rib_out_remove_network(rib, i, RIB_NONE);
}
