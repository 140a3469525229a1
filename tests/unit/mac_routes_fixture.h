/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One MAC table and its peers' routes, for the tests of sections 4 and 5. We are VTEP 198.18.0.5; VTEP n is
 * 198.18.0.n.
 */
#ifndef TESTS_UNIT_MAC_ROUTES_FIXTURE_H
#define TESTS_UNIT_MAC_ROUTES_FIXTURE_H

#include "tests/unit/mactable_fixture.h"

#define PORT  1
#define PORT2 2
#define OWN   5

static inline struct ipaddr vtep_address(unsigned n)
{
    return (struct ipaddr){4, {198, 18, 0, (uint8_t)n}};
}

static inline struct ipaddr ip_n(unsigned n)
{
    return (struct ipaddr){4, {10, 0, 0, (uint8_t)n}};
}

static inline void open_table(void)
{
    struct ipaddr own = vtep_address(OWN);

    setup();
    mactable_set_own_vtep(table, &own);
}

static inline void route_full(unsigned n, struct mac_route r, uint32_t s)
{
    mactable_remote(table, 1, mac_n(n), &r, at(s));
}

static inline void route(unsigned n, dp_vtep_id vtep, uint32_t seq)
{
    route_full(n, (struct mac_route){.vtep = vtep, .seq = seq, .address = vtep_address(vtep)}, 100);
}

static inline void sticky_route(unsigned n, dp_vtep_id vtep)
{
    route_full(n, (struct mac_route){.vtep = vtep, .sticky = true, .address = vtep_address(vtep)}, 100);
}

static inline void no_route(unsigned n)
{
    mactable_remote(table, 1, mac_n(n), NULL, at(100));
}

static inline void here(unsigned n)
{
    see(1, n, DP_WHERE_PORT, PORT, 100);
}

static inline const struct mac_entry *find(unsigned n)
{
    return mactable_find(table, 1, mac_n(n));
}

static inline const struct our_route *ours(unsigned n, unsigned ip)
{
    struct ipaddr a = ip_n(ip);

    return route_find(1, mac_n(n), ip ? &a : NULL);
}

static inline void expect_here(unsigned n, uint32_t seq)
{
    const struct mac_entry *e = find(n);

    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->origin, MAC_LOCAL);
    ck_assert_ptr_nonnull(ours(n, 0));
    ck_assert_uint_eq(ours(n, 0)->seq, seq);
    ck_assert_uint_eq(mac_entry_seq(e), seq);
    check_consistent();
}

static inline void expect_routed(unsigned n, dp_vtep_id vtep, uint32_t seq)
{
    const struct mac_entry *e = find(n);

    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->origin, MAC_EVPN);
    ck_assert_uint_eq(e->target, vtep);
    ck_assert_uint_eq(mac_entry_seq(e), seq);
    ck_assert_ptr_null(ours(n, 0));
    check_consistent();
}

#endif
