/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Path attributes, AS paths and extended communities by themselves, and the code points that RULES.md wants
 * compared with real routers. What is wrong with attributes, and what an UPDATE makes of it, is in
 * test_bgp_update.c.
 */
#include "controlplane/bgp_update.h"
#include "tests/unit/bgp_vectors.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>

static struct bgp_update u;
static struct bgp_error err;
static uint8_t msg[BGP_MSG_MAX];
static const struct bgp_rules ibgp = {.as4 = true};
static const struct bgp_rules ebgp = {.as4 = true, .ebgp = true};

/* One of the captured UPDATEs, decoded without any error, and its first route. */
static struct evpn_nlri captured(const char *hex, const struct bgp_rules *rules)
{
    size_t len = vector_bytes(hex, msg);
    struct evpn_nlri n = {0};
    struct bgp_frame f;
    struct buf_in list;

    ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_MAX, &f, &err), (int)len);
    ck_assert_int_eq(bgp_update_decode(f.body, f.body_len, rules, &u, &err), 0);
    ck_assert_int_eq(u.verdict, BGP_FINE);
    list = u.has_reach ? u.reach : u.unreach;
    if (u.n_reach + u.n_unreach > 0)
        ck_assert(bgp_update_next(&list, &n));
    return n;
}

static void check_next_hop(const char *want)
{
    char text[IPADDR_STRLEN];

    ck_assert_str_eq(ipaddr_format(&u.attrs.next_hop, text), want);
}

static void check_route(const struct evpn_nlri *n, const char *want)
{
    char text[EVPN_TEXT_LEN];

    ck_assert_str_eq(evpn_format(n, text), want);
}

static void check_extcoms(const char *want)
{
    char text[512] = "", one[BGP_EXTCOM_TEXT];

    for (unsigned i = 0; i < u.attrs.n_extcoms; i++) {
        strcat(text, i ? " " : "");
        strcat(text, bgp_extcom_format(&u.attrs.extcoms[i], one));
    }
    ck_assert_str_eq(text, want);
}

/* ---- what FRR and GoBGP send */

START_TEST(test_R3_5_type_3_of_both)
{
    static const char *const vectors[] = {GOBGP_IMET, FRR_IMET};
    static const char *const vtep[] = {"198.18.77.2", "198.18.77.1"};
    struct evpn_nlri n = captured(vectors[_i], &ibgp);
    struct ipaddr end = bgp_pmsi_endpoint(&u.attrs.pmsi);
    char text[IPADDR_STRLEN];

    check_next_hop(vtep[_i]);
    ck_assert_uint_eq(n.type, EVPN_IMET);
    ck_assert_str_eq(ipaddr_format(&n.ip, text), vtep[_i]);
    ck_assert(bgp_attrs_has(&u.attrs, BGP_PMSI_TUNNEL));
    ck_assert_uint_eq(u.attrs.pmsi.type, BGP_PMSI_INGRESS_REPLICATION);
    ck_assert_uint_eq(u.attrs.pmsi.label, 10100); /* R3.1 */
    ck_assert_uint_eq(u.attrs.pmsi.flags, 0);
    ck_assert_str_eq(ipaddr_format(&end, text), vtep[_i]);
    check_extcoms(_i == 0 ? "RT:65000:10100 ET:8" : "ET:8 RT:65000:10100");
    ck_assert_int_eq(bgp_attrs_is_vxlan(&u.attrs), 1); /* R3.4 */
    ck_assert_uint_eq(u.attrs.local_pref, 100);
}
END_TEST

START_TEST(test_R2_5_type_3_over_ipv6_of_GoBGP)
{
    struct evpn_nlri n = captured(GOBGP_IMET6, &ibgp);
    struct ipaddr end = bgp_pmsi_endpoint(&u.attrs.pmsi);

    check_route(&n, "[3]:[0]:[128]:[2001:db8:78::2] RD 65000:7");
    check_next_hop("2001:db8:78::2");
    ck_assert(ipaddr_eq(&end, &u.attrs.next_hop));
}
END_TEST

START_TEST(test_R3_6_type_2_of_GoBGP)
{
    struct evpn_nlri n = captured(GOBGP_MACIP4, &ibgp);

    check_route(&n, "[2]:[0]:[48]:[02:00:00:00:00:0b]:[32]:[10.0.0.11] RD 198.18.77.2:1");
    ck_assert_uint_eq(n.label, 10100);
    n = captured(GOBGP_MAC, &ibgp);
    check_route(&n, "[2]:[0]:[48]:[02:00:00:00:00:0c] RD 198.18.77.2:1");
    n = captured(GOBGP_MACIP6, &ibgp);
    check_route(&n, "[2]:[0]:[48]:[02:00:00:00:00:0d]:[128]:[2001:db8::d] RD 198.18.77.2:1");
    ck_assert_ptr_null(bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_MOBILITY)); /* R4.2 */
}
END_TEST

START_TEST(test_R3_6_type_2_of_FRR)
{
    static const char *const want[] = {
        "[2]:[0]:[48]:[02:00:00:00:00:01] RD 198.18.77.1:2",
        "[2]:[0]:[48]:[d2:90:c7:78:0d:27] RD 198.18.77.1:2",
        "[2]:[0]:[48]:[a2:76:60:98:c8:28]:[128]:[fe80::b487:43ff:fe77:ee63] RD 198.18.77.1:2",
        "[2]:[0]:[48]:[02:00:00:00:00:02]:[32]:[10.0.0.2] RD 198.18.77.1:2",
        "[2]:[0]:[48]:[02:00:00:00:00:02] RD 198.18.77.1:2"};
    struct evpn_nlri n;

    captured(FRR_MACS, &ibgp);
    ck_assert_uint_eq(u.n_reach, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert(bgp_update_next(&u.reach, &n));
        check_route(&n, want[i]);
        ck_assert_uint_eq(n.label, 10100);
    }
    ck_assert(!bgp_update_next(&u.reach, &n));
}
END_TEST

START_TEST(test_R3_7_types_1_4_5_of_GoBGP)
{
    struct evpn_nlri n = captured(GOBGP_AD, &ibgp);

    check_route(&n, "[1]:[0]:[00:00:00:00:00:00:00:00:00:00] RD 198.18.77.2:1");
    n = captured(GOBGP_ES, &ibgp);
    check_route(&n, "[4]:[00:11:22:33:44:55:66:77:88:99]:[32]:[198.18.77.2] RD 198.18.77.2:1");
    ck_assert_int_eq(bgp_attrs_is_vxlan(&u.attrs), -1);
    n = captured(GOBGP_PREFIX, &ibgp);
    check_route(&n, "[5]:[0]:[24]:[10.1.0.0] RD 198.18.77.2:1");
}
END_TEST

START_TEST(test_R4_1_mac_mobility_of_FRR)
{
    const struct bgp_extcom *c;

    captured(FRR_MOVED, &ibgp);
    c = bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_MOBILITY);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(bgp_extcom_sequence(c), 1);
    ck_assert(!bgp_extcom_is_sticky(c));
    check_extcoms("ET:8 RT:65000:10100 MM:1");
}
END_TEST

START_TEST(test_R4_8_sticky_of_FRR)
{
    captured(FRR_STICKY, &ibgp);
    ck_assert(bgp_extcom_is_sticky(bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_MOBILITY)));
    check_extcoms("ET:8 RT:65000:10100 MM:0, sticky MAC");
}
END_TEST

START_TEST(test_R7_4_arp_nd_of_FRR)
{
    captured(FRR_ND_ROUTER, &ibgp);
    ck_assert_uint_eq(bgp_extcom_nd_flags(bgp_attrs_extcom(&u.attrs, BGP_EXTCOM_ARP_ND)), BGP_ND_ROUTER);
    check_extcoms("ET:8 RT:65000:10100 ND:R");
}
END_TEST

START_TEST(test_RFC7432_7_8_default_gateway_of_FRR)
{
    captured(FRR_GATEWAY, &ibgp);
    check_extcoms("ET:8 RT:65000:10100 Default Gateway");
}
END_TEST

START_TEST(test_R2_4_ebgp_of_both)
{
    struct evpn_nlri n = captured(GOBGP_EBGP, &ebgp);
    char text[64];

    check_route(&n, "[2]:[0]:[48]:[02:00:00:00:00:0d] RD 65535:9");
    ck_assert_str_eq(evpn_esi_format(&n.esi, text), "00:11:22:33:44:55:66:77:88:99");
    ck_assert_str_eq(bgp_as_path_format(&u.attrs.as_path, text, sizeof(text)), "4200000001");
    check_extcoms("RT:65535:100 ET:8 Rmac:02:dd:00:00:00:01");
    check_next_hop("2001:db8:78::4");
    captured(FRR_EBGP_STICKY, &ebgp);
    ck_assert_str_eq(bgp_as_path_format(&u.attrs.as_path, text, sizeof(text)), "65000");
    ck_assert(!bgp_attrs_has(&u.attrs, BGP_LOCAL_PREF));
}
END_TEST

START_TEST(test_R2_4_reflected_by_FRR)
{
    captured(FRR_REFLECTED, &ibgp);
    ck_assert_uint_eq(u.attrs.originator_id, 0xc6124e02);
    ck_assert_uint_eq(u.attrs.n_clusters, 1);
    ck_assert_uint_eq(u.attrs.clusters[0], 0x01020304);
    check_next_hop("198.18.78.2"); /* not the reflector */
    ck_assert_str_eq(bgp_attrs_loop(&u.attrs, 65001, 0xc6124e02, 0), "we are the originator");
    ck_assert_str_eq(bgp_attrs_loop(&u.attrs, 65001, 1, 0x01020304), "our cluster is in the cluster list");
    ck_assert_ptr_null(bgp_attrs_loop(&u.attrs, 65001, 1, 2));
    captured(FRR_EBGP_STICKY, &ebgp);
    ck_assert_str_eq(bgp_attrs_loop(&u.attrs, 65000, 1, 0), "our AS is in the path");
}
END_TEST

START_TEST(test_R2_7_end_of_rib_of_GoBGP)
{
    captured(GOBGP_END_OF_RIB, &ibgp);
    ck_assert(u.end_of_rib);
    ck_assert(!u.other_end_of_rib);
}
END_TEST

START_TEST(test_withdrawals_of_both)
{
    struct evpn_nlri a = captured(GOBGP_WITHDRAW, &ibgp), b, announced;

    ck_assert(!u.end_of_rib);
    ck_assert_uint_eq(u.n_unreach, 1);
    announced = captured(GOBGP_MAC, &ibgp);
    ck_assert_int_eq(evpn_key_cmp(&a, &announced), 0);
    b = captured(FRR_WITHDRAW, &ibgp);
    ck_assert_uint_eq(b.label, 0); /* the label is no part of the key */
    announced = captured(FRR_MACS, &ibgp);
    ck_assert_int_eq(evpn_key_cmp(&b, &announced), 0);
}
END_TEST

/* ---- encoding: our bytes are theirs */

START_TEST(test_R3_4_attributes_encode_as_FRR_sends_them)
{
    struct bgp_attrs a;
    struct buf_out out;
    uint8_t got[200], want[200];
    struct ipaddr vtep;
    size_t n = unhex("40010100 400200 40050400000064 c01010 030c000000000008 0002fde800002774"
                     "c01609 00 06 002774 c6124d01",
                     want);

    ck_assert(ipaddr_parse("198.18.77.1", &vtep));
    bgp_attrs_init(&a);
    a.origin = BGP_ORIGIN_IGP;
    bgp_attrs_set(&a, BGP_ORIGIN);
    bgp_attrs_set(&a, BGP_AS_PATH);
    a.local_pref = 100;
    bgp_attrs_set(&a, BGP_LOCAL_PREF);
    ck_assert(bgp_attrs_add_extcom(&a, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN)));
    ck_assert(bgp_attrs_add_extcom(&a, bgp_extcom_rt_vni(65000, 10100)));
    bgp_attrs_set_ingress_replication(&a, 10100, &vtep);
    buf_out_init(&out, got, sizeof(got));
    bgp_attrs_encode(&a, &ibgp, &out);
    ck_assert_uint_eq(out.len, n);
    ck_assert_mem_eq(got, want, n);
    for (size_t size = 0; size < n; size++) {
        buf_out_init(&out, got, size);
        bgp_attrs_encode(&a, &ibgp, &out);
        ck_assert(out.failed);
    }
}
END_TEST

START_TEST(test_R2_4_what_stays_at_home)
{
    struct bgp_attrs a;
    struct buf_out out;
    uint8_t got[200];

    bgp_attrs_init(&a);
    a.n_clusters = 1;
    for (unsigned t = 0; t < 64; t++) {
        if (t == BGP_LOCAL_PREF || t == BGP_ORIGINATOR_ID || t == BGP_CLUSTER_LIST)
            bgp_attrs_set(&a, (enum bgp_attr_type)t);
    }
    bgp_attrs_add_extcom(&a, (struct bgp_extcom){{0x40, 0x04}}); /* link bandwidth: not transitive */
    buf_out_init(&out, got, sizeof(got));
    bgp_attrs_encode(&a, &ebgp, &out);
    ck_assert_uint_eq(out.len, 0);
    bgp_attrs_encode(&a, &ibgp, &out);
    ck_assert_uint_eq(out.len, 7 + 7 + 7 + 11);
}
END_TEST

/* ---- extended communities */

START_TEST(test_R3_3_route_targets)
{
    static const struct {
        const char *text, *hex;
    } t[] = {{"65000:10100", "0002fde800002774"},
             {"0:4294967295", "00020000ffffffff"},
             {"198.18.0.1:7", "0102c61200010007"},
             {"4200000001:9", "0202fa56ea010009"},
             {"65000L:9", "02020000fde80009"}};
    static const char *const bad[] = {"",
                                      ":",
                                      "1",
                                      "1:",
                                      ":1",
                                      "a:1",
                                      "65536:65536",
                                      "1.2.3:4",
                                      "1.2.3.4:65536",
                                      "4294967296:1",
                                      "1:4294967296",
                                      "1:-1",
                                      "1 :1",
                                      "L:1",
                                      "::1:2",
                                      "1:1x",
                                      "00000000001:1"};
    struct bgp_extcom c, want;
    char text[BGP_EXTCOM_TEXT];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        unhex(t[i].hex, want.b);
        ck_assert_msg(bgp_extcom_rt_parse(t[i].text, &c), "%s", t[i].text);
        ck_assert(bgp_extcom_eq(&c, &want));
        ck_assert_int_eq(bgp_extcom_kind(&c), BGP_EXTCOM_RT);
        ck_assert_str_eq(bgp_extcom_format(&c, text) + 3, t[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!bgp_extcom_rt_parse(bad[i], &c), "%s", bad[i]);
}
END_TEST

START_TEST(test_RFC8365_5_1_2_1_route_target)
{
    struct bgp_extcom c = bgp_extcom_rt_rfc8365(65000, 10100), want;

    unhex("0002 fde8 10002774", want.b);
    ck_assert(bgp_extcom_eq(&c, &want));
    c = bgp_extcom_rt_vni(4200000001, 10); /* the low 16 bits of a long AS */
    unhex("0002 ea01 0000000a", want.b);
    ck_assert(bgp_extcom_eq(&c, &want));
}
END_TEST

START_TEST(test_extended_communities_by_code_point)
{
    struct mac mac = {{2, 0xdd, 0, 0, 0, 1}};
    const struct {
        struct bgp_extcom made;
        const char *hex, *text;
        enum bgp_extcom_kind kind;
    } t[] = {
        {bgp_extcom_encapsulation(8), "030c000000000008", "ET:8", BGP_EXTCOM_ENCAPSULATION},
        {bgp_extcom_default_gateway(), "030d000000000000", "Default Gateway", BGP_EXTCOM_DEFAULT_GATEWAY},
        {bgp_extcom_mobility(false, 0xffffffff), "06000000ffffffff", "MM:4294967295", BGP_EXTCOM_MOBILITY},
        {bgp_extcom_mobility(true, 0), "0600010000000000", "MM:0, sticky MAC", BGP_EXTCOM_MOBILITY},
        {bgp_extcom_arp_nd(0x0b), "06080b0000000000", "ND:ROI", BGP_EXTCOM_ARP_ND},
        {bgp_extcom_router_mac(mac), "060302dd00000001", "Rmac:02:dd:00:00:00:01", BGP_EXTCOM_ROUTER_MAC},
        {{{6, 2, 2, 0xdd, 0, 0, 0, 1}},
         "060202dd00000001",
         "ES-Import-RT:02:dd:00:00:00:01",
         BGP_EXTCOM_ES_IMPORT},
        {{{6, 1, 1, 0, 0, 0, 0x27, 0x74}},
         "0601010000002774",
         "ESI-label:10100, single-active",
         BGP_EXTCOM_ESI_LABEL},
        {{{0x40, 4, 1, 2, 3, 4, 5, 6}}, "4004010203040506", "UNK:4004010203040506", BGP_EXTCOM_OTHER},
    };
    char text[BGP_EXTCOM_TEXT];
    struct bgp_extcom want;

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        unhex(t[i].hex, want.b);
        ck_assert(bgp_extcom_eq(&t[i].made, &want));
        ck_assert_int_eq(bgp_extcom_kind(&want), t[i].kind);
        ck_assert_str_eq(bgp_extcom_format(&want, text), t[i].text);
    }
}
END_TEST

START_TEST(test_R4_6_highest_mobility_counts_in_serial_order)
{
    struct bgp_attrs a;

    bgp_attrs_init(&a);
    bgp_attrs_add_extcom(&a, bgp_extcom_mobility(false, 0xfffffffe));
    bgp_attrs_add_extcom(&a, bgp_extcom_mobility(false, 3));
    bgp_attrs_add_extcom(&a, bgp_extcom_mobility(false, 0xffffffff));
    ck_assert_uint_eq(bgp_extcom_sequence(bgp_attrs_extcom(&a, BGP_EXTCOM_MOBILITY)), 3);
}
END_TEST

START_TEST(test_R3_4_vxlan_among_encapsulations)
{
    struct bgp_attrs a;

    bgp_attrs_init(&a);
    ck_assert_int_eq(bgp_attrs_is_vxlan(&a), -1);
    bgp_attrs_add_extcom(&a, bgp_extcom_encapsulation(10));
    ck_assert_int_eq(bgp_attrs_is_vxlan(&a), 0);
    bgp_attrs_add_extcom(&a, bgp_extcom_encapsulation(8));
    ck_assert_int_eq(bgp_attrs_is_vxlan(&a), 1);
}
END_TEST

/* ---- AS paths */

static struct bgp_as_path path_of(const char *hex, bool as4)
{
    struct bgp_as_path p;
    uint8_t bytes[2100];
    struct buf_in in;
    const char *why;

    buf_in_init(&in, bytes, unhex(hex, bytes));
    ck_assert(bgp_as_path_decode(&in, as4, false, &p, &why));
    return p;
}

START_TEST(test_RFC4271_as_path)
{
    struct bgp_as_path p = path_of("0202 0000fde8 fa56ea01 0102 00000001 00000002", true), q;
    uint8_t bytes[64], want[64];
    struct buf_out out;
    char text[64];

    ck_assert_str_eq(bgp_as_path_format(&p, text, sizeof(text)), "65000 4200000001 {1,2}");
    ck_assert_uint_eq(bgp_as_path_length(&p), 3);
    ck_assert_uint_eq(bgp_as_path_first(&p), 65000);
    ck_assert(bgp_as_path_contains(&p, 2) && !bgp_as_path_contains(&p, 3));
    ck_assert(bgp_as_path_needs_as4(&p));
    buf_out_init(&out, bytes, sizeof(bytes));
    bgp_as_path_encode(&p, false, &out);
    ck_assert_uint_eq(out.len, bgp_as_path_size(&p, false));
    ck_assert_uint_eq(out.len, unhex("0202 fde8 5ba0 0102 0001 0002", want));
    ck_assert_mem_eq(bytes, want, out.len);
    q = p;
    ck_assert(bgp_as_path_prepend(&q, 7));
    ck_assert(!bgp_as_path_eq(&p, &q));
    ck_assert_str_eq(bgp_as_path_format(&q, text, sizeof(text)), "7 65000 4200000001 {1,2}");
    ck_assert_str_eq(bgp_as_path_format(&q, text, 6), "7 650");
    p = path_of("0101 0005", false);
    ck_assert_uint_eq(bgp_as_path_first(&p), 0);
    ck_assert(bgp_as_path_prepend(&p, 7));
    ck_assert_str_eq(bgp_as_path_format(&p, text, sizeof(text)), "7 {5}");
}
END_TEST

START_TEST(test_as_path_is_bounded)
{
    struct bgp_as_path p = {0};
    unsigned n = 0;

    while (bgp_as_path_prepend(&p, ++n))
        ;
    ck_assert_uint_eq(n, BGP_AS_NUMBERS + 1);
    ck_assert_uint_eq(p.n_segments, 3);
    ck_assert_uint_eq(bgp_as_path_length(&p), BGP_AS_NUMBERS);
}
END_TEST

START_TEST(test_RFC6793_4_2_3_merge)
{
    static const struct {
        const char *old, *as4, *want;
        bool merged;
    } t[] = {
        {"0203 0001 5ba0 5ba0", "0202 fa56ea01 fa56ea02", "1 4200000001 4200000002", true},
        {"0202 5ba0 5ba0", "0202 fa56ea01 fa56ea02", "4200000001 4200000002", true},
        {"0201 5ba0", "0202 fa56ea01 fa56ea02", "23456", false}, /* longer than the path: ignored */
        {"0102 0001 0002 0202 0003 5ba0", "0201 fa56ea01", "{1,2} 3 4200000001", true},
        {"0202 0001 0002", "", "1 2", false},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct bgp_as_path p = path_of(t[i].old, false), q = path_of(t[i].as4, true);
        char text[64];

        ck_assert(bgp_as_path_merge(&p, &q) == t[i].merged);
        ck_assert_str_eq(bgp_as_path_format(&p, text, sizeof(text)), t[i].want);
    }
}
END_TEST

START_TEST(test_RFC6793_4_2_2_to_a_peer_without_as4)
{
    static const struct bgp_rules old = {.ebgp = true};
    struct bgp_attrs a;
    struct buf_out out;
    uint8_t got[100], want[100];
    size_t n = unhex("400206 0202 fde8 5ba0  c00706 5ba0 01020304  c0110a 0202 0000fde8 fa56ea01"
                     "c01208 fa56ea01 01020304",
                     want);

    bgp_attrs_init(&a);
    a.as_path = path_of("0202 0000fde8 fa56ea01", true);
    bgp_attrs_set(&a, BGP_AS_PATH);
    a.aggregator_as = 4200000001;
    a.aggregator_id = 0x01020304;
    bgp_attrs_set(&a, BGP_AGGREGATOR);
    buf_out_init(&out, got, sizeof(got));
    bgp_attrs_encode(&a, &old, &out);
    ck_assert_uint_eq(out.len, n);
    ck_assert_mem_eq(got, want, n);
}
END_TEST

static void add_rest(TCase *tc)
{
    tcase_add_test(tc, test_R3_4_attributes_encode_as_FRR_sends_them);
    tcase_add_test(tc, test_R2_4_what_stays_at_home);
    tcase_add_test(tc, test_R3_3_route_targets);
    tcase_add_test(tc, test_RFC8365_5_1_2_1_route_target);
    tcase_add_test(tc, test_extended_communities_by_code_point);
    tcase_add_test(tc, test_R4_6_highest_mobility_counts_in_serial_order);
    tcase_add_test(tc, test_R3_4_vxlan_among_encapsulations);
    tcase_add_test(tc, test_RFC4271_as_path);
    tcase_add_test(tc, test_as_path_is_bounded);
    tcase_add_test(tc, test_RFC6793_4_2_3_merge);
    tcase_add_test(tc, test_RFC6793_4_2_2_to_a_peer_without_as4);
}

int main(void)
{
    Suite *s = suite_create("bgp_attr");
    TCase *tc = tcase_create("bgp_attr");

    suite_add_tcase(s, tc);
    tcase_add_loop_test(tc, test_R3_5_type_3_of_both, 0, 2);
    tcase_add_test(tc, test_R2_5_type_3_over_ipv6_of_GoBGP);
    tcase_add_test(tc, test_R3_6_type_2_of_GoBGP);
    tcase_add_test(tc, test_R3_6_type_2_of_FRR);
    tcase_add_test(tc, test_R3_7_types_1_4_5_of_GoBGP);
    tcase_add_test(tc, test_R4_1_mac_mobility_of_FRR);
    tcase_add_test(tc, test_R4_8_sticky_of_FRR);
    tcase_add_test(tc, test_R7_4_arp_nd_of_FRR);
    tcase_add_test(tc, test_RFC7432_7_8_default_gateway_of_FRR);
    tcase_add_test(tc, test_R2_4_ebgp_of_both);
    tcase_add_test(tc, test_R2_4_reflected_by_FRR);
    tcase_add_test(tc, test_R2_7_end_of_rib_of_GoBGP);
    tcase_add_test(tc, test_withdrawals_of_both);
    add_rest(tc);
    return run_suite(s);
}
