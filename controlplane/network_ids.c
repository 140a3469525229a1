/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See network_ids.h. Control thread only.
 */
#include "controlplane/network_ids.h"

#include <errno.h>
#include <stdlib.h>

struct id {
    uint16_t at;  /* index + 1; 0: free */
    bool used;    /* by somebody, once */
    mono_t freed; /* since then */
    uint32_t had; /* an earlier process had it for this VNI; 0: for none */
};

struct network_ids {
    unsigned max;
    struct id ids[];
};

unsigned network_ids_max(size_t n)
{
    size_t max = 2 * n > NETWORK_IDS_LEAST ? 2 * n : NETWORK_IDS_LEAST;

    return max < DP_MAX_NETWORKS ? (unsigned)max : DP_MAX_NETWORKS;
}

struct network_ids *network_ids_new(unsigned max)
{
    struct network_ids *ids = calloc(1, sizeof(*ids) + (max + 1) * sizeof(ids->ids[0]));

    if (ids)
        ids->max = max;
    return ids;
}

void network_ids_free(struct network_ids *ids)
{
    free(ids);
}

void network_ids_had(struct network_ids *ids, const uint32_t *vnis, unsigned n)
{
    for (unsigned id = 1; id <= ids->max; id++)
        ids->ids[id].had = id < n ? vnis[id] : 0;
}

int network_ids_index(const struct network_ids *ids, dp_net_id id)
{
    return id > 0 && id <= ids->max ? ids->ids[id].at - 1 : -1;
}

/* ---- planning */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct gateway_network *const *)a)->conf->name,
                  (*(const struct gateway_network *const *)b)->conf->name);
}

/* Another VNI or RD is another network to the peers: all routes change. */
static bool lives_on(const struct conf_network *was, const struct conf_network *is)
{
    return was->vni == is->vni && memcmp(&was->rd, &is->rd, sizeof(was->rd)) == 0;
}

static dp_net_id kept_id(const struct gateway_network **sorted, unsigned n, const struct conf_network *c)
{
    const struct gateway_network key = {.conf = c}, *wanted = &key, **found;

    found = n ? bsearch(&wanted, sorted, n, sizeof(*sorted), by_name) : NULL;
    return found && lives_on((*found)->conf, c) ? (*found)->id : 0;
}

/* The one that an earlier process had for this VNI, or 0. */
static dp_net_id had_id(const struct network_ids *ids, uint32_t vni)
{
    for (unsigned id = 1; id <= ids->max; id++)
        if (ids->ids[id].had == vni)
            return (dp_net_id)id;
    return 0;
}

/* The next free id behind *last: with rested false of those that nobody ever had. 0: there is none. */
static dp_net_id next_free(const struct network_ids *ids, dp_net_id *last, bool rested, mono_t now)
{
    while (*last < ids->max) {
        const struct id *i = &ids->ids[++*last];

        if (i->at == 0 && i->had == 0 && i->used == rested &&
            (!rested || now.ns - i->freed.ns >= NETWORK_IDS_REST_NS))
            return *last;
    }
    return 0;
}

static int give_ids(const struct network_ids *ids, struct gateway_network *networks, size_t n, mono_t now)
{
    dp_net_id fresh = 0, rested = 0;

    for (size_t i = 0; i < n; i++) {
        if (networks[i].id == 0)
            networks[i].id = had_id(ids, networks[i].conf->vni);
        if (networks[i].id == 0)
            networks[i].id = next_free(ids, &fresh, false, now);
        if (networks[i].id == 0)
            networks[i].id = next_free(ids, &rested, true, now);
        if (networks[i].id == 0)
            return -ENOSPC;
    }
    return 0;
}

int network_ids_plan(const struct network_ids *ids, const struct gateway_network *now, unsigned n,
                     const struct conf *conf, mono_t at, struct gateway_network **out)
{
    struct gateway_network *networks = calloc(conf->n_networks + 1, sizeof(*networks));
    const struct gateway_network **sorted = calloc(n + 1, sizeof(struct gateway_network *));
    int rc = -ENOMEM;

    if (networks && sorted) {
        for (unsigned i = 0; i < n; i++)
            sorted[i] = &now[i];
        qsort(sorted, n, sizeof(*sorted), by_name);
        for (size_t i = 0; i < conf->n_networks; i++)
            networks[i] = (struct gateway_network){.id = kept_id(sorted, n, &conf->networks[i]),
                                                   .conf = &conf->networks[i]};
        rc = give_ids(ids, networks, conf->n_networks, at);
    }
    free(sorted);
    if (rc < 0) {
        free(networks);
        return rc;
    }
    *out = networks;
    return 0;
}

void network_ids_take(struct network_ids *ids, const struct gateway_network *networks, unsigned n, mono_t at)
{
    for (unsigned id = 1; id <= ids->max; id++) {
        if (ids->ids[id].at)
            ids->ids[id].freed = at;
        ids->ids[id].at = 0;
        ids->ids[id].had = 0;
    }
    for (unsigned i = 0; i < n; i++) {
        ids->ids[networks[i].id].at = (uint16_t)(i + 1);
        ids->ids[networks[i].id].used = true;
    }
}
