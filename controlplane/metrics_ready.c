/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whether a gateway can do its work (metrics.h: metrics_ready()).
 */
#include "controlplane/metrics.h"

#include "controlplane/overlay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VTEP_LINES 8

struct reasons {
    char *text; /* METRICS_REASONS_LEN */
    size_t len;
    bool any;
};

static void __attribute__((format(printf, 2, 3))) say(struct reasons *r, const char *fmt, ...)
{
    size_t room = METRICS_REASONS_LEN - r->len;
    va_list ap;
    int n;

    r->any = true;
    va_start(ap, fmt);
    n = vsnprintf(r->text + r->len, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n + 1 >= room)
        r->text[r->len] = '\0'; /* whole lines, or none */
    else
        r->len += (size_t)snprintf(r->text + r->len + n, room - (size_t)n, "\n") + (size_t)n;
}

static bool peer_is_up(const struct gateway *g, unsigned *n)
{
    const struct bgp *bgp = g->overlay ? overlay_bgp(g->overlay) : NULL;
    bool up = false;

    for (const struct bgp_session *s = bgp ? bgp_peer_next(bgp, NULL) : NULL; s; s = bgp_peer_next(bgp, s)) {
        struct bgp_session_status st;

        bgp_session_status(s, &st);
        up |= st.state == BGP_ESTABLISHED;
        (*n)++;
    }
    return up;
}

static bool vtep_is_up(const struct gateway *g, unsigned *n)
{
    bool up = false;

    for (unsigned i = 0; i < g->n_vteps; i++) {
        const struct underlay_hop *hop;

        if (g->vteps[i].address.family == 0)
            continue;
        hop = underlay_hop(g->underlay, &g->vteps[i].address);
        up |= hop && hop->state == UNDERLAY_RESOLVED;
        (*n)++;
    }
    return up;
}

static void say_vteps(const struct gateway *g, struct reasons *r)
{
    char text[IPADDR_STRLEN];
    unsigned n = 0;

    for (unsigned i = 0; i < g->n_vteps && n < VTEP_LINES; i++) {
        const struct underlay_hop *hop;

        if (g->vteps[i].address.family == 0)
            continue;
        hop = underlay_hop(g->underlay, &g->vteps[i].address);
        say(r, "VTEP %s: %s", ipaddr_format(&g->vteps[i].address, text),
            hop ? underlay_state_text(hop->state) : "unknown");
        n++;
    }
}

bool metrics_ready(const struct gateway *g, char reasons[METRICS_REASONS_LEN])
{
    struct reasons r = {.text = reasons};
    unsigned n_peers = 0, n_vteps = 0;
    bool peer, vtep;

    reasons[0] = '\0';
    for (unsigned i = 0; i < g->n_ports; i++) {
        struct dp_port_status status;

        dp_port_status(g->dp, g->ports[i].id, &status);
        if (!status.up)
            say(&r, "port %s is down", g->ports[i].name);
    }
    if (!underlay_link(g->underlay)->up)
        say(&r, "the underlay's interface is down");
    peer = peer_is_up(g, &n_peers);
    vtep = vtep_is_up(g, &n_vteps);
    if (n_vteps > 0 && !vtep)
        say_vteps(g, &r);
    if (!vtep && !peer && n_peers > 0)
        say(&r, "no BGP session is established (%u configured)", n_peers);
    if (n_peers + n_vteps == 0)
        say(&r, "there is neither a BGP peer nor a VTEP");
    return !r.any;
}
