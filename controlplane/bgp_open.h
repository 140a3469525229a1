/* SPDX-License-Identifier: BSD-3-Clause
 *
 * OPEN and its capabilities: RFC 4271 sections 4.2 and 6.2, RFC 5492 (capabilities, in one optional parameter
 * or in several), RFC 9072 (extended optional parameters). Pure, no allocation, any thread.
 */
#ifndef CONTROLPLANE_BGP_OPEN_H
#define CONTROLPLANE_BGP_OPEN_H

#include "controlplane/bgp_msg.h"

#define BGP_CAP_FAMILIES   32 /* kept of each list; more are counted in `cut` */
#define BGP_CAP_OTHER_SIZE 512
#define BGP_CAPS_TEXT      512

enum bgp_cap {
    BGP_CAP_MULTIPROTOCOL = 1,    /* RFC 4760 */
    BGP_CAP_ROUTE_REFRESH = 2,    /* RFC 2918 */
    BGP_CAP_EXTENDED_MESSAGE = 6, /* RFC 8654 */
    BGP_CAP_GRACEFUL = 64,        /* RFC 4724, 8538 */
    BGP_CAP_AS4 = 65,             /* RFC 6793 */
    BGP_CAP_ENHANCED_REFRESH = 70 /* RFC 7313 */
};

struct bgp_gr_family {
    struct bgp_family family;
    bool forwarding; /* F: forwarding state was kept over the restart */
};

/* RFC 4724 section 3. */
struct bgp_graceful {
    bool present;
    bool restarted;     /* R: the sender has just restarted */
    bool notification;  /* N of RFC 8538: graceful restart after NOTIFICATION and hold timer too */
    uint16_t time;      /* seconds, 12 bits */
    uint8_t n_families; /* may be 0: the sender helps but keeps nothing itself */
    struct bgp_gr_family families[BGP_CAP_FAMILIES];
};

struct bgp_caps {
    bool route_refresh;
    bool enhanced_refresh; /* seen; not needed for understanding the peer */
    bool extended_message;
    bool as4;
    uint32_t as4_number;
    uint8_t n_families;
    struct bgp_family families[BGP_CAP_FAMILIES]; /* multiprotocol */
    struct bgp_graceful graceful;
    uint16_t n_other;   /* capabilities that are not decoded, kept or not */
    uint16_t cut;       /* what did not fit: families and other capabilities */
    uint16_t other_len; /* raw code, length, value of those kept */
    uint8_t other[BGP_CAP_OTHER_SIZE];
};

struct bgp_open {
    uint8_t version;
    uint16_t my_as;     /* the field of two bytes; BGP_AS_TRANS for a longer number */
    uint32_t asn;       /* the AS number that counts: as4_number if there, else my_as; 0 if either is */
    uint16_t hold_time; /* seconds */
    uint32_t id;        /* router id, host order */
    struct bgp_caps caps;
};

/* Body of an OPEN. 0, or -EPROTO with *err: version 2/1 with the one we speak, unknown parameter 2/4, and 2/0
 * for a parameter or capability whose length is wrong (RFC 4271 section 6.2). Whether the values are good is
 * for the state machine to say: bgp_fsm_check_open(). */
int bgp_open_decode(const uint8_t *body, size_t len, struct bgp_open *out, struct bgp_error *err);

/* A whole OPEN from version, asn, hold_time, id and caps (as4_number and my_as follow from asn). All
 * capabilities go into one parameter, or by RFC 9072 when they are longer than 255 bytes. Length or -ENOSPC.
 */
int bgp_open_encode(const struct bgp_open *open, uint8_t *msg, size_t size);

bool bgp_caps_has_family(const struct bgp_caps *c, struct bgp_family f);
/* The entry for EVPN in graceful restart, or NULL. */
const struct bgp_gr_family *bgp_caps_graceful_evpn(const struct bgp_caps *c);
/* "multiprotocol 25/70, route refresh, ..." for show commands. Returns buf. */
const char *bgp_caps_format(const struct bgp_caps *c, char buf[BGP_CAPS_TEXT]);

#endif
