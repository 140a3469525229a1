/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A running gateway goes over to another configuration. First everything that can fail for a reason that an
 * operator can mend is tried, and nothing has changed if one of it fails; then it is applied in one turn of
 * the loop: networks that go leave the tables, the others are set, the worker gets the new topology in one
 * store, and BGP follows. What is the same in both is set to what it was, which does nothing. Only configured
 * MACs come after that, in as many turns as they take: by then BGP has the networks that they are announced
 * in.
 *
 * Control thread only.
 */
#include "controlplane/announce.h"
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves.h"
#include "controlplane/network_ids.h"
#include "controlplane/overlay.h"

#include "conf/conf_diff.h"
#include "conf/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SETTLED_NS UINT64_C(100000000) /* the worker has the new topology sooner than that */

struct change {
    struct gateway *g;
    const struct conf *was;
    const struct conf_diff *diff;
    struct gateway_network *networks; /* those to be */
    unsigned n_networks;
    struct gateway_network *old;
    unsigned n_old;
    const struct conf_network **before; /* by id: what a network that lives on was until now; of statics */
    struct gateway_statics *statics;
    char *warnings;
};

static void add_warning(void *arg, const char *text)
{
    char *warnings = arg;
    size_t n = strlen(warnings);

    log_warning("reload", "%s", text);
    (void)snprintf(warnings + n, GATEWAY_WARNINGS_LEN - n, "%s\n", text);
}

static void warn(const struct change *c, const char *text)
{
    add_warning(c->warnings, text);
}

/* As fnmatch(3) with '*' alone, which takes a microsecond for each of a hundred thousand changes. */
static bool matches(const char *pattern, const char *path)
{
    size_t n = strcspn(pattern, "*"), len;

    if (strncmp(pattern, path, n) != 0)
        return false;
    path += n;
    while (pattern[n] == '*') {
        pattern += n + 1;
        n = strcspn(pattern, "*");
        len = strlen(path);
        if (pattern[n] == '\0') /* the end of both */
            return len >= n && strcmp(path + len - n, pattern) == 0;
        path = memmem(path, len, pattern, n);
        if (!path)
            return false;
        path += n;
    }
    return *path == '\0';
}

/* Whether something changed whose path is like that. */
static bool touches(const struct change *c, const char *pattern)
{
    for (size_t i = 0; i < c->diff->n; i++)
        if (matches(pattern, c->diff->changes[i].path))
            return true;
    return false;
}

/* ---- what can fail */

static int plan_networks(struct change *c, const struct conf *conf, char *err, size_t err_len)
{
    struct gateway *g = c->g;
    int rc = network_ids_plan(g->priv->ids, g->networks, g->n_networks, conf, mono_now(), &c->networks);

    c->n_networks = (unsigned)conf->n_networks;
    if (rc == -ENOSPC)
        snprintf(err, err_len,
                 "there is no room for these networks: this gateway was started with room for %u, and those "
                 "that went a moment ago still take some of it; restart it, or try again in some seconds",
                 g->max_networks);
    c->before = rc == 0 ? calloc(g->max_networks + 1u, sizeof(*c->before)) : NULL;
    c->statics = c->before ? gateway_statics_begin(g, c->before) : NULL;
    if (rc == -ENOMEM || (rc == 0 && !c->statics)) {
        snprintf(err, err_len, "out of memory");
        rc = -ENOMEM;
    }
    return rc;
}

static int prepare(struct change *c, const struct conf *conf, char *err, size_t err_len)
{
    struct gateway *g = c->g;
    unsigned n_ports = g->n_ports;
    int rc = plan_networks(c, conf, err, err_len);

    if (rc < 0)
        return rc;
    rc = gateway_vteps_configure(g, conf);
    if (rc < 0) {
        snprintf(err, err_len, "the static peers of the networks: %s",
                 rc == -ENOSPC ? "with the VTEPs that BGP told of, there are too many" : strerror(-rc));
        goto undo_vteps;
    }
    rc = g->overlay ? overlay_prepare(g->overlay, conf, err, err_len) : 0;
    if (rc < 0)
        goto undo_vteps; /* who was there is still there */
    rc = gateway_add_ports(g, conf, err, err_len);
    if (rc == 0)
        return 0;
    gateway_drop_ports(g, n_ports);
    if (g->overlay)
        (void)overlay_prepare(g->overlay, g->conf, (char[GATEWAY_ERR_LEN]){0}, GATEWAY_ERR_LEN);
undo_vteps:
    (void)gateway_vteps_configure(g, g->conf);
    return rc;
}

/* ---- networks */

static bool stays(const struct change *c, dp_net_id id)
{
    return c->before[id] != NULL;
}

static void mark_staying(struct change *c)
{
    for (unsigned i = 0; i < c->n_networks; i++) {
        const struct gateway_network *old = gateway_network(c->g, c->networks[i].id);

        if (old)
            c->before[old->id] = old->conf;
    }
}

static void remove_networks(struct change *c)
{
    struct gateway *g = c->g;
    unsigned n = 0;

    for (unsigned i = 0; i < g->n_networks; i++) {
        if (stays(c, g->networks[i].id))
            continue;
        gateway_network_leave(g, &g->networks[i]);
        n++;
    }
    if (n > 0 && g->overlay)
        overlay_apply(g->overlay);
    for (unsigned i = 0; n > 0 && i < g->n_networks; i++)
        if (!stays(c, g->networks[i].id))
            gateway_network_forget(g, &g->networks[i]);
}

/* Nobody may have a pointer into the old one after this. */
static void take_over(struct change *c, const struct conf *conf)
{
    struct gateway *g = c->g;

    c->old = g->networks;
    c->n_old = g->n_networks;
    g->conf = conf;
    g->networks = c->networks;
    g->n_networks = c->n_networks;
    network_ids_take(g->priv->ids, g->networks, g->n_networks, mono_now());
    gateway_take_ports(g, conf);
}

static void set_networks(struct change *c)
{
    struct gateway *g = c->g;
    char err[GATEWAY_ERR_LEN];

    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access)
            mactable_set_port(g->macs, g->ports[i].id, g->ports[i].access->mac_limit);
    for (unsigned i = 0; i < g->n_networks; i++)
        if (gateway_network_set(g, &g->networks[i], !stays(c, g->networks[i].id), err, sizeof(err)) < 0)
            warn(c, err);
}

static void set_topology(struct change *c)
{
    struct gateway *g = c->g;

    (void)gateway_fastpath_look(g); /* ports that are new */
    if (topology_configure(&g->priv->topology, g) < 0)
        warn(c, "no memory for the new topology: the worker goes on with the old one");
    else if (gateway_publish(g) < 0)
        warn(c, "the worker does not take the new topology (see the log); it is tried again");
    if (touches(c, "access*") || touches(c, "networks*.vlan") || touches(c, "networks*.peers*"))
        gateway_networks_clear(g);
}

/* ---- BGP, and what else there is */

static void set_overlay(struct change *c)
{
    struct gateway *g = c->g;
    char err[GATEWAY_ERR_LEN];
    int rc;

    if (!g->overlay)
        return;
    for (unsigned i = 0; i < g->n_networks; i++) {
        rc = overlay_network_set(g->overlay, &g->networks[i]);
        if (rc < 0) {
            snprintf(err, sizeof(err), "network %s: BGP: %s", g->networks[i].conf->name, strerror(-rc));
            warn(c, err);
        }
    }
    if (touches(c, "networks*") || touches(c, "bgp.route_targets"))
        overlay_apply(g->overlay);
    if (overlay_configure(g->overlay, c->was, err, sizeof(err)) < 0)
        warn(c, err);
}

static void set_rest(struct change *c)
{
    struct gateway *g = c->g;
    const struct conf_bgp *b = &g->conf->bgp;

    moves_configure(g->moves);
    announce_configure(g->announce, &g->conf->moves);
    if (b->on && touches(c, "bgp.duplicate*")) {
        (void)mactable_set_duplicates(g->macs, b->duplicate_moves, b->duplicate_seconds,
                                      b->duplicate_hold_down);
        (void)neighbor_set_duplicates(g->neighbors, b->duplicate_moves, b->duplicate_seconds,
                                      b->duplicate_hold_down);
    }
    if (touches(c, "networks*") || touches(c, "underlay.mtu"))
        g->priv->wan_mtu_seen = 0; /* who does not fit is said again */
    gateway_poll_ports(g, false);
    gateway_report_underlay(g);
    gateway_close_leaving(g); /* last: it takes longest, and nobody waits for it */
}

int gateway_reload(struct gateway *g, const struct conf *conf, const struct conf_diff *diff,
                   char warnings[GATEWAY_WARNINGS_LEN], char *err, size_t err_len)
{
    struct change c = {.g = g, .was = g->conf, .diff = diff, .warnings = warnings};
    int rc;

    warnings[0] = '\0';
    rc = prepare(&c, conf, err, err_len);
    if (rc < 0) {
        free(c.networks);
        gateway_statics_free(c.statics);
        return rc;
    }
    mark_staying(&c);
    remove_networks(&c);
    take_over(&c, conf);
    set_networks(&c);
    set_topology(&c);
    set_overlay(&c);
    set_rest(&c);
    g->priv->settled.ns = mono_now().ns + SETTLED_NS;
    free(c.old);
    g->priv->statics = c.statics;
    g->generation++;
    return 0;
}

bool gateway_reload_more(struct gateway *g, char warnings[GATEWAY_WARNINGS_LEN])
{
    struct gateway_private *p = g->priv;
    bool more = p->statics && gateway_statics_more(p->statics, GATEWAY_RELOAD_MACS, add_warning, warnings);

    g->macs_left = more ? gateway_statics_left(p->statics) : 0;
    if (more)
        return true;
    gateway_statics_free(p->statics);
    p->statics = NULL;
    return false;
}
