/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Path attributes: one attribute of the wire at a time into struct bgp_attrs, all of them back into bytes.
 * What is wrong with an attribute has a verdict by RFC 7606; the frame of the UPDATE around them,
 * MP_REACH_NLRI and MP_UNREACH_NLRI are bgp_update.h's. All lists have a bound: what is over is counted in
 * `cut`. The AS path and the cluster list are never cut, since a loop could hide there, nor the extended
 * communities, which say what a route means: routes with longer ones are withdrawn.
 *
 * struct bgp_attrs is a work area of 5 KB and not what a table should keep per route: keep its encoding
 * (bgp_attrs_encode), which is the same for equal sets, once for all routes that share it.
 *
 * Pure, no allocation, no globals, any thread.
 */
#ifndef CONTROLPLANE_BGP_ATTR_H
#define CONTROLPLANE_BGP_ATTR_H

#include "controlplane/bgp_aspath.h"
#include "controlplane/bgp_extcom.h"
#include "controlplane/bgp_msg.h"

#define BGP_COMMUNITIES  64
#define BGP_LARGE        32
#define BGP_EXTCOMS      64
#define BGP_CLUSTERS     64
#define BGP_PMSI_ID      64   /* bytes of a tunnel identifier */
#define BGP_UNKNOWN_SIZE 1024 /* bytes of unknown transitive attributes */
#define BGP_ATTRS_MAX    8192 /* enough for bgp_attrs_encode() of anything */

enum bgp_attr_type {
    BGP_ORIGIN = 1,
    BGP_AS_PATH = 2,
    BGP_NEXT_HOP = 3,
    BGP_MED = 4,
    BGP_LOCAL_PREF = 5,
    BGP_ATOMIC_AGGREGATE = 6,
    BGP_AGGREGATOR = 7,
    BGP_COMMUNITY = 8,     /* RFC 1997 */
    BGP_ORIGINATOR_ID = 9, /* RFC 4456 */
    BGP_CLUSTER_LIST = 10,
    BGP_MP_REACH = 14, /* RFC 4760 */
    BGP_MP_UNREACH = 15,
    BGP_EXT_COMMUNITY = 16, /* RFC 4360 */
    BGP_AS4_PATH = 17,      /* RFC 6793 */
    BGP_AS4_AGGREGATOR = 18,
    BGP_PMSI_TUNNEL = 22,        /* RFC 6514 */
    BGP_IPV6_EXT_COMMUNITY = 25, /* RFC 5701 */
    BGP_LARGE_COMMUNITY = 32,    /* RFC 8092 */
};

#define BGP_FLAG_OPTIONAL   0x80
#define BGP_FLAG_TRANSITIVE 0x40
#define BGP_FLAG_PARTIAL    0x20
#define BGP_FLAG_EXTENDED   0x10

enum bgp_origin { BGP_ORIGIN_IGP = 0, BGP_ORIGIN_EGP = 1, BGP_ORIGIN_INCOMPLETE = 2 };

#define BGP_PMSI_INGRESS_REPLICATION 6 /* R3.5 */
#define BGP_PMSI_LEAF_REQUIRED       0x01

struct bgp_pmsi {
    uint8_t flags;
    uint8_t type; /* any; of those other than ingress replication the identifier is only kept */
    uint8_t id_len;
    uint32_t label; /* 24 bits, the VNI */
    uint8_t id[BGP_PMSI_ID];
};

struct bgp_large {
    uint32_t part[3];
};

struct bgp_attrs {
    uint64_t present; /* bit = enum bgp_attr_type; see bgp_attrs_has() */
    uint8_t origin;
    struct ipaddr next_hop; /* of MP_REACH_NLRI (R2.5): set when that is present */
    uint32_t ipv4_next_hop; /* of NEXT_HOP, host order; means nothing for EVPN (RFC 4760 section 3) */
    uint32_t med;
    uint32_t local_pref;
    uint32_t originator_id; /* host order */
    uint32_t aggregator_as;
    uint32_t aggregator_id;
    uint16_t n_communities;
    uint16_t n_large;
    uint16_t n_extcoms;
    uint16_t n_clusters;
    uint16_t n_unknown;   /* unknown transitive attributes, kept or not */
    uint16_t unknown_len; /* bytes kept of them */
    uint32_t cut;         /* list members and attributes that had no room */
    struct bgp_pmsi pmsi;
    uint32_t communities[BGP_COMMUNITIES];
    struct bgp_large large[BGP_LARGE];
    struct bgp_extcom extcoms[BGP_EXTCOMS];
    uint32_t clusters[BGP_CLUSTERS]; /* host order */
    struct bgp_as_path as_path;
    uint8_t unknown[BGP_UNKNOWN_SIZE]; /* whole attributes, Partial set, lengths of two bytes */
};

/* AS4_PATH and AS4_AGGREGATOR wait here until all attributes were read. */
struct bgp_as4 {
    bool has_path;
    bool has_aggregator;
    uint32_t aggregator_as;
    uint32_t aggregator_id;
    struct bgp_as_path path;
};

/* RFC 7606 section 2, from mild to fatal. */
enum bgp_verdict { BGP_FINE, BGP_ATTRIBUTE_DISCARD, BGP_TREAT_AS_WITHDRAW, BGP_SESSION_RESET };

struct bgp_attr_error {
    uint8_t type; /* of the attribute; 0: the list of attributes itself */
    uint8_t verdict;
    uint8_t subcode; /* enum bgp_update_subcode, should it come to a NOTIFICATION */
    const char *why; /* static text */
};

/* What the session knows and an UPDATE does not say. */
struct bgp_rules {
    bool ebgp;
    bool as4;            /* both sides have 4-octet AS numbers */
    bool check_first_as; /* eBGP: the path must begin with peer_as (RFC 4271 section 6.3) */
    uint32_t peer_as;
};

/* One attribute as it stands in the message. */
struct bgp_raw_attr {
    uint8_t flags;
    uint8_t type;
    const uint8_t *data; /* flags, type, length and value: what a NOTIFICATION quotes */
    size_t data_len;
    struct buf_in value;
};

/* ---- decoding */

void bgp_attrs_init(struct bgp_attrs *a);
/* The next attribute of a list. False at its end, and when the list is broken: then *why is set. */
bool bgp_raw_attr_next(struct buf_in *list, struct bgp_raw_attr *out, const char **why);
/* Any attribute but MP_REACH_NLRI and MP_UNREACH_NLRI. Not BGP_FINE: *e says why, and the type
 * is not marked as present. */
enum bgp_verdict bgp_attr_decode(const struct bgp_raw_attr *raw, const struct bgp_rules *rules,
                                 struct bgp_attrs *a, struct bgp_as4 *as4, struct bgp_attr_error *e);
/* RFC 6793 section 4.2.3, after the last attribute. */
void bgp_attrs_merge_as4(struct bgp_attrs *a, const struct bgp_as4 *as4);
/* Bits of the flags that this type must have, Optional and Transitive; -1 for an unknown type. */
int bgp_attr_flags(uint8_t type);

/* ---- asking and building */

bool bgp_attrs_has(const struct bgp_attrs *a, enum bgp_attr_type type);
/* Marks an attribute as present, for those who build a set: write the field, then this. */
void bgp_attrs_set(struct bgp_attrs *a, enum bgp_attr_type type);
/* The first community of this kind, or NULL. Of several MAC Mobility the highest sequence counts (RFC 7432
 * section 7.7 has one; serial order, R4.6). */
const struct bgp_extcom *bgp_attrs_extcom(const struct bgp_attrs *a, enum bgp_extcom_kind kind);
bool bgp_attrs_has_extcom(const struct bgp_attrs *a, const struct bgp_extcom *c);
/* R3.4: VXLAN among the encapsulations: 1 yes, 0 only others, -1 none given. */
int bgp_attrs_is_vxlan(const struct bgp_attrs *a);
/* False when there is no room. */
bool bgp_attrs_add_extcom(struct bgp_attrs *a, struct bgp_extcom c);
/* R3.5: PMSI for ingress replication to a VTEP. */
void bgp_attrs_set_ingress_replication(struct bgp_attrs *a, uint32_t vni, const struct ipaddr *vtep);
/* The VTEP of ingress replication; family 0 for other tunnels. */
struct ipaddr bgp_pmsi_endpoint(const struct bgp_pmsi *p);
/* R2.4: why a route must be ignored: our AS in its path (iBGP with our own AS number has it nowhere), our
 * router id as its originator, our cluster id in its cluster list (0: none). A static text, or NULL when it
 * is no loop. */
const char *bgp_attrs_loop(const struct bgp_attrs *a, uint32_t our_as, uint32_t our_id, uint32_t our_cluster);
/* "ORIGIN", ...; NULL for an unknown type. */
const char *bgp_attr_name(uint8_t type);
/* "treat-as-withdraw", ... */
const char *bgp_verdict_name(enum bgp_verdict v);

/* ---- encoding */

/* All that is present but MP_REACH and MP_UNREACH, in order of type, unknown ones last. To eBGP peers
 * LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST stay at home; to peers without 4-octet AS the AS4_ attributes
 * are added as RFC 6793 section 4.2.2 says. Equal sets give equal bytes. */
void bgp_attrs_encode(const struct bgp_attrs *a, const struct bgp_rules *rules, struct buf_out *out);

#endif
