/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Duplicates (R5.1, RFC 7432 section 15.1), announced moves (R5.2), and sticky MACs that show up elsewhere
 * (R4.8). What is remembered of a MAC for that hangs beside its slot, from its first counted move until a
 * window after its last one.
 *
 * Control thread only.
 */
#include "controlplane/mactable_private.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_S       1000000000u
#define STICKY_QUIET_S 60 /* between two alerts about one MAC at one place */
#define EXCUSED_MAX    40 /* announced moves of a MAC in a window: with more no site is emptied */

struct mac_history {
    mono_t frozen_at;
    mono_t expect_until;  /* 0: nothing is expected */
    dp_vtep_id expect;    /* 0: here */
    mono_t excused_since; /* the first of: */
    uint32_t excused;     /* moves that were announced */
    struct mac_place offender;
    mono_t alerted;    /* about that offender */
    mono_t offended;   /* the last time */
    uint32_t offences; /* of all */
    uint8_t size;      /* of the ring */
    uint8_t n, newest; /* used, and where the last one is */
    struct mac_move moves[];
};

static struct mac_history *history_get(struct mactable *t, struct mac_slot *s)
{
    unsigned size = t->dup_moves;

    if (!s->history) {
        s->history = calloc(1, sizeof(*s->history) + size * sizeof(s->history->moves[0]));
        if (s->history)
            s->history->size = (uint8_t)size;
    }
    return s->history;
}

void mac_history_free(struct mac_slot *s)
{
    free(s->history);
    s->history = NULL;
}

static bool older_than(mono_t at, uint32_t seconds, mono_t now)
{
    return now.ns > at.ns && now.ns - at.ns > (uint64_t)seconds * NS_PER_S;
}

int mactable_set_duplicates(struct mactable *t, unsigned moves, uint32_t window_s, uint32_t hold_s)
{
    if (moves > MAC_DUP_MAX_MOVES || window_s == 0)
        return -EINVAL;
    /* The rings have another size from now on; counting starts anew. */
    if (moves != t->dup_moves)
        for (uint32_t i = 0; i < t->high; i++)
            if (!t->slots[i].e.duplicate)
                mac_history_free(&t->slots[i]);
    t->dup_moves = moves;
    t->dup_window_s = window_s;
    t->dup_hold_s = hold_s;
    return 0;
}

static void remember(struct mac_history *h, struct mac_place from, struct mac_place to, mono_t now)
{
    h->newest = (uint8_t)(h->n ? (h->newest + 1) % h->size : 0);
    h->moves[h->newest] = (struct mac_move){now, from, to};
    if (h->n < h->size)
        h->n++;
}

static bool has_excuses(const struct mactable *t, const struct mac_history *h, mono_t now)
{
    return h->excused > 0 && !older_than(h->excused_since, t->dup_window_s, now);
}

/* R5.2. Any gateway of the network may announce moves, but not swing the tables for ever by that. */
static bool was_announced(const struct mactable *t, const struct mac_history *h, struct mac_place to,
                          mono_t now)
{
    dp_vtep_id vtep = to.where == DP_WHERE_VTEP ? to.target : 0;

    return h->expect_until.ns > now.ns && h->expect == vtep &&
           (h->excused < EXCUSED_MAX || !has_excuses(t, h, now));
}

bool mac_dup_expected(const struct mactable *t, struct mac_slot *s, struct mac_place to, mono_t now)
{
    struct mac_history *h = s->history;

    if (!h || !was_announced(t, h, to, now))
        return false;
    h->expect_until.ns = 0;
    if (!has_excuses(t, h, now)) {
        h->excused = 0;
        h->excused_since = now;
    }
    h->excused++;
    return true;
}

static void freeze(struct mactable *t, struct mac_slot *s, struct mac_place to, mono_t now)
{
    struct mac_alert_info info = {
        .what = MAC_ALERT_DUPLICATE,
        .net = s->e.net,
        .mac = s->e.mac,
        .held = mac_place_of(&s->e),
        .seen = to,
        .held_since = s->e.since,
        .seen_at = now,
        .moves = s->history->n,
    };

    s->e.duplicate = true;
    s->history->frozen_at = now;
    t->stats.duplicates++;
    t->stats.frozen++;
    t->ops.alert(t->arg, &info);
}

bool mac_dup_count(struct mactable *t, struct mac_slot *s, struct mac_place to, mono_t now)
{
    struct mac_history *h;

    if (t->dup_moves == 0 && !s->history)
        return false;
    h = history_get(t, s);
    /* Without memory a move is worth more than its count. */
    if (!h || was_announced(t, h, to, now) || h->size == 0)
        return false;
    remember(h, mac_place_of(&s->e), to, now);
    if (h->n < h->size || older_than(h->moves[(h->newest + 1) % h->size].at, t->dup_window_s, now))
        return false;
    freeze(t, s, to, now);
    return true;
}

void mac_dup_forget(struct mac_slot *s)
{
    if (s->history)
        s->history->n = 0;
}

void mac_dup_release(struct mactable *t, struct mac_slot *s)
{
    if (!s->e.duplicate)
        return;
    s->e.duplicate = false;
    t->stats.frozen--;
    mac_history_free(s);
}

bool mac_dup_age(struct mactable *t, struct mac_slot *s, mono_t now)
{
    struct mac_history *h = s->history;
    struct mac_alert_info info = {.what = MAC_ALERT_DUPLICATE_END, .net = s->e.net, .mac = s->e.mac};

    if (!h)
        return false;
    if (s->e.duplicate) {
        if (t->dup_hold_s == 0 || !older_than(h->frozen_at, t->dup_hold_s, now))
            return false;
        info.held = mac_place_of(&s->e);
        info.held_since = s->e.since;
        info.seen_at = now;
        t->ops.alert(t->arg, &info);
        return true;
    }
    if ((h->n == 0 || older_than(h->moves[h->newest].at, t->dup_window_s, now)) &&
        h->expect_until.ns <= now.ns && !has_excuses(t, h, now) &&
        (!h->offender.where || older_than(h->alerted, STICKY_QUIET_S, now)))
        mac_history_free(s);
    return false;
}

void mac_sticky_moved(struct mactable *t, struct mac_slot *s, struct mac_place seen, bool goes, mono_t now)
{
    struct mac_alert_info info = {
        .what = MAC_ALERT_STICKY_MOVED,
        .net = s->e.net,
        .mac = s->e.mac,
        .held = mac_place_of(&s->e),
        .seen = seen,
        .goes = goes,
        .held_since = s->e.since,
        .seen_at = now,
    };
    struct mac_history *h = history_get(t, s);

    t->stats.sticky_moves++;
    if (h) {
        h->offended = now;
        h->offences++;
    }
    if (h && mac_place_eq(h->offender, seen) && !older_than(h->alerted, STICKY_QUIET_S, now))
        return;
    if (h) {
        h->offender = seen;
        h->alerted = now;
    }
    t->ops.alert(t->arg, &info);
}

bool mac_own_claimed(struct mactable *t, dp_net_id net, struct mac mac, struct mac_place seen, mono_t now)
{
    struct mac_alert_info info = {.what = MAC_ALERT_STICKY_MOVED,
                                  .net = net,
                                  .mac = mac,
                                  .held = mac_place_port(DP_OWN_PORT),
                                  .seen = seen,
                                  .held_since = now,
                                  .seen_at = now};

    if (!mac_eq(mac, t->own_mac))
        return false;
    if (mac_place_eq(seen, info.held))
        return true;
    t->stats.sticky_moves++;
    if (t->own_alerted.ns && !older_than(t->own_alerted, STICKY_QUIET_S, now))
        return true;
    t->own_alerted = now;
    t->ops.alert(t->arg, &info);
    return true;
}

int mactable_expect_move(struct mactable *t, dp_net_id net, struct mac mac, dp_vtep_id vtep, mono_t until)
{
    struct mac_slot *s = mac_slot_find(t, net, mac);
    struct mac_history *h;

    if (!s)
        return -ENOENT;
    h = until.ns ? history_get(t, s) : s->history;
    if (!h)
        return until.ns ? -ENOMEM : 0;
    h->expect = vtep;
    h->expect_until = until;
    return 0;
}

bool mactable_offence(const struct mactable *t, dp_net_id net, struct mac mac, struct mac_offence *out)
{
    const struct mac_slot *s = mac_slot_find(t, net, mac);
    const struct mac_history *h = s ? s->history : NULL;

    if (!h || h->offences == 0)
        return false;
    *out = (struct mac_offence){h->offender, h->offended, h->offences};
    return true;
}

unsigned mactable_moves(const struct mactable *t, dp_net_id net, struct mac mac, struct mac_move *out,
                        unsigned n)
{
    const struct mac_slot *s = mac_slot_find(t, net, mac);
    const struct mac_history *h = s ? s->history : NULL;
    unsigned i;

    for (i = 0; h && i < n && i < h->n; i++)
        out[i] = h->moves[(h->newest + h->size - i) % h->size];
    return i;
}
