/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A neighbour table between a fake data plane (who answers for which IP) and a fake MAC table (where a MAC
 * is, which IPs it has, which of them are announced), both kept as plain lists. Shared by the tests of one
 * table.
 */
#ifndef TESTS_UNIT_NEIGHBOR_FIXTURE_H
#define TESTS_UNIT_NEIGHBOR_FIXTURE_H

#include "controlplane/neighbor.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FAKE_MAX 8192

struct fake_ip {
    dp_net_id net;
    struct mac mac;
    struct ipaddr ip;
    bool local, remote, former; /* as the MAC table marks them */
    uint8_t flags;              /* in the data plane */
};

struct fake_mac {
    dp_net_id net;
    struct mac mac;
    struct mac_place place;
};

static struct fake {
    struct fake_ip answers[FAKE_MAX]; /* the data plane */
    unsigned n_answers, answers_max, programs, removes;
    struct fake_mac macs[FAKE_MAX];
    unsigned n_macs;
    struct fake_ip ips[FAKE_MAX]; /* of the MAC table */
    unsigned n_ips, again;
    struct fake_ip probes[64]; /* the last ones */
    unsigned n_probes;
    bool probe_fails;
    struct neighbor_alert_info alert; /* the last one */
    unsigned alerts[NEIGHBOR_ALERT_FULL + 1];
} fake;

static struct neighbors *table;

/* ---- shorthand */

static inline mono_t at(double s)
{
    return (mono_t){(uint64_t)(s * 10 + 0.5) * 100000000u};
}

static inline struct mac mac_no(unsigned i)
{
    return (struct mac){{2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static inline struct ipaddr ip4_no(unsigned i)
{
    return (struct ipaddr){4, {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static inline struct ipaddr ip6_no(unsigned i)
{
    return (struct ipaddr){
        6,
        {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static inline struct mac_place port_no(uint16_t port)
{
    return (struct mac_place){port, DP_WHERE_PORT};
}

static inline struct mac_place vtep_no(uint16_t vtep)
{
    return (struct mac_place){vtep, DP_WHERE_VTEP};
}

/* ---- the fake data plane */

static inline struct fake_ip *answer_of(dp_net_id net, const struct ipaddr *ip)
{
    for (unsigned i = 0; i < fake.n_answers; i++)
        if (fake.answers[i].net == net && ipaddr_eq(&fake.answers[i].ip, ip))
            return &fake.answers[i];
    return NULL;
}

static int op_program(void *arg, dp_net_id net, const struct ipaddr *ip, struct mac mac, uint8_t flags)
{
    struct fake_ip *a = answer_of(net, ip);

    ck_assert_ptr_eq(arg, &fake);
    fake.programs++;
    if (!a && fake.n_answers >= fake.answers_max)
        return -ENOSPC;
    if (!a)
        a = &fake.answers[fake.n_answers++];
    *a = (struct fake_ip){.net = net, .mac = mac, .ip = *ip, .flags = flags};
    return 0;
}

static void op_remove(void *arg, dp_net_id net, const struct ipaddr *ip)
{
    struct fake_ip *a = answer_of(net, ip);

    (void)arg;
    ck_assert_ptr_nonnull(a);
    fake.removes++;
    *a = fake.answers[--fake.n_answers];
}

/* ---- the fake MAC table */

static inline struct fake_mac *fake_mac(dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < fake.n_macs; i++)
        if (fake.macs[i].net == net && mac_eq(fake.macs[i].mac, mac))
            return &fake.macs[i];
    return NULL;
}

static inline struct fake_ip *fake_ip(dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    for (unsigned i = 0; i < fake.n_ips; i++)
        if (fake.ips[i].net == net && mac_eq(fake.ips[i].mac, mac) && ipaddr_eq(&fake.ips[i].ip, ip))
            return &fake.ips[i];
    return NULL;
}

static inline void fake_ip_tidy(struct fake_ip *f)
{
    if (!f->local && !f->remote && !f->former)
        *f = fake.ips[--fake.n_ips];
}

static inline struct fake_ip *fake_ip_get(dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct fake_ip *f = fake_ip(net, mac, ip);
    unsigned n = 0;

    for (unsigned i = 0; i < fake.n_ips; i++)
        n += fake.ips[i].net == net && mac_eq(fake.ips[i].mac, mac);
    if (!f && n >= MAC_MAX_IPS)
        return NULL;
    if (!f) {
        f = &fake.ips[fake.n_ips++];
        *f = (struct fake_ip){.net = net, .mac = mac, .ip = *ip};
    }
    return f;
}

static bool op_here(void *arg, dp_net_id net, struct mac mac, const dp_port_id *port)
{
    const struct fake_mac *m = fake_mac(net, mac);

    (void)arg;
    return m && m->place.where == DP_WHERE_PORT && (!port || m->place.target == *port);
}

static unsigned op_ips(void *arg, dp_net_id net, struct mac mac, struct mac_ip_info *out, unsigned n)
{
    unsigned used = 0;

    (void)arg;
    for (unsigned i = 0; i < fake.n_ips && used < n; i++)
        if (fake.ips[i].net == net && mac_eq(fake.ips[i].mac, mac))
            out[used++] = (struct mac_ip_info){fake.ips[i].ip, fake.ips[i].local, fake.ips[i].remote};
    return used;
}

static int op_learned(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool again)
{
    struct fake_ip *f;

    if (!op_here(arg, net, mac, NULL))
        return -ENOENT;
    f = fake_ip_get(net, mac, ip);
    if (!f)
        return -ENOSPC;
    f->local = true;
    fake.again += again;
    return 0;
}

static void op_gone(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct fake_ip *f = fake_ip(net, mac, ip);

    (void)arg;
    if (!f)
        return;
    f->local = false;
    fake_ip_tidy(f);
}

static bool op_probe(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    ck_assert(op_here(arg, net, mac, NULL));
    if (fake.probe_fails)
        return false;
    fake.probes[fake.n_probes++ % 64] = (struct fake_ip){.net = net, .mac = mac, .ip = *ip};
    return true;
}

static void op_alert(void *arg, const struct neighbor_alert_info *info)
{
    (void)arg;
    fake.alerts[info->what]++;
    fake.alert = *info;
}

static const struct neighbor_ops ops = {.program = op_program,
                                        .remove = op_remove,
                                        .here = op_here,
                                        .ips = op_ips,
                                        .learned = op_learned,
                                        .gone = op_gone,
                                        .probe = op_probe,
                                        .alert = op_alert};

/* ---- what happens */

/* The MAC is at that place now; where 0: gone. As the MAC table does it, and in its order. */
static inline void move(dp_net_id net, struct mac mac, struct mac_place to, double now)
{
    struct fake_mac *m = fake_mac(net, mac);
    struct mac_moved moved = {.net = net, .mac = mac, .to = to, .at = at(now)};
    bool here = to.where == DP_WHERE_PORT;

    if (m)
        moved.from = m->place;
    if (!m && to.where) {
        m = &fake.macs[fake.n_macs++];
        *m = (struct fake_mac){.net = net, .mac = mac};
    }
    if (m)
        m->place = to;
    neighbor_mac_moved(table, &moved);
    for (unsigned i = 0; i < fake.n_ips;) {
        struct fake_ip *f = &fake.ips[i];

        if (f->net != net || !mac_eq(f->mac, mac)) {
            i++;
            continue;
        }
        if (to.where == 0)
            f->local = f->remote = f->former = false;
        else if (here && moved.from.where != DP_WHERE_PORT)
            f->local = true, f->former = false;
        else if (!here && f->local)
            f->local = false, f->former = true;
        i += f->local || f->remote || f->former;
        fake_ip_tidy(f);
    }
    if (m && !to.where)
        *m = fake.macs[--fake.n_macs];
    neighbor_settle(table);
}

static inline int seen_as(dp_net_id net, struct mac mac, const struct ipaddr *ip, enum dp_evidence evidence,
                          uint8_t flags, double now)
{
    const struct fake_mac *m = fake_mac(net, mac);
    const struct dp_event e = {.type = DP_EVENT_NEIGHBOUR,
                               .net = net,
                               .mac = mac,
                               .where = DP_WHERE_PORT,
                               .target = m ? m->place.target : 1,
                               .ip = *ip,
                               .evidence = (uint8_t)evidence,
                               .flags = flags};

    return neighbor_seen(table, &e, at(now));
}

static inline int seen(dp_net_id net, struct mac mac, const struct ipaddr *ip, double now)
{
    bool v6 = ip->family == 6;

    return seen_as(net, mac, ip, v6 ? DP_EVIDENCE_UNSOLICITED_NA : DP_EVIDENCE_GARP,
                   v6 ? NEIGHBOR_OVERRIDE : 0, now);
}

/* A route says so; the MAC must be known. */
static inline void route_as(dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                            uint8_t flags, double now)
{
    struct fake_ip *f = present ? fake_ip_get(net, mac, ip) : fake_ip(net, mac, ip);

    ck_assert(!present || (f && fake_mac(net, mac)));
    if (f) {
        f->remote = present;
        if (present && op_here(&fake, net, mac, NULL))
            f->local = true;
        fake_ip_tidy(f);
    }
    neighbor_route(table, net, mac, ip, present, flags, at(now));
}

static inline void route(dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present, double now)
{
    route_as(net, mac, ip, present, NEIGHBOR_OVERRIDE, now);
}

/* ---- what is so */

static inline bool announced(dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    const struct fake_ip *f = fake_ip(net, mac, ip);

    return f && f->local && op_here(&fake, net, mac, NULL);
}

static inline void expect_answer(dp_net_id net, const struct ipaddr *ip, struct mac mac)
{
    const struct fake_ip *a = answer_of(net, ip);

    ck_assert_ptr_nonnull(a);
    ck_assert(mac_eq(a->mac, mac));
}

static inline void expect_no_answer(dp_net_id net, const struct ipaddr *ip)
{
    ck_assert_ptr_null(answer_of(net, ip));
}

/* Whole rounds, ten a second, from one time to another (both included). */
static inline void age_from_to(double from, double to)
{
    for (unsigned i = (unsigned)(from * 10 + 0.5); i <= (unsigned)(to * 10 + 0.5); i++)
        neighbor_age(table, at(i / 10.0), UINT32_MAX);
}

static inline void fixture_new(uint32_t max)
{
    neighbor_free(table);
    memset(&fake, 0, sizeof(fake));
    fake.answers_max = FAKE_MAX;
    table = neighbor_new(max, &ops, &fake);
    ck_assert_ptr_nonnull(table);
    neighbor_set_network(table, 1, 300, true);
    neighbor_set_network(table, 2, 30, true);
    neighbor_set_network(table, 3, 0, true);
    neighbor_set_network(table, 4, 300, false);
}

static inline void fixture_free(void)
{
    neighbor_free(table);
    table = NULL;
}

/* ---- what most tests use */

static struct mac m1, m2, m3;
static struct ipaddr ip_a, ip_b, ip_six;

static inline void setup(void)
{
    fixture_new(4096);
    m1 = mac_no(1);
    m2 = mac_no(2);
    m3 = mac_no(3);
    ip_a = ip4_no(1);
    ip_b = ip4_no(2);
    ip_six = ip6_no(1);
}

static inline struct neighbor_info find(dp_net_id net, const struct ipaddr *ip)
{
    struct neighbor_info info;

    ck_assert(neighbor_find(table, net, ip, &info));
    return info;
}

/* m1 and m2 behind ports 1 and 2. */
static inline void two_hosts(dp_net_id net)
{
    move(net, m1, port_no(1), 0);
    move(net, m2, port_no(2), 0);
}

#endif
