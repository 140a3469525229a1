/* SPDX-License-Identifier: BSD-3-Clause
 *
 * BGP instances with a fake behind their ops: it counts what it is told, and has numbered routes to send.
 */
#ifndef TESTS_UNIT_BGP_FAKE_H
#define TESTS_UNIT_BGP_FAKE_H

#include "controlplane/bgp_pack.h"
#include "tests/unit/bgp_world.h"

/* ---- an instance and its fake */

struct node {
    struct bgp *bgp;
    unsigned ups, downs, graceful_downs, stale_ends, updates, ends_of_rib, refreshes, pulls;
    uint64_t to_send;   /* UPDATEs that pull has still to give; UINT64_MAX: without end */
    bool big;           /* as large as the session allows */
    bool up_fails;      /* as if there were no memory */
    uint32_t limit;     /* of routes received; 0: none */
    uint32_t sent, got; /* numbers of routes */
    uint64_t pulled_bytes;
    size_t largest_in, largest_out;
    unsigned out_of_order;
};

static int fake_up(void *arg, struct bgp_session *peer, const struct bgp_fsm_session *session)
{
    struct node *n = arg;

    ck_assert_ptr_eq(session, bgp_fsm_session(&peer->fsm));
    n->ups++;
    return n->up_fails ? -ENOMEM : 0;
}

static void fake_down(void *arg, struct bgp_session *peer, bool graceful)
{
    struct node *n = arg;

    ck_assert(bgp_fsm_session(&peer->fsm) == NULL);
    n->downs++;
    n->graceful_downs += graceful;
}

static void fake_stale_end(void *arg, struct bgp_session *peer)
{
    (void)peer;
    ((struct node *)arg)->stale_ends++;
}

static void fake_update(void *arg, struct bgp_session *peer, const struct bgp_update *u)
{
    struct node *n = arg;
    struct buf_in list = u->unreach;
    struct evpn_nlri route;

    n->updates++;
    if (buf_left(&list) > n->largest_in)
        n->largest_in = buf_left(&list);
    while (bgp_update_next(&list, &route)) {
        uint32_t number = (uint32_t)route.mac.b[2] << 24 | (uint32_t)route.mac.b[3] << 16 |
                          (uint32_t)route.mac.b[4] << 8 | route.mac.b[5];

        n->out_of_order += number != n->got;
        n->got++;
        if (n->limit && n->got > n->limit)
            bgp_session_exceeded(peer);
    }
}

static void fake_end_of_rib(void *arg, struct bgp_session *peer)
{
    (void)peer;
    ((struct node *)arg)->ends_of_rib++;
}

static void fake_refresh(void *arg, struct bgp_session *peer)
{
    (void)peer;
    ((struct node *)arg)->refreshes++;
}

static size_t fake_pull(void *arg, struct bgp_session *peer, uint8_t *msg, size_t size)
{
    static struct bgp_pack pack;
    struct node *n = arg;
    struct evpn_nlri route = {.type = EVPN_MACIP, .n_labels = 1};
    size_t len;

    (void)peer;
    n->pulls++;
    if (n->to_send == 0)
        return 0;
    ck_assert_int_eq(bgp_pack_unreach(&pack, msg, size), 0);
    do {
        const uint32_t v = n->sent;

        route.mac =
            (struct mac){{2, 0, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
        if (!bgp_pack_add(&pack, &route))
            break;
        n->sent++;
    } while (n->big);
    len = bgp_pack_end(&pack);
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_le(len, size);
    if (n->to_send != UINT64_MAX)
        n->to_send--;
    n->pulled_bytes += len;
    if (len > n->largest_out)
        n->largest_out = len;
    return len;
}

static const struct bgp_ops fake_ops = {fake_up,         fake_down,    fake_stale_end, fake_update,
                                        fake_end_of_rib, fake_refresh, fake_pull};

/* What nodes made from now on say of a restart. */
static bool nodes_restarting, nodes_forwarding;

/* Listens on `address`, its router id is its last byte. */
static void node_make(struct node *n, uint32_t asn, const char *address)
{
    const struct ipaddr a = ip(address);
    const struct bgp_config config = {.local = {.asn = asn,
                                                .router_id = 0x0a000000u + a.b[a.family == 4 ? 3 : 15],
                                                .restarting = nodes_restarting,
                                                .forwarding = nodes_forwarding},
                                      .listen = &a,
                                      .n_listen = 1,
                                      .port = PORT};
    char err[BGP_ERR_LEN];

    memset(n, 0, sizeof(*n));
    n->bgp = bgp_new(base, &config, &fake_ops, n, err);
    ck_assert_msg(n->bgp != NULL, "%s", err);
}

static struct bgp_session *peer_add(struct node *n, const struct bgp_peer_config *c)
{
    char err[BGP_ERR_LEN];
    struct bgp_session *s = bgp_peer_add(n->bgp, c, err);

    ck_assert_msg(s != NULL, "%s", err);
    bgp_session_start(s);
    return s;
}

#endif
