/* SPDX-License-Identifier: BSD-3-Clause
 *
 * UPDATE (RFC 4271 section 4.3, RFC 4760) under the error handling of RFC 7606. One call decodes the frame
 * and the attributes and walks all routes once, so that the verdict is final; the routes themselves are then
 * read out of the message in place:
 *
 *     if (bgp_update_decode(frame.body, frame.body_len, &rules, &u, &err))  -> send err, end the session
 *     while (bgp_update_next(&u.unreach, &route))   withdraw route
 *     while (bgp_update_next(&u.reach, &route))     u.verdict == BGP_TREAT_AS_WITHDRAW ? withdraw : install
 *
 * in that order: a route in both is not withdrawn (RFC 4271 section 3.1). Loops (R2.4) and next hops that no
 * VTEP can have are for whoever installs. Only EVPN is decoded; routes of other families are counted.
 *
 * A struct bgp_update is about 7 KB: keep one, not one per message. Pure, any thread.
 */
#ifndef CONTROLPLANE_BGP_UPDATE_H
#define CONTROLPLANE_BGP_UPDATE_H

#include "controlplane/bgp_attr.h"
#include "controlplane/evpn.h"

#define BGP_UPDATE_ERRORS 8

struct bgp_update {
    enum bgp_verdict verdict; /* the worst: FINE, ATTRIBUTE_DISCARD or TREAT_AS_WITHDRAW */
    uint16_t n_errors;        /* all; the first BGP_UPDATE_ERRORS are in errors[], the worst always */
    struct bgp_attr_error errors[BGP_UPDATE_ERRORS];
    bool has_reach;        /* an MP_REACH_NLRI for EVPN: attrs.next_hop is set */
    bool end_of_rib;       /* R2.7: of EVPN */
    bool other_end_of_rib; /* of another family, IPv4 unicast with it */
    struct buf_in reach;   /* routes, for bgp_update_next() */
    struct buf_in unreach;
    uint32_t n_reach; /* routes of types 1 to 5 */
    uint32_t n_unreach;
    uint32_t n_unknown;  /* stepped over: route types that are not decoded (R2.2) */
    uint32_t n_bad;      /* stepped over: EVPN_BAD */
    uint32_t n_other;    /* IPv4 prefixes, and MP_REACH and MP_UNREACH of other families */
    const char *bad_why; /* of the first bad one, or NULL */
    struct bgp_attrs attrs;
    struct bgp_as4 as4; /* work area */
};

/* Body of an UPDATE. The routes lie in `body`, which must stay. 0, or -EPROTO with *err when RFC 7606 leaves
 * only the reset:
 *   3/1   lengths that pass the message, MP_REACH_NLRI or MP_UNREACH_NLRI twice (section 3 g)
 *   3/2   an unknown well-known attribute (RFC 4271 section 6.3)
 *   3/4   wrong flags of MP_REACH_NLRI or MP_UNREACH_NLRI (section 5.3)
 *   3/9   their next hop or routes cannot be read (sections 5.3, 7.11, 7.12)
 *   3/10  IPv4 prefixes cannot be read (section 5.3)
 * and what would be treat-as-withdraw, where no route says what to withdraw (section 5.2).
 * *out is then half filled, of use for counters only. */
int bgp_update_decode(const uint8_t *body, size_t len, const struct bgp_rules *rules, struct bgp_update *out,
                      struct bgp_error *err);

/* The next route of u.reach or u.unreach, stepping over those that are none for us. False at the end. Works
 * on a copy of the cursor as well, so the list can be read twice. */
bool bgp_update_next(struct buf_in *list, struct evpn_nlri *out);

/* "AS_PATH: treat-as-withdraw: AS number 0", for the log. Returns buf. */
const char *bgp_attr_error_format(const struct bgp_attr_error *e, char buf[BGP_ERROR_TEXT]);

#endif
