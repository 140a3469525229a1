/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What goes between the workers and whoever has the data plane (dp.h): events up, and frames of our own both
 * ways. Control thread only.
 *
 * Tricky: each worker has rings of its own for what it reports. They are emptied by turns, and events in the
 * order in which frames were seen, to some 100 us (a busy worker keeps its events for half of that), so that
 * of a MAC that moved from one worker's port to another's the last place is told last, or with its time.
 */
#include "dataplane/dp_private.h"

#include <errno.h>
#include <unistd.h>

#include <rte_ring_elem.h>

/* ---- frames of our own ---- */

/* The network, if there is one now. */
static const struct snap_net *net_now(const struct dp *dp, dp_net_id net)
{
    return dp->current && net < dp->current->n_nets && dp->current->nets[net].id != 0
               ? &dp->current->nets[net]
               : NULL;
}

static int send_own(struct dp *dp, struct own_order order, const void *frame, size_t len)
{
    const struct port *p = &dp->ports[dp->current->underlay];

    return own_send(&dp->workers[0]->own, p->pool, p->longest, order, frame, len);
}

int dp_send_access(struct dp *dp, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame,
                   size_t len)
{
    const struct snap_net *n = net_now(dp, net);
    struct own_order order = {.kind = OWN_TO_PORT, .net = net, .target = port, .except = except};

    if (!n || (port != DP_ALL_PORTS && (port >= DP_OWN_PORT || n->vlan_of_port[port] == SNAP_NOT_A_MEMBER)))
        return -EINVAL;
    return send_own(dp, order, frame, len);
}

int dp_send_vtep(struct dp *dp, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    struct own_order order = {.kind = OWN_TO_VTEP, .net = net, .target = vtep};

    if (!net_now(dp, net) || vtep >= dp->current->n_vteps || dp->current->vteps[vtep].address.family == 0)
        return -EINVAL;
    return send_own(dp, order, frame, len);
}

int dp_send_own(struct dp *dp, dp_net_id net, const void *frame, size_t len)
{
    return net_now(dp, net) ? send_own(dp, (struct own_order){.kind = OWN_FROM_OWN, .net = net}, frame, len)
                            : -EINVAL;
}

bool dp_own_pop(struct dp *dp, struct dp_own_frame *out)
{
    unsigned n = dp->n_workers, turn = dp->turn++;

    for (unsigned i = 0; i < n; i++)
        if (own_pop_oam(&dp->workers[(turn + i) % n]->own, out))
            return true;
    for (unsigned i = 0; i < n; i++)
        if (own_pop(&dp->workers[(turn + i) % n]->own, out))
            return true;
    return false;
}

/* ---- events ---- */

int dp_events_fd(const struct dp *dp)
{
    return dp->workers[0]->report.wake_fd;
}

static size_t take_from(const struct dp *dp, unsigned worker, struct dp_event *events, size_t n)
{
    return rte_ring_sc_dequeue_burst_elem(dp->workers[worker]->report.events, events, sizeof(*events),
                                          (unsigned)n, NULL);
}

/* The worker whose next event is the earliest; NULL: nobody has one. */
static struct dp_taken *earliest(struct dp *dp)
{
    struct dp_taken *found = NULL;

    for (unsigned i = 0; i < dp->n_workers; i++) {
        struct dp_taken *t = &dp->taken[i];

        if (t->next == t->n) {
            t->n = (unsigned)take_from(dp, i, t->event, DP_TAKEN);
            t->next = 0;
        }
        if (t->next < t->n && (!found || t->event[t->next].at.ns < found->event[found->next].at.ns))
            found = t;
    }
    return found;
}

static size_t take_events(struct dp *dp, struct dp_event *events, size_t n)
{
    struct dp_taken *t;
    size_t got = 0;

    if (dp->n_workers == 1)
        return take_from(dp, 0, events, n);
    while (got < n && (t = earliest(dp)) != NULL)
        events[got++] = t->event[t->next++];
    return got;
}

size_t dp_events_pop(struct dp *dp, struct dp_event *events, size_t n)
{
    size_t got = take_events(dp, events, n);
    uint64_t count;
    ssize_t ignored;

    if (got == n)
        return got;
    ignored = read(dp_events_fd(dp), &count, sizeof(count));
    (void)ignored; /* EAGAIN when nobody woke us */
    for (unsigned i = 0; i < dp->n_workers; i++)
        if (!__atomic_load_n(&dp->workers[i]->report.control_asleep, __ATOMIC_RELAXED))
            __atomic_store_n(&dp->workers[i]->report.control_asleep, true, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with report_wake() */
    /* What came between the first look and the flag found nobody asleep: take it now. A full batch makes the
     * caller come again. */
    return got + take_events(dp, events + got, n - got);
}
