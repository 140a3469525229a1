/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_diff.h. Both configurations are printed and read again as trees, which are then walked side by
 * side. Any thread.
 */
#include "conf/conf_diff.h"

#include "conf/conf_tree.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#define PATH_LEN 256

/* What cannot change under a running gateway, and why. Patterns of fnmatch(3) over paths; the first that
 * fits. */
static const struct {
    const char *path, *why;
} restarts[] = {
    {"site", "the site's name is what other gateways and the journal know it by"},
    {"gateway", "the gateway's name is what its pinned fast path is found by"},
    {"underlay.address", "every tunnel and every route hangs on the VTEP's address"},
    {"underlay.port*", "the WAN port is opened once"},
    {"underlay.tap", "the WAN port is opened once"},
    {"underlay.vxlan_port", "every tunnel hangs on it"},
    {"underlay.offloads", "the WAN port is opened once"},
    {"underlay.routes*", "routes on the TAP are set up with it"},
    {"dataplane.*", "memory and the workers are set up once"},
    {"fastpath.mode", "the XDP programs are loaded once"},
    {"fastpath.dir", "the XDP programs are pinned once"},
    {"fastpath.punt_limit", "the XDP programs are loaded once"},
    {"api.socket", "programs are connected to it"},
    {"moves.journal_size", "the journal has its memory from the start"},
    {"bgp", "the BGP speaker is set up once"},
    {"bgp.asn", "every session and every route hangs on it"},
    {"bgp.router_id", "every session and every route hangs on it"},
};

struct walk {
    const struct conf *from, *to;
    bool sys_admin;
    struct conf_diff *d;
    size_t room;
    bool no_memory;
};

static const struct conf_access *find_access(const struct conf *c, const char *name, size_t len)
{
    for (size_t i = 0; i < c->n_access; i++)
        if (strlen(c->access[i].name) == len && memcmp(c->access[i].name, name, len) == 0)
            return &c->access[i];
    return NULL;
}

/* The port that "access[NAME]..." and "underlay..." are about, as c has it; *key: what of it, "" for the
 * whole. NULL: none. */
static const struct conf_port *port_of(const struct conf *c, const char *path, const char **key)
{
    const char *name = path + strlen("access["), *end;
    const struct conf_access *a;

    if (strncmp(path, "underlay.", 9) == 0) {
        *key = path + 9;
        return &c->underlay.port;
    }
    if (strncmp(path, "access[", strlen("access[")) != 0 || !(end = strchr(name, ']')))
        return NULL;
    *key = end[1] == '.' ? end + 2 : end + 1;
    a = find_access(c, name, (size_t)(end - name));
    return a ? &a->port : NULL;
}

static bool same_port(const struct conf_port *a, const struct conf_port *b)
{
    return a && a->kind == b->kind && strcmp(a->device, b->device) == 0;
}

/* What hangs on who drives a port. */
static const char *port_restart(const struct walk *w, const char *path)
{
    const char *key;
    const struct conf_port *was = port_of(w->from, path, &key), *is = port_of(w->to, path, &key);

    if (!is)
        return NULL;
    if (!same_port(was, is) && !w->sys_admin && conf_needs_sys_admin(w->to))
        return "the right to look into XDP programs was given up at the start, as no port wanted it";
    if (strcmp(key, "mtu") == 0 && is->kind != CONF_PORT_INTERFACE && same_port(was, is))
        return "DPDK sets the MTU of a port that it drives when it opens it";
    if (strcmp(key, "offloads") == 0 && is->kind != CONF_PORT_INTERFACE && same_port(was, is))
        return "DPDK asks a port for what it can when it opens it";
    return NULL;
}

static const char *needs_restart(const struct walk *w, const char *path)
{
    for (size_t i = 0; i < sizeof(restarts) / sizeof(restarts[0]); i++)
        if (fnmatch(restarts[i].path, path, 0) == 0)
            return restarts[i].why;
    return port_restart(w, path);
}

/* ---- collecting */

static char *scalar_text(const struct conf_node *n, const char *path)
{
    size_t len = strlen(path);

    if (!n || n->kind != CONF_NODE_SCALAR)
        return NULL;
    if (len > 9 && strcmp(path + len - 9, ".password") == 0)
        return strdup(CONF_MASK);
    return strndup(n->text, n->len);
}

static void add(struct walk *w, const char *path, const struct conf_node *from, const struct conf_node *to)
{
    struct conf_diff *d = w->d;
    struct conf_change *c;

    if (d->n == w->room) {
        size_t room = w->room ? 2 * w->room : 16;
        struct conf_change *more = realloc(d->changes, room * sizeof(*more));

        if (!more) {
            w->no_memory = true;
            return;
        }
        d->changes = more;
        w->room = room;
    }
    c = &d->changes[d->n];
    *c = (struct conf_change){
        .kind = !from ? CONF_ADDED
                : !to ? CONF_REMOVED
                      : CONF_CHANGED,
        .path = strdup(path),
        .from = scalar_text(from, path),
        .to = scalar_text(to, path),
        .restart = needs_restart(w, path),
    };
    if (!c->path || (from && from->kind == CONF_NODE_SCALAR && !c->from) ||
        (to && to->kind == CONF_NODE_SCALAR && !c->to)) {
        w->no_memory = true;
        free(c->path);
        free(c->from);
        free(c->to);
        return;
    }
    d->n_restart += c->restart != NULL;
    d->n++;
}

/* ---- walking */

static bool same_text(const struct conf_node *a, const struct conf_node *b)
{
    return a->kind == CONF_NODE_SCALAR && b->kind == CONF_NODE_SCALAR && a->len == b->len &&
           memcmp(a->text, b->text, a->len) == 0;
}

static const struct conf_node *find_key(const struct conf_node *map, const char *key, size_t len)
{
    for (const struct conf_node *k = map->first; k && k->next; k = k->next->next)
        if (k->kind == CONF_NODE_SCALAR && k->len == len && memcmp(k->text, key, len) == 0)
            return k->next;
    return NULL;
}

static const struct conf_node *value_of(const struct conf_node *map, const char *key)
{
    return find_key(map, key, strlen(key));
}

/* What an item of a list goes by: itself, or its name and the like. */
static const struct conf_node *identity(const struct conf_node *item)
{
    static const char *const keys[] = {"name", "address", "mac", "to"};
    const struct conf_node *id = NULL;

    if (item->kind != CONF_NODE_MAP)
        return item;
    for (size_t i = 0; !id && i < sizeof(keys) / sizeof(keys[0]); i++) {
        /* A peer's name is for people, its address is what it is. */
        if (i == 0 && value_of(item, "address"))
            continue;
        id = value_of(item, keys[i]);
    }
    return id ? id : item;
}

/* The items of a list by their identities, and how manieth of its identity each is, from 0 (an address can be
 * there twice): thousands of networks are compared with thousands. */
struct items {
    struct item {
        const struct conf_node *node, *id;
        size_t at; /* in the list */
        unsigned rank;
    } * sorted;
    unsigned *ranks; /* in the order of the list */
    size_t n;
};

static int by_identity(const struct item *a, const struct item *b)
{
    size_t len = a->id->len < b->id->len ? a->id->len : b->id->len;
    int rc = a->id->kind == CONF_NODE_SCALAR && b->id->kind == CONF_NODE_SCALAR && len
                 ? memcmp(a->id->text, b->id->text, len)
                 : (int)a->id->kind - (int)b->id->kind;

    return rc ? rc : (a->id->len > b->id->len) - (a->id->len < b->id->len);
}

static int by_place(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    int rc = by_identity(a, b);

    return rc ? rc : (a->at > b->at) - (a->at < b->at);
}

static int by_rank(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    int rc = by_identity(a, b);

    return rc ? rc : (a->rank > b->rank) - (a->rank < b->rank);
}

static bool items_init(struct items *s, const struct conf_node *list)
{
    const struct conf_node *i;
    size_t n = 0;

    for (i = list ? list->first : NULL; i; i = i->next)
        n++;
    *s = (struct items){.sorted = calloc(n + 1, sizeof(*s->sorted)),
                        .ranks = calloc(n + 1, sizeof(*s->ranks))};
    if (!s->sorted || !s->ranks)
        return false;
    for (i = list ? list->first : NULL; i; i = i->next, s->n++)
        s->sorted[s->n] = (struct item){.node = i, .id = identity(i), .at = s->n};
    qsort(s->sorted, n, sizeof(*s->sorted), by_place);
    for (size_t k = 0; k < n; k++) {
        if (k > 0 && same_text(s->sorted[k].id, s->sorted[k - 1].id))
            s->sorted[k].rank = s->sorted[k - 1].rank + 1;
        s->ranks[s->sorted[k].at] = s->sorted[k].rank;
    }
    return true;
}

static void items_free(struct items *s)
{
    free(s->sorted);
    free(s->ranks);
}

static const struct conf_node *find_item(const struct items *s, const struct conf_node *id, unsigned rank)
{
    const struct item key = {.id = id, .rank = rank}, *found;

    if (id->kind != CONF_NODE_SCALAR)
        return NULL;
    found = bsearch(&key, s->sorted, s->n, sizeof(*s->sorted), by_rank);
    return found ? found->node : NULL;
}

static void compare(struct walk *w, const char *path, const struct conf_node *from,
                    const struct conf_node *to);

static void compare_item(struct walk *w, const char *path, const struct conf_node *id,
                         const struct conf_node *from, const struct conf_node *to)
{
    char sub[PATH_LEN];

    snprintf(sub, sizeof(sub), "%s[%.*s]", path, (int)id->len, id->text);
    if (from && to && from->kind == CONF_NODE_MAP && to->kind == CONF_NODE_MAP)
        compare(w, sub, from, to);
    else if (!from || !to)
        add(w, sub,
            from && from->kind == CONF_NODE_MAP ? from
            : from                              ? id
                                                : NULL,
            to && to->kind == CONF_NODE_MAP ? to
            : to                            ? id
                                            : NULL);
}

/* Either may be NULL. */
static void compare_lists(struct walk *w, const char *path, const struct conf_node *from,
                          const struct conf_node *to)
{
    struct items was = {0}, is = {0};
    size_t at = 0;

    if (!items_init(&was, from) || !items_init(&is, to)) {
        w->no_memory = true;
        from = to = NULL;
    }
    for (const struct conf_node *i = from ? from->first : NULL; i; i = i->next)
        compare_item(w, path, identity(i), i, find_item(&is, identity(i), was.ranks[at++]));
    at = 0;
    for (const struct conf_node *i = to ? to->first : NULL; i; i = i->next)
        if (!find_item(&was, identity(i), is.ranks[at++]))
            compare_item(w, path, identity(i), NULL, i);
    items_free(&was);
    items_free(&is);
}

static void compare_key(struct walk *w, const char *path, const struct conf_node *key,
                        const struct conf_node *from, const struct conf_node *to)
{
    char sub[PATH_LEN];

    snprintf(sub, sizeof(sub), "%s%s%.*s", path, path[0] ? "." : "", (int)key->len, key->text);
    compare(w, sub, from, to);
}

static void compare_maps(struct walk *w, const char *path, const struct conf_node *from,
                         const struct conf_node *to)
{
    for (const struct conf_node *k = from->first; k && k->next; k = k->next->next)
        compare_key(w, path, k, k->next, find_key(to, k->text, k->len));
    for (const struct conf_node *k = to->first; k && k->next; k = k->next->next)
        if (!find_key(from, k->text, k->len))
            compare_key(w, path, k, NULL, k->next);
}

static bool is_list(const struct conf_node *n)
{
    return n && n->kind == CONF_NODE_LIST;
}

/* One of the two is there. */
static void compare(struct walk *w, const char *path, const struct conf_node *from,
                    const struct conf_node *to)
{
    if ((is_list(from) || !from) && (is_list(to) || !to))
        compare_lists(w, path, from, to);
    else if (!from || !to)
        add(w, path, from, to);
    else if (from->kind == CONF_NODE_MAP && to->kind == CONF_NODE_MAP)
        compare_maps(w, path, from, to);
    else if (!same_text(from, to))
        add(w, path, from, to);
}

/* ---- the two trees */

static int print_tree(const struct conf *c, struct conf_tree *tree)
{
    struct conf_report report = {.name = "print"};
    struct conf_errors errors = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool good;

    if (!out)
        return -ENOMEM;
    conf_print(c, out);
    good = fclose(out) == 0 && conf_tree_parse(tree, text, len, &report) && conf_report_empty(&report);
    conf_report_finish(&report, &errors);
    conf_errors_free(&errors);
    free(text);
    return good ? 0 : -ENOMEM; /* what is printed can be read: nothing else fails */
}

int conf_diff(const struct conf *from, const struct conf *to, bool sys_admin, struct conf_diff *out)
{
    struct conf_tree a = {0}, b = {0};
    struct walk w = {.from = from, .to = to, .sys_admin = sys_admin, .d = out};
    int rc;

    *out = (struct conf_diff){0};
    rc = print_tree(from, &a);
    if (rc == 0)
        rc = print_tree(to, &b);
    if (rc == 0)
        compare(&w, "", a.root, b.root);
    conf_tree_free(&a);
    conf_tree_free(&b);
    if (w.no_memory)
        rc = -ENOMEM;
    if (rc < 0)
        conf_diff_free(out);
    return rc;
}

void conf_diff_free(struct conf_diff *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->changes[i].path);
        free(d->changes[i].from);
        free(d->changes[i].to);
    }
    free(d->changes);
    *d = (struct conf_diff){0};
}
