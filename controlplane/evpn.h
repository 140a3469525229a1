/* SPDX-License-Identifier: BSD-3-Clause
 *
 * EVPN routes as they stand in MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 7432 section 7, RFC 9136 section 3.1):
 * types 1 to 5 are decoded, all others are stepped over by their length (R2.2, R3.7). Labels are whole 24-bit
 * values, for VXLAN the VNI (R3.1, RFC 8365 section 5.1.3); whoever peers with MPLS shifts them.
 *
 * Pure functions on values, no allocation, any thread.
 */
#ifndef CONTROLPLANE_EVPN_H
#define CONTROLPLANE_EVPN_H

#include "conf/types.h"
#include "controlplane/buf.h"

#define EVPN_TEXT_LEN 160 /* enough for any evpn_format() */
#define EVPN_RD_LEN   24  /* enough for any evpn_rd_format() */
#define EVPN_ESI_LEN  30  /* "00:11:...:99" and the end */
#define EVPN_NLRI_MAX 60  /* bytes of the longest encoded route: type 5 over IPv6 */

enum evpn_type {
    EVPN_AD = 1,     /* Ethernet auto-discovery */
    EVPN_MACIP = 2,  /* MAC/IP advertisement */
    EVPN_IMET = 3,   /* inclusive multicast Ethernet tag */
    EVPN_ES = 4,     /* Ethernet segment */
    EVPN_PREFIX = 5, /* IP prefix, RFC 9136 */
};

/* Route distinguisher, the eight bytes of the wire (RFC 4364 section 4.2). */
struct evpn_rd {
    uint8_t b[8];
};

/* Ethernet segment identifier, the ten bytes of the wire; all zero is "single-homed". */
struct evpn_esi {
    uint8_t b[10];
};

/* One route. What the type does not have is zero. */
struct evpn_nlri {
    uint8_t type;       /* enum evpn_type */
    uint8_t prefix_len; /* type 5 */
    uint8_t n_labels;   /* type 2: 1 or 2 (RFC 7432 section 7.2) */
    struct mac mac;     /* type 2 */
    struct evpn_rd rd;
    struct evpn_esi esi;   /* types 1, 2, 4, 5 */
    uint32_t etag;         /* Ethernet tag: all but type 4 */
    uint32_t label;        /* 24 bits: types 1, 2, 5. Type 3 has its label in the PMSI attribute */
    uint32_t label2;       /* type 2 with n_labels = 2 */
    struct ipaddr ip;      /* type 2: the host or none; 3, 4: the originator; 5: the prefix, host bits zero */
    struct ipaddr gateway; /* type 5; family as ip, may be all zero */
};

/* What evpn_next() found. */
enum evpn_found {
    EVPN_END,     /* the list ended where a route ends */
    EVPN_ROUTE,   /* one route, in *out */
    EVPN_UNKNOWN, /* a type that is not decoded; stepped over (RFC 7606 section 5.4) */
    EVPN_BAD,     /* framed well, but a field has an illegal value, so its key is none; stepped over */
    EVPN_BROKEN,  /* the list cannot be followed, or a length is impossible (RFC 7606 section 5.3): fatal */
};

/* Reads the next route of a list, `list` being all bytes of the NLRI field at first. For BAD and BROKEN *why
 * gets a static text. out->type is set for UNKNOWN and BAD too. After BROKEN the list is failed.
 * BAD is a legal total length with a MAC length other than 48, an IP length other than 0/32/128, or a prefix
 * length over the family's: the next route can be found, so the session need not pay for it. Any length that
 * types 1, 4 and 5 cannot have is BAD too (R3.7); of the types that are used it is BROKEN, for then nobody
 * knows what should be withdrawn (RFC 7606 section 5.3). */
enum evpn_found evpn_next(struct buf_in *list, struct evpn_nlri *out, const char **why);

/* Appends type, length and value. Values that cannot be encoded (unknown type, no IP where one is
 * needed, a label over 24 bits, a prefix length over the family's) fail `out`. */
void evpn_encode(const struct evpn_nlri *n, struct buf_out *out);

/* Order and equality of route keys: type, RD, and what RFC 7432 sections 7.1 to 7.4 and RFC 9136
 * section 3.1 call part of the key. Labels never are; the ESI is for types 1 and 4 only. <0, 0, >0. */
int evpn_key_cmp(const struct evpn_nlri *a, const struct evpn_nlri *b);
/* Equal keys give equal hashes. Not keyed: do not let peers choose buckets of a table without bounds. */
uint32_t evpn_key_hash(const struct evpn_nlri *n);

bool evpn_esi_is_zero(const struct evpn_esi *e);

/* R3.3: type 1, "router id : number". `router_id` in host order. */
struct evpn_rd evpn_rd_make(uint32_t router_id, uint16_t number);
/* "198.18.0.1:1", "65000:7", "4200000001:9"; other types as hexadecimal digits. Returns buf. */
const char *evpn_rd_format(const struct evpn_rd *rd, char buf[EVPN_RD_LEN]);
const char *evpn_esi_format(const struct evpn_esi *esi, char buf[EVPN_ESI_LEN]);
/* "[2]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.0.0.1] RD 198.18.0.1:1", the form that FRR prints. */
const char *evpn_format(const struct evpn_nlri *n, char buf[EVPN_TEXT_LEN]);

#endif
