/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the tests of UPDATE errors share. ANNOUNCE is one type 3 route with all that an iBGP announcement must
 * have; the tests put something wrong beside it or in its place. One program includes it once.
 */
#ifndef TESTS_UNIT_BGP_UPDATE_RIG_H
#define TESTS_UNIT_BGP_UPDATE_RIG_H

#include "controlplane/bgp_update.h"
#include "tests/unit/bgp_vectors.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#define ROUTE3   "0311 0001c61200010001 00000000 20 c6120001"
#define REACH    "800e1c 0019 46 04 c6120001 00 " ROUTE3
#define UNREACH  "800f16 0019 46 " ROUTE3
#define ORIGIN   "400101 00"
#define AS_PATH  "400206 0201 0000fde8"
#define PREF     "400504 00000064"
#define ANNOUNCE REACH ORIGIN AS_PATH PREF

static struct bgp_update u;
static struct bgp_error err;
static const struct bgp_rules ibgp = {.as4 = true};
static const struct bgp_rules ebgp = {.as4 = true, .ebgp = true};
static const struct bgp_rules old = {.as4 = false};

/* An UPDATE of withdrawn IPv4 routes, attributes and IPv4 routes, at the end of its memory so that ASan sees
 * a read too far. It is freed by the next one. */
static inline int decode(const char *withdrawn, const char *attrs, const char *nlri,
                         const struct bgp_rules *rules)
{
    static uint8_t *exact;
    uint8_t body[BGP_MSG_MAX];
    struct buf_out out;
    size_t hole;

    buf_out_init(&out, body, sizeof(body));
    hole = buf_hole_u16(&out);
    out.len += unhex(withdrawn, body + out.len);
    buf_fill_u16(&out, hole);
    hole = buf_hole_u16(&out);
    out.len += unhex(attrs, body + out.len);
    buf_fill_u16(&out, hole);
    out.len += unhex(nlri, body + out.len);
    free(exact);
    exact = malloc(out.len);
    memcpy(exact, body, out.len);
    memset(&err, 0, sizeof(err));
    return bgp_update_decode(exact, out.len, rules, &u, &err);
}

static inline void fine(const char *attrs, const struct bgp_rules *rules)
{
    ck_assert_int_eq(decode("", attrs, "", rules), 0);
    ck_assert_msg(u.verdict == BGP_FINE, "%s", u.errors[0].why);
    ck_assert_uint_eq(u.n_errors, 0);
}

/* The verdict, of which attribute, and the subcode a NOTIFICATION would have. The route can be read still. */
static inline void expect(const char *attrs, const struct bgp_rules *rules, enum bgp_verdict verdict,
                          uint8_t type, uint8_t subcode)
{
    struct evpn_nlri n;
    char text[BGP_ERROR_TEXT];

    ck_assert_int_eq(decode("", attrs, "", rules), 0);
    ck_assert_int_eq(u.verdict, verdict);
    ck_assert_uint_ge(u.n_errors, 1);
    ck_assert_uint_eq(u.errors[0].type, type);
    ck_assert_uint_eq(u.errors[0].verdict, verdict);
    ck_assert_uint_eq(u.errors[0].subcode, subcode);
    ck_assert_ptr_nonnull(strstr(bgp_attr_error_format(&u.errors[0], text), bgp_verdict_name(verdict)));
    ck_assert(bgp_update_next(&u.reach, &n));
    ck_assert_int_eq(n.type, EVPN_IMET);
    if (type)
        ck_assert(type == BGP_ORIGIN || type > 63 || verdict == BGP_ATTRIBUTE_DISCARD ||
                  !bgp_attrs_has(&u.attrs, (enum bgp_attr_type)type));
}

static inline void withdraw(const char *wrong, uint8_t type, uint8_t subcode)
{
    char attrs[1024];

    snprintf(attrs, sizeof(attrs), ANNOUNCE "%s", wrong);
    expect(attrs, &ibgp, BGP_TREAT_AS_WITHDRAW, type, subcode);
}

static inline void discard(const char *wrong, const struct bgp_rules *rules, uint8_t type, uint8_t subcode)
{
    char attrs[1024];

    snprintf(attrs, sizeof(attrs), "%s%s", rules->as4 ? ANNOUNCE : REACH ORIGIN "400204 0201 fde8" PREF,
             wrong);
    if (rules->ebgp)
        snprintf(attrs, sizeof(attrs), REACH ORIGIN AS_PATH "%s", wrong);
    expect(attrs, rules, BGP_ATTRIBUTE_DISCARD, type, subcode);
    ck_assert(!bgp_attrs_has(&u.attrs, (enum bgp_attr_type)type));
}

static inline void reset(const char *withdrawn, const char *attrs, const char *nlri, uint8_t subcode,
                         const char *data)
{
    uint8_t want[200];
    size_t n = unhex(data, want);

    ck_assert_int_eq(decode(withdrawn, attrs, nlri, &ibgp), -EPROTO);
    ck_assert_int_eq(u.verdict, BGP_SESSION_RESET);
    ck_assert_uint_eq(err.code, BGP_ERR_UPDATE);
    ck_assert_uint_eq(err.subcode, subcode);
    ck_assert_uint_eq(err.data_len, n);
    ck_assert_mem_eq(err.data, want, n);
    ck_assert_uint_gt(strlen(err.text), 0);
}

#endif
