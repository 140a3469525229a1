/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The configured MACs of all networks on their way into the MAC table. There may be ten thousands, each with
 * its routes and its place in the FDB, so a reload does a part in each turn of the loop: BGP's keepalives and
 * the moves of others do not wait for all of them.
 *
 * Tricky: those that go, go first, in all networks: what comes may need the room. Until then their ports and
 * VTEPs keep their ids, for those that are not configured any more are not given to others: a port's id
 * comes free with the next reload, which waits, and a VTEP's when no MAC is there.
 *
 * Control thread only.
 */
#include "controlplane/gateway_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct gateway_statics {
    struct gateway *g;
    const struct conf_network **before; /* by id */
    bool setting;                       /* what goes has gone */
    unsigned i;                         /* the network that is being done, of g->networks */
    size_t k;                           /* and in it, the next MAC */
    struct mac *was, *is;               /* its MACs, sorted, while some go; NULL: not begun */
    size_t n_was, n_is, is_k;
    bool failed; /* in this network, and that has been told */
};

static size_t count(const struct conf_network *c)
{
    return c ? c->n_static_macs + c->n_flood_macs : 0;
}

static const struct gateway_network *network(const struct gateway_statics *s)
{
    return &s->g->networks[s->i];
}

/* ---- those that go */

static int by_mac(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct mac));
}

/* NULL: no memory. */
static struct mac *sort_macs(const struct conf_network *c, size_t *n)
{
    struct mac *macs = calloc(count(c) + 1, sizeof(*macs));

    *n = 0;
    for (size_t i = 0; macs && i < c->n_static_macs; i++)
        macs[(*n)++] = c->static_macs[i].mac;
    for (size_t i = 0; macs && i < c->n_flood_macs; i++)
        macs[(*n)++] = c->flood_macs[i];
    if (macs)
        qsort(macs, *n, sizeof(*macs), by_mac);
    return macs;
}

static void end_removing(struct gateway_statics *s)
{
    free(s->was);
    free(s->is);
    s->was = s->is = NULL;
    s->k = s->is_k = s->n_was = s->n_is = 0;
}

/* Those that the network had and has no more. */
static void remove_some(struct gateway_statics *s, unsigned *budget, gateway_warn_fn *warn, void *arg)
{
    const struct gateway_network *net = network(s);
    const struct conf_network *old = s->before[net->id];
    char err[GATEWAY_ERR_LEN];

    if (!s->was && count(old) > 0) {
        s->was = sort_macs(old, &s->n_was);
        s->is = sort_macs(net->conf, &s->n_is);
        if (!s->was || !s->is) {
            snprintf(err, sizeof(err), "network %s: no memory to take out MACs that are configured no more",
                     net->conf->name);
            warn(arg, err);
            s->n_was = 0;
        }
    }
    for (; s->k<s->n_was && * budget> 0; s->k++, (*budget)--) {
        while (s->is_k < s->n_is && by_mac(&s->is[s->is_k], &s->was[s->k]) < 0)
            s->is_k++;
        if (s->is_k == s->n_is || !mac_eq(s->is[s->is_k], s->was[s->k])) {
            (void)mactable_remove_static(s->g->macs, net->id, s->was[s->k], mono_now());
            neighbor_settle(s->g->neighbors);
        }
    }
    if (s->k < s->n_was)
        return;
    end_removing(s);
    s->i++;
}

/* ---- those that are to be there */

static const struct gateway_port *find_access(const struct gateway *g, const char *name)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && strcmp(g->ports[i].access->name, name) == 0)
            return &g->ports[i];
    return NULL;
}

static bool static_dest(const struct gateway *g, const struct conf_static_mac *m, struct dp_dest *dest)
{
    const struct gateway_port *p;

    if (m->port[0]) {
        p = find_access(g, m->port);
        *dest = (struct dp_dest){.where = DP_WHERE_PORT, .target = p ? p->id : 0, .is_static = true};
        return p != NULL;
    }
    *dest =
        (struct dp_dest){.where = DP_WHERE_VTEP, .target = gateway_vtep_find(g, &m->vtep), .is_static = true};
    return dest->target != 0;
}

/* dest NULL: it has none here. */
static int set_static(struct gateway *g, dp_net_id net, struct mac mac, const struct dp_dest *dest)
{
    const struct mac_entry *e = mactable_find(g->macs, net, mac);
    bool known = e && (e->origin == MAC_STATIC || e->origin == MAC_FLOOD);

    if (!dest)
        return -ENOENT;
    if (!known)
        return mactable_add_static(g->macs, net, mac, *dest, mono_now());
    if (e->where != dest->where || (dest->where != DP_WHERE_FLOOD && e->target != dest->target))
        return mactable_change_static(g->macs, net, mac, *dest, mono_now());
    return 0;
}

static void set_one(struct gateway_statics *s, gateway_warn_fn *warn, void *arg)
{
    static const struct dp_dest flood = {.where = DP_WHERE_FLOOD};
    const struct gateway_network *net = network(s);
    const struct conf_network *c = net->conf;
    bool flooded = s->k >= c->n_static_macs;
    struct mac mac = flooded ? c->flood_macs[s->k - c->n_static_macs] : c->static_macs[s->k].mac;
    struct dp_dest dest = flood;
    bool known = flooded || static_dest(s->g, &c->static_macs[s->k], &dest);
    int rc = set_static(s->g, net->id, mac, known ? &dest : NULL);
    char err[GATEWAY_ERR_LEN], text[MAC_STRLEN];

    neighbor_settle(s->g->neighbors);
    if (rc == 0 || s->failed)
        return;
    s->failed = true; /* one line for all that do not fit */
    snprintf(err, sizeof(err), "network %s: configured MAC %s: %s", c->name, mac_format(mac, text),
             rc == -ENOSPC   ? "the MAC table is full, raise dataplane.max_macs"
             : rc == -ENOENT ? "its port or VTEP is not one of this gateway"
                             : strerror(-rc));
    warn(arg, err);
}

static void set_some(struct gateway_statics *s, unsigned *budget, gateway_warn_fn *warn, void *arg)
{
    size_t n = count(network(s)->conf);

    for (; s->k<n && * budget> 0; s->k++, (*budget)--)
        set_one(s, warn, arg);
    if (s->k < n)
        return;
    s->k = 0;
    s->failed = false;
    s->i++;
}

/* ---- all of it */

struct gateway_statics *gateway_statics_begin(struct gateway *g, const struct conf_network **before)
{
    struct gateway_statics *s = calloc(1, sizeof(*s));

    if (!s) {
        free(before);
        return NULL;
    }
    *s = (struct gateway_statics){.g = g, .before = before, .setting = !before};
    return s;
}

bool gateway_statics_more(struct gateway_statics *s, unsigned budget, gateway_warn_fn *warn, void *arg)
{
    while (!s->setting && budget > 0) {
        if (s->i < s->g->n_networks)
            remove_some(s, &budget, warn, arg);
        s->setting = s->i == s->g->n_networks;
        s->i = s->setting ? 0 : s->i;
    }
    while (s->setting && s->i < s->g->n_networks && budget > 0)
        set_some(s, &budget, warn, arg);
    return !s->setting || s->i < s->g->n_networks;
}

size_t gateway_statics_left(const struct gateway_statics *s)
{
    const struct gateway_network *n = s->g->networks;
    size_t left = 0;

    for (unsigned i = s->setting ? s->i : 0; i < s->g->n_networks; i++)
        left += count(n[i].conf) - (s->setting && i == s->i ? s->k : 0);
    for (unsigned i = s->i; !s->setting && i < s->g->n_networks; i++)
        left += count(s->before[n[i].id]) - (i == s->i ? s->k : 0);
    return left;
}

void gateway_statics_free(struct gateway_statics *s)
{
    if (!s)
        return;
    end_removing(s);
    free(s->before);
    free(s);
}
