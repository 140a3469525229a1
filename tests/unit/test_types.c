/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text forms of the shared types: MACs, addresses, prefixes.
 */
#include "conf/types.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array[0]))

START_TEST(test_mac_parse)
{
    static const uint8_t want[6] = {0x02, 0xab, 0xcd, 0x00, 0x10, 0xff};
    static const char *const good[] = {"02:ab:cd:00:10:ff", "02-AB-CD-00-10-FF", "02:aB:Cd:00:10:fF"};
    struct mac m;

    for (size_t i = 0; i < COUNT(good); i++) {
        ck_assert_msg(mac_parse(good[i], &m), "%s", good[i]);
        ck_assert_mem_eq(m.b, want, 6);
    }
}
END_TEST

START_TEST(test_mac_parse_refuses)
{
    static const char *const bad[] = {
        "",
        "02",
        "02:ab:cd:00:10",
        "02:ab:cd:00:10:",
        "02:ab:cd:00:10:f",
        "02:ab:cd:00:10:ff:",
        "02:ab:cd:00:10:ff:00",
        "02:ab:cd:00:10:fg",
        "2:ab:cd:00:10:ff",
        "02ab.cd00.10ff",
        "02abcd0010ff",
        " 02:ab:cd:00:10:ff",
        "02:ab:cd:00:10:ff ",
        "02:ab-cd:00-10:ff",
        "02.ab.cd.00.10.ff",
    };
    struct mac m = {{1, 2, 3, 4, 5, 6}}, before = m;

    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(!mac_parse(bad[i], &m), "%s", bad[i]);
        ck_assert(mac_eq(m, before));
    }
}
END_TEST

START_TEST(test_mac_format)
{
    struct mac m = {{0x02, 0xab, 0xcd, 0x00, 0x10, 0xff}}, again;
    char buf[MAC_STRLEN];

    ck_assert_str_eq(mac_format(m, buf), "02:ab:cd:00:10:ff");
    ck_assert(mac_parse(buf, &again) && mac_eq(m, again));
}
END_TEST

START_TEST(test_mac_kinds)
{
    struct mac zero = {{0}}, host = {{2, 0, 0, 0, 0, 1}}, multi = {{1, 0, 0x5e, 0, 0, 1}};
    struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

    ck_assert(mac_is_zero(zero) && !mac_is_zero(host));
    ck_assert(mac_is_group(multi) && mac_is_group(broadcast) && !mac_is_group(host) && !mac_is_group(zero));
    ck_assert(mac_eq(host, host) && !mac_eq(host, multi));
}
END_TEST

START_TEST(test_ipaddr_round_trip)
{
    static const struct {
        const char *in, *out;
        int family;
    } t[] = {
        {"198.18.0.1", "198.18.0.1", 4},
        {"0.0.0.0", "0.0.0.0", 4},
        {"255.255.255.255", "255.255.255.255", 4},
        {"::", "::", 6},
        {"::1", "::1", 6},
        {"FD00:18:0:0:0:0:0:1", "fd00:18::1", 6},
        {"fd00::1.2.3.4", "fd00::102:304", 6},
    };
    char buf[IPADDR_STRLEN];
    struct ipaddr a;

    for (size_t i = 0; i < COUNT(t); i++) {
        ck_assert_msg(ipaddr_parse(t[i].in, &a), "%s", t[i].in);
        ck_assert_int_eq(a.family, t[i].family);
        ck_assert_str_eq(ipaddr_format(&a, buf), t[i].out);
    }
}
END_TEST

START_TEST(test_ipaddr_parse_refuses)
{
    static const char *const bad[] = {
        "",           "1.2.3",      "1.2.3.4.5",      "256.0.0.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",
        "1.2.3.4/24", "0x7f.0.0.1", "2130706433",     ":::",       "1::2::3",  "fd00::g",  "fe80::1%eth0",
        "[::1]",      "localhost",  "::ffff:1.2.3.4", /* IPv4-mapped: a hidden family */
    };
    struct ipaddr a = {.family = 4, .b = {9}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        ck_assert_msg(!ipaddr_parse(bad[i], &a), "%s", bad[i]);
        ck_assert(a.family == 4 && a.b[0] == 9);
    }
}
END_TEST

START_TEST(test_ipaddr_none)
{
    struct ipaddr none = {0};
    char buf[IPADDR_STRLEN];

    ck_assert_str_eq(ipaddr_format(&none, buf), "none");
    ck_assert(!ipaddr_is_vtep(&none));
}
END_TEST

/* The unused part of an IPv4 address is zero, so that whole structs compare. */
START_TEST(test_ipaddr_eq)
{
    struct ipaddr a, b;

    memset(&b, 0xaa, sizeof(b));
    ck_assert(ipaddr_parse("198.18.0.1", &a) && ipaddr_parse("198.18.0.1", &b));
    ck_assert(ipaddr_eq(&a, &b));
    ck_assert_mem_eq(&a, &b, sizeof(a));
    ck_assert(ipaddr_parse("198.18.0.2", &b) && !ipaddr_eq(&a, &b));
    ck_assert(ipaddr_parse("c612:1::", &b) && !ipaddr_eq(&a, &b));
}
END_TEST

START_TEST(test_ipaddr_is_vtep)
{
    static const struct {
        const char *text;
        bool good;
    } t[] = {
        {"198.18.0.1", true},  {"10.0.0.1", true},         {"223.255.255.254", true}, {"fd00::1", true},
        {"2001:db8::1", true}, {"0.0.0.0", false},         {"0.1.2.3", false},        {"127.0.0.1", false},
        {"224.0.0.1", false},  {"255.255.255.255", false}, {"240.0.0.1", false},      {"::", false},
        {"::1", false},        {"ff02::1", false},
    };
    struct ipaddr a;

    for (size_t i = 0; i < COUNT(t); i++) {
        ck_assert(ipaddr_parse(t[i].text, &a));
        ck_assert_msg(ipaddr_is_vtep(&a) == t[i].good, "%s", t[i].text);
    }
}
END_TEST

START_TEST(test_ipprefix_parse)
{
    static const struct {
        const char *text;
        int len; /* -1: refused */
    } t[] = {
        {"198.18.0.1/24", 24},
        {"198.18.0.1", 0xff},
        {"0.0.0.0/0", 0},
        {"198.18.0.1/32", 32},
        {"fd00::1/128", 128},
        {"::/0", 0},
        {"198.18.0.1/33", -1},
        {"fd00::1/129", -1},
        {"198.18.0.1/", -1},
        {"198.18.0.1/-1", -1},
        {"198.18.0.1/ 24", -1},
        {"198.18.0.1/24x", -1},
        {"/24", -1},
        {"198.18.0.1/24/1", -1},
        {"198.18.0.1/18446744073709551617", -1},
        {"", -1},
        {"198.18/16", -1},
    };

    for (size_t i = 0; i < COUNT(t); i++) {
        struct ipprefix p;
        bool ok = ipprefix_parse(t[i].text, &p);

        ck_assert_msg(ok == (t[i].len >= 0), "%s", t[i].text);
        if (ok)
            ck_assert_int_eq(p.len, t[i].len);
    }
}
END_TEST

START_TEST(test_ipprefix_parse_long_text)
{
    struct ipprefix p;
    char text[300];

    memset(text, '1', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    ck_assert(!ipprefix_parse(text, &p));
}
END_TEST

START_TEST(test_mono_now)
{
    mono_t a = mono_now(), b = mono_now();

    ck_assert_uint_gt(a.ns, 0);
    ck_assert_uint_ge(b.ns, a.ns);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("types");
    TCase *tc = tcase_create("types");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_mac_parse);
    tcase_add_test(tc, test_mac_parse_refuses);
    tcase_add_test(tc, test_mac_format);
    tcase_add_test(tc, test_mac_kinds);
    tcase_add_test(tc, test_ipaddr_round_trip);
    tcase_add_test(tc, test_ipaddr_parse_refuses);
    tcase_add_test(tc, test_ipaddr_none);
    tcase_add_test(tc, test_ipaddr_eq);
    tcase_add_test(tc, test_ipaddr_is_vtep);
    tcase_add_test(tc, test_ipprefix_parse);
    tcase_add_test(tc, test_ipprefix_parse_long_text);
    tcase_add_test(tc, test_mono_now);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
