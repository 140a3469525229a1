/* SPDX-License-Identifier: BSD-3-Clause
 *
 * UPDATE as a whole: RFC 7606 sections 3 to 5, and what is bounded. Attribute by attribute:
 * test_bgp_update_attrs.c.
 */
#include "tests/unit/bgp_update_rig.h"
#include "tests/unit/suite.h"

START_TEST(test_a_good_update)
{
    fine(ANNOUNCE, &ibgp);
    ck_assert(u.has_reach);
    ck_assert_uint_eq(u.n_reach, 1);
    fine(REACH ORIGIN AS_PATH, &ebgp);
    fine(UNREACH, &ibgp); /* withdrawals need nothing else */
    ck_assert_uint_eq(u.n_unreach, 1);
    ck_assert(!u.end_of_rib);
}
END_TEST

/* ---- section 3 */

START_TEST(test_RFC7606_3_b_lengths_pass_the_message)
{
    uint8_t body[16];

    for (int i = 0; i < 3; i++) {
        static const char *const bad[] = {"0001 0000", "0000 0001", "0000 0004 400101"};

        ck_assert_int_eq(bgp_update_decode(body, unhex(bad[i], body), &ibgp, &u, &err), -EPROTO);
        ck_assert_uint_eq(err.code, BGP_ERR_UPDATE);
        ck_assert_uint_eq(err.subcode, BGP_UPDATE_ATTR_LIST);
        ck_assert_uint_eq(err.data_len, 0);
    }
}
END_TEST

START_TEST(test_RFC7606_3_c_flags)
{
    static const struct {
        const char *wrong;
        uint8_t type;
    } t[] = {
        {REACH "c00101 00" AS_PATH PREF, BGP_ORIGIN},
        {REACH "000101 00" AS_PATH PREF, BGP_ORIGIN},
        {REACH ORIGIN "c00206 0201 0000fde8" PREF, BGP_AS_PATH},
        {ANNOUNCE "800304 01020304", BGP_NEXT_HOP},
        {ANNOUNCE "400404 00000001", BGP_MED},
        {ANNOUNCE "c00404 00000001", BGP_MED},
        {REACH ORIGIN AS_PATH "c00504 00000064", BGP_LOCAL_PREF},
        {ANNOUNCE "c00600", BGP_ATOMIC_AGGREGATE},
        {ANNOUNCE "800708 0000fde8 01020304", BGP_AGGREGATOR},
        {ANNOUNCE "800804 fde80001", BGP_COMMUNITY},
        {ANNOUNCE "c00904 01020304", BGP_ORIGINATOR_ID},
        {ANNOUNCE "c00a04 01020304", BGP_CLUSTER_LIST},
        {ANNOUNCE "801008 030c000000000008", BGP_EXT_COMMUNITY},
        {ANNOUNCE "401609 0006002774c6120001", BGP_PMSI_TUNNEL},
        {ANNOUNCE "80200c 000000010000000200000003", BGP_LARGE_COMMUNITY},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        expect(t[i].wrong, &ibgp, BGP_TREAT_AS_WITHDRAW, t[i].type, BGP_UPDATE_FLAGS);
}
END_TEST

START_TEST(test_RFC7606_3_c_other_flag_bits_are_not_looked_at)
{
    fine(REACH "6f0101 00" AS_PATH PREF, &ibgp);   /* Partial and the unused four */
    fine(REACH "50010001 00" AS_PATH PREF, &ibgp); /* extended length, though short */
    fine(ANNOUNCE "e01008 030c000000000008", &ibgp);
    ck_assert_uint_eq(u.attrs.n_extcoms, 1);
}
END_TEST

START_TEST(test_RFC7606_3_d_missing_attributes)
{
    expect(REACH AS_PATH PREF, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_ORIGIN, BGP_UPDATE_MISSING);
    expect(REACH ORIGIN PREF, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_AS_PATH, BGP_UPDATE_MISSING);
    expect(REACH ORIGIN AS_PATH, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_LOCAL_PREF, BGP_UPDATE_MISSING);
    ck_assert_int_eq(decode("", REACH, "", &ebgp), 0);
    ck_assert_uint_eq(u.n_errors, 2);
    ck_assert_int_eq(decode("", ORIGIN AS_PATH PREF, "18 0a0000", &ibgp), 0); /* IPv4 needs a NEXT_HOP */
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_uint_eq(u.errors[0].type, BGP_NEXT_HOP);
    ck_assert_int_eq(decode("", ORIGIN AS_PATH PREF "400304 01020304", "18 0a0000", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_FINE);
}
END_TEST

START_TEST(test_RFC7606_3_g_duplicates)
{
    expect(ANNOUNCE "400101 02", &ibgp, BGP_ATTRIBUTE_DISCARD, BGP_ORIGIN, BGP_UPDATE_ATTR_LIST);
    ck_assert_uint_eq(u.attrs.origin, BGP_ORIGIN_IGP); /* the first counts */
    expect(ANNOUNCE "c01008 030c000000000008 c01008 030c00000000000a", &ibgp, BGP_ATTRIBUTE_DISCARD,
           BGP_EXT_COMMUNITY, BGP_UPDATE_ATTR_LIST);
    ck_assert_int_eq(bgp_attrs_is_vxlan(&u.attrs), 1);
    expect(ANNOUNCE "c0c801aa c0c801bb", &ibgp, BGP_ATTRIBUTE_DISCARD, 200, BGP_UPDATE_ATTR_LIST);
    ck_assert_uint_eq(u.attrs.n_unknown, 1);
}
END_TEST

START_TEST(test_RFC7606_3_g_mp_attributes_twice)
{
    reset("", ANNOUNCE REACH, "", BGP_UPDATE_ATTR_LIST, "");
    reset("", UNREACH UNREACH, "", BGP_UPDATE_ATTR_LIST, "");
    reset("", ANNOUNCE "800e0a 0001 01 04 c6120001 00 00" REACH, "", BGP_UPDATE_ATTR_LIST,
          ""); /* of any family */
}
END_TEST

/* Wrong as it is; the second one, which is right, does not mend it. */
START_TEST(test_RFC7606_3_g_the_first_counts)
{
    expect(REACH "400101 03 400101 00" AS_PATH PREF, &ibgp, BGP_TREAT_AS_WITHDRAW, BGP_ORIGIN,
           BGP_UPDATE_ORIGIN);
    ck_assert_uint_eq(u.n_errors, 2);
}
END_TEST

START_TEST(test_RFC7606_3_h_the_worst_verdict_counts)
{
    ck_assert_int_eq(decode("", ANNOUNCE "400101 00 800403 000001 400600 400600", "", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_uint_eq(u.n_errors, 3);
    reset("", ANNOUNCE "800403 000001 00c800", "", BGP_UPDATE_UNKNOWN_WELL_KNOWN, "00c800");
}
END_TEST

START_TEST(test_many_errors_are_counted_and_the_worst_is_kept)
{
    char attrs[1024] = ANNOUNCE;

    for (int i = 0; i < 12; i++)
        strcat(attrs, ORIGIN);
    strcat(attrs, "800403 000001");
    ck_assert_int_eq(decode("", attrs, "", &ibgp), 0);
    ck_assert_uint_eq(u.n_errors, 13);
    ck_assert_uint_eq(u.errors[BGP_UPDATE_ERRORS - 1].type, BGP_MED);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
}
END_TEST

/* ---- section 4 */

START_TEST(test_RFC7606_4_attribute_lengths_conflict)
{
    expect(ANNOUNCE "800405 00000001", &ibgp, BGP_TREAT_AS_WITHDRAW, 0, BGP_UPDATE_ATTR_LIST);
    expect(ANNOUNCE "80", &ibgp, BGP_TREAT_AS_WITHDRAW, 0, BGP_UPDATE_ATTR_LIST);
    expect(ANNOUNCE "8004", &ibgp, BGP_TREAT_AS_WITHDRAW, 0, BGP_UPDATE_ATTR_LIST);
    expect(ANNOUNCE "900400", &ibgp, BGP_TREAT_AS_WITHDRAW, 0, BGP_UPDATE_ATTR_LIST); /* half a long length */
}
END_TEST

START_TEST(test_RFC7606_4_zero_length)
{
    static const uint8_t types[] = {
        BGP_ORIGIN,         BGP_NEXT_HOP,     BGP_MED,           BGP_LOCAL_PREF,  BGP_COMMUNITY,
        BGP_ORIGINATOR_ID,  BGP_CLUSTER_LIST, BGP_EXT_COMMUNITY, BGP_PMSI_TUNNEL, BGP_IPV6_EXT_COMMUNITY,
        BGP_LARGE_COMMUNITY};

    for (size_t i = 0; i < sizeof(types); i++) {
        char attrs[256];

        snprintf(attrs, sizeof(attrs), "%s%s%s%s%02x%02x00", REACH, types[i] == BGP_ORIGIN ? "" : ORIGIN,
                 AS_PATH, types[i] == BGP_LOCAL_PREF ? "" : PREF, (unsigned)bgp_attr_flags(types[i]),
                 types[i]);
        expect(attrs, &ibgp, BGP_TREAT_AS_WITHDRAW, types[i], BGP_UPDATE_LENGTH);
    }
    fine(REACH ORIGIN "400200" PREF "400600", &ibgp); /* AS_PATH and ATOMIC_AGGREGATE may be empty */
}
END_TEST

/* ---- section 5 */

START_TEST(test_RFC7606_5_1_any_order_and_combination)
{
    fine(ORIGIN PREF AS_PATH REACH, &ibgp);
    ck_assert_uint_eq(u.n_reach, 1);
    fine(UNREACH ANNOUNCE, &ibgp);
    ck_assert_uint_eq(u.n_reach, 1);
    ck_assert_uint_eq(u.n_unreach, 1);
    ck_assert_int_eq(decode("18 0a0000", ANNOUNCE "400304 01020304" UNREACH, "18 0a0001", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_FINE);
    ck_assert_uint_eq(u.n_reach + u.n_unreach + u.n_other, 4);
    /* Found by the Total Attribute Length, whatever the attributes say. */
    ck_assert_int_eq(decode("", ANNOUNCE "400304 01020304 8004ff", "18 0a0001", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
    ck_assert_uint_eq(u.n_other, 1);
}
END_TEST

START_TEST(test_RFC7606_5_2_an_error_where_nothing_is_announced)
{
    reset("", UNREACH "400101 03", "", BGP_UPDATE_ORIGIN, "400101 03");
    reset("", ORIGIN "800403 000001", "", BGP_UPDATE_LENGTH, "800403 000001");
    reset("", UNREACH "8004", "", BGP_UPDATE_ATTR_LIST, "");
    reset("", "800e09 0019 46 04 c6120001 00 400101 03", "", BGP_UPDATE_ORIGIN,
          "400101 03"); /* no route in it */
    /* Attribute discard is not such an error. */
    ck_assert_int_eq(decode("", UNREACH "400601 00", "", &ibgp), 0);
    ck_assert_int_eq(u.verdict, BGP_ATTRIBUTE_DISCARD);
    ck_assert_uint_eq(u.n_unreach, 1);
}
END_TEST

START_TEST(test_RFC7606_3_i_and_5_3_ipv4_prefixes)
{
    reset("21 0a000000 00", "", "", BGP_UPDATE_NETWORK, "");
    reset("18 0a00", "", "", BGP_UPDATE_NETWORK, "");
    reset("", ORIGIN AS_PATH PREF, "21 0a00000000", BGP_UPDATE_NETWORK, "");
    reset("", ORIGIN AS_PATH PREF, "20 0a0000", BGP_UPDATE_NETWORK, "");
    ck_assert_int_eq(decode("18 0a0000 00 20 01020304", "", "", &ibgp), 0);
    ck_assert_uint_eq(u.n_other, 3);
    ck_assert(!u.other_end_of_rib);
}
END_TEST

START_TEST(test_RFC7606_5_3_flags_of_mp_attributes)
{
    reset("", "c00f16 0019 46 " ROUTE3, "", BGP_UPDATE_FLAGS, "c00f16 0019 46 " ROUTE3);
    reset("", "400e1c 0019 46 04 c6120001 00 " ROUTE3 ORIGIN AS_PATH PREF, "", BGP_UPDATE_FLAGS,
          "400e1c 0019 46 04 c6120001 00 " ROUTE3);
}
END_TEST

START_TEST(test_RFC7606_5_3_mp_attributes_too_short)
{
    reset("", "800f00", "", BGP_UPDATE_OPTIONAL, "800f00");
    reset("", "800f02 0019", "", BGP_UPDATE_OPTIONAL, "800f02 0019");
    reset("", "800e04 0019 46 00", "", BGP_UPDATE_OPTIONAL, "800e04 0019 46 00");
    reset("", "800e03 0019 46", "", BGP_UPDATE_OPTIONAL, "800e03 0019 46");
}
END_TEST

START_TEST(test_RFC7606_5_3_routes_that_cannot_be_read)
{
    reset("", "800e1b 0019 46 04 c6120001 00 0311 0001c61200010001 00000000 20 c61200", "",
          BGP_UPDATE_OPTIONAL, "800e1b 0019 46 04 c6120001 00 0311 0001c61200010001 00000000 20 c61200");
    reset("", "800f04 0019 46 02", "", BGP_UPDATE_OPTIONAL, "800f04 0019 46 02");
    reset("", "800f05 0019 46 0200", "", BGP_UPDATE_OPTIONAL, "800f05 0019 46 0200");
}
END_TEST

START_TEST(test_RFC7606_5_4_unknown_route_types)
{
    fine("800e21 0019 46 04 c6120001 00 0903aabbcc " ROUTE3 ORIGIN AS_PATH PREF, &ibgp);
    ck_assert_uint_eq(u.n_reach, 1);
    ck_assert_uint_eq(u.n_unknown, 1);
}
END_TEST

START_TEST(test_R2_2_a_bad_route_costs_only_itself)
{
    fine(
        "800e2f 0019 46 04 c6120001 00 0311 0001c61200010001 00000000 21 c6120001" ROUTE3 ORIGIN AS_PATH PREF,
        &ibgp);
    ck_assert_uint_eq(u.n_reach, 1);
    ck_assert_uint_eq(u.n_bad, 1);
    ck_assert_ptr_nonnull(u.bad_why);
}
END_TEST

/* Types 1, 4 and 5 of 5 bytes, and a good one behind them. */
START_TEST(test_R3_7_unused_types_of_any_length_cost_only_themselves)
{
    fine("800e31 0019 46 04 c6120001 00 01050102030405 04050102030405 05050102030405 " ROUTE3 ORIGIN AS_PATH
             PREF,
         &ibgp);
    ck_assert_uint_eq(u.n_reach, 1);
    ck_assert_uint_eq(u.n_bad, 3);
    fine("800f0a 0019 46 05050102030405", &ibgp);
    ck_assert_uint_eq(u.n_bad, 1);
}
END_TEST

START_TEST(test_RFC4760_other_families)
{
    fine("800e0a 0001 01 04 c6120001 00 00" ORIGIN AS_PATH PREF, &ibgp);
    ck_assert(!u.has_reach);
    ck_assert_uint_eq(u.n_other, 1);
    fine("800f04 0001 02 00", &ibgp);
    ck_assert_uint_eq(u.n_other, 1);
}
END_TEST

START_TEST(test_R2_7_end_of_rib)
{
    fine("800f03 0019 46", &ibgp);
    ck_assert(u.end_of_rib);
    fine("900f0003 0019 46", &ibgp); /* as FRR writes it */
    ck_assert(u.end_of_rib);
    fine("800f03 0019 46" REACH ORIGIN AS_PATH PREF, &ibgp); /* with a route it is none */
    ck_assert(!u.end_of_rib);
    fine("800f03 0001 02", &ibgp);
    ck_assert(u.other_end_of_rib && !u.end_of_rib);
    fine("", &ibgp); /* of IPv4 */
    ck_assert(u.other_end_of_rib && !u.end_of_rib);
    ck_assert_int_eq(decode("18 0a0000", "800f03 0019 46", "", &ibgp), 0);
    ck_assert(!u.end_of_rib);
}
END_TEST

START_TEST(test_lists_are_bounded_and_counted)
{
    uint8_t body[BGP_MSG_MAX];
    struct buf_out out;
    size_t hole;

    buf_out_init(&out, body, sizeof(body));
    buf_put_u16(&out, 0);
    hole = buf_hole_u16(&out);
    out.len += unhex(ANNOUNCE "d010 0200", body + out.len); /* 64 of 8 bytes */
    for (unsigned i = 0; i < 64; i++)
        out.len += unhex("0002fde800002774", body + out.len);
    out.len += unhex("d008 0130", body + out.len); /* 76 of 4 */
    for (unsigned i = 0; i < 76; i++)
        buf_put_u32(&out, i);
    out.len += unhex("d020 0198", body + out.len); /* 34 of 12 */
    for (unsigned i = 0; i < 34 * 3; i++)
        buf_put_u32(&out, i);
    out.len += unhex("d0c8 0500", body + out.len); /* 1280 unknown bytes */
    for (unsigned i = 0; i < 320; i++)
        buf_put_u32(&out, i);
    buf_fill_u16(&out, hole);
    ck_assert_int_eq(bgp_update_decode(body, out.len, &ibgp, &u, &err), 0);
    ck_assert_int_eq(u.verdict, BGP_FINE);
    ck_assert_uint_eq(u.attrs.n_extcoms, BGP_EXTCOMS);
    ck_assert_uint_eq(u.attrs.n_communities, BGP_COMMUNITIES);
    ck_assert_uint_eq(u.attrs.n_large, BGP_LARGE);
    ck_assert_uint_eq(u.attrs.unknown_len, 0);
    ck_assert_uint_eq(u.attrs.n_unknown, 1);
    ck_assert_uint_eq(u.attrs.cut, 12 + 2 + 1);
}
END_TEST

START_TEST(test_cluster_list_too_long_to_keep_is_withdrawn)
{
    uint8_t body[BGP_MSG_MAX];
    struct buf_out out;
    size_t hole;

    buf_out_init(&out, body, sizeof(body));
    buf_put_u16(&out, 0);
    hole = buf_hole_u16(&out);
    out.len += unhex(ANNOUNCE "900a 0104", body + out.len);
    for (unsigned i = 0; i < 65; i++)
        buf_put_u32(&out, i);
    buf_fill_u16(&out, hole);
    ck_assert_int_eq(bgp_update_decode(body, out.len, &ibgp, &u, &err), 0);
    ck_assert_int_eq(u.verdict, BGP_TREAT_AS_WITHDRAW);
}
END_TEST

/* The 65th is the MAC Mobility community with sequence 77: read without it the route would be an old one. */
START_TEST(test_R4_1_more_extended_communities_than_are_kept_are_withdrawn)
{
    uint8_t body[BGP_MSG_MAX];
    struct buf_out out;
    size_t hole;

    for (unsigned n = 63; n <= 64; n++) {
        buf_out_init(&out, body, sizeof(body));
        buf_put_u16(&out, 0);
        hole = buf_hole_u16(&out);
        out.len += unhex(ANNOUNCE "d010", body + out.len);
        buf_put_u16(&out, (uint16_t)(8 * (n + 1)));
        for (unsigned i = 0; i < n; i++)
            out.len += unhex("0002fde800002774", body + out.len);
        out.len += unhex("060000000000004d", body + out.len);
        buf_fill_u16(&out, hole);
        ck_assert_int_eq(bgp_update_decode(body, out.len, &ibgp, &u, &err), 0);
        ck_assert_int_eq(u.verdict, n < 64 ? BGP_FINE : BGP_TREAT_AS_WITHDRAW);
        if (n < 64)
            ck_assert_uint_eq(bgp_extcom_sequence(bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_MOBILITY)), 77);
    }
    ck_assert_int_eq(u.errors[0].type, BGP_EXT_COMMUNITY);
}
END_TEST

/* Cut at every byte, first with the lengths as they were (never good), then with the lengths mended (never a
 * crash). */
START_TEST(test_updates_truncated_anywhere)
{
    uint8_t whole[600] = {0};
    size_t len = vector_bytes(bgp_vectors[_i], whole) - 19;

    if (whole[18] != BGP_UPDATE)
        return;
    for (size_t have = 0; have < len; have++) {
        uint8_t *exact = malloc(have + 1);

        memcpy(exact, whole + 19, have);
        ck_assert_int_eq(bgp_update_decode(exact, have, &ibgp, &u, &err), -EPROTO);
        ck_assert_uint_eq(err.subcode, BGP_UPDATE_ATTR_LIST);
        if (have >= 4) {
            int rc;

            exact[2] = (uint8_t)((have - 4) >> 8);
            exact[3] = (uint8_t)(have - 4);
            rc = bgp_update_decode(exact, have, &ibgp, &u, &err);
            ck_assert(rc == -EPROTO || (rc == 0 && u.verdict < BGP_SESSION_RESET));
        }
        free(exact);
    }
}
END_TEST

static void add_tests_1(TCase *tc)
{
    tcase_add_test(tc, test_a_good_update);
    tcase_add_test(tc, test_RFC7606_3_b_lengths_pass_the_message);
    tcase_add_test(tc, test_RFC7606_3_c_flags);
    tcase_add_test(tc, test_RFC7606_3_c_other_flag_bits_are_not_looked_at);
    tcase_add_test(tc, test_RFC7606_3_d_missing_attributes);
    tcase_add_test(tc, test_RFC7606_3_g_duplicates);
    tcase_add_test(tc, test_RFC7606_3_g_mp_attributes_twice);
    tcase_add_test(tc, test_RFC7606_3_g_the_first_counts);
    tcase_add_test(tc, test_RFC7606_3_h_the_worst_verdict_counts);
    tcase_add_test(tc, test_many_errors_are_counted_and_the_worst_is_kept);
    tcase_add_test(tc, test_RFC7606_4_attribute_lengths_conflict);
    tcase_add_test(tc, test_RFC7606_4_zero_length);
    tcase_add_test(tc, test_RFC7606_5_1_any_order_and_combination);
    tcase_add_test(tc, test_RFC7606_5_2_an_error_where_nothing_is_announced);
    tcase_add_test(tc, test_RFC7606_3_i_and_5_3_ipv4_prefixes);
    tcase_add_test(tc, test_RFC7606_5_3_flags_of_mp_attributes);
    tcase_add_test(tc, test_RFC7606_5_3_mp_attributes_too_short);
    tcase_add_test(tc, test_RFC7606_5_3_routes_that_cannot_be_read);
    tcase_add_test(tc, test_RFC7606_5_4_unknown_route_types);
    tcase_add_test(tc, test_R2_2_a_bad_route_costs_only_itself);
    tcase_add_test(tc, test_R3_7_unused_types_of_any_length_cost_only_themselves);
}

static void add_tests_2(TCase *tc)
{
    tcase_add_test(tc, test_RFC4760_other_families);
    tcase_add_test(tc, test_R2_7_end_of_rib);
    tcase_add_test(tc, test_lists_are_bounded_and_counted);
    tcase_add_test(tc, test_cluster_list_too_long_to_keep_is_withdrawn);
    tcase_add_test(tc, test_R4_1_more_extended_communities_than_are_kept_are_withdrawn);
    tcase_add_loop_test(tc, test_updates_truncated_anywhere, 0,
                        (int)(sizeof(bgp_vectors) / sizeof(bgp_vectors[0])));
}

int main(void)
{
    Suite *s = suite_create("bgp_update");
    TCase *tc = tcase_create("bgp_update");

    suite_add_tcase(s, tc);
    add_tests_1(tc);
    add_tests_2(tc);
    return run_suite(s);
}
