/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See doctor_gateway.h. One thread.
 */
#include "controlplane/doctor_gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 65536u /* of any list: a guard against an endless answer */
#define MAX_VNIS 1024u  /* more says nothing more */

const struct doctor_question doctor_questions[] = {
    {"show drops", 0, true},   {"show status", 0, false},
    {"show ports", 0, false},  {"show networks", 0, false},
    {"show vteps", 0, false},  {"show bgp peers", 0, false},
    {"show routes", 3, false}, {"show drops", 0, true},
    {"doctor", 0, false}, /* the last one: what does not fit is a drop, too */
    {NULL, 0, false},
};

/* A type 3 route of somebody else. */
struct route {
    char vtep[IPADDR_STRLEN];
    uint32_t vni;
    bool imported;
};

struct doctor_told {
    struct doctor_facts *f;
    struct route *routes;
    size_t n_routes;
    bool drops_seen; /* the first time */
};

/* ---- reading */

static const cJSON *member(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

static void text(const cJSON *o, const char *name, char *out, size_t size)
{
    const cJSON *item = member(o, name);

    snprintf(out, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
}

static uint64_t number(const cJSON *o, const char *name)
{
    const cJSON *item = member(o, name);

    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e18
               ? (uint64_t)item->valuedouble
               : 0;
}

static unsigned small(const cJSON *o, const char *name)
{
    uint64_t n = number(o, name);

    return n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
}

static bool truth(const cJSON *o, const char *name)
{
    return cJSON_IsTrue(member(o, name));
}

static enum doctor_tri tri(const cJSON *o, const char *name)
{
    const cJSON *item = member(o, name);

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) ? DOCTOR_YES : DOCTOR_NO : DOCTOR_UNKNOWN;
}

/* A zeroed element at the end of an array of *n of them, or NULL. */
static void *grow(void **array, size_t *n, size_t size)
{
    void *grown = *n < MAX_ROWS ? realloc(*array, (*n + 1) * size) : NULL;

    if (!grown)
        return NULL;
    *array = grown;
    memset((char *)grown + *n * size, 0, size);
    return (char *)grown + size * (*n)++;
}

#define GROW(array, n) grow((void **)&(array), &(n), sizeof(*(array)))

/* ---- answers */

static void take_status(struct doctor_told *t, const cJSON *page)
{
    t->f->gateway_hugepages = tri(page, "hugepages");
    t->f->frozen = number(page, "duplicates_frozen");
}

static void take_ports(struct doctor_told *t, const cJSON *page)
{
    const cJSON *row;
    char name[CONF_NAME_LEN], role[16];

    cJSON_ArrayForEach(row, member(page, "ports"))
    {
        text(row, "name", name, sizeof(name));
        text(row, "role", role, sizeof(role));
        for (size_t i = 0; i < t->f->n_ports; i++) {
            struct doctor_port *p = &t->f->ports[i];

            if (p->underlay ? strcmp(role, "underlay") != 0
                            : strcmp(role, "access") != 0 || strcmp(name, p->name) != 0)
                continue;
            text(row, "xdp", p->mode, sizeof(p->mode));
            p->mtu = small(row, "mtu") ? small(row, "mtu") : p->mtu;
        }
    }
}

static void take_networks(struct doctor_told *t, const cJSON *page)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, member(page, "networks"))
    {
        struct doctor_network *n = GROW(t->f->networks, t->f->n_networks);

        if (!n)
            return;
        text(row, "name", n->name, sizeof(n->name));
        n->vni = small(row, "vni");
        n->vteps = small(row, "vteps");
    }
}

static void take_vteps(struct doctor_told *t, const cJSON *page)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, member(page, "vteps"))
    {
        struct doctor_vtep *v = GROW(t->f->vteps, t->f->n_vteps);

        if (!v)
            return;
        text(row, "address", v->address, sizeof(v->address));
        text(row, "state", v->state, sizeof(v->state));
        v->resolved = truth(row, "resolved");
        v->mtu = small(row, "mtu");
        v->networks = small(row, "networks");
    }
}

static void take_peers(struct doctor_told *t, const cJSON *page)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, member(page, "peers"))
    {
        struct doctor_peer *p = GROW(t->f->peers, t->f->n_peers);

        if (!p)
            return;
        text(row, "address", p->name, sizeof(p->name));
        text(row, "state", p->state, sizeof(p->state));
        text(row, "last_error", p->error, sizeof(p->error));
        p->established = strcasecmp(p->state, "established") == 0;
    }
}

static void take_routes(struct doctor_told *t, const cJSON *page)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, member(page, "routes"))
    {
        struct route *r;

        if (truth(row, "own") || number(row, "type") != 3)
            continue;
        r = GROW(t->routes, t->n_routes);
        if (!r)
            return;
        text(row, "next_hop", r->vtep, sizeof(r->vtep));
        r->vni = small(row, "vni");
        r->imported = cJSON_IsString(member(row, "network"));
    }
}

static void take_paths(struct doctor_told *t, const cJSON *page)
{
    char address[IPADDR_STRLEN];
    const cJSON *row;

    cJSON_ArrayForEach(row, member(page, "paths"))
    {
        text(row, "vtep", address, sizeof(address));
        for (size_t i = 0; i < t->f->n_vteps; i++) {
            struct doctor_vtep *v = &t->f->vteps[i];

            if (strcmp(v->address, address) != 0)
                continue;
            v->asked = true;
            v->answers = truth(row, "answers");
            text(row, "network", v->network, sizeof(v->network));
            v->reached = small(row, "mtu");
            v->wanted = small(row, "mtu_wanted");
        }
    }
}

static struct doctor_drop *find_drop(struct doctor_facts *f, const char *reason)
{
    for (size_t i = 0; i < f->n_drops; i++)
        if (strcmp(f->drops[i].reason, reason) == 0)
            return &f->drops[i];
    return NULL;
}

/* The first time the counters as they are; the second time, what came to them. */
static void take_drops(struct doctor_told *t, const cJSON *page)
{
    struct doctor_facts *f = t->f;
    const cJSON *row;
    char reason[64];

    cJSON_ArrayForEach(row, member(page, "drops"))
    {
        struct doctor_drop *d;
        uint64_t count = number(row, "count");

        text(row, "reason", reason, sizeof(reason));
        d = t->drops_seen ? find_drop(f, reason) : GROW(f->drops, f->n_drops);
        if (!d)
            continue;
        memcpy(d->reason, reason, sizeof(d->reason));
        text(row, "text", d->text, sizeof(d->text));
        d->frames = t->drops_seen ? count > d->frames ? count - d->frames : 0 : count;
    }
    t->drops_seen = true;
}

static const struct {
    const char *command;
    void (*take)(struct doctor_told *t, const cJSON *page);
} takers[] = {
    {"show status", take_status}, {"show ports", take_ports},     {"show networks", take_networks},
    {"show vteps", take_vteps},   {"show bgp peers", take_peers}, {"show routes", take_routes},
    {"doctor", take_paths},       {"show drops", take_drops},
};

struct doctor_told *doctor_told_new(struct doctor_facts *f)
{
    struct doctor_told *t = calloc(1, sizeof(*t));

    if (t)
        t->f = f;
    return t;
}

void doctor_told_page(struct doctor_told *t, const char *command, const cJSON *page)
{
    for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
        if (strcmp(takers[i].command, command) == 0)
            takers[i].take(t, page);
}

/* ---- networks that are at one end alone */

static int by_vni(const void *a, const void *b)
{
    const struct doctor_network *x = a, *y = b;

    return x->vni < y->vni ? -1 : x->vni > y->vni;
}

static int by_vtep(const void *a, const void *b)
{
    const struct route *x = a, *y = b;
    int c = strcmp(x->vtep, y->vtep);

    return c ? c : x->vni < y->vni ? -1 : x->vni > y->vni;
}

static struct doctor_network *find_network(const struct doctor_facts *f, uint32_t vni)
{
    struct doctor_network key = {.vni = vni};

    return f->n_networks ? bsearch(&key, f->networks, f->n_networks, sizeof(key), by_vni) : NULL;
}

static void add_vni(struct doctor_facts *f, const struct route *r, uint32_t vni,
                    const struct doctor_network *n)
{
    struct doctor_vni *v = f->n_vnis < MAX_VNIS ? GROW(f->vnis, f->n_vnis) : NULL;

    if (!v)
        return;
    v->vni = vni;
    memcpy(v->vtep, r->vtep, sizeof(v->vtep));
    if (n)
        memcpy(v->network, n->name, sizeof(v->network));
    v->here = find_network(f, vni) != NULL;
}

/* r: the routes of one VTEP, by VNI; the same for f's networks. */
static void compare(struct doctor_facts *f, const struct route *r, size_t n)
{
    size_t i = 0, j = 0;

    while (i < n || j < f->n_networks) {
        bool theirs = j == f->n_networks || (i < n && r[i].vni < f->networks[j].vni);
        bool ours = i == n || (j < f->n_networks && f->networks[j].vni < r[i].vni);

        if (theirs || (!ours && !r[i].imported))
            add_vni(f, &r[i], r[i].vni, NULL);
        if (ours)
            add_vni(f, &r[0], f->networks[j].vni, &f->networks[j]);
        if (!theirs)
            j++;
        /* Several peers may tell the same route. */
        if (!ours)
            for (uint32_t vni = r[i].vni; i < n && r[i].vni == vni;)
                i++;
    }
}

void doctor_told_end(struct doctor_told *t)
{
    struct doctor_facts *f = t->f;

    if (f->n_networks)
        qsort(f->networks, f->n_networks, sizeof(*f->networks), by_vni);
    if (t->n_routes)
        qsort(t->routes, t->n_routes, sizeof(*t->routes), by_vtep);
    for (size_t i = 0, n; i < t->n_routes; i += n) {
        for (n = 1; i + n < t->n_routes && strcmp(t->routes[i].vtep, t->routes[i + n].vtep) == 0;)
            n++;
        compare(f, &t->routes[i], n);
    }
    free(t->routes);
    free(t);
}
