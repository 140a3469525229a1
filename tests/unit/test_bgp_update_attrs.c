/* SPDX-License-Identifier: BSD-3-Clause
 *
 * UPDATE attribute by attribute: every error of RFC 7606 section 7 with its verdict, and those of the RFCs of
 * other attributes.
 */
#include "tests/unit/bgp_update_rig.h"
#include "tests/unit/suite.h"

/* ---- section 7, attribute by attribute */

START_TEST(test_RFC7606_7_1_origin)
{
    expect(REACH "400101 03" AS_PATH PREF, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_ORIGIN, BGP_UPDATE_ORIGIN);
    expect(REACH "400102 0000" AS_PATH PREF, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_ORIGIN, BGP_UPDATE_LENGTH);
}
END_TEST

START_TEST(test_RFC7606_7_2_as_path)
{
    static const char *const bad[] = {
        "400206 0501 0000fde8",                              /* an unknown type of segment */
        "400206 0202 0000fde8",                              /* longer than the attribute */
        "400207 0201 0000fde8 02",                           /* one byte left */
        "400208 0201 0000fde8 0200",                         /* no AS in it */
        "400205 0201 0000fd",                                /* two octets where four were agreed on */
        "400206 0301 0000fde8",                              /* a confederation, RFC 5065 section 5 */
        "400206 0401 0000fde8",      "400206 0201 00000000", /* RFC 7607 */
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char attrs[256];

        snprintf(attrs, sizeof(attrs), REACH ORIGIN "%s" PREF, bad[i]);
        expect(attrs, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_AS_PATH, BGP_UPDATE_AS_PATH);
    }
}
END_TEST

START_TEST(test_RFC7606_7_2_first_as_of_an_external_peer)
{
    static const struct bgp_rules check = {
        .as4 = true, .ebgp = true, .check_first_as = true, .peer_as = 65000};
    static const struct bgp_rules other = {
        .as4 = true, .ebgp = true, .check_first_as = true, .peer_as = 65001};

    fine(REACH ORIGIN AS_PATH, &check);
    ck_assert_int_eq(decode("", REACH ORIGIN AS_PATH, "", &other), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_int_eq(decode("", REACH ORIGIN "400200", "", &check), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    fine(UNREACH, &check);
}
END_TEST

START_TEST(test_as_path_too_long_to_keep_is_withdrawn)
{
    uint8_t body[BGP_MSG_MAX];
    struct buf_out out;
    size_t hole, path;

    buf_out_init(&out, body, sizeof(body));
    buf_put_u16(&out, 0);
    hole = buf_hole_u16(&out);
    out.len += unhex(REACH ORIGIN PREF "5002", body + out.len);
    path = buf_hole_u16(&out);
    for (int i = 0; i < 3; i++) {
        buf_put_u16(&out, 0x02c8);
        for (uint32_t j = 1; j <= 200; j++)
            buf_put_u32(&out, j);
    }
    buf_fill_u16(&out, path);
    buf_fill_u16(&out, hole);
    ck_assert_int_eq(bgp_update_decode(body, out.len, &ibgp, &u, &err), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_uint_eq(u.errors[0].type, BGP_AS_PATH);
}
END_TEST

START_TEST(test_RFC7606_7_3_next_hop)
{
    withdraw("400303 010203", BGP_NEXT_HOP, BGP_UPDATE_LENGTH);
    withdraw("400305 0102030405", BGP_NEXT_HOP, BGP_UPDATE_LENGTH);
    fine(ANNOUNCE "400304 01020304", &ibgp); /* beside MP_REACH_NLRI it means nothing */
    fine(ANNOUNCE "400304 00000000", &ibgp); /* nor does it matter what is in it */
    ck_assert_uint_eq(u.attrs.next_hop.b[0], 198);
}
END_TEST

START_TEST(test_RFC7606_7_4_med)
{
    withdraw("800403 000001", BGP_MED, BGP_UPDATE_LENGTH);
    withdraw("800405 0000000001", BGP_MED, BGP_UPDATE_LENGTH);
    fine(ANNOUNCE "800404 00000007", &ibgp);
    ck_assert_uint_eq(u.attrs.med, 7);
}
END_TEST

START_TEST(test_RFC7606_7_5_local_pref)
{
    expect(REACH ORIGIN AS_PATH "400503 000064", &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_LOCAL_PREF,
           BGP_UPDATE_LENGTH);
    discard(PREF, &ebgp, BGP_LOCAL_PREF, BGP_UPDATE_OPTIONAL);
    discard("c00503 000064", &ebgp, BGP_LOCAL_PREF, BGP_UPDATE_OPTIONAL); /* however wrong */
}
END_TEST

START_TEST(test_RFC7606_7_6_atomic_aggregate)
{
    discard("400601 00", &ibgp, BGP_ATOMIC_AGGREGATE, BGP_UPDATE_LENGTH);
}
END_TEST

START_TEST(test_RFC7606_7_7_aggregator)
{
    discard("c00706 fde8 01020304", &ibgp, BGP_AGGREGATOR, BGP_UPDATE_LENGTH);
    discard("c00708 0000fde8 01020304", &old, BGP_AGGREGATOR, BGP_UPDATE_LENGTH);
    discard("c00700", &ibgp, BGP_AGGREGATOR, BGP_UPDATE_LENGTH);
    discard("c00708 00000000 01020304", &ibgp, BGP_AGGREGATOR, BGP_UPDATE_OPTIONAL); /* RFC 7607 */
    fine(ANNOUNCE "c00708 0000fde8 01020304", &ibgp);
    ck_assert_uint_eq(u.attrs.aggregator_as, 65000);
}
END_TEST

START_TEST(test_RFC7606_7_8_community)
{
    withdraw("c00803 fde800", BGP_COMMUNITY, BGP_UPDATE_LENGTH);
    withdraw("c00805 fde8000100", BGP_COMMUNITY, BGP_UPDATE_LENGTH);
    fine(ANNOUNCE "c00808 fde80001 ffffff01", &ibgp);
    ck_assert_uint_eq(u.attrs.n_communities, 2);
    ck_assert_uint_eq(u.attrs.communities[1], 0xffffff01);
}
END_TEST

START_TEST(test_RFC7606_7_9_originator_id)
{
    withdraw("800903 010203", BGP_ORIGINATOR_ID, BGP_UPDATE_LENGTH);
    discard("800904 01020304", &ebgp, BGP_ORIGINATOR_ID, BGP_UPDATE_OPTIONAL);
    discard("800903 010203", &ebgp, BGP_ORIGINATOR_ID, BGP_UPDATE_OPTIONAL);
}
END_TEST

START_TEST(test_RFC7606_7_10_cluster_list)
{
    withdraw("800a03 010203", BGP_CLUSTER_LIST, BGP_UPDATE_LENGTH);
    withdraw("800a05 0102030405", BGP_CLUSTER_LIST, BGP_UPDATE_LENGTH);
    discard("800a04 01020304", &ebgp, BGP_CLUSTER_LIST, BGP_UPDATE_OPTIONAL);
    discard("800a03 010203", &ebgp, BGP_CLUSTER_LIST, BGP_UPDATE_OPTIONAL);
}
END_TEST

START_TEST(test_RFC7606_7_11_mp_reach_next_hop)
{
    static const char *const bad[] = {"800e1d 0019 46 05 c612000100 00 " ROUTE3,
                                      "800e18 0019 46 00 00 " ROUTE3, "800e05 0019 46 04 c6",
                                      "800e08 0019 46 04 c6120001"};
    char text[IPADDR_STRLEN];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        reset("", bad[i], "", BGP_UPDATE_OPTIONAL, bad[i]);
    fine("800e38 0019 46 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 " ROUTE3
             ORIGIN AS_PATH PREF,
         &ibgp);
    ck_assert_str_eq(ipaddr_format(&u.attrs.next_hop, text), "2001:db8::1");
}
END_TEST

/* By sections 3 and 5: it cannot be read, so the session goes. What it withdraws counts beside any error. */
START_TEST(test_RFC7606_7_12_mp_unreach)
{
    reset("", "800f02 0019", "", BGP_UPDATE_OPTIONAL, "800f02 0019");
    reset("", ANNOUNCE "800f15 0019 46 0311 0001c61200010001 00000000 20 c61200", "", BGP_UPDATE_OPTIONAL,
          "800f15 0019 46 0311 0001c61200010001 00000000 20 c61200");
    reset("", ANNOUNCE UNREACH UNREACH, "", BGP_UPDATE_ATTR_LIST, "");
    ck_assert_int_eq(decode("", ANNOUNCE UNREACH "800403 000001", "", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_uint_eq(u.n_unreach, 1);
}
END_TEST

/* Nobody looks into these two, so nothing in them is malformed; what is too long is an error like any other.
 */
START_TEST(test_RFC7606_7_13_traffic_engineering_and_7_16_attr_set)
{
    fine(ANNOUNCE "801803 010203", &ibgp);
    ck_assert_uint_eq(u.attrs.n_unknown, 0); /* not transitive */
    fine(ANNOUNCE "c08003 010203", &ibgp);
    ck_assert_uint_eq(u.attrs.n_unknown, 1);
    expect(ANNOUNCE "801804 010203", &ibgp, BGP_TREAT_AS_WITHDRAW, 0, BGP_UPDATE_ATTR_LIST);
    expect(ANNOUNCE "c08004 010203", &ibgp, BGP_TREAT_AS_WITHDRAW, 0, BGP_UPDATE_ATTR_LIST);
}
END_TEST

START_TEST(test_RFC7606_7_14_extended_community)
{
    withdraw("c01007 030c0000000000", BGP_EXT_COMMUNITY, BGP_UPDATE_LENGTH);
    withdraw("c01009 030c000000000008 00", BGP_EXT_COMMUNITY, BGP_UPDATE_LENGTH);
    fine(ANNOUNCE "c01008 7777777777777777", &ibgp); /* unknown ones are no error */
    ck_assert_uint_eq(u.attrs.n_extcoms, 1);
}
END_TEST

START_TEST(test_RFC7606_7_15_ipv6_extended_community)
{
    withdraw("c01913 00020db800000000000000000000000000000a", BGP_IPV6_EXT_COMMUNITY, BGP_UPDATE_LENGTH);
    fine(ANNOUNCE "c01914 000220010db80000000000000000000000000001", &ibgp);
    ck_assert_uint_eq(u.attrs.n_unknown, 1);
}
END_TEST

START_TEST(test_RFC8092_6_large_community)
{
    withdraw("c0200b 0000000100000002000000", BGP_LARGE_COMMUNITY, BGP_UPDATE_LENGTH);
    fine(ANNOUNCE "c0200c 00000001 00000002 00000003", &ibgp);
    ck_assert_uint_eq(u.attrs.large[0].part[2], 3);
}
END_TEST

START_TEST(test_RFC6514_5_pmsi)
{
    withdraw("c01604 00060027", BGP_PMSI_TUNNEL, BGP_UPDATE_LENGTH);
    withdraw("c01608 00060027 74c61200", BGP_PMSI_TUNNEL, BGP_UPDATE_OPTIONAL);
    withdraw("c01605 0006002774", BGP_PMSI_TUNNEL, BGP_UPDATE_OPTIONAL);
    fine(ANNOUNCE "c0160d 01 03 000000 01020304 e0000001",
         &ibgp); /* another type of tunnel: kept, not used */
    ck_assert_uint_eq(u.attrs.pmsi.id_len, 8);
    ck_assert_uint_eq(bgp_pmsi_endpoint(&u.attrs.pmsi).family, 0);
}
END_TEST

/* ---- sections 3 c, e, f, g, 4 and 7 again: every attribute with every error that an attribute can have */

struct sample {
    uint8_t type, flags;
    const char *value;
    enum bgp_verdict length; /* for a wrong one */
    bool internal;           /* discarded when it comes from an external peer */
};

static const struct sample samples[] = {
    {BGP_ORIGIN, 0x40, "00", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_AS_PATH, 0x40, "0201 0000fde8", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_NEXT_HOP, 0x40, "01020304", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_MED, 0x80, "00000001", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_LOCAL_PREF, 0x40, "00000064", BGP_TREAT_AS_WITHDRAW, true},
    {BGP_ATOMIC_AGGREGATE, 0x40, "", BGP_ATTRIBUTE_DISCARD, false},
    {BGP_AGGREGATOR, 0xc0, "0000fde8 01020304", BGP_ATTRIBUTE_DISCARD, false},
    {BGP_COMMUNITY, 0xc0, "fde80001", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_ORIGINATOR_ID, 0x80, "01020304", BGP_TREAT_AS_WITHDRAW, true},
    {BGP_CLUSTER_LIST, 0x80, "01020304", BGP_TREAT_AS_WITHDRAW, true},
    {BGP_EXT_COMMUNITY, 0xc0, "030c000000000008", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_PMSI_TUNNEL, 0xc0, "00 06 002774 c6120001", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_IPV6_EXT_COMMUNITY, 0xc0, "000220010db80000000000000000000000000001", BGP_TREAT_AS_WITHDRAW, false},
    {BGP_LARGE_COMMUNITY, 0xc0, "000000010000000200000003", BGP_TREAT_AS_WITHDRAW, false},
};

/* A good announcement in which the sample's attribute has these flags, so many bytes more or fewer than it
 * should, and `says` as its length; `times` of it. */
static const char *with_sample(const struct sample *s, uint8_t flags, int more, int says, int times)
{
    static char attrs[512];
    uint8_t value[32];
    size_t n = unhex(s->value, value);

    snprintf(attrs, sizeof(attrs), "%s%s%s%s", REACH, s->type == BGP_ORIGIN ? "" : ORIGIN,
             s->type == BGP_AS_PATH ? "" : AS_PATH, s->type == BGP_LOCAL_PREF ? "" : PREF);
    while (times-- > 0) {
        size_t at = strlen(attrs);

        at += (size_t)snprintf(attrs + at, sizeof(attrs) - at, "%02x%02x%02x", flags, s->type,
                               (unsigned)((int)n + more + says));
        for (size_t i = 0; (int)i < (int)n + more; i++)
            at += (size_t)snprintf(attrs + at, sizeof(attrs) - at, "%02x", i < n ? value[i] : 0);
    }
    return attrs;
}

START_TEST(test_RFC7606_every_attribute_with_every_error)
{
    const struct sample *s = &samples[_i];
    static const uint8_t kinds[] = {0x00, 0x40, 0x80, 0xc0};
    uint8_t value[32];

    fine(with_sample(s, s->flags, 0, 0, 1), &ibgp);
    for (int more = -1; more <= 1; more++) {
        if (more == 0 || (more < 0 && unhex(s->value, value) == 0))
            continue;
        ck_assert_int_eq(decode("", with_sample(s, s->flags, more, 0, 1), "", &ibgp), 0);
        ck_assert_int_eq(u.verdict, s->length);
        ck_assert_uint_eq(u.errors[0].type, s->type);
        ck_assert_uint_eq(u.n_errors, 1); /* and not a missing one too */
    }
    for (size_t i = 0; i < sizeof(kinds); i++)
        if (kinds[i] != s->flags)
            expect(with_sample(s, kinds[i], 0, 0, 1), &ibgp, BGP_TREAT_AS_WITHDRAW, s->type,
                   BGP_UPDATE_FLAGS);
    ck_assert_int_eq(decode("", with_sample(s, s->flags, 0, 0, 3), "", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_ATTRIBUTE_DISCARD);
    ck_assert_uint_eq(u.n_errors, 2);
    ck_assert_uint_eq(u.errors[0].subcode, BGP_UPDATE_ATTR_LIST);
    ck_assert_int_eq(decode("", with_sample(s, s->flags, 0, 1, 1), "", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_uint_eq(u.errors[0].type, 0);
    if (!s->internal)
        return;
    for (int more = -1; more <= 1; more++) {
        ck_assert_int_eq(decode("", with_sample(s, s->flags, more, 0, 1), "", &ebgp), 0);
        ck_assert_int_eq(u.verdict, BGP_ATTRIBUTE_DISCARD);
        ck_assert(!bgp_attrs_has(&u.attrs, (enum bgp_attr_type)s->type));
    }
}
END_TEST

/* ---- RFC 6793 section 6, and what is unknown */

START_TEST(test_RFC6793_6_as4_attributes)
{
    discard("c01106 0201 0000fde8", &ibgp, BGP_AS4_PATH, BGP_UPDATE_OPTIONAL); /* a peer that needs none */
    discard("c01208 0000fde8 01020304", &ibgp, BGP_AS4_AGGREGATOR, BGP_UPDATE_OPTIONAL);
    discard("c01106 0202 0000fde8", &old, BGP_AS4_PATH, BGP_UPDATE_OPTIONAL);
    discard("c01106 0501 0000fde8", &old, BGP_AS4_PATH, BGP_UPDATE_OPTIONAL);
    discard("c01106 0201 00000000", &old, BGP_AS4_PATH, BGP_UPDATE_OPTIONAL);
    discard("c01206 fde8 01020304", &old, BGP_AS4_AGGREGATOR, BGP_UPDATE_LENGTH);
    discard("c01208 00000000 01020304", &old, BGP_AS4_AGGREGATOR, BGP_UPDATE_OPTIONAL);
}
END_TEST

START_TEST(test_RFC6793_4_2_3_union)
{
    char text[64];

    fine(REACH ORIGIN "400206 0202 fde8 5ba0" PREF "c0110c 0301 00000009 0201 fa56ea01"
                      "c00706 5ba0 01020304"
                      "c01208 fa56ea01 01020304",
         &old);
    ck_assert_str_eq(bgp_as_path_format(&u.attrs.as_path, text, sizeof(text)), "65000 4200000001");
    ck_assert_uint_eq(u.attrs.aggregator_as, 4200000001);
    /* An AGGREGATOR with a real AS says that both AS4_ attributes are stale. */
    fine(REACH ORIGIN "400206 0202 fde8 5ba0" PREF "c01106 0201 fa56ea01"
                      "c00706 fde8 01020304"
                      "c01208 fa56ea01 01020304",
         &old);
    ck_assert_str_eq(bgp_as_path_format(&u.attrs.as_path, text, sizeof(text)), "65000 23456");
    ck_assert_uint_eq(u.attrs.aggregator_as, 65000);
}
END_TEST

START_TEST(test_RFC4271_6_3_unknown_attributes)
{
    uint8_t want[16];

    reset("", ANNOUNCE "40c801aa", "", BGP_UPDATE_UNKNOWN_WELL_KNOWN, "40c801aa");
    reset("", ANNOUNCE "00c801aa", "", BGP_UPDATE_UNKNOWN_WELL_KNOWN, "00c801aa");
    fine(ANNOUNCE "80c801aa", &ibgp); /* not transitive: quietly ignored */
    ck_assert_uint_eq(u.attrs.n_unknown, 0);
    fine(ANNOUNCE "c0c801aa", &ibgp); /* transitive: kept, Partial */
    ck_assert_uint_eq(u.attrs.n_unknown, 1);
    ck_assert_uint_eq(u.attrs.unknown_len, unhex("f0c80001aa", want));
    ck_assert_mem_eq(u.attrs.unknown, want, 5);
}
END_TEST

static void add_tests_1(TCase *tc)
{
    tcase_add_test(tc, test_RFC7606_7_1_origin);
    tcase_add_test(tc, test_RFC7606_7_2_as_path);
    tcase_add_test(tc, test_RFC7606_7_2_first_as_of_an_external_peer);
    tcase_add_test(tc, test_as_path_too_long_to_keep_is_withdrawn);
    tcase_add_test(tc, test_RFC7606_7_3_next_hop);
    tcase_add_test(tc, test_RFC7606_7_4_med);
    tcase_add_test(tc, test_RFC7606_7_5_local_pref);
    tcase_add_test(tc, test_RFC7606_7_6_atomic_aggregate);
    tcase_add_test(tc, test_RFC7606_7_7_aggregator);
    tcase_add_test(tc, test_RFC7606_7_8_community);
    tcase_add_test(tc, test_RFC7606_7_9_originator_id);
    tcase_add_test(tc, test_RFC7606_7_10_cluster_list);
    tcase_add_test(tc, test_RFC7606_7_11_mp_reach_next_hop);
    tcase_add_test(tc, test_RFC7606_7_12_mp_unreach);
    tcase_add_test(tc, test_RFC7606_7_13_traffic_engineering_and_7_16_attr_set);
    tcase_add_test(tc, test_RFC7606_7_14_extended_community);
    tcase_add_test(tc, test_RFC7606_7_15_ipv6_extended_community);
    tcase_add_test(tc, test_RFC8092_6_large_community);
    tcase_add_test(tc, test_RFC6514_5_pmsi);
    tcase_add_loop_test(tc, test_RFC7606_every_attribute_with_every_error, 0,
                        (int)(sizeof(samples) / sizeof(samples[0])));
}

static void add_tests_2(TCase *tc)
{
    tcase_add_test(tc, test_RFC6793_6_as4_attributes);
    tcase_add_test(tc, test_RFC6793_4_2_3_union);
    tcase_add_test(tc, test_RFC4271_6_3_unknown_attributes);
}

int main(void)
{
    Suite *s = suite_create("bgp_update_attrs");
    TCase *tc = tcase_create("bgp_update_attrs");

    suite_add_tcase(s, tc);
    add_tests_1(tc);
    add_tests_2(tc);
    return run_suite(s);
}
