/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See underlay.h. The kernel's events are hints only: they say what to ask again, and the answer is what
 * counts. So neither their order nor a lost one (ENOBUFS) can leave us with a wrong next hop. One turn reads
 * every event that waits, asks once, and reports once.
 *
 * Tricky:
 *  - IPv4 drops routes without a word when a link goes down or an address goes; every link, address, rule and
 * next-hop object event therefore asks for all routes again. A route event asks for the VTEPs that its prefix
 * covers.
 *  - asking for all costs one system call for each VTEP: where that is long, the next time waits as long (see
 *    rest_needed()), so that a storm takes at most half of the loop.
 *  - NTF_USE itself causes events; poke_due() keeps that from going round in a circle.
 *
 * Control thread only.
 */
#include "controlplane/underlay.h"
#include "controlplane/underlay_nl.h"

#include "conf/log.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENT_BUFFER    (4 << 20)    /* bytes of events that may wait */
#define READS_PER_TURN  1024         /* datagrams, so that a storm does not hold the loop */
#define POKE_INTERVAL   900000000ull /* ns; a little less than the timer's second */
#define REFRESH_SECONDS 30           /* path MTU exceptions come and go without any event */
#define REST_FROM       5000000ull   /* ns: an evaluation longer than that is followed by a rest */

#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

struct tracked {
    struct underlay_hop hop; /* first: searched by hop.vtep */
    struct unl_route route;
    bool dirty;
};

struct next_hop {
    struct ipaddr ip; /* first: searched by it */
    struct unl_neigh neigh;
    uint64_t poked_ns;
    bool dirty;
    bool used;
};

struct underlay {
    char ifname[IFACE_NAMELEN];
    struct ipaddr source;
    underlay_changed_fn changed;
    void *arg;
    struct unl *ask;
    struct nl_sock *events;
    struct nl_cb *cb;
    struct event *readable, *poke_timer, *refresh_timer, *rest_timer;
    struct underlay_link link;
    struct tracked *hops; /* sorted by VTEP */
    size_t n_hops, cap_hops;
    struct next_hop *nexts; /* sorted by address */
    size_t n_nexts, cap_nexts;
    bool link_dirty, routes_dirty, nexts_stale;
    bool ask_failed;
    uint64_t last_cost_ns, last_end_ns;
    uint64_t resyncs, resync_logged_ns;
};

const char *underlay_state_text(enum underlay_state state)
{
    switch (state) {
    case UNDERLAY_RESOLVED:
        return "resolved";
    case UNDERLAY_NO_ROUTE:
        return "no route";
    case UNDERLAY_WRONG_PORT:
        return "route leaves by another interface";
    case UNDERLAY_LOCAL:
        return "address is this machine's own";
    case UNDERLAY_NO_NEIGHBOUR:
        return "waiting for the neighbour";
    case UNDERLAY_LINK_DOWN:
        return "link down";
    }
    return "unknown";
}

bool underlay_is_lost(enum underlay_state state, bool was)
{
    switch (state) {
    case UNDERLAY_RESOLVED:
        return false;
    case UNDERLAY_NO_NEIGHBOUR:
        return was;
    case UNDERLAY_NO_ROUTE:
    case UNDERLAY_WRONG_PORT:
    case UNDERLAY_LOCAL:
    case UNDERLAY_LINK_DOWN:
        break;
    }
    return true;
}

/* ---- sorted arrays */

static int addr_cmp(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ipaddr)); /* family, then 16 bytes: no padding */
}

/* Where ip is, or where it belongs, in an array of `size` bytes each that is sorted by a leading struct
 * ipaddr. */
static size_t position(const void *array, size_t n, size_t size, const struct ipaddr *ip, bool *found)
{
    size_t lo = 0, hi = n;

    *found = false;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = addr_cmp((const char *)array + mid * size, ip);

        if (c == 0)
            *found = true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Makes room for one at `pos`. */
static void *insert_at(void **array, size_t *n, size_t *cap, size_t size, size_t pos)
{
    char *p;

    if (*n == *cap) {
        size_t cap_new = *cap ? *cap * 2 : 16;

        p = reallocarray(*array, cap_new, size);
        if (!p)
            return NULL;
        *array = p;
        *cap = cap_new;
    }
    p = (char *)*array + pos * size;
    memmove(p + size, p, (*n - pos) * size);
    memset(p, 0, size);
    (*n)++;
    return p;
}

static struct tracked *find_tracked(const struct underlay *u, const struct ipaddr *vtep)
{
    bool found;
    size_t pos = position(u->hops, u->n_hops, sizeof(*u->hops), vtep, &found);

    return found ? &u->hops[pos] : NULL;
}

static struct next_hop *find_next(const struct underlay *u, const struct ipaddr *ip)
{
    bool found;
    size_t pos = position(u->nexts, u->n_nexts, sizeof(*u->nexts), ip, &found);

    return found ? &u->nexts[pos] : NULL;
}

static struct next_hop *get_next(struct underlay *u, const struct ipaddr *ip)
{
    bool found;
    size_t pos = position(u->nexts, u->n_nexts, sizeof(*u->nexts), ip, &found);
    struct next_hop *n;

    if (found)
        return &u->nexts[pos];
    n = insert_at((void **)&u->nexts, &u->n_nexts, &u->cap_nexts, sizeof(*n), pos);
    if (n) {
        n->ip = *ip;
        n->dirty = true;
    }
    return n;
}

/* ---- asking the kernel */

static void check_answer(struct underlay *u, int rc, const char *what)
{
    if (rc == 0) {
        u->ask_failed = false;
        return;
    }
    if (!u->ask_failed)
        log_warning("underlay", "%s: the kernel does not answer for %s: %s", u->ifname, what, strerror(-rc));
    u->ask_failed = true;
}

static bool refresh_link(struct underlay *u)
{
    struct underlay_link now;
    int rc = unl_link_get(u->ask, u->ifname, &now);
    bool changed;

    u->link_dirty = false;
    if (rc == -ENODEV)
        memset(&now, 0, sizeof(now));
    else if (rc < 0) {
        check_answer(u, rc, "the interface");
        return false;
    }
    changed = memcmp(&now, &u->link, sizeof(now)) != 0;
    if (now.ifindex != u->link.ifindex || (now.up && !u->link.up)) {
        /* What was asked on the old link says nothing about the new one: ask again without delay. */
        for (size_t i = 0; i < u->n_nexts; i++) {
            u->nexts[i].poked_ns = 0;
            u->nexts[i].dirty = true;
        }
    }
    memcpy(&u->link, &now, sizeof(now));
    return changed;
}

/* An old answer is kept when there is no new one. */
static void refresh_route(struct underlay *u, struct tracked *t)
{
    struct unl_route now;
    int rc = unl_route_get(u->ask, &t->hop.vtep, &u->source, &now);

    t->dirty = false;
    check_answer(u, rc, "a route");
    if (rc == 0)
        t->route = now;
}

static void refresh_routes(struct underlay *u, bool all)
{
    for (size_t i = 0; i < u->n_hops; i++) {
        if (!all && !u->hops[i].dirty)
            continue;
        refresh_route(u, &u->hops[i]);
        u->nexts_stale = true;
    }
}

static bool on_our_link(const struct underlay *u, const struct unl_route *r)
{
    return r->kind == UNL_ROUTE_UNICAST && r->oif == u->link.ifindex;
}

/* Keeps one struct next_hop for each next hop that a route of ours uses. */
static void collect_nexts(struct underlay *u)
{
    size_t kept = 0;

    u->nexts_stale = false;
    for (size_t i = 0; i < u->n_nexts; i++)
        u->nexts[i].used = false;
    for (size_t i = 0; i < u->n_hops; i++) {
        const struct unl_route *r = &u->hops[i].route;
        struct next_hop *n;

        if (!on_our_link(u, r))
            continue;
        n = get_next(u, &r->next_hop);
        if (n)
            n->used = true;
    }
    for (size_t i = 0; i < u->n_nexts; i++)
        if (u->nexts[i].used)
            u->nexts[kept++] = u->nexts[i];
    u->n_nexts = kept;
}

static bool usable(const struct unl_neigh *n)
{
    return (n->nud & NUD_USABLE) && n->has_mac;
}

/* A stale entry works, but nobody but us would notice that its owner is gone. */
static bool wants_poke(const struct next_hop *n)
{
    return !usable(&n->neigh) || (n->neigh.nud & NUD_STALE);
}

static bool poke_due(const struct next_hop *n, uint64_t now_ns)
{
    return wants_poke(n) && (n->poked_ns == 0 || now_ns - n->poked_ns >= POKE_INTERVAL);
}

static void refresh_next(struct underlay *u, struct next_hop *n, uint64_t now_ns)
{
    if (n->dirty) {
        bool was_usable = usable(&n->neigh);

        n->dirty = false;
        check_answer(u, unl_neigh_get(u->ask, u->link.ifindex, &n->ip, &n->neigh), "a neighbour");
        /* Lost: asked for at once, however lately it was asked. NTF_USE never makes an entry unusable, so
         * this goes round in no circle. */
        if (was_usable && !usable(&n->neigh))
            n->poked_ns = 0;
    }
    if (u->link.up && poke_due(n, now_ns)) {
        n->poked_ns = now_ns;
        unl_neigh_use(u->ask, u->link.ifindex, &n->ip);
    }
}

static void refresh_nexts(struct underlay *u)
{
    uint64_t now_ns = mono_now().ns;

    for (size_t i = 0; i < u->n_nexts; i++)
        refresh_next(u, &u->nexts[i], now_ns);
}

/* ---- what it means */

static void judge(const struct underlay *u, const struct tracked *t, struct underlay_hop *out)
{
    const struct unl_route *r = &t->route;
    const struct next_hop *n;

    memset(out, 0, sizeof(*out));
    out->vtep = t->hop.vtep;
    out->mtu = u->link.mtu;
    if (r->kind == UNL_ROUTE_LOCAL) {
        out->state = UNDERLAY_LOCAL;
        return;
    }
    if (r->kind == UNL_ROUTE_UNICAST) {
        if (on_our_link(u, r))
            snprintf(out->interface, sizeof(out->interface), "%s", u->ifname);
        else if (!if_indextoname((unsigned)r->oif, out->interface))
            out->interface[0] = '\0';
        out->next_hop = r->next_hop;
        if (r->mtu && r->mtu < out->mtu)
            out->mtu = (uint16_t)r->mtu;
    }
    if (!u->link.up) {
        out->state = UNDERLAY_LINK_DOWN;
    } else if (r->kind == UNL_ROUTE_NONE) {
        out->state = UNDERLAY_NO_ROUTE;
    } else if (!on_our_link(u, r)) {
        out->state = UNDERLAY_WRONG_PORT;
    } else {
        n = find_next(u, &r->next_hop);
        out->state = n && usable(&n->neigh) ? UNDERLAY_RESOLVED : UNDERLAY_NO_NEIGHBOUR;
        if (out->state == UNDERLAY_RESOLVED)
            out->mac = n->neigh.mac;
    }
}

static bool judge_all(struct underlay *u)
{
    bool changed = false;

    for (size_t i = 0; i < u->n_hops; i++) {
        struct underlay_hop now;

        judge(u, &u->hops[i], &now);
        if (memcmp(&now, &u->hops[i].hop, sizeof(now)) == 0)
            continue;
        memcpy(&u->hops[i].hop, &now, sizeof(now)); /* with its padding: it is compared as bytes */
        changed = true;
    }
    return changed;
}

static void arm_poke_timer(struct underlay *u)
{
    static const struct timeval second = {.tv_sec = 1};
    bool wanted = false;

    for (size_t i = 0; i < u->n_nexts && !wanted; i++)
        wanted = wants_poke(&u->nexts[i]);
    if (!wanted || !u->link.up)
        event_del(u->poke_timer);
    else if (!event_pending(u->poke_timer, EV_TIMEOUT, NULL))
        event_add(u->poke_timer, &second);
}

/* Returns true when a hop or the link changed. */
static bool evaluate(struct underlay *u)
{
    uint64_t start = mono_now().ns;
    bool all, changed = false;

    if (u->link_dirty && refresh_link(u))
        changed = u->routes_dirty = true;
    all = u->routes_dirty;
    u->routes_dirty = false;
    refresh_routes(u, all);
    if (u->nexts_stale)
        collect_nexts(u);
    refresh_nexts(u);
    changed |= judge_all(u);
    arm_poke_timer(u);
    u->last_end_ns = mono_now().ns;
    u->last_cost_ns = u->last_end_ns - start;
    return changed;
}

static void evaluate_and_tell(struct underlay *u)
{
    if (evaluate(u))
        u->changed(u->arg);
}

/* ns that must pass before the next evaluation. */
static uint64_t rest_needed(const struct underlay *u)
{
    uint64_t since = mono_now().ns - u->last_end_ns;

    return u->last_cost_ns < REST_FROM || since >= u->last_cost_ns ? 0 : u->last_cost_ns - since;
}

/* ---- the kernel's events */

static void on_link(struct underlay *u, struct nlmsghdr *h)
{
    struct ifinfomsg *ifi = nlmsg_data(h);
    struct nlattr *tb[IFLA_MAX + 1];

    if (nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 || ifi->ifi_family == AF_BRIDGE)
        return;
    u->routes_dirty = true;
    if (ifi->ifi_index == u->link.ifindex || (tb[IFLA_IFNAME] && nla_strcmp(tb[IFLA_IFNAME], u->ifname) == 0))
        u->link_dirty = true;
}

static bool prefix_covers(const struct ipaddr *net, unsigned len, const struct ipaddr *a)
{
    unsigned bytes = len / 8, bits = len % 8;

    if (net->family != a->family || len > (a->family == 6 ? 128u : 32u))
        return false;
    if (memcmp(net->b, a->b, bytes) != 0)
        return false;
    return bits == 0 || ((net->b[bytes] ^ a->b[bytes]) >> (8 - bits)) == 0;
}

static void on_route(struct underlay *u, struct nlmsghdr *h)
{
    struct rtmsg *rtm = nlmsg_data(h);
    struct nlattr *tb[RTA_MAX + 1];
    struct ipaddr net = {0};

    if (u->routes_dirty || nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
        return;
    if (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6)
        return;
    net.family = rtm->rtm_family == AF_INET6 ? 6 : 4;
    if (tb[RTA_DST] && !unl_addr(tb[RTA_DST], rtm->rtm_family, &net))
        return;
    for (size_t i = 0; i < u->n_hops; i++)
        if (prefix_covers(&net, rtm->rtm_dst_len, &u->hops[i].hop.vtep))
            u->hops[i].dirty = true;
}

static void on_neigh(struct underlay *u, struct nlmsghdr *h)
{
    struct ndmsg *ndm = nlmsg_data(h);
    struct nlattr *tb[NDA_MAX + 1];
    struct next_hop *n;
    struct ipaddr ip;

    if (nlmsg_parse(h, sizeof(*ndm), tb, NDA_MAX, NULL) < 0 || ndm->ndm_ifindex != u->link.ifindex ||
        !unl_addr(tb[NDA_DST], ndm->ndm_family, &ip))
        return;
    n = find_next(u, &ip);
    if (n)
        n->dirty = true;
}

static int on_event(struct nl_msg *msg, void *arg)
{
    struct underlay *u = arg;
    struct nlmsghdr *h = nlmsg_hdr(msg);

    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        on_link(u, h);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        on_route(u, h);
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        on_neigh(u, h);
        break;
    default: /* addresses, rules, next-hop objects */
        u->routes_dirty = true;
    }
    return NL_OK;
}

static void all_dirty(struct underlay *u)
{
    u->link_dirty = u->routes_dirty = true;
    for (size_t i = 0; i < u->n_nexts; i++)
        u->nexts[i].dirty = true;
}

/* Events were lost: ask for everything. */
static void resync(struct underlay *u, int nlerr)
{
    uint64_t now = mono_now().ns;

    u->resyncs++;
    if (u->resync_logged_ns == 0 || now - u->resync_logged_ns > 10000000000ull) {
        log_warning("underlay", "events of the kernel were lost (%s, %llu times): asking for everything",
                    nlerr == -NLE_NOMEM ? "too many at once" : nl_geterror(nlerr),
                    (unsigned long long)u->resyncs);
        u->resync_logged_ns = now;
    }
    all_dirty(u);
}

uint64_t underlay_resyncs(const struct underlay *u)
{
    return u->resyncs;
}

static void rest_or_evaluate(struct underlay *u)
{
    uint64_t rest = rest_needed(u);
    struct timeval tv = {.tv_sec = (time_t)(rest / 1000000000),
                         .tv_usec = (long)(rest % 1000000000 / 1000) + 1};

    if (rest == 0)
        evaluate_and_tell(u);
    else if (!event_pending(u->rest_timer, EV_TIMEOUT, NULL))
        event_add(u->rest_timer, &tv);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct underlay *u = arg;

    (void)fd, (void)what;
    for (unsigned i = 0; i < READS_PER_TURN; i++) {
        int rc = nl_recvmsgs(u->events, u->cb);

        if (rc == -NLE_AGAIN)
            break;
        if (rc < 0)
            resync(u, rc);
    }
    rest_or_evaluate(u);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    evaluate_and_tell(arg);
}

static void on_poke_timer(evutil_socket_t fd, short what, void *arg)
{
    struct underlay *u = arg;

    (void)fd, (void)what;
    for (size_t i = 0; i < u->n_nexts; i++)
        u->nexts[i].dirty |= wants_poke(&u->nexts[i]);
    rest_or_evaluate(u);
}

static void on_refresh_timer(evutil_socket_t fd, short what, void *arg)
{
    struct underlay *u = arg;

    (void)fd, (void)what;
    all_dirty(u);
    rest_or_evaluate(u);
}

/* ---- life */

static int open_events(struct underlay *u)
{
    static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_NEIGH,       RTNLGRP_IPV4_ROUTE,
                                 RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                 RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE,   RTNLGRP_NEXTHOP};
    int size = EVENT_BUFFER, fd, rc;

    u->events = nl_socket_alloc();
    u->cb = nl_cb_alloc(NL_CB_CUSTOM);
    if (!u->events || !u->cb)
        return -NLE_NOMEM;
    nl_socket_disable_seq_check(u->events);
    nl_socket_disable_auto_ack(u->events);
    nl_cb_set(u->cb, NL_CB_VALID, NL_CB_CUSTOM, on_event, u);
    rc = nl_connect(u->events, NETLINK_ROUTE);
    if (rc < 0)
        return rc;
    fd = nl_socket_get_fd(u->events);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        rc = nl_socket_add_membership(u->events, groups[i]);
        /* Next-hop objects came with Linux 5.3; without them there is nothing to follow. */
        if (rc < 0 && groups[i] != RTNLGRP_NEXTHOP)
            return rc;
    }
    return nl_socket_set_nonblocking(u->events);
}

static int add_events(struct underlay *u, struct event_base *base)
{
    static const struct timeval refresh = {.tv_sec = REFRESH_SECONDS};

    u->readable = event_new(base, nl_socket_get_fd(u->events), EV_READ | EV_PERSIST, on_readable, u);
    u->poke_timer = evtimer_new(base, on_poke_timer, u);
    u->rest_timer = evtimer_new(base, on_rested, u);
    u->refresh_timer = event_new(base, -1, EV_PERSIST, on_refresh_timer, u);
    if (!u->readable || !u->poke_timer || !u->rest_timer || !u->refresh_timer)
        return -ENOMEM;
    return event_add(u->readable, NULL) < 0 || event_add(u->refresh_timer, &refresh) < 0 ? -ENOMEM : 0;
}

struct underlay *underlay_start(struct event_base *base, const char *ifname, const struct ipaddr *source,
                                underlay_changed_fn changed, void *arg, char *err, size_t err_len)
{
    struct underlay *u = calloc(1, sizeof(*u));
    int rc;

    if (!u) {
        snprintf(err, err_len, "out of memory");
        return NULL;
    }
    snprintf(u->ifname, sizeof(u->ifname), "%s", ifname);
    u->source = *source;
    u->changed = changed;
    u->arg = arg;
    u->ask = unl_open(err, err_len);
    if (!u->ask)
        goto fail;
    /* Before the first question, so that nothing happens unseen between the two. */
    rc = open_events(u);
    if (rc < 0) {
        snprintf(err, err_len, "netlink events: %s", nl_geterror(rc));
        goto fail;
    }
    rc = unl_link_get(u->ask, ifname, &u->link);
    if (rc < 0) {
        snprintf(err, err_len, "underlay interface %s: %s", ifname,
                 rc == -ENODEV ? "there is no such interface in this network namespace" : strerror(-rc));
        goto fail;
    }
    if (add_events(u, base) < 0) {
        snprintf(err, err_len, "out of memory");
        goto fail;
    }
    return u;
fail:
    underlay_stop(u);
    return NULL;
}

static void event_drop(struct event *ev)
{
    if (ev)
        event_free(ev);
}

void underlay_stop(struct underlay *u)
{
    if (!u)
        return;
    event_drop(u->readable);
    event_drop(u->poke_timer);
    event_drop(u->rest_timer);
    event_drop(u->refresh_timer);
    nl_cb_put(u->cb);
    nl_socket_free(u->events);
    unl_close(u->ask);
    free(u->hops);
    free(u->nexts);
    free(u);
}

int underlay_track(struct underlay *u, const struct ipaddr *vtep)
{
    bool found;
    size_t pos = position(u->hops, u->n_hops, sizeof(*u->hops), vtep, &found);
    struct underlay_hop hop;
    struct tracked *t;

    if (found)
        return -EEXIST;
    t = insert_at((void **)&u->hops, &u->n_hops, &u->cap_hops, sizeof(*t), pos);
    if (!t)
        return -ENOMEM;
    t->hop.vtep = *vtep;
    refresh_route(u, t);
    if (on_our_link(u, &t->route)) {
        struct next_hop *n = get_next(u, &t->route.next_hop);

        if (n)
            refresh_next(u, n, mono_now().ns);
    }
    judge(u, t, &hop);
    memcpy(&t->hop, &hop, sizeof(hop));
    arm_poke_timer(u);
    return 0;
}

void underlay_untrack(struct underlay *u, const struct ipaddr *vtep)
{
    struct tracked *t = find_tracked(u, vtep);

    if (!t)
        return;
    memmove(t, t + 1, (char *)(u->hops + u->n_hops) - (char *)(t + 1));
    u->n_hops--;
    u->nexts_stale = true;
}

const struct underlay_hop *underlay_hop(const struct underlay *u, const struct ipaddr *vtep)
{
    const struct tracked *t = find_tracked(u, vtep);

    return t ? &t->hop : NULL;
}

const struct underlay_link *underlay_link(const struct underlay *u)
{
    return &u->link;
}
