/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See overlay.h. The RIB tells of addresses, the MAC table and the data plane know VTEP ids: this file has
 * both.
 *
 * Tricky: a VTEP's id must stay its own while any MAC's best route points to it, also one that is not
 * followed; so the route that the MAC table holds is looked at before and after each change, and counted
 * (gateway_vtep_count_mac()).
 *
 * Control thread only.
 */
#include "controlplane/overlay.h"

#include "conf/log.h"
#include "controlplane/announce.h"
#include "controlplane/bgp_rib_glue.h"
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves.h"
#include "controlplane/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_ATTR_BYTES (64u << 20)
#define MAX_WITHDRAWN  2000000u
#define PEERS_LEAST    16      /* room for peers that a reload adds */
#define GIVE_AT_ONCE   300000u /* slots of the RIB looked at in one turn of the loop */

struct overlay {
    struct gateway *g;
    struct evpn_rib *rib;
    struct bgp *bgp;
    struct bgp_rib_glue *glue;
    unsigned max_peers;
    struct {
        bool on, ips;
        uint64_t cursor;
    } again; /* give_missed() under way */
};

/* ---- RIB to MAC table */

static dp_vtep_id route_vtep(const struct overlay *o, dp_net_id net, struct mac mac)
{
    const struct mac_entry *e = mactable_find(o->g->macs, net, mac);

    return e ? e->route_vtep : 0;
}

static void on_mac(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    struct overlay *o = arg;
    struct mac_route route = {0};
    dp_vtep_id before, after;

    if (best) {
        route = (struct mac_route){.vtep = gateway_vtep_get(o->g, &best->vtep, best->peer),
                                   .address = best->vtep,
                                   .es = best->es,
                                   .seq = best->sequence,
                                   .sticky = best->sticky};
        if (route.vtep == 0)
            best = NULL; /* said and remembered by gateway_vtep_get() */
    }
    before = route_vtep(o, net, mac);
    mactable_remote(o->g->macs, net, mac, best ? &route : NULL, mono_now());
    after = route_vtep(o, net, mac);
    if (before != after) {
        gateway_vtep_count_mac(o->g, before, -1);
        gateway_vtep_count_mac(o->g, after, 1);
    }
}

/* R6.3: of a MAC that moved just now. Its route may come before those that say its IPs. */
static bool is_new_ip(const struct gateway *g, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct mac_ip_info known[ANNOUNCE_MAX_IPS];
    unsigned n, i = 0;

    if (!g->announce || !announce_is_fresh(g->announce, net, mac, mono_now()))
        return false;
    n = mactable_ips(g->macs, net, mac, known, ANNOUNCE_MAX_IPS);
    while (i < n && !ipaddr_eq(&known[i].ip, ip))
        i++;
    return i == n;
}

static void on_binding(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                       uint8_t nd_flags)
{
    struct overlay *o = arg;
    bool new = present &&is_new_ip(o->g, net, mac, ip);
    int rc = mactable_remote_ip(o->g->macs, net, mac, ip, present);

    if (rc < 0 && present)
        return; /* a MAC that found no room */
    neighbor_route(o->g->neighbors, net, mac, ip, present, nd_flags, mono_now());
    if (new)
        announce_ip(o->g->announce, net, mac, ip, mono_now());
}

static void on_flood(void *arg, dp_net_id net, const struct ipaddr *vtep, rib_peer_id peer)
{
    struct overlay *o = arg;
    int rc = gateway_vtep_flood(o->g, net, vtep, peer);
    char text[IPADDR_STRLEN];

    if (rc < 0)
        log_warning("bgp", "VTEP %s does not get on the flood list of network %u: %s",
                    ipaddr_format(vtep, text), net, strerror(-rc));
}

static void on_writable(void *arg, rib_peer_id peer)
{
    struct overlay *o = arg;

    if (o->glue)
        bgp_rib_glue_writable(o->glue, peer);
}

static void on_alert(void *arg, rib_peer_id peer, enum evpn_rib_alert alert)
{
    struct overlay *o = arg;

    if (o->glue)
        bgp_rib_glue_alert(o->glue, peer, alert);
}

static const struct evpn_rib_ops rib_ops = {
    .mac = on_mac, .binding = on_binding, .flood = on_flood, .writable = on_writable, .alert = on_alert};

/* ---- MAC table to RIB */

/* A peer has heard all. */
static void on_sent(void *arg)
{
    struct overlay *o = arg;

    if (o->g->moves)
        moves_sent(o->g->moves);
}

static void on_peer(void *arg, const struct bgp_session *s, bool up)
{
    struct overlay *o = arg;

    watch_peer(o->g, &bgp_session_config(s)->address, up);
}

bool overlay_all_sent(const struct overlay *o)
{
    const struct bgp_session *s = NULL;
    struct bgp_session_status status;
    bool any = false;

    while ((s = bgp_peer_next(o->bgp, s)) != NULL) {
        bgp_session_status(s, &status);
        if (status.state != BGP_ESTABLISHED)
            continue;
        if (evpn_rib_pending(o->rib, bgp_rib_glue_id(s)))
            return false;
        any = true;
    }
    return any;
}

bool overlay_all_told(const struct overlay *o)
{
    const struct bgp_session *s = NULL;
    struct bgp_session_status status;

    while ((s = bgp_peer_next(o->bgp, s)) != NULL) {
        bgp_session_status(s, &status);
        if (status.counters->ends_of_rib == 0)
            return false;
    }
    return true;
}

void overlay_advertise(struct overlay *o, dp_net_id net, struct mac mac, const struct ipaddr *ip,
                       uint32_t sequence, bool sticky)
{
    int rc = evpn_rib_announce(o->rib, net, mac, ip, sequence, sticky,
                               ip ? neighbor_flags(o->g->neighbors, net, mac, ip) : 0);
    char text[MAC_STRLEN];

    if (rc < 0)
        log_error("bgp", "MAC %s cannot be announced: %s", mac_format(mac, text), strerror(-rc));
}

bool overlay_lost_sequence(const struct overlay *o, dp_net_id net, struct mac mac, uint32_t *sequence)
{
    return evpn_rib_lost_sequence(o->rib, net, mac, sequence);
}

void overlay_withdraw(struct overlay *o, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)evpn_rib_withdraw(o->rib, net, mac, ip);
}

/* ---- start */

/* R3.3: the configured targets, or the automatic one. */
static size_t targets(const struct conf *conf, const struct conf_network *n, const struct conf_rt *list,
                      size_t n_list, bool import, struct evpn_rib_rt *out)
{
    size_t i;

    for (i = 0; i < n_list && i < CONF_MAX_RTS; i++) {
        out[i] = (struct evpn_rib_rt){.any_as = false};
        memcpy(out[i].rt.b, list[i].b, sizeof(out[i].rt.b));
    }
    if (n_list > 0)
        return i;
    out[0] = (struct evpn_rib_rt){.rt = conf->bgp.rt_form == CONF_RT_RFC8365
                                            ? bgp_extcom_rt_rfc8365(conf->bgp.asn, n->vni)
                                            : bgp_extcom_rt_vni(conf->bgp.asn, n->vni),
                                  .any_as = import};
    return 1;
}

int overlay_network_set(struct overlay *o, const struct gateway_network *net)
{
    const struct conf *conf = o->g->conf;
    struct evpn_rib_rt import[CONF_MAX_RTS], export[CONF_MAX_RTS];
    const struct conf_network *n = net->conf;
    struct evpn_rib_network rn = {.id = net->id, .vni = n->vni, .import_rts = import, .export_rts = export};

    memcpy(rn.rd.b, n->rd.b, sizeof(rn.rd.b));
    rn.n_import = targets(conf, n, n->rt_import, n->n_rt_import, true, import);
    rn.n_export = targets(conf, n, n->rt_export, n->n_rt_export, false, export);
    return evpn_rib_network_set(o->rib, &rn);
}

void overlay_network_remove(struct overlay *o, dp_net_id net)
{
    evpn_rib_network_remove(o->rib, net);
}

void overlay_apply(struct overlay *o)
{
    evpn_rib_apply(o->rib);
}

static int add_networks(struct overlay *o, char *err, size_t err_len)
{
    for (unsigned i = 0; i < o->g->n_networks; i++) {
        int rc = overlay_network_set(o, &o->g->networks[i]);

        if (rc < 0) {
            snprintf(err, err_len, "network %s: BGP: %s", o->g->networks[i].conf->name, strerror(-rc));
            return rc;
        }
    }
    overlay_apply(o);
    return 0;
}

/* MAC-only, IPv4 and IPv6 route of each MAC from three peers (route reflectors, say) that bring all of them;
 * more peers that each bring all get less. With share.h a single peer has room for conf.c's default of
 * max_prefixes. */
static uint32_t max_routes(const struct conf *conf)
{
    size_t n = conf->bgp.n_peers;

    return conf->dataplane.max_macs * 4 * (n < 1 ? 1 : n > 3 ? 3 : (uint32_t)n) + 100000;
}

/* With room for some to come. Each costs four bytes with each group of our routes, and a look. */
static unsigned peers_max(size_t n)
{
    size_t max = 2 * n > PEERS_LEAST ? 2 * n : PEERS_LEAST;

    return max < CONF_MAX_BGP_PEERS ? (unsigned)max : CONF_MAX_BGP_PEERS;
}

struct overlay *overlay_start(struct gateway *g, char *err, size_t err_len)
{
    const struct conf_bgp *b = &g->conf->bgp;
    struct evpn_rib_config config = {.asn = b->asn,
                                     .router_id = b->router_id,
                                     .vtep = g->conf->underlay.address,
                                     .max_peers = peers_max(b->n_peers),
                                     .max_routes = max_routes(g->conf),
                                     .max_attr_bytes = MAX_ATTR_BYTES,
                                     .max_withdrawn = MAX_WITHDRAWN};
    static const struct bgp_rib_glue_hooks hooks = {.sent = on_sent, .changed = on_peer};
    struct overlay *o = calloc(1, sizeof(*o));

    if (!o || !(o->rib = evpn_rib_new(&config, &rib_ops, o)) ||
        !(o->glue = bgp_rib_glue_new(o->rib, config.max_peers))) {
        snprintf(err, err_len, "no memory for BGP");
        overlay_stop(o, true);
        return NULL;
    }
    o->g = g;
    o->max_peers = config.max_peers;
    bgp_rib_glue_set_hooks(o->glue, &hooks, o);
    if (add_networks(o, err, err_len) < 0) {
        overlay_stop(o, true);
        return NULL;
    }
    if (mactable_set_duplicates(g->macs, b->duplicate_moves, b->duplicate_seconds, b->duplicate_hold_down) <
        0)
        log_warning("conf", "bgp.duplicate: refused, the defaults hold");
    return o;
}

static void peer_config(const struct conf_bgp *b, const struct conf_bgp_peer *p, struct bgp_peer_config *c)
{
    bgp_peer_config_default(c);
    c->address = p->address;
    c->asn = p->asn;
    c->source = p->source;
    c->port = p->port;
    c->passive = p->passive;
    snprintf(c->password, sizeof(c->password), "%s", p->password);
    c->ttl_security = p->ttl_security;
    c->multihop = p->multihop;
    c->hold_s = b->hold_time;
    c->keepalive_s = b->keepalive;
    c->connect_retry_s = b->connect_retry;
    c->graceful_restart_s = p->graceful_restart ? b->graceful_restart : 0;
    c->max_prefixes = p->max_prefixes == CONF_NO_LIMIT ? 0 : p->max_prefixes;
    c->warning_percent = p->max_prefixes_warning;
    c->require_encap = !p->default_vxlan;
}

/* The addresses that sessions run from: what is listened on. */
static size_t listen_addresses(const struct conf_bgp *b, struct ipaddr *out)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n_peers; i++) {
        size_t j = 0;

        while (j < n && !ipaddr_eq(&out[j], &b->peers[i].source))
            j++;
        if (j == n && n < BGP_MAX_LISTEN)
            out[n++] = b->peers[i].source;
    }
    return n;
}

/* R2.7, as the one that restarts. Whether we were here before is not known, so each peer's first session says
 * that we restarted (R): it must not wait for our End-of-RIB before it speaks. And whether forwarding state
 * was kept (F): the fast path's, if there was one. Else the FDB is empty, and what the peer holds of us it
 * drops at once, instead of sending frames to who does not know them.
 *
 * RFC 4724 section 4.1 wants route selection deferred until all peers sent their End-of-RIB. That is for
 * routers that keep forwarding by old routes and that tell peers what other peers said. We do neither: a best
 * path that is taken early only gives frames a way sooner, nothing is flushed by it, and no received route is
 * announced again. What is local must be announced at once (R3.6). So nothing is deferred. When the table of
 * a peer that is still to come has a MAC with a higher sequence than ours, that withdraws ours (R4.5), and
 * the host's next frame takes it back with one more (R4.3): the same end as if we had waited, and no host is
 * dark meanwhile that would not have been.
 *
 * Our own End-of-RIB follows what we had to announce when the session came up (evpn_rib_pull()). */
int overlay_run(struct overlay *o, char *err, size_t err_len)
{
    const struct conf_bgp *b = &o->g->conf->bgp;
    struct ipaddr listen[BGP_MAX_LISTEN];
    struct bgp_config config = {.local = {.asn = b->asn,
                                          .router_id = b->router_id,
                                          .restarting = true,
                                          .forwarding = gateway_takeover_info(o->g).happened},
                                .listen = listen,
                                .n_listen = listen_addresses(b, listen),
                                .port = b->port};
    char bgp_err[BGP_ERR_LEN] = "";

    o->bgp = bgp_new(o->g->base, &config, &bgp_rib_glue_ops, o->glue, bgp_err);
    for (size_t i = 0; o->bgp && i < b->n_peers; i++) {
        struct bgp_peer_config c;

        peer_config(b, &b->peers[i], &c);
        if (!bgp_rib_glue_peer_add(o->glue, o->bgp, &c, bgp_err)) {
            snprintf(err, err_len, "%s", bgp_err);
            return -EINVAL;
        }
    }
    if (!o->bgp) {
        snprintf(err, err_len, "%s", bgp_err);
        return -EIO;
    }
    log_info("bgp", "AS %u, %zu peer%s", b->asn, b->n_peers, b->n_peers == 1 ? "" : "s");
    return 0;
}

/* ---- another configuration */

int overlay_prepare(struct overlay *o, const struct conf *conf, char *err, size_t err_len)
{
    const struct conf_bgp *b = &conf->bgp;
    struct ipaddr listen[BGP_MAX_LISTEN];
    char bgp_err[BGP_ERR_LEN] = "", address[IPADDR_STRLEN];
    int rc;

    if (b->n_peers > o->max_peers) {
        snprintf(err, err_len, "bgp.peers: there is room for %u until a restart", o->max_peers);
        return -ENOSPC;
    }
    for (size_t i = 0; i < b->n_peers; i++) {
        struct bgp_peer_config c;
        const char *wrong;

        peer_config(b, &b->peers[i], &c);
        wrong = bgp_peer_config_check(&c, bgp_local(o->bgp));
        if (wrong) {
            snprintf(err, err_len, "bgp.peers[%s]: %s", ipaddr_format(&c.address, address), wrong);
            return -EINVAL;
        }
    }
    rc = bgp_listen(o->bgp, listen, listen_addresses(b, listen), b->port, bgp_err);
    if (rc < 0)
        snprintf(err, err_len, "%s", bgp_err);
    return rc;
}

static bool same_peer(const struct conf_bgp *was, const struct conf_bgp *is, const struct conf_bgp_peer *p)
{
    const struct conf_bgp_peer *before = conf_bgp_peer_find(was, &p->address);
    struct bgp_peer_config a, b;

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    if (before)
        peer_config(was, before, &a);
    peer_config(is, p, &b);
    return before && memcmp(&a, &b, sizeof(a)) == 0;
}

static void remove_peers(struct overlay *o, const struct conf_bgp *b)
{
    struct bgp_session *s = bgp_peer_next(o->bgp, NULL), *next;

    for (; s; s = next) {
        next = bgp_peer_next(o->bgp, s);
        if (!conf_bgp_peer_find(b, &bgp_session_config(s)->address))
            bgp_rib_glue_peer_remove(o->glue, o->bgp, s);
    }
}

static int set_peer(struct overlay *o, const struct conf_bgp_peer *p, char err[BGP_ERR_LEN])
{
    struct bgp_session *s = bgp_peer_find(o->bgp, &p->address);
    struct bgp_peer_config c;

    peer_config(&o->g->conf->bgp, p, &c);
    if (s)
        return bgp_rib_glue_peer_change(o->glue, o->bgp, s, &c, err);
    return bgp_rib_glue_peer_add(o->glue, o->bgp, &c, err) ? 0 : -EINVAL;
}

int overlay_configure(struct overlay *o, const struct conf *was, char *err, size_t err_len)
{
    const struct conf_bgp *b = &o->g->conf->bgp;
    int first = 0;

    evpn_rib_set_max_routes(o->rib, max_routes(o->g->conf));
    remove_peers(o, b);
    for (size_t i = 0; i < b->n_peers; i++) {
        char bgp_err[BGP_ERR_LEN] = "";
        int rc = same_peer(&was->bgp, b, &b->peers[i]) ? 0 : set_peer(o, &b->peers[i], bgp_err);

        if (rc < 0 && first == 0) {
            snprintf(err, err_len, "%s", bgp_err);
            first = rc;
        }
    }
    return first;
}

static void give(struct overlay *o, const struct evpn_rib_route *r)
{
    struct evpn_rib_best best;

    if (r->own || r->net == 0)
        return;
    if (r->nlri.type == EVPN_IMET) {
        if (r->best && !o->again.ips)
            on_flood(o, r->net, &r->vtep, r->peer);
    } else if (evpn_rib_best(o->rib, r->net, r->nlri.mac, &best)) {
        if (r->best && !o->again.ips)
            on_mac(o, r->net, r->nlri.mac, &best);
        if (r->nlri.ip.family && o->again.ips)
            on_binding(o, r->net, r->nlri.mac, &r->nlri.ip, true, r->nd_flags);
    }
}

static bool any_missed(struct overlay *o)
{
    bool macs = mactable_missed_routes(o->g->macs), vteps = gateway_vteps_missed(o->g);

    return macs || vteps;
}

/* The MAC table had no room for some routes, or there was no id for their VTEP, and there is again: all best
 * routes are told once more. IPs come in a second pass, for each needs its MAC. */
static void give_missed(struct overlay *o)
{
    static const struct evpn_rib_filter all = {.type = 0};
    unsigned budget = GIVE_AT_ONCE;
    struct evpn_rib_route r;

    if (!o->again.on && any_missed(o))
        o->again.on = true;
    while (o->again.on && budget > 0) {
        if (evpn_rib_next(o->rib, &all, &o->again.cursor, &r, NULL, &budget)) {
            give(o, &r);
        } else if (budget > 0) { /* the end of this pass */
            o->again.on = o->again.ips = !o->again.ips;
            o->again.cursor = 0;
        }
    }
}

void overlay_poll(struct overlay *o)
{
    bgp_rib_glue_poll(o->glue, mono_now());
    give_missed(o);
}

void overlay_stop(struct overlay *o, bool silently)
{
    if (!o)
        return;
    if (o->bgp && !silently)
        bgp_shutdown(o->bgp, "causewayd stops");
    bgp_free(o->bgp);
    bgp_rib_glue_free(o->glue);
    evpn_rib_free(o->rib);
    free(o);
}

struct bgp *overlay_bgp(const struct overlay *o)
{
    return o->bgp;
}

struct evpn_rib *overlay_rib(const struct overlay *o)
{
    return o->rib;
}

rib_peer_id overlay_rib_peer(const struct overlay *o, const struct bgp_session *s)
{
    (void)o;
    return bgp_rib_glue_id(s);
}

struct bgp_session *overlay_session(const struct overlay *o, rib_peer_id peer)
{
    return bgp_rib_glue_session(o->glue, peer);
}
