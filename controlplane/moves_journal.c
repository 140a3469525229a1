/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An entry of the journal: what it says when a MAC moved, what becomes known of it later, and the file that
 * it goes to when it is complete.
 *
 * Control thread only.
 */
#include "controlplane/announce.h"
#include "controlplane/api.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves_private.h"
#include "controlplane/site.h"
#include "controlplane/watch.h"

#include "conf/log.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define MAC_BURST   40 /* entries of one MAC at once, and then one in MAC_EACH_NS */
#define MAC_EACH_NS 500000000ull
#define MINUTE_NS   60000000000ull

/* ---- what it says */

static void copy_name(char out[CONF_NAME_LEN], const char *name)
{
    snprintf(out, CONF_NAME_LEN, "%s", name);
}

static struct journal_place place_of(const struct gateway *g, struct mac_place p)
{
    const struct gateway_port *port = p.where == DP_WHERE_PORT ? gateway_port(g, p.target) : NULL;
    const struct gateway_vtep *vtep = p.where == DP_WHERE_VTEP ? gateway_vtep(g, p.target) : NULL;
    struct journal_place out = {0};

    if (p.where == DP_WHERE_PORT) {
        copy_name(out.site, g->conf->site);
        copy_name(out.port, port ? port->name : "unknown");
    } else if (vtep) {
        out.vtep = vtep->address;
        copy_name(out.site, site_name(g->conf, &vtep->address));
    }
    return out;
}

static enum journal_how how_of(const struct mac_moved *moved)
{
    static const enum journal_how frames[] = {
        [DP_EVIDENCE_DATA] = JOURNAL_DATA, [DP_EVIDENCE_RARP] = JOURNAL_RARP,
        [DP_EVIDENCE_ARP] = JOURNAL_ARP,   [DP_EVIDENCE_GARP] = JOURNAL_GARP,
        [DP_EVIDENCE_NA] = JOURNAL_NA,     [DP_EVIDENCE_UNSOLICITED_NA] = JOURNAL_UNSOLICITED_NA,
        [DP_EVIDENCE_API] = JOURNAL_API};

    if (moved->cause != MAC_BY_FRAME)
        return moved->cause == MAC_BY_ROUTE ? JOURNAL_ROUTE : JOURNAL_BACK;
    return moved->evidence < sizeof(frames) / sizeof(frames[0]) ? frames[moved->evidence] : JOURNAL_DATA;
}

static uint64_t wall_clock(mono_t at)
{
    struct timespec real;
    mono_t now = mono_now();

    clock_gettime(CLOCK_REALTIME, &real);
    return (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec - (now.ns - at.ns);
}

/* A host that was just seen may show more of them yet. */
static void take_ips(const struct gateway *g, struct journal_entry *e)
{
    struct mac_ip_info ips[2 * MAC_MAX_IPS];
    unsigned n = mactable_ips(g->macs, e->net, e->mac, ips, 2 * MAC_MAX_IPS);

    if (n <= e->n_ips)
        return;
    e->n_ips = (uint8_t)n;
    for (unsigned i = 0; i < n && i < JOURNAL_IPS; i++)
        e->ips[i] = ips[i].ip;
}

static void count_stage(struct histogram *h, uint64_t ns)
{
    if (ns != JOURNAL_UNKNOWN)
        histogram_add(h, ns);
}

static void count_times(struct move_times *t, const struct journal_entry *e)
{
    bool complete;
    uint64_t dark = journal_dark_ns(e, &complete);

    if (e->how == JOURNAL_BACK)
        return;
    count_stage(&t->silent, e->silent_ns);
    count_stage(&t->fdb, e->fdb_ns);
    count_stage(&t->first, e->first_ns);
    count_stage(&t->bgp, e->bgp_ns);
    if (complete)
        histogram_add(&t->dark, dark);
    else
        t->unknown++;
}

/* added NULL: it has no entry in the journal. */
static void begin_bounce(struct moves *m, const struct mac_moved *moved, struct journal_entry *added)
{
    uint32_t frames, counter = fwd_bounce_counter(m->g->fwd, moved->net, moved->mac, &frames);

    if (move_bounces_with(m->bounces, counter) > 1)
        m->shared[counter] = journal_last_id(m->journal);
    if (added)
        added->bounced_from = frames;
}

void moves_journal_add(struct moves *m, const struct mac_moved *moved, bool bounces, uint64_t prepared,
                       mono_t now)
{
    const struct gateway_network *n = gateway_network(m->g, moved->net);
    bool seen = moved->last_seen.ns != 0;
    struct journal_entry e = {
        .net = moved->net,
        .mac = moved->mac,
        .expected = moved->expected,
        .from = place_of(m->g, moved->from),
        .to = place_of(m->g, moved->to),
        .how = how_of(moved),
        .sequence = moved->seq,
        .prepared = prepared,
        .wall_ns = wall_clock(moved->at),
        .at = moved->at,
        .bounced = JOURNAL_UNKNOWN,
        .bounced_from = JOURNAL_UNKNOWN,
        .bicast = prepared ? m->ended_bicast : JOURNAL_UNKNOWN,
        .silent_ns = JOURNAL_UNKNOWN,
        .fdb_ns = now.ns > moved->at.ns ? now.ns - moved->at.ns : 0,
        .bgp_ns = JOURNAL_UNKNOWN,
        .first_ns = JOURNAL_UNKNOWN,
    };
    struct journal_entry *added;

    copy_name(e.network, n ? n->conf->name : "unknown");
    if (seen) /* a clock of milliseconds may be ahead */
        e.silent_ns = moved->at.ns > moved->last_seen.ns ? moved->at.ns - moved->last_seen.ns : 0;
    take_ips(m->g, &e);
    added = journal_open(m->journal, &e);
    if (bounces)
        begin_bounce(m, moved, added);
    if (added)
        moves_journal_tell(m, added, false);
    else
        count_times(&m->times, &e); /* nobody will know more of it */
}

/* ---- what becomes known */

static void fill(const struct moves *m, struct journal_entry *e)
{
    uint32_t frames, counter;

    take_ips(m->g, e);
    e->announced = announce_sent_for(m->g->announce, e->net, e->mac);
    if (e->bounced_from == JOURNAL_UNKNOWN)
        return;
    counter = fwd_bounce_counter(m->g->fwd, e->net, e->mac, &frames);
    e->bounced = m->shared[counter] < e->id ? frames - (uint32_t)e->bounced_from : JOURNAL_UNKNOWN;
}

void moves_journal_bounced(struct moves *m, dp_net_id net, struct mac mac)
{
    struct journal_entry *e = journal_find(m->journal, net, mac);

    if (!e)
        return;
    fill(m, e);
    e->bounced_from = JOURNAL_UNKNOWN; /* what others bounce is not its own */
}

struct journal_entry moves_entry_now(const struct moves *m, const struct journal_entry *e)
{
    struct journal_entry now = *e;

    if (now.open)
        fill(m, &now);
    return now;
}

void moves_journal_tell(const struct moves *m, struct journal_entry *e, bool done)
{
    struct journal_entry now;

    if (e->told)
        return;
    e->told = done;
    if (!api_watchers(m->g->api))
        return;
    now = moves_entry_now(m, e);
    watch_move(m->g, &now, done);
}

static void on_closing(void *arg, struct journal_entry *e)
{
    fill(arg, e);
    e->bounced_from = JOURNAL_UNKNOWN;
    moves_journal_tell(arg, e, true);
}

static void on_closed(void *arg, const struct journal_entry *e)
{
    struct moves *m = arg;

    count_times(&m->times, e);
    if (m->file)
        journal_file_add(m->file, e);
}

/* ---- life */

int moves_journal_start(struct moves *m)
{
    static const struct journal_ops ops = {.closing = on_closing, .closed = on_closed};
    const struct conf_moves *c = &m->g->conf->moves;
    /* A site may be emptied at once; but whatever comes, what is there is half pushed out by it, and the
     * other half a minute later. */
    const struct journal_limit mac = {MAC_BURST, MAC_EACH_NS},
                               all = {c->journal_size / 2 + 1, MINUTE_NS / (c->journal_size / 2 + 1)};

    m->journal = journal_new(c->journal_size ? c->journal_size : 1, &ops, m);
    if (m->journal)
        journal_set_limits(m->journal, mac, all);
    if (m->journal && c->journal[0])
        m->file = journal_file_open(c->journal, journal_size(m->journal), m->journal);
    return m->journal && (m->file || !c->journal[0]) ? 0 : -ENOMEM;
}

void moves_journal_configure(struct moves *m)
{
    const char *path = m->g->conf->moves.journal;

    if (strcmp(m->file ? journal_file_path(m->file) : "", path) == 0)
        return;
    journal_file_close(m->file);
    m->file = path[0] ? journal_file_append(path, journal_size(m->journal)) : NULL;
    if (path[0] && !m->file)
        log_error("moves", "no memory for the journal's file: moves are not written");
}

void moves_journal_stop(struct moves *m)
{
    if (m->journal)
        journal_close_all(m->journal);
    journal_file_close(m->file);
    journal_free(m->journal);
}
