/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The UPDATE packer: few messages, nothing lost, the same bytes as a real router's.
 */
#include "controlplane/bgp_pack.h"
#include "controlplane/bgp_update.h"
#include "tests/unit/bgp_vectors.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>

static struct bgp_update u;
static struct bgp_error err;
static struct bgp_pack pack;
static uint8_t msg[BGP_MSG_EXT_MAX];
static const struct bgp_rules ibgp = {.as4 = true};

static struct evpn_nlri macip(uint32_t i)
{
    struct evpn_nlri n = {
        .type = EVPN_MACIP, .n_labels = 1, .label = 10100, .rd = evpn_rd_make(0xc6120001, 1)};

    n.mac = (struct mac){{2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
    return n;
}

static struct bgp_attrs usual(const char *next_hop)
{
    struct bgp_attrs a;

    bgp_attrs_init(&a);
    ck_assert(ipaddr_parse(next_hop, &a.next_hop));
    a.local_pref = 100;
    bgp_attrs_set(&a, BGP_ORIGIN);
    bgp_attrs_set(&a, BGP_AS_PATH);
    bgp_attrs_set(&a, BGP_LOCAL_PREF);
    ck_assert(bgp_attrs_add_extcom(&a, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN)));
    ck_assert(bgp_attrs_add_extcom(&a, bgp_extcom_rt_vni(65000, 10100)));
    return a;
}

/* What FRR wrote for one route, byte for byte: ours comes out the same. */
START_TEST(test_R3_6_packed_as_FRR_does)
{
    struct bgp_attrs a = usual("198.18.77.1");
    struct evpn_nlri n = macip(0x0c);
    uint8_t want[200];
    size_t len = vector_bytes(FRR_MOVED, want);

    n.rd = evpn_rd_make(0xc6124d01, 2);
    ck_assert(bgp_attrs_add_extcom(&a, bgp_extcom_mobility(false, 1)));
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, BGP_MSG_MAX, &a, &ibgp), 0);
    ck_assert(bgp_pack_add(&pack, &n));
    /* FRR writes the empty AS_PATH with a length of two bytes, 50 02 00 00; we with one. */
    memmove(want + 78, want + 79, len - 79);
    memcpy(want + 75, "\x40\x02", 2);
    want[17]--;
    want[22]--;
    ck_assert_uint_eq(bgp_pack_end(&pack), len - 1);
    ck_assert_mem_eq(msg, want, len - 1);
}
END_TEST

/* 100,000 routes in as few messages as their bytes allow, each found again in order. */
static void pack_many(size_t max, bool reach, const char *next_hop)
{
    const uint32_t total = 100000;
    struct bgp_attrs a = usual(next_hop);
    uint32_t sent = 0, messages = 0;
    size_t per_message = 0;

    while (sent < total) {
        struct evpn_nlri n = macip(sent);
        uint32_t first = sent;
        struct bgp_frame f;
        size_t len;

        ck_assert_int_eq(
            reach ? bgp_pack_reach(&pack, msg, max, &a, &ibgp) : bgp_pack_unreach(&pack, msg, max), 0);
        while (sent < total && bgp_pack_add(&pack, &n))
            n = macip(++sent);
        len = bgp_pack_end(&pack);
        ck_assert_uint_le(len, max);
        ck_assert(sent == total || len + 35 > max); /* no room for one more */
        messages++;
        per_message = per_message ? per_message : sent;
        ck_assert_int_eq(bgp_frame_next(msg, len, max, &f, &err), (int)len);
        ck_assert_int_eq(bgp_update_decode(f.body, f.body_len, &ibgp, &u, &err), 0);
        ck_assert_int_eq(u.verdict, BGP_FINE);
        ck_assert_uint_eq(reach ? u.n_reach : u.n_unreach, sent - first);
        for (uint32_t i = first; i < sent; i++) {
            struct evpn_nlri want = macip(i);

            ck_assert(bgp_update_next(reach ? &u.reach : &u.unreach, &n));
            ck_assert(evpn_key_cmp(&n, &want) == 0 && n.label == want.label);
        }
    }
    ck_assert_uint_eq(messages, (total + per_message - 1) / per_message);
}

START_TEST(test_full_messages)
{
    pack_many(BGP_MSG_MAX, true, "198.18.0.1");
    pack_many(BGP_MSG_MAX, true, "2001:db8::1");
    pack_many(BGP_MSG_EXT_MAX, true, "198.18.0.1");
    pack_many(BGP_MSG_MAX, false, "198.18.0.1");
    pack_many(BGP_MSG_EXT_MAX, false, "198.18.0.1");
}
END_TEST

START_TEST(test_RFC7606_5_1_mp_reach_comes_first)
{
    struct bgp_attrs a = usual("198.18.0.1");
    struct evpn_nlri n = macip(1);

    ck_assert_int_eq(bgp_pack_reach(&pack, msg, BGP_MSG_MAX, &a, &ibgp), 0);
    ck_assert(bgp_pack_add(&pack, &n));
    ck_assert_uint_gt(bgp_pack_end(&pack), 0);
    ck_assert_uint_eq(msg[19 + 4 + 1], BGP_MP_REACH);
}
END_TEST

START_TEST(test_packer_refuses)
{
    struct bgp_attrs a = usual("198.18.0.1"), none = a;
    struct evpn_nlri bad = {.type = 9};

    none.next_hop.family = 0;
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, BGP_MSG_MAX, &none, &ibgp), -EINVAL);
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, 100, &a, &ibgp), -EMSGSIZE);
    ck_assert_int_eq(bgp_pack_unreach(&pack, msg, 20), -EMSGSIZE);
    ck_assert_int_eq(bgp_pack_unreach(&pack, msg, BGP_MSG_MAX), 0);
    ck_assert(!bgp_pack_add(&pack, &bad));
    ck_assert_uint_eq(pack.n, 0);
    ck_assert_uint_eq(bgp_pack_end(&pack), 0); /* nothing to send */
    while (bgp_as_path_prepend(&a.as_path, 4200000001))
        ;
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, 2000, &a, &ibgp), -EMSGSIZE);
    ck_assert_int_eq(bgp_pack_reach(&pack, msg, BGP_MSG_MAX, &a, &ibgp), 0);
}
END_TEST

START_TEST(test_R2_7_end_of_rib_as_written)
{
    struct bgp_frame f;
    int len = bgp_end_of_rib_encode((struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN}, msg, sizeof(msg));

    ck_assert_int_eq(len, 30);
    ck_assert_int_eq(bgp_frame_next(msg, 30, BGP_MSG_MAX, &f, &err), 30);
    ck_assert_int_eq(bgp_update_decode(f.body, f.body_len, &ibgp, &u, &err), 0);
    ck_assert(u.end_of_rib);
    ck_assert_int_eq(bgp_end_of_rib_encode((struct bgp_family){25, 70}, msg, 29), -ENOSPC);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bgp_pack");
    TCase *tc = tcase_create("bgp_pack");

    suite_add_tcase(s, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_R3_6_packed_as_FRR_does);
    tcase_add_test(tc, test_full_messages);
    tcase_add_test(tc, test_RFC7606_5_1_mp_reach_comes_first);
    tcase_add_test(tc, test_packer_refuses);
    tcase_add_test(tc, test_R2_7_end_of_rib_as_written);
    return run_suite(s);
}
