/* SPDX-License-Identifier: BSD-3-Clause
 *
 * EVPN routes: every type both ways, every length that is wrong, keys and text.
 */
#include "controlplane/evpn.h"
#include "tests/unit/bgp_vectors.h"

#include <check.h>

#define RD   "0001c61200010001"
#define ESI0 "00000000000000000000"
#define ESI1 "00112233445566778899"
#define TAG  "00000000"
#define MAC  "020000000001"
#define IP4  "0a000001"
#define IP6  "20010db8000000000000000000000001"

static const char *const all_routes[] = {
    "0119" RD ESI1 "0000000a"
    "002774",
    "0221" RD ESI0 TAG "30" MAC "00"
    "002774",
    "0224" RD ESI0 TAG "30" MAC "00"
    "002774"
    "00000a",
    "0225" RD ESI0 TAG "30" MAC "20" IP4 "002774",
    "0228" RD ESI1 TAG "30" MAC "20" IP4 "002774"
    "ffffff",
    "0231" RD ESI0 TAG "30" MAC "80" IP6 "002774",
    "0234" RD ESI0 TAG "30" MAC "80" IP6 "002774"
    "00000a",
    "0311" RD TAG "20" IP4,
    "031d" RD TAG "80" IP6,
    "0417" RD ESI1 "20" IP4,
    "0423" RD ESI1 "80" IP6,
    "0522" RD ESI0 TAG "18"
    "0a010000" IP4 "002774",
    "053a" RD ESI0 TAG "40"
    "20010db8000000010000000000000000" IP6 "002774",
};
#define N_ROUTES (sizeof(all_routes) / sizeof(all_routes[0]))

/* First step over one list. */
static enum evpn_found first(const char *hex, struct evpn_nlri *n)
{
    uint8_t bytes[600];
    struct buf_in in;
    const char *why;
    enum evpn_found found;

    buf_in_init(&in, bytes, unhex(hex, bytes));
    found = evpn_next(&in, n, &why);
    ck_assert((why != NULL) == (found == EVPN_BAD || found == EVPN_BROKEN));
    return found;
}

static struct evpn_nlri route(const char *hex)
{
    struct evpn_nlri n;

    ck_assert_int_eq(first(hex, &n), EVPN_ROUTE);
    return n;
}

START_TEST(test_R3_7_every_type_round_trip)
{
    uint8_t want[64], got[64];
    size_t len = unhex(all_routes[_i], want);
    struct evpn_nlri n = route(all_routes[_i]);
    struct buf_out out;

    buf_out_init(&out, got, sizeof(got));
    evpn_encode(&n, &out);
    ck_assert(!out.failed);
    ck_assert_uint_eq(out.len, len);
    ck_assert_mem_eq(got, want, len);
    ck_assert_uint_le(len, EVPN_NLRI_MAX);
    for (size_t size = 0; size < len; size++) {
        buf_out_init(&out, got, size);
        evpn_encode(&n, &out);
        ck_assert(out.failed);
    }
}
END_TEST

START_TEST(test_RFC7606_5_3_truncated_anywhere)
{
    uint8_t bytes[64];
    size_t len = unhex(all_routes[_i], bytes);
    struct evpn_nlri n;
    struct buf_in in;
    const char *why;

    for (size_t cut = 1; cut < len; cut++) {
        uint8_t *exact = malloc(cut); /* so that a read too far is seen by ASan */

        memcpy(exact, bytes, cut);
        buf_in_init(&in, exact, cut);
        ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_BROKEN);
        ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_BROKEN);
        free(exact);
    }
}
END_TEST

/* The value shortened and its length with it: framed well, but no route of this type is as long. Left out are
 * the lengths that are another form's: type 2 without its second label, type 5 with IPv4. */
START_TEST(test_RFC7606_5_3_R3_7_length_of_no_route)
{
    uint8_t bytes[64];
    size_t len = unhex(all_routes[_i], bytes);
    struct evpn_nlri n;
    struct buf_in in;
    const char *why;
    bool used;

    for (size_t value = 0; value + 2 < len; value++) {
        bytes[1] = (uint8_t)value;
        if ((bytes[0] == EVPN_MACIP && value + 5 == len) || (bytes[0] == EVPN_PREFIX && value == 34))
            continue;
        used = bytes[0] == EVPN_MACIP || bytes[0] == EVPN_IMET;
        buf_in_init(&in, bytes, value + 2);
        ck_assert_int_eq(evpn_next(&in, &n, &why), used ? EVPN_BROKEN : EVPN_BAD);
        ck_assert_int_eq(evpn_next(&in, &n, &why), used ? EVPN_BROKEN : EVPN_END);
    }
}
END_TEST

START_TEST(test_R3_1_vni_is_the_whole_label)
{
    ck_assert_uint_eq(route("0221" RD ESI0 TAG "30" MAC "00"
                            "00000a")
                          .label,
                      10);
    ck_assert_uint_eq(route("0221" RD ESI0 TAG "30" MAC "00"
                            "ffffff")
                          .label,
                      0xffffff);
}
END_TEST

START_TEST(test_R2_2_unknown_types_are_stepped_over)
{
    uint8_t bytes[600];
    struct evpn_nlri n;
    struct buf_in in;
    const char *why;

    buf_in_init(&in, bytes, unhex("0603aabbcc 0700 0b01ff 0000 ff02aabb 0311" RD TAG "20" IP4, bytes));
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_UNKNOWN);
    ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_ROUTE);
    ck_assert_int_eq(n.type, EVPN_IMET);
    ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_END);
}
END_TEST

START_TEST(test_RFC7606_5_3_unknown_type_too_long)
{
    struct evpn_nlri n;

    ck_assert_int_eq(first("0604aabbcc", &n), EVPN_BROKEN);
    ck_assert_int_eq(first("06", &n), EVPN_BROKEN);
}
END_TEST

START_TEST(test_RFC7432_mac_length_is_48)
{
    struct evpn_nlri n;

    ck_assert_int_eq(first("0221" RD ESI0 TAG "2f" MAC "00"
                           "002774",
                           &n),
                     EVPN_BAD);
    ck_assert_int_eq(first("0221" RD ESI0 TAG "31" MAC "00"
                           "002774",
                           &n),
                     EVPN_BAD);
}
END_TEST

START_TEST(test_RFC7432_ip_length_is_0_32_or_128)
{
    struct evpn_nlri n;

    ck_assert_int_eq(first("0225" RD ESI0 TAG "30" MAC "18" IP4 "002774", &n), EVPN_BAD);
    ck_assert_int_eq(first("0231" RD ESI0 TAG "30" MAC "81" IP6 "002774", &n), EVPN_BAD);
    ck_assert_int_eq(first("0311" RD TAG "21" IP4, &n), EVPN_BAD);
    ck_assert_int_eq(first("0417" RD ESI1 "08" IP4, &n), EVPN_BAD);
    /* Legal, but not what the length of the route says. */
    ck_assert_int_eq(first("0225" RD ESI0 TAG "30" MAC "80" IP4 "002774", &n), EVPN_BROKEN);
    ck_assert_int_eq(first("0225" RD ESI0 TAG "30" MAC "00" IP4 "002774", &n), EVPN_BROKEN);
    ck_assert_int_eq(first("0231" RD ESI0 TAG "30" MAC "20" IP6 "002774", &n), EVPN_BROKEN);
    ck_assert_int_eq(first("0311" RD TAG "80" IP4, &n), EVPN_BROKEN);
    ck_assert_int_eq(first("0311" RD TAG "00" IP4, &n), EVPN_BROKEN);
}
END_TEST

START_TEST(test_RFC9136_prefix)
{
    struct evpn_nlri n = route("0522" RD ESI0 TAG "18"
                               "0a0100ff" IP4 "002774");
    char text[EVPN_TEXT_LEN];

    ck_assert_str_eq(evpn_format(&n, text),
                     "[5]:[0]:[24]:[10.1.0.0] RD 198.18.0.1:1"); /* host bits are gone */
    ck_assert_int_eq(first("0522" RD ESI0 TAG "21"
                           "0a010000" IP4 "002774",
                           &n),
                     EVPN_BAD);
    ck_assert_int_eq(first("053a" RD ESI0 TAG "81" IP6 IP6 "002774", &n), EVPN_BAD);
    n = route("0522" RD ESI0 TAG "00"
              "ffffffff" IP4 "002774");
    ck_assert_uint_eq(n.ip.b[0], 0);
}
END_TEST

START_TEST(test_a_bad_route_does_not_hide_the_next)
{
    uint8_t bytes[200];
    struct evpn_nlri n;
    struct buf_in in;
    const char *why;

    buf_in_init(&in, bytes,
                unhex("0221" RD ESI0 TAG "28" MAC "00"
                      "002774"
                      "0311" RD TAG "20" IP4,
                      bytes));
    ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_BAD);
    ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_ROUTE);
    ck_assert_int_eq(evpn_next(&in, &n, &why), EVPN_END);
}
END_TEST

START_TEST(test_empty_list)
{
    struct evpn_nlri n;

    ck_assert_int_eq(first("", &n), EVPN_END);
}
END_TEST

START_TEST(test_RFC7432_key_of_macip_has_no_label_and_no_esi)
{
    struct evpn_nlri a = route("0221" RD ESI0 TAG "30" MAC "00"
                               "002774");
    struct evpn_nlri b = route("0224" RD ESI1 TAG "30" MAC "00"
                               "000000"
                               "00000b");

    ck_assert_int_eq(evpn_key_cmp(&a, &b), 0);
    ck_assert_uint_eq(evpn_key_hash(&a), evpn_key_hash(&b));
}
END_TEST

START_TEST(test_RFC7432_keys_differ)
{
    static const char *const different[] = {
        "0221" RD ESI0 TAG "30" MAC "00"
        "002774",
        "0221" RD ESI0 TAG "30"
        "020000000002"
        "00"
        "002774",
        "0221" RD ESI0 "00000001"
        "30" MAC "00"
        "002774",
        "0221"
        "0001c61200010002" ESI0 TAG "30" MAC "00"
        "002774",
        "0225" RD ESI0 TAG "30" MAC "20" IP4 "002774",
        "0225" RD ESI0 TAG "30" MAC "20"
        "00000000"
        "002774",
        "0231" RD ESI0 TAG "30" MAC "80" IP6 "002774",
        "0119" RD ESI0 TAG "002774",
        "0119" RD ESI1 TAG "002774",
        "0311" RD TAG "20" IP4,
        "0417" RD ESI1 "20" IP4,
        "0417" RD ESI0 "20" IP4,
        "0522" RD ESI0 TAG "18"
        "0a010000" IP4 "002774",
        "0522" RD ESI0 TAG "10"
        "0a010000" IP4 "002774",
    };
    size_t n = sizeof(different) / sizeof(different[0]);

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            struct evpn_nlri a = route(different[i]), b = route(different[j]);
            int d = evpn_key_cmp(&a, &b), e = evpn_key_cmp(&b, &a);

            ck_assert_msg((d == 0) == (i == j), "%zu %zu", i, j);
            ck_assert((d > 0) == (e < 0));
            ck_assert(i == j || evpn_key_hash(&a) != evpn_key_hash(&b));
        }
    }
}
END_TEST

START_TEST(test_text)
{
    static const char *const want[N_ROUTES] = {
        "[1]:[10]:[00:11:22:33:44:55:66:77:88:99] RD 198.18.0.1:1",
        "[2]:[0]:[48]:[02:00:00:00:00:01] RD 198.18.0.1:1",
        "[2]:[0]:[48]:[02:00:00:00:00:01] RD 198.18.0.1:1",
        "[2]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.0.0.1] RD 198.18.0.1:1",
        "[2]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.0.0.1] RD 198.18.0.1:1",
        "[2]:[0]:[48]:[02:00:00:00:00:01]:[128]:[2001:db8::1] RD 198.18.0.1:1",
        "[2]:[0]:[48]:[02:00:00:00:00:01]:[128]:[2001:db8::1] RD 198.18.0.1:1",
        "[3]:[0]:[32]:[10.0.0.1] RD 198.18.0.1:1",
        "[3]:[0]:[128]:[2001:db8::1] RD 198.18.0.1:1",
        "[4]:[00:11:22:33:44:55:66:77:88:99]:[32]:[10.0.0.1] RD 198.18.0.1:1",
        "[4]:[00:11:22:33:44:55:66:77:88:99]:[128]:[2001:db8::1] RD 198.18.0.1:1",
        "[5]:[0]:[24]:[10.1.0.0] RD 198.18.0.1:1",
        "[5]:[0]:[64]:[2001:db8:0:1::] RD 198.18.0.1:1",
    };
    struct evpn_nlri n = route(all_routes[_i]);
    char text[EVPN_TEXT_LEN];

    ck_assert_str_eq(evpn_format(&n, text), want[_i]);
}
END_TEST

START_TEST(test_R3_3_route_distinguishers)
{
    struct evpn_rd made = evpn_rd_make(0xc6120001, 7);
    struct evpn_rd rd[4];
    char text[EVPN_RD_LEN];

    unhex("0000fde800000007"
          "0001c61200010007"
          "0002fa56ea010009"
          "0003c61200010007",
          (uint8_t *)rd);
    ck_assert_mem_eq(&made, &rd[1], 8);
    ck_assert_str_eq(evpn_rd_format(&rd[0], text), "65000:7");
    ck_assert_str_eq(evpn_rd_format(&rd[1], text), "198.18.0.1:7");
    ck_assert_str_eq(evpn_rd_format(&rd[2], text), "4200000001:9");
    ck_assert_str_eq(evpn_rd_format(&rd[3], text), "0003c61200010007");
    memset(rd, 0xff, sizeof(rd));
    rd[0].b[0] = rd[0].b[1] = 0;
    ck_assert_str_eq(evpn_rd_format(&rd[0], text), "65535:4294967295");
}
END_TEST

START_TEST(test_esi)
{
    struct evpn_esi zero = {{0}}, one = {{[9] = 1}};
    char text[EVPN_ESI_LEN];

    ck_assert(evpn_esi_is_zero(&zero));
    ck_assert(!evpn_esi_is_zero(&one));
    ck_assert_str_eq(evpn_esi_format(&one, text), "00:00:00:00:00:00:00:00:00:01");
}
END_TEST

START_TEST(test_what_cannot_be_encoded)
{
    const struct evpn_nlri bad[] = {
        {.type = 0},
        {.type = 6},
        {.type = EVPN_MACIP, .n_labels = 0},
        {.type = EVPN_MACIP, .n_labels = 3},
        {.type = EVPN_MACIP, .n_labels = 1, .label = 1u << 24},
        {.type = EVPN_IMET},
        {.type = EVPN_ES},
        {.type = EVPN_PREFIX, .ip.family = 4, .gateway.family = 4, .prefix_len = 33},
        {.type = EVPN_PREFIX, .ip.family = 4, .gateway.family = 6, .prefix_len = 32},
    };
    uint8_t bytes[64];
    struct buf_out out;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_out_init(&out, bytes, sizeof(bytes));
        evpn_encode(&bad[i], &out);
        ck_assert_msg(out.failed, "%zu", i);
        ck_assert_uint_eq(out.len, 0);
    }
}
END_TEST

/* ---- the cursors below all of it */

START_TEST(test_buf_in_is_bounded_and_sticky)
{
    uint8_t bytes[3] = {1, 2, 3}, copy[4] = {9, 9, 9, 9};
    struct buf_in in, sub;

    buf_in_init(&in, bytes, 3);
    ck_assert_uint_eq(buf_get_u16(&in), 0x102);
    ck_assert_uint_eq(buf_get_u16(&in), 0);
    ck_assert(in.failed);
    ck_assert_uint_eq(buf_left(&in), 0);
    ck_assert_uint_eq(buf_get_u8(&in), 0); /* one byte is there, but the cursor failed */
    ck_assert(!buf_get_copy(&in, copy, 4));
    ck_assert_uint_eq(copy[0], 0);
    ck_assert(!buf_get_sub(&in, 0, &sub));
    ck_assert(sub.failed);
    buf_in_init(&in, bytes, 3);
    ck_assert(buf_get_sub(&in, 2, &sub));
    buf_get_u24(&sub);
    ck_assert(sub.failed);
    ck_assert(!in.failed);
    ck_assert_uint_eq(buf_get_u8(&in), 3);
    ck_assert(buf_done(&in));
    buf_in_init(&in, NULL, 0);
    ck_assert(buf_done(&in));
    ck_assert_ptr_nonnull(buf_get(&in, 0));
    ck_assert_ptr_null(buf_get(&in, SIZE_MAX));
}
END_TEST

START_TEST(test_buf_out_is_bounded_and_sticky)
{
    uint8_t bytes[8], big[300], zeros[256] = {0};
    struct buf_out out;
    size_t hole;

    buf_out_init(&out, bytes, 5);
    hole = buf_hole_u16(&out);
    buf_put_u24(&out, 0x010203);
    buf_fill_u16(&out, hole);
    ck_assert(!out.failed);
    ck_assert_mem_eq(bytes, "\0\3\1\2\3", 5);
    buf_put_u8(&out, 1);
    ck_assert(out.failed);
    ck_assert_uint_eq(out.len, 5);
    buf_rollback(&out, 4);
    buf_put_u8(&out, 7);
    ck_assert(!out.failed);
    ck_assert_uint_eq(bytes[4], 7);
    buf_out_init(&out, big, sizeof(big));
    hole = buf_hole_u8(&out);
    buf_put(&out, zeros, 256);
    buf_fill_u8(&out, hole);
    ck_assert(out.failed);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evpn");
    TCase *tc = tcase_create("evpn");
    SRunner *sr = srunner_create(s);
    int failed;

    suite_add_tcase(s, tc);
    tcase_add_loop_test(tc, test_R3_7_every_type_round_trip, 0, (int)N_ROUTES);
    tcase_add_loop_test(tc, test_RFC7606_5_3_truncated_anywhere, 0, (int)N_ROUTES);
    tcase_add_loop_test(tc, test_RFC7606_5_3_R3_7_length_of_no_route, 0, (int)N_ROUTES);
    tcase_add_test(tc, test_R3_1_vni_is_the_whole_label);
    tcase_add_test(tc, test_R2_2_unknown_types_are_stepped_over);
    tcase_add_test(tc, test_RFC7606_5_3_unknown_type_too_long);
    tcase_add_test(tc, test_RFC7432_mac_length_is_48);
    tcase_add_test(tc, test_RFC7432_ip_length_is_0_32_or_128);
    tcase_add_test(tc, test_RFC9136_prefix);
    tcase_add_test(tc, test_a_bad_route_does_not_hide_the_next);
    tcase_add_test(tc, test_empty_list);
    tcase_add_test(tc, test_RFC7432_key_of_macip_has_no_label_and_no_esi);
    tcase_add_test(tc, test_RFC7432_keys_differ);
    tcase_add_loop_test(tc, test_text, 0, (int)N_ROUTES);
    tcase_add_test(tc, test_R3_3_route_distinguishers);
    tcase_add_test(tc, test_esi);
    tcase_add_test(tc, test_what_cannot_be_encoded);
    tcase_add_test(tc, test_buf_in_is_bounded_and_sticky);
    tcase_add_test(tc, test_buf_out_is_bounded_and_sticky);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
