/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Extended communities (RFC 4360), the eight bytes of the wire, with makers and readers for those that EVPN
 * uses. The code points were compared with what FRR 8.4.4 and GoBGP 3.10 send (tests/unit/test_bgp_attr.c).
 * Unknown ones are carried as they are. Pure, any thread.
 */
#ifndef CONTROLPLANE_BGP_EXTCOM_H
#define CONTROLPLANE_BGP_EXTCOM_H

#include "conf/types.h"

#define BGP_EXTCOM_TEXT  48   /* enough for any bgp_extcom_format() */
#define BGP_TUNNEL_VXLAN 8    /* R3.4, RFC 8365 section 11 */
#define BGP_ND_ROUTER    0x01 /* R7.4, RFC 9047 section 2: R, O, I */
#define BGP_ND_OVERRIDE  0x02
#define BGP_ND_IMMUTABLE 0x08

struct bgp_extcom {
    uint8_t b[8];
};

enum bgp_extcom_kind {
    BGP_EXTCOM_OTHER,
    BGP_EXTCOM_RT,              /* types 0, 1, 2, sub-type 2: AS2:number, IPv4:number, AS4:number */
    BGP_EXTCOM_ENCAPSULATION,   /* 03 0c, RFC 9012 section 4.1 */
    BGP_EXTCOM_DEFAULT_GATEWAY, /* 03 0d, RFC 7432 section 7.8 */
    BGP_EXTCOM_MOBILITY,        /* 06 00, R4.1 */
    BGP_EXTCOM_ESI_LABEL,       /* 06 01, RFC 7432 section 7.5 */
    BGP_EXTCOM_ES_IMPORT,       /* 06 02, RFC 7432 section 7.6 */
    BGP_EXTCOM_ROUTER_MAC,      /* 06 03, RFC 9135 section 8.1 */
    BGP_EXTCOM_ARP_ND,          /* 06 08, RFC 9047 */
};

enum bgp_extcom_kind bgp_extcom_kind(const struct bgp_extcom *c);
bool bgp_extcom_eq(const struct bgp_extcom *a, const struct bgp_extcom *b);
/* RFC 4360 section 2: the T bit; non-transitive ones do not leave the AS. */
bool bgp_extcom_is_transitive(const struct bgp_extcom *c);

/* ---- route targets (R3.3) */

struct bgp_extcom bgp_extcom_rt_as2(uint16_t as, uint32_t number);
struct bgp_extcom bgp_extcom_rt_as4(uint32_t as, uint16_t number);
struct bgp_extcom bgp_extcom_rt_ip(uint32_t ip, uint16_t number); /* host order */
/* AS:VNI, the default. A VNI has no room beside a 4-octet AS, so of a longer one the low 16 bits are taken,
 * as FRR does. */
struct bgp_extcom bgp_extcom_rt_vni(uint32_t as, uint32_t vni);
/* The form of RFC 8365 section 5.1.2.1: A = 0, type 1 (VXLAN), domain 0, VNI. The same of a longer AS. */
struct bgp_extcom bgp_extcom_rt_rfc8365(uint32_t as, uint32_t vni);
/* "65000:10100", "198.18.0.1:7", "4200000001:9"; an AS over 65535 gives the 4-octet form, "65000L:9" asks for
 * it. */
bool bgp_extcom_rt_parse(const char *text, struct bgp_extcom *out);

/* ---- the others */

struct bgp_extcom bgp_extcom_encapsulation(uint16_t tunnel);
uint16_t bgp_extcom_tunnel(const struct bgp_extcom *c);
struct bgp_extcom bgp_extcom_mobility(bool sticky, uint32_t sequence);
bool bgp_extcom_is_sticky(const struct bgp_extcom *c);
uint32_t bgp_extcom_sequence(const struct bgp_extcom *c);
struct bgp_extcom bgp_extcom_arp_nd(uint8_t flags);
uint8_t bgp_extcom_nd_flags(const struct bgp_extcom *c);
struct bgp_extcom bgp_extcom_default_gateway(void);
struct bgp_extcom bgp_extcom_router_mac(struct mac mac);
struct mac bgp_extcom_mac(const struct bgp_extcom *c); /* of ROUTER_MAC and ES_IMPORT */

/* "RT:65000:10100", "ET:8", "MM:7, sticky MAC", ...; others in hexadecimal. Returns buf. */
const char *bgp_extcom_format(const struct bgp_extcom *c, char buf[BGP_EXTCOM_TEXT]);

#endif
