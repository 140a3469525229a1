/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A world for announcements: MACs with a place and IPs, a data plane that notes what it is given and may
 * refuse it, and a clock that the test moves. Nothing sleeps.
 */
#ifndef TESTS_UNIT_ANNOUNCE_WORLD_H
#define TESTS_UNIT_ANNOUNCE_WORLD_H

#include "controlplane/announce.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array[0]))
#define MS           UINT64_C(1000000)
#define S            (1000 * MS)

#define PORTS(n) ((struct mac_place){(n), DP_WHERE_PORT})
#define VTEPS(n) ((struct mac_place){(n), DP_WHERE_VTEP})

/* A frame that the data plane took. */
struct sent {
    uint64_t at;
    dp_net_id net;
    dp_port_id port, except;
    enum announce_kind kind;
    struct mac mac; /* whom it is about: the Ethernet source, or with ANNOUNCE_GATEWAY the destination */
    uint8_t last;   /* byte of the IP; 0: RARP */
};

struct host {
    struct mac_place place; /* where 0: unknown */
    struct ipaddr ips[ANNOUNCE_MAX_IPS];
    unsigned n_ips;
};

#define WORLD_HOSTS 65536

static struct world {
    struct announce *a;
    uint64_t now;
    struct host *hosts; /* by the last two bytes of the MAC; the same in all networks */
    struct sent *sent;
    size_t n_sent, room;
    unsigned accept; /* frames that the data plane takes until it is full */
    int refuse;      /* what it says to every frame */
    bool alone;      /* no network has a second port */
    uint64_t looks, wakes;
} w;

static const struct mac own = {{0x02, 0x57, 0, 0, 0, 1}};

static struct mac vm(unsigned i)
{
    return (struct mac){{0x02, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static unsigned vm_index(struct mac mac)
{
    return (unsigned)mac.b[4] << 8 | mac.b[5];
}

static mono_t now(void)
{
    return (mono_t){w.now};
}

static bool world_look(void *arg, dp_net_id net, struct mac mac, struct mac_place *place, struct ipaddr *ips,
                       unsigned n, unsigned *n_ips)
{
    const struct host *h = &w.hosts[vm_index(mac)];

    (void)arg;
    (void)net;
    w.looks++;
    if (h->place.where == 0)
        return false;
    ck_assert_uint_ge(n, h->n_ips);
    *place = h->place;
    memcpy(ips, h->ips, h->n_ips * sizeof(*ips));
    *n_ips = h->n_ips;
    return true;
}

static bool world_reaches(void *arg, dp_net_id net, dp_port_id except)
{
    (void)arg;
    (void)net;
    return !w.alone || except == DP_NO_PORT;
}

static bool world_is_router(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    (void)arg;
    (void)net;
    (void)mac;
    return ip->b[15] == 0xfe;
}

/* What kind of frame it is; that its bytes are right is test_announce_frame.c's. */
static void classify(const uint8_t *f, size_t len, struct sent *s)
{
    struct mac source;

    memcpy(source.b, f + 6, 6);
    memcpy(s->mac.b, f + (mac_eq(source, own) ? 0 : 6), 6);
    if (f[12] == 0x86) {
        ck_assert_uint_eq(len, 86);
        s->kind = ANNOUNCE_NA;
        s->last = f[77];
    } else {
        ck_assert_uint_eq(len, 42);
        s->kind = f[12] == 0x80 ? ANNOUNCE_RARP : f[21] == 1 ? ANNOUNCE_GARP_REQUEST : ANNOUNCE_GARP_REPLY;
        s->last = f[31];
    }
    if (mac_eq(source, own))
        s->kind = ANNOUNCE_GATEWAY;
}

static int world_send(void *arg, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame,
                      size_t len)
{
    struct sent *s;

    ck_assert_ptr_eq(arg, &w);
    if (w.refuse != 0)
        return w.refuse;
    if (w.accept == 0)
        return -ENOBUFS;
    w.accept--;
    if (w.n_sent == w.room) {
        w.room = w.room ? w.room * 2 : 1024;
        w.sent = realloc(w.sent, w.room * sizeof(*w.sent));
        ck_assert_ptr_nonnull(w.sent);
    }
    s = &w.sent[w.n_sent++];
    *s = (struct sent){.at = w.now, .net = net, .port = port, .except = except};
    classify(frame, len, s);
    return 0;
}

static void world_wake(void *arg)
{
    ck_assert_ptr_eq(arg, &w);
    w.wakes++;
}

static const struct announce_ops world_ops = {world_look, world_send, world_reaches, world_is_router,
                                              world_wake};

static void world_start(uint32_t repeats, uint32_t interval_ms, uint32_t limit)
{
    const struct conf_moves settings = {.repeats = repeats, .interval_ms = interval_ms, .limit = limit};

    w = (struct world){.now = 1000 * S, .accept = UINT32_MAX};
    w.hosts = calloc(WORLD_HOSTS, sizeof(*w.hosts));
    w.a = announce_new(&settings, own, &world_ops, &w);
    ck_assert(w.hosts && w.a);
}

static void world_stop(void)
{
    announce_free(w.a);
    free(w.hosts);
    free(w.sent);
}

static void host_add_ip4(unsigned i, uint8_t last)
{
    struct host *h = &w.hosts[i];

    h->ips[h->n_ips++] = (struct ipaddr){4, {10, 0, 0, last}};
}

static void host_add_ip6(unsigned i, uint8_t last)
{
    struct host *h = &w.hosts[i];

    h->ips[h->n_ips++] = (struct ipaddr){6, {0xfd, [15] = last}};
}

/* Lets time pass, running what is due when it is due. */
static void world_pass(uint64_t ns)
{
    uint64_t until = w.now + ns;
    unsigned turns = 0;
    mono_t at;

    while (announce_next(w.a, &at) && at.ns <= until) {
        if (at.ns > w.now) {
            w.now = at.ns;
            turns = 0;
        }
        ck_assert_uint_lt(turns++, 100000); /* it must get somewhere */
        announce_run(w.a, now());
    }
    w.now = until;
}

#endif
