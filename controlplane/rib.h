/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Inside of the EVPN RIB; evpn_rib.h is what others include.
 *
 *   rib_table.c    the container of everything below
 *   rib_attr.c     interned attribute sets, VTEP addresses, Ethernet segments and RDs
 *   rib_import.c   networks; which networks an attribute set's route targets lead to
 *   rib_update.c   one received UPDATE: what is ignored, limits
 *   rib_in.c       received routes: stored, replaced, stale, lost with their peer
 *   rib_best.c     best path, and telling that it changed
 *   rib_out.c      our own routes, and what each peer has still to be told
 *   rib_pull.c     that, as UPDATE messages
 *   evpn_rib.c     life, peers, reachability of VTEPs, reading
 *
 * A received route is one rib_route for each network that imports it, or one with dest 0 when none does;
 * nearly always that is one. All of one (network, MAC), or of one (network, VTEP) for type 3, hang on a
 * rib_dest. What comes with a route besides its key is an attribute set that equal routes share, ESI and
 * labels included.
 */
#ifndef CONTROLPLANE_RIB_H
#define CONTROLPLANE_RIB_H

#include "controlplane/bgp_pack.h"
#include "controlplane/evpn_rib.h"
#include "controlplane/rib_table.h"
#include "controlplane/share.h"

#define RIB_LOCAL_PREF      100 /* when a route has none, and of our own */
#define RIB_MAX_IMPORTS     16  /* networks that one route can be imported into */
#define RIB_MAX_DEST_ROUTES 256 /* of one MAC: keeps every choice among them short. 32 IPs by eight peers */

struct rib_vtep {
    uint32_t next;
    uint32_t refs; /* attribute sets, destinations, and 1 while lost */
    struct ipaddr address;
    bool lost;    /* evpn_rib_vtep_lost() */
    bool changed; /* evpn_rib_vteps_apply(): lost or found since the last one */
};

struct rib_es {
    uint32_t next;
    uint32_t refs; /* attribute sets */
    struct evpn_esi esi;
};

struct rib_rd {
    uint32_t next;
    uint32_t refs; /* routes; 0: the slot is free */
    struct evpn_rd rd;
    uint32_t etag;
};

/* What best path and import ask for, read out of an attribute set once; and what comes with a route beside
 * its path attributes. Compared as bytes: no padding may hold anything but zero. */
struct rib_attr_fixed {
    uint32_t local_pref; /* 100 when there is none */
    uint32_t med;        /* 0 when there is none (RFC 4271 section 9.1.2.2) */
    uint32_t originator;
    uint32_t sequence;
    uint32_t label, label2; /* type 3: label is that of its tunnel */
    uint32_t as_path_len;   /* as the decision counts it */
    uint16_t n_clusters;
    rib_peer_id peer; /* sets are not shared among peers, so that each is charged with its own */
    uint8_t origin;
    uint8_t n_labels;
    uint8_t nd_flags; /* R7.4; BGP_ND_OVERRIDE when there are none */
    bool has_originator, sticky;
    struct evpn_esi esi;
    struct ipaddr next_hop;
    struct ipaddr vtep; /* type 2: the next hop; type 3: the end of its tunnel */
};

struct rib_attr {
    uint32_t next;
    uint32_t refs; /* routes and told destinations; 0: the slot is free */
    uint32_t vtep;
    uint32_t es; /* none: no ESI, or no room for one more */
    uint32_t hash;
    uint32_t len;
    uint16_t n_nets;
    bool changed;     /* evpn_rib_apply(): nets are not what they were */
    bool wrong_label; /* a route target leads to networks, but none of them has this VNI */
    struct rib_attr_fixed fixed;
    uint8_t *bytes;  /* the path attributes as bgp_attrs_encode() writes them */
    dp_net_id *nets; /* who imports it, ascending */
};

/* The attributes of one UPDATE on their way into the RIB. */
struct rib_arrival {
    struct rib_attr_fixed fixed; /* the part that all its routes share */
    struct ipaddr endpoint;      /* of the PMSI tunnel, if it is one of ours */
    uint32_t endpoint_label;
    uint32_t hash;
    uint32_t last; /* what rib_attr_ref() returned last; referred to */
    size_t len;
    uint8_t bytes[BGP_ATTRS_MAX];
};

enum rib_dest_kind { RIB_DEST_MAC = 1, RIB_DEST_VTEP = 2 };

struct rib_dest {
    uint32_t next;
    uint32_t head; /* its routes */
    uint32_t best;
    uint32_t told; /* attribute set that was last told, and is referred to, or none */
    uint32_t dirty_next;
    union {
        struct mac mac;
        uint32_t vtep;
    };
    dp_net_id net;
    uint16_t n;
    uint16_t n_fresh; /* of its routes, those that are `fresh` */
    uint8_t kind;     /* 0: the slot is free */
    bool dirty;
};

struct rib_route {
    uint32_t next;
    uint32_t rd;
    uint32_t attr;
    uint32_t dest; /* none: not imported */
    uint32_t dest_prev, dest_next;
    rib_peer_id peer; /* 0: the slot is free */
    struct mac mac;
    uint8_t type;
    uint8_t ip_family;
    bool stale : 1;
    bool tells : 1; /* type 2 with an IP: the one of those with this IP by which it was told */
    bool fresh : 1; /* the same: whether its IP was told already is to be seen */
    bool going : 1; /* withdrawn by the UPDATE under way, unless that announces it too */
    uint8_t ip[16]; /* type 2: the host; type 3: the originator */
};

struct rib_network {
    uint32_t next;
    uint32_t refs; /* own routes; 1 more while it is configured. 0: the slot is free */
    dp_net_id id;
    bool gone; /* no longer configured: only withdrawn routes are left */
    uint32_t vni;
    struct evpn_rd rd;
    struct evpn_rib_rt *import_rts, *export_rts;
    size_t n_import, n_export;
};

/* A route of ours. Its group says what it is announced with; RIB_GROUP_GONE: it was withdrawn. */
struct rib_own {
    uint32_t next;
    uint32_t group;
    uint32_t before, after; /* in the group, oldest change first */
    uint32_t network;
    struct mac mac;
    uint8_t type; /* 0: the slot is free */
    uint8_t ip_family;
    uint8_t ip[16];
};

/* Our routes that have equal attributes, in the order of their last change. cursor[p]: the first one that
 * peer p has not been told; none: it knows all. */
struct rib_group {
    uint32_t next;
    uint32_t n;
    uint32_t first, last;
    uint32_t network;
    uint32_t sequence;
    uint8_t type;
    uint8_t nd; /* BGP_ND_* and RIB_ND_CARRIED, or 0: without the community */
    bool sticky;
    bool used;
    uint32_t cursor[]; /* max_peers + 1 */
};

#define RIB_GROUP_GONE 1u
#define RIB_ND_CARRIED 0x80u

struct rib_peer {
    bool used;
    bool up;
    bool warned, exceeded; /* R2.6: told once */
    bool notified;         /* ops.writable was called and the peer has not pulled to the end since */
    bool eor_due;
    bool slow;           /* told once */
    bool refused;        /* for want of room; told once, until evpn_rib_room_again() */
    uint32_t n_routes;   /* rib_routes */
    uint64_t attr_bytes; /* of its attribute sets, as in struct evpn_rib */
    struct evpn_rib_peer config;
    struct evpn_rib_session session; /* the last one: stale routes are compared by it */
    struct evpn_rib_counts counts;
    uint64_t *dirty; /* bitmap of the groups with a cursor */
    uint32_t dirty_words;
    uint32_t n_dirty;
    uint32_t turn; /* the group to look at first */
};

/* One import route target of one network. */
struct rib_import {
    uint64_t key;
    uint32_t vni;
    dp_net_id net;
};

struct rib_imports {
    struct rib_import *list;
    size_t n, size;
};

struct evpn_rib {
    struct evpn_rib_config config;
    struct evpn_rib_ops ops;
    void *arg;
    uint64_t key[2]; /* of all hashes */
    struct rib_table vteps, segments, rds, attrs, dests, routes;
    struct rib_table networks, own, groups;
    struct rib_imports exact, any_as; /* sorted when !imports_stale */
    bool imports_stale;
    uint64_t attr_bytes; /* all attribute sets, with what is allocated beside them */
    uint32_t dirty_first, dirty_last;
    uint32_t n_lost;        /* VTEPs */
    struct rib_peer *peers; /* max_peers + 1; 0 is nobody */
    uint32_t network_of[DP_MAX_NETWORKS + 1];
};

static inline struct rib_vtep *vtep_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->vteps, i);
}

static inline struct rib_es *es_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->segments, i);
}

static inline struct rib_rd *rd_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->rds, i);
}

static inline struct rib_attr *attr_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->attrs, i);
}

static inline struct rib_dest *dest_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->dests, i);
}

static inline struct rib_route *route_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->routes, i);
}

static inline struct rib_network *network_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->networks, i);
}

static inline struct rib_own *own_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->own, i);
}

static inline struct rib_group *group_at(const struct evpn_rib *rib, uint32_t i)
{
    return rib_table_at(&rib->groups, i);
}

static inline struct rib_peer *peer_at(const struct evpn_rib *rib, rib_peer_id p)
{
    return &rib->peers[p];
}

/* ---- rib_attr.c: all -> index or RIB_NONE; what is returned is referred to once more */

int rib_attr_init(struct evpn_rib *rib);
void rib_attr_fini(struct evpn_rib *rib);
uint32_t rib_vtep_ref(struct evpn_rib *rib, const struct ipaddr *address);
uint32_t rib_vtep_find(const struct evpn_rib *rib, const struct ipaddr *address);
void rib_vtep_unref(struct evpn_rib *rib, uint32_t vtep);
uint32_t rib_rd_ref(struct evpn_rib *rib, const struct evpn_rd *rd, uint32_t etag);
/* Does not refer to it. */
uint32_t rib_rd_find(const struct evpn_rib *rib, const struct evpn_rd *rd, uint32_t etag);
void rib_rd_unref(struct evpn_rib *rib, uint32_t rd);
void rib_attr_unref(struct evpn_rib *rib, uint32_t attr);
/* -ENOSPC: more than can be kept. rib_arrival_fini() either way. */
int rib_arrival_init(const struct evpn_rib *rib, rib_peer_id peer, struct rib_arrival *in,
                     const struct bgp_attrs *attrs);
void rib_arrival_fini(struct evpn_rib *rib, struct rib_arrival *in);
struct ipaddr rib_arrival_vtep(const struct rib_arrival *in, const struct evpn_nlri *n);
uint32_t rib_attr_ref(struct evpn_rib *rib, struct rib_arrival *in, const struct evpn_nlri *n);
/* Back into what was decoded. */
void rib_attr_decode(const struct rib_attr *a, struct bgp_attrs *out);
/* The extended communities: 8 bytes each. */
const uint8_t *rib_attr_communities(const struct rib_attr *a, size_t *n);

/* ---- rib_import.c */

int rib_import_init(struct evpn_rib *rib);
void rib_import_fini(struct evpn_rib *rib);
/* Fills n_nets, nets and wrong_label of an attribute set. Returns whether nets changed; -ENOMEM. */
int rib_import_resolve(struct evpn_rib *rib, struct rib_attr *a);
void rib_network_unref(struct evpn_rib *rib, uint32_t network);

/* ---- rib_in.c */

/* What names a received route. rd is not referred to. */
struct rib_key {
    rib_peer_id peer;
    uint8_t type;
    uint8_t ip_family;
    struct mac mac;
    uint32_t rd;
    uint8_t ip[16];
};

struct rib_key rib_key_make(rib_peer_id peer, const struct evpn_nlri *n, uint32_t rd);

int rib_in_init(struct evpn_rib *rib);
void rib_in_fini(struct evpn_rib *rib);
/* The first rib_route of a key, or none. */
uint32_t rib_in_find(const struct evpn_rib *rib, const struct rib_key *k);
/* Makes the key's routes be what attribute set `attr` says: in place where they are (R2.7), else added or
 * removed. Who calls this, or rib_in_withdraw(), calls rib_dests_flush() when all is done. */
void rib_in_place(struct evpn_rib *rib, const struct rib_key *k, uint32_t attr, bool stale);
void rib_in_withdraw(struct evpn_rib *rib, const struct rib_key *k);
/* Sets `going` of the key's routes; rib_in_place() takes it back. */
void rib_in_mark_going(struct evpn_rib *rib, const struct rib_key *k);
void rib_in_ignore(struct evpn_rib *rib, rib_peer_id peer, enum evpn_rib_ignored why);
/* The same for want of room: said once, and remembered until there is room again. */
void rib_in_refuse(struct evpn_rib *rib, rib_peer_id peer);
/* Routes that count for the limit of R2.6, and from how many on there is a warning. Stale ones do not: a peer
 * that comes back with others would be over a limit that it never passed. */
uint32_t rib_in_counted(const struct rib_peer *p);
uint32_t rib_in_warning_level(const struct rib_peer *p);
/* Puts every route whose attribute set says `changed` where it now belongs. */
void rib_in_reimport(struct evpn_rib *rib);
/* Touches all destinations that have a route of this peer (0: nobody's) or to a VTEP that says `changed`. */
void rib_in_reconsider(struct evpn_rib *rib, rib_peer_id peer);
/* Tells the IPs of a MAC that were not told yet, or takes back all that were. */
void rib_in_tell_bindings(struct evpn_rib *rib, struct rib_dest *d, bool present);
/* The destination of a MAC, or none. */
uint32_t rib_in_find_mac(const struct evpn_rib *rib, dp_net_id net, struct mac mac);
/* Drops the stale routes of a peer, and the others too unless they are to become stale now. */
enum rib_drop { RIB_DROP_STALE, RIB_DROP_STALE_MARK_OTHERS, RIB_DROP_ALL };
unsigned rib_in_drop(struct evpn_rib *rib, rib_peer_id peer, enum rib_drop drop);

/* ---- rib_best.c */

void rib_dest_touch(struct evpn_rib *rib, uint32_t dest);
/* Chooses anew for all touched, tells what changed, frees those that have no routes any more. */
void rib_dests_flush(struct evpn_rib *rib);
void rib_best_fill(const struct evpn_rib *rib, uint32_t route, struct evpn_rib_best *out);

/* ---- rib_out.c */

int rib_out_init(struct evpn_rib *rib);
void rib_out_fini(struct evpn_rib *rib);
int rib_out_add_network(struct evpn_rib *rib, uint32_t network);
/* Withdraws all of its routes; those of type 2 go on under network `heir` unless that is RIB_NONE. */
void rib_out_remove_network(struct evpn_rib *rib, uint32_t network, uint32_t heir);
/* -ENOMEM */
int rib_out_peer_up(struct evpn_rib *rib, rib_peer_id peer);
void rib_out_peer_down(struct evpn_rib *rib, rib_peer_id peer);
/* Peer has been told the routes of the group before `own`; none: all. */
void rib_out_cursor_set(struct evpn_rib *rib, uint32_t group, rib_peer_id peer, uint32_t own);
/* Frees the withdrawn routes that all peers have been told of. */
void rib_out_forget_withdrawn(struct evpn_rib *rib);

/* ---- rib_pull.c */

void rib_own_nlri(const struct evpn_rib *rib, const struct rib_own *o, struct evpn_nlri *out);
void rib_own_attrs(const struct evpn_rib *rib, const struct rib_group *g, bool ebgp, struct bgp_attrs *a);

#endif
