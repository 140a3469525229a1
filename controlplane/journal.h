/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The journal of moves: what happened to each MAC that changed place, as this gateway saw it. A bounded ring;
 * the oldest entry makes room for the newest. Pure: it takes stamps of time, and hands each entry that is
 * closed to an op, which may write it to a file (journal_file.h).
 *
 * An entry is open while more may become known of it: for JOURNAL_OPEN_NS, or until the MAC moves again, or
 * its place in the ring is needed. There is at most one open entry per (network, MAC).
 *
 * Moves can come faster than anybody reads, from a MAC that two hosts have or from many that somebody made
 * up, and the ones that matter must not be pushed out by them. So there are limits for each MAC and for all;
 * what is over gets no entry and is counted, in all and at the MAC's open entry, which learns nothing more.
 *
 * How long a MAC was dark is made of stages, each from this gateway's own view and unknown (not 0) where it
 * could not be seen here:
 *
 *   silent   last frame from it at the old place -> the frame or route that showed the new one
 *   fdb      -> our FDB has the new place
 *   first    -> the first frame for it has left for the new place
 *
 * and beside them: bgp, from the FDB to our route being with the peers (at the site where it came to).
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_JOURNAL_H
#define CONTROLPLANE_JOURNAL_H

#include "conf/conf.h"
#include "dataplane/dp.h"

#define JOURNAL_OPEN_NS 10000000000ull
#define JOURNAL_IPS     4
#define JOURNAL_UNKNOWN UINT64_MAX

/* What showed it (R6.1). */
enum journal_how {
    JOURNAL_DATA,
    JOURNAL_RARP,
    JOURNAL_ARP,
    JOURNAL_GARP,
    JOURNAL_NA,
    JOURNAL_UNSOLICITED_NA,
    JOURNAL_API,   /* an operator or program said so */
    JOURNAL_ROUTE, /* of a peer */
    JOURNAL_BACK,  /* aged out or cleared here, so the peers' route holds */
    JOURNAL_HOWS
};
const char *journal_how_text(enum journal_how how);

/* Values, not ids: they outlive port, VTEP and daemon. An access port of ours, or a VTEP. */
struct journal_place {
    char site[CONF_NAME_LEN]; /* "": of no configured site */
    char port[CONF_NAME_LEN]; /* "": it is a VTEP */
    struct ipaddr vtep;
};

struct journal_entry {
    uint64_t id; /* grows by one with each entry, also over restarts */
    char network[CONF_NAME_LEN];
    dp_net_id net; /* of this run; 0: the entry is from an earlier one */
    bool open;
    bool expected; /* R5.2 */
    bool told;     /* those who watch know that it is done */
    struct mac mac;
    uint8_t n_ips; /* those that fit are in ips */
    struct ipaddr ips[JOURNAL_IPS];
    struct journal_place from, to;
    enum journal_how how;
    uint32_t sequence;
    uint64_t left_out;  /* moves of this MAC that followed and are not in the journal */
    uint64_t prepared;  /* id of the prepared move; 0: none */
    uint64_t wall_ns;   /* CLOCK_REALTIME of the frame or route that showed it ... */
    mono_t at;          /* ... and CLOCK_MONOTONIC; of an earlier run, that one's */
    uint64_t announced; /* frames sent (R6.3) */
    uint64_t bounced;   /* R6.5; or JOURNAL_UNKNOWN, as the next ones */
    uint64_t bicast;    /* second copies while it was prepared */
    uint64_t silent_ns, fdb_ns, bgp_ns, first_ns;
    uint64_t bounced_from; /* while it is open: its counter before, or JOURNAL_UNKNOWN */
    mono_t schedule;       /* while it is open: of its MAC's limit */
};

/* The stages that are known, added up; *complete: that are all. */
uint64_t journal_dark_ns(const struct journal_entry *e, bool *complete);

/* `burst` entries at once, and then one each `each_ns`; burst 0: as many as come. */
struct journal_limit {
    uint32_t burst;
    uint64_t each_ns;
};

struct journal;

struct journal_ops {
    /* The last word about this entry comes now: fill in what is known. Once for each entry. */
    void (*closing)(void *arg, struct journal_entry *e);
    /* It does not change any more. */
    void (*closed)(void *arg, const struct journal_entry *e);
};

/* size: entries, at least 1. NULL without memory. */
struct journal *journal_new(uint32_t size, const struct journal_ops *ops, void *arg);
/* Open entries are not closed. NULL is fine. */
void journal_free(struct journal *j);
/* There are none before. A MAC's is forgotten when none of its entries is open. */
void journal_set_limits(struct journal *j, struct journal_limit mac, struct journal_limit all);

/* Opens an entry; id and open are set here. It is valid until the next call. NULL: it is over a limit. */
struct journal_entry *journal_open(struct journal *j, const struct journal_entry *e);
/* An entry of an earlier run. All of them come before the first journal_open(), in any order, as they were
 * closed in another one than they were opened in. Of too many the first are forgotten. */
void journal_restore(struct journal *j, const struct journal_entry *e);
/* That were all: from now on they are in the order of their ids, and each is there once. */
void journal_restored(struct journal *j);
/* The open entry of a MAC, which may learn more; NULL: there is none. */
struct journal_entry *journal_find(struct journal *j, dp_net_id net, struct mac mac);

/* Closes entries whose time is over. */
void journal_run(struct journal *j, mono_t now);
/* When journal_run() is due; false: nothing is open. */
bool journal_next(const struct journal *j, mono_t *at);
void journal_close_all(struct journal *j);

/* From the newest to the oldest: *cursor starts at 0 and is then the id of the entry given last; NULL at the
 * end. Entries that come or go between calls do no harm. */
const struct journal_entry *journal_walk(const struct journal *j, uint64_t *cursor);
uint32_t journal_count(const struct journal *j);
uint32_t journal_size(const struct journal *j);
/* Moves of this run that got no entry. */
uint64_t journal_left_out(const struct journal *j);
/* Id of the last entry; 0: there was none. */
uint64_t journal_last_id(const struct journal *j);

#endif
