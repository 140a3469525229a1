/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See gateway.h. gateway_start() is a ladder; gateway_stop() goes down the same one from wherever it ended.
 *
 * Tricky: fwd_publish() must come before dp_run(), and static MACs before frames flow, or the first frames
 * would find neither. No callback of the underlay comes before the loop turns, so start needs no guard
 * against its own events.
 *
 * Control thread only.
 */
#include "controlplane/gateway_capture.h"
#include "controlplane/gateway_fastpath.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves.h"
#include "controlplane/network_ids.h"
#include "controlplane/overlay.h"

#include "conf/log.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EVENT_BATCH     256
#define EVENT_BATCHES   16 /* in one turn of the loop */
#define AGE_INTERVAL_US (1000000 / FASTPATH_PARTS)
#define AGE_PARTS       3  /* of the ageing time: as old may be what ageing knows */
#define AGE_TICKS       40 /* ticks of a round through the MAC table: 4 s */

/* ---- what the MAC table asks of the data plane */

static int op_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    struct gateway *g = arg;

    return fwd_fdb_set(g->fwd, net, mac, g->moves ? moves_mark(g->moves, net, mac, dest) : dest);
}

static void op_remove(void *arg, dp_net_id net, struct mac mac)
{
    fwd_fdb_del(((struct gateway *)arg)->fwd, net, mac);
}

static bool op_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    struct gateway *g = arg;
    const struct gateway_network *n = g->priv->ageing ? gateway_network(g, net) : NULL;

    /* Ageing asks for every MAC every few seconds, and need not know exactly. */
    if (n)
        return fwd_fdb_seen_lately(g->fwd, net, mac, n->conf->ageing * UINT64_C(1000000000) / AGE_PARTS,
                                   seen);
    return fwd_fdb_seen(g->fwd, net, mac, seen);
}

/* What is taken down when the gateway stops moves nowhere. */
static void op_moved(void *arg, const struct mac_moved *m)
{
    struct gateway *g = arg;

    neighbor_mac_moved(g->neighbors, m);
    if (g->moves)
        moves_moved(g->moves, m);
}

static void op_alert(void *arg, const struct mac_alert_info *alert)
{
    gateway_report_alert(arg, alert);
}

/* Before BGP is there, static MACs are added: mactable_replay_routes() brings them after. */
static void op_advertise(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, uint32_t seq,
                         bool sticky)
{
    struct gateway *g = arg;

    if (!g->overlay)
        return;
    overlay_advertise(g->overlay, net, mac, ip, seq, sticky);
    if (!ip && g->moves)
        moves_advertised(g->moves, net, mac);
}

static void op_withdraw(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct gateway *g = arg;

    if (g->overlay)
        overlay_withdraw(g->overlay, net, mac, ip);
}

static bool op_lost_seq(void *arg, dp_net_id net, struct mac mac, uint32_t *seq)
{
    const struct gateway *g = arg;

    return g->overlay && overlay_lost_sequence(g->overlay, net, mac, seq);
}

static const struct mactable_ops mac_ops = {.program = op_program,
                                            .remove = op_remove,
                                            .seen = op_seen,
                                            .moved = op_moved,
                                            .alert = op_alert,
                                            .advertise = op_advertise,
                                            .withdraw = op_withdraw,
                                            .lost_seq = op_lost_seq};

/* ---- while it runs */

int gateway_publish(struct gateway *g)
{
    const struct underlay_hop **hops = calloc(g->n_vteps + 1u, sizeof(*hops));
    int rc = -ENOMEM;

    if (hops) {
        for (unsigned i = 0; i < g->n_vteps; i++)
            if (g->vteps[i].address.family)
                hops[i] = underlay_hop(g->underlay, &g->vteps[i].address);
        gateway_takeover_hops(g, hops);
        rc = topology_update(&g->priv->topology, g, underlay_link(g->underlay), hops);
        if (rc == 0)
            rc = fwd_publish(g->fwd, &g->priv->topology.dp);
    }
    free(hops);
    if (g->priv->publish)
        event_del(g->priv->publish); /* done */
    g->priv->publish_failed = rc < 0;
    if (rc < 0)
        log_error("gateway", "the data plane does not take the new topology: %s", strerror(-rc));
    return rc;
}

void gateway_topology_changed(struct gateway *g)
{
    if (g->priv->publish)
        event_active(g->priv->publish, EV_TIMEOUT, 0);
}

static void on_topology_changed(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;

    (void)fd, (void)what;
    gateway_vteps_judge(g); /* a route may lead to one that nothing reaches */
    gateway_publish(g);
    gateway_report_underlay(g);
}

static void on_underlay_changed(void *arg)
{
    struct gateway *g = arg;

    gateway_vteps_judge(g);
    gateway_publish(g);
    gateway_poll_ports(g, false); /* the underlay's MTU is a port's MTU, too */
    gateway_report_underlay(g);
}

/* Frames between the kernel's TAP and the worker. True: there may be more. */
static bool serve_tap(struct gateway *g)
{
    int rc = dp_kernel_service(g->dp);

    if (rc < 0 && g->priv->tap) {
        log_error("underlay",
                  "the TAP %s is gone (%s): nothing but VXLAN reaches the kernel now; restart causewayd",
                  g->conf->underlay.tap, strerror(-rc));
        event_free(g->priv->tap);
        g->priv->tap = NULL;
    }
    return rc > 0;
}

/* Seen before a reload, at a place that was taken from the network by it. */
static bool is_of_before(const struct gateway *g, const struct dp_event *e)
{
    return e->type != DP_EVENT_FIRST && e->at.ns < g->priv->settled.ns &&
           !gateway_network_has_place(g, e->net, e->where, e->target);
}

static void on_dp_event(struct gateway *g, const struct dp_event *e, mono_t now)
{
    if (is_of_before(g, e))
        return;
    if (e->type == DP_EVENT_SOURCE) {
        mactable_source_seen(g->macs, e, now);
        neighbor_settle(g->neighbors);
    } else if (e->type == DP_EVENT_FIRST) {
        fwd_fdb_watched(g->fwd, e->net, e->mac);
        moves_first_frame(g->moves, e);
    } else if (e->type == DP_EVENT_NEIGHBOUR) {
        (void)neighbor_seen(g->neighbors, e, now);
    }
}

static void on_dp_events(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0};
    struct gateway *g = arg;
    struct dp_event events[EVENT_BATCH];
    mono_t now = mono_now();
    bool more = false;

    (void)fd, (void)what;
    for (unsigned batch = 0; batch < EVENT_BATCHES; batch++) {
        size_t n = dp_events_pop(g->dp, events, EVENT_BATCH);

        for (size_t i = 0; i < n; i++)
            on_dp_event(g, &events[i], now);
        more = n == EVENT_BATCH;
        if (!more)
            break;
    }
    /* Drained, so the data plane wakes us again: what it put on the TAP's ring by now must be taken. */
    more |= gateway_oam_serve(g);
    more |= serve_tap(g);
    /* Others first, then the rest: a timer of no length comes in the loop's next turn. */
    if (more)
        event_add(g->priv->more_events, &at_once);
}

static void on_age_timer(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;

    (void)fd, (void)what;
    g->priv->ageing = true;
    mactable_age(g->macs, mono_now(), g->conf->dataplane.max_macs / AGE_TICKS + 1);
    g->priv->ageing = false;
    gateway_neighbors_age(g, mono_now());
    gateway_fastpath_poll(g);
}

static void on_clear_ports(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0};
    struct gateway *g = arg;

    (void)fd, (void)what;
    if (gateway_clear_ports(g))
        event_add(g->priv->clear_ports, &at_once);
}

static void on_poll_timer(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *g = arg;

    (void)fd, (void)what;
    gateway_poll_ports(g, false);
    on_clear_ports(-1, 0, g);
    gateway_report_storms(g);
    log_flush(false);
    gateway_takeover_poll(g);
    moves_peers_gone(g->moves);
    gateway_vteps_sweep(g);
    if (g->overlay)
        overlay_poll(g->overlay);
    if (g->priv->publish_failed)
        gateway_publish(g);
    gateway_close_leaving(g);
}

/* ---- the ladder */

static int init_tables(struct gateway *g, char *err, size_t err_len)
{
    g->max_vteps = DP_MAX_VTEPS - 1;
    g->max_networks = network_ids_max(g->conf->n_networks);
    g->vteps = calloc(g->max_vteps + 1u, sizeof(*g->vteps));
    g->priv->hop_seen = calloc(g->max_vteps + 1u, sizeof(*g->priv->hop_seen));
    g->priv->ids = network_ids_new(g->max_networks);
    if (!g->vteps || !g->priv->hop_seen || !g->priv->ids) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    return 0;
}

/* With the ids of an earlier process, whose maps are open by now. */
static int number_networks(struct gateway *g, char *err, size_t err_len)
{
    struct network_ids *ids = g->priv->ids;
    int rc;

    gateway_takeover_networks(g, ids);
    rc = network_ids_plan(ids, NULL, 0, g->conf, g->started, &g->networks);
    if (rc == -ENOSPC) { /* it had so many that those leave too few */
        network_ids_had(ids, NULL, 0);
        rc = network_ids_plan(ids, NULL, 0, g->conf, g->started, &g->networks);
    }
    if (rc < 0) {
        snprintf(err, err_len, "networks: %s", strerror(-rc));
        return rc;
    }
    g->n_networks = (unsigned)g->conf->n_networks;
    network_ids_take(ids, g->networks, g->n_networks, g->started);
    return 0;
}

static size_t list_pci(const struct conf *conf, const char *list[CONF_MAX_ACCESS + 1])
{
    size_t n = 0;

    if (conf->underlay.port.kind == CONF_PORT_PCI)
        list[n++] = conf->underlay.port.device;
    for (size_t i = 0; i < conf->n_access && i < CONF_MAX_ACCESS; i++)
        if (conf->access[i].port.kind == CONF_PORT_PCI)
            list[n++] = conf->access[i].port.device;
    return n;
}

_Static_assert(CONF_MAX_WORKERS == DP_MAX_WORKERS, "as many as the data plane can have");

static int start_dataplane(struct gateway *g, char *err, size_t err_len)
{
    const struct conf *conf = g->conf;
    const char *pci[CONF_MAX_ACCESS + 1];
    char dp_err[DP_ERR_LEN] = "";
    struct dp_config config = {
        .max_macs = conf->dataplane.max_macs + g->max_networks, /* and our own in each */
        .workers = conf->dataplane.workers,
        .spread = conf->dataplane.spread,
        .cpu = conf->dataplane.cpu,
        .busy_poll = conf->dataplane.busy_poll,
        .hugepages = conf->dataplane.hugepages == CONF_HUGEPAGES_ON    ? DP_HUGEPAGES_ON
                     : conf->dataplane.hugepages == CONF_HUGEPAGES_OFF ? DP_HUGEPAGES_OFF
                                                                       : DP_HUGEPAGES_AUTO,
        .pci_devices = pci,
        .n_pci_devices = list_pci(conf, pci),
        .max_mtu = gateway_max_mtu(conf),
        .n_ports = gateway_port_number(conf) + GATEWAY_SPARE_PORTS,
        .n_queues = gateway_queue_number(conf) + GATEWAY_SPARE_PORTS,
        .n_networks = g->max_networks,
        .n_vteps = g->max_vteps,
    };
    int rc;

    config.pci = config.n_pci_devices > 0;
    rc = dp_start(&config, &g->dp, dp_err);
    if (rc < 0) {
        snprintf(err, err_len, "%s", dp_err[0] ? dp_err : strerror(-rc));
        return rc;
    }
    g->hugepages = dp_hugepages(g->dp);
    g->fwd = fwd_new(g->dp);
    if (!g->fwd) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    return 0;
}

static int start_underlay(struct gateway *g, char *err, size_t err_len)
{
    int rc;

    g->underlay = underlay_start(g->base, gateway_underlay_ifname(g->conf), &g->conf->underlay.address,
                                 on_underlay_changed, g, err, err_len);
    if (!g->underlay)
        return -EIO;
    rc = gateway_vteps_configure(g, g->conf);
    if (rc < 0) {
        snprintf(err, err_len, "underlay: the configured peers: %s",
                 rc == -ENOSPC ? "there are too many" : strerror(-rc));
        return rc;
    }
    return 0;
}

static void first_failure(void *arg, const char *text)
{
    char *err = arg;

    if (err[0] == '\0')
        snprintf(err, GATEWAY_ERR_LEN, "%s", text);
}

static int start_statics(struct gateway *g, char *err, size_t err_len)
{
    struct gateway_statics *s = gateway_statics_begin(g, NULL);
    char failure[GATEWAY_ERR_LEN] = "";

    if (!s) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    (void)gateway_statics_more(s, UINT_MAX, first_failure, failure);
    gateway_statics_free(s);
    if (failure[0] == '\0')
        return 0;
    snprintf(err, err_len, "%s", failure);
    return -EINVAL;
}

static int start_macs(struct gateway *g, char *err, size_t err_len)
{
    g->macs = mactable_new(g->conf->dataplane.max_macs, &mac_ops, g);
    if (!g->macs) {
        snprintf(err, err_len, "no memory for %u MACs", g->conf->dataplane.max_macs);
        return -ENOMEM;
    }
    mactable_set_own_vtep(g->macs, &g->conf->underlay.address);
    mactable_set_own_mac(g->macs, gateway_own_mac(g));
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access)
            mactable_set_port(g->macs, g->ports[i].id, g->ports[i].access->mac_limit);
    for (unsigned i = 0; i < g->n_networks; i++) {
        int rc = gateway_network_set(g, &g->networks[i], true, err, err_len);

        if (rc < 0)
            return rc;
    }
    return start_statics(g, err, err_len);
}

static int start_topology(struct gateway *g, char *err, size_t err_len)
{
    int rc = topology_init(&g->priv->topology, g, g->priv->underlay_port);

    if (rc == 0)
        rc = gateway_takeover_lists(g);
    (void)gateway_fastpath_look(g);
    if (rc == 0)
        rc = gateway_publish(g);
    if (rc < 0)
        snprintf(err, err_len, "topology: %s", strerror(-rc));
    return rc;
}

static int start_worker(struct gateway *g, char *err, size_t err_len)
{
    char dp_err[DP_ERR_LEN] = "";
    int rc = dp_run(g->dp, dp_err);

    if (rc < 0)
        snprintf(err, err_len, "%s", dp_err[0] ? dp_err : strerror(-rc));
    return rc;
}

static int start_events(struct gateway *g, char *err, size_t err_len)
{
    static const struct timeval age = {.tv_usec = AGE_INTERVAL_US}, second = {.tv_sec = 1};
    struct gateway_private *p = g->priv;

    if (dp_kernel_fd(g->dp) >= 0) {
        p->tap = event_new(g->base, dp_kernel_fd(g->dp), EV_READ | EV_PERSIST, on_dp_events, g);
        if (!p->tap || event_add(p->tap, NULL) < 0) {
            snprintf(err, err_len, "out of memory");
            return -ENOMEM;
        }
    }
    p->events = event_new(g->base, dp_events_fd(g->dp), EV_READ | EV_PERSIST, on_dp_events, g);
    p->more_events = evtimer_new(g->base, on_dp_events, g);
    p->age_timer = event_new(g->base, -1, EV_PERSIST, on_age_timer, g);
    p->poll_timer = event_new(g->base, -1, EV_PERSIST, on_poll_timer, g);
    p->publish = event_new(g->base, -1, 0, on_topology_changed, g);
    p->clear_ports = evtimer_new(g->base, on_clear_ports, g);
    if (!p->publish || !p->clear_ports || !p->events || !p->more_events || !p->age_timer || !p->poll_timer ||
        event_add(p->events, NULL) < 0 || event_add(p->age_timer, &age) < 0 ||
        event_add(p->poll_timer, &second) < 0) {
        snprintf(err, err_len, "out of memory");
        return -ENOMEM;
    }
    on_dp_events(-1, 0, g); /* arms the data plane's wake-up */
    return 0;
}

static int start_overlay(struct gateway *g, char *err, size_t err_len)
{
    if (!g->conf->bgp.asn)
        return 0;
    g->overlay = overlay_start(g, err, err_len);
    if (!g->overlay)
        return -EIO;
    mactable_replay_routes(g->macs);
    return overlay_run(g->overlay, err, err_len);
}

static int climb(struct gateway *g, char *err, size_t err_len)
{
    int rc = gateway_check_interfaces(g->conf, err, err_len);

    if (rc == 0)
        rc = init_tables(g, err, err_len);
    if (rc == 0)
        rc = start_dataplane(g, err, err_len);
    if (rc == 0)
        rc = gateway_fastpath_open(g, err, err_len);
    if (rc == 0)
        rc = gateway_takeover_look(g, err, err_len);
    if (rc == 0)
        rc = number_networks(g, err, err_len);
    if (rc == 0)
        rc = gateway_open_ports(g, err, err_len);
    if (rc == 0)
        rc = start_underlay(g, err, err_len);
    if (rc == 0)
        rc = gateway_takeover_begin(g, err, err_len);
    if (rc == 0)
        rc = start_topology(g, err, err_len);
    if (rc == 0)
        rc = gateway_announce_start(g, err, err_len);
    if (rc == 0)
        rc = gateway_neighbors_start(g, err, err_len);
    if (rc == 0)
        rc = moves_start(g, err, err_len);
    if (rc == 0)
        rc = start_macs(g, err, err_len);
    if (rc == 0)
        gateway_takeover_macs(g);
    if (rc == 0)
        rc = start_worker(g, err, err_len);
    if (rc == 0)
        rc = gateway_oam_start(g, err, err_len);
    if (rc == 0)
        rc = start_events(g, err, err_len);
    if (rc == 0)
        rc = start_overlay(g, err, err_len);
    return rc;
}

static uint64_t unix_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct gateway *gateway_start(struct event_base *base, const struct conf *conf, char *err, size_t err_len)
{
    struct gateway *g = calloc(1, sizeof(*g));

    if (!g || !(g->priv = calloc(1, sizeof(*g->priv)))) {
        free(g);
        snprintf(err, err_len, "out of memory");
        return NULL;
    }
    g->conf = conf;
    g->base = base;
    g->generation = 1;
    g->started = mono_now();
    g->started_unix_ns = unix_now_ns();
    if (climb(g, err, err_len) < 0) {
        gateway_stop(g);
        return NULL;
    }
    gateway_poll_ports(g, true);
    gateway_report_underlay(g);
    g->priv->running = true;
    return g;
}

static void event_drop(struct event *ev)
{
    if (ev)
        event_free(ev);
}

void gateway_stop(struct gateway *g)
{
    if (!g)
        return;
    gateway_capture_stop(g);
    gateway_oam_stop(g);
    moves_stop(g);
    overlay_stop(g->overlay, gateway_fastpath_stays(g));
    g->overlay = NULL;
    event_drop(g->priv->publish);
    g->priv->publish = NULL;
    event_drop(g->priv->poll_timer);
    event_drop(g->priv->clear_ports);
    event_drop(g->priv->age_timer);
    event_drop(g->priv->more_events);
    event_drop(g->priv->events);
    event_drop(g->priv->tap);
    gateway_announce_stop(g);
    underlay_stop(g->underlay);
    gateway_close_ports(g);
    gateway_takeover_end(g);
    gateway_fastpath_close(g);
    fwd_free(g->fwd);
    dp_stop(g->dp);
    mactable_free(g->macs);
    neighbor_free(g->neighbors);
    topology_free(&g->priv->topology);
    gateway_statics_free(g->priv->statics);
    free(g->priv->takeover);
    free(g->priv->hop_seen);
    network_ids_free(g->priv->ids);
    free(g->networks);
    free(g->vteps);
    free(g->priv);
    free(g);
}

/* Locally administered, another one for each VTEP. */
struct mac gateway_own_mac(const struct gateway *g)
{
    const struct ipaddr *vtep = &g->conf->underlay.address;
    const uint8_t *end = vtep->b + (vtep->family == 4 ? 4 : 16);

    return (struct mac){{0x02, 0x43, 0x46, end[-3], end[-2], end[-1]}};
}

/* ---- for the API */

const struct gateway_vtep *gateway_vtep(const struct gateway *g, dp_vtep_id id)
{
    return id >= 1 && id <= g->n_vteps && g->vteps[id - 1].address.family ? &g->vteps[id - 1] : NULL;
}

const struct gateway_port *gateway_port(const struct gateway *g, dp_port_id id)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].id == id)
            return &g->ports[i];
    return NULL;
}

const struct gateway_peer *gateway_peers(const struct gateway *g, dp_net_id net, size_t *n)
{
    const struct topology_list *lists = g->priv->topology.lists;

    *n = lists && net >= 1 && net <= g->max_networks ? lists[net - 1].n : 0;
    return *n ? lists[net - 1].peers : NULL;
}

bool gateway_has_peer(const struct gateway *g, dp_net_id net, dp_vtep_id vtep)
{
    size_t n, i = 0;
    const struct gateway_peer *peers = gateway_peers(g, net, &n);

    while (i < n && (peers[i].vtep != vtep || !(peers[i].is_static || peers[i].bgp)))
        i++;
    return i < n;
}
