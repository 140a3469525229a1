/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A victim for peers that are but a socket, with a healthy session beside.
 */
#ifndef TESTS_UNIT_BGP_RAW_H
#define TESTS_UNIT_BGP_RAW_H

#include "tests/unit/bgp_fake.h"
#include "tests/unit/bgp_raw_socket.h"

/* A node at .1 that waits for a raw peer of its AS at .2, and one at .3 that has nothing to do with it. */
struct victim {
    struct node a, other;
    struct bgp_session *peer, *ao, *oa;
};

static void victim_make(struct victim *v, const struct bgp_peer_config *c)
{
    struct bgp_peer_config o;

    node_make(&v->a, 65000, "198.18.0.1");
    node_make(&v->other, 65000, "198.18.0.3");
    o = peer_config(65000, "198.18.0.1", "198.18.0.3");
    v->ao = peer_add(&v->a, &o);
    o = peer_config(65000, "198.18.0.3", "198.18.0.1");
    o.passive = true;
    v->oa = peer_add(&v->other, &o);
    UNTIL(10, is_up(v->ao) && is_up(v->oa));
    v->a.ups = 0;
    v->peer = peer_add(&v->a, c);
}

static struct bgp_peer_config victim_config(void)
{
    struct bgp_peer_config c = peer_config(65000, "198.18.0.1", "198.18.0.2");

    c.passive = true;
    return c;
}

/* All that, with the raw peer's session up on the victim's side too; `o` is what the raw peer says. */
static inline void victim_up(struct victim *v, const struct bgp_peer_config *c, struct raw *r,
                             const struct bgp_fsm_open *o)
{
    victim_make(v, c);
    raw_up(r, "198.18.0.2", "198.18.0.1", o);
    UNTIL(5, is_up(v->peer));
}

/* The session with the third one noticed nothing. */
static void victim_end(struct victim *v)
{
    ck_assert(is_up(v->ao) && is_up(v->oa));
    ck_assert_uint_eq(v->other.ups, 1);
    ck_assert_uint_eq(v->other.downs, 0);
    bgp_free(v->a.bgp);
    bgp_free(v->other.bgp);
}

static inline void victim_quit(struct victim *v, struct raw *r)
{
    close(r->fd);
    victim_end(v);
}

#endif
