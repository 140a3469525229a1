/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See move_prepare.h. A flat table: prepared moves are few (an operator empties a site with some tens at a
 * time), and none is looked up in the way of a frame. While there are none, op `moved` costs one comparison.
 *
 * Tricky: the MAC table may not be called from within its op, so what ended there is only marked
 * (PREPARED_ENDED); move_prepare_run() takes the expectation back and frees the slot.
 */
#include "controlplane/move_prepare.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_S 1000000000ull

struct move_prepare {
    struct move_prepare_ops ops;
    void *arg;
    uint64_t last_id;
    unsigned n;                              /* in use */
    unsigned high;                           /* slots from here on are not in use */
    struct prepared slots[MOVE_PREPARE_MAX]; /* id 0: free */
};

struct move_prepare *move_prepare_new(const struct move_prepare_ops *ops, void *arg)
{
    struct move_prepare *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->ops = *ops;
    t->arg = arg;
    return t;
}

void move_prepare_free(struct move_prepare *t)
{
    free(t);
}

static struct prepared *find(const struct move_prepare *t, dp_net_id net, struct mac mac)
{
    for (unsigned i = 0; i < t->high; i++) {
        const struct prepared *p = &t->slots[i];

        if (p->id && p->state != PREPARED_ENDED && p->net == net && mac_eq(p->mac, mac))
            return (struct prepared *)p;
    }
    return NULL;
}

static struct prepared *find_id(struct move_prepare *t, uint64_t id)
{
    for (unsigned i = 0; i < t->high; i++)
        if (t->slots[i].id == id && t->slots[i].state != PREPARED_ENDED)
            return &t->slots[i];
    return NULL;
}

static void set_state(struct move_prepare *t, struct prepared *p, enum prepared_state state)
{
    if (p->state == state)
        return;
    p->state = state;
    t->ops.changed(t->arg, p);
}

/* ---- the end */

static void end(struct move_prepare *t, struct prepared *p, enum prepared_end how)
{
    p->bicast = t->ops.bicast_end(t->arg, p->net, p->mac);
    p->end = how;
    set_state(t, p, PREPARED_ENDED);
}

static void tell(struct move_prepare *t, const struct prepared *p, enum oam_type type)
{
    t->ops.ask(t->arg, p, type, 0, 0);
}

/* Not to be called from within op `moved`. */
static void release(struct move_prepare *t, struct prepared *p)
{
    /* A committed one was used up; and it may have been prepared again since. */
    if (p->end != PREPARED_COMMITTED && !find(t, p->net, p->mac))
        (void)t->ops.expect(t->arg, p->net, p->mac, p->role == PREPARED_OLD ? p->peer : 0, (mono_t){0});
    *p = (struct prepared){0};
    t->n--;
    while (t->high > 0 && t->slots[t->high - 1].id == 0)
        t->high--;
}

/* ---- the beginning */

int move_prepare_check(const struct mac_entry *e, dp_vtep_id to, enum prepared_role *role, dp_vtep_id *peer)
{
    if (!e)
        return -ENOENT;
    if (e->origin == MAC_STATIC || e->origin == MAC_FLOOD || e->sticky || e->route_sticky)
        return -EPERM;
    if (e->duplicate)
        return -EBUSY;
    *role = to ? PREPARED_OLD : PREPARED_NEW;
    *peer = to ? to : e->target;
    if (e->where == DP_WHERE_PORT)
        return to ? 0 : -EALREADY;
    if (to)
        return e->target == to ? -EALREADY : -EXDEV;
    return 0;
}

static struct prepared *free_slot(struct move_prepare *t)
{
    unsigned i = 0;

    while (i < MOVE_PREPARE_MAX && t->slots[i].id)
        i++;
    if (i == MOVE_PREPARE_MAX)
        return NULL;
    if (i >= t->high)
        t->high = i + 1;
    t->n++;
    return &t->slots[i];
}

/* Nobody can ask for so much that there is no room for others. */
static bool has_share(const struct move_prepare *t, dp_vtep_id peer)
{
    unsigned n = 0;

    for (unsigned i = 0; i < t->high; i++)
        n += t->slots[i].id && t->slots[i].peer == peer && !t->slots[i].by_us;
    return n < MOVE_PREPARE_SHARE;
}

static int start_parts(struct move_prepare *t, const struct prepared *p)
{
    const struct dp_dest also = p->role == PREPARED_OLD
                                    ? (struct dp_dest){.where = DP_WHERE_VTEP, .target = p->peer}
                                    : (struct dp_dest){.where = DP_WHERE_FLOOD};
    int rc = t->ops.expect(t->arg, p->net, p->mac, p->role == PREPARED_OLD ? p->peer : 0, p->until);

    return rc ? rc : t->ops.bicast(t->arg, p->net, p->mac, also);
}

/* Makes an entry, or gives the one that is there a new time. */
static int start(struct move_prepare *t, const struct mac_entry *e, enum prepared_role role, dp_vtep_id peer,
                 unsigned seconds, bool by_us, mono_t now, struct prepared **out)
{
    struct prepared *p = find(t, e->net, e->mac);
    bool new = !p;
    int rc;
    uint64_t token = p ? p->own_token : t->ops.token(t->arg);

    if (p && (p->role != role || p->peer != peer))
        return -EEXIST;
    if (token == 0)
        return -EAGAIN;
    if (!p && ((!by_us && !has_share(t, peer)) || !(p = free_slot(t))))
        return -ENOSPC;
    if (new)
        *p = (struct prepared){.id = ++t->last_id,
                               .net = e->net,
                               .mac = e->mac,
                               .role = role,
                               .peer = peer,
                               .by_us = by_us,
                               .own_token = token,
                               .since = now};
    p->until.ns = now.ns + seconds * NS_PER_S;
    rc = start_parts(t, p);
    if (rc < 0 && new) {
        p->state = PREPARED_ENDED;
        p->end = PREPARED_REFUSED;
        release(t, p);
    }
    if (rc < 0)
        return rc;
    p->by_us |= by_us;
    if (!by_us && new)
        p->state = PREPARED_READY;
    if (new)
        t->ops.changed(t->arg, p);
    else if (!by_us)
        set_state(t, p, PREPARED_READY);
    *out = p;
    return 0;
}

int move_prepare_begin(struct move_prepare *t, const struct mac_entry *e, dp_vtep_id to, unsigned seconds,
                       mono_t now, const struct prepared **out)
{
    enum prepared_role role;
    dp_vtep_id peer;
    struct prepared *p;
    int rc = move_prepare_check(e, to, &role, &peer);

    if (rc == 0)
        rc = start(t, e, role, peer, seconds, true, now, &p);
    if (rc < 0)
        return rc;
    t->ops.ask(t->arg, p, OAM_PREPARE, p->id, (uint16_t)seconds);
    *out = p;
    return 0;
}

/* ---- commit and cancel, told here */

int move_prepare_commit(struct move_prepare *t, dp_net_id net, struct mac mac, mono_t now)
{
    struct prepared *p = find(t, net, mac);

    (void)now;
    if (!p)
        return -ENOENT;
    if (p->role == PREPARED_NEW)
        return t->ops.arrive(t->arg, net, mac);
    t->ops.ask(t->arg, p, OAM_COMMIT, p->id, 0);
    return 0;
}

int move_prepare_cancel(struct move_prepare *t, dp_net_id net, struct mac mac, mono_t now)
{
    struct prepared *p = find(t, net, mac);

    (void)now;
    if (!p)
        return -ENOENT;
    tell(t, p, OAM_CANCEL);
    end(t, p, PREPARED_CANCELLED);
    release(t, p);
    return 0;
}

/* ---- the other end */

static enum oam_status asked_to_prepare(struct move_prepare *t, dp_vtep_id from, const struct oam_message *m,
                                        const struct mac_entry *e, mono_t now, uint64_t *token)
{
    dp_vtep_id to = m->values[0] == OAM_TO_RECEIVER ? 0 : from, peer;
    enum prepared_role role;
    struct prepared *p;

    if (m->seconds == 0 || m->seconds > MOVE_PREPARE_LONGEST || m->values[0] > OAM_TO_SENDER)
        return OAM_REFUSED;
    switch (move_prepare_check(e, to, &role, &peer)) {
    case 0:
        break;
    case -ENOENT:
        return OAM_UNKNOWN_MAC;
    case -EALREADY:
    case -EXDEV:
        return OAM_NOT_HERE;
    default:
        return OAM_REFUSED;
    }
    if (peer != from)
        return OAM_NOT_HERE; /* it has it from a third one */
    if (start(t, e, role, peer, m->seconds, false, now, &p) < 0)
        return OAM_BUSY;
    /* Another one than what is known may be forged, or the peer has started anew: it is asked, and its answer
     * says its token. It finds ours to be what it knows, and does not ask back. */
    if (p->peer_token == 0)
        p->peer_token = m->token;
    else if (m->token && m->token != p->peer_token)
        t->ops.ask(t->arg, p, OAM_PREPARE, p->id, m->seconds);
    *token = p->own_token;
    return OAM_OK;
}

/* New end to old end: it came. Old end to new end: somebody there says so, take it. */
static enum oam_status asked_to_commit(struct move_prepare *t, struct prepared *p, dp_vtep_id from,
                                       const struct mac_entry *e, mono_t now)
{
    bool there = e && e->where == DP_WHERE_VTEP && e->target == from;

    if (!p)
        return there ? OAM_OK : OAM_UNKNOWN_MAC;
    if (p->role == PREPARED_NEW)
        return t->ops.arrive(t->arg, p->net, p->mac) == 0 ? OAM_OK : OAM_REFUSED;
    if (p->until.ns > now.ns + MOVE_PREPARE_GRACE_NS)
        p->until.ns = now.ns + MOVE_PREPARE_GRACE_NS;
    set_state(t, p, PREPARED_COMMITTING);
    return OAM_OK;
}

enum oam_status move_prepare_asked(struct move_prepare *t, dp_net_id net, dp_vtep_id from,
                                   const struct oam_message *m, const struct mac_entry *e, mono_t now,
                                   uint64_t *token)
{
    struct prepared *p = find(t, net, m->mac);

    *token = 0;
    if (m->type == OAM_PREPARE)
        return asked_to_prepare(t, from, m, e, now, token);
    if (p && p->peer != from)
        return OAM_NOT_HERE;
    if (p && m->token != p->own_token)
        return OAM_REFUSED;
    if (m->type == OAM_COMMIT)
        return asked_to_commit(t, p, from, e, now);
    if (m->type != OAM_CANCEL)
        return OAM_UNSUPPORTED;
    if (p) {
        end(t, p, PREPARED_CANCELLED);
        release(t, p);
    }
    return OAM_OK;
}

void move_prepare_answered(struct move_prepare *t, uint64_t id, enum oam_type type,
                           const struct oam_message *answer, mono_t now)
{
    struct prepared *p = find_id(t, id);
    bool ok = answer && answer->status == OAM_OK, refused;

    if (!p)
        return;
    p->answered = answer != NULL;
    p->status = answer ? (enum oam_status)answer->status : OAM_OK;
    if (ok && type == OAM_PREPARE && answer->token)
        p->peer_token = answer->token;
    if (type == OAM_COMMIT) {
        /* Taken: the route is on its way. Else it waits for a sign of life, as before. */
        if (ok)
            (void)asked_to_commit(t, p, p->peer, NULL, now);
        else
            t->ops.changed(t->arg, p);
        return;
    }
    refused = answer && (p->status == OAM_REFUSED || p->status == OAM_NOT_HERE);
    if (refused) {
        end(t, p, PREPARED_REFUSED);
        release(t, p);
    } else if (p->state == PREPARED_ASKING || p->state == PREPARED_ALONE) {
        set_state(t, p, ok ? PREPARED_READY : PREPARED_ALONE);
    }
}

/* ---- the move */

uint64_t move_prepare_moved(struct move_prepare *t, const struct mac_moved *m, mono_t now)
{
    struct prepared *p = t->n ? find(t, m->net, m->mac) : NULL;
    bool there;

    (void)now;
    if (!p || m->to.where == 0)
        return 0;
    if (p->role == PREPARED_OLD) {
        if (m->to.where == DP_WHERE_PORT)
            return 0;
        there = m->to.where == DP_WHERE_VTEP && m->to.target == p->peer;
    } else {
        if (m->to.where == DP_WHERE_VTEP && m->to.target == p->peer)
            return 0;
        there = m->to.where == DP_WHERE_PORT;
    }
    if (!there)
        tell(t, p, OAM_CANCEL);
    else if (p->role == PREPARED_NEW)
        tell(t, p, OAM_COMMIT);
    end(t, p, there ? PREPARED_COMMITTED : PREPARED_ELSEWHERE);
    return there ? p->id : 0;
}

/* ---- time */

void move_prepare_run(struct move_prepare *t, mono_t now)
{
    for (unsigned i = 0; i < t->high; i++) {
        struct prepared *p = &t->slots[i];

        if (p->id && p->state != PREPARED_ENDED && now.ns >= p->until.ns) {
            if (p->by_us)
                tell(t, p, OAM_CANCEL);
            end(t, p, PREPARED_TIMED_OUT);
        }
        if (p->id && p->state == PREPARED_ENDED)
            release(t, p);
    }
}

bool move_prepare_next(const struct move_prepare *t, mono_t *at)
{
    bool any = false;

    for (unsigned i = 0; i < t->high; i++) {
        const struct prepared *p = &t->slots[i];
        mono_t due = {0};

        if (p->state != PREPARED_ENDED)
            due = p->until;
        if (p->id && (!any || due.ns < at->ns)) {
            *at = due;
            any = true;
        }
    }
    return any;
}

/* ---- reading */

const struct prepared *move_prepare_find(const struct move_prepare *t, dp_net_id net, struct mac mac)
{
    return find(t, net, mac);
}

const struct prepared *move_prepare_walk(const struct move_prepare *t, unsigned *cursor)
{
    while (*cursor < t->high) {
        const struct prepared *p = &t->slots[(*cursor)++];

        if (p->id && p->state != PREPARED_ENDED)
            return p;
    }
    return NULL;
}

unsigned move_prepare_count(const struct move_prepare *t)
{
    return t->n;
}

const char *prepared_state_text(const struct prepared *p)
{
    static const char *const states[] = {"asking", "ready", "alone", "committing"};
    static const char *const ends[] = {"committed", "cancelled", "timed-out", "elsewhere", "refused"};

    return p->state == PREPARED_ENDED ? ends[p->end] : states[p->state];
}
