/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The IPs of a MAC, and what is said to the peers about it: one route with the MAC alone (R3.6) and one with
 * each IP, all with the MAC's sequence (R4.9, RFC 9721 section 6).
 *
 * An IP is local (an ARP or NA here showed it, or it was taken over when the MAC came here), remote (in a
 * peer's route), both, or former: it was local when the MAC left. Former ones are kept for FORMER_S, so that
 * a MAC that comes back at once, with a RARP that shows no IP, has them although the other gateway never said
 * them (R6.2); not longer, for the host may have another IP by then.
 *
 * Control thread only.
 */
#include "controlplane/mactable_private.h"

#include <errno.h>
#include <stdlib.h>

#define FORMER_S 60

#define IP_LOCAL  1u
#define IP_REMOTE 2u
#define IP_FORMER 4u

struct mac_ip {
    struct mac_ip *next;
    struct ipaddr ip;
    uint8_t marks;
};

/* ---- routes */

static void say(struct mactable *t, const struct mac_slot *s, const struct ipaddr *ip)
{
    if (t->ops.advertise)
        t->ops.advertise(t->arg, s->e.net, s->e.mac, ip, s->e.seq, s->e.sticky);
}

static void unsay(struct mactable *t, const struct mac_slot *s, const struct ipaddr *ip)
{
    if (t->ops.withdraw)
        t->ops.withdraw(t->arg, s->e.net, s->e.mac, ip);
}

void mac_advertise(struct mactable *t, struct mac_slot *s)
{
    s->e.advertised = true;
    say(t, s, NULL);
    for (const struct mac_ip *i = s->ips; i; i = i->next)
        if (i->marks & IP_LOCAL)
            say(t, s, &i->ip);
}

void mac_withdraw(struct mactable *t, struct mac_slot *s)
{
    s->e.seq = 0;
    if (!s->e.advertised)
        return;
    s->e.advertised = false;
    unsay(t, s, NULL);
    for (struct mac_ip *i = s->ips; i; i = i->next) {
        if (!(i->marks & IP_LOCAL))
            continue;
        unsay(t, s, &i->ip);
        i->marks = (uint8_t)((i->marks & ~IP_LOCAL) | IP_FORMER);
    }
}

/* ---- marks */

void mac_ips_take_over(struct mac_slot *s)
{
    for (struct mac_ip *i = s->ips; i; i = i->next)
        i->marks = (uint8_t)((i->marks & ~IP_FORMER) | IP_LOCAL);
}

/* Takes these marks from all IPs, or from one, and forgets those without any. */
static void unmark(struct mac_slot *s, const struct ipaddr *ip, unsigned marks)
{
    struct mac_ip **link = &s->ips;

    while (*link) {
        struct mac_ip *i = *link;

        if (!ip || ipaddr_eq(&i->ip, ip))
            i->marks &= (uint8_t)~marks;
        if (i->marks) {
            link = &i->next;
        } else {
            *link = i->next;
            free(i);
            s->e.ips_refused = false;
        }
    }
}

void mac_ips_age(struct mac_slot *s, mono_t now)
{
    bool old = now.ns > s->e.since.ns && now.ns - s->e.since.ns > FORMER_S * 1000000000ull;

    if (s->ips && old && !mac_is_here(&s->e))
        unmark(s, NULL, IP_FORMER);
}

void mac_ips_free(struct mac_slot *s)
{
    unmark(s, NULL, UINT8_MAX);
}

static struct mac_ip *ip_find(const struct mac_slot *s, const struct ipaddr *ip, unsigned *n)
{
    struct mac_ip *i = s->ips;

    for (*n = 0; i && !ipaddr_eq(&i->ip, ip); i = i->next)
        (*n)++;
    return i;
}

static void alert_limit(struct mactable *t, struct mac_slot *s)
{
    const struct mac_alert_info info = {
        .what = MAC_ALERT_IP_LIMIT,
        .net = s->e.net,
        .mac = s->e.mac,
        .held = mac_place_of(&s->e),
        .held_since = s->e.since,
    };

    if (!s->e.ips_refused)
        t->ops.alert(t->arg, &info);
    s->e.ips_refused = true;
}

static int mark(struct mactable *t, struct mac_slot *s, const struct ipaddr *ip, unsigned mark_bit)
{
    unsigned n;
    struct mac_ip *i = ip_find(s, ip, &n);

    if (!i && n >= MAC_MAX_IPS) {
        alert_limit(t, s);
        return -ENOSPC;
    }
    if (!i) {
        i = calloc(1, sizeof(*i));
        if (!i)
            return -ENOMEM;
        i->ip = *ip;
        i->next = s->ips;
        s->ips = i;
    }
    i->marks |= (uint8_t)mark_bit;
    return 0;
}

/* ---- events */

static bool is_local_ip(const struct mac_slot *s, const struct ipaddr *ip)
{
    unsigned n;
    const struct mac_ip *i = ip_find(s, ip, &n);

    return i && i->marks & IP_LOCAL;
}

int mactable_local_ip(struct mactable *t, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct mac_slot *s = mac_slot_find(t, net, mac);
    int rc;

    if (ip->family != 4 && ip->family != 6)
        return -EINVAL;
    if (!s || !mac_is_here(&s->e))
        return -ENOENT;
    if (is_local_ip(s, ip))
        return 0;
    if (s->e.duplicate)
        return -ENOENT; /* R5.1: nothing more is said of it */
    rc = mark(t, s, ip, IP_LOCAL);
    if (rc == 0)
        say(t, s, ip);
    return rc;
}

int mactable_local_ip_gone(struct mactable *t, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct mac_slot *s = mac_slot_find(t, net, mac);

    if (!s || !mac_is_here(&s->e) || !is_local_ip(s, ip))
        return -ENOENT;
    unmark(s, ip, IP_LOCAL);
    unsay(t, s, ip);
    return 0;
}

int mactable_remote_ip(struct mactable *t, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool known)
{
    struct mac_slot *s = mac_slot_find(t, net, mac);
    int rc;

    if (ip->family != 4 && ip->family != 6)
        return -EINVAL;
    if (!s)
        return -ENOENT;
    if (!known) {
        unmark(s, ip, IP_REMOTE);
        return 0;
    }
    rc = mark(t, s, ip, IP_REMOTE);
    /* It was on its way when the MAC came here; its gateway withdraws it as soon as it hears that (R6.2). */
    if (rc == 0 && mac_is_here(&s->e) && !s->e.duplicate && !is_local_ip(s, ip)) {
        mark(t, s, ip, IP_LOCAL);
        say(t, s, ip);
    }
    return rc;
}

unsigned mactable_ips(const struct mactable *t, dp_net_id net, struct mac mac, struct mac_ip_info *out,
                      unsigned n)
{
    const struct mac_slot *s = mac_slot_find(t, net, mac);
    unsigned used = 0;

    for (const struct mac_ip *i = s ? s->ips : NULL; i && used < n; i = i->next)
        out[used++] = (struct mac_ip_info){i->ip, i->marks & IP_LOCAL, i->marks & IP_REMOTE};
    return used;
}
